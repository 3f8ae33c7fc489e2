"""The demo song: the files it promises, the fault it names, a balance as in professional mixes, instruments in tune."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from mixingbuddy.models.level_difference import LevelDifference
from mixingbuddy.models.prior import load_statistics
from mixingbuddy.tools.audio import with_channels
from mixingbuddy.tools.demo_instruments import RATE_HZ, hz
from mixingbuddy.tools.demo_score import MELODY, hat_notes, melody_notes
from mixingbuddy.tools.demo_song import DemoFault, write_demo_song
from mixingbuddy.tools.files import sha256_of
from mixingbuddy.tools.levels import cross_energies, mixdown
from mixingbuddy.tools.loudness import true_peak_dbtp
from mixingbuddy.tools.moves import gain_of
from mixingbuddy.tools.multitrack import Multitrack, Song, load_song, with_gains
from mixingbuddy.tools.professional_levels import LEVEL_GROUPS, level_group
from mixingbuddy.tools.roles import guess_role

ROLES = {
    "Kick": "kick", "Snare": "snare", "Hats": "hats", "Bass": "bass", "Gtr_L": "guitar", "Gtr_R": "guitar",
    "Keys": "keys", "LeadVox": "vocals",
}  # fmt: skip
STEREO = {"Hats", "Gtr_L", "Gtr_R", "Keys"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def fault(folder: Path) -> DemoFault:
    return write_demo_song(folder)


@pytest.fixture(scope="module")
def song(folder: Path, fault: DemoFault) -> Song:
    return load_song(folder)


@pytest.fixture(scope="module")
def balanced(song: Song, fault: DemoFault) -> Multitrack:
    """The song with the fault undone."""
    return with_gains(song.multitrack, [gain_of(fault.right_moves_db, name) for name in song.multitrack.names])


def audio_of(song: Song, name: str) -> np.ndarray:
    stem = song.multitrack.stem(name)
    assert stem is not None
    return stem.audio


def test_the_folder_holds_24_bit_stems_of_one_length_a_reference_and_a_title(folder: Path, song: Song) -> None:
    assert {path.name for path in folder.iterdir()} == {*(f"{name}.wav" for name in ROLES), "reference", "song.toml"}
    assert [path.name for path in (folder / "reference").iterdir()] == ["mix.wav"]
    for name in (*ROLES, "reference/mix"):
        info = soundfile.info(folder / f"{name}.wav")
        assert (info.format, info.subtype, info.samplerate) == ("WAV", "PCM_24", 44_100)
        assert info.channels == (2 if name in STEREO or name == "reference/mix" else 1)
        assert 20 <= info.duration <= 24
    assert song.multitrack.name == "Paper Lanterns"
    assert song.reference is not None
    assert song.reference.kind == "mix"
    assert song.findings == ()


def test_every_name_tells_its_role(song: Song) -> None:
    assert {name: guess_role(name).role for name in ROLES} == ROLES
    assert all(guess_role(name).sure for name in ROLES)
    assert {stem.name: stem.role for stem in song.multitrack.stems} == ROLES


def test_the_same_seed_gives_the_same_bytes_and_other_files_stay(
    folder: Path, fault: DemoFault, tmp_path: Path
) -> None:
    (tmp_path / "reference").mkdir()
    (tmp_path / "Kick.wav").write_bytes(b"an older version")
    (tmp_path / "lyrics.txt").write_text("la la la", encoding="utf-8")
    assert write_demo_song(tmp_path) == fault
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert Path("lyrics.txt") in written
    assert (tmp_path / "lyrics.txt").read_text(encoding="utf-8") == "la la la"
    written.remove(Path("lyrics.txt"))
    assert len(written) == len(ROLES) + 2
    assert all(sha256_of(tmp_path / path) == sha256_of(folder / path) for path in written)


def test_another_seed_plays_otherwise() -> None:
    one, other = (hat_notes(np.random.default_rng(seed)) for seed in (1, 2))
    assert len(one) == len(other)
    assert all(a.start_s != b.start_s and a.velocity != b.velocity for a, b in zip(one, other, strict=True))


def test_stems_have_no_dc_no_clicks_and_room_to_the_top(song: Song) -> None:
    for stem in song.multitrack.stems:
        assert not stem.silent
        assert np.abs(stem.audio.mean(axis=1)).max() < 1e-4
        assert np.abs(stem.audio).max() < 0.7
        edge = np.concatenate([stem.audio[:, :20], stem.audio[:, -20:]], axis=1)
        assert np.abs(edge).max() < 1e-3 * np.abs(stem.audio).max()
    peak_dbtp = true_peak_dbtp(mixdown(song.multitrack, {}))
    assert peak_dbtp is not None
    assert peak_dbtp < -3


def test_before_the_fault_every_group_is_where_professional_mixes_have_it(balanced: Multitrack) -> None:
    energies = cross_energies(balanced)
    expected = load_statistics().sets["vocals+drums+bass+instruments"]
    for group in LEVEL_GROUPS:
        members = [index for index, role in enumerate(energies.roles) if level_group(role) == group]
        level_lu = energies.level_rel_mix_lu(members, {})
        assert level_lu is not None
        assert expected[group].p10_lu + 0.5 < level_lu < expected[group].p90_lu - 0.5
        assert level_lu == pytest.approx(expected[group].median_lu, abs=1.0)


def test_the_fault_is_the_one_that_is_told(fault: DemoFault) -> None:
    assert fault.right_moves_db == {"LeadVox": 6.0, "Bass": -4.0}
    assert fault.text == "LeadVox was turned down by 6 dB and Bass was turned up by 4 dB."


def test_the_reference_is_a_loud_stereo_mix_below_minus_1_dbtp(song: Song, balanced: Multitrack) -> None:
    assert song.reference is not None
    audio = song.reference.stems[0].audio
    peak_dbtp = true_peak_dbtp(audio)
    assert peak_dbtp is not None
    assert -2 < peak_dbtp <= -1
    left, right = audio
    assert 0.3 < np.corrcoef(left, right)[0, 1] < 0.99

    def crest_db(mix: np.ndarray) -> float:
        return float(20 * np.log10(np.abs(mix).max() / mix.std()))

    assert crest_db(audio) < crest_db(mixdown(balanced, {})) - 0.5


def test_plain_least_squares_of_the_stems_explain_the_reference_and_show_the_fault(
    song: Song, fault: DemoFault
) -> None:
    assert song.reference is not None
    columns = np.stack([with_channels(stem.audio, 2).reshape(-1) for stem in song.multitrack.stems])
    goal = song.reference.stems[0].audio.reshape(-1)
    gains = np.linalg.solve(columns @ columns.T, columns @ goal)
    residual = goal - gains @ columns
    assert 1 - float(residual @ residual) / float(goal @ goal) > 0.95
    gains_db = 20 * np.log10(gains)
    moves_db = dict(zip(song.multitrack.names, gains_db - np.median(gains_db), strict=True))
    for name, move_db in moves_db.items():
        assert move_db == pytest.approx(fault.right_moves_db.get(name, 0.0), abs=1.2), name


def test_the_advisor_finds_the_fault_and_nothing_else(song: Song, fault: DemoFault) -> None:
    advice = LevelDifference().advise(song.multitrack, song.reference)
    moves_db = {stem.stem: stem.gain_db for stem in advice.stems if stem.gain_db}
    assert moves_db == pytest.approx(fault.right_moves_db, abs=0.3)
    assert {stem.stem for stem in advice.stems} == set(ROLES)


@pytest.mark.parametrize(
    ("name", "low_hz", "high_hz"),
    [("Kick", 30, 250), ("Bass", 30, 500), ("Hats", 4000, 20_000), ("LeadVox", 200, 5000)],
)
def test_an_instrument_sounds_where_it_belongs(song: Song, name: str, low_hz: float, high_hz: float) -> None:
    power = np.square(np.abs(np.fft.rfft(audio_of(song, name)[0])))
    frequency_hz = np.fft.rfftfreq(audio_of(song, name).shape[1], 1 / RATE_HZ)
    assert power[(frequency_hz >= low_hz) & (frequency_hz <= high_hz)].sum() > 0.9 * power.sum()


def test_the_voice_sings_the_melody_with_vibrato(song: Song) -> None:
    """Pitch of long notes from the phase of their fundamental: right in the middle, swinging by part of a semitone."""
    from scipy.signal import butter, hilbert, sosfiltfilt

    voice = audio_of(song, "LeadVox")[0].astype(float)
    sung = melody_notes(np.random.default_rng(0))
    held = [note for note, (_, beats, _, _) in zip(sung, MELODY, strict=True) if beats >= 1.4]
    assert len(held) >= 4
    for note in held:
        start, end = (round((note.start_s + at_s) * RATE_HZ) for at_s in (0.15, note.length_s - 0.1))
        around = butter(2, [0.8 * hz(note.pitch), 1.25 * hz(note.pitch)], "bandpass", fs=RATE_HZ, output="sos")
        phase = np.unwrap(np.angle(hilbert(sosfiltfilt(around, voice[start:end]))))
        pitch_hz = np.diff(phase[1000:-1000:441]) / 441 * RATE_HZ / (2 * np.pi)
        cents = 1200 * np.log2(pitch_hz / hz(note.pitch))
        assert abs(float(np.median(cents))) < 25
        assert 25 < float(np.percentile(cents, 95) - np.percentile(cents, 5)) < 150
