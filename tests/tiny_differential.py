"""Small models of random weights, the shipped one, and real previews, each made once, for tests."""

from functools import cache
from pathlib import Path
from typing import Any

from mixingbuddy.tools.multitrack import Multitrack, Reference, Stem

SIZES: dict[str, Any] = {
    "channels": (4, 4, 8), "width": 16, "layers": 1, "heads": 2, "text_width": 16, "text_layers": 1,
}  # fmt: skip


def tiny(kind: type[Any], seed: int = 0, **settings: Any) -> Any:
    """A model of this class that has learnt nothing."""
    import torch

    from mixingbuddy.models.differential.shape import Shape

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return kind(getattr(kind, "config_class", Shape)(**{**SIZES, **settings})).eval()


@cache
def tiny_model(seed: int = 0) -> Any:
    from mixingbuddy.models.differential.compact import CompactModel

    return tiny(CompactModel, seed)


@cache
def tiny_single_mix(seed: int = 0) -> Any:
    from mixingbuddy.models.differential.single_mix_model import SingleMixModel

    return tiny(SingleMixModel, seed)


@cache
def shipped_model() -> Any:
    from mixingbuddy.models.differential.weights import load_model

    return load_model()


@cache
def previews(shared_data: Path, count: int = 4) -> tuple[Multitrack, ...]:
    """Validation songs, seven seconds each, with stems "vocals", "drums", "bass" and "other"."""
    from mixingbuddy.models.data.songs import find_songs

    return tuple(source.load() for source in find_songs(shared_data / "musdb18-7s", "valid")[:count])


def mixed(song: Multitrack, without: str | None = None) -> Reference:
    """The mix of a song, as a reference mix; one stem may be muted."""
    from mixingbuddy.models.data.chunks import mix_of

    audio = mix_of([stem for stem in song.stems if stem.name != without])
    return Reference("mix", f"{song.name} mix", (Stem("mix", "other", audio),))
