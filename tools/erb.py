"""Bands and thresholds of the ear: how far a sound spreads inside it, and what it needs to be heard.

Sources: ERB scale and level-dependent roex filters: Glasberg and Moore (1990), Hearing Research 47, 103-138. Outer and
middle ear, excitation at absolute threshold, signal-to-noise ratio at threshold (K): Moore, Glasberg and Baer (1997),
J. Audio Eng. Soc. 45, 224-240, in the values of ANSI S3.4-2007. What was simplified is told in `docs/masking.md`.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Power = NDArray[np.float32]

LOWEST_CENTER_HZ = 50.0
HIGHEST_EDGE_HZ = 15000.0
_LEVEL_STEP_DB = np.float32(10)
LEVELS_DB = np.arange(30, 101, _LEVEL_STEP_DB, dtype=np.float32)  # levels per ERB for which a spreading matrix is kept
_SLOPE_LEVEL_DB = 51.0  # level at which the filters are symmetric (Glasberg and Moore 1990, equation 5)
_SLOPE_PER_DB = 0.35
_POINTS_PER_BAND = 32

# Hz; outer ear (free field, from the front) and middle ear, dB re 1 kHz; ANSI S3.4-2007, tables 1 and 3.
_EAR_HZ = (
    20, 25, 31.5, 40, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000,
    2500, 3150, 4000, 5000, 6300, 8000, 10000, 12500, 14000, 15000, 16000,
)  # fmt: skip
_OUTER_EAR_DB = (
    0, 0, 0, 0, 0, 0, 0, 0, 0.1, 0.3, 0.5, 0.9, 1.4, 1.6, 1.7, 2.5, 2.6, 2.6, 3.2, 6.6, 12.0,
    16.8, 15.2, 14.2, 10.7, 6.4, 1.8, -1.6, 4.9, 2.0, -2.0, 2.5,
)  # fmt: skip
_MIDDLE_EAR_DB = (
    -39.6, -32.0, -25.85, -21.4, -18.5, -15.9, -14.1, -12.4, -11.0, -9.6, -8.3, -7.4, -6.2, -4.8, -3.8, -3.3, -2.6,
    -2.6, -4.5, -6.1, -8.5, -10.4, -7.0, -6.6, -7.0, -10.2, -12.2, -10.1, -15.0, -18.2, -23.8, -32.3,
)  # fmt: skip
# Excitation at absolute threshold, dB re a 1 kHz tone of 0 dB SPL; constant from 500 Hz up (ANSI S3.4-2007, table 4).
_QUIET_HZ = (50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500)
_QUIET_DB = (28.18, 23.9, 19.2, 15.68, 12.67, 10.09, 8.08, 6.3, 5.3, 4.5, 3.73)
# Signal-to-noise ratio at the output of the filter at masked threshold (Moore, Glasberg and Baer 1997, figure 9).
_K_HZ = (50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000)
_K_DB = (13.5, 10.0, 7.1, 4.9, 3.1, 1.5, 0.4, -0.5, -1.3, -1.9, -2.3, -2.7, -2.9, -3.0)


def erb_hz(frequency_hz: Floats) -> Floats:
    """Equivalent rectangular bandwidth of the auditory filter (Glasberg and Moore 1990, equation 3), Hz."""
    return np.asarray(24.7 * (4.37e-3 * np.asarray(frequency_hz) + 1))


def erb_number(frequency_hz: Floats | float) -> Floats:
    """How many ERBs lie below this frequency (Glasberg and Moore 1990, equation 4)."""
    return np.asarray(21.4 * np.log10(4.37e-3 * np.asarray(frequency_hz) + 1))


def erb_number_to_hz(number: NDArray[np.floating] | float) -> Floats:
    """The inverse of `erb_number`, Hz."""
    return np.asarray((10 ** (np.asarray(number) / 21.4) - 1) / 4.37e-3)


@dataclass(frozen=True, eq=False)
class ErbBands:
    """Adjacent bands that are `step_erb` wide: float64 `centers_hz` (bands,), `edges_hz` (bands + 1,).

    `weights`, float32 (bands, bins), sums an rfft power spectrum into bands; a bin across an edge is shared.
    """

    step_erb: float
    centers_hz: Floats
    edges_hz: Floats
    weights: Power

    def __len__(self) -> int:
        return len(self.centers_hz)


@lru_cache(maxsize=16)
def erb_bands(sample_rate_hz: int, fft_samples: int, step_erb: float = 1.0) -> ErbBands:
    """Bands from a centre at 50 Hz up to 15 kHz or 95 % of the Nyquist frequency, whichever is lower.

    Raises ValueError where not even two bands fit, or where the transform is empty.
    """
    if fft_samples < 2 or step_erb <= 0:
        raise ValueError(f"a transform of {fft_samples} samples in steps of {step_erb} ERB has no bands")
    highest_hz = min(HIGHEST_EDGE_HZ, 0.95 * sample_rate_hz / 2)
    lowest = float(erb_number(LOWEST_CENTER_HZ)) - step_erb / 2
    count = int((float(erb_number(highest_hz)) - lowest) / step_erb) if highest_hz > LOWEST_CENTER_HZ else 0
    if count < 2:
        raise ValueError(f"a sample rate of {sample_rate_hz} Hz is too low for bands of {step_erb} ERB from 50 Hz up")
    numbers = lowest + step_erb * np.arange(count + 1)
    edges_hz = erb_number_to_hz(numbers)
    bin_hz = sample_rate_hz / fft_samples
    bins_hz = bin_hz * np.arange(fft_samples // 2 + 1)
    upper = np.minimum(edges_hz[1:, None], bins_hz + bin_hz / 2)
    lower = np.maximum(edges_hz[:-1, None], bins_hz - bin_hz / 2)
    weights = (np.maximum(upper - lower, 0) / bin_hz).astype(np.float32)
    return ErbBands(step_erb, erb_number_to_hz(numbers[:-1] + step_erb / 2), edges_hz, weights)


def ear_gain_db(frequency_hz: Floats) -> Floats:
    """Gain of outer and middle ear re 1 kHz, loudspeakers in front, dB."""
    gain_db = np.add(_OUTER_EAR_DB, _MIDDLE_EAR_DB)
    return np.interp(np.log(frequency_hz), np.log(_EAR_HZ), gain_db)


def quiet_threshold_db(frequency_hz: Floats) -> Floats:
    """Excitation at the absolute threshold of hearing, dB re the excitation of a 1 kHz tone of 0 dB SPL."""
    return np.interp(np.log(frequency_hz), np.log(_QUIET_HZ), _QUIET_DB)


def detection_ratio_db(frequency_hz: Floats) -> Floats:
    """K: the signal's excitation over the masker's at which the signal is just heard, dB."""
    return np.interp(np.log(frequency_hz), np.log(_K_HZ), _K_DB)


@dataclass(frozen=True, eq=False)
class Hearing:
    """The ear on a set of bands, all as linear power.

    `ear_gain`, `detection_ratio` and `quiet_threshold` are float32 (bands,); `spread` is float32
    (levels x bands in, bands out): how much of a band's power at a level (`LEVELS_DB`) each filter lets through.
    """

    ear_gain: Power
    detection_ratio: Power
    quiet_threshold: Power
    spread: Power
    step_erb: float

    def excitation(self, power: Power) -> Power:
        """Excitation of sounds that play together, same shape as `power`: float32 (sounds, frames, bands).

        `power` is re 0 dB SPL. The level of all sounds together sets the filters, as there is only one ear; so
        the excitations of the sounds add up to that of the mix.
        """
        heard = power * self.ear_gain
        level_db = 10 * np.log10(heard.sum(axis=0) / np.float32(self.step_erb) + np.float32(1e-6))
        level_db = np.clip(level_db, LEVELS_DB[0], LEVELS_DB[-1])[:, None, :]
        share = np.maximum(0, 1 - np.abs(level_db - LEVELS_DB[:, None]) / _LEVEL_STEP_DB)
        sounds, frames, bands = power.shape
        by_level = (heard[:, :, None, :] * share).reshape(sounds * frames, len(self.spread))
        return np.asarray((by_level @ self.spread).reshape(sounds, frames, bands), np.float32)


@lru_cache(maxsize=16)
def hearing(bands: ErbBands) -> Hearing:
    """The ear on these bands.

    A filter's answer is averaged over each band, so a tone in its own band loses what the average loses; the two
    thresholds are lowered by the same factor, which keeps the published thresholds of tones.
    """
    edge = 2 * bands.step_erb  # (1 + x) exp(-x), averaged from the filter's peak to the band's edge
    kept = (2 - (2 + edge) * np.exp(-edge)) / edge
    return Hearing(
        ear_gain=_linear(ear_gain_db(bands.centers_hz)),
        detection_ratio=_linear(detection_ratio_db(bands.centers_hz)) * np.float32(kept),
        quiet_threshold=_linear(quiet_threshold_db(bands.centers_hz)) * np.float32(kept),
        spread=np.concatenate([_spreading(bands, level_db) for level_db in LEVELS_DB.tolist()]).astype(np.float32),
        step_erb=bands.step_erb,
    )


def _linear(value_db: Floats) -> Power:
    return np.asarray(10 ** (value_db / 10), np.float32)


def _spreading(bands: ErbBands, level_db: float) -> Floats:
    """Mean answer of the roex filter of each band to every band's power at one level, (bands in, bands out)."""
    inside = (np.arange(_POINTS_PER_BAND) + 0.5) / _POINTS_PER_BAND * bands.step_erb
    input_hz = erb_number_to_hz(erb_number(bands.edges_hz[:-1, None]) + inside)[:, :, None]
    center_hz = bands.centers_hz
    slope = 4 * center_hz / erb_hz(center_hz)
    slope_at_1khz = 4000 / float(erb_hz(np.asarray(1000.0)))
    # The side below the centre grows shallow with level: this is the upward spread of masking.
    lower_slope = slope * (1 - _SLOPE_PER_DB * (level_db - _SLOPE_LEVEL_DB) / slope_at_1khz)
    distance = np.abs(input_hz - center_hz) / center_hz
    x = np.where(input_hz < center_hz, lower_slope, slope) * distance
    return np.asarray(((1 + x) * np.exp(-x)).mean(axis=1))
