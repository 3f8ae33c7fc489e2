"""A slip of the fingers is mended, but never into consent and never into another name than the song's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixingbuddy.agent.understanding.intents import read_requests
from mixingbuddy.agent.understanding.lexer import load_vocabulary
from mixingbuddy.agent.understanding.spelling import mended
from mixingbuddy.tools.roles import Role

ROLES: dict[str, Role] = {"Vox": "vocals", "Bass": "bass"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("waht", "what"), ("mudy", "muddy"), ("burried", "buried"), ("masknig", "masking"), ("refernce", "reference")],
)
def test_one_slip_is_mended(typed: str, meant: str) -> None:
    assert mended(typed, load_vocabulary().counts) == meant


@given(st.sampled_from(sorted(load_vocabulary().counts)))
def test_a_known_word_stays(word: str) -> None:
    assert mended(word, load_vocabulary().counts) == word


@given(st.text(alphabet="bcdfghjklmnpqrstvwxz", min_size=9, max_size=12))
def test_noise_stays(word: str) -> None:
    assert mended(word, load_vocabulary().counts) == word


@pytest.mark.parametrize("text", ["aplpy it", "yse", "go aheda", "apprvoe that", "do it nwo plaese", "proceeed"])
def test_consent_is_never_mended(text: str) -> None:
    assert all(request.intent != "apply" for request in read_requests(text, ROLES))


def test_a_stem_keeps_its_own_name() -> None:
    request = read_requests("whta up 1 dB", {**ROLES, "Whta": "other"})[0]
    assert (request.intent, request.stems, request.amount_db) == ("turn", ("Whta",), 1.0)


def test_a_mended_message_is_read() -> None:
    assert read_requests("waht do you thnik?", ROLES)[0].intent == "critique"
    assert read_requests("wath's masknig teh bass?", ROLES)[0].aspect == "masking"
