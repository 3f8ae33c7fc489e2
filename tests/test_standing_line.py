"""A line that lasts is found under music that never pauses; notes, drums in time and silence are not taken for one."""

from pathlib import Path

import numpy as np
import pytest
from stem_sounds import RATE_HZ, T, kick, plucked, real_stem

import mixingbuddy.tools.hum as hum_module
from mixingbuddy.tools.hum import Hum, LowBand, find_hum
from mixingbuddy.tools.standing_line import StandingLine, find_standing_line


def line_at_50(samples: np.ndarray, rate_hz: int = RATE_HZ, within_hz: float = 0.1) -> StandingLine | None:
    low = LowBand(rate_hz)
    low.update(np.asarray(samples, np.float32))
    frames = low.take()
    return find_standing_line(frames.lines[:, 0, 0], frames.around[:, 0, 0], frames.hop_s, within_hz)


def hum_of(samples: np.ndarray, rate_hz: int) -> Hum | None:
    low = LowBand(rate_hz)
    low.update(samples)
    hops = samples[: len(samples) // (2 * rate_hz // 5) * (2 * rate_hz // 5)].reshape(-1, 2 * rate_hz // 5)
    return find_hum(low.take(), 10 * float(np.log10(np.square(hops).mean(axis=1).max() + 1e-20)))


def test_level_and_frequency_of_a_line_in_noise() -> None:
    noise = 0.01 * np.random.default_rng(1).standard_normal(len(T))
    found = line_at_50(noise + 10 ** (-50 / 20) * np.sin(2 * np.pi * 50.04 * T))
    assert found is not None
    assert found.clear
    assert (found.level_dbfs, found.offset_hz) == (pytest.approx(-50, abs=0.5), pytest.approx(0.04, abs=0.021))
    alone = line_at_50(noise)
    assert alone is not None
    assert not alone.clear


@pytest.mark.parametrize("mains_hz", [50, 60])
def test_hum_under_a_real_bass_that_never_pauses(shared_data: Path, mains_hz: int) -> None:
    audio, rate_hz = real_stem(shared_data, "clingo", "bass.flac")
    t = np.arange(audio.shape[1]) / rate_hz
    assert hum_of(audio[0], rate_hz) is None
    found = hum_of((audio[0] + 0.01 * np.sin(2 * np.pi * mains_hz * t)).astype(np.float32), rate_hz)
    assert found is not None
    assert (found.mains_hz, found.level_dbfs) == (mains_hz, pytest.approx(-40, abs=1))


def test_mains_that_drift_are_one_line() -> None:
    t = np.arange(60 * RATE_HZ) / RATE_HZ
    hz = 50 + 0.02 * np.sin(2 * np.pi * t / 47)
    wave = 10 ** (-50 / 20) * np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)
    found = line_at_50(wave + 0.01 * np.random.default_rng(2).standard_normal(len(t)))
    assert found is not None
    assert found.clear
    assert found.level_dbfs == pytest.approx(-50, abs=1.5)


@pytest.mark.parametrize("decay_s", [0.03, 0.06])
@pytest.mark.parametrize("beats_per_min", [60, 120, 150])
def test_a_programmed_kick_whose_tempo_divides_50_hz_is_no_line(beats_per_min: float, decay_s: float) -> None:
    """Strokes at 1, 2 or 2.5 Hz add up in phase at 50 Hz: only the gaps between them tell."""
    room = 1e-5 * np.random.default_rng(3).standard_normal(len(T))
    found = line_at_50(kick(50, 60 / beats_per_min, decay_s) + room)
    assert found is not None
    assert not found.clear


def test_a_held_note_8_hz_away_that_leaks_into_the_frames_is_no_line() -> None:
    found = line_at_50(plucked(58.27, 1e9), within_hz=0.3)
    assert found is not None
    assert not found.clear


def test_silence_and_broken_sound_have_no_answer() -> None:
    assert line_at_50(np.zeros(len(T))) is None
    assert line_at_50(np.sin(2 * np.pi * 50 * T) * (T % 1 < 0.5)) is None
    assert line_at_50(np.sin(2 * np.pi * 50 * T[: RATE_HZ // 2])) is None


@pytest.mark.parametrize("elsewhere_hz", [(44.3, 57.6), (47.2, 63.4), (52.98, 56.1)])
def test_no_hum_where_no_mains_are(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, elsewhere_hz: tuple[float, float]
) -> None:
    """Real music holds no standing line at other frequencies: what is found there would be a false alarm."""
    monkeypatch.setattr(hum_module, "MAINS_HZ", elsewhere_hz)
    for song, stems in (("clingo", "*.flac"), ("waveform-playlist", "*.mp3"), ("falcon69", "*.wav")):
        for path in sorted((shared_data / "multitracks" / song).glob(stems)):
            audio, rate_hz = real_stem(shared_data, song, path.name)
            assert hum_of(audio[0], rate_hz) is None, path.name
