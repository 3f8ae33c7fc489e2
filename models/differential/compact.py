"""The compact model as it is used: an ear and a writer, without the seconds that importing transformers takes.

`modelling.DifferentialModel` is the same model with transformers around it; both have the same weights by the same
names.
"""

from typing import Protocol

from torch import Tensor, nn

from mixingbuddy.models.differential.ear import Ear, Heard
from mixingbuddy.models.differential.shape import Shape
from mixingbuddy.models.differential.writer import Writer


class CompactModel(nn.Module):
    """Ear and writer."""

    def __init__(self, config: Shape) -> None:
        super().__init__()
        self.config = config
        self.ear = Ear(config)
        self.writer = Writer(config)

    def hear(self, powers: Tensor) -> Heard:
        """What is heard in band powers (B, 2, bands, frames)."""
        heard: Heard = self.ear(powers)
        return heard


class HearsAndWrites(Protocol):
    """Either form of the model."""

    config: Shape
    writer: Writer

    def hear(self, powers: Tensor) -> Heard: ...
