"""What the writer learns from: sentences that say only what led to them, and labels that end where they end."""

from collections import Counter

import numpy as np
import pytest
import torch
from tiny_differential import tiny

from mixingbuddy.models.data.label_templates import EVIDENCES, all_templates, slots_of
from mixingbuddy.models.differential.modelling import DifferentialModel
from mixingbuddy.models.differential.shape import Shape
from mixingbuddy.models.differential.words import BEGIN, END, PAD, Words, template_vocabulary
from mixingbuddy.models.differential.writer import FIGURES
from mixingbuddy.models.differential.writer_training import Facts, draw_facts, sentence_batch, words_of, writer_task

WORDS = Words(template_vocabulary())


@pytest.fixture(scope="module")
def drawn() -> list[Facts]:
    rng = np.random.default_rng(0)
    return [draw_facts(rng) for _ in range(1500)]


def test_a_sentence_has_no_slot_that_its_move_does_not_know(drawn: list[Facts]) -> None:
    for one in drawn:
        slots, move = slots_of(one.template), one.move
        if move is None:
            assert slots <= {"count"}
            continue
        assert {"stem", "gain"} <= slots
        assert "level" not in slots or move.level_lu is not None
        assert "target" not in slots or move.target_lu is not None
        assert not slots & {"low", "high"} or min(move.interval_db) > 0 or max(move.interval_db) < 0


def test_a_sentence_is_one_of_its_own_kind_and_evidence(drawn: list[Facts]) -> None:
    known = set(all_templates())
    for one in drawn:
        assert known & {(one.kind, one.evidence, one.template), (one.kind, "any", one.template)}


def test_a_move_goes_the_way_its_kind_says_and_ends_at_its_target(drawn: list[Facts]) -> None:
    for one in drawn:
        assert (one.move is not None) == (one.kind in ("too_loud", "too_quiet"))
        if one.move is None:
            continue
        low, high = one.move.interval_db
        assert (one.move.gain_db < 0) == (one.kind == "too_loud")
        assert low < one.move.gain_db < high
        if one.move.target_lu is not None:
            assert one.move.level_lu is not None
            assert one.move.target_lu - one.move.level_lu == pytest.approx(one.move.gain_db)


def test_every_kind_of_evidence_and_nearly_every_sentence_comes_up(drawn: list[Facts]) -> None:
    assert set(Counter(one.evidence for one in drawn)) == set(EVIDENCES)
    kinds = {one.kind for one in drawn}
    wanted = {template for kind, _, template in all_templates() if kind in kinds}
    assert len({one.template for one in drawn} & wanted) > 0.9 * len(wanted)


def test_labels_are_the_words_up_to_the_end_and_nothing_after_it() -> None:
    templates = ["Lower {stem} by {gain}.", "Raise {stem} by {gain}."]
    longer = max((t for _, _, t in all_templates()), key=len)
    ids, labels = words_of([*templates, longer], WORDS)
    for row, told, template in zip(ids.tolist(), labels.tolist(), [*templates, longer], strict=True):
        end = row.index(WORDS.numbers[END])
        assert row[0] == WORDS.numbers[BEGIN]
        assert told[: end + 1] == row[: end + 1]
        assert set(told[end + 1 :]) <= {-100}
        assert set(row[end + 1 :]) <= {WORDS.numbers[PAD]}
        assert WORDS.decode(row) == template
    assert (labels == -100).sum() == (ids == WORDS.numbers[PAD]).sum() > 0


def test_a_batch_fits_the_model_and_follows_from_its_generator() -> None:
    once, again = (sentence_batch(np.random.default_rng(3), 8, 16, WORDS) for _ in range(2))
    ids, labels, facts = once
    for value, same in zip((ids, labels, *facts), (*again[:2], *again[2]), strict=True):
        assert torch.equal(value, same)
        assert len(value) == 8
    assert ids.shape == labels.shape
    assert facts.figures.shape == (8, FIGURES)
    assert facts.heard.shape == (8, 4, 16)
    remembered = facts.heard.flatten(1).abs().sum(1) > 0
    assert 0 < remembered.sum() < 8


def test_a_writer_learns() -> None:
    model = tiny(DifferentialModel).train()
    batch, loss = writer_task(model.writer, Shape(width=model.config.width), 16, "cpu")
    rng = np.random.default_rng(0)
    optimiser = torch.optim.Adam(model.writer.parameters(), 0.01)
    losses = []
    for _ in range(40):
        value, figures = loss(batch(rng))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(figures["words"])
    # As little as it is, it knows by now which words are frequent.
    assert losses[-1] < 0.7 * losses[0]
