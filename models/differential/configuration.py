"""The model's shape as a configuration of transformers."""

from typing import Any

from transformers import PretrainedConfig

from mixingbuddy.models.differential.shape import FORMAT_VERSION, ROLES, Shape
from mixingbuddy.models.differential.words import BEGIN, END, PAD

__all__ = ["FORMAT_VERSION", "ROLES", "DifferentialConfig"]


class DifferentialConfig(PretrainedConfig):  # type: ignore[no-untyped-call]
    """Configuration of `DifferentialModel`: the fields of `Shape`, which says what they mean, as attributes."""

    model_type = "mixingbuddy-differential"

    def __init__(self, **given: Any) -> None:
        shape = Shape(**{name: value for name, value in given.items() if name in Shape.model_fields})
        for name, value in shape.model_dump(mode="json").items():
            setattr(self, name, value)
        self.vocab_size = shape.vocab_size
        self.num_hidden_layers = shape.text_layers
        self.is_encoder_decoder = False
        own = {*Shape.model_fields, "vocab_size", "num_hidden_layers", "is_encoder_decoder"}
        numbers = zip(("pad_token_id", "bos_token_id", "eos_token_id"), (PAD, BEGIN, END), strict=True)
        tokens = {name: shape.vocabulary.index(token) for name, token in numbers}
        super().__init__(**{name: value for name, value in given.items() if name not in own} | tokens)
