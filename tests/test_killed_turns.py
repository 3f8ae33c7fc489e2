"""A process that is killed at any moment of a turn loses nothing: the next one goes on from the last finished step."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("killed_turns.py")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, object]]:
    from songs import make_stems, write_song

    place = tmp_path_factory.mktemp("killed")
    song = write_song(place / "song", make_stems())
    command = [sys.executable, str(SCRIPT), str(song), str(place / "workspace")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_event_of_every_message_was_killed_once(found: list[dict[str, object]]) -> None:
    texts = [str(one["text"]) for one in found]
    assert {text: texts.count(text) >= 4 for text in dict.fromkeys(texts)} == {
        "vocals up 2 dB and apply": True,
        "undo": True,
        "keep the drums and turn the vocals up 3 dB": True,
    }


def test_the_database_is_never_corrupt(found: list[dict[str, object]]) -> None:
    assert {one["intact"] for one in found} == {"ok"}


def test_the_next_start_goes_on_with_the_turn(found: list[dict[str, object]]) -> None:
    # The very last event may come after the turn was written down: then it was answered already.
    assert sum(bool(one["went_on"]) for one in found) >= len(found) - 6


def test_the_end_is_the_same_wherever_it_was_killed(found: list[dict[str, object]]) -> None:
    ends: dict[str, set[str]] = {}
    for one in found:
        end = json.dumps({key: one[key] for key in ("version", "faders", "locks", "waiting")})
        ends.setdefault(str(one["text"]), set()).add(end)
    applied, undone, wished = ends["vocals up 2 dB and apply"], ends["undo"], ends[list(ends)[-1]]
    assert {json.dumps(json.loads(end)["faders"]) for end in applied} == {'{"vocals": 2.0}'}
    assert {json.loads(end)["version"] for end in undone} == {1}
    assert {json.dumps(json.loads(end)["waiting"]) for end in wished} == {'[["vocals", 3.0]]'}
