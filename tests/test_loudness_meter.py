"""The meter against the test signals that EBU Tech 3341 and 3342 describe, and against other people's meters."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mixingbuddy.tools.loudness import FINE_HOP_S, k_weighted, mean_squares, sliding_lufs
from mixingbuddy.tools.loudness_meter import Loudness, measure_loudness

RATES = [44100, 48000, 96000]


def tone(parts: list[tuple[float | None, float]], rate_hz: int) -> np.ndarray:
    """A 1 kHz stereo sine whose level (dBFS, None for silence) changes with the parts, without a break in phase."""
    lengths = [round(duration_s * rate_hz) for _, duration_s in parts]
    levels = [0.0 if level is None else 10 ** (level / 20) for level, _ in parts]
    t = np.arange(sum(lengths)) / rate_hz
    wave = np.repeat(levels, lengths) * np.sin(2 * np.pi * 1000 * t)
    return np.stack([wave, wave]).astype(np.float32)


def fine_hops(audio: np.ndarray, rate_hz: int) -> np.ndarray:
    return mean_squares(k_weighted(audio, rate_hz), rate_hz, FINE_HOP_S)


@pytest.mark.parametrize("rate_hz", RATES)
def test_case_9_short_term_is_steady(rate_hz: int) -> None:
    audio = tone([(-20, 1.34), (-30, 1.66)] * 5, rate_hz)
    assert sliding_lufs(fine_hops(audio, rate_hz), 150) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("rate_hz", RATES)
def test_case_12_momentary_is_steady(rate_hz: int) -> None:
    audio = tone([(-20, 0.18), (-30, 0.22)] * 25, rate_hz)
    assert sliding_lufs(fine_hops(audio, rate_hz), 20)[30:] == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("step", [0, 1, 7, 13, 19])
def test_cases_10_and_13_the_maximum_is_found_wherever_the_tone_begins(step: int, rate_hz: int) -> None:
    long = measure_loudness(tone([(None, step * 0.15), (-23, 3.0), (None, 1.0)], rate_hz), rate_hz)
    short = measure_loudness(tone([(None, step * 0.02), (-23, 0.4), (None, 1.0)], rate_hz), rate_hz)
    assert long.max_short_term_lufs == pytest.approx(-23.0, abs=0.1)
    assert short.max_momentary_lufs == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("rate_hz", RATES)
def test_cases_11_and_14_each_louder_tone_becomes_the_maximum(rate_hz: int) -> None:
    for number in range(0, 20, 3):
        level = -38.0 + number
        long = tone([(None, number * 0.15), (level, 3.0), (None, 3 - number * 0.15)], rate_hz)
        short = tone([(None, number * 0.02), (level, 0.4), (None, 0.4 - number * 0.02)], rate_hz)
        assert measure_loudness(long, rate_hz).max_short_term_lufs == pytest.approx(level, abs=0.1)
        assert measure_loudness(short, rate_hz).max_momentary_lufs == pytest.approx(level, abs=0.1)


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_cases_20_to_23_a_peak_between_the_samples(offset: int, rate_hz: int) -> None:
    from scipy.signal import resample_poly

    # A quiet tone of fs/6 with one full-scale period, made at four times the rate and shifted by one of its samples.
    t = np.arange(4 * 6000)
    wave = 0.5 * np.sin(2 * np.pi * t / 24)
    burst = slice(24 * 500, 24 * 501)
    wave[burst] *= 2
    audio = resample_poly(np.roll(wave, offset), 1, 4).astype(np.float32)[None]
    again = resample_poly(audio[0], 4, 1)
    expected_dbtp = 20 * np.log10(np.abs(again).max())
    measured = measure_loudness(audio, rate_hz).true_peak_dbtp
    assert measured is not None
    assert -0.4 <= measured - expected_dbtp <= 0.2


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize(
    ("levels", "range_lu"),
    [
        ((-20, -30), 10.0),  # EBU Tech 3342, case 1
        ((-20, -15), 5.0),  # case 2
        ((-40, -20), 20.0),  # case 3
        ((-50, -35, -20, -35, -50), 15.0),  # case 4
    ],
)
def test_tech_3342_loudness_range(levels: tuple[float, ...], range_lu: float, rate_hz: int) -> None:
    audio = tone([(level, 20.0) for level in levels], rate_hz)
    assert measure_loudness(audio, rate_hz).loudness_range_lu == pytest.approx(range_lu, abs=1.0)


def test_ratios_of_a_sine_are_its_crest() -> None:
    measured = measure_loudness(tone([(-23, 10)], 48000), 48000)
    # A 1 kHz stereo sine of -23 dBFS peak reads -23 LUFS, so its peak stands 0 LU above its loudness.
    assert measured.plr_lu == pytest.approx(0.0, abs=0.1)
    assert measured.psr_lu == pytest.approx(0.0, abs=0.1)
    assert measured.sample_peak_dbfs == pytest.approx(-23.0, abs=0.01)


def test_psr_finds_the_most_squashed_three_seconds() -> None:
    rng = np.random.default_rng(0)
    spiky = tone([(-26, 6)], 44100)
    spiky[:, rng.integers(0, spiky.shape[1], 30)] = 0.5
    flat = tone([(-26, 4)], 44100)
    measured = measure_loudness(np.concatenate([spiky, flat], axis=1), 44100)
    assert measured.psr_lu == pytest.approx(0.0, abs=0.2)
    assert measured.plr_lu is not None
    assert measured.plr_lu > 15


@pytest.mark.parametrize(
    ("samples", "reason"), [(0, "shorter than one"), (1, "shorter than one"), (44100, "3 s"), (10 * 44100, None)]
)
def test_what_is_too_short_says_so(samples: int, reason: str | None) -> None:
    measured = measure_loudness(tone([(-23, 20)], 44100)[:, :samples], 44100)
    assert (measured.unmeasured is None) == (reason is None)
    assert reason is None or (measured.unmeasured is not None and reason in measured.unmeasured)


def test_silence_is_null_with_a_reason() -> None:
    measured = measure_loudness(np.zeros((2, 441000), np.float32), 44100)
    assert measured == Loudness(
        loudness_lufs=None,
        loudness_range_lu=None,
        max_momentary_lufs=None,
        max_short_term_lufs=None,
        true_peak_dbtp=None,
        sample_peak_dbfs=None,
        plr_lu=None,
        psr_lu=None,
        unmeasured="silent",
    )


def libebur128(audio: np.ndarray, rate_hz: int) -> dict[str, float]:
    meter = pytest.importorskip(
        "pyebur128", reason="the comparison needs pyebur128, which has no build for this Python"
    )
    mode = meter.MeasurementMode
    state = meter.R128State(audio.shape[1], rate_hz, mode.MODE_I | mode.MODE_LRA | mode.MODE_TRUE_PEAK)
    state.add_frames(np.ascontiguousarray(audio).ravel(), len(audio))
    return {
        "integrated_lufs": meter.get_loudness_global(state),
        "loudness_range_lu": meter.get_loudness_range(state),
        "true_peak_dbtp": 20 * np.log10(max(meter.get_true_peak(state, c) for c in range(audio.shape[1]))),
    }


def test_agrees_with_libebur128_on_real_music(shared_data: Path) -> None:
    files = itertools.chain(
        (shared_data / "multitracks" / "falcon69").glob("*.wav"),
        (shared_data / "multitracks" / "waveform-playlist").glob("*.mp3"),
    )
    for path in sorted(files):
        audio, rate_hz = soundfile.read(path, dtype="float32")
        theirs = libebur128(audio, rate_hz)
        ours = measure_loudness(np.ascontiguousarray(audio.T), rate_hz)
        assert ours.loudness_lufs == pytest.approx(theirs["integrated_lufs"], abs=0.1), path.name
        assert ours.true_peak_dbtp == pytest.approx(theirs["true_peak_dbtp"], abs=0.2), path.name
        assert ours.loudness_range_lu == pytest.approx(theirs["loudness_range_lu"], abs=0.5), path.name
