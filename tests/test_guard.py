import json

import pytest
from langchain_core.messages import HumanMessage, ToolMessage

from mixingbuddy.agent.guard import MAX_WORDS, objections

STEMS = ("vocals", "Kick In", "o'clock 3 dB")
TURN = [HumanMessage("critique"), ToolMessage(json.dumps({"gain_db": 3.2}), tool_call_id="1")]


def test_a_reply_from_the_ledger_passes() -> None:
    assert objections("Bring 'Kick In' up 3.2 dB. Say 'apply' or 'a bit less'.", TURN, STEMS) == ()


def test_a_name_that_looks_like_a_figure_passes_as_a_name() -> None:
    assert objections("Bring 'o'clock 3 dB' up 3.2 dB.", TURN, STEMS) == ()


@pytest.mark.parametrize(
    ("reply", "objection"),
    [
        ("Bring vocals up 4 dB.", "'4 dB' was not measured"),
        ("It sits at -14 LUFS.", "'-14 LUFS' was not measured"),
        ("Bring 'Tuba' up 3.2 dB.", "'Tuba' is no stem of this song"),
        ("  ", "the reply is empty"),
        ("word " * (MAX_WORDS + 1), f"the reply has {MAX_WORDS + 1} words, {MAX_WORDS} at most"),
    ],
)
def test_what_was_not_measured_is_named(reply: str, objection: str) -> None:
    assert objection in objections(reply, TURN, STEMS)
