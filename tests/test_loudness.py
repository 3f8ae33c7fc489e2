"""Against the standards' own test signals and against pyloudnorm."""

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile

from mixingbuddy.tools.levels import k_weighted_hops
from mixingbuddy.tools.loudness import integrated_lufs, sounding, true_peak_dbtp

RATES = [44100, 48000, 96000]


def sine(level_dbfs: float, duration_s: float, rate_hz: int, hz: float = 1000.0) -> np.ndarray:
    t = np.arange(int(duration_s * rate_hz)) / rate_hz
    return np.tile(10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * t), (2, 1)).astype(np.float32)


def loudness_lufs(audio: np.ndarray, rate_hz: int) -> float:
    lufs = integrated_lufs(k_weighted_hops(audio, rate_hz))
    assert lufs is not None
    return lufs


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize(
    ("parts", "expected_lufs"),
    [
        ([(-23, 20)], -23.0),  # EBU Tech 3341, case 1
        ([(-33, 20)], -33.0),  # case 2
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),  # case 3
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),  # case 4
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),  # case 5
    ],
)
def test_tech_3341_integrated_loudness(parts: list[tuple[float, float]], expected_lufs: float, rate_hz: int) -> None:
    audio = np.concatenate([sine(level, duration_s, rate_hz) for level, duration_s in parts], axis=1)
    assert loudness_lufs(audio, rate_hz) == pytest.approx(expected_lufs, abs=0.1)


@pytest.mark.parametrize("rate_hz", RATES)
def test_tech_3341_case_6_five_channels(rate_hz: int) -> None:
    # Files of more than two channels are refused; the case shows that energies add up as the standard weighs them.
    channels = [(-28, 1.0), (-28, 1.0), (-24, 1.0), (-30, 1.41), (-30, 1.41)]  # L, R, C, Ls, Rs
    energies = sum(weight * k_weighted_hops(sine(level, 20, rate_hz)[:1], rate_hz) for level, weight in channels)
    assert integrated_lufs(np.asarray(energies)) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize(
    ("divider", "phase_deg", "peak"),
    [(4, 0, 0.5), (4, 45, 0.5), (6, 60, 0.5), (8, 67.5, 0.5), (4, 45, 1.41)],  # Tech 3341, cases 15 to 19
)
def test_tech_3341_true_peak(divider: int, phase_deg: float, peak: float, rate_hz: int) -> None:
    t = np.arange(rate_hz)
    fade = np.minimum(1, np.minimum(t, t[::-1]) / (0.01 * rate_hz))
    audio = (peak * fade * np.sin(2 * np.pi * t / divider + np.radians(phase_deg))).astype(np.float32)[None]
    measured = true_peak_dbtp(audio)
    assert measured is not None
    assert -0.4 <= measured - 20 * np.log10(peak) <= 0.2


def test_agrees_with_pyloudnorm_on_real_music(shared_data: Path) -> None:
    for path in sorted((shared_data / "multitracks" / "falcon69").glob("*.wav")):
        audio, rate_hz = soundfile.read(path, dtype="float32")
        # pyloudnorm rounds an incomplete last block up; the standard drops it.
        audio = audio[: len(audio) // 4410 * 4410]
        oracle = pyloudnorm.Meter(rate_hz, filter_class="DeMan").integrated_loudness(audio)
        assert loudness_lufs(np.ascontiguousarray(audio.T), rate_hz) == pytest.approx(oracle, abs=0.02)


def test_what_cannot_be_measured_is_none() -> None:
    assert integrated_lufs(k_weighted_hops(np.zeros((2, 44100), np.float32), 44100)) is None
    assert integrated_lufs(k_weighted_hops(sine(-20, 0.3, 44100), 44100)) is None
    assert integrated_lufs(k_weighted_hops(np.zeros((1, 1), np.float32), 44100)) is None
    assert true_peak_dbtp(np.zeros((1, 10), np.float32)) is None


def test_a_long_file_is_measured_across_its_seams() -> None:
    rng = np.random.default_rng(0)
    audio = (0.01 * rng.standard_normal((1, (1 << 16) + 5000))).astype(np.float32)
    # A peak between two samples, right at the seam between two parts.
    audio[0, (1 << 16) - 1 : (1 << 16) + 1] = 0.9
    alone = true_peak_dbtp(audio[:, (1 << 16) - 2000 : (1 << 16) + 2000])
    assert true_peak_dbtp(audio) == pytest.approx(alone, abs=0.01)


def test_sounding_finds_the_part_that_sounds_at_any_gain() -> None:
    audio = np.concatenate([np.zeros((2, 44100), np.float32), sine(-20, 1, 44100), sine(-50, 1, 44100)], axis=1)
    for gain in (1.0, 0.3):
        where = sounding(k_weighted_hops(gain * audio, 44100))
        # A hop counts as soon as one of its 400 ms blocks does, hence up to 300 ms more on each side.
        assert not where[:7].any()
        assert where[10:20].all()
        assert not where[23:].any()


@pytest.mark.parametrize("hz", [50, 100, 1000])
def test_a_long_tone_has_the_peak_of_a_short_one(hz: int) -> None:
    t = np.arange(60 * 44100) / 44100
    fade = np.minimum(1, np.minimum(t, t[::-1]) / 0.05)
    audio = (0.9 * fade * np.sin(2 * np.pi * hz * t)).astype(np.float32)[None]
    assert true_peak_dbtp(audio) == pytest.approx(20 * np.log10(0.9), abs=0.02)
