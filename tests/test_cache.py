"""What is kept comes back equal, is never believed when it is damaged or old, and never stands in the way."""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from songs import make_stems, write_song

from mixingbuddy.tools import cache as caching
from mixingbuddy.tools import measuring
from mixingbuddy.tools.cache import Cache
from mixingbuddy.tools.found_song import find_song
from mixingbuddy.tools.measured_song import MeasuredSong
from mixingbuddy.tools.measuring import measure_found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_song(tmp_path / "song", make_stems(4.0))


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every time that a song is really heard."""
    heard: list[int] = []
    listen = measuring.listen

    def counted(*arguments: object, **options: object) -> object:
        heard.append(1)
        return listen(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(measuring, "listen", counted)
    return heard


def entry(cache: Cache) -> Path:
    return next((cache.folder / "songs").glob("*.npz"))


def same(one: MeasuredSong, other: MeasuredSong) -> bool:
    arrays = ("short_term_lufs", "envelope")
    equal = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays)
    assert one.hidden is not None
    assert other.hidden is not None
    equal &= np.array_equal(one.hidden.hidden_share, other.hidden.hidden_share)
    return equal and one.figures == other.figures and np.array_equal(one.energies.per_hop, other.energies.per_hop)


def test_a_song_is_heard_once(folder: Path, cache: Cache, passes: list[int]) -> None:
    first = measure_found(find_song(folder), cache)
    assert same(measure_found(find_song(folder), cache), first)
    assert len(passes) == 1


def test_a_copy_of_a_song_is_known(folder: Path, cache: Cache, passes: list[int], tmp_path: Path) -> None:
    import shutil

    measure_found(find_song(folder), cache)
    measure_found(find_song(Path(shutil.copytree(folder, tmp_path / "copy"))), cache)
    assert len(passes) == 1


@pytest.mark.parametrize("change", ["content", "name", "role", "version"])
def test_what_has_changed_is_heard_again(
    folder: Path, cache: Cache, passes: list[int], change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure_found(find_song(folder), cache)
    if change == "content":
        write_song(folder, {"bass": 0.5 * make_stems(4.0)["bass"]})
    elif change == "name":
        (folder / "bass.wav").rename(folder / "bass di.wav")
    elif change == "role":
        (folder / "song.toml").write_text('roles = { bass = "keys" }')
    else:
        monkeypatch.setattr(caching, "analysis_version", lambda: "another")
    measure_found(find_song(folder), cache)
    assert len(passes) == 2


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "text", "other arrays", "wrong figures"])
def test_a_damaged_entry_is_made_anew(
    folder: Path, cache: Cache, passes: list[int], damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = measure_found(find_song(folder), cache)
    place = entry(cache)
    data = bytearray(place.read_bytes())
    if damage == "flipped":
        data[len(data) // 2] ^= 0xFF
    if damage == "other arrays":
        np.savez(place, other=np.zeros(3))
    elif damage == "wrong figures":
        np.savez(place, document=np.frombuffer(json.dumps({"figures": {}, "column_s": None}).encode(), np.uint8))
    else:
        place.write_bytes({"cut": data[: len(data) // 3], "empty": b"", "flipped": data, "text": b"hello"}[damage])
    assert same(measure_found(find_song(folder), cache), first)
    assert len(passes) == 2
    assert [record.message.count("is damaged") for record in caplog.records] == [1]
    assert same(measure_found(find_song(folder), cache), first)
    assert len(passes) == 2


def test_nothing_that_is_kept_can_run_code(folder: Path, cache: Cache, passes: list[int]) -> None:
    measure_found(find_song(folder), cache)
    np.savez(entry(cache), document=np.array([object()], dtype=object))
    measure_found(find_song(folder), cache)
    assert len(passes) == 2


def test_a_damaged_hash_is_taken_anew(folder: Path, cache: Cache, passes: list[int]) -> None:
    measure_found(find_song(folder), cache)
    for file in (cache.folder / "hashes").iterdir():
        file.write_text("{")
    measure_found(find_song(folder), cache)
    assert len(passes) == 1


def test_a_file_written_over_at_the_same_size_is_seen(folder: Path, cache: Cache) -> None:
    before = cache.content_hash(folder / "bass.wav")
    data = bytearray((folder / "bass.wav").read_bytes())
    data[-1] ^= 1
    (folder / "bass.wav").write_bytes(data)
    assert cache.content_hash(folder / "bass.wav") != before


def test_a_folder_that_cannot_be_written_to_keeps_nothing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert measure_found(find_song(folder), Cache(tmp_path / "file" / "cache")).figures.stems


def test_what_was_not_used_for_longest_makes_room(
    folder: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    measure_found(find_song(folder), cache)
    old = entry(cache)
    os.utime(old, (1, 1))
    monkeypatch.setattr(caching, "MOST_BYTES", old.stat().st_size + 10)
    measure_found(find_song(write_song(tmp_path / "second", make_stems(4.0, seed=2))), cache)
    assert not old.exists()
    assert len(list((cache.folder / "songs").iterdir())) == 1


def _measure(place: tuple[Path, Path]) -> str:
    folder, cache = place
    return measure_found(find_song(folder), Cache(cache)).figures.model_dump_json()


def test_processes_at_the_same_time_do_each_other_no_harm(folder: Path, cache: Cache) -> None:
    with ProcessPoolExecutor(4) as pool:
        figures = list(pool.map(_measure, [(folder, cache.folder)] * 6))
    assert len(set(figures)) == 1
    assert [file.suffix for file in (cache.folder / "songs").iterdir()] == [".npz"]
