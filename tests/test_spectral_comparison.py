"""Differences that were put in by known filters and gains are read back, and only audible ones are said."""

from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from mixingbuddy.tools.audio import read_clip
from mixingbuddy.tools.band_spectra import measure_band_spectra
from mixingbuddy.tools.spectral_comparison import spectral_difference, spectrum_findings
from mixingbuddy.tools.spectral_curves import load_curves
from mixingbuddy.tools.spectrum import SpectralBalance, measure_spectrum

RATE_HZ = 44100


def mean_mix(duration_s: float = 20.0, extra_db: dict[tuple[float, float], float] | None = None) -> np.ndarray:
    """Noise with the mean spectrum of professional mixes, (2, samples); `extra_db` by frequency range."""
    curves = load_curves()
    samples = int(duration_s * RATE_HZ)
    frequencies = np.maximum(np.fft.rfftfreq(samples, 1 / RATE_HZ), 1.0)
    level = np.interp(np.log(frequencies), np.log(curves.third_octaves_hz), curves.groups["mix"].mean_db)
    for (low_hz, high_hz), gain_db in (extra_db or {}).items():
        level += gain_db * ((frequencies >= low_hz) & (frequencies < high_hz))
    spectrum = (
        np.fft.rfft(np.random.default_rng(0).standard_normal((2, samples))) * 10 ** (level / 20) / frequencies**0.5
    )
    audio = np.fft.irfft(spectrum, samples)
    return np.asarray(0.1 * audio / audio.std(), np.float32)


def balance_of(audio: np.ndarray, rate_hz: int = RATE_HZ) -> SpectralBalance:
    return measure_spectrum(measure_band_spectra(audio.astype(np.float32), rate_hz))


def test_a_gain_alone_is_no_difference() -> None:
    mix = mean_mix(5)
    difference = spectral_difference(balance_of(mix), balance_of(0.25 * mix))
    assert difference.offset_db == pytest.approx(20 * np.log10(0.25), abs=0.01)
    np.testing.assert_allclose(difference.third_octaves_db, 0, atol=0.01)
    assert difference.tilt_db_per_octave == pytest.approx(0, abs=0.001)


def test_a_filter_is_read_back_at_the_given_offset() -> None:
    mix = mean_mix()
    sos = scipy.signal.butter(1, 2000, "high", fs=RATE_HZ, output="sos")
    difference = spectral_difference(balance_of(scipy.signal.sosfilt(sos, mix)), balance_of(mix), offset_db=0.0)
    centres = np.array(difference.third_octaves_hz)
    response = 20 * np.log10(np.abs(scipy.signal.sosfreqz(sos, centres, fs=RATE_HZ)[1]))
    assert difference.third_octaves_db is not None
    np.testing.assert_allclose(difference.third_octaves_db[5:-1], response[5:-1], atol=0.5)


def test_the_difference_turns_its_sign_with_the_sides() -> None:
    one, other = balance_of(mean_mix(5)), balance_of(mean_mix(5, {(2000, 6000): 5.0}))
    there, back = spectral_difference(one, other), spectral_difference(other, one)
    assert there.third_octaves_db is not None
    np.testing.assert_allclose(there.third_octaves_db, -np.array(back.third_octaves_db), atol=1e-9)


def test_an_audible_band_is_said_with_its_size_and_place() -> None:
    reference = balance_of(mean_mix())
    mix = balance_of(mean_mix(extra_db={(6000, 20000): -5.0}))
    difference = spectral_difference(mix, reference)
    findings = [finding for finding in spectrum_findings(mix, difference) if finding.kind.startswith("reference")]
    assert [finding.kind for finding in findings] == ["reference_band_air"]
    assert findings[0].value == pytest.approx(-5.0, abs=0.6)
    assert "less air (6 kHz to 20 kHz)" in findings[0].text
    assert findings[0].severity == "minor"


def test_what_is_too_faint_or_too_small_is_not_said() -> None:
    reference = balance_of(mean_mix())
    assert (
        spectrum_findings(reference, spectral_difference(balance_of(mean_mix(extra_db={(250, 2000): 2.0})), reference))
        == ()
    )
    faint = spectral_difference(
        balance_of(mean_mix(extra_db={(5900, 20000): -20.0})), balance_of(mean_mix(extra_db={(5900, 20000): -28.0}))
    )
    air = faint.bands[-1]
    assert air.difference_db == pytest.approx(8, abs=1)
    assert not air.audible
    assert spectrum_findings(reference, faint) == ()


def test_a_mix_like_the_average_has_no_findings_and_a_boomy_one_has() -> None:
    assert spectrum_findings(balance_of(mean_mix())) == ()
    findings = spectrum_findings(balance_of(mean_mix(extra_db={(60, 250): 12.0})))
    assert findings
    low = next(finding for finding in findings if finding.kind == "spectral_band_low_mid")
    assert low.expected is not None
    assert low.value is not None
    assert low.value < low.expected[0]
    assert "94 professionally mixed songs" in low.source


def test_white_noise_is_far_too_bright() -> None:
    findings = spectrum_findings(balance_of(0.1 * np.random.default_rng(0).standard_normal((2, 5 * RATE_HZ))))
    tilt = next(finding for finding in findings if finding.kind == "spectral_tilt")
    assert (tilt.severity, tilt.unit) == ("major", "dB/octave")
    assert "brighter" in tilt.text


def test_different_rates_are_compared_where_both_have_bands() -> None:
    mix = mean_mix(5)
    half = scipy.signal.resample_poly(mix, 1, 2, axis=1)
    difference = spectral_difference(balance_of(half, RATE_HZ // 2), balance_of(mix))
    assert difference.third_octaves_db is not None
    assert max(difference.third_octaves_hz) < 11025
    np.testing.assert_allclose(difference.third_octaves_db[2:-1], 0, atol=0.3)
    assert difference.bands[-1].difference_db is None


@pytest.mark.parametrize("swap", [False, True])
def test_silence_has_no_difference_and_says_whose_it_is(swap: bool) -> None:
    mix, silent = balance_of(mean_mix(2)), balance_of(np.zeros((2, RATE_HZ)))
    difference = spectral_difference(mix, silent) if swap else spectral_difference(silent, mix)
    assert difference.third_octaves_db is None
    assert difference.bands == ()
    assert str(difference.unmeasured).startswith("reference: silent" if swap else "silent")
    assert spectrum_findings(silent, difference) == ()


def test_a_professional_mix_has_nothing_to_be_said_against_it(shared_data: Path) -> None:
    (path,) = (shared_data / "multitracks" / "falcon69" / "reference").iterdir()
    clip = read_clip(path)
    findings = spectrum_findings(balance_of(clip.audio, clip.sample_rate_hz))
    assert not [finding for finding in findings if finding.severity == "major"]
