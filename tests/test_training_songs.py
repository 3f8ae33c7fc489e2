"""Songs to learn from: both forms of MUSDB18, its own validation songs, and folders of one's own."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from songs import make_stems, write_song

from mixingbuddy.models.data.songs import SONG_ROLES, VALIDATION_SONGS, Split, find_songs
from mixingbuddy.tools.audio import Audio, read_stream
from mixingbuddy.tools.errors import UserError


def hq_stems(seed: int = 1) -> dict[str, Audio]:
    stems = make_stems(1.0, seed)
    stems["other"] = stems.pop("guitar")
    return stems | {"mixture": np.asarray(sum(stems.values()), np.float32)}


def write_split(folder: Path, names: Iterable[str]) -> Path:
    for seed, name in enumerate(names):
        write_song(folder / name, hq_stems(seed))
    return folder


def names(data: Path, split: Split) -> list[str]:
    return [song.name for song in find_songs(data, split)]


def test_train_and_valid_share_no_song_and_test_has_its_own_folder(tmp_path: Path) -> None:
    held_out = sorted(VALIDATION_SONGS)[:2]
    write_split(tmp_path / "train", ["B - Two", "A - One", *held_out])
    write_split(tmp_path / "test", ["C - Three"])
    assert names(tmp_path, "train") == ["A - One", "B - Two"]
    assert names(tmp_path, "valid") == held_out
    assert names(tmp_path, "test") == ["C - Three"]


def test_songs_themselves_are_train_songs_unless_their_folder_is_called_test(tmp_path: Path) -> None:
    train = write_split(tmp_path / "some songs", ["A - One"])
    test = write_split(tmp_path / "test", ["C - Three"])
    assert names(train, "train") == ["A - One"]
    assert names(test, "test") == ["C - Three"]
    with pytest.raises(UserError, match="holds train songs, test songs were expected"):
        find_songs(train, "test")
    with pytest.raises(UserError, match="holds test songs, train songs were expected"):
        find_songs(test, "train")


def test_a_folder_of_wav_files_is_loaded_without_its_mixture(tmp_path: Path) -> None:
    (source,) = find_songs(write_split(tmp_path / "songs", ["An Artist - A Song"]), "train")
    assert (source.name, source.artist) == ("An Artist - A Song", "An Artist")
    song = source.load()
    assert song.name == "An Artist - A Song"
    assert song.names == SONG_ROLES
    assert tuple(stem.role for stem in song.stems) == SONG_ROLES
    for stem in song.stems:
        np.testing.assert_array_equal(stem.audio, hq_stems(0)[stem.name])


def test_a_song_in_both_forms_counts_once(tmp_path: Path) -> None:
    folder = write_split(tmp_path / "songs", ["A - One"])
    (folder / "A - One.stem.mp4").write_bytes(b"")
    (source,) = find_songs(folder, "train")
    assert source.path.is_dir()


def test_what_cannot_be_found_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder"):
        find_songs(tmp_path / "none", "train")
    with pytest.raises(UserError, match=r"no songs in .*vocals\.wav.*a folder of stems"):
        find_songs(tmp_path, "train")
    write_split(tmp_path, ["A - One"])
    with pytest.raises(UserError, match="of the 1 songs in .* none are validation songs"):
        find_songs(tmp_path, "valid")


def test_folders_of_ones_own_are_summed_by_role(tmp_path: Path) -> None:
    stems = make_stems(1.0)
    keys = 0.5 * stems["guitar"][:, ::-1].copy()
    own = {"Lead Vox": stems["vocals"], "Kick": stems["drums"], "Snare": keys, "Bass DI": stems["bass"]}
    write_song(tmp_path / "First", own | {"Gtr L": stems["guitar"][:1], "Keys": keys})
    (tmp_path / ".hidden").mkdir()
    (source,) = find_songs(tmp_path, "train")
    assert (source.name, source.artist) == ("First", "")
    song = source.load()
    assert song.names == SONG_ROLES
    expected = {
        "vocals": stems["vocals"],
        "drums": stems["drums"] + keys,
        "bass": stems["bass"],
        "other": stems["guitar"] + keys,
    }
    for stem in song.stems:
        np.testing.assert_allclose(stem.audio, expected[stem.name], atol=1e-7)


def test_of_ones_own_songs_some_are_held_out_by_their_names(tmp_path: Path) -> None:
    names = [f"Song {number}" for number in range(24)]
    for name in names:
        write_song(tmp_path / name, {"Lead Vox": make_stems(0.1)["vocals"]})
    train, valid = ({song.name for song in find_songs(tmp_path, split)} for split in ("train", "valid"))
    assert train | valid == set(names)
    assert not train & valid
    assert 1 <= len(valid) <= 8


def test_a_role_that_a_song_lacks_is_missing(tmp_path: Path) -> None:
    write_song(tmp_path / "First", {name: make_stems(1.0)[name] for name in ("vocals", "guitar")})
    assert find_songs(tmp_path, "train")[0].load().names == ("vocals", "other")


def test_the_previews_of_musdb18(shared_data: Path) -> None:
    data = shared_data / "musdb18-7s"
    train, valid = find_songs(data, "train"), find_songs(data, "valid")
    assert (len(train), len(valid)) == (80, 14)
    assert {song.name for song in valid} == VALIDATION_SONGS
    song = train[0].load()
    assert song.names == SONG_ROLES
    # Streams of a stem file: mixture, drums, bass, other, vocals.
    for stem, stream in zip(song.stems, (4, 1, 2, 3), strict=True):
        np.testing.assert_array_equal(stem.audio, read_stream(train[0].path, stream).audio)
