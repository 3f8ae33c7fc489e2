"""Bands and thresholds of the ear against published psychoacoustics, through sines and noise and a Hann transform."""

import numpy as np
import pytest
from numpy.typing import NDArray

from mixingbuddy.tools.erb import (
    ErbBands,
    ear_gain_db,
    erb_bands,
    erb_hz,
    erb_number,
    erb_number_to_hz,
    hearing,
    quiet_threshold_db,
)

RATE_HZ, FFT_SAMPLES = 44100, 4096
FULL_SCALE_DB_SPL = 100.0
Audio = NDArray[np.float64]


def spectra(
    stems: list[Audio], rate_hz: int = RATE_HZ, fft_samples: int = FFT_SAMPLES, step_erb: float = 1.0
) -> tuple[NDArray[np.float32], ErbBands]:
    """Mean square per band of Hann-windowed frames that do not overlap: float32 (stems, frames, bands)."""
    bands = erb_bands(rate_hz, fft_samples, step_erb)
    window = np.hanning(fft_samples + 1)[:-1]
    frames = np.stack([stem[: len(stem) // fft_samples * fft_samples].reshape(-1, fft_samples) for stem in stems])
    power = np.abs(np.fft.rfft(frames * window)) ** 2 * 2 / (fft_samples * np.square(window).sum())
    return (power.astype(np.float32) @ bands.weights.T).astype(np.float32), bands


def sine(frequency_hz: float, level_db_spl: float, duration_s: float = 1.0, rate_hz: int = RATE_HZ) -> Audio:
    """A sine whose level is so many dB SPL where a sine of full scale has 100 dB SPL."""
    t = np.arange(round(duration_s * rate_hz)) / rate_hz
    return np.asarray(10 ** ((level_db_spl - FULL_SCALE_DB_SPL) / 20) * np.sin(2 * np.pi * frequency_hz * t))


def white_noise(spectrum_level_db: float, duration_s: float = 4.0, seed: int = 1) -> Audio:
    """White noise of so many dB SPL per hertz."""
    mean_square = 0.5 * 10 ** ((spectrum_level_db - FULL_SCALE_DB_SPL) / 10) * RATE_HZ / 2
    noise = np.random.default_rng(seed).standard_normal(round(duration_s * RATE_HZ))
    return np.asarray(noise * np.sqrt(mean_square))


def threshold_db_spl(probe_hz: float, masker: Audio, step_erb: float = 1.0) -> float:
    """Level at which a tone of `probe_hz` is just heard in the masker, by the band that hears it best, dB SPL."""
    probe = sine(probe_hz, 30, len(masker) / RATE_HZ)
    power, bands = spectra([probe, masker], step_erb=step_erb)
    ear = hearing(bands)
    signal, mask = ear.excitation(power * np.float32(10 ** (FULL_SCALE_DB_SPL / 10) / 0.5)).mean(axis=1)
    return 30 - 10 * float(np.log10((signal / (mask * ear.detection_ratio + ear.quiet_threshold)).max()))


def test_scale_has_the_published_bandwidths() -> None:
    assert erb_hz(np.array([100.0, 1000.0, 4000.0])) == pytest.approx([35.5, 132.6, 456.5], abs=0.1)
    assert float(erb_number(1000.0)) == pytest.approx(15.6, abs=0.05)
    assert erb_number_to_hz(erb_number(np.array([50.0, 3000.0]))) == pytest.approx([50, 3000])


@pytest.mark.parametrize(("rate_hz", "fft_samples"), [(8000, 1024), (44100, 4096), (48000, 4096), (192000, 16384)])
def test_bands_are_one_erb_wide_and_share_out_every_bin(rate_hz: int, fft_samples: int) -> None:
    bands = erb_bands(rate_hz, fft_samples)
    assert bands.centers_hz[0] == pytest.approx(50)
    assert bands.edges_hz[-1] <= min(15000, 0.95 * rate_hz / 2) < bands.edges_hz[-1] + 1.2 * erb_hz(bands.edges_hz[-1])
    assert np.diff(bands.edges_hz) == pytest.approx(erb_hz(bands.centers_hz), rel=0.02)
    assert bands.weights.shape == (len(bands), fft_samples // 2 + 1)
    assert bands.weights.dtype == np.float32
    assert bands.weights.sum(axis=1) == pytest.approx(np.diff(bands.edges_hz) / (rate_hz / fft_samples), rel=1e-4)
    assert bands.weights.sum(axis=0).max() <= 1 + 1e-6


def test_half_erb_bands_are_twice_as_many() -> None:
    assert len(erb_bands(44100, 4096, 0.5)) == pytest.approx(2 * len(erb_bands(44100, 4096)), abs=2)


@pytest.mark.parametrize(
    ("rate_hz", "fft_samples", "step_erb"), [(100, 64, 1.0), (150, 64, 1.0), (44100, 0, 1.0), (44100, 4096, 0.0)]
)
def test_bands_that_cannot_be_are_refused(rate_hz: int, fft_samples: int, step_erb: float) -> None:
    with pytest.raises(ValueError, match="bands"):
        erb_bands(rate_hz, fft_samples, step_erb)


@pytest.mark.parametrize(
    ("frequency_hz", "iso_389_7_db_spl"),
    [(100, 26.5), (250, 11.4), (500, 4.4), (1000, 2.4), (4000, -5.4), (8000, 12.6)],
)
def test_threshold_in_quiet_is_that_of_iso_389_7(frequency_hz: float, iso_389_7_db_spl: float) -> None:
    at = np.array([frequency_hz])
    assert float((quiet_threshold_db(at) - ear_gain_db(at))[0]) == pytest.approx(iso_389_7_db_spl, abs=3)
    assert threshold_db_spl(frequency_hz, np.zeros(RATE_HZ)) == pytest.approx(iso_389_7_db_spl, abs=5)


@pytest.mark.parametrize("step_erb", [1.0, 0.5])
@pytest.mark.parametrize("spectrum_level_db", [20.0, 40.0])
@pytest.mark.parametrize(
    ("frequency_hz", "critical_ratio_db"), [(250, 16.5), (500, 17), (1000, 18), (2000, 20), (4000, 23)]
)
def test_tone_in_white_noise_is_heard_at_the_critical_ratio(
    frequency_hz: float, critical_ratio_db: float, spectrum_level_db: float, step_erb: float
) -> None:
    """Hawkins and Stevens (1950), J. Acoust. Soc. Am. 22, 6-13, rounded to half a decibel; the same at every level."""
    over_noise_db = threshold_db_spl(frequency_hz, white_noise(spectrum_level_db), step_erb) - spectrum_level_db
    assert over_noise_db == pytest.approx(critical_ratio_db, abs=1.5 if spectrum_level_db < 30 else 2)


def test_masking_spreads_upwards_and_more_so_when_loud() -> None:
    def masking_db(probe_hz: float, masker_db_spl: float) -> float:
        return threshold_db_spl(probe_hz, sine(1000, masker_db_spl)) - threshold_db_spl(probe_hz, np.zeros(RATE_HZ))

    assert masking_db(2000, 90) > masking_db(500, 90) + 20
    assert masking_db(500, 90) < 3
    # 40 dB more of the masker raise the threshold above it by more than 40 dB (Egan and Hake 1950).
    assert masking_db(1500, 90) - masking_db(1500, 50) > 45
    assert masking_db(2000, 50) < 3


@pytest.mark.parametrize("masker_db_spl", [60.0, 90.0])
def test_nothing_is_masked_two_octaves_below(masker_db_spl: float) -> None:
    quiet_db_spl = threshold_db_spl(500, np.zeros(RATE_HZ))
    assert threshold_db_spl(500, sine(2000, masker_db_spl)) == pytest.approx(quiet_db_spl, abs=0.5)


@pytest.mark.parametrize("probe_hz", [300.0, 1000.0, 5000.0])
def test_six_db_less_masker_is_six_db_less_threshold(probe_hz: float) -> None:
    noise = white_noise(40)
    change_db = threshold_db_spl(probe_hz, noise) - threshold_db_spl(probe_hz, noise * 10 ** (-6 / 20))
    assert change_db == pytest.approx(6, abs=1)


def test_excitations_of_sounds_add_up() -> None:
    power, bands = spectra([sine(440, 70), sine(900, 60), white_noise(20, 1.0)])
    ear = hearing(bands)
    apart = ear.excitation(power * np.float32(2e10))
    together = ear.excitation(power.sum(axis=0, keepdims=True) * np.float32(2e10))
    assert apart.sum(axis=0) == pytest.approx(together[0], rel=1e-4)
