"""The whole meter of EBU R 128 for one signal: momentary, short-term, integrated, range, peaks and their ratios."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.loudness import (
    FINE_HOP_S,
    SHORT_TERM_S,
    SILENT,
    TOO_QUIET,
    TOO_SHORT,
    Energies,
    block_energies,
    hop_samples,
    integrated_lufs,
    k_weighted,
    loudness_range_lu,
    mean_squares,
    momentary_lufs,
    sample_peak_dbfs,
    short_term_lufs,
    true_peak_dbtp,
)

FINE_HOPS_PER_SECTION = round(0.1 / FINE_HOP_S)


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


def measure_loudness(
    audio: Audio, sample_rate_hz: int, channels: int | None = None, weighted: Audio | None = None
) -> Loudness:
    """Measure float32 (channels, samples); `channels` says on how many channels a mono signal will play.

    `weighted` is the K-weighted signal, where there is one already. Sources: ITU-R BS.1770-5, EBU R 128, EBU Tech 3341
    and 3342.
    """
    weighted = k_weighted(audio, sample_rate_hz) if weighted is None else weighted
    times = (channels or len(audio)) / len(audio)
    fine = times * mean_squares(weighted, sample_rate_hz, FINE_HOP_S)
    hops = times * mean_squares(weighted, sample_rate_hz)
    integrated = integrated_lufs(hops)
    short_term = short_term_lufs(fine)
    peak_dbtp = true_peak_dbtp(audio)
    return Loudness(
        loudness_lufs=integrated,
        loudness_range_lu=loudness_range_lu(short_term[::FINE_HOPS_PER_SECTION]),
        max_momentary_lufs=_highest(momentary_lufs(fine)),
        max_short_term_lufs=_highest(short_term),
        true_peak_dbtp=peak_dbtp,
        sample_peak_dbfs=sample_peak_dbfs(audio),
        plr_lu=None if peak_dbtp is None or integrated is None else peak_dbtp - integrated,
        psr_lu=_lowest_psr_lu(audio, sample_rate_hz, short_term, integrated),
        unmeasured=_why(hops, integrated, short_term),
    )


def turned(meter: Loudness, gain_db: float, loudness_lufs: float | None) -> Loudness:
    """The same signal at another gain: levels shift, ranges and ratios stay. Only the gated loudness is given anew."""
    moving = ("max_momentary_lufs", "max_short_term_lufs", "true_peak_dbtp", "sample_peak_dbfs")
    shifted = {name: value + gain_db for name in moving if (value := getattr(meter, name)) is not None}
    return meter.model_copy(update={**shifted, "loudness_lufs": loudness_lufs})


def _highest(series_lufs: Energies) -> float | None:
    heard = series_lufs[np.isfinite(series_lufs)]
    return float(heard.max()) if len(heard) else None


def _why(hops: Energies, integrated: float | None, short_term: Energies) -> str | None:
    if len(block_energies(hops)) == 0:
        return TOO_SHORT
    if not hops.any():
        return SILENT
    if integrated is None:
        return TOO_QUIET
    return None if len(short_term) else "shorter than the 3 s of short-term loudness and range"


def _lowest_psr_lu(audio: Audio, sample_rate_hz: int, short_term: Energies, integrated: float | None) -> float | None:
    """Peak to short-term ratio where it is lowest, over windows no more than 10 LU under the programme's loudness."""
    from scipy.ndimage import maximum_filter1d

    if integrated is None or len(short_term) == 0:
        return None
    hop = hop_samples(sample_rate_hz, FINE_HOP_S)
    hops = audio.shape[1] // hop
    peaks = np.abs(audio[:, : hops * hop]).reshape(audio.shape[0], hops, hop).max(axis=(0, 2))
    size = round(SHORT_TERM_S / FINE_HOP_S)
    highest = maximum_filter1d(peaks, size, origin=-(size // 2), mode="nearest")  # of the window that begins here
    counted = np.flatnonzero(short_term >= integrated - 10.0)
    if len(counted) == 0:
        return None
    ratios = 20 * np.log10(np.maximum(highest[counted], 1e-9)) - short_term[counted]
    at = int(counted[ratios.argmin()])
    peak_dbtp = true_peak_dbtp(audio[:, at * hop : (at + size) * hop])
    return None if peak_dbtp is None else float(peak_dbtp - short_term[at])
