"""Teach the writer: sentences of every kind, from facts that could have led to them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mixingbuddy.models.data.label_templates import EVIDENCES, Evidence, Kind, choose_template
from mixingbuddy.models.differential.shape import ROLES, Shape
from mixingbuddy.models.differential.speaking import SpokenMove, about
from mixingbuddy.models.differential.words import Words
from mixingbuddy.models.differential.writer import GROUP_FIGURES, LONGEST, About, Writer, words_loss

Sentences = tuple[Tensor, Tensor, About]
# Sentences about moves are what matters; the other kinds are few and short.
_WEIGHTS = {"too_loud": 0.38, "too_quiet": 0.38, "nothing": 0.12, "opening_one": 0.05, "opening_several": 0.05}


@dataclass(frozen=True)
class Facts:
    """What one sentence is about, as a move without names, and the template that words it."""

    kind: Kind
    evidence: Evidence
    move: SpokenMove | None
    count: int
    template: str


def draw_facts(rng: np.random.Generator) -> Facts:
    """A sentence and what led to it."""
    kinds = list(_WEIGHTS)
    kind: Kind = kinds[int(rng.choice(len(kinds), p=np.array(list(_WEIGHTS.values())) / sum(_WEIGHTS.values())))]  # type: ignore[assignment]
    evidence = EVIDENCES[int(rng.integers(len(EVIDENCES)))]
    move = _draw_move(rng, -1 if kind == "too_loud" else 1) if kind in ("too_loud", "too_quiet") else None
    count = {"nothing": 0, "opening_one": 1}.get(kind, int(rng.integers(1 if move else 2, 6)))
    known = {"count"} if move is None else {"stem", "gain", *_known_slots(move)}
    return Facts(kind, evidence, move, count, choose_template(kind, evidence, rng, known))


def _draw_move(rng: np.random.Generator, sign: int) -> SpokenMove:
    gain_db = sign * float(rng.uniform(0.5, 12))
    half_db = float(rng.uniform(0.05, 5))
    level = float(rng.uniform(-25, 0)) if rng.random() < 0.6 else None
    return SpokenMove(
        stems=("",),
        gain_db=gain_db,
        interval_db=(gain_db - half_db, gain_db + half_db),
        role=int(rng.integers(len(ROLES) + 1)),
        level_lu=level,
        target_lu=None if level is None or rng.random() < 0.1 else level + gain_db,
        p_change=float(rng.uniform(0.4, 1)),
    )


def _known_slots(move: SpokenMove) -> set[str]:
    known = {"level"} if move.level_lu is not None else set()
    known |= {"target"} if move.target_lu is not None else set()
    return known | ({"low", "high"} if move.interval_db[0] * move.interval_db[1] > 0 else set())


def sentence_batch(rng: np.random.Generator, size: int, width: int, words: Words) -> Sentences:
    """A batch of sentences: words, labels and what each is about."""
    drawn = [draw_facts(rng) for _ in range(size)]
    told = [about(one.kind, one.evidence, one.move, one.count) for one in drawn]
    groups = rng.normal(0, 0.5, (2, size, len(ROLES), GROUP_FIGURES)).astype(np.float32)
    # What was heard and who else is there must not change which words fit.
    remembered = rng.normal(0, 1, (size, len(ROLES), width)) * (rng.random((size, 1, 1)) < 0.5)
    facts = About(
        torch.tensor([one[0] for one in told]),
        torch.tensor([one[1] for one in told]),
        torch.tensor([one[2] for one in told]),
        torch.tensor([one[3] for one in told]),
        torch.from_numpy(groups[0]),
        torch.from_numpy(groups[1]),
        torch.from_numpy(remembered.astype(np.float32)),
    )
    return *words_of([one.template for one in drawn], words), facts


def words_of(templates: list[str], words: Words) -> tuple[Tensor, Tensor]:
    """Token numbers and labels (B, words); labels are -100 after the end."""
    rows = [words.encode(one)[:LONGEST] for one in templates]
    longest = max(len(row) for row in rows)
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    labels = torch.tensor([row + [-100] * (longest - len(row)) for row in rows])
    return ids, labels


def writer_task(
    writer: Writer, shape: Shape, size: int, device: str
) -> tuple[Callable[[np.random.Generator], Sentences], Callable[[Sentences], tuple[Tensor, dict[str, float]]]]:
    """Functions that draw a batch and give its loss."""
    words = Words(shape.vocabulary)

    def batch(rng: np.random.Generator) -> Sentences:
        return sentence_batch(rng, size, shape.width, words)

    def loss(drawn: Sentences) -> tuple[Tensor, dict[str, float]]:
        ids, labels, facts = drawn
        told = words_loss(writer, ids.to(device), labels.to(device), About(*(part.to(device) for part in facts)))
        return told, {"words": round(float(told.detach()), 5)}

    return batch, loss
