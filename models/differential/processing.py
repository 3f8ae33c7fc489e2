"""What goes into the model and what comes out: sounds to band powers, templates to tokens and back."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from transformers import FeatureExtractionMixin

from mixingbuddy.models.differential.bands import HOP, RATE_HZ, ear_powers, layout
from mixingbuddy.models.differential.words import BEGIN, END, PAD, PIECES, Words
from mixingbuddy.tools.audio import Audio

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


class BandExtractor(FeatureExtractionMixin):
    """Sounds to band powers, as a feature extractor of transformers."""

    model_input_names = ("powers",)

    def __init__(
        self, sampling_rate: int = RATE_HZ, hop: int = HOP, bands: int = layout().count, **kwargs: object
    ) -> None:
        if (sampling_rate, hop, bands) != (RATE_HZ, HOP, layout().count):
            raise ValueError(
                f"these weights hear {bands} bands every {hop} samples at {sampling_rate} Hz; other code is needed"
            )
        super().__init__(sampling_rate=sampling_rate, hop=hop, bands=bands, **kwargs)  # type: ignore[no-untyped-call]

    def __call__(self, sounds: list[Audio], sampling_rate: int) -> dict[str, NDArray[np.float32]]:
        """Powers (B, 2, bands, frames) of sounds of one length, each float32 (channels, samples)."""
        return {"powers": np.stack([ear_powers(sound, sampling_rate) for sound in sounds])}


class DifferentialProcessor:
    """Extractor and tokenizer of a model, saved and loaded beside its weights."""

    def __init__(self, extractor: BandExtractor, tokenizer: "PreTrainedTokenizerFast") -> None:
        self.feature_extractor = extractor
        self.tokenizer = tokenizer
        self.words = Words(sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__))

    @classmethod
    def of(cls, words: Words) -> "DifferentialProcessor":
        """The processor of a model with these words."""
        return cls(BandExtractor(), make_tokenizer(words))

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "DifferentialProcessor":
        """The processor that lies in a folder of weights."""
        from transformers import PreTrainedTokenizerFast

        extractor = BandExtractor.from_pretrained(str(folder), local_files_only=True)
        return cls(extractor, PreTrainedTokenizerFast.from_pretrained(str(folder), local_files_only=True))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the extractor's settings and the tokenizer into the folder."""
        self.feature_extractor.save_pretrained(str(folder))
        self.tokenizer.save_pretrained(str(folder))

    def decode(self, numbers: list[int]) -> str:
        """What the model wrote, as a template with slots."""
        return self.words.decode(numbers)


def make_tokenizer(words: Words) -> "PreTrainedTokenizerFast":
    """A word-level tokenizer for templates, with the numbers of `words`."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.WordLevel(words.numbers, unk_token=PAD))
    spaces = pre_tokenizers.Split(Regex(r"\s+"), behavior="removed")
    core.pre_tokenizer = pre_tokenizers.Sequence([spaces, pre_tokenizers.Split(Regex(PIECES), behavior="isolated")])
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=core, pad_token=PAD, bos_token=BEGIN, eos_token=END
    )
