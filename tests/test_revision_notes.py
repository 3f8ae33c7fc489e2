"""A client's notes: cut from a mail, read, and held against what was measured between two versions."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as some
from songs import make_stems, write_song
from typer.testing import CliRunner

from mixingbuddy.agent.commands.listening_command import listen
from mixingbuddy.agent.commands.notes_command import notes
from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import NoteChecked
from mixingbuddy.agent.settings import read_settings
from mixingbuddy.agent.versions.client_notes import LARGEST_FILE, LONGEST_NOTE, MOST_NOTES, notes_of, split_notes
from mixingbuddy.agent.versions.revision_notes import check_all, check_request
from mixingbuddy.agent.versions.version_tree import VersionTree
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.agent.workspace import open_workspace
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.errors import UserError, printable
from mixingbuddy.tools.multitrack import load_song

MAIL = """Hi Anna,

love it! A few things:
1. Bring the vocals up 3 dB
2) drums a bit quieter; keep the bass as it is
- [ ] The guitar is too loud in the second verse and I would like to have it
  quieter there
• more reverb on the vocals
1:20 the vocals are too quiet

> this was quoted
--
Tom
+44 20 7946 0000
"""
_OF_VOCALS = ("Vocals: louder", "Vocals: more reverb", "Vocals: less delay", "all good")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    folder = write_song(tmp_path_factory.mktemp("notes") / "song", make_stems())
    return Workbench(load_song(folder, "none"), open_advisor("level-difference"))


def checked(bench: Workbench, request: Request, after: dict[str, float], note: str = "note") -> NoteChecked:
    return check_request(bench, note, request, {}, after)


def turn(stem: str, direction: Any, amount_db: float | None = None) -> Request:
    return Request(intent="turn", stems=(stem,), direction=direction, amount_db=amount_db)


def fader_for(bench: Workbench, stem: str, change_lu: float) -> float:
    """The fader move that changes a stem's level in the mix by so much, by bisection."""
    member = [bench.energies.names.index(stem)]
    start_lu = bench.energies.level_rel_mix_lu(member, {})
    assert start_lu is not None
    low, high = -24.0, 12.0
    for _ in range(30):
        middle = (low + high) / 2
        level_lu = bench.energies.level_rel_mix_lu(member, {stem: middle})
        assert level_lu is not None
        low, high = (middle, high) if level_lu - start_lu < change_lu else (low, middle)
    return low


@pytest.mark.parametrize(
    ("change_lu", "status"),
    [(2.0, "done"), (0.55, "done"), (0.45, "partly"), (0.25, "partly"), (0.1, "not"), (-0.25, "not"), (-0.35, "worse")],
)
@pytest.mark.parametrize("way", [1, -1])
def test_a_note_without_a_size_is_judged_by_the_measured_level(
    bench: Workbench, change_lu: float, status: str, way: int
) -> None:
    faders = {"guitar": fader_for(bench, "guitar", change_lu * way)}
    told = checked(bench, turn("guitar", way), faders)
    assert (told.status, told.asked) == (status, "louder" if way > 0 else "quieter")
    was, now = bench.levels({}).stem("guitar"), bench.levels(faders).stem("guitar")
    assert was is not None
    assert now is not None
    assert told.change_lu == pytest.approx((now.level_rel_mix_lu or 0.0) - (was.level_rel_mix_lu or 0.0), abs=1e-6)
    complaint = Request(intent="too_quiet" if way > 0 else "too_loud", stems=("guitar",))
    assert checked(bench, complaint, faders).status == status


@pytest.mark.parametrize(
    ("moved_db", "status"),
    [(4.0, "done"), (3.4, "done"), (2.4, "partly"), (1.2, "partly"), (0.5, "not"), (-2, "worse")],
)
def test_a_named_size_is_held_against_what_such_a_move_does(bench: Workbench, moved_db: float, status: str) -> None:
    told = checked(bench, turn("vocals", 1, 4.0), {"vocals": moved_db}, "vocals up 4 dB")
    assert (told.status, told.wanted_db) == (status, 4.0)
    full = checked(bench, turn("vocals", 1), {"vocals": 4.0})
    assert told.wanted_lu == pytest.approx(full.change_lu)
    assert 0 < (told.wanted_lu or 0.0) < 4.0


def test_a_size_in_words_is_no_named_size(bench: Workbench) -> None:
    told = checked(bench, turn("vocals", -1, 1.0), {"vocals": -1.5}, "vocals a bit down")
    assert (told.status, told.wanted_db, told.wanted_lu) == ("done", None, None)
    assert checked(bench, turn("vocals", -1, 1.5), {"vocals": -1.5}, "vocals 1,5 down").wanted_db == -1.5


def test_a_stem_gets_louder_only_against_the_others(bench: Workbench) -> None:
    everything = dict.fromkeys(bench.song.multitrack.names, 2.0)
    assert checked(bench, turn("vocals", 1), everything).status == "not"
    others = {stem: gain_db for stem, gain_db in everything.items() if stem != "vocals"}
    assert checked(bench, turn("vocals", 1), others).status == "worse"


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ({"vocals": 6.0}, "done"),  # the drums' fader did not move
        ({"drums": 0.2}, "done"),
        ({"drums": 1.0, "vocals": 1.0, "bass": 1.0, "guitar": 1.0}, "done"),  # nothing changed but the volume
        ({"drums": 2.0}, "not"),
        ({"drums": -2.0, "vocals": 1.0}, "not"),
    ],
)
def test_what_was_to_stay_stays(bench: Workbench, after: dict[str, float], status: str) -> None:
    told = checked(bench, Request(intent="lock", stems=("drums",), called="drums"), after)
    assert (told.status, told.asked) == (status, "unchanged")


def test_several_stems_are_judged_together(bench: Workbench) -> None:
    request = Request(intent="turn", stems=("drums", "bass"), direction=1)
    assert checked(bench, request, {"drums": 4.0, "bass": -1.0}).status == "done"
    assert checked(bench, request, {"drums": 0.1, "bass": -4.0}).status == "worse"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request(intent="complaint", quality="muddy"), "about the sound"),
        (Request(intent="cannot", effect="reverb", stems=("vocals",)), "reverb is nothing that a fader does"),
        (Request(intent="turn", direction=1, missing=("tuba",)), "this song has no 'tuba'"),
        (Request(intent="turn", direction=1), "names no stem"),
        (Request(intent="turn", stems=("vocals",)), "names no direction"),
        (Request(intent="too_loud", stems=("vocals",), question=True), "asks for nothing"),
        (Request(intent="unknown"), "asks for nothing"),
        (Request(intent="turn", stems=("vocals",), direction=1, section="9:59"), "the song ends at 0:0"),
        (Request(intent="turn", stems=("vocals", "drums", "bass", "guitar"), direction=1), "the whole mix"),
    ],
)
def test_what_no_level_can_answer_is_said(bench: Workbench, request_: Request, reason: str) -> None:
    told = checked(bench, request_, {"vocals": 3.0})
    assert (told.status, told.change_lu) == ("cannot_say", None)
    assert reason in told.asked


def test_a_part_of_the_song_is_measured_there(bench: Workbench) -> None:
    request = Request(intent="turn", stems=("vocals",), direction=1, section="0:03")
    told = checked(bench, request, {"vocals": 3.0})
    assert (told.status, told.part) == ("done", "0:00 to 0:06")


def test_notes_are_read_in_the_clients_words(bench: Workbench) -> None:
    words = ["Turn the vocals up 3 dB", "the drums are too loud", "keep the bass", "thanks!"]
    told = check_all(bench, words, {}, {"vocals": 3.0, "drums": 2.0})
    assert [(note.note, note.stems, note.status) for note in told] == [
        ("Turn the vocals up 3 dB", ("vocals",), "partly"),  # the drums rose with them
        ("the drums are too loud", ("drums",), "not"),
        ("keep the bass", ("bass",), "done"),
    ]
    assert told[0].wanted_db == 3.0


def test_a_mail_is_cut_into_notes() -> None:
    assert split_notes(MAIL) == (
        "Hi Anna,",
        "Bring the vocals up 3 dB",
        "drums a bit quieter",
        "keep the bass as it is",
        "The guitar is too loud in the second verse and I would like to have it quieter there",
        "more reverb on the vocals",
        "1:20 the vocals are too quiet",
        "this was quoted",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2.5 dB less bass", ("2.5 dB less bass",)),
        ("-2 dB on the drums", ("2 dB on the drums",)),
        ("a) one\nb) two", ("one", "two")),
        ("vocals up\ndrums down", ("vocals up", "drums down")),
        ("  \n---\n* * *\n", ()),
        ("Vocals:\n- louder\n- more reverb; less delay\n\nall good", _OF_VOCALS),
        ("Some notes on the mix:\n- vocals up", ("vocals up",)),
        ("vocals\x00 up\u202e\r\nbass down", ("vocals up", "bass down")),
    ],
)
def test_lines_and_marks(text: str, expected: tuple[str, ...]) -> None:
    assert split_notes(text) == expected


@given(some.text())
def test_any_text_gives_bounded_printable_notes(text: str) -> None:
    for note in split_notes(text):
        assert 0 < len(note) <= LONGEST_NOTE
        assert printable(note, LONGEST_NOTE) == note


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xfeV\x00", "is no UTF-8 text"),
        (b"", "holds no notes"),
        (b"x" * (LARGEST_FILE + 1), "larger than 100 kB"),
        (b"vocals up\n" * (MOST_NOTES + 1), "holds 51 notes; at most 50"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, data: bytes | None, reason: str) -> None:
    target = tmp_path / "mail.txt"
    if data is not None:
        target.write_bytes(data)
    with pytest.raises(UserError, match=reason):
        notes_of(target)


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "mail.txt").write_text("Größer: vocals up", encoding="utf-8-sig")
    assert notes_of(tmp_path / "mail.txt") == ("Größer: vocals up",)


@pytest.fixture
def song_with_versions(tmp_path: Path) -> Path:
    """A song whose conversation has kept three versions, the third called 'louder'."""
    import sqlite3
    from contextlib import closing

    from langgraph.checkpoint.base import empty_checkpoint
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

    folder = write_song(tmp_path / "song", make_stems())
    tree = VersionTree().applied({"vocals": 3.0}, "vocals +3.0 dB").applied({"vocals": 3.0, "drums": 2.0}, "drums +2.0")
    tree = tree.named(3, "louder")
    place = open_workspace(load_song(folder, "none"), read_settings())
    with closing(sqlite3.connect(place.sessions_file)) as connection:
        saver = SqliteSaver(connection, serde=JsonPlusSerializer())
        kept = empty_checkpoint()
        kept["channel_values"] = {
            "versions": [version.model_dump(mode="json") for version in tree.versions],
            "current": tree.current,
        }
        saver.put({"configurable": {"thread_id": "default", "checkpoint_ns": ""}}, kept, {}, {})
        connection.commit()
    return folder


def command(function: Any, *arguments: object) -> Any:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(function)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_notes_command(song_with_versions: Path, tmp_path: Path) -> None:
    mail = tmp_path / "mail.txt"
    mail.write_text("turn the vocals up 3 dB\nthe drums are too loud\n", encoding="utf-8")
    ran = command(notes, song_with_versions, "--notes", mail, "--to", 2, "--json")
    document = json.loads(ran.stdout)
    assert (ran.exit_code, document["before"], document["after"]) == (0, 1, 2)
    assert [note["status"] for note in document["notes"]] == ["done", "done"]
    assert command(notes, song_with_versions, "--notes", mail, "--from", 2, "--to", "LOUDER", "--check").exit_code == 1
    shown = command(notes, song_with_versions, "--notes", mail, "--from", 2)
    assert shown.exit_code == 0
    assert "Version 3 against version 2" in shown.stdout
    assert "worse" in shown.stdout
    unknown = command(notes, song_with_versions, "--notes", mail, "--to", "nine")
    assert isinstance(unknown.exception, UserError)
    assert "there are: 1, 2, 3 'louder'" in str(unknown.exception)


def test_the_listen_command(song_with_versions: Path, tmp_path: Path) -> None:
    ran = command(listen, song_with_versions, "--versions", "1,louder", "--out", tmp_path / "out", "--json")
    document = json.loads(ran.stdout)
    assert [file["what"] for file in document["files"]] == ["version 1", "version 3 'louder'"]
    assert {Path(file["path"]).parent for file in document["files"]} == {(tmp_path / "out").resolve()}
    page = command(listen, song_with_versions, "--blind")
    assert page.stdout.strip().endswith("v2-v3-blind-test.html")
    stem = command(listen, song_with_versions, "--stem", "drums")
    assert "version 3 'louder' without drums" in stem.stdout
    for wrong in (
        ("--versions", "1"),
        ("--versions", "1,7"),
        ("--stem", "tuba"),
        ("--stem", "bass", "--versions", "1,2"),
    ):
        assert isinstance(command(listen, song_with_versions, *wrong).exception, UserError)
    assert not list(song_with_versions.glob("*.html"))


def test_a_song_without_a_conversation_has_its_import_only(tmp_path: Path) -> None:
    folder = write_song(tmp_path / "song", make_stems())
    alone = command(listen, folder)
    assert "one version only" in str(alone.exception)
    assert command(listen, folder, "--stem", "vocals").exit_code == 0
