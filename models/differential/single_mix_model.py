"""The baseline that the differential model is held against: the same ear and writer, but it hears only the flawed mix.

It is trained by the single-input method: mix and anchor in, flaw out. Whether comparing helps is then measured, not
assumed.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mixingbuddy.models.data.songs import TARGETS
from mixingbuddy.models.differential.compact import CompactModel
from mixingbuddy.models.differential.ear import Heard
from mixingbuddy.models.differential.ear_training import Songs, true_levels
from mixingbuddy.models.differential.shape import ROLES, Shape
from mixingbuddy.models.differential.task_training import Drawn, TaskBatch, draw_task_batch, sentences
from mixingbuddy.models.differential.words import Words
from mixingbuddy.models.differential.writer import words_loss

CLASSES = 1 + 2 * len(TARGETS)
NO_ANCHOR = len(TARGETS)
WORDS_WEIGHT, GAIN_WEIGHT = 0.1, 0.2
IMPOSSIBLE = -1e4


class FlawGuess(NamedTuple):
    """Logits (B, 7) of no flaw and every signed target; gain (B, 3) of each target in dB if it is flawed, and its log
    standard deviation (B, 3)."""

    logits: Tensor
    gain_db: Tensor
    log_deviation: Tensor


class SingleMixModel(CompactModel):
    """Ear, writer and a head that guesses the flaw from one mix."""

    def __init__(self, config: Shape) -> None:
        super().__init__(config)
        self.anchor = nn.Embedding(len(TARGETS) + 1, config.width)
        inputs = len(ROLES) * config.width + len(ROLES) + config.width
        self.guess = nn.Sequential(nn.Linear(inputs, config.width), nn.GELU(), nn.Linear(config.width, CLASSES + 6))

    def guess_flaw(self, powers: Tensor, anchors: Tensor) -> FlawGuess:
        """From band powers (B, 2, bands, frames) and anchors (B,): numbers into TARGETS, 3 for none."""
        return self.guess_from(self.hear(powers), anchors)

    def guess_from(self, heard: Heard, anchors: Tensor) -> FlawGuess:
        """The same from what was heard already."""
        whole = torch.cat([heard.pooled.flatten(1), heard.levels / 10, self.anchor(anchors)], dim=1)
        logits, gain, deviation = self.guess(whole).split([CLASSES, 3, 3], dim=1)
        barred = torch.zeros_like(logits)
        for row, anchor in enumerate(anchors.tolist()):
            if anchor < NO_ANCHOR:
                barred[row, 1 + 2 * anchor : 3 + 2 * anchor] = IMPOSSIBLE
        return FlawGuess(logits + barred, gain * 10, deviation.clamp(-1, 2.5))


def guess_loss(model: SingleMixModel, batch: TaskBatch, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
    """Class, gain and words together."""
    heard = model.hear(batch.heard.mix)
    guess = model.guess_from(heard, torch.tensor(batch.anchors, device=batch.flaws_db.device))
    answer = functional.cross_entropy(guess.logits, batch.classes)
    flaws = batch.flaws_db[:, : len(TARGETS)]
    flawed = (flaws != 0).float()
    error = (flaws - guess.gain_db) / guess.log_deviation.exp()
    gain = ((0.5 * error.square() + guess.log_deviation) * flawed).sum() / flawed.sum().clamp_min(1)
    vocabulary = Words(model.config.vocabulary)
    words = words_loss(model.writer, *sentences(batch, true_levels(batch.heard)[1], heard, rng, vocabulary))
    right = (guess.logits.argmax(1) == batch.classes).float().mean()
    figures = {"answer": answer, "right": right, "gain": gain, "words": words}
    loss = answer + GAIN_WEIGHT * gain + WORDS_WEIGHT * words
    return loss, {name: round(float(value.detach()), 5) for name, value in figures.items()}


def single_mix_task(
    model: SingleMixModel, songs: Songs, size: int, frames: int, device: str
) -> tuple[Callable[[np.random.Generator], Drawn], Callable[[Drawn], tuple[Tensor, dict[str, float]]]]:
    """Functions that draw a batch of flawed mixes and give its loss."""

    def batch(rng: np.random.Generator) -> Drawn:
        return draw_task_batch(songs, rng, size, frames, referenced=0.0).to(device), int(rng.integers(2**31))

    def loss(drawn: Drawn) -> tuple[Tensor, dict[str, float]]:
        return guess_loss(model, drawn[0], np.random.default_rng(drawn[1]))

    return batch, loss
