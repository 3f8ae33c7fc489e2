"""The whole meter of EBU R 128 for one signal: momentary, short-term, integrated, range, peaks and their ratios."""

import math
from collections.abc import Callable

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.audio import Audio, window_of
from mixingbuddy.tools.loudness import (
    FINE_HOP_S,
    HOP_S,
    INTERPOLATION_HALF,
    MOMENTARY_S,
    SHORT_TERM_S,
    SILENT,
    TOO_QUIET,
    TOO_SHORT,
    Energies,
    FineHops,
    KWeighting,
    TruePeakMeter,
    block_energies,
    decibels,
    highest_inside,
    hop_samples,
    integrated_lufs,
    loudness_range_lu,
    sliding_lufs,
)

FINE_PER_HOP = round(HOP_S / FINE_HOP_S)
SAMPLES_AT_ONCE = 1 << 17
# (first sample, samples) -> float32 (channels, samples): what was metered, once more
ReadWindow = Callable[[int, int], Audio]


class Loudness(BaseModel):
    """One signal's loudness and peaks; what could not be measured is null, with the reason in `unmeasured`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    loudness_lufs: float | None = Field(default=None, description="gated integrated loudness (BS.1770-5), LUFS")
    loudness_range_lu: float | None = Field(default=None, description="loudness range (EBU Tech 3342), LU")
    max_momentary_lufs: float | None = Field(default=None, description="highest loudness over 400 ms, LUFS")
    max_short_term_lufs: float | None = Field(default=None, description="highest loudness over 3 s, LUFS")
    true_peak_dbtp: float | None = Field(default=None, description="true peak, four times oversampled, dBTP")
    sample_peak_dbfs: float | None = Field(default=None, description="highest sample, dBFS")
    plr_lu: float | None = Field(default=None, description="true peak above integrated loudness, LU")
    psr_lu: float | None = Field(
        default=None, description="smallest true peak above short-term loudness of any 3 s, LU"
    )
    unmeasured: str | None = Field(default=None, description="why a value is null")


class LoudnessMeter:
    """The meter of one signal, fed block by block; memory grows by 16 bytes per 100 ms.

    `channels` says on how many channels a mono signal will play. Sources: ITU-R BS.1770-5, EBU R 128, EBU Tech 3341
    and 3342.
    """

    def __init__(self, sample_rate_hz: int, own_channels: int, channels: int | None = None) -> None:
        self._rate_hz, self._times = sample_rate_hz, (channels or own_channels) / own_channels
        self._true_peak, self._weighting = TruePeakMeter(own_channels), KWeighting(sample_rate_hz)
        self._fine_hops = FineHops(hop_samples(sample_rate_hz, FINE_HOP_S))
        self._fine: Energies = np.zeros(0)  # the last 3 s, for windows that reach into the next block
        self._unfinished: tuple[Energies, Energies] = np.zeros(0), np.zeros(0)  # 20 ms hops, less than 100 ms of them
        self._highest = {MOMENTARY_S: -np.inf, SHORT_TERM_S: -np.inf}
        self._energies: list[Energies] = []
        self._peaks: list[Energies] = []

    def filter(self, block: Audio) -> Audio:
        """Take the next samples, float32 (channels, samples); gives them K-weighted."""
        weighted = self._weighting.filter(block, self._fine_hops)
        self._meter(block)
        return weighted

    def update(self, block: Audio, weighted: Audio) -> None:
        """Take the next samples where there are K-weighted ones already."""
        self._fine_hops.add(block, weighted)
        self._meter(block)

    def _meter(self, block: Audio) -> None:
        # The first hop may have begun before this block; it only looks a little closer then.
        self._true_peak.update(block, self._fine_hops.highest())
        energies, peaks = self._fine_hops.whole()
        if len(energies):
            self._add(self._times * energies, peaks)

    def hops(self) -> Energies:
        """Mean square of every whole 100 ms so far, summed over channels, shape (hops,)."""
        return np.concatenate(self._energies) if self._energies else np.zeros(0)

    def short_term_lufs(self) -> Energies:
        """Short-term loudness (3 s) at every 100 ms, LUFS; -inf where it is silent."""
        return sliding_lufs(self.hops(), round(SHORT_TERM_S / HOP_S))

    def result(self, read: ReadWindow) -> Loudness:
        """The meter's values; `read` gives a window of the signal once more, for the true peak of a few seconds."""
        hops, short_term = self.hops(), self.short_term_lufs()
        integrated, peak_dbtp = integrated_lufs(hops), self._true_peak.finish()
        return Loudness(
            loudness_lufs=integrated,
            loudness_range_lu=loudness_range_lu(short_term),
            max_momentary_lufs=_known(self._highest[MOMENTARY_S]),
            max_short_term_lufs=_known(self._highest[SHORT_TERM_S]),
            true_peak_dbtp=peak_dbtp,
            sample_peak_dbfs=decibels(self._true_peak.sample_peak),
            plr_lu=None if peak_dbtp is None or integrated is None else peak_dbtp - integrated,
            psr_lu=self._lowest_psr_lu(short_term, integrated, read),
            unmeasured=_why(hops, integrated, short_term),
        )

    def _add(self, energies: Energies, peaks: Energies) -> None:
        self._fine = np.concatenate([self._fine, energies])
        for window_s in self._highest:
            size = round(window_s / FINE_HOP_S)
            # Only windows that end in this block are new.
            series = sliding_lufs(self._fine[-(len(energies) + size - 1) :], size)
            self._highest[window_s] = max(self._highest[window_s], float(series.max(initial=-np.inf)))
        self._fine = self._fine[-round(SHORT_TERM_S / FINE_HOP_S) :]
        energies, peaks = (np.concatenate(pair) for pair in zip(self._unfinished, (energies, peaks), strict=True))
        whole = len(energies) // FINE_PER_HOP * FINE_PER_HOP
        self._unfinished = energies[whole:], peaks[whole:]
        self._energies.append(energies[:whole].reshape(-1, FINE_PER_HOP).mean(axis=1))
        self._peaks.append(peaks[:whole].reshape(-1, FINE_PER_HOP).max(axis=1))

    def _lowest_psr_lu(self, short_term: Energies, integrated: float | None, read: ReadWindow) -> float | None:
        """Peak to short-term ratio where it is lowest, of windows at most 10 LU under the integrated loudness."""
        from scipy.ndimage import maximum_filter1d

        counted = np.flatnonzero(short_term >= integrated - 10.0) if integrated is not None else np.zeros(0, int)
        if len(counted) == 0:
            return None
        size = round(SHORT_TERM_S / HOP_S)
        # Of the window that begins at each hop.
        highest = maximum_filter1d(np.concatenate(self._peaks), size, origin=-(size // 2), mode="nearest")
        ratios = 20 * np.log10(np.maximum(highest[counted], 1e-9)) - short_term[counted]
        at, hop = int(counted[ratios.argmin()]), hop_samples(self._rate_hz)
        return _true_peak_of(read, at * hop, size * hop) - float(short_term[at])


def measure_loudness(
    audio: Audio, sample_rate_hz: int, channels: int | None = None, weighted: Audio | None = None
) -> Loudness:
    """Measure float32 (channels, samples); `channels` says on how many channels a mono signal will play.

    `weighted` is the K-weighted signal, where there is one already.
    """
    meter = LoudnessMeter(sample_rate_hz, audio.shape[0], channels)
    for start in range(0, audio.shape[1], SAMPLES_AT_ONCE):
        part = slice(start, start + SAMPLES_AT_ONCE)
        if weighted is None:
            meter.filter(audio[:, part])
        else:
            meter.update(audio[:, part], weighted[:, part])
    return meter.result(lambda first, count: window_of(audio, first, count))


def _true_peak_of(read: ReadWindow, first: int, count: int) -> float:
    """True peak of a window, dBTP, heard in its surroundings: cut off abruptly, it would ring."""
    around = read(first - INTERPOLATION_HALF, count + 2 * INTERPOLATION_HALF)
    return 20 * math.log10(max(highest_inside(around), 1e-9))


def turned(meter: Loudness, gain_db: float, loudness_lufs: float | None) -> Loudness:
    """The same signal at another gain: levels shift, ranges and ratios stay. Only the gated loudness is given anew."""
    moving = ("max_momentary_lufs", "max_short_term_lufs", "true_peak_dbtp", "sample_peak_dbfs")
    shifted = {name: value + gain_db for name in moving if (value := getattr(meter, name)) is not None}
    return meter.model_copy(update={**shifted, "loudness_lufs": loudness_lufs})


def _known(level_lufs: float) -> float | None:
    return level_lufs if np.isfinite(level_lufs) else None


def _why(hops: Energies, integrated: float | None, short_term: Energies) -> str | None:
    if len(block_energies(hops)) == 0:
        return TOO_SHORT
    if not hops.any():
        return SILENT
    if integrated is None:
        return TOO_QUIET
    return None if len(short_term) else "shorter than the 3 s of short-term loudness and range"
