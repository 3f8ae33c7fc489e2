"""The user's own words set wishes, consent and the help level, whatever model speaks later."""

from pathlib import Path
from typing import Any

import pytest

from mixingbuddy.agent.critique import open_bench
from mixingbuddy.agent.memory import open_memory
from mixingbuddy.agent.session import MixingSession, memory_checkpoints
from mixingbuddy.agent.settings import read_settings
from mixingbuddy.agent.speech.planner import OfflinePlanner
from mixingbuddy.agent.state import locks_of


def never(moves: Any) -> bool:
    raise AssertionError("nothing should be asked")


@pytest.fixture
def talk(quiet_vocals: Path) -> MixingSession:
    return MixingSession(open_bench(quiet_vocals, read_settings(), None, None), OfflinePlanner(), memory_checkpoints())


def locks(talk: MixingSession) -> list[tuple[str, tuple[str, ...], int, float | None]]:
    return [(lock.kind, lock.stems, lock.direction, lock.limit_db) for lock in talk.locks]


def test_words_become_wishes_that_every_advisor_obeys(talk: MixingSession) -> None:
    talk.ask("keep the drums", never)
    talk.ask("never more than 3 dB", never)
    assert locks(talk) == [("keep", ("drums",), 0, None), ("limit", (), 0, 3.0)]
    found = talk.ask("critique", never)
    assert found.proposed is not None
    assert [(move.stem, move.gain_db) for move in found.proposed.moves] == [("vocals", 3.0)]
    assert found.proposed.limited == ("vocals",)
    assert found.proposed.verdict is not None
    assert found.proposed.verdict.kept
    assert "3.0 dB" in found.reply
    assert locks_of(talk.state) == list(talk.locks)


def test_a_taste_keeps_advice_away_and_leaves_the_user_free(talk: MixingSession) -> None:
    talk.ask("i like the vocals low", never)
    assert locks(talk) == [("taste", ("vocals",), -1, None)]
    held = talk.ask("critique", never)
    assert held.proposed is not None
    assert (held.proposed.moves, [(h.stem, h.kind) for h in held.proposed.held]) == ((), [("vocals", "taste")])
    wished = talk.ask("vocals up 2 dB", never)
    assert wished.proposed is not None
    assert [(move.stem, move.gain_db) for move in wished.proposed.moves] == [("vocals", 2.0)]


def test_a_refusal_with_its_reason_is_remembered(talk: MixingSession) -> None:
    talk.ask("critique", never)
    talk.ask("no, i like it dark", never)
    assert [(lock.kind, lock.stems, lock.reason) for lock in talk.locks] == [
        ("rejected", ("vocals",), "i like it dark")
    ]
    again = talk.ask("critique", never)
    assert again.proposed is not None
    assert again.proposed.moves == ()
    assert "i like it dark" in again.reply
    talk.ask("forget everything you know about my taste", never)
    assert talk.locks == ()
    once_more = talk.ask("critique", never)
    assert once_more.proposed is not None
    assert [move.stem for move in once_more.proposed.moves] == ["vocals"]


def test_help_level_apply_applies_small_moves_and_asks_for_large_ones(talk: MixingSession) -> None:
    talk.ask("just do it yourself from now on", never)
    assert talk.help_level == "apply"
    small = talk.ask("bass down 2 dB", never)
    assert small.version.faders == {"bass": -2.0}
    large = talk.ask("critique", lambda moves: False)
    assert large.version.faders == {"bass": -2.0}
    assert "vocals" in [move.stem for move in talk.waiting if move.gain_db > 3.0]


def test_help_level_teach_asks_before_it_tells(talk: MixingSession) -> None:
    talk.ask("teach me, don't just tell me", never)
    asked = talk.ask("what would you change?", never)
    assert "?" in asked.reply
    assert "7." not in asked.reply
    assert talk.waiting == ()
    told = talk.ask("the vocals are too quiet, i think", never)
    assert "7." in talk.ask("just tell me", never).reply + told.reply


def test_wishes_outlive_the_conversation_and_another_song_has_its_own(quiet_vocals: Path, song: Path) -> None:
    settings = read_settings()

    def one(path: Path, store: Any) -> MixingSession:
        return MixingSession(
            open_bench(path, settings, None, None), OfflinePlanner(), memory_checkpoints(), store=store
        )

    with open_memory(settings.workspace_root) as store:
        one(quiet_vocals, store).ask("keep the drums", never)
        one(quiet_vocals, store).ask("in all songs i like the vocals low", never)
    with open_memory(settings.workspace_root) as store:
        assert locks(one(quiet_vocals, store)) == [("taste", ("vocals",), -1, None), ("keep", ("drums",), 0, None)]
        assert locks(one(song, store)) == [("taste", ("vocals",), -1, None)]


def test_an_embedder_may_edit_reject_and_approve(quiet_vocals: Path) -> None:
    from mixingbuddy.agent.approval import Decision
    from mixingbuddy.tools.moves import GainMove

    bench = open_bench(quiet_vocals, read_settings(), None, None)
    talk = MixingSession(bench, OfflinePlanner(), memory_checkpoints())
    edited = Decision(type="edit", moves=(GainMove(stem="vocals", gain_db=1.5),))
    done = talk.ask("vocals up 4 dB and apply", lambda moves: edited)
    assert done.version.faders == {"vocals": 1.5}
    assert done.version.audio_digest
    refused = talk.ask("bass up 1 dB and apply", lambda moves: Decision(type="reject", reason="too much already"))
    assert refused.version.id == 2
    assert [(lock.kind, lock.stems, lock.direction, lock.reason) for lock in talk.locks] == [
        ("rejected", ("bass",), 1, "too much already")
    ]
    talk.ask("keep the drums", never)
    sneaked = Decision(type="edit", moves=(GainMove(stem="drums", gain_db=-3.0),))
    blocked = talk.ask("guitar down 1 dB and apply", lambda moves: sneaked)
    assert blocked.version.id == 2


def test_an_other_reference_by_its_name(talk: MixingSession, quiet_vocals: Path) -> None:
    (quiet_vocals / "references").mkdir()
    target = quiet_vocals / "references" / "falcon.wav"
    target.write_bytes((quiet_vocals / "reference" / "mix.wav").read_bytes())
    turn = talk.ask("this should sound like the falcon mix", never)
    assert talk.bench.reference is not None
    assert talk.bench.reference.name == "falcon"
    assert "falcon" in turn.reply.casefold()
