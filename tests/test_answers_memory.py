"""What the user's words have changed is acknowledged first, in the user's words; `locks` lists all of it."""

from pathlib import Path
from typing import Any

import pytest
from planning import Conversation, open_song, quiet_singer

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.state import Lock


@pytest.fixture
def talk(tmp_path: Path) -> Conversation:
    return Conversation(open_song(tmp_path, quiet_singer(4.0)))


SINGER = {"stems": ("LeadVox",), "called": "singer"}


@pytest.mark.parametrize(
    ("request_", "heard", "told"),
    [
        (Request(intent="lock", **SINGER), {"locked": ["singer"]}, "the singer alone"),
        (Request(intent="unlock", **SINGER), {"unlocked": ["singer"]}, "may move the singer again"),
        (Request(intent="lock"), {"lock_without_stem": True}, "Which stem? This song has: "),
        (Request(intent="lock", missing=("tuba",)), {"lock_without_stem": True}, "no tuba in this song"),
        (Request(intent="taste", direction=-1, **SINGER), {}, "you like the singer low"),
        (Request(intent="taste", direction=1, **SINGER), {}, "you like the singer loud"),
        (Request(intent="limit", limit_db=2.5), {"limited": 2.5}, "2.5 dB"),
        (Request(intent="limit", limit_db=2.0, everywhere=True), {"everywhere": True}, "for all your songs"),
        (Request(intent="forget"), {"forgotten": ["drums", "singer"]}, "what you said about the drums and the singer"),
        (Request(intent="forget"), {"forgotten": []}, "nothing to forget"),
        (Request(intent="help_level", level="apply"), {}, "by myself"),
        (Request(intent="help_level", level="teach"), {}, "'tell me'"),
        (Request(intent="reject"), {"rejected": True}, "stays as it was"),
        (Request(intent="reject"), {}, "All right."),
        (Request(intent="reject", reason="i don't like it"), {"rejected": True}, "“i don’t like it”"),
        (Request(intent="reference"), {"reference": {"name": "falcon", "found": True}}, "compare with “falcon”"),
        (Request(intent="reference"), {"reference": {"name": "x", "found": False, "choices": []}}, "no mix called “x”"),
        (Request(intent="reference"), {"reference": {"name": "x", "choices": ["a", "b"]}}, "“a” and “b”"),
    ],
)  # fmt: skip
def test_what_was_heard_is_acknowledged(
    talk: Conversation, request_: Request, heard: dict[str, Any], told: str
) -> None:
    said = talk.say("please", request_, heard=heard)
    rejected = told == "stays as it was"
    assert told in said.text or (rejected and "leave it as it was" in said.text)
    assert not said.tools


def test_an_acknowledgement_goes_before_the_answer(talk: Conversation) -> None:
    bass = Request(intent="how_loud", stems=("Bass",), called="bass")
    said = talk.say("keep the singer. how loud is the bass?", Request(intent="lock", **SINGER), bass)
    first, second = said.text.split("\n")[:2]
    assert "the singer" in first
    assert second.startswith("Bass: ")


def test_every_standing_wish_is_listed_in_words(talk: Conversation) -> None:
    assert "no wishes" in talk.say("what do you remember?", Request(intent="locks")).text
    memory = talk.memory
    for lock in (
        Lock(stems=("Kick",), words="drums"),
        Lock(kind="taste", stems=("LeadVox",), words="singer", direction=-1),
        Lock(kind="limit", stems=(), words="every fader", limit_db=3.0, scope="all songs"),
        Lock(kind="rejected", stems=("Keys",), words="Keys", direction=1, reason="it's my mother's organ"),
    ):
        memory.keep(lock)
    lines = talk.say("what do you remember?", Request(intent="locks")).text.split("\n")
    assert "The drums are to stay untouched." in lines
    assert "You like the singer low." in lines
    assert "No move of any fader by more than 3 dB, in all songs." in lines
    assert any(line.startswith("You did not want the keys to go up: “it’s my mother’s organ”") for line in lines)


def test_a_locked_stem_is_named_with_the_way_out(talk: Conversation) -> None:
    talk.memory.keep(Lock(stems=("LeadVox",), words="singer"))
    said = talk.say("singer up", Request(intent="turn", direction=1, **SINGER))
    assert (
        said.text == "You asked me to keep the singer, so I do not move LeadVox. To change that, say 'unlock singer'."
    )
