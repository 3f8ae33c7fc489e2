"""Against noise and filters whose spectra are known, and against scipy.signal.welch."""

import json

import numpy as np
import pytest
import scipy.signal

from mixingbuddy.tools.band_spectra import measure_band_spectra
from mixingbuddy.tools.levels import k_weighted_hops
from mixingbuddy.tools.spectrum import SpectralBalance, measure_spectrum, spoken_band, spoken_hz, third_octaves_hz


def balance_of(audio: np.ndarray, rate_hz: int = 44100) -> SpectralBalance:
    return measure_spectrum(measure_band_spectra(audio.astype(np.float32), rate_hz))


def coloured(exponent: float, duration_s: float = 20.0, rate_hz: int = 44100, seed: int = 0) -> np.ndarray:
    """Noise whose power density falls as 1 / f ** exponent; (1, samples)."""
    samples = int(duration_s * rate_hz)
    frequencies = np.maximum(np.fft.rfftfreq(samples, 1 / rate_hz), 10.0)
    phases = np.exp(2j * np.pi * np.random.default_rng(seed).random(len(frequencies)))
    audio = np.fft.irfft(phases * frequencies ** (-exponent / 2), samples)[None]
    # Without a fade the noise begins with a step, whose spectrum falls less steeply than the noise's.
    fade = np.minimum(1, np.minimum(np.arange(samples), np.arange(samples)[::-1]) / (0.2 * rate_hz))
    return 0.1 * fade * audio / audio.std()


def test_centres_and_edges_are_those_of_iec_61260() -> None:
    centres, edges = third_octaves_hz(48000)
    nominal = [25, 31.5, 40, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000,
               2500, 3150, 4000, 5000, 6300, 8000, 10000, 12500, 16000, 20000]  # fmt: skip
    np.testing.assert_allclose(centres, nominal, rtol=0.01)
    assert edges[16:18] == pytest.approx([891.25, 1122.02], abs=0.01)
    assert len(third_octaves_hz(44100)[0]) == 30
    assert third_octaves_hz(8000)[1][-1] <= 4000


@pytest.mark.parametrize(("exponent", "tilt"), [(0, 3.01), (1, 0.0), (2, -3.01), (3, -6.02)])
def test_tilt_of_coloured_noise(exponent: float, tilt: float) -> None:
    balance = balance_of(coloured(exponent))
    assert balance.tilt_db_per_octave == pytest.approx(tilt, abs=0.05)
    assert balance.tilt_error_db_per_octave is not None
    assert balance.tilt_error_db_per_octave < 0.05


def test_one_resonance_does_not_turn_the_tilt() -> None:
    audio = coloured(1)
    audio[0] += 0.3 * np.sin(2 * np.pi * 8000 * np.arange(audio.shape[1]) / 44100)
    balance = balance_of(audio)
    assert balance.third_octaves_db is not None
    assert balance.third_octaves_db[25] > -3
    assert balance.tilt_db_per_octave == pytest.approx(0.0, abs=0.1)


def test_pink_noise_has_equal_third_octaves() -> None:
    levels = balance_of(coloured(1, 60)).third_octaves_db
    assert levels is not None
    # 10 octaves of 3 (and a little: 2 ** (1/3) against 10 ** 0.1) third octaves between 20 Hz and 20 kHz.
    np.testing.assert_allclose(levels[:-1], 10 * np.log10(0.1 * np.log(10) / np.log(1000)), atol=0.4)
    assert levels[-1] == pytest.approx(levels[0], abs=0.9)  # the last is cut at Nyquist


def test_third_octaves_agree_with_welch() -> None:
    audio = scipy.signal.lfilter([1, 0.5], [1, -1.6, 0.7], coloured(1, 30, seed=3))
    balance = balance_of(audio)
    frequencies, density = scipy.signal.welch(audio[0], 44100, "hann", 65536)
    _, edges = third_octaves_hz(44100)
    cumulated = np.concatenate([[0], np.cumsum(density)]) * frequencies[1]
    bin_edges = np.append(0, frequencies + frequencies[1] / 2)
    oracle = np.diff(np.interp(edges, bin_edges, cumulated))
    total = np.diff(np.interp([20, 20000], bin_edges, cumulated))
    np.testing.assert_allclose(balance.third_octaves_db, 10 * np.log10(oracle / total), atol=0.35)
    assert balance.level_db == pytest.approx(10 * np.log10(total[0]), abs=0.1)


def test_a_known_filter_is_read_back() -> None:
    audio = coloured(1, 30)
    sos = scipy.signal.butter(2, 1000, "low", fs=44100, output="sos")
    before, after = balance_of(audio), balance_of(scipy.signal.sosfilt(sos, audio))
    centres, _ = third_octaves_hz(44100)
    response = 20 * np.log10(np.abs(scipy.signal.sosfreqz(sos, centres[:25], fs=44100)[1]))
    assert before.third_octaves_db is not None
    assert after.third_octaves_db is not None
    assert before.level_db is not None
    assert after.level_db is not None
    change = np.array(after.third_octaves_db) - before.third_octaves_db + after.level_db - before.level_db
    np.testing.assert_allclose(change[:25], response, atol=0.3)


@pytest.mark.parametrize(
    ("hz", "name"),
    [(40, "sub"), (52, "sub"), (70, "low"), (200, "low"), (1000, "low_mid"), (3000, "high_mid"), (9000, "air")],
)
def test_a_sine_is_in_one_named_band(hz: float, name: str) -> None:
    audio = 0.5 * np.sin(2 * np.pi * hz * np.arange(4 * 44100) / 44100)[None]
    balance = balance_of(audio)
    assert balance.level_db == pytest.approx(10 * np.log10(0.125), abs=0.05)
    for band in balance.bands:
        assert band.level_db is not None
        assert band.level_db == pytest.approx(0.0, abs=0.1) if band.name == name else band.level_db < -25


def test_levels_are_shapes_that_no_gain_changes() -> None:
    loud, quiet = balance_of(coloured(1)), balance_of(0.01 * coloured(1))
    assert loud.level_db is not None
    assert quiet.level_db == pytest.approx(loud.level_db - 40, abs=0.01)
    np.testing.assert_allclose(loud.third_octaves_db, quiet.third_octaves_db, atol=0.01)


def test_k_weighted_level_agrees_with_the_filter_in_time() -> None:
    for rate_hz in (44100, 48000, 96000):
        audio = coloured(1, 10, rate_hz).astype(np.float32)
        expected = 10 * np.log10(k_weighted_hops(audio, rate_hz).mean())
        assert balance_of(audio, rate_hz).k_weighted_db == pytest.approx(expected, abs=0.1)


def test_mono_equals_the_same_on_both_sides() -> None:
    audio = coloured(1, 5)
    np.testing.assert_allclose(
        balance_of(audio).third_octaves_db, balance_of(np.repeat(audio, 2, axis=0)).third_octaves_db, atol=1e-3
    )


@pytest.mark.parametrize(
    ("audio", "reason"),
    [
        (np.zeros((2, 44100)), "silent"),
        (np.ones((1, 1)), "shorter"),
        (np.ones((2, 1323)), "shorter"),
        (np.full((1, 44100), 1e30) * [[(-1) ** i for i in range(44100)]], "too large"),
    ],
    ids=["silence", "one sample", "30 ms", "huge"],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_cannot_be_measured_says_why(audio: np.ndarray, reason: str) -> None:
    balance = balance_of(audio)
    assert balance.level_db is balance.tilt_db_per_octave is balance.third_octaves_db is None
    assert reason in str(balance.unmeasured)
    assert all(reason in str(band.unmeasured) for band in balance.bands)
    json.loads(balance.model_dump_json(), parse_constant=pytest.fail)


def test_low_sample_rates_leave_out_what_they_cannot_hold() -> None:
    balance = balance_of(coloured(1, 5, 8000), 8000)
    assert max(balance.third_octaves_hz) < 4000
    air = balance.bands[-1]
    assert air.level_db is None
    assert "4000 Hz" in str(air.unmeasured)
    assert balance.bands[1].level_db is not None
    assert len(balance_of(coloured(1, 1, 192000), 192000).third_octaves_hz) == 30


def test_frequencies_are_spoken_as_engineers_do() -> None:
    assert [spoken_hz(hz) for hz in (63.1, 251.19, 1000, 3162.3, 20000)] == [
        "63.1 Hz",
        "251 Hz",
        "1 kHz",
        "3.2 kHz",
        "20 kHz",
    ]
    assert spoken_band("low_mid") == "low-mid (250 Hz to 2 kHz)"
