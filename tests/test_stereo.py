"""Against the same figures taken directly in the time domain."""

import json

import numpy as np
import pytest
import scipy.signal

from mixingbuddy.tools.band_spectra import measure_band_spectra
from mixingbuddy.tools.stereo import LIMIT_DB, StereoImage, measure_stereo, stereo_findings

RATE_HZ = 44100


def image_of(audio: np.ndarray, rate_hz: int = RATE_HZ) -> StereoImage:
    return measure_stereo(measure_band_spectra(audio.astype(np.float32), rate_hz))


def band_noise(duration_s: float = 6.0, rate_hz: int = RATE_HZ, channels: int = 2, seed: int = 0) -> np.ndarray:
    """Noise between 30 Hz and 0.4 times the rate, so that nothing lies outside what is measured."""
    audio = 0.1 * np.random.default_rng(seed).standard_normal((channels, int(duration_s * rate_hz)))
    sos = scipy.signal.butter(4, [30, min(0.4 * rate_hz, 18000)], "band", fs=rate_hz, output="sos")
    return np.asarray(scipy.signal.sosfilt(sos, audio))


def mixed(common: float, left: float, right: float, seed: int = 0) -> np.ndarray:
    """Stereo noise with a common part and one of its own on each side."""
    centre, own_left, own_right = band_noise(channels=3, seed=seed)
    return np.stack([common * centre + left * own_left, common * centre + right * own_right])


@pytest.mark.parametrize("parts", [(1, 0, 0), (1, 0.5, 0.5), (1, 1, 0.2), (0, 1, 1), (0.2, 0.1, 1)])
def test_agrees_with_the_time_domain(parts: tuple[float, float, float]) -> None:
    audio = mixed(*parts)
    left, right = audio
    mid, side = np.square((left + right) / 2).mean(), np.square((left - right) / 2).mean()
    image = image_of(audio)
    assert image.correlation == pytest.approx(np.corrcoef(left, right)[0, 1], abs=0.005)
    assert image.width == pytest.approx(side / (mid + side), abs=0.005)
    assert image.balance_db == pytest.approx(10 * np.log10((right**2).mean() / (left**2).mean()), abs=0.05)
    assert image.mono_loss_db == pytest.approx(10 * np.log10((mid + side) / mid), abs=0.05)
    if side > 0:
        assert image.side_mid_db == pytest.approx(10 * np.log10(side / mid), abs=0.05)


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100, 96000, 192000])
def test_an_inverted_channel_is_lost_in_mono_at_any_rate(rate_hz: int) -> None:
    one = band_noise(2.0, rate_hz, channels=1)
    image = image_of(np.concatenate([one, -one]), rate_hz)
    assert image.correlation == pytest.approx(-1, abs=1e-4)
    assert image.width == pytest.approx(1, abs=1e-4)
    assert image.mono_loss_db is not None
    assert image.mono_loss_db > 50
    assert all(band.mono_loss_db > 40 for band in image.bands if band.level_db > -20)
    (finding,) = stereo_findings(image)
    assert (finding.kind, finding.severity) == ("stereo_inverted", "major")


def test_the_same_on_both_sides_is_mono() -> None:
    image = image_of(np.repeat(band_noise(channels=1), 2, axis=0))
    assert image.correlation == pytest.approx(1)
    assert image.width == pytest.approx(0, abs=1e-6)
    assert image.mono_loss_db == pytest.approx(0, abs=1e-5)
    assert image.side_mid_db is not None
    assert image.side_mid_db <= -50
    assert stereo_findings(image) == ()


def test_unrelated_sides_lose_three_decibels_and_that_is_no_fault() -> None:
    image = image_of(band_noise())
    assert image.mono_loss_db == pytest.approx(3.01, abs=0.1)
    assert image.width == pytest.approx(0.5, abs=0.01)
    assert stereo_findings(image) == ()


def test_swapped_channels_swap_only_the_balance() -> None:
    audio = mixed(1, 0.5, 0.1)
    image, swapped = image_of(audio), image_of(audio[::-1])
    assert image.balance_db is not None
    assert swapped.balance_db == pytest.approx(-image.balance_db)
    assert swapped.correlation == pytest.approx(image.correlation)


def test_one_band_out_of_phase_is_found_where_it_is() -> None:
    audio = mixed(1, 0.2, 0.2)
    low = scipy.signal.sosfiltfilt(scipy.signal.butter(4, [70, 220], "band", fs=RATE_HZ, output="sos"), 3 * audio[0])
    audio = audio + np.stack([low, -low])
    findings = stereo_findings(image_of(audio), "pad")
    assert [finding.kind for finding in findings] == ["mono_loss_low"]
    left, right = scipy.signal.sosfilt(scipy.signal.butter(8, [60, 250], "band", fs=RATE_HZ, output="sos"), audio)
    loss = 10 * np.log10((left**2 + right**2).mean() / 2 / np.square((left + right) / 2).mean())
    assert findings[0].value == pytest.approx(loss, abs=0.6)
    assert findings[0].stems == ("pad",)
    assert "60 Hz and 250 Hz" in findings[0].text


@pytest.mark.parametrize(("gain", "severity"), [(1.3, None), (1.6, "minor"), (2.5, "major")])
def test_an_unbalanced_mix_alarms_but_a_panned_stem_does_not(gain: float, severity: str | None) -> None:
    image = image_of(mixed(1, 0.3, 0.3) * np.array([[1.0], [gain]]))
    assert image.balance_db == pytest.approx(20 * np.log10(gain), abs=0.1)
    assert [finding.severity for finding in stereo_findings(image)] == ([severity] if severity else [])
    assert stereo_findings(image, "guitar") == ()


def test_a_silent_side_is_said() -> None:
    image = image_of(band_noise() * np.array([[1.0], [0.0]]))
    assert image.correlation is None
    assert image.unmeasured == "the right side is silent"
    assert image.balance_db == -LIMIT_DB
    assert image.mono_loss_db == pytest.approx(3.01, abs=0.01)
    (of_mix,), (of_stem,) = stereo_findings(image), stereo_findings(image, "gtr L")
    assert (of_mix.kind, of_mix.severity) == ("one_sided", "major")
    assert (of_stem.severity, of_stem.stems) == ("info", ("gtr L",))
    assert of_stem.text == "'gtr L' sounds on the left only; the other side is silent."


def test_an_offset_does_not_count_as_correlation() -> None:
    image = image_of(band_noise() + 0.2)
    assert image.correlation == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize(
    ("audio", "reason"),
    [
        (band_noise(channels=1), "mono"),
        (np.zeros((1, 10)), "mono"),
        (np.zeros((2, 44100)), "silent"),
        (np.ones((2, 1)), "shorter"),
        (np.zeros((2, 0)), "shorter"),
        (band_noise(0.03), "shorter"),
    ],
    ids=["mono", "short mono", "silence", "one sample", "nothing", "30 ms"],
)
def test_what_cannot_be_measured_says_why(audio: np.ndarray, reason: str) -> None:
    image = image_of(audio)
    assert image.correlation is image.width is image.balance_db is image.mono_loss_db is None
    assert reason in str(image.unmeasured)
    assert stereo_findings(image) == ()
    json.loads(image.model_dump_json(), parse_constant=pytest.fail)
