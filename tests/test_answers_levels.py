"""Questions of fact: one tool call, the figure asked for, and nothing that was not asked."""

from pathlib import Path
from typing import get_args

import pytest
from planning import Conversation, hidden_voice, open_song, quiet_singer

from mixingbuddy.agent.requests import Aspect, Request


@pytest.fixture
def talk(tmp_path: Path) -> Conversation:
    return Conversation(open_song(tmp_path, quiet_singer()))


@pytest.mark.parametrize("aspect", get_args(Aspect))
def test_every_aspect_takes_one_call_and_proposes_nothing(talk: Conversation, aspect: Aspect) -> None:
    said = talk.say("what about it?", Request(intent="inspect", aspect=aspect))
    assert said.steps == (("inspect",),)
    assert talk.waiting is None
    assert said.words < 100


def test_who_hides_a_stem_is_answered_with_who_where_and_when(tmp_path: Path) -> None:
    talk = Conversation(open_song(tmp_path, hidden_voice()))
    said = talk.say(
        "who masks her?", Request(intent="inspect", aspect="masking", stems=("LeadVox",), called="her voice")
    )
    assert "'GtrL' hides 'LeadVox' at 1." in said.text
    assert "0:03-" in said.text
    none = talk.say("and the bass?", Request(intent="inspect", aspect="masking", stems=("Bass",), called="bass"))
    assert none.text == "Nothing hides the bass for more than a moment."


def test_two_stems_are_compared(talk: Conversation) -> None:
    said = talk.say(
        "kick louder than bass?", Request(intent="how_loud", stems=("Kick", "Bass"), called="kick and bass")
    )
    assert "Kick" in said.text.split("\n")[0]
    assert said.steps == (("levels",),)


def test_a_time_is_a_part_and_a_name_is_asked_for(talk: Conversation) -> None:
    kick = Request(intent="how_loud", stems=("Kick",), called="kick", section="0:05")
    assert "Kick at " in talk.say("kick at 0:05?", kick).text
    said = talk.say("in the chorus?", kick.model_copy(update={"section": "chorus"}))
    assert said.text.startswith("Which part do you mean by chorus?")
    assert "1:20" in said.text
    assert said.steps == (("levels",),)


def test_what_was_measured_on_the_import_is_marked_once_faders_moved(talk: Conversation) -> None:
    wide = Request(intent="inspect", aspect="stereo")
    assert "as imported" not in talk.say("wide?", wide).text
    down = Request(intent="turn", stems=("Bass",), called="bass", direction=-1)
    talk.say("bass down and apply", down, Request(intent="apply"))
    assert "as imported" in talk.say("wide?", wide).text
    assert "as imported" not in talk.say("key?", Request(intent="inspect", aspect="time")).text


def test_loudness_never_comes_without_the_peak_or_as_a_verdict(talk: Conversation) -> None:
    text = talk.say("how loud overall?", Request(intent="overview")).text
    assert "LUFS" in text
    assert "dBTP" in text
    assert "-14" not in text


def test_several_facts_are_asked_for_at_once(talk: Conversation) -> None:
    said = talk.say(
        "bass, key, width, tone and clipping?",
        Request(intent="how_loud", stems=("Bass",), called="bass"),
        Request(intent="inspect", aspect="time"),
        Request(intent="inspect", aspect="stereo"),
        Request(intent="inspect", aspect="spectrum"),
        Request(intent="inspect", aspect="hygiene", said="anything clipping"),
    )
    assert said.steps == (("levels", "inspect", "inspect", "inspect"),)
    assert "anything clipping" in said.text.split("\n")[-1]


def test_whether_one_of_two_hides_the_other(tmp_path: Path) -> None:
    talk = Conversation(open_song(tmp_path, hidden_voice()))

    def ask(*stems: str) -> str:
        called = " and ".join(stem.lower() for stem in stems)
        return talk.say("do they fight?", Request(intent="inspect", aspect="masking", stems=stems, called=called)).text

    assert ask("LeadVox", "GtrL").startswith("'GtrL' hides 'LeadVox'")
    assert ask("Bass", "GtrL") == "Neither of the bass and gtrl hides the other for more than a moment."


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("anything clipping?", "Nothing clips."),
        ("any hum or noise?", "I found no hum, and no noise that matters."),
        ("are the stems clean?", "Clean: I found no clipping"),
        ("what key is it in?", "I am not sure of the key."),
        ("how fast is the song?", "I am not sure of the tempo."),
    ],
)
def test_the_answer_is_to_the_question(talk: Conversation, words: str, told: str) -> None:
    aspect: Aspect = "time" if "key" in words or "fast" in words else "hygiene"
    assert talk.say(words, Request(intent="inspect", aspect=aspect)).text.startswith(told)
