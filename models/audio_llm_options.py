"""What a training of a large audio-language model depends on, and what follows from it for every step."""

import math
from dataclasses import dataclass

import numpy as np

from mixingbuddy.tools.errors import UserError


@dataclass(frozen=True)
class Options:
    """What decides the outcome of a training, besides the model and the lessons."""

    steps: int = 2000
    seed: int = 0
    learning_rate: float = 1e-4
    gradient_accumulation: int = 16
    warm_up: float = 0.03  # share of the steps
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    four_bit: bool = False
    train_lm_head: bool = False  # for models of random weights, which learn nothing without it

    def check(self) -> None:
        """Raise UserError for a number that makes no training."""
        for name in ("steps", "gradient_accumulation", "rank"):
            if getattr(self, name) < 1:
                raise UserError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not 0 < self.learning_rate < 1:
            raise UserError(f"the learning rate is {self.learning_rate}; it must lie between 0 and 1")


@dataclass(frozen=True)
class Progress:
    """One step of a training: how many of `steps` are done, its mean loss (nats per token) and its seconds."""

    step: int
    steps: int
    loss: float
    seconds: float


def rate_at(step: int, options: Options) -> float:
    """Share of the learning rate at a step: a linear start, then half a cosine down to nothing."""
    start = max(1, round(options.warm_up * options.steps))
    if step < start:
        return (step + 1) / start
    return 0.5 * (1 + math.cos(math.pi * (step - start) / max(1, options.steps - start)))


def order_at(index: int, lessons: int, seed: int) -> int:
    """Which lesson comes as number `index`: all of them in an order of its own in every round."""
    rounds, place = divmod(index, lessons)
    return int(np.random.default_rng([seed, rounds]).permutation(lessons)[place])
