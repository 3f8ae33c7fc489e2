"""Names for stems: printable, different from each other, and never a mixdown's."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mixingbuddy.tools.errors import printable

# Native Instruments stem files hold the mixture first, then four stems; MUSDB18 orders them so.
STEM_FILE_NAMES = ("mixture", "drums", "bass", "other", "vocals")
_MIXDOWN_WORDS = {"mix", "mixture", "mixdown", "master", "mastered", "bounce", "2mix", "stereomix", "fullmix"}
_MIXDOWN_FILLERS = {"final", "full", "rough", "stereo", "main", "out", "print", "ref", "reference", "unmastered", "the"}


def is_mixdown(stem: str) -> bool:
    """Whether a file of this name is a mix of the others: 'Final Mix 2' is, 'Vocal Mix' is not."""
    words = _words(stem)
    return bool(words & _MIXDOWN_WORDS) and words <= _MIXDOWN_WORDS | _MIXDOWN_FILLERS


def mentions_a_mix(stem: str) -> bool:
    """Whether a name holds a word for a mixdown among others: 'My Song Mix v3' does, and so does 'Vocal Mix'."""
    return bool(_words(stem) & _MIXDOWN_WORDS)


def _words(stem: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", stem.lower()) if word and not re.fullmatch(r"v?\d+", word)}


def unique_names(files: Sequence[Path]) -> list[str]:
    """Printable, different names: the suffix is kept where two files share the rest, then a number is added."""
    plain = [printable(file.stem) or "stem" for file in files]
    shared = {name for name, count in Counter(name.casefold() for name in plain).items() if count > 1}
    named = [
        printable(file.name) if name.casefold() in shared else name for file, name in zip(files, plain, strict=True)
    ]
    seen: Counter[str] = Counter()
    unique = []
    for name in named:
        seen[name.casefold()] += 1
        unique.append(name if seen[name.casefold()] == 1 else f"{name} ({seen[name.casefold()]})")
    return unique


def stream_names(count: int) -> list[tuple[int, str]]:
    """The stems of a stem file with `count` streams, as (stream, name); its first stream, the mixture, is left out."""
    if count == len(STEM_FILE_NAMES):
        return list(enumerate(STEM_FILE_NAMES))[1:]
    return [(number, f"stem {number}") for number in range(1, count)]
