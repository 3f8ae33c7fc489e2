"""A complaint about the sound is measured first: a cause and a fader that helps, or no cause and one question."""

from pathlib import Path
from typing import get_args

import pytest
from planning import Conversation, hidden_voice, muddy_band, open_song, quiet_singer

from mixingbuddy.agent.requests import Effect, Quality, Request
from mixingbuddy.agent.speech.sound_causes import entry_of
from mixingbuddy.agent.teaching.glossary import look_up
from mixingbuddy.prompts import load_table


@pytest.fixture
def muddy(tmp_path: Path) -> Conversation:
    return Conversation(open_song(tmp_path, muddy_band()))


def complaint(quality: Quality, **slots: object) -> Request:
    return Request(intent="complaint", quality=quality, **slots)  # type: ignore[arg-type]


@pytest.mark.parametrize("quality", get_args(Quality))
def test_every_quality_has_what_is_measured_and_said_of_it(quality: Quality) -> None:
    entry = entry_of(quality)
    assert entry["aspects"]
    assert entry["inside"]
    assert entry["move"] in {"up", "down", ""}
    assert not look_up(entry["term"]).guessed


@pytest.mark.parametrize("effect", get_args(Effect))
def test_every_effect_has_an_alternative(effect: Effect) -> None:
    entry = load_table("complaints")["effects"][effect]
    assert entry["instead"].startswith("I can ")
    assert not entry["term"] or not look_up(entry["term"]).guessed


def test_a_muddy_mix_gets_the_part_that_fills_the_low_mids_taken_back(muddy: Conversation) -> None:
    said = muddy.say("sounds muddy", complaint("muddy"))
    assert said.steps == (("inspect", "inspect", "levels"), ("try_moves",))
    proposal = muddy.waiting
    assert proposal is not None
    assert {move.stem for move in proposal.moves if move.gain_db < 0} >= {"Keys"}
    assert said.text.startswith("Take ")
    assert "the low mids" in said.text
    assert "the keys" in said.text
    assert "LUFS" in said.text


def test_what_nothing_measured_bears_out_is_said_and_one_question_asked(muddy: Conversation) -> None:
    said = muddy.say("it is boomy", complaint("boomy"))
    assert said.steps == (("inspect", "levels"),)
    assert muddy.waiting is None
    assert "no cause" in said.text
    assert "inside the range of professional mixes" in said.text
    assert said.text.count("?") == 1
    assert "the bass" in said.text
    assert "DAW" in said.text


def test_hidden_words_name_what_hides_them_and_when(tmp_path: Path) -> None:
    talk = Conversation(open_song(tmp_path, hidden_voice()))
    said = talk.say("can't hear the words", complaint("unclear_words", stems=("LeadVox",), called="words"))
    assert "'GtrL' hides 'LeadVox'" in said.text
    assert "0:03-" in said.text
    assert said.text.startswith("Bring LeadVox up ")
    assert talk.waiting is not None


def test_a_complaint_beside_a_wish_proposes_the_wish_alone(muddy: Conversation) -> None:
    down = Request(intent="turn", stems=("Bass",), called="bass", direction=-1)
    said = muddy.say("muddy, bass down", complaint("muddy"), down)
    assert said.tools.count("try_moves") == 1
    proposal = muddy.waiting
    assert proposal is not None
    assert [move.stem for move in proposal.moves] == ["Bass"]


def test_with_a_reference_only_what_it_measures_moves(tmp_path: Path) -> None:
    talk = Conversation(open_song(tmp_path, muddy_band(), reference=True))
    assert "try_moves" not in talk.say("sounds muddy", complaint("muddy")).tools


def test_two_complaints_get_one_move_and_at_most_one_question(muddy: Conversation) -> None:
    said = muddy.say("muddy and boomy", complaint("muddy"), complaint("boomy"))
    assert said.tools.count("try_moves") == 1
    assert "?" not in said.text.replace("'why?'", "")
    assert "the low end of the mix lies inside" in said.text
    said = muddy.say("boomy and squashed", complaint("boomy"), complaint("squashed"))
    assert said.text.count("?") == 1
    assert said.text.count("DAW") == 1


def test_width_is_answered_with_what_was_measured_of_it(muddy: Conversation) -> None:
    said = muddy.say("too narrow", complaint("narrow"))
    assert said.text.startswith("The mix is mono")
    assert "?" not in said.text
    assert "panning" in said.text


def test_a_part_that_was_named_is_offered_its_fader(muddy: Conversation) -> None:
    said = muddy.say("it's boomy", complaint("boomy"))
    assert "?" in said.text
    said = muddy.say("the bass", complaint("boomy", stems=("Bass",), called="bass"))
    assert "say 'take the bass down a bit'" in said.text
    assert "?" not in said.text


def test_an_effect_is_never_promised(tmp_path: Path) -> None:
    talk = Conversation(open_song(tmp_path, quiet_singer(4.0)))
    for effect in get_args(Effect):
        said = talk.say("please", Request(intent="cannot", effect=effect, stems=("LeadVox",), called="singer"))
        assert "only move faders" in said.text
        assert "What I can do: I can " in said.text
        assert not said.tools


def test_an_instrument_that_is_not_there_is_not_judged(muddy: Conversation) -> None:
    said = muddy.say("the trumpet is harsh", complaint("harsh", missing=("trumpet",)))
    assert "no trumpet" in said.text
    assert not said.tools
