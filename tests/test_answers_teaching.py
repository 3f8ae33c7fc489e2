"""Help level 'teach': a question first, the answer a turn later; and the answers about the assistant itself."""

import re
from pathlib import Path

import pytest
from planning import Conversation, open_song, quiet_singer

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import TermExplained
from mixingbuddy.agent.speech.voice import Voice, fitted
from mixingbuddy.agent.speech.wording import term
from mixingbuddy.agent.teaching.glossary import Entry, Lookup, entries
from mixingbuddy.agent.tool_calls.teaching_tools import explained


@pytest.fixture
def talk(tmp_path: Path) -> Conversation:
    return Conversation(open_song(tmp_path, quiet_singer()), help_level="teach")


CRITIQUE = Request(intent="critique")
SINGER = {"stems": ("LeadVox",), "called": "singer"}


def test_the_question_gives_neither_figure_nor_direction_away(talk: Conversation) -> None:
    said = talk.say("what do you think?", CRITIQUE)
    assert said.tools == ("ask_advisor",)
    assert "LeadVox" in said.text
    assert "?" in said.text
    assert "'tell me'" in said.text
    assert not re.search(r"\d|\b(up|down|raise|lower|loud|quiet|louder|quieter|low|high)\b", said.text)
    assert not talk.told


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Request(intent="too_quiet", **SINGER), "agree"),
        (Request(intent="unknown", **SINGER), "agree"),
        (Request(intent="too_loud", **SINGER), "other way round"),
        (Request(intent="too_loud", stems=("Keys",), called="keys"), "elsewhere than at the keys"),
        (Request(intent="tell_me"), ""),
        (Request(intent="unknown"), ""),
        (Request(intent="apply"), ""),
    ],
)
def test_the_answer_comes_with_move_figure_reason_and_concept(talk: Conversation, answer: Request, told: str) -> None:
    talk.say("what do you think?", CRITIQUE)
    said = talk.say("well", answer)
    assert said.tools == ("ask_advisor",)
    if told == "agree":
        assert re.search("agree on the singer|says the same of the singer", said.text)
    else:
        assert told in said.text
    assert re.search(r"Bring (the singer \()?LeadVox\)? up \d\.\d dB: ", said.text)
    assert "'explain vocal intelligibility'" in said.text
    assert talk.told
    assert talk.desk.version.id == 1
    assert talk.say("apply", Request(intent="apply")).tools == ("apply_moves",)


def test_a_new_request_is_no_answer(talk: Conversation) -> None:
    talk.say("what do you think?", CRITIQUE)
    said = talk.say("how loud is the bass?", Request(intent="how_loud", stems=("Bass",), called="bass", question=True))
    assert said.tools == ("levels",)
    said = talk.say("bass down", Request(intent="turn", stems=("Bass",), called="bass", direction=-1))
    assert said.tools == ("try_moves",)


def test_a_wish_of_ones_own_is_done_and_explained_in_a_sentence(talk: Conversation) -> None:
    said = talk.say("bass down", Request(intent="turn", stems=("Bass",), called="bass", direction=-1))
    assert said.text.startswith("Take Bass down 2.0 dB.\nIt works because")
    assert "'explain " in said.text


def test_tell_me_without_a_question_before_is_the_answer_at_once(talk: Conversation) -> None:
    said = talk.say("just tell me", Request(intent="tell_me"))
    assert said.text.startswith("Bring LeadVox up ")


def test_nothing_to_teach_is_said_as_usual(tmp_path: Path) -> None:
    talk = Conversation(open_song(tmp_path, quiet_singer(), reference=True), help_level="teach")
    assert talk.say("what do you think?", CRITIQUE).text.startswith("Nothing to move")


def test_why_of_a_proposal_and_of_a_stem_that_did_not_move(talk: Conversation) -> None:
    assert "not proposed anything" in talk.say("why?", Request(intent="why"), help_level="suggest").text
    talk.say("check", CRITIQUE)
    said = talk.say("why?", Request(intent="why"))
    assert said.steps == (("explain",),)
    assert "professional mixes" in said.text
    said = talk.say("why the bass?", Request(intent="why", stems=("Bass",), called="bass"))
    assert said.steps == (("levels",),)
    assert "not moved the bass" in said.text


@pytest.mark.parametrize("entry", list(entries().values()), ids=lambda entry: entry.slug)
def test_every_term_fits_into_a_reply(entry: Entry) -> None:
    text = fitted(term(Voice(), explained(Lookup(entry=entry, guessed=False))), 250)
    whole = " ".join(" ".join(part.split()) for part in (entry.what_it_is, entry.what_to_try, entry.typical_values))
    assert all(word in text for word in whole.split())
    assert text.split("\n")[-1].startswith("Source: ")


def test_a_term_comes_with_its_source() -> None:
    told = TermExplained(
        slug="masking", title="Masking", what_it_is="One sound\nhides another.", how_it_sounds="Veiled.",
        what_to_try="Lower the masker.", typical_values="1 to 3 dB.", source="Moore, Psychology of Hearing",
        guessed=True,
    )  # fmt: skip
    lines = fitted(term(Voice(), told), 250).split("\n")
    assert lines[0] == "That sounds like masking."
    assert lines[1] == "Masking: One sound hides another."
    assert lines[-1] == "Source: Moore, Psychology of Hearing."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("can you hear this?", "Not as you do"),
        ("are you a real person?", "a program"),
        ("do you like this song?", "no taste"),
        ("i'm tired", "rest your ears"),
        ("how are you?", "What shall we listen to?"),
        ("nice weather", "critique"),
    ],
)
def test_small_talk_is_honest(talk: Conversation, words: str, told: str) -> None:
    said = talk.say(words, Request(intent="smalltalk"))
    assert told in said.text
    assert not said.tools


def test_goodbye_says_what_is_kept_and_what_is_not(talk: Conversation) -> None:
    assert "ersion 1" in talk.say("bye", Request(intent="goodbye")).text
    talk.say("bass down", Request(intent="turn", stems=("Bass",), called="bass", direction=-1))
    assert "not applied" in talk.say("bye", Request(intent="goodbye")).text


def test_politeness_gives_way_to_a_request(talk: Conversation) -> None:
    said = talk.say("thanks, how loud is it?", Request(intent="thanks"), Request(intent="overview"))
    assert "LUFS" in said.text
    assert "welcome" not in said.text
