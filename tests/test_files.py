import os
from pathlib import Path

import pytest

from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import sha256_of, write_text, written_beside


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError, match="half way"), written_beside(target) as beside:
        beside.write_text("new")
        raise RuntimeError("half way")
    assert target.read_text() == "old"
    assert [f.name for f in tmp_path.iterdir()] == ["a.txt"]


def test_success_replaces_the_file_with_the_usual_permissions(tmp_path: Path) -> None:
    target = write_text(tmp_path / "deep" / "a.txt", "one")
    write_text(target, "two")
    assert target.read_text() == "two"
    plain = tmp_path / "plain"
    plain.write_text("")
    assert target.stat().st_mode == plain.stat().st_mode


def test_a_file_in_the_way_of_a_folder_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_text(tmp_path / "file" / "a.txt", "")


def test_an_unwritable_folder_is_one_clear_line() -> None:
    unwritable = Path("/proc/self") if os.geteuid() == 0 else Path("/")
    with pytest.raises(UserError, match="choose another place|name another"):
        write_text(unwritable / "mixingbuddy-test" / "a.txt", "")


def test_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    # FIPS 180-4's own example.
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
