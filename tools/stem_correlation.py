"""How alike two stems are and how far apart: whitened cross-correlation (Knapp and Carter 1976).

Every stem is whitened once, in a few windows and at about 5.5 kHz (`find_candidates`); a pair then costs one product
and one inverse FFT. Only pairs that stand out are read again at the full rate (`compare_pair`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mono = NDArray[np.float32]
# (index of the stem, first sample, samples) -> float32 (samples,), zeros where the stem has ended
ReadMono = Callable[[int, int, int], Mono]

COARSE_RATE_HZ = 5500
LONGEST_DELAY_S = 0.15
WHITENING = 0.8  # 1 would be the phase transform (Knapp and Carter 1976)
STANDS_OUT = 12.0  # times the median correlation at all other delays
CLOSE_MICS_S = 0.003  # one metre
CLEAR_SIGN = 1.4  # a delay through a filter has lobes of both signs; only a clear one tells the polarity


@dataclass(frozen=True)
class Windows:
    """Where the stems are compared: first samples, length in samples, and mean squares (stems, windows)."""

    starts: tuple[int, ...]
    length: int
    energies: NDArray[np.float64]


@dataclass(frozen=True)
class Alike:
    """How a second stem resembles a first: `delay` in samples (negative: it is earlier), `against` if inverted."""

    delay: int
    correlation: float
    coherence: float
    gain_db: float | None
    against: bool


def find_candidates(count: int, rate_hz: int, windows: Windows, read: ReadMono) -> list[tuple[int, int, int]]:
    """(stem, stem, samples by which the second is later) of the pairs whose correlation stands out."""
    from scipy.fft import irfft, next_fast_len, rfft

    step = max(1, rate_hz // COARSE_RATE_HZ)
    length, longest = windows.length // step, min(int(LONGEST_DELAY_S * rate_hz), windows.length // 4) // step
    size = int(next_fast_len(length + longest, real=True))
    spectra = np.zeros((count, len(windows.starts), size // 2 + 1), np.complex64)
    for index in range(count):
        cut = np.stack([read(index, start, length * step) for start in windows.starts])
        low = cut.reshape(len(cut), length, step).mean(axis=2)
        spectra[index] = _whitened(rfft(_faded(low), size, axis=1))
    lags = np.r_[0 : longest + 1, -longest:0]
    found = []
    for first in range(count - 1):
        cross = np.einsum("wf,nwf->nf", np.conj(spectra[first]), spectra[first + 1 :])
        correlation = np.abs(irfft(cross, size, axis=1)[:, lags])
        best = correlation.argmax(axis=1)
        clear = correlation.max(axis=1) > STANDS_OUT * np.median(correlation, axis=1) + 1e-12
        found += [(first, first + 1 + int(n), int(lags[best[n]]) * step) for n in np.flatnonzero(clear)]
    return found


def compare_pair(first: int, second: int, coarse_lag: int, rate_hz: int, windows: Windows, read: ReadMono) -> Alike:
    """The pair at the full rate, in the two windows in which both are loudest."""
    both = windows.energies[first] * windows.energies[second]
    starts = [windows.starts[i] for i in np.argsort(-both)[:2]]
    near = max(2, 2 * rate_hz // COARSE_RATE_HZ)
    early = np.stack([read(first, start, windows.length) for start in starts])
    late = np.stack([read(second, start + coarse_lag, windows.length) for start in starts])
    lag, coherence, other_sign = _fine_lag(early, late, near, max(near, int(CLOSE_MICS_S * rate_hz)))
    late = np.stack([read(second, start + coarse_lag + lag, windows.length) for start in starts])
    product, early_sq, late_sq = (float(np.vdot(a, b)) for a, b in ((early, late), (early, early), (late, late)))
    correlation = float(np.clip(product / max((early_sq * late_sq) ** 0.5, 1e-30), -1, 1))
    return Alike(
        delay=coarse_lag + lag,
        correlation=correlation,
        coherence=float(np.clip(coherence, -1, 1)),
        # Of the shared part alone a level can be told only where it is nearly everything.
        gain_db=10 * float(np.log10(late_sq / early_sq)) if abs(correlation) > 0.9 else None,
        against=coherence < 0 and -coherence > CLEAR_SIGN * other_sign and correlation < 0.3,
    )


def _fine_lag(
    early: NDArray[np.float32], late: NDArray[np.float32], near: int, around: int
) -> tuple[int, float, float]:
    """Lag of the strongest whitened correlation within +-near samples, its value, and the best of the other sign
    within +-around samples."""
    from scipy.fft import irfft, next_fast_len, rfft

    size = int(next_fast_len(early.shape[1] + around, real=True))
    cross = np.conj(_whitened(rfft(_faded(early), size, axis=1))) * _whitened(rfft(_faded(late), size, axis=1))
    # The whitened spectra have energy 1 over the bins of one side; the inverse transform counts both sides.
    correlation = irfft(cross.sum(axis=0), size) * (size / 2)
    inside = np.r_[0 : near + 1, -near:0]
    lag = int(inside[np.abs(correlation[inside]).argmax()])
    value = float(correlation[lag])
    wide = correlation[np.r_[0 : around + 1, -around:0]]
    return lag, value, float((-np.sign(value) * wide).max())


def _whitened(spectra: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """(windows, bins) with a flattened magnitude and energy 1 in all."""
    magnitude = np.abs(spectra)
    flat = spectra / (magnitude + 1e-3 * magnitude.mean(axis=1, keepdims=True) + 1e-12) ** WHITENING
    return np.asarray(flat / np.sqrt(np.square(np.abs(flat)).sum() + 1e-20), np.complex64)


def _faded(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without a mean and faded in and out: whitening would make the edges of a cut loud."""
    level = windows - windows.mean(axis=1, keepdims=True)
    return np.asarray(level * np.hanning(windows.shape[1]).astype(np.float32))
