"""Sounds that hide each other: bands of noise at a level, and the masking measured in them."""

import numpy as np
from numpy.typing import NDArray
from test_erb import FFT_SAMPLES, RATE_HZ, spectra, white_noise

from mixingbuddy.tools.masking import Masking, measure_masking
from mixingbuddy.tools.roles import Role

FRAME_S = FFT_SAMPLES / RATE_HZ
Audio = NDArray[np.float64]
ROLES: dict[str, Role] = {
    "vocals": "vocals",
    "guitar": "guitar",
    "bass": "bass",
    "choir": "backing_vocals",
    "pad": "keys",
}


def measure(**stems: Audio) -> Masking:
    power, bands = spectra(list(stems.values()))
    return measure_masking(tuple(stems), power, FRAME_S, bands)[0]


def noise_band(low_hz: float, high_hz: float, level_db_spl: float, duration_s: float, seed: int = 1) -> Audio:
    """Noise between two frequencies with this level, where a sine of full scale has 100 dB SPL."""
    spectrum = np.fft.rfft(white_noise(0, duration_s, seed))
    frequencies_hz = np.fft.rfftfreq(round(duration_s * RATE_HZ), 1 / RATE_HZ)
    noise = np.fft.irfft(spectrum * ((frequencies_hz >= low_hz) & (frequencies_hz < high_hz)))
    return np.asarray(noise * np.sqrt(0.5 * 10 ** ((level_db_spl - 100) / 10) / np.square(noise).mean()))


def between(audio: Audio, start_s: float, end_s: float) -> Audio:
    """The audio with silence before and after."""
    t = np.arange(len(audio)) / RATE_HZ
    return np.where((t >= start_s) & (t < end_s), audio, 0.0)


def voice(duration_s: float) -> Audio:
    """Bands of noise with about the long-term spectrum of a singer."""
    parts = ((150, 700, 72), (700, 2000, 66), (2000, 4000, 60), (4000, 9000, 62))
    return np.sum([noise_band(*part, duration_s, seed) for seed, part in enumerate(parts)], axis=0)


def planted() -> Masking:
    """A guitar hides the vocals from 7 to 14 s, between 2 and 4 kHz; a bass hides nothing."""
    guitar = between(noise_band(2000, 4000, 75, 20.0, seed=9), 7.0, 14.0)
    return measure(vocals=voice(20.0), guitar=guitar, bass=noise_band(60, 120, 70, 20.0, seed=10))
