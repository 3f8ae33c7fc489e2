"""Fine-tune for the task: triplets of a song, a reference and the move between them, from sound to answer.

Each example is a professional balance (one song's, or roles of several songs at one song's levels) with a flaw on one
role or none. Half of the time the flawed sound is heard alone (setting `mix`), half of the time the clean one is heard
as another song's mix, and the flawed levels are known (`stems+other-mix`). What was heard is weighed just as the
advisor weighs it; the loss is the log-probability of the true answer, and of the sentence that says it.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mixingbuddy.models.data.label_templates import choose_template
from mixingbuddy.models.data.songs import TARGETS
from mixingbuddy.models.differential.compact import HearsAndWrites
from mixingbuddy.models.differential.ear import Heard
from mixingbuddy.models.differential.ear_training import EarBatch, Songs, ear_loss, true_levels
from mixingbuddy.models.differential.posterior import FREEDOM, WITH_ANCHOR, contrasts, hypotheses
from mixingbuddy.models.differential.remixes import RemixRules, remix
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.models.differential.speaking import SpokenMove, about
from mixingbuddy.models.differential.words import Words
from mixingbuddy.models.differential.writer import About, words_loss
from mixingbuddy.models.differential.writer_training import words_of

HEARING_WEIGHT, WORDS_WEIGHT = 0.3, 0.1
# Nearly professional mixes: mild equalising, no parts missing. Most take their roles from several songs, so that the
# balance of a song that is known by heart does not give the answer away.
RULES = RemixRules(across_songs=0.9, dropped=0.0, equaliser_db=2.0, narrowed=0.15, mono=0.03)
SIZES_DB = ((3.0, 6.0), (6.0, 12.0))


@dataclass(frozen=True)
class TaskBatch:
    """Sounds (B), the flaw of each (B, 4) in dB, its anchor (B,), whether the clean sound is heard as a reference (B,),
    and each one's class: 0 for none, then signed roles as `class_of` numbers them."""

    heard: EarBatch
    flaws_db: Tensor
    anchors: tuple[int, ...]
    as_reference: Tensor
    classes: Tensor

    def to(self, device: str) -> "TaskBatch":
        """The same batch elsewhere."""
        heard = EarBatch(self.heard.mix.to(device), self.heard.parts.to(device))
        return TaskBatch(
            heard,
            self.flaws_db.to(device),
            self.anchors,
            self.as_reference.to(device),
            self.classes.to(device),
        )


def draw_flaw(rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """A flaw (4,) on one target or none, as protocol `single` draws them, and an anchor that has none."""
    target, anchor = (int(role) for role in rng.permutation(len(TARGETS))[:2])
    flaw = np.zeros(len(ROLES), np.float32)
    if rng.random() >= 0.2:
        low, high = SIZES_DB[int(rng.integers(2))]
        flaw[target] = rng.uniform(low, high) * rng.choice([-1, 1])
    return flaw, anchor


def class_of(flaw_db: np.ndarray) -> int:
    """0 for no flaw; 1 + 2 * role for a role that is too quiet, 2 + 2 * role for one that is too loud."""
    role = int(np.abs(flaw_db).argmax())
    return 0 if flaw_db[role] == 0 else 1 + 2 * role + int(flaw_db[role] > 0)


def draw_task_batch(
    songs: Songs, rng: np.random.Generator, size: int, frames: int, referenced: float = 0.5
) -> TaskBatch:
    """A batch of triplets, as band powers; a share of them with the clean sound as the reference."""
    flaws, anchors, mixes, parts, references = [], [], [], [], []
    shortest = min(version.products.shape[3] for versions in songs for version in versions)
    for _ in range(size):
        flaw, anchor = draw_flaw(rng)
        as_reference = bool(rng.random() < referenced)
        drawn = remix(songs, rng, min(frames, shortest // 4 * 4), RULES, np.zeros_like(flaw) if as_reference else flaw)
        flaws.append(flaw)
        anchors.append(anchor)
        references.append(as_reference)
        mixes.append(drawn.mix)
        parts.append(drawn.parts)
    return TaskBatch(
        EarBatch(torch.from_numpy(np.stack(mixes)), torch.from_numpy(np.stack(parts))),
        torch.from_numpy(np.stack(flaws)),
        tuple(anchors),
        torch.tensor(references),
        torch.tensor([class_of(flaw) for flaw in flaws]),
    )


def class_log_probabilities(model: HearsAndWrites, heard: Heard, levels: Tensor, batch: TaskBatch) -> Tensor:
    """Log-probability (B, 7) of no flaw and of every signed target, by the advisor's own weighing, differentiable."""
    place = heard.levels.device
    basis = torch.from_numpy(contrasts(len(ROLES))).float().to(place)
    prior_mean = basis @ torch.tensor(model.config.balance_mean_db, device=place)
    prior = basis @ torch.tensor(model.config.balance_covariance_db, device=place) @ basis.T
    covariance = basis @ (heard.cholesky @ heard.cholesky.transpose(1, 2)) @ basis.T * model.config.hearing_scale
    mean = heard.levels @ basis.T
    precision = torch.linalg.inv(covariance)
    both = torch.linalg.inv(precision + torch.linalg.inv(prior))
    aimed = (both @ (precision @ mean[:, :, None] + torch.linalg.solve(prior, prior_mean)[:, None]))[:, :, 0]
    known = (levels + batch.flaws_db) @ basis.T
    reference = batch.as_reference[:, None]
    excess = torch.where(reference, known - aimed, mean - prior_mean)
    spread = torch.where(reference[:, :, None], both, covariance + prior)
    return torch.stack(
        [_log_classes(excess[i], torch.linalg.inv(spread[i]), basis, anchor) for i, anchor in enumerate(batch.anchors)]
    )


def _log_classes(excess: Tensor, precision: Tensor, basis: Tensor, anchor: int) -> Tensor:
    gains, log_prior, members = _single_flaws(anchor, str(excess.device))
    rest = excess - gains @ basis.T
    distance = torch.einsum("hi,ij,hj->h", rest, precision, rest)
    log_posterior = log_prior - 0.5 * (FREEDOM + basis.shape[0]) * torch.log1p(distance / FREEDOM)
    by_class = [torch.logsumexp(log_posterior[m], 0) if m.any() else log_posterior.new_tensor(-30.0) for m in members]
    return torch.log_softmax(torch.stack(by_class), 0)


@lru_cache(maxsize=8)
def _single_flaws(anchor: int, device: str) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    chances = tuple(float(role != anchor and role < len(TARGETS)) for role in range(len(ROLES)))
    flaws = hypotheses(chances, (WITH_ANCHOR.counts[0], 1 - WITH_ANCHOR.counts[0]))
    number = np.array([class_of(sign) for sign in flaws.signs])[flaws.classes]
    members = tuple(torch.from_numpy(number == one).to(device) for one in range(1 + 2 * len(TARGETS)))
    gains, log_prior = torch.from_numpy(flaws.gains_db).float(), torch.from_numpy(flaws.log_prior).float()
    return gains.to(device), log_prior.to(device), members


def sentences(
    batch: TaskBatch, levels: Tensor, heard: Heard, rng: np.random.Generator, words: Words
) -> tuple[Tensor, Tensor, About]:
    """The sentence that says each example's move: words, labels and what it is about."""
    told, templates = [], []
    for i in range(len(batch.anchors)):
        flaw = batch.flaws_db[i].cpu().numpy()
        role = int(np.abs(flaw).argmax())
        gain_db = -float(flaw[role])
        evidence = "other_mix" if bool(batch.as_reference[i]) else "mix_only"
        move = None
        if gain_db:
            level = float(levels[i, role]) + (float(flaw[role]) if evidence == "other_mix" else 0.0)
            half_db = float(rng.uniform(0.5, 3))
            move = SpokenMove(("",), gain_db, (gain_db - half_db, gain_db + half_db), role, level, level + gain_db)
        kind = "nothing" if move is None else "too_loud" if gain_db < 0 else "too_quiet"
        known = {"stem", "gain", "level", "target"} if move else set()
        if move and move.interval_db[0] * move.interval_db[1] > 0:
            known |= {"low", "high"}
        templates.append(choose_template(kind, evidence, rng, known))  # type: ignore[arg-type]
        told.append(about(kind, evidence, move, int(move is not None)))  # type: ignore[arg-type]
    ids, labels = words_of(templates, words)
    own = torch.zeros(len(told), len(ROLES), 3)
    own[:, :, 0], own[:, :, 2] = (levels + batch.flaws_db).detach().cpu() / 20, 1.0
    deviation = torch.linalg.vector_norm(heard.cholesky, dim=2).detach()
    reference = torch.stack(
        [heard.levels.detach() / 20, deviation / 5, torch.sigmoid(heard.present_logits.detach())], 2
    )
    facts = About(
        torch.tensor([one[0] for one in told]),
        torch.tensor([one[1] for one in told]),
        torch.tensor([one[2] for one in told]),
        torch.tensor([one[3] for one in told]),
        own * batch.as_reference.cpu()[:, None, None],
        reference,
        heard.pooled,
    )
    place = heard.pooled.device
    return ids.to(place), labels.to(place), About(*(part.to(place) for part in facts))


def task_loss(model: HearsAndWrites, batch: TaskBatch, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
    """Answer, hearing and words together."""
    heard = model.hear(batch.heard.mix)
    levels = true_levels(batch.heard)[1]
    classes = class_log_probabilities(model, heard, levels, batch)
    answer = functional.nll_loss(classes, batch.classes)
    hearing, figures = ear_loss(heard, batch.heard)
    words = words_loss(model.writer, *sentences(batch, levels, heard, rng, Words(model.config.vocabulary)))
    right = (classes.argmax(1) == batch.classes).float().mean()
    loss = answer + HEARING_WEIGHT * hearing + WORDS_WEIGHT * words
    told = {"answer": answer, "right": right, "words": words}
    return loss, {**{name: round(float(value.detach()), 5) for name, value in told.items()}, **figures}


Drawn = tuple[TaskBatch, int]


def task(
    model: HearsAndWrites, songs: Songs, size: int, frames: int, device: str
) -> tuple[Callable[[np.random.Generator], Drawn], Callable[[Drawn], tuple[Tensor, dict[str, float]]]]:
    """Functions that draw a batch and give its loss."""

    def batch(rng: np.random.Generator) -> Drawn:
        return draw_task_batch(songs, rng, size, frames).to(device), int(rng.integers(2**31))

    def loss(drawn: Drawn) -> tuple[Tensor, dict[str, float]]:
        return task_loss(model, drawn[0], np.random.default_rng(drawn[1]))

    return batch, loss


def frozen_statistics(model: torch.nn.Module) -> None:
    """Training mode, but running statistics stay as they are: an adapter does not carry them."""
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()


def adapted(model: torch.nn.Module, rank: int, alpha: int, layers: Sequence[str]) -> torch.nn.Module:
    """The model with a fresh LoRA adapter on these linear layers of ear and writer."""
    from peft import LoraConfig, get_peft_model

    targets = rf".*({'|'.join(layers)})"
    with warnings.catch_warnings():
        # peft reads a property that transformers is about to rename; neither matters here.
        warnings.simplefilter("ignore", FutureWarning)
        whole = get_peft_model(model, LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.05, target_modules=targets))
    frozen_statistics(whole)
    return whole
