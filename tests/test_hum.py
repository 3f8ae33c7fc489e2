"""Mains hum is found under music, and notes and drums near its frequency are not taken for it."""

from pathlib import Path

import numpy as np
import pytest
from stem_sounds import RATE_HZ, T, findings, kick, kinds, plucked, real_stem

from mixingbuddy.tools.hygiene import measure_hygiene


@pytest.mark.parametrize("mains_hz", [49.97, 60.0])
@pytest.mark.parametrize(
    ("song", "stem"),
    [("clingo", "vox.flac"), ("clingo", "kick.flac"), ("clingo", "guitTwo.flac"), ("clingo", "hihat.flac"),
     ("falcon69", "vocals.wav"), ("falcon69", "other.wav"), ("waveform-playlist", "Vocals30.mp3")],
)  # fmt: skip
def test_hum_under_music_is_found_with_its_fundamental(
    shared_data: Path, song: str, stem: str, mains_hz: float
) -> None:
    audio, rate_hz = real_stem(shared_data, song, stem)
    t = np.arange(audio.shape[1]) / rate_hz
    hum = 10 ** (-50 / 20) * np.sin(2 * np.pi * mains_hz * t + 1)
    (finding,) = [f for f in findings(audio + hum, rate_hz) if f.kind == "hum"]
    assert finding.value == pytest.approx(-50, abs=1.5)
    assert f"{round(mains_hz)}.0 Hz" in finding.text


def test_harmonics_make_hum_sure() -> None:
    hum = sum(10 ** (-level / 20) * np.sin(2 * np.pi * hz * T) for hz, level in ((60, 50), (120, 56), (180, 60)))
    found = measure_hygiene((plucked(220, 5.0) * ((T % 3) < 1.5) + hum)[None].astype(np.float32), RATE_HZ).hum
    assert found is not None
    assert found.sure
    assert [round(hz) for hz, _ in found.lines_dbfs] == [60, 120, 180]
    assert [level for _, level in found.lines_dbfs] == pytest.approx([-50, -56, -60], abs=1.5)


@pytest.mark.parametrize(
    ("level_dbfs", "alone_is", "with_octave_is"),
    [(-35, "minor", "major"), (-55, "info", "minor"), (-69, "info", "info")],
)
def test_severity_follows_the_threshold_of_hearing_and_a_line_alone_is_never_sure(
    level_dbfs: float, alone_is: str, with_octave_is: str
) -> None:
    """ISO 389-7: 44 dB SPL at 50 Hz, 26.5 at 100 Hz; the stem, some -7 dBFS, plays at 90 dB SPL."""
    music = plucked(220, 5.0) * ((T % 3) < 1.5)
    line, octave = (10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * T) for hz in (50, 100))
    (alone,) = findings(music + line)
    assert (alone.kind, alone.severity) == ("hum", alone_is)
    assert alone.text.startswith("'x' probably has mains hum at 50.0 Hz")
    (with_octave,) = findings(music + line + 0.5 * octave)
    assert (with_octave.kind, with_octave.severity) == ("hum", with_octave_is)
    assert with_octave.text.startswith("'x' has mains hum at 50.0 Hz")
    assert "(also at 100 Hz)" in with_octave.text


@pytest.mark.parametrize("decay_s", [0.1, 1.0, 1e9])
@pytest.mark.parametrize("note_hz", [46.25, 48.999, 51.913, 58.27, 61.735])
def test_a_bass_note_beside_the_mains_is_no_hum(note_hz: float, decay_s: float) -> None:
    assert "hum" not in kinds(plucked(note_hz, decay_s))


@pytest.mark.parametrize("decay_s", [0.05, 0.2, 0.8])
@pytest.mark.parametrize("beats_per_min", [97.3, 120])
def test_a_kick_at_the_mains_frequency_is_no_hum(beats_per_min: float, decay_s: float) -> None:
    assert "hum" not in kinds(kick(50, 60 / beats_per_min, decay_s))
