"""Loudness of ITU-R BS.1770: K-weighting, gated integrated loudness, true peak.

Energies are taken in hops of 100 ms. Four hops are one 400 ms gating block with 75 % overlap, so the same hops give
integrated loudness, the level of a stem inside a mix, and the exact loudness of any rebalanced mix.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.audio import Audio

Energies = NDArray[np.float64]

HOP_S = 0.1
HOPS_PER_BLOCK = 4
FINE_HOP_S = 0.02
MOMENTARY_S = 0.4
SHORT_TERM_S = 3.0
RANGE_GATE_LU = -20.0
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
ENERGY_OFFSET_LU = -0.691  # BS.1770-5, equation 2
OVERSAMPLING = 4
# Between its samples a signal rises above them by less than this (the standard's worst test signal: 3 dB); a part that
# cannot reach the peak so far is not oversampled.
OVERSAMPLING_HEADROOM = 1.5
INTERPOLATION_HALF = 24  # samples on either side
TOO_SHORT = "shorter than one 400 ms block"
SILENT = "silent"
TOO_QUIET = "below -70 LUFS throughout"
_SAMPLES_AT_ONCE = 1 << 16


@lru_cache(maxsize=16)
def k_weighting_sos(sample_rate_hz: int) -> NDArray[np.float64]:
    """Second-order sections of the K-weighting, from pyloudnorm's filters that follow the standard's coefficients."""
    import pyloudnorm

    meter = pyloudnorm.Meter(sample_rate_hz, filter_class="DeMan")
    return np.array([np.concatenate([stage.b, stage.a]) for stage in meter._filters.values()])


class KWeighting:
    """The K-weighting filter of one signal, fed block by block, which meters 20 ms hops on the way."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._sos = k_weighting_sos(sample_rate_hz)
        self._state = np.zeros((2, 4))

    def filter(self, block: Audio, hops: "FineHops | None" = None) -> Audio:
        """The next samples K-weighted, float32 (one or two channels, samples)."""
        from mixingbuddy.tools.kernels import two_biquads

        block, weighted = np.ascontiguousarray(block, np.float32), np.empty(block.shape, np.float32)
        hops = FineHops(max(1, block.shape[1])) if hops is None else hops
        with hops.taking(block.shape[1]) as (place, energies, peaks):
            two_biquads(block, self._sos, self._state, weighted, hops.size, place, energies, peaks)
        return weighted


class FineHops:
    """Sums of squares (K-weighted) and peaks (not weighted) of short hops of `size` samples, all channels together."""

    def __init__(self, size: int) -> None:
        self.size, self._place = size, 0
        self._energies, self._peaks = np.zeros(1), np.zeros(1, np.float32)

    @contextmanager
    def taking(self, samples: int) -> Iterator[tuple[int, Energies, NDArray[np.float32]]]:
        """Room for so many more samples: how many the first hop has already, and arrays to add to."""
        more = (self._place + samples) // self.size
        self._energies = np.concatenate([self._energies, np.zeros(more)])
        self._peaks = np.concatenate([self._peaks, np.zeros(more, np.float32)])
        yield self._place, self._energies[-1 - more :], self._peaks[-1 - more :]
        self._place = (self._place + samples) % self.size

    def add(self, block: Audio, weighted: Audio) -> None:
        """Take the next samples, plain and K-weighted."""
        from mixingbuddy.tools.kernels import hop_extremes, hop_squares

        with self.taking(block.shape[1]) as (place, energies, peaks):
            shape = (block.shape[0], len(energies))
            squares, high, low = np.zeros(shape), np.zeros(shape, np.float32), np.zeros(shape, np.float32)
            hop_squares(np.ascontiguousarray(weighted), self.size, place, squares)
            energies += squares.sum(axis=0)
            hop_extremes(np.ascontiguousarray(block), self.size, place, high, low)
            np.maximum(peaks, np.maximum(high, -low).max(axis=0), out=peaks)

    def highest(self) -> float:
        """Highest sample of what was not yet given."""
        return float(self._peaks.max())

    def whole(self) -> tuple[Energies, Energies]:
        """Mean squares and peaks of the hops that have become whole; each is given once."""
        energies, peaks = self._energies[:-1] / self.size, self._peaks[:-1].astype(np.float64)
        self._energies, self._peaks = self._energies[-1:].copy(), self._peaks[-1:].copy()
        return energies, peaks


def k_weighted(audio: Audio, sample_rate_hz: int) -> Audio:
    """K-weighted copy, float32 (channels, samples)."""
    return KWeighting(sample_rate_hz).filter(audio)


def hop_samples(sample_rate_hz: int, hop_s: float = HOP_S) -> int:
    """Samples in one hop: a whole number of 20 ms hops, each at least one sample."""
    return max(1, round(FINE_HOP_S * sample_rate_hz)) * round(hop_s / FINE_HOP_S)


def mean_squares(weighted: Audio, sample_rate_hz: int, hop_s: float = HOP_S) -> Energies:
    """Mean square of each hop, summed over channels, float64 (hops,); an incomplete last hop is left out."""
    hop = hop_samples(sample_rate_hz, hop_s)
    hops = weighted.shape[1] // hop
    if hops == 0:
        return np.zeros(0)
    cut = weighted[:, : hops * hop].reshape(weighted.shape[0], hops, hop)
    energies: Energies = np.einsum("chs,chs->h", cut, cut, dtype=np.float64) / hop
    return energies


def lufs(mean_square: float) -> float | None:
    """Loudness of a K-weighted mean square (summed over channels); None for silence."""
    return ENERGY_OFFSET_LU + 10 * math.log10(mean_square) if mean_square > 1e-15 else None


def block_energies(hops: Energies) -> Energies:
    """Mean over each 400 ms block of the hops' mean squares; shape (hops - 3,), empty if shorter than a block."""
    if len(hops) < HOPS_PER_BLOCK:
        return np.zeros(0)
    return np.convolve(hops, np.full(HOPS_PER_BLOCK, 1 / HOPS_PER_BLOCK), mode="valid")


def integrated_lufs(hops: Energies) -> float | None:
    """Gated integrated loudness of the hops' mean squares (BS.1770-5, annex 1); None if unmeasurable."""
    blocks = block_energies(hops)
    loud = blocks[blocks > _mean_square(ABSOLUTE_GATE_LUFS)]
    if len(loud) == 0:
        return None
    relative = float(loud.mean()) * 10 ** (RELATIVE_GATE_LU / 10)
    return lufs(float(loud[loud > relative].mean()))


def sounding(hops: Energies, below_mean_lu: float = 20.0) -> NDArray[np.bool_]:
    """Which hops belong to a 400 ms block that sounds: above -70 LUFS and at most `below_mean_lu` under its mean.

    The threshold hangs on the sound alone, so a fader move does not change the answer.
    """
    blocks = block_energies(hops)
    loud = blocks[blocks > _mean_square(ABSOLUTE_GATE_LUFS)]
    if len(loud) == 0:
        return np.zeros(len(hops), dtype=bool)
    present = blocks > max(float(loud.mean()) * 10 ** (-below_mean_lu / 10), _mean_square(ABSOLUTE_GATE_LUFS))
    return np.convolve(present, np.ones(HOPS_PER_BLOCK, dtype=int)) > 0


def sliding_lufs(hops: Energies, size: int) -> Energies:
    """Loudness of every window of `size` hops, LUFS; -inf where it is silent, empty if there are fewer."""
    if len(hops) < size:
        return np.zeros(0)
    total = np.concatenate([[0.0], np.cumsum(hops)])
    mean = (total[size:] - total[:-size]) / size
    # What a running sum leaves of silence is far below any signal.
    heard = mean > 1e-13
    return np.where(heard, ENERGY_OFFSET_LU + 10 * np.log10(np.where(heard, mean, 1.0)), -np.inf)


def loudness_range_edges_lufs(short_term: Energies) -> tuple[float, float] | None:
    """The levels between which the loudness range of a series of short-term values lies, LUFS; None if unmeasurable.

    EBU Tech 3342: gates at -70 LUFS and -20 LU, 10 to 95 %.
    """
    loud = short_term[short_term >= ABSOLUTE_GATE_LUFS]
    if len(loud) == 0:
        return None
    mean_lufs = 10 * math.log10(float(np.mean(10 ** (loud / 10))))
    low, high = np.percentile(loud[loud >= mean_lufs + RANGE_GATE_LU], [10, 95])
    return float(low), float(high)


def loudness_range_lu(short_term: Energies) -> float | None:
    """Loudness range of a series of short-term values, LU (EBU Tech 3342)."""
    edges = loudness_range_edges_lufs(short_term)
    return None if edges is None else edges[1] - edges[0]


def decibels(peak: float) -> float | None:
    """A linear peak in dB re full scale; None for silence."""
    return 20 * math.log10(peak) if peak > 1e-9 else None


class TruePeakMeter:
    """True peak of one signal, four times oversampled (BS.1770-5, annex 2), fed block by block."""

    def __init__(self, channels: int) -> None:
        self.sample_peak = 0.0
        self.peak = 0.0
        self._held = np.zeros((channels, 2 * INTERPOLATION_HALF), np.float32)

    def update(self, block: Audio, block_peak: float | None = None) -> None:
        """Take the next samples, float32 (channels, samples); `block_peak` is their highest, if known."""
        here = highest_sample(block) if block_peak is None else block_peak
        self.sample_peak = max(self.sample_peak, here)
        start = np.concatenate([self._held, block[:, : 2 * INTERPOLATION_HALF]], axis=1)
        if OVERSAMPLING_HEADROOM * highest_sample(start) > self.peak:
            self.peak = highest_inside(start, self.peak)
        if OVERSAMPLING_HEADROOM * here > self.peak and block.shape[1] > 2 * INTERPOLATION_HALF:
            self.peak = highest_inside(block, self.peak)
        end = block if block.shape[1] >= 2 * INTERPOLATION_HALF else start
        self._held = end[:, -2 * INTERPOLATION_HALF :].copy()

    def finish(self) -> float | None:
        """True peak of everything that was added, dBTP; None for silence. Call it once, at the end."""
        self.update(np.zeros((len(self._held), INTERPOLATION_HALF), np.float32))
        return decibels(self.peak)


def highest_sample(audio: Audio) -> float:
    """Highest absolute sample of all channels."""
    return float(max(audio.max(initial=0.0), -audio.min(initial=0.0)))


def highest_inside(audio: Audio, peak: float = 0.0) -> float:
    """Highest absolute value on or between the samples, but for the first and last 24; at least `peak`."""
    from mixingbuddy.tools.kernels import highest_between

    last = audio.shape[1] - INTERPOLATION_HALF
    peak = max(peak, highest_sample(audio[:, INTERPOLATION_HALF:last]))
    for channel in np.ascontiguousarray(audio, np.float32):
        peak = highest_between(channel, _interpolation(), INTERPOLATION_HALF, last, OVERSAMPLING_HEADROOM, peak)
    return peak


@lru_cache(maxsize=1)
def _interpolation() -> NDArray[np.float32]:
    """Kaiser-windowed sinc at 1/4, 2/4 and 3/4 between two samples, flat to 0.47 of the sample rate; (3, taps)."""
    phases = np.arange(1, OVERSAMPLING)[:, None] / OVERSAMPLING
    distance = np.arange(1 - INTERPOLATION_HALF, INTERPOLATION_HALF + 1)[None, :] - phases
    window = np.i0(5.0 * np.sqrt(np.maximum(1 - np.square(distance / INTERPOLATION_HALF), 0.0)))
    taps = np.sinc(distance) * window
    return np.asarray(taps / taps.sum(axis=1, keepdims=True), np.float32)


def true_peak_dbtp(audio: Audio) -> float | None:
    """Highest true peak of all channels, dBTP; None for silence."""
    meter = TruePeakMeter(audio.shape[0])
    for start in range(0, audio.shape[1], _SAMPLES_AT_ONCE):
        meter.update(audio[:, start : start + _SAMPLES_AT_ONCE])
    return meter.finish()


def _mean_square(loudness_lufs: float) -> float:
    return float(10 ** ((loudness_lufs - ENERGY_OFFSET_LU) / 10))
