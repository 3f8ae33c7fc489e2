"""Loops over samples that numpy cannot express: compiled by numba, kept in its cache, run without Python's lock."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def _compiled(function: Any) -> Any:
    """`njit` with a cache on disk; where no folder can be written to, compiled anew in each process."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)


@_compiled
def two_biquads(
    samples: NDArray[np.float32], sos: NDArray[np.float64], state: NDArray[np.float64], out: NDArray[np.float32]
) -> None:
    """Filter each channel of (channels, samples) by two second-order sections (transposed direct form II).

    `sos` is (2, 6) as scipy.signal has it, with a0 = 1; `state` (channels, 4) is carried on in place.
    """
    b0, b1, b2, a1, a2 = sos[0, 0], sos[0, 1], sos[0, 2], sos[0, 4], sos[0, 5]
    d0, d1, d2, c1, c2 = sos[1, 0], sos[1, 1], sos[1, 2], sos[1, 4], sos[1, 5]
    for channel in range(samples.shape[0]):
        z0, z1, z2, z3 = state[channel, 0], state[channel, 1], state[channel, 2], state[channel, 3]
        row, filtered = samples[channel], out[channel]
        for i in range(row.shape[0]):
            x = np.float64(row[i])
            y = b0 * x + z0
            z0 = b1 * x - a1 * y + z1
            z1 = b2 * x - a2 * y
            w = d0 * y + z2
            z2 = d1 * y - c1 * w + z3
            z3 = d2 * y - c2 * w
            filtered[i] = w
        # What decays into denormal numbers would take a hundred times as long as sound.
        if abs(z0) + abs(z1) + abs(z2) + abs(z3) < 1e-30:
            z0 = z1 = z2 = z3 = 0.0
        state[channel, 0], state[channel, 1], state[channel, 2], state[channel, 3] = z0, z1, z2, z3


@_compiled
def highest_between(
    samples: NDArray[np.float32], taps: NDArray[np.float32], first: int, last: int, headroom: float, peak: float
) -> float:
    """Highest absolute value on or between the samples `first` to `last` (exclusive) of one channel, at least `peak`.

    `taps` (phases, taps) interpolate between samples i and i + 1, from i + 1 - taps / 2 on. Only the neighbourhood of
    local maxima is interpolated that, risen by the factor `headroom`, would be higher than what was found so far.
    """
    half = taps.shape[1] // 2
    for i in range(first, last):
        if abs(samples[i]) > peak:
            peak = float(abs(samples[i]))
    for i in range(first, last):
        here = abs(samples[i])
        if headroom * here <= peak or here < abs(samples[i - 1]) or here < abs(samples[i + 1]):
            continue
        for left in (i - 1, i):
            for phase in range(taps.shape[0]):
                value = np.float32(0.0)
                start = left + 1 - half
                for k in range(2 * half):
                    value += taps[phase, k] * samples[start + k]
                if abs(value) > peak:
                    peak = float(abs(value))
    return peak
