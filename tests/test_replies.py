"""Every reply of the offline planner is well formed, short enough, and holds no figure that was not measured."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planning import Conversation, Said, guarded, muddy_band, open_song, quiet_singer

from mixingbuddy.agent.requests import (
    LONG_ANSWERS,
    MOST_WORDS,
    MOST_WORDS_ASKED,
    Aspect,
    Effect,
    Intent,
    Quality,
    Request,
)
from mixingbuddy.agent.state import HelpLevel
from mixingbuddy.agent.workbench import Workbench

STEMS = ("LeadVox", "Kick", "Bass", "GtrL", "Keys")
CALLED = {"LeadVox": "her voice", "Kick": "drums", "Bass": "bass", "GtrL": "guitar", "Keys": "keys"}


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Anything that a parser may give, sensible or not."""
    stems = tuple(draw(st.lists(st.sampled_from(STEMS), max_size=2, unique=True)))
    return Request(
        intent=draw(st.sampled_from(get_args(Intent))),
        stems=stems,
        called=" and ".join(CALLED[stem] for stem in stems),
        direction=draw(st.sampled_from([-1, 0, 1])),
        amount_db=draw(st.sampled_from([None, None, 0.0, 0.5, 2.0, 3.0, 30.0])),
        fader_db=draw(st.sampled_from([None, None, None, -3.0, 0.0])),
        factor=draw(st.sampled_from([None, None, 0.5, 2.0])),
        trouble=draw(st.sampled_from(["", "", "", "unreadable", "contradiction"])),
        question=draw(st.booleans()),
        version=draw(st.sampled_from([None, None, 1, 2, 9, "loud vocal"])),
        other_version=draw(st.sampled_from([None, None, 1])),
        name=draw(st.sampled_from(["", "loud vocal"])),
        quality=draw(st.sampled_from(get_args(Quality))),
        aspect=draw(st.sampled_from(get_args(Aspect))),
        effect=draw(st.sampled_from(get_args(Effect))),
        term=draw(st.sampled_from(["", "masking", "lufs"])),
        level=draw(st.sampled_from(get_args(HelpLevel))),
        limit_db=draw(st.sampled_from([None, 3.0])),
        section=draw(st.sampled_from(["", "", "chorus", "0:03"])),
        reason=draw(st.sampled_from(["", "i don't like it up front"])),
        missing=draw(st.sampled_from([(), (), (), ("trumpet",)])),
        said="some words",
    )


@pytest.fixture(params=["no reference", "reference", "muddy"])
def bench(request: Any, tmp_path: Path) -> Workbench:
    stems = muddy_band(4.0) if request.param == "muddy" else quiet_singer(4.0)
    return open_song(tmp_path, stems, reference=request.param == "reference")


def check(talk: Conversation, said: Said, intents: set[str]) -> None:
    assert re.match(r"[A-Z0-9“'‘]", said.text), said.text
    for line in said.text.split("\n"):
        assert line[-1] in ".?:!”", said.text
        assert line[0] == line[0].upper(), said.text
    assert not re.search(r"\$|\bNone\b|\{|\}|\.\.|  | ,| \.(?!\w)|\bthe the\b", said.text), said.text
    assert said.words <= (MOST_WORDS_ASKED if intents & LONG_ANSWERS else MOST_WORDS), said.text
    assert guarded(talk, said) == (), said.text


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    turns=st.lists(st.lists(requests(), min_size=1, max_size=3), min_size=1, max_size=3),
    level=st.sampled_from(get_args(HelpLevel)),
)
def test_every_reply_is_well_formed(bench: Workbench, turns: list[list[Request]], level: HelpLevel) -> None:
    talk = Conversation(bench, help_level=level)
    for turn in turns:
        text = "well, i don't like it up front: trumpet 2 dB, 30 dB, 3 dB, 0.5 dB"
        check(talk, talk.say(text, *turn), {request.intent for request in turn})


@pytest.mark.parametrize("intent", get_args(Intent))
def test_every_intent_gets_an_answer(bench: Workbench, intent: Intent) -> None:
    talk = Conversation(bench)
    for stems in ((), ("Bass",)):
        request = Request(
            intent=intent, stems=stems, called="bass" if stems else "", direction=-1, term="masking", quality="muddy",
            aspect="masking", effect="eq", name="big chorus", limit_db=3.0, level="suggest",
        )  # fmt: skip
        check(talk, talk.say("no more than 3 dB", request), {intent})
