from pathlib import Path

import pytest

from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.song_file import SongFile, read_song_file


def test_every_entry_is_read(tmp_path: Path) -> None:
    (tmp_path / "song.toml").write_text(
        'title = "T"\ngenre = "rock"\nlocks = ["drums"]\nnotes = "vocal low on purpose"\n'
        'reference = "ref.wav"\nsame_song = true\n[roles]\nBV = "backing_vocals"\n'
    )
    read = read_song_file(tmp_path / "song.toml")
    assert read == SongFile(
        title="T",
        genre="rock",
        locks=("drums",),
        notes="vocal low on purpose",
        reference="ref.wav",
        same_song=True,
        roles={"BV": "backing_vocals"},
    )


def test_no_file_is_all_defaults(tmp_path: Path) -> None:
    assert read_song_file(tmp_path / "song.toml") == SongFile()


def test_an_unknown_role_names_the_entry(tmp_path: Path) -> None:
    (tmp_path / "song.toml").write_text("[roles]\nBV = 'choir'\n")
    with pytest.raises(UserError, match=r"roles\.BV"):
        read_song_file(tmp_path / "song.toml")


def test_a_misspelt_entry_is_answered_with_the_right_ones(tmp_path: Path) -> None:
    (tmp_path / "song.toml").write_text("titel = 'x'\n")
    with pytest.raises(UserError, match="titel: no such entry; known are title, genre"):
        read_song_file(tmp_path / "song.toml")
