from pathlib import Path
from typing import Any

import pytest

from mixingbuddy.agent.critique import open_bench
from mixingbuddy.agent.memory import open_memory
from mixingbuddy.agent.session import MixingSession, memory_checkpoints, sqlite_checkpoints
from mixingbuddy.agent.settings import read_settings
from mixingbuddy.agent.speech.planner import OfflinePlanner
from mixingbuddy.agent.workspace import Workspace, open_workspace
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.multitrack import load_song


def never(moves: Any) -> bool:
    raise AssertionError("the user's words were enough")


def yes(moves: Any) -> bool:
    return True


@pytest.fixture
def talk(quiet_vocals: Path) -> MixingSession:
    return MixingSession(open_bench(quiet_vocals, read_settings(), None, None), OfflinePlanner(), memory_checkpoints())


def test_critique_why_less_apply_undo(talk: MixingSession) -> None:
    found = talk.ask("critique this", never)
    assert found.proposed is not None
    assert [(m.stem, m.gain_db) for m in found.proposed.moves] == [("vocals", pytest.approx(7.0, abs=0.15))]
    assert "7." in talk.ask("why?", never).reply
    less = talk.ask("bit less", never)
    assert less.proposed is not None
    assert less.proposed.moves[0].gain_db == pytest.approx(found.proposed.moves[0].gain_db - 1.0)
    applied = talk.ask("apply", never)
    assert applied.version.id == 2
    assert applied.version.faders == {"vocals": less.proposed.moves[0].gain_db}
    assert "vocals" in talk.ask("what changed?", never).reply
    assert talk.ask("undo", never).version.id == 1
    assert talk.ask("undo", never).reply == "There is nothing to undo: this is the mix as you imported it."
    assert talk.ask("redo", never).version.id == 2


def test_after_applying_nothing_is_left_to_do(talk: MixingSession) -> None:
    talk.ask("critique", never)
    talk.ask("yes", never)
    again = talk.ask("critique", never)
    assert again.proposed is not None
    assert again.proposed.status == "nothing_to_do"
    assert again.reply.startswith("Nothing to move")


def test_locks_are_obeyed_and_lifted(talk: MixingSession) -> None:
    talk.ask("keep the vocals as they are", never)
    held = talk.ask("critique", never)
    assert held.proposed is not None
    assert (held.proposed.moves, [one.stem for one in held.proposed.held]) == ((), ["vocals"])
    assert held.reply.startswith("Vocals would have to go up 7.0 dB, but you asked me to leave that alone")
    assert "keep the vocals" in talk.ask("vocals up 2 dB", never).reply
    talk.ask("unlock the vocals", never)
    assert talk.locks == ()
    assert talk.ask("vocals up 2 dB", never).proposed is not None


def test_branches_keep_every_version(talk: MixingSession) -> None:
    talk.ask("vocals up 3 dB and apply", yes)
    talk.ask("undo", never)
    talk.ask("bass down 2 dB and apply", yes)
    assert talk.version.faders == {"bass": -2.0}
    assert (talk.version.id, talk.version.parent) == (3, 1)


def test_a_fader_at_its_end_says_so(talk: MixingSession) -> None:
    talk.ask("vocals up 12 dB and apply", yes)
    for wish in ("vocals up 1 dB", "vocals up 30 dB", "bass down 25 dB", "vocals up 999999999999 dB"):
        turn = talk.ask(wish, never)
        assert "it runs from -24 to +12" in turn.reply
        assert turn.proposed is None


def test_an_instrument_that_is_not_there(talk: MixingSession) -> None:
    assert "no tuba" in talk.ask("turn the tuba up", never).reply or "Which stem" in talk.ask("tuba up", never).reply
    assert "no snare" in talk.ask("how loud is the snare?", never).reply


def test_questions_get_measured_answers(talk: MixingSession) -> None:
    assert "too quiet" in talk.ask("is the vocal too loud?", never).reply
    assert talk.ask("is the bass too loud?", never).reply.startswith("No, the bass is not too loud")
    assert talk.ask("is the bass loud enough?", never).reply.startswith("Yes, the bass is loud enough")
    assert talk.ask("is the vocal loud enough?", never).reply.startswith("No, the vocal is too quiet")
    assert "LUFS" in talk.ask("how loud is the bass?", never).reply
    assert "explain" in talk.ask("compare with the reference", never).reply


def test_everything_is_still_there_in_another_process(quiet_vocals: Path) -> None:
    settings = read_settings()

    def open_one(checkpoints: Any, store: Any) -> MixingSession:
        bench = open_bench(quiet_vocals, settings, None, None)
        return MixingSession(bench, OfflinePlanner(), checkpoints, "tuesday", store=store)

    place = open_workspace(load_song(quiet_vocals), settings)
    with open_memory(settings.workspace_root) as store, sqlite_checkpoints(place) as checkpoints:
        first = open_one(checkpoints, store)
        assert not first.resumed
        first.ask("critique", never)
        first.ask("apply", never)
        first.ask("keep the drums", never)
        first.ask("bass down 1 dB", never)
    with open_memory(settings.workspace_root) as store, sqlite_checkpoints(place) as checkpoints:
        second = open_one(checkpoints, store)
        assert second.resumed
        assert second.version.id == 2
        assert [lock.stems for lock in second.locks] == [("drums",)]
        assert [(move.stem, move.gain_db) for move in second.waiting] == [("bass", -1.0)]
        assert second.ask("apply", never).version.faders["bass"] == -1.0


def test_two_conversations_about_one_song_are_apart(quiet_vocals: Path) -> None:
    bench, checkpoints = open_bench(quiet_vocals, read_settings(), None, None), memory_checkpoints()
    MixingSession(bench, OfflinePlanner(), checkpoints, "a").ask("vocals up 2 dB and apply", yes)
    assert MixingSession(bench, OfflinePlanner(), checkpoints, "b").version.id == 1


def test_locks_in_song_toml_hold_from_the_start(quiet_vocals: Path) -> None:
    (quiet_vocals / "song.toml").write_text('locks = ["vox"]')
    talk = MixingSession(open_bench(quiet_vocals, read_settings(), None, None), OfflinePlanner(), memory_checkpoints())
    assert talk.locks[0].stems == ("vocals",)
    found = talk.ask("critique", never)
    assert found.proposed is not None
    assert [one.stem for one in found.proposed.held] == ["vocals"]


def test_a_lock_in_song_toml_that_names_no_stem_is_refused(quiet_vocals: Path) -> None:
    (quiet_vocals / "song.toml").write_text('locks = ["tuba"]')
    bench = open_bench(quiet_vocals, read_settings(), None, None)
    with pytest.raises(UserError, match="song.toml locks 'tuba'"):
        MixingSession(bench, OfflinePlanner(), memory_checkpoints()).ask("critique", never)


def test_a_broken_session_file_is_one_clear_line(tmp_path: Path) -> None:
    place = Workspace(tmp_path, None)
    place.sessions_file.write_text("this is no database, although it is long enough to be one" * 20)
    with pytest.raises(UserError, match="cannot be used"), sqlite_checkpoints(place):
        pass


def test_a_session_is_open_in_one_place_only(tmp_path: Path) -> None:
    place = Workspace(tmp_path, None)
    with sqlite_checkpoints(place, "a"), sqlite_checkpoints(place, "b"):
        again = sqlite_checkpoints(place, "a")
        with pytest.raises(UserError, match="the session 'a' of this song is open in another window"):
            again.__enter__()
    with sqlite_checkpoints(place, "a") as checkpoints:
        assert checkpoints is not None
