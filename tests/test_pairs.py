"""Pairs that other people made: what a line says is what is loaded, and a bad line is named."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from songs import RATE_HZ, make_stems, write_song

from mixingbuddy.models.data.labels import Label
from mixingbuddy.models.data.pairs import read_pairs
from mixingbuddy.tools.errors import UserError

STEMS = {name: f"song/{name}.wav" for name in ("vocals", "drums", "bass", "guitar")}
GOOD: dict[str, Any] = {"id": "one", "stems": STEMS, "moves": {"bass": -3.5, "vocals": 6, "drums": 0}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    stems = make_stems(1.0)
    write_song(tmp_path / "pairs" / "song", stems | {"mix": np.sum(list(stems.values()), axis=0)})
    write_song(tmp_path / "outside", {"secret": stems["vocals"]})
    return tmp_path / "pairs"


def write(folder: Path, *lines: dict[str, Any] | str) -> Path:
    file = folder / "pairs.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    file.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return file


def test_a_line_becomes_a_sample(folder: Path) -> None:
    extra = {"reference": "song/mix.wav", "same_song": True, "anchor": "drums", "text": "Less bass."}
    (pair,) = read_pairs(write(folder, GOOD | extra))
    assert pair.label == Label((("vocals", 6.0), ("bass", -3.5)))
    loaded = pair.load()
    assert (loaded.id, loaded.anchor, loaded.text, loaded.label) == ("one", "drums", "Less bass.", pair.label)
    assert [(s.name, s.role) for s in loaded.flawed.stems] == [(n, n) for n in STEMS]
    assert not loaded.flawed.mix_only
    np.testing.assert_array_equal(loaded.flawed.stems[0].audio, make_stems(1.0)["vocals"])
    assert loaded.reference is not None
    assert (loaded.reference.kind, loaded.reference.same_song) == ("mix", True)
    assert [(s.name, s.role) for s in loaded.reference.stems] == [("mix", "other")]


def test_roles_are_given_or_guessed_and_reference_stems_are_stems(folder: Path) -> None:
    stems = {"X": STEMS["vocals"], "Kick": STEMS["drums"]}
    (pair,) = read_pairs(
        write(folder, {"id": "a", "stems": stems, "roles": {"X": "vocals"}, "reference": STEMS, "moves": {}})
    )
    loaded = pair.load()
    assert [(s.name, s.role, s.sure) for s in loaded.flawed.stems] == [("X", "vocals", True), ("Kick", "kick", True)]
    assert (loaded.label, loaded.anchor, loaded.text) == (Label(()), None, None)
    assert loaded.reference is not None
    assert (loaded.reference.kind, loaded.reference.same_song) == ("stems", None)
    assert [s.role for s in loaded.reference.stems] == ["vocals", "drums", "bass", "guitar"]


def test_a_single_stem_is_a_mix_whose_roles_are_moved(folder: Path) -> None:
    line = {"id": "a", "stems": {"mix": "song/mix.wav"}, "anchor": "bass", "moves": {"vocals": 4.0}}
    loaded = read_pairs(write(folder, line))[0].load()
    assert (loaded.flawed.mix_only, loaded.flawed.names, loaded.flawed.stems[0].role) == (True, ("mix",), "other")
    assert (loaded.label, loaded.anchor) == (Label((("vocals", 4.0),)), "bass")


def test_other_lengths_and_rates_are_brought_together(folder: Path) -> None:
    soundfile.write(folder / "song" / "bass.wav", np.full((RATE_HZ // 2, 1), 0.1), RATE_HZ // 2)
    soundfile.write(folder / "song" / "drums.wav", np.full((100, 2), 0.1), RATE_HZ)
    flawed = read_pairs(write(folder, GOOD))[0].load().flawed
    assert flawed.sample_rate_hz == RATE_HZ
    assert {stem.audio.shape[1] for stem in flawed.stems} == {RATE_HZ}


def test_empty_lines_and_a_byte_order_mark_do_no_harm(folder: Path) -> None:
    file = folder / "pairs.jsonl"
    file.write_bytes(
        b"\xef\xbb\xbf\r\n" + json.dumps(GOOD).encode() + b"\r\n\n" + json.dumps(GOOD | {"id": "2"}).encode()
    )
    assert [pair.id for pair in read_pairs(file)] == ["one", "2"]


BAD: dict[str, tuple[dict[str, Any] | str, str]] = {
    "no JSON": ("{", "Invalid JSON"),
    "no object": ("[1]", "valid dictionary|object"),
    "no moves": ({"id": "x", "stems": STEMS}, "moves: Field required"),
    "an unknown entry": (GOOD | {"id": "x", "gain": 3}, "gain: no such entry; known are id, stems"),
    "no stems": (GOOD | {"id": "x", "stems": {}}, "stems: .*at least 1"),
    "an unknown stem moved": (GOOD | {"id": "x", "moves": {"vox": 3}}, "no stem 'vox'; this song has: vocals, drums"),
    "an unknown anchor": (GOOD | {"id": "x", "anchor": "other"}, "no stem 'other'"),
    "an anchor that moves": (GOOD | {"id": "x", "anchor": "bass"}, "the anchor 'bass' is right, but it is moved"),
    "a gain beyond the fader": (GOOD | {"id": "x", "moves": {"bass": 40}}, r"moves\.bass: .*less than or equal to 12"),
    "a gain that is no number": ('{"id": "x", "stems": {"a": "song/mix.wav"}, "moves": {"a": NaN}}', "line 2: "),
    "an unknown role": (GOOD | {"id": "x", "roles": {"bass": "tuba"}}, r"roles\.bass: "),
    "a role for nobody": (GOOD | {"id": "x", "roles": {"tuba": "brass"}}, "a role is given to 'tuba'"),
    "the same id": (GOOD, "the id 'one' is there already"),
    "a missing file": (GOOD | {"id": "x", "reference": "song/none.wav"}, "no file 'song/none.wav'"),
    "a path out of the folder": (GOOD | {"id": "x", "reference": "../outside/secret.wav"}, "lies outside the folder"),
    "an absolute path": (GOOD | {"id": "x", "reference": "/etc/hostname"}, "lies outside the folder"),
    "a path too long": (GOOD | {"id": "x", "reference": "x" * 5000}, "no path that can be used|no file"),
    "a path with a NUL": (GOOD | {"id": "x", "reference": "a\0b"}, "no path that can be used|no file"),
    "a name of two lines": (GOOD | {"id": "x", "stems": {"a\nb": "song/mix.wav"}}, "stem name 'a b' is not one"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_line_is_refused_with_its_number(case: str, folder: Path) -> None:
    line, message = BAD[case]
    with pytest.raises(UserError, match=message) as refused:
        read_pairs(write(folder, GOOD, line))
    assert "'pairs.jsonl', line 2: " in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_link_out_of_the_folder_is_refused(folder: Path) -> None:
    (folder / "link.wav").symlink_to(folder.parent / "outside" / "secret.wav")
    with pytest.raises(UserError, match="lies outside the folder"):
        read_pairs(write(folder, GOOD | {"reference": "link.wav"}))


def test_files_that_are_no_pairs(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the pairs"):
        read_pairs(tmp_path / "none.jsonl")
    with pytest.raises(UserError, match="no pairs in"):
        read_pairs(write(folder, ""))
    (folder / "latin.jsonl").write_bytes(b'{"id": "\xff"}')
    with pytest.raises(UserError, match=r"'latin\.jsonl', line 1: "):
        read_pairs(folder / "latin.jsonl")


def test_audio_that_cannot_be_used_is_said_when_it_is_loaded(folder: Path) -> None:
    pair = read_pairs(write(folder, GOOD))[0]
    for name in STEMS:
        soundfile.write(folder / "song" / f"{name}.wav", np.zeros((RATE_HZ, 2)), RATE_HZ)
    with pytest.raises(UserError, match="sample 'one': all 4 stems are silent"):
        pair.load()
    (folder / "song" / "bass.wav").write_text("no audio")
    with pytest.raises(UserError, match="cannot decode 'bass.wav'"):
        pair.load()
