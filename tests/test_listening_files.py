"""Files for listening: equally loud, under the ceiling, the same stretch of the song, and the one that tells most."""

import stat
import sys
from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as some
from songs import RATE_HZ, Audio, hits, make_stems, tones, write_song

from mixingbuddy.agent.listening import playing
from mixingbuddy.agent.listening.listening_clips import EXCERPT_S, FADE_S, heard_pair, telling_part
from mixingbuddy.agent.listening.listening_files import write_listening_files
from mixingbuddy.agent.listening.listening_sides import Side, Sides, proposal_sides, stem_sides, version_sides
from mixingbuddy.agent.listening.playing import play
from mixingbuddy.agent.state import FIRST_VERSION, Version
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.errors import ModelMistake, UserError
from mixingbuddy.tools.loudness import true_peak_dbtp
from mixingbuddy.tools.moves import GainMove
from mixingbuddy.tools.multitrack import load_song


def version(number: int, **faders_db: float) -> Version:
    return Version(id=number, parent=1, faders=faders_db, label="")


def bench_of(folder: Path) -> Workbench:
    return Workbench(load_song(folder, "none"), open_advisor("level-difference"))


@pytest.fixture(scope="module")
def band(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return bench_of(write_song(tmp_path_factory.mktemp("band") / "song", make_stems()))


@pytest.fixture(scope="module")
def long_song(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """A minute of drums and bass with keys that play between 30 and 45 s only."""
    rng = np.random.default_rng(3)
    keys = np.zeros(60 * RATE_HZ, np.float32)
    keys[30 * RATE_HZ : 45 * RATE_HZ] = tones([330, 392, 440], 15, rng)[: 15 * RATE_HZ]
    stems: dict[str, Audio] = {"keys": keys, "drums": hits(2, 60, rng), "bass": tones([55, 65], 60, rng)}
    return bench_of(
        write_song(tmp_path_factory.mktemp("long") / "song", {n: np.stack([a, a]) for n, a in stems.items()})
    )


def meter(path: str) -> tuple[float, float]:
    """LUFS by another meter, and true peak."""
    audio, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    peak_dbtp = true_peak_dbtp(audio.T.copy())
    assert peak_dbtp is not None
    return float(pyloudnorm.Meter(rate_hz).integrated_loudness(audio)), peak_dbtp


faders = some.dictionaries(
    some.sampled_from(["vocals", "drums", "bass", "guitar"]), some.floats(-24, 12).map(lambda db: round(db, 1))
)


@settings(max_examples=12, deadline=None)
@given(before=faders, after=faders)
def test_what_was_written_is_equally_loud_and_under_the_ceiling(
    band: Workbench, tmp_path_factory: pytest.TempPathFactory, before: dict[str, float], after: dict[str, float]
) -> None:
    folder = tmp_path_factory.mktemp("out")
    told = write_listening_files(band, version_sides(version(2, **before), version(3, **after)), folder)
    (a_lufs, a_peak), (b_lufs, b_peak) = (meter(file.path) for file in told.files)
    assert a_lufs == pytest.approx(b_lufs, abs=0.1)
    assert told.loudness_lufs == pytest.approx(a_lufs, abs=0.1)
    assert max(a_peak, b_peak) <= -1.0
    assert [file.true_peak_dbtp for file in told.files] == [pytest.approx(a_peak), pytest.approx(b_peak)]
    assert max(file.gain_db for file in told.files) == 0.0
    assert {soundfile.info(file.path).subtype for file in told.files} == {"PCM_24"}
    assert told.same == ({k: v for k, v in before.items() if v} == {k: v for k, v in after.items() if v})


def test_the_part_that_differs_most_is_heard(long_song: Workbench, tmp_path: Path) -> None:
    told = write_listening_files(long_song, version_sides(FIRST_VERSION, version(2, keys=6.0)), tmp_path)
    assert (told.duration_s, told.whole_song) == (EXCERPT_S, False)
    assert told.start_s <= 30
    assert told.start_s + EXCERPT_S > 41  # the last note begins at 40 s and dies away
    assert {soundfile.info(file.path).duration for file in told.files} == {EXCERPT_S}


def test_a_change_of_everything_alike_is_no_difference(long_song: Workbench) -> None:
    quieter = version(2, keys=-3.0, drums=-3.0, bass=-3.0)
    start, count = telling_part(long_song.energies, version_sides(FIRST_VERSION, quieter), 60 * RATE_HZ, RATE_HZ)
    loudest, _ = telling_part(long_song.energies, version_sides(FIRST_VERSION, FIRST_VERSION), 60 * RATE_HZ, RATE_HZ)
    assert (start, count) == (loudest, round(EXCERPT_S * RATE_HZ))


def test_a_stem_is_heard_in_the_mix_and_alone(band: Workbench, tmp_path: Path) -> None:
    sides = stem_sides(band.song.multitrack, version(2, drums=3.0), "DRUMS")
    heard = heard_pair(band, sides)
    assert heard.alone is not None
    gain = {label: 10 ** (side.gain_db / 20) for label, side in (("a", heard.a), ("b", heard.b))}
    without = heard.a.clip.audio / gain["a"]
    alone = heard.alone.clip.audio / gain["b"]
    assert heard.b.clip.audio / gain["b"] == pytest.approx(without + alone, abs=1e-5)
    expected = band.song.multitrack.stems[1].audio * 10 ** (3 / 20) * 10 ** (heard.trim_db / 20)
    inside = slice(round(FADE_S * RATE_HZ), -round(FADE_S * RATE_HZ))
    assert alone[:, inside] == pytest.approx(expected[:, inside], abs=1e-5)
    told = write_listening_files(band, sides, tmp_path)
    assert [file.label for file in told.files] == ["A", "B", "C"]
    assert told.files[0].loudness_lufs == pytest.approx(told.files[1].loudness_lufs, abs=0.1)


def test_clips_begin_and_end_in_silence(long_song: Workbench) -> None:
    heard = heard_pair(long_song, version_sides(FIRST_VERSION, version(2, bass=6.0)))
    for side in (heard.a, heard.b):
        audio = np.abs(side.clip.audio)
        assert max(audio[:, 0].max(), audio[:, -1].max()) < 1e-4
        assert audio[:, RATE_HZ // 2 : RATE_HZ].max() > 0.01


def test_a_mono_rest_is_as_wide_as_the_mix(tmp_path: Path) -> None:
    stems = make_stems()
    bench = bench_of(write_song(tmp_path / "song", {"vocals": stems["vocals"], "bass": stems["bass"][:1]}))
    heard = heard_pair(bench, stem_sides(bench.song.multitrack, FIRST_VERSION, "vocals"))
    assert heard.a.clip.audio.shape == heard.b.clip.audio.shape
    assert (heard.a.clip.audio[0] == heard.a.clip.audio[1]).all()


def test_what_cannot_be_measured_is_not_matched(tmp_path: Path) -> None:
    short = {name: audio[:, : RATE_HZ // 5] for name, audio in make_stems().items()}
    bench = bench_of(write_song(tmp_path / "short", short))
    told = write_listening_files(bench, version_sides(FIRST_VERSION, version(2, vocals=6.0)), tmp_path / "out")
    assert told.loudness_lufs is None
    assert [file.gain_db for file in told.files] == [0.0, 0.0]
    assert all(file.true_peak_dbtp is not None and file.true_peak_dbtp <= -1.0 for file in told.files)


def test_a_song_of_one_stem_has_no_context(tmp_path: Path) -> None:
    bench = bench_of(write_song(tmp_path / "solo", {"vocals": make_stems()["vocals"]}))
    with pytest.raises(ModelMistake, match="no mix to hear it in"):
        stem_sides(bench.song.multitrack, FIRST_VERSION, "vocals")
    with pytest.raises(ModelMistake, match="this song has: vocals"):
        stem_sides(bench.song.multitrack, FIRST_VERSION, "drums")


def test_a_proposal_is_heard_before_it_is_applied() -> None:
    sides = proposal_sides(version(2, bass=1.0), [GainMove(stem="bass", gain_db=2.0)])
    assert (sides.a.faders, sides.b.faders) == ({"bass": 1.0}, {"bass": 3.0})


def test_the_users_own_files_are_never_written_over(band: Workbench) -> None:
    sides = Sides("vocals", Side("a", {}), Side("b", {}))
    before = sorted(band.song.path.iterdir())
    with pytest.raises(UserError, match="among the song's own files"):
        write_listening_files(band, sides, band.song.path)
    assert sorted(band.song.path.iterdir()) == before


def test_names_of_stems_make_no_paths(tmp_path: Path) -> None:
    bench = bench_of(write_song(tmp_path / "song", make_stems() | {"up ..%2f é": make_stems()["bass"]}))
    told = write_listening_files(
        bench, stem_sides(bench.song.multitrack, FIRST_VERSION, "up ..%2f é"), tmp_path / "out"
    )
    assert {Path(file.path).parent for file in told.files} == {(tmp_path / "out").resolve()}


def player(folder: Path, program: str) -> Path:
    """A player that is a program of ours."""
    target = folder / "ffplay"
    target.write_text(f"#!{sys.executable}\n{program}\n")
    target.chmod(target.stat().st_mode | stat.S_IEXEC)
    return target


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "clip.wav", np.zeros((2205, 2)), RATE_HZ)
    return tmp_path / "clip.wav"


def test_a_file_is_played_by_what_the_machine_has(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert play(clip) == "no_player"
    player(tmp_path, f"import sys; open({str(tmp_path / 'heard')!r}, 'w').write(sys.argv[-1])")
    assert play(clip) == "played"
    assert (tmp_path / "heard").read_text() == str(clip)
    player(tmp_path, "raise SystemExit(3)")
    assert play(clip) == "failed"


def test_playing_never_takes_longer_than_the_clip(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(playing, "GRACE_S", 0.3)
    player(tmp_path, "import time; time.sleep(60)")
    assert play(clip) == "played"


def test_ctrl_c_stops_the_playing_alone(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    player(tmp_path, "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(60)")
    assert play(clip) == "stopped"


def test_what_is_no_audio_is_not_played(tmp_path: Path) -> None:
    (tmp_path / "words.wav").write_text("words")
    with pytest.raises(UserError, match="cannot decode"):
        play(tmp_path / "words.wav")
