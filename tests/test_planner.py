"""The offline planner through whole conversations: what it proposes, what it leaves alone, and what it says."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixingbuddy.agent.critique import open_bench
from mixingbuddy.agent.nodes import draft_objections
from mixingbuddy.agent.session import MixingSession, Turn, memory_checkpoints
from mixingbuddy.agent.settings import read_settings
from mixingbuddy.agent.speech.planner import OfflinePlanner
from mixingbuddy.agent.workbench import Workbench


def never(moves: Any) -> bool:
    raise AssertionError("nothing should be asked")


@pytest.fixture
def bench(quiet_vocals: Path) -> Workbench:
    opened = open_bench(quiet_vocals, read_settings(), None, None)
    opened.interactive = True
    return opened


@pytest.fixture
def talk(bench: Workbench) -> MixingSession:
    return MixingSession(bench, OfflinePlanner(), memory_checkpoints())


def moves(turn: Turn) -> dict[str, float] | None:
    return {move.stem: move.gain_db for move in turn.proposed.moves} if turn.proposed else None


def ask(talk: MixingSession, *lines: str) -> Turn:
    """Say these lines; the turn of the last. Every reply is held against the guard."""
    for line in lines:
        turn = talk.ask(line, never)
        assert draft_objections(turn.reply, talk.state, talk.bench) == ()
    return turn


@pytest.mark.parametrize(
    "words",
    ["don't apply it", "don't apply", "do not do it", "not yet", "yes but only half", "should I apply it?", "apply?"],
)
def test_no_plain_consent_applies_nothing(talk: MixingSession, words: str) -> None:
    assert ask(talk, "bass down 2 dB", words).version.id == 1


def test_waiting_keeps_the_proposal(talk: MixingSession) -> None:
    assert "not applied yet" in ask(talk, "bass down 2 dB", "apply?").reply
    assert [move.gain_db for move in talk.waiting] == [-2.0]
    assert talk.ask("apply", lambda moves: True).version.faders == {"bass": -2.0}


def test_a_refused_move_is_not_tried(talk: MixingSession) -> None:
    assert ask(talk, "please dont turn the vocal up").proposed is None


def test_everything_except(talk: MixingSession) -> None:
    reply = ask(talk, "keep everything except the bass").reply
    assert "everything except the bass alone" in reply
    assert {stem for lock in talk.locks for stem in lock.stems} == {"vocals", "drums", "guitar"}
    ask(talk, "unlock everything")
    assert talk.locks == ()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("vox up .5 dB", {"vocals": 0.5}),
        ("vox up one and a half db", {"vocals": 1.5}),
        ("2 dB more vocals", {"vocals": 2.0}),
        ("3 dB less bass", {"bass": -3.0}),
        ("vox to -3 dB", {"vocals": -3.0}),
        ("vocals: +2, bass: -1", {"vocals": 2.0, "bass": -1.0}),
        ("everything but the vocals down 1 dB", {"bass": -1.0, "drums": -1.0, "guitar": -1.0}),
    ],
)
def test_wishes(talk: MixingSession, words: str, wanted: dict[str, float]) -> None:
    assert moves(ask(talk, words)) == wanted


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("vox up 1e3", "By how many dB"),
        ("vox up 3 percent", "By how many dB"),
        ("vox up -2 dB", "which way"),
        ("vox up 0 dB", "moves nothing"),
        ("vox to 0 dB", "already stands there"),
        ("turn the vocals up 2 dB and down 2 dB", "moves nothing"),
        ("bring the guitars back a bit", "Up or down"),
        ("less cowbell", "no cowbell"),
        ("less blorp", "no blorp"),
        ("baas up", "Do you mean bass?"),
        ("mute the bass", "only move faders"),
        ("hello", "Hello"),
        ("thanks", "welcome"),
    ],
)
def test_what_is_unclear_moves_nothing(talk: MixingSession, words: str, told: str) -> None:
    turn = ask(talk, words)
    assert told in turn.reply
    assert turn.proposed is None


def test_less_of_an_unknown_thing_leaves_the_proposal_as_it_is(talk: MixingSession) -> None:
    assert ask(talk, "bass down 4 dB", "less cowbell").proposed is None
    assert [move.gain_db for move in talk.waiting] == [-4.0]


def test_multiples_of_what_was_shown(talk: MixingSession) -> None:
    assert moves(ask(talk, "bass down 4 dB", "half of that")) == {"bass": -2.0}
    assert moves(ask(talk, "twice as much")) == {"bass": -4.0}
    assert moves(ask(talk, "yes but only half")) == {"bass": -2.0}


def test_a_place_on_the_fader_counts_from_where_it_stands(talk: MixingSession) -> None:
    ask(talk, "bass down 2 dB", "apply")
    assert moves(ask(talk, "set the bass to -6 dB")) == {"bass": -4.0}
    assert "already stands there" in ask(talk, "put the bass at -2").reply


def test_a_locked_stem_is_left_out_and_said_so(talk: MixingSession) -> None:
    ask(talk, "keep the bass")
    turn = ask(talk, "vocals: +2, bass: -1, drums: +0.5")
    assert moves(turn) == {"vocals": 2.0, "drums": 0.5}
    assert "I left out bass, because you asked me to keep the bass." in turn.reply


def test_a_stem_that_is_not_there_is_left_out_and_said_so(talk: MixingSession) -> None:
    turn = ask(talk, "vocals: +2, bass: -1, kick: +0.5")
    assert moves(turn) == {"vocals": 2.0, "bass": -1.0}
    assert "no kick" in turn.reply


def test_two_opinions_are_one_proposal(talk: MixingSession) -> None:
    turn = ask(talk, "the vocal is buried, bass is too loud")
    # The reference bears out the first; the second is the user's own ear.
    assert moves(turn) == {"vocals": pytest.approx(7.0, abs=0.15), "bass": -2.0}
    assert "LU in the mix" in turn.reply


def test_a_step_back_and_a_wish_are_done_in_one_turn(talk: MixingSession) -> None:
    ask(talk, "vocals up 2 dB", "apply")
    turn = ask(talk, "undo that last move, and turn the bass up 1 dB")
    assert turn.version.id == 1
    assert moves(turn) == {"bass": 1.0}


def test_one_of_two_proposals_is_left_for_later_and_said_so(talk: MixingSession) -> None:
    turn = ask(talk, "turn the bass up 1 dB, and what do you think of the mix?")
    assert moves(turn) == {"bass": 1.0}
    assert "what do you think" in turn.reply.split("\n")[-1].lower()


def test_a_statement_is_a_wish_and_a_question_is_none(talk: MixingSession) -> None:
    assert moves(ask(talk, "the guitar is way too loud")) == {"guitar": -4.0}
    assert moves(ask(talk, "is the guitar too loud?")) is None
    assert moves(ask(talk, "the drums are drowning everything")) == {"drums": -2.0}
    assert moves(ask(talk, "should i turn the bass up?")) is None
    assert moves(ask(talk, "is the bass louder than the guitar?")) is None


def test_what_is_no_fader_move_is_said_beside_one_that_is(talk: MixingSession) -> None:
    turn = ask(talk, "vocals up 1 dB and mute the bass")
    assert moves(turn) == {"vocals": 1.0}
    assert "only move faders" in turn.reply


def test_taste_is_kept_in_mind(talk: MixingSession) -> None:
    assert "you like the vocal low" in ask(talk, "i like the vocal buried").reply
    assert [(lock.kind, lock.stems, lock.direction) for lock in talk.locks] == [("taste", ("vocals",), -1)]
    assert "you like it low" in ask(talk, "critique").reply


def test_going_to_a_version(talk: MixingSession) -> None:
    ask(talk, "vocals up 1 dB", "apply", "bass up 1 dB", "apply")
    assert ask(talk, "undo everything").version.id == 1
    assert ask(talk, "go back to version 2").version.id == 2
    assert ask(talk, "back to the original").version.id == 1


def test_why_of_a_stem_that_was_not_moved(talk: MixingSession) -> None:
    reply = ask(talk, "vocals up 1 dB", "why did you take the bass down?").reply
    assert "not moved the bass" in reply
    assert "LUFS" in reply
    assert "vocals" not in reply
    assert "You asked for it" in ask(talk, "why the vocals?").reply


@pytest.mark.parametrize("words", ["how loud is it overall?", "what is the true peak?", "how loud is the mix?"])
def test_the_whole_mix(talk: MixingSession, words: str) -> None:
    reply = ask(talk, words).reply
    assert "LUFS" in reply
    assert "dBTP" in reply


def test_an_instrument_that_is_there_is_never_denied(talk: MixingSession) -> None:
    assert "no bass" not in ask(talk, "less bass and less cowbell").reply


def test_plural_and_singular(talk: MixingSession) -> None:
    assert "the drums are not too loud" in ask(talk, "are the drums too loud?").reply
    assert "the bass is not too loud" in ask(talk, "is the bass too loud?").reply


def test_the_second_time_is_shorter(talk: MixingSession) -> None:
    first, second = ask(talk, "banana").reply, ask(talk, "banana").reply
    assert len(second) < len(first) / 2


def test_nothing_is_applied_where_nobody_is_there(talk: MixingSession) -> None:
    talk.bench.interactive = False
    turn = ask(talk, "bass down 2 dB and apply")
    assert turn.version.id == 1
    assert turn.proposed is not None
    assert ask(talk, "apply").version.id == 1


def test_a_group_figure_is_no_proof_about_one_stem(quiet_vocals: Path) -> None:
    (quiet_vocals / "reference" / "mix.wav").unlink()
    (quiet_vocals / "reference").rmdir()
    (quiet_vocals / "guitar.wav").rename(quiet_vocals / "snare.wav")
    talk = MixingSession(open_bench(quiet_vocals, read_settings(), None, None), OfflinePlanner(), memory_checkpoints())
    reply = ask(talk, "is the snare too loud?").reply
    assert "as a group" in reply or "cannot judge" in reply
    assert "LU in the mix" in reply


VOCABULARY = """
vocals bass drums everything but except the rest up down to at 2 -3 dB .5 1e3 half of that double more less too loud
quiet is apply undo why version 1 not don't keep unlock and , ? . two one a compare critique
"""
WORDS = st.sampled_from(VOCABULARY.split())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, max_size=9))
def test_every_reply_passes_the_guard(bench: Workbench, words: list[str]) -> None:
    talk = MixingSession(bench, OfflinePlanner(), memory_checkpoints())
    for line in ("bass down 2 dB", " ".join(words)):
        turn = talk.ask(line, lambda moves: True)
        assert draft_objections(turn.reply, talk.state, bench) == ()
