"""Spectral balance of one signal: third-octave spectrum, tilt and the five bands engineers speak of.

Third octaves are those of IEC 61260-1 (base ten: 1000 Hz times powers of 10^0.1). Tilt is the slope of the third-octave
levels: pink noise has 0 dB per octave, white noise +3 (3 less as a slope of the density).
"""

import math
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.band_spectra import BandSpectra, Spectrum

BandName = Literal["sub", "low", "low_mid", "high_mid", "air"]

BAND_NAMES: tuple[BandName, ...] = get_args(BandName)
BAND_EDGES_HZ = (20.0, 60.0, 250.0, 2000.0, 6000.0, 20000.0)
TILT_RANGE_HZ = (100.0, 10000.0)
FLOOR_DB = -90.0  # re the total; below lies only the arithmetic's noise
SHORTEST_S = 0.4
TOO_SHORT = "shorter than 400 ms"
TOO_QUIET = "silent (below -120 dB re full scale)"
NOT_FINITE = "samples too large to be squared"

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
_SILENT_POWER = 1e-12
_BANDS_OF_IEC_61260 = range(-16, 14)  # 25 Hz to 20 kHz
# K-weighting, stages 1 and 2, at 48 kHz (ITU-R BS.1770-5, tables 1 and 2): numerator, denominator.
_K_STAGES = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)


class NamedBand(BaseModel):
    """One of the five bands engineers speak of."""

    model_config = _RESULT

    name: BandName
    low_hz: float
    high_hz: float
    level_db: float | None = Field(description="level re the whole (20 Hz to 20 kHz), dB")
    unmeasured: str | None = Field(default=None, description="why the level is null")


class SpectralBalance(BaseModel):
    """Long-term spectrum of one signal, averaged over its channels. No fader moves levels re the whole."""

    model_config = _RESULT

    sample_rate_hz: int
    level_db: float | None = Field(description="mean square, 20 Hz to 20 kHz, dB re 1.0 (a full-scale sine has -3.0)")
    k_weighted_db: float | None = Field(description="the same under the K-weighting of BS.1770, ungated")
    third_octaves_hz: tuple[float, ...] = Field(description="exact centres, IEC 61260-1, Hz")
    third_octaves_db: tuple[float, ...] | None = Field(description="level re the whole, not below -90, dB")
    tilt_db_per_octave: float | None = Field(description="slope of the third octaves, 100 Hz to 10 kHz; pink noise: 0")
    tilt_error_db_per_octave: float | None = Field(description="standard error of the slope")
    bands: tuple[NamedBand, ...]
    unmeasured: str | None = Field(default=None, description="why values are null")


def third_octaves_hz(sample_rate_hz: int) -> tuple[Spectrum, Spectrum]:
    """Exact centres (n,) and edges (n + 1,) from 25 Hz to 20 kHz. At least 90 % of a band lies below Nyquist."""
    exponents = np.array(_BANDS_OF_IEC_61260) / 10
    edges = 1000 * 10 ** np.append(exponents - 0.05, exponents[-1] + 0.05)
    fits = edges[:-1] + 0.9 * np.diff(edges) <= sample_rate_hz / 2
    count = int(fits.sum())
    return 1000 * 10 ** exponents[:count], edges[: count + 1]


def measure_spectrum(spectra: BandSpectra) -> SpectralBalance:
    """Third octaves, tilt and named bands of one signal."""
    centres, edges = third_octaves_hz(spectra.sample_rate_hz)
    total = float(spectra.power_between(np.array([BAND_EDGES_HZ[0], BAND_EDGES_HZ[-1]])).mean())
    reason = why_unmeasured(spectra, total)
    if reason is not None:
        bands = _named_bands(spectra, None, reason)
        return SpectralBalance(
            sample_rate_hz=spectra.sample_rate_hz, level_db=None, k_weighted_db=None,
            third_octaves_hz=tuple(centres.tolist()), third_octaves_db=None, tilt_db_per_octave=None,
            tilt_error_db_per_octave=None, bands=bands, unmeasured=reason,
        )  # fmt: skip
    levels = _level_db(spectra.power_between(edges).mean(axis=0) / total)
    tilt, error = _tilt(centres, levels)
    return SpectralBalance(
        sample_rate_hz=spectra.sample_rate_hz,
        level_db=10 * math.log10(total),
        k_weighted_db=_k_weighted_db(spectra),
        third_octaves_hz=tuple(centres.tolist()),
        third_octaves_db=tuple(levels.tolist()),
        tilt_db_per_octave=tilt,
        tilt_error_db_per_octave=error,
        bands=_named_bands(spectra, total, None),
    )


def why_unmeasured(spectra: BandSpectra, total: float) -> str | None:
    """Why no spectrum can be given for a signal with this mean square; None if it can."""
    if spectra.samples < SHORTEST_S * spectra.sample_rate_hz:
        return TOO_SHORT
    if not math.isfinite(total):
        return NOT_FINITE
    return TOO_QUIET if total < _SILENT_POWER else None


def spoken_band(name: BandName) -> str:
    """'low-mid (250 Hz to 2 kHz)'."""
    index = BAND_NAMES.index(name)
    low, high = spoken_hz(BAND_EDGES_HZ[index]), spoken_hz(BAND_EDGES_HZ[index + 1])
    return f"{name.replace('_', '-')} ({low} to {high})"


def spoken_hz(frequency_hz: float) -> str:
    """'250 Hz', '3.2 kHz', '20 kHz'."""
    return f"{frequency_hz:.3g} Hz" if frequency_hz < 999 else f"{frequency_hz / 1000:.2g} kHz"


def _named_bands(spectra: BandSpectra, total: float | None, reason: str | None) -> tuple[NamedBand, ...]:
    powers = spectra.power_between(np.array(BAND_EDGES_HZ)).mean(axis=0)
    named = []
    for index, name in enumerate(BAND_NAMES):
        low_hz, high_hz = BAND_EDGES_HZ[index : index + 2]
        missing = reason or _above_nyquist(low_hz, high_hz, spectra.sample_rate_hz / 2)
        level_db = None if missing or total is None else float(_level_db(powers[index : index + 1] / total)[0])
        named.append(NamedBand(name=name, low_hz=low_hz, high_hz=high_hz, level_db=level_db, unmeasured=missing))
    return tuple(named)


def _above_nyquist(low_hz: float, high_hz: float, nyquist_hz: float) -> str | None:
    """Why a band of which less than 80 % (in octaves) can be there is not given."""
    share = math.log(max(low_hz, min(high_hz, nyquist_hz)) / low_hz) / math.log(high_hz / low_hz)
    return None if share >= 0.8 else f"the sample rate holds nothing above {nyquist_hz:.0f} Hz"


def _level_db(shares: Spectrum) -> Spectrum:
    return np.asarray(np.maximum(10 * np.log10(np.maximum(shares, 1e-30)), FLOOR_DB))


def _tilt(centres: Spectrum, levels: Spectrum) -> tuple[float | None, float | None]:
    """Slope over octaves and its standard error: Huber's fit, so that one resonance does not turn the line."""
    inside = (centres > 0.99 * TILT_RANGE_HZ[0]) & (centres < 1.01 * TILT_RANGE_HZ[1]) & (levels > FLOOR_DB)
    if inside.sum() < 10:
        return None, None
    octaves, values = np.log2(centres[inside] / 1000), levels[inside]
    weights = np.ones(len(values))
    for _ in range(20):
        mean, middle = np.average(values, weights=weights), np.average(octaves, weights=weights)
        spread = float((weights * (octaves - middle) ** 2).sum())
        slope = float((weights * (octaves - middle) * (values - mean)).sum()) / spread
        residuals = values - mean - slope * (octaves - middle)
        scale = max(float(np.median(np.abs(residuals))) / 0.6745, 1e-6)
        weights = np.minimum(1.0, 1.345 * scale / np.maximum(np.abs(residuals), 1e-9))
    variance = float((weights * residuals**2).sum() / max(weights.sum() - 2, 1.0))
    return slope, math.sqrt(variance / spread)


def _k_weighted_db(spectra: BandSpectra) -> float | None:
    centres = np.minimum((spectra.edges_hz[1:] + spectra.edges_hz[:-1]) / 2, 23900.0)
    power = float((spectra.power.mean(axis=0) * _k_gain(centres)).sum())
    return 10 * math.log10(power) if power > 0 else None


def _k_gain(frequencies_hz: Spectrum) -> NDArray[np.float64]:
    """Power gain of the K-weighting."""
    delay = np.exp(-2j * np.pi * frequencies_hz / 48000)
    gains = [np.polyval(b[::-1], delay) / np.polyval(a[::-1], delay) for b, a in _K_STAGES]
    return np.asarray(np.abs(gains[0] * gains[1]) ** 2)
