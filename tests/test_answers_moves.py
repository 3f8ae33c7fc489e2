"""What the offline planner does about faders: one proposal for all wishes, tried before it is spoken of."""

from pathlib import Path

import numpy as np
import pytest
from planning import Conversation, Said, open_song, quiet_singer

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.state import Lock


@pytest.fixture
def talk(tmp_path: Path) -> Conversation:
    return Conversation(open_song(tmp_path, quiet_singer()))


BASS_DOWN = Request(intent="turn", stems=("Bass",), called="bass", direction=-1, amount_db=2.0)
KEYS_UP = Request(intent="turn", stems=("Keys",), called="keys", direction=1, amount_db=1.0)
SINGER_QUIET = Request(intent="too_quiet", stems=("LeadVox",), called="singer")


def shown(talk: Conversation) -> dict[str, float]:
    proposal = talk.waiting
    return {move.stem: move.gain_db for move in proposal.moves} if proposal else {}


def test_all_wishes_are_one_proposal_and_facts_stand_beside_it(talk: Conversation) -> None:
    said = talk.say(
        "bass down, keys up", BASS_DOWN, KEYS_UP, Request(intent="how_loud", stems=("Kick",), called="kick")
    )
    assert shown(talk) == {"Bass": -2.0, "Keys": 1.0}
    assert said.steps == (("try_moves", "levels"),)
    assert said.text.startswith("Take Bass down 2.0 dB.\nBring Keys up 1.0 dB.")
    assert "Kick: " in said.text


def test_a_proposal_states_loudness_and_peak(talk: Conversation) -> None:
    assert {"LUFS", "dBTP."} <= set(talk.say("bass down", BASS_DOWN).text.replace(",", "").split())


def test_the_same_for_another_stem_joins_what_is_not_applied_yet(talk: Conversation) -> None:
    talk.say("bass down", BASS_DOWN)
    talk.say("same for the keys", Request(intent="same", stems=("Keys",), called="keys"))
    assert shown(talk) == {"Bass": -2.0, "Keys": -2.0}
    talk.say("apply", Request(intent="apply"))
    talk.say("the guitar too", Request(intent="same", stems=("GtrL",), called="guitar"))
    assert shown(talk) == {"GtrL": -2.0}


def test_the_same_as_nothing_is_asked_for(talk: Conversation) -> None:
    said = talk.say("same for the keys", Request(intent="same", stems=("Keys",), called="keys"))
    assert said.text == "The same as what? Tell me how far the keys should go."
    assert not said.tools


def test_opinions_are_agreed_with_or_taken_by_ear(talk: Conversation) -> None:
    loud = Request(intent="too_loud", stems=("Bass",), called="bass")
    said = talk.say("the singer is buried, bass is too loud", SINGER_QUIET, loud)
    lead, first, second, reason = said.text.split("\n")[:4]
    assert "singer is too quiet" in lead
    assert "for the bass" in lead.lower()
    assert first.startswith("Bring the singer (LeadVox) up ")
    assert second == "Take Bass down 2.0 dB."
    assert "professional mixes" in reason
    assert said.steps == (("levels",), ("try_moves",))


def drummer(tmp_path: Path) -> Conversation:
    """The band with a snare, so that kick and snare are judged as one group; both are far too loud."""
    stems = quiet_singer()
    snare = 1.6 * np.roll(stems["Kick"], 5500, axis=1)
    return Conversation(open_song(tmp_path, stems | {"Kick": 2.0 * stems["Kick"], "Snare": snare.astype(np.float32)}))


def test_what_was_measured_of_a_group_is_no_figure_for_one_stem_of_it(tmp_path: Path) -> None:
    talk = drummer(tmp_path)
    said = talk.say("kick's poking out", Request(intent="too_loud", stems=("Kick",), called="kick"))
    assert shown(talk) == {"Kick": -2.0}
    assert "for the kick" in said.text.split("\n")[0].lower()
    drums = Request(intent="too_loud", stems=("Kick", "Snare"), called="drums")
    said = talk.say("drums are too loud", drums)
    assert "drums are too loud" in said.text.split("\n")[0]
    assert len(set(shown(talk).values())) == 1
    assert shown(talk)["Kick"] < -3.0
    question = drums.model_copy(update={"stems": ("Kick",), "called": "kick", "question": True})
    assert "only judge the drums as a group" in talk.say("is the kick too loud?", question).text
    assert "drums are too loud" in talk.say("are the drums too loud?", drums.model_copy(update={"question": True})).text


def test_an_opinion_against_the_measurement_is_followed_and_told(talk: Conversation) -> None:
    said = talk.say("singer too loud", SINGER_QUIET.model_copy(update={"intent": "too_loud"}))
    assert shown(talk) == {"LeadVox": -2.0}
    assert "the other way round: vocals " in said.text


def test_a_question_of_level_is_answered_before_the_move(talk: Conversation) -> None:
    said = talk.say("is the singer too loud?", SINGER_QUIET.model_copy(update={"intent": "too_loud", "question": True}))
    assert said.text.startswith("No, rather the other way: the singer is too quiet.")
    assert shown(talk)["LeadVox"] > 3.0


def test_at_half_is_another_proposal_and_asked_for_again(talk: Conversation) -> None:
    asked: list[object] = []
    talk.desk.approver = lambda question: bool(asked.append(question["moves"][0]["gain_db"])) or True
    talk.say("bass down", BASS_DOWN)
    said = talk.say("apply at 50%", Request(intent="apply", factor=0.5))
    assert asked == [-1.0]
    assert said.steps == (("try_moves",), ("apply_moves",))
    assert "Bass down 1.0 dB" in said.text
    assert talk.desk.version.faders == {"Bass": -1.0}


def test_two_questions_of_level_are_both_answered_and_one_moves(talk: Conversation) -> None:
    singer = SINGER_QUIET.model_copy(update={"question": True})
    bass = Request(intent="too_loud", stems=("Bass",), called="bass", question=True)
    said = talk.say("singer too quiet? bass too loud?", singer, bass)
    assert said.tools.count("try_moves") == 1
    assert "the singer is too quiet" in said.text
    assert "the bass is not too loud" in said.text


def test_a_change_of_what_is_shown_and_another_wish_are_one_proposal(talk: Conversation) -> None:
    talk.say("bass down", BASS_DOWN)
    talk.say("half of that, and keys up", Request(intent="scale", factor=0.5), KEYS_UP)
    assert shown(talk) == {"Bass": -1.0, "Keys": 1.0}


def test_facts_asked_for_beside_an_applied_move_are_of_the_new_mix(talk: Conversation) -> None:
    before = talk.say("how loud is the bass?", Request(intent="how_loud", stems=("Bass",), called="bass")).text
    how_loud = Request(intent="how_loud", stems=("Bass",), called="bass")
    said = talk.say("bass down and apply, how loud is it?", BASS_DOWN, Request(intent="apply"), how_loud)
    assert said.steps == (("try_moves",), ("apply_moves",), ("levels",))
    assert "Bass: " in said.text
    assert before.split("\n")[0] not in said.text


def test_what_is_on_the_table_and_not_applied_is_set_aside_aloud(talk: Conversation) -> None:
    talk.say("bass down", BASS_DOWN)
    said = talk.say("keys up", KEYS_UP)
    assert shown(talk) == {"Keys": 1.0}
    assert "proposed for Bass before was not applied" in said.text
    far = talk.say("kick up 30", Request(intent="turn", stems=("Kick",), called="kick", direction=1, amount_db=30.0))
    assert far.text == "The fader of Kick cannot go there: it runs from -24 to +12."
    assert shown(talk) == {"Keys": 1.0}


def test_a_wish_for_one_part_of_the_song_is_told_what_a_fader_is(talk: Conversation) -> None:
    said = talk.say("bass down at 0:05", BASS_DOWN.model_copy(update={"section": "0:05"}))
    assert "for the whole song" in said.text
    quiet = talk.say("singer too quiet at 0:05", SINGER_QUIET.model_copy(update={"section": "0:05"}))
    assert quiet.tools == ("levels",)
    assert "over the whole song" in quiet.text


def test_consent_before_another_question_means_what_was_shown(talk: Conversation) -> None:
    talk.say("bass down", BASS_DOWN)
    said = talk.say("do it, what else?", Request(intent="apply"), Request(intent="critique", said="what else"))
    assert said.tools == ("apply_moves",)
    assert talk.desk.version.faders == {"Bass": -2.0}
    assert "what else" in said.text.split("\n")[-1]


def test_undo_goes_before_the_wish_that_follows_it(talk: Conversation) -> None:
    talk.say("bass down and apply", BASS_DOWN, Request(intent="apply"))
    said = talk.say("undo, and keys up", Request(intent="undo"), KEYS_UP)
    assert said.steps == (("history",), ("try_moves",))
    assert talk.desk.version.id == 1
    assert shown(talk) == {"Keys": 1.0}
    assert said.text.startswith("Undone.")


def test_a_step_after_a_proposal_is_left_for_later_and_said_so(talk: Conversation) -> None:
    said = talk.say("keys up then undo", KEYS_UP, Request(intent="undo", said="then undo"))
    assert said.tools == ("try_moves",)
    assert "then undo" in said.text.split("\n")[-1]


def test_a_limit_cuts_the_move_and_is_named(talk: Conversation) -> None:
    talk.memory.keep(Lock(kind="limit", stems=(), words="every fader", limit_db=1.5))
    said = talk.say("bass down", BASS_DOWN)
    assert shown(talk) == {"Bass": -1.5}
    assert "Bass: cut to the limit that you set." in said.text
    talk.say("apply", Request(intent="apply"))
    assert "already at the limit" in talk.say("bass down", BASS_DOWN).text


def test_advice_against_a_taste_is_held_back_in_the_users_words(talk: Conversation) -> None:
    talk.memory.keep(Lock(kind="taste", stems=("LeadVox",), words="singer", direction=-1))
    text = talk.say("check", Request(intent="critique")).text
    assert text.startswith("LeadVox would have to go up ")
    assert "but you like it low." in text
    # The user's own wish goes before the taste.
    talk.say("singer up", Request(intent="turn", stems=("LeadVox",), called="singer", direction=1))
    assert shown(talk) == {"LeadVox": 2.0}


def test_what_was_turned_down_is_not_advised_again(talk: Conversation) -> None:
    kept = Lock(kind="rejected", stems=("LeadVox",), words="LeadVox", direction=1, reason="i don't want it up front")
    talk.memory.keep(kept)
    text = talk.say("check", Request(intent="critique")).text
    assert "you turned that down: “i don’t want it up front”" in text


def at_level(talk: Conversation, level: str, *requests: Request) -> Said:
    return talk.say("please", *requests, help_level=level)


def test_help_level_apply_applies_what_is_small_and_says_how_to_undo(talk: Conversation) -> None:
    talk.desk.approver = lambda question: pytest.fail("nothing should be asked")
    said = at_level(talk, "apply", BASS_DOWN)
    assert said.steps == (("try_moves",), ("apply_moves",))
    assert talk.desk.version.faders == {"Bass": -2.0}
    assert "Bass down 2.0 dB" in said.text
    assert "'undo'" in said.text
    assert "LU in the mix" in said.text


def test_help_level_apply_asks_before_what_is_large(talk: Conversation) -> None:
    said = at_level(talk, "apply", Request(intent="critique"))
    assert said.tools == ("ask_advisor",)
    assert "more than I move without asking" in said.text
    assert talk.desk.version.id == 1


def test_a_question_is_never_applied_by_itself(talk: Conversation) -> None:
    talk.bench.apply_limit_db = 24.0
    asked = SINGER_QUIET.model_copy(update={"question": True})
    for request in (asked, Request(intent="compare"), Request(intent="tell_me")):
        said = at_level(talk, "apply", request)
        assert "apply_moves" not in said.tools
    assert talk.desk.version.id == 1
    assert "apply_moves" in at_level(talk, "apply", Request(intent="critique")).tools


def test_nobody_there_means_nothing_is_applied(talk: Conversation) -> None:
    talk.bench.interactive = False
    said = at_level(talk, "apply", BASS_DOWN, Request(intent="apply"))
    assert said.tools == ("try_moves",)
    assert "'apply'" not in said.text
