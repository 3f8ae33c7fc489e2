"""Choose the seconds of a song that say most about every stem."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.audio import Audio

QUIET_DB = -50.0


def window_starts(stems: Sequence[Audio], first: int, last: int, length: int, count: int) -> list[int]:
    """Starts (samples) of at most `count` windows of `length` samples inside [first, last) of the song.

    `stems` are float32 (channels, samples). Everything is taken where it fits. Else windows are picked one by
    one, each time the one that adds most to the stems heard least so far.
    """
    available = max(1, (last - first) // length)
    if available <= count:
        # The rest is taken along by a last window that overlaps the one before it.
        starts = [first + number * length for number in range(available)]
        return starts if last - first - available * length < length // 4 else [*starts, last - length]
    energy = np.stack([_energies(stem, first, available, length) for stem in stems])
    return [first + int(number) * length for number in _pick(energy, count)]


def _energies(audio: Audio, first: int, windows: int, length: int) -> NDArray[np.float64]:
    parts = audio[:, first : first + windows * length].reshape(audio.shape[0], windows, length)
    return np.asarray(np.einsum("cwn,cwn->w", parts, parts), dtype=np.float64)


def _pick(energy: NDArray[np.float64], count: int) -> list[int]:
    """Greedy choice that maximises the sum over stems of log(heard so far); energy is (stems, windows)."""
    total = energy.sum(axis=0)
    usable = total > total.max() * 10 ** (QUIET_DB / 10)
    # A stem is measured as well as it stands out, and standing out by more than half gains little.
    heard = np.sqrt(energy / np.maximum(total, 1e-30)) * usable
    so_far = np.full(len(energy), 0.05)
    left = list(np.flatnonzero(usable))
    picked: list[int] = []
    while left and len(picked) < count:
        gains = np.log1p(heard[:, left] / so_far[:, None]).sum(axis=0)
        best = left.pop(int(gains.argmax()))
        picked.append(int(best))
        so_far += heard[:, best]
    return sorted(picked)
