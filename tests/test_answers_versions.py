"""Versions in conversation: steps, what changed, names, a client's notes, and listening files."""

from pathlib import Path

import pytest
from planning import Conversation, open_song, quiet_singer

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import Listening, ListeningFile, NoteChecked, NotesChecked
from mixingbuddy.agent.speech.answers_versions import client_words
from mixingbuddy.agent.speech.voice import Voice, fitted
from mixingbuddy.agent.speech.wording_versions import listening, notes

DOWN = Request(intent="turn", stems=("Bass",), called="bass", direction=-1, amount_db=2.0)
UP = Request(intent="turn", stems=("Keys",), called="keys", direction=1, amount_db=1.0)
APPLY = Request(intent="apply")


@pytest.fixture
def talk(tmp_path: Path) -> Conversation:
    """A conversation that stands on version 3."""
    talk = Conversation(open_song(tmp_path, quiet_singer(), reference=True))
    talk.say("bass down and apply", DOWN, APPLY)
    talk.say("keys up and apply", UP, APPLY)
    return talk


def test_any_two_versions_are_compared(talk: Conversation) -> None:
    said = talk.say("what changed between v1 and v3?", Request(intent="changed", version=3, other_version=1))
    assert said.steps == (("history",),)
    assert "Bass from 0.0 to -2.0 dB" in said.text
    assert "Keys from 0.0 to 1.0 dB" in said.text
    assert "LU in the mix" in said.text
    assert "rom the reference" in said.text
    last = talk.say("what did you do?", Request(intent="changed")).text
    assert "Bass" not in last.split("\n")[0]


def test_the_list_of_versions_names_each_and_where_the_user_stands(talk: Conversation) -> None:
    talk.say("call this one 'big chorus'", Request(intent="name_version", name="big chorus"))
    text = talk.say("which versions?", Request(intent="versions")).text
    assert text.startswith("There are 3 versions; you are on version 3 (“big chorus”).")
    assert "Version 2: Bass -2.0 dB, on top of version 1." in text
    assert text.count("you are here") == 1


def test_going_to_a_version_by_name_and_to_one_that_is_not_there(talk: Conversation) -> None:
    talk.say("call v2 'thin'", Request(intent="name_version", name="thin", version=2))
    assert "“thin”" in talk.say("back to thin", Request(intent="go", version="thin")).text
    assert talk.desk.version.id == 2
    assert talk.say("go to version 2", Request(intent="go", version=2)).text.startswith("You are on version 2")
    assert "there are: 1, 2" in talk.say("go to version 9", Request(intent="go", version=9)).text
    assert talk.desk.version.id == 2


def test_undo_twice_in_one_sentence(talk: Conversation) -> None:
    said = talk.say("undo, undo", Request(intent="undo"), Request(intent="undo"))
    assert talk.desk.version.id == 1
    assert said.tools == ("history", "history")
    assert "nothing to undo" in talk.say("undo", Request(intent="undo")).text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the client says: vocals up, less bass. did we do that since v1?", ["vocals up, less bass"]),
        (
            "client notes:\n- vocals up\n- less bass\n- is the snare loud enough?",
            ["vocals up", "less bass", "is the snare loud enough?"],
        ),
        ("vocals up; less bass. is that done?", ["vocals up", "less bass"]),
        (
            'client email: "kick louder, tambourine too loud". have we covered this?',
            ["kick louder, tambourine too loud"],
        ),
        ("revision notes: 1. vocals up 2. bass tighter 3. less strings", ["vocals up", "bass tighter", "less strings"]),
        ("the client says:", []),
    ],
)
def test_the_clients_words_without_the_users(text: str, words: list[str]) -> None:
    assert client_words(text) == words


def test_notes_are_told_one_by_one() -> None:
    checked = NotesChecked(
        before=1,
        after=3,
        notes=(
            NoteChecked(note="vocals up", stems=("LeadVox",), status="done", asked="louder", change_lu=1.62),
            NoteChecked(
                note="bass down 3", stems=("Bass",), status="partly", asked="quieter", change_lu=-1.0, wanted_lu=-2.4
            ),
            NoteChecked(note="keys as they are", stems=("Keys",), status="worse", asked="unchanged", change_lu=-0.8),
            NoteChecked(
                note="more sparkle", stems=(), status="cannot_say", asked="that is about the sound", change_lu=None
            ),
        ),
    )
    text = fitted(notes(Voice(), checked), 250)
    assert text.split("\n") == [
        "Notes done from version 1 to version 3: 1 of 4.",
        "“vocals up”: done, LeadVox went up 1.6 LU in the mix.",
        "“bass down 3”: partly, Bass went down 1.0 LU in the mix, where the note asks for 2.4 LU.",
        "“keys as they are”: it went the wrong way, Keys went down 0.8 LU in the mix.",
        "“more sparkle”: I cannot say, because that is about the sound.",
    ]


def test_listening_names_what_plays_where_it_lies_and_how_loud_both_are() -> None:
    files = tuple(
        ListeningFile(label=label, what=f"version {n}", path=f"/tmp/v{n}.wav", gain_db=0.0)
        for label, n in (("A", 1), ("B", 2))
    )
    heard = Listening(what="files", files=files, loudness_lufs=-18.24, start_s=1.0, duration_s=20.0)
    text = fitted(listening(Voice(), heard), 120)
    assert "A, version 1: /tmp/v1.wav" in text
    assert "-18.2 LUFS" in text
    page = Listening(what="blind_test", page="/tmp/blind.html", loudness_lufs=None, start_s=0.0, duration_s=9.0)
    text = fitted(listening(Voice(), page), 120)
    assert "/tmp/blind.html" in text
    assert "could not be made equally loud" in text
