"""Loudness of ITU-R BS.1770: K-weighting, gated integrated loudness, true peak.

Energies are taken in hops of 100 ms. Four hops are one 400 ms gating block with 75 % overlap, so the same hops give
integrated loudness, the level of a stem inside a mix, and the exact loudness of any rebalanced mix.
"""

import math
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
OVERSAMPLING_HEADROOM = 2.0
TOO_SHORT = "shorter than one 400 ms block"
SILENT = "silent"
TOO_QUIET = "below -70 LUFS throughout"
_SAMPLES_AT_ONCE = 1 << 16
_MARGIN = 256


@lru_cache(maxsize=16)
def _k_weighting_sos(sample_rate_hz: int) -> NDArray[np.float64]:
    """Second-order sections of the K-weighting, from pyloudnorm's filters that follow the standard's coefficients."""
    import pyloudnorm

    meter = pyloudnorm.Meter(sample_rate_hz, filter_class="DeMan")
    return np.array([np.concatenate([stage.b, stage.a]) for stage in meter._filters.values()])


def k_weighted(audio: Audio, sample_rate_hz: int) -> Audio:
    """K-weighted copy, float32 (channels, samples)."""
    from scipy.signal import sosfilt

    if audio.shape[1] == 0:
        return audio
    return np.ascontiguousarray(sosfilt(_k_weighting_sos(sample_rate_hz), audio, axis=-1), dtype=np.float32)


def hop_samples(sample_rate_hz: int, hop_s: float = HOP_S) -> int:
    """Samples in one hop, at least one."""
    return max(1, round(hop_s * sample_rate_hz))


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


def momentary_lufs(fine_hops: Energies) -> Energies:
    """Momentary loudness (400 ms) at every 20 ms hop, LUFS; -inf where it is silent, empty if shorter than that."""
    return _sliding_lufs(fine_hops, MOMENTARY_S)


def short_term_lufs(fine_hops: Energies) -> Energies:
    """Short-term loudness (3 s) at every 20 ms hop, LUFS; -inf where it is silent, empty if shorter than that."""
    return _sliding_lufs(fine_hops, SHORT_TERM_S)


def _sliding_lufs(fine_hops: Energies, window_s: float) -> Energies:
    size = round(window_s / FINE_HOP_S)
    if len(fine_hops) < size:
        return np.zeros(0)
    total = np.concatenate([[0.0], np.cumsum(fine_hops)])
    mean = (total[size:] - total[:-size]) / size
    # What a running sum leaves of silence is far below any signal.
    heard = mean > 1e-13
    return np.where(heard, ENERGY_OFFSET_LU + 10 * np.log10(np.where(heard, mean, 1.0)), -np.inf)


def loudness_range_lu(short_term: Energies) -> float | None:
    """Loudness range of a series of short-term values, LU (EBU Tech 3342: gates at -70 LUFS and -20 LU, 10 to 95 %)."""
    loud = short_term[short_term >= ABSOLUTE_GATE_LUFS]
    if len(loud) == 0:
        return None
    mean_lufs = 10 * math.log10(float(np.mean(10 ** (loud / 10))))
    low, high = np.percentile(loud[loud >= mean_lufs + RANGE_GATE_LU], [10, 95])
    return float(high - low)


def sample_peak_dbfs(audio: Audio) -> float | None:
    """Highest sample of all channels, dBFS; None for silence."""
    peak = float(np.abs(audio).max(initial=0.0))
    return 20 * math.log10(peak) if peak > 1e-9 else None


def true_peak_dbtp(audio: Audio) -> float | None:
    """Highest true peak of all channels, four times oversampled (BS.1770-5, annex 2), dBTP; None for silence."""
    import soxr

    starts = range(0, audio.shape[1], _SAMPLES_AT_ONCE)
    loudest = np.array([np.abs(audio[:, start : start + _SAMPLES_AT_ONCE]).max(initial=0.0) for start in starts])
    peak = float(loudest.max(initial=0.0))
    for part in np.argsort(-loudest):
        if OVERSAMPLING_HEADROOM * loudest[part] <= peak:
            break
        start = int(part) * _SAMPLES_AT_ONCE
        # Margins on both sides are resampled too and then cut off: an abrupt edge would ring.
        before = min(start, _MARGIN)
        after = min(max(audio.shape[1] - start - _SAMPLES_AT_ONCE, 0), _MARGIN)
        fine = soxr.resample(audio[:, start - before : start + _SAMPLES_AT_ONCE + after].T, 1, OVERSAMPLING)
        inside = fine[before * OVERSAMPLING : len(fine) - after * OVERSAMPLING]
        peak = max(peak, float(np.abs(inside).max(initial=0.0)))
    return 20 * math.log10(peak) if peak > 1e-9 else None


def _mean_square(loudness_lufs: float) -> float:
    return float(10 ** ((loudness_lufs - ENERGY_OFFSET_LU) / 10))
