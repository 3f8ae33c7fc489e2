"""Where a reference starts, seen from the stems: whole-song correlation first, then one delay per window."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.audio import Audio

Mono = NDArray[np.float32]

COARSE_RATE_HZ = 5500
# Left and right get unequal weights, so that a part recorded out of phase between them does not vanish.
RIGHT_WEIGHT = np.float32(0.6)
# 1 would be the phase transform (GCC-PHAT, Knapp and Carter 1976), 0 plain correlation.
WHITENING = 0.8


def as_mono(audio: Audio) -> Mono:
    """One channel (samples,) out of float32 (channels, samples); no mixdown, only good for finding delays."""
    return audio[0] if audio.shape[0] == 1 else np.asarray(audio[0] + RIGHT_WEIGHT * audio[1])


def coarse_step(sample_rate_hz: int) -> int:
    """Samples per step of `coarse_delay`."""
    return max(1, sample_rate_hz // COARSE_RATE_HZ)


def coarse_delay(song: Mono, reference: Mono, sample_rate_hz: int) -> int:
    """Samples by which `reference` runs later than `song`, to about one step of 0.2 ms; any lag is possible."""
    step = coarse_step(sample_rate_hz)
    return step * _best_lag([_decimated(song, step)], [_decimated(reference, step)])


def fine_delay(song: Mono, reference: Mono, starts: Sequence[int], length: int, around: int, search: int) -> int:
    """Samples by which `reference` runs later than `song`, within `around` +- `search`.

    All excerpts song[start : start + length] speak together: a single one may hold one note that fits anywhere.
    """
    excerpts = [_faded(song[start : start + length]) for start in starts]
    begins = [start + around - search for start in starts]
    later = [_faded(_slice(reference, begin, begin + length + 2 * search)) for begin in begins]
    return around - search + _best_lag(excerpts, later, highest=2 * search)


def _best_lag(song: Sequence[Mono], reference: Sequence[Mono], highest: int | None = None) -> int:
    """Lag (0..highest, or any) of the largest whitened cross-correlation, of either sign, summed over pairs."""
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(len(song[0]) + len(reference[0]), real=True)
    cross = np.zeros(size // 2 + 1, dtype=np.complex64)
    for early, late in zip(song, reference, strict=True):
        cross += rfft(late, size) * np.conj(rfft(early, size))
    magnitude = np.abs(cross)
    cross /= (magnitude + np.float32(1e-4) * magnitude.mean() + np.float32(1e-30)) ** np.float32(WHITENING)
    correlation = np.abs(irfft(cross, size))
    if highest is not None:
        return int(correlation[: highest + 1].argmax())
    best = int(correlation.argmax())
    return best if best < len(reference[0]) else best - size


def _faded(excerpt: Mono) -> Mono:
    """Without a mean and faded in and out: whitening would turn the edges of a cut into the loudest thing there is."""
    return np.asarray((excerpt - excerpt.mean()) * np.hanning(len(excerpt)).astype(np.float32))


def _decimated(mono: Mono, step: int) -> Mono:
    whole = len(mono) - len(mono) % step
    return mono[:whole].reshape(-1, step).mean(axis=1) if whole else mono


def _slice(mono: Mono, start: int, stop: int) -> Mono:
    """mono[start:stop] with silence where that lies outside."""
    inside = mono[max(start, 0) : max(stop, 0)]
    return np.pad(inside, (min(max(-start, 0), stop - start), max(stop - start - len(inside) - max(-start, 0), 0)))
