"""Loops over samples that numpy cannot express: compiled by numba, kept in its cache, run without Python's lock."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def _compiled(function: Any) -> Any:
    """`njit` with a cache on disk; where no folder can be written to, compiled anew in each process.

    Inner loops run over slices from 0 on: indices that could be negative keep the compiler from wide registers.

    Sums may be taken in another order, so that they use wide registers; samples are finite, reading has seen to it.
    """
    try:
        return njit(nogil=True, cache=True, fastmath=True)(function)
    except RuntimeError:
        return njit(nogil=True, fastmath=True)(function)


@_compiled
def two_biquads(
    samples: NDArray[np.float32],
    sos: NDArray[np.float64],
    state: NDArray[np.float64],
    out: NDArray[np.float32],
    hop: int,
    place: int,
    energies: NDArray[np.float64],
    peaks: NDArray[np.float32],
) -> None:
    """Filter the one or two channels of (channels, samples) by two second-order sections (transposed direct form II).

    `sos` is (2, 6) as scipy.signal has it, with a0 = 1; `state` (2, 4) is carried on in place. The sum of squares of
    the filtered and the highest of the unfiltered samples, of both channels, are added to `energies` and `peaks`, one
    for every `hop` samples; the first has `place` samples already.
    """
    b0, b1, b2, a1, a2 = sos[0, 0], sos[0, 1], sos[0, 2], sos[0, 4], sos[0, 5]
    d0, d1, d2, c1, c2 = sos[1, 0], sos[1, 1], sos[1, 2], sos[1, 4], sos[1, 5]
    stereo = samples.shape[0] == 2
    # The two channels' recursions wait for different results, so together they take little longer than one.
    left, right = samples[0], samples[samples.shape[0] - 1]
    out_left, out_right = out[0], out[samples.shape[0] - 1]
    l0, l1, l2, l3 = state[0, 0], state[0, 1], state[0, 2], state[0, 3]
    r0, r1, r2, r3 = state[1, 0], state[1, 1], state[1, 2], state[1, 3]
    start, index = 0, 0
    while start < left.shape[0]:
        end = min(left.shape[0], start + hop - place)
        energy_left, energy_right, peak = 0.0, 0.0, peaks[index]
        for i in range(start, end):
            x, u = np.float64(left[i]), np.float64(right[i])
            peak = max(peak, abs(left[i]), abs(right[i]))
            y, v = b0 * x + l0, b0 * u + r0
            l0, r0 = b1 * x - a1 * y + l1, b1 * u - a1 * v + r1
            l1, r1 = b2 * x - a2 * y, b2 * u - a2 * v
            w, z = d0 * y + l2, d0 * v + r2
            l2, r2 = d1 * y - c1 * w + l3, d1 * v - c1 * z + r3
            l3, r3 = d2 * y - c2 * w, d2 * v - c2 * z
            out_right[i] = z
            out_left[i] = w
            energy_left += w * w
            energy_right += z * z
        energies[index] += energy_left + (energy_right if stereo else 0.0)
        peaks[index] = peak
        place = (place + end - start) % hop
        start = end
        index += 1
    # What decays into denormal numbers would take a hundred times as long as sound.
    if abs(l0) + abs(l1) + abs(l2) + abs(l3) + abs(r0) + abs(r1) + abs(r2) + abs(r3) < 1e-30:
        l0 = l1 = l2 = l3 = r0 = r1 = r2 = r3 = 0.0
    state[0, 0], state[0, 1], state[0, 2], state[0, 3] = l0, l1, l2, l3
    state[1, 0], state[1, 1], state[1, 2], state[1, 3] = r0, r1, r2, r3


@_compiled
def hop_squares(samples: NDArray[np.float32], hop: int, place: int, squares: NDArray[np.float64]) -> None:
    """Add the sum of squares of every `hop` samples of (channels, samples) to `squares` (channels, hops).

    The first hop has `place` samples already.
    """
    for channel in range(samples.shape[0]):
        start, index, at = 0, 0, place
        while start < samples.shape[1]:
            part = samples[channel, start : start + hop - at]
            total = np.float32(0.0)
            for i in range(part.shape[0]):
                total += part[i] * part[i]
            squares[channel, index] += total
            at = (at + part.shape[0]) % hop
            start += part.shape[0]
            index += 1


@_compiled
def hop_extremes(
    samples: NDArray[np.float32], hop: int, place: int, highest: NDArray[np.float32], lowest: NDArray[np.float32]
) -> None:
    """The same for the highest and the lowest sample, which only become more extreme than what is there."""
    for channel in range(samples.shape[0]):
        start, index, at = 0, 0, place
        while start < samples.shape[1]:
            part = samples[channel, start : start + hop - at]
            high, low = highest[channel, index], lowest[channel, index]
            for i in range(part.shape[0]):
                sample = part[i]
                high = sample if sample > high else high
                low = sample if sample < low else low
            highest[channel, index], lowest[channel, index] = high, low
            at = (at + part.shape[0]) % hop
            start += part.shape[0]
            index += 1


@_compiled
def _multiply(one: NDArray[np.float32], other: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    for i in range(out.shape[0]):
        out[i] = one[i] * other[i]


@_compiled
def windowed_frames(
    held: NDArray[np.float32], block: NDArray[np.float32], window: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Frames at half overlap of `held` followed by `block` (channels, samples), times `window`, into `out`.

    `out` is (channels, frames, samples of the window).
    """
    hop = window.shape[0] // 2
    before = held.shape[1]
    for channel in range(out.shape[0]):
        for frame in range(out.shape[1]):
            start = frame * hop
            inside = max(0, min(before - start, window.shape[0]))
            _multiply(held[channel, start : start + inside], window[:inside], out[channel, frame, :inside])
            _multiply(
                block[channel, start + inside - before : start + window.shape[0] - before],
                window[inside:],
                out[channel, frame, inside:],
            )


@_compiled
def like_the_next(samples: NDArray[np.float32], floor: float, tolerance: float) -> NDArray[np.int64]:
    """Indices of the samples of at least `floor` whose next sample is the same within `tolerance`."""
    least, most = np.float32(floor), np.float32(tolerance)
    count = 0
    for i in range(samples.shape[0] - 1):
        if abs(samples[i]) >= least and abs(samples[i + 1] - samples[i]) <= most:
            count += 1
    found = np.empty(count, np.int64)
    count = 0
    for i in range(samples.shape[0] - 1 if len(found) else 0):
        if abs(samples[i]) >= least and abs(samples[i + 1] - samples[i]) <= most:
            found[count] = i
            count += 1
    return found


@_compiled
def spectral_sums(
    spectra: NDArray[np.complex64], sums: NDArray[np.float64], squares: NDArray[np.float32], first: int
) -> None:
    """Add the squares of (channels, frames, bins) to `sums` (channels, bins), the real product of two channels after.

    `squares` (frames / 2, bins) takes the squares, summed over the channels, of every second frame from `first` on.
    """
    channels, frames, bins = spectra.shape
    for frame in range(frames):
        wanted = frame % 2 == first and squares.shape[0] > 0
        for k in range(bins):
            one = spectra[0, frame, k]
            power = one.real * one.real + one.imag * one.imag
            sums[0, k] += power
            if channels == 2:
                other = spectra[1, frame, k]
                second = other.real * other.real + other.imag * other.imag
                sums[1, k] += second
                sums[2, k] += one.real * other.real + one.imag * other.imag
                power += second
            if wanted:
                squares[frame // 2, k] = power


@_compiled
def highest_between(
    samples: NDArray[np.float32], taps: NDArray[np.float32], first: int, last: int, headroom: float, peak: float
) -> float:
    """Highest absolute value between the samples `first` to `last` (exclusive) of one channel, at least `peak`.

    `peak` is at least the highest sample. `taps` (phases, taps) interpolate between samples i and i + 1, from
    i + 1 - taps / 2 on. Only the neighbourhood of local maxima is interpolated that, risen by the factor `headroom`,
    would be higher than what was found so far.
    """
    half = taps.shape[1] // 2
    least = np.float32(peak / headroom)
    for start in range(first, last, 32):
        end = min(last, start + 32)
        loudest, group = np.float32(0.0), samples[start:end]
        for i in range(group.shape[0]):
            loudest = max(loudest, abs(group[i]))
        for i in range(start, end if loudest > least else start):
            here = abs(samples[i])
            if here <= least or here < abs(samples[i - 1]) or here < abs(samples[i + 1]):
                continue
            for begin in (i - half, i + 1 - half):
                around = samples[begin : begin + 2 * half]
                for phase in range(taps.shape[0]):
                    value, row = np.float32(0.0), taps[phase]
                    for k in range(row.shape[0]):
                        value += row[k] * around[k]
                    if abs(value) > peak:
                        peak = float(abs(value))
                        least = np.float32(peak / headroom)
    return peak
