"""Random conversations about real songs and a small one: what has to hold after every turn, whatever was said.

`MIXINGBUDDY_CONVERSATIONS=100` sets how many are held. While the utterances stay, a number gives the same conversation.
"""

import json
import os
import random
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from songs import Audio, hits, tones, write_song

from mixingbuddy.agent.critique import bench_for, open_bench
from mixingbuddy.agent.guarding.ledger import Fact, Ledger, figures_in
from mixingbuddy.agent.session import MixingSession, Turn, memory_checkpoints
from mixingbuddy.agent.settings import read_settings
from mixingbuddy.agent.speech.planner import OfflinePlanner
from mixingbuddy.agent.state import Lock, Version
from mixingbuddy.agent.toolbox import TOOLS
from mixingbuddy.agent.workbench import Workbench

CONVERSATIONS = int(os.environ.get("MIXINGBUDDY_CONVERSATIONS", "6"))
TURNS = 20
MOST_WORDS, MOST_WORDS_WHERE_ASKED = 120, 250
LARGEST_STATE, LARGEST_MESSAGE, MOST_MESSAGES = 32_000, 64_000, 120  # characters of JSON
# The user asked for words: an explanation, help, or a list.
ASKED_FOR_WORDS = frozenset({"explain", "help", "why", "tell_me", "versions", "changed", "locks", "notes"})
WISHES = frozenset({"turn", "too_loud", "too_quiet", "critique", "tell_me", "taste", "limit", "lock"})
ANSWERS = frozenset({"scale", "same", "why", "reject", "wait"})
BAND = "band"  # the song that the utterances are about
# One after the other, so that few conversations meet most songs.
SONGS = (BAND, "falcon69", BAND, "clingo", BAND, "trackswitch", "waveform-playlist")
Songs = dict[str, Callable[[], Workbench]]


@dataclass(frozen=True)
class Utterance:
    """What somebody says, after what they said before it."""

    say: str
    before: tuple[str, ...]
    intents: frozenset[str]


def _utterances() -> list[Utterance]:
    folder = Path(__file__).parent / "utterances"
    entries = [
        entry
        for half in ("dev", "heldout")
        for entry in tomllib.loads((folder / f"{half}.toml").read_text(encoding="utf-8"))["utterance"]
    ]
    return [
        Utterance(e["say"], tuple(e.get("before", ())), frozenset(m["intent"] for m in e["means"])) for e in entries
    ]


UTTERANCES = _utterances()
INTENTS = sorted({intent for utterance in UTTERANCES for intent in utterance.intents})
TOOL_NAMES = [tool.name for tool in TOOLS if "_" in tool.name]
CONSENTS = [utterance for utterance in UTTERANCES if utterance.intents == {"apply"} and not utterance.before]


def _band() -> dict[str, Audio]:
    """A song with the stems that the utterances name, each float32 (samples,)."""
    rng, duration_s = np.random.default_rng(7), 5.0
    notes_hz = {
        "LeadVox": [440.0, 494, 523, 392],
        "BGV": [330.0, 370, 392, 294],
        "Bass": [55.0, 65.4, 49, 55],
        "GtrL": [220.0, 277, 330, 247, 294],
        "GtrR": [165.0, 220, 247, 185, 220],
        "Keys": [262.0, 330, 392],
        "Pad": [131.0, 165],
        "Strings": [587.0, 659],
    }
    per_s = {"Kick": 2.0, "Snare": 1.0, "OH": 4.0, "Tamb": 8.0}
    stems = {name: tones(notes, duration_s, rng) for name, notes in notes_hz.items()}
    stems |= {name: 0.5 * hits(rate, duration_s, rng) for name, rate in per_s.items()}
    shortest = min(len(audio) for audio in stems.values())
    return {name: audio[:shortest] for name, audio in stems.items()}


@pytest.fixture(scope="module")
def songs(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Songs:
    """How to open each song anew; what was measured on it is measured once."""
    folder = tmp_path_factory.mktemp("conversations")
    stems = _band()
    band = write_song(folder / BAND, stems | {"LeadVox": 0.5 * stems["LeadVox"], "Bass": 1.6 * stems["Bass"]})
    write_song(band / "reference", {"mix": np.sum(list(stems.values()), axis=0)})
    paths = {name: shared_data / "multitracks" / name for name in SONGS} | {BAND: band}
    return {name: _opener(path, folder / "workspace") for name, path in paths.items()}


def _opener(path: Path, workspace: Path) -> Callable[[], Workbench]:
    opened: list[Workbench] = []
    given = read_settings(workspace=workspace)

    def open_song() -> Workbench:
        if not opened:
            opened.append(open_bench(path, given, None, None))
        bench = bench_for(opened[0].song, given, advisor=opened[0].advisor)
        bench.listening_folder = workspace / "listening"
        return bench

    return open_song


@dataclass
class Conversation:
    """One night in front of the speakers. `left` is the version that the last turn's move started from."""

    session: MixingSession
    chance: random.Random
    left: Version | None = None
    told: list[str] = field(default_factory=list)

    def next_turn(self) -> None:
        dice = self.chance.random()
        if self.left is not None and dice < 0.4:
            self.undo_what_was_applied(self.left)
        elif self.session.waiting and dice < 0.35:
            self.say(self.chance.choice(CONSENTS), agrees=True)
        elif self.session.waiting and dice < 0.6:
            self.say(self._one_of(ANSWERS), agrees=dice < 0.5)
        elif dice < 0.6:
            self.say(self._one_of(WISHES), agrees=dice < 0.3)
        else:
            self.say(self._one_of(INTENTS), agrees=dice < 0.8)

    def _one_of(self, intents: Sequence[str] | frozenset[str]) -> Utterance:
        """An utterance with one of the intents, the rare ones as often as the frequent ones."""
        intent = self.chance.choice(sorted(intents))
        return self.chance.choice([utterance for utterance in UTTERANCES if intent in utterance.intents])

    def undo_what_was_applied(self, left: Version) -> None:
        self._ask("undo")
        assert self.session.version.faders == left.faders

    def say(self, utterance: Utterance, agrees: bool) -> None:
        for text in utterance.before:
            self._ask(text, agrees)
        self._ask(utterance.say, agrees, consents="apply" in utterance.intents)

    def _ask(self, text: str, agrees: bool = False, consents: bool = False) -> None:
        """One turn: `agrees` answers the question whether to apply, `consents` says that the words are a consent."""
        session = self.session
        before, versions, here = dict(session.state), session.versions, session.version
        self.told.append(f"> {text}")
        turn = session.ask(text, lambda moves: agrees)
        self.told.append(turn.reply)
        after = dict(session.state)
        _check_reply(turn.reply, after)
        _check_figures(turn.reply, before, after, session.bench)
        _check_directions(turn, after)
        _check_versions(versions, session.versions, turn)
        _check_state(after)
        new = session.versions[len(versions) :]
        assert not new or agrees or consents or after["help_level"] == "apply", "applied without approval"
        for version in new:
            _check_wishes(version, here, session.locks, after)
        self.left = here if new and session.version == new[-1] else None


def _check_reply(reply: str, state: Mapping[str, Any]) -> None:
    asked = {request["intent"] for request in state["requests"]}
    most = MOST_WORDS_WHERE_ASKED if asked & ASKED_FOR_WORDS else MOST_WORDS
    assert reply.strip(), "the reply is empty"
    assert len(reply.split()) <= most, f"{len(reply.split())} words"
    assert not [name for name in TOOL_NAMES if name in reply], "a tool's name stands in the reply"


def _check_figures(reply: str, before: Mapping[str, Any], after: Mapping[str, Any], bench: Workbench) -> None:
    """Every figure with a unit was measured in this turn, said by the user, or stands in the conversation's state."""
    known = [Fact(bench.apply_limit_db, "dB")]
    for state in (before, after):
        for version in state.get("versions") or ():
            known += [Fact(gain_db, "dB") for gain_db in version["faders"].values()]
        known += [Fact(move["gain_db"], "dB") for move in (state.get("shown") or {}).get("moves", ())]
        known += [Fact(lock["limit_db"], "dB") for lock in state.get("locks") or () if lock["limit_db"] is not None]
    ledger = Ledger.of_turn(after["messages"], bench.song.multitrack.names, known)
    unmeasured = [figure.text for figure in figures_in(reply) if not ledger.holds(figure)]
    assert not unmeasured, f"{unmeasured} was not measured in this turn: {reply}"


def _check_directions(turn: Turn, state: Mapping[str, Any]) -> None:
    """A move that the user wished for goes the way that the user said."""
    wished: dict[str, set[int]] = {}
    for request in state["requests"]:
        direction = {"turn": request.get("direction", 0), "too_loud": -1, "too_quiet": 1}.get(request["intent"], 0)
        asked = request["intent"] != "turn" and request.get("question")  # "could you turn it down?" is a wish
        if direction and "fader_db" not in request and not asked:
            for stem in request.get("stems", ()):
                wished.setdefault(stem, set()).add(direction)
    for move in turn.proposed.moves if turn.proposed is not None and turn.proposed.origin == "user" else ():
        against = wished.get(move.stem) == {-1 if move.gain_db > 0 else 1}
        assert not against, f"{move.stem} was to move the other way than {move.gain_db:+.1f} dB"


def _check_versions(before: tuple[Version, ...], after: tuple[Version, ...], turn: Turn) -> None:
    """Nothing that was there goes away or moves; at most one version comes in a turn."""

    def places(versions: tuple[Version, ...]) -> list[tuple[int, int | None, dict[str, float]]]:
        return [(version.id, version.parent, version.faders) for version in versions]

    assert places(after)[: len(before)] == places(before)
    assert len(after) <= len(before) + 1
    assert len({version.id for version in after}) == len(after)
    assert turn.version in after


def _check_state(state: Mapping[str, Any]) -> None:
    plain = {key: value for key, value in state.items() if key != "messages"}
    written = json.dumps(plain, allow_nan=False)
    assert json.loads(written) == plain
    assert len(written) <= LARGEST_STATE, f"{len(written)} characters of state"
    assert len(state["messages"]) <= MOST_MESSAGES
    for message in state["messages"]:
        size = len(message.model_dump_json())
        assert size <= LARGEST_MESSAGE, f"{size} characters in a {message.type} message"


def _check_wishes(new: Version, parent: Version, locks: tuple[Lock, ...], state: Mapping[str, Any]) -> None:
    """What was applied breaks no standing wish of the user."""
    advised = state["shown"]["origin"] == "advisor"
    assert new.parent == parent.id
    for stem in sorted({*new.faders, *parent.faders}):
        was_db, is_db = parent.faders.get(stem, 0.0), new.faders.get(stem, 0.0)
        for lock in (lock for lock in locks if stem in lock.stems or not lock.stems):
            if lock.kind == "keep":
                assert is_db == was_db, f"{stem} is kept, and moved from {was_db} to {is_db} dB"
            elif lock.kind == "limit" and lock.limit_db is not None:
                assert abs(is_db - was_db) <= lock.limit_db + 1e-6, f"{stem} moved past {lock.limit_db} dB"
                assert abs(is_db) <= max(lock.limit_db, abs(was_db)) + 1e-6, f"{stem} stands past {lock.limit_db} dB"
            elif advised and lock.kind == "taste":
                assert (is_db - was_db) * lock.direction >= 0, f"{stem} moved against the user's taste"
            elif advised and lock.kind == "rejected":
                assert (is_db - was_db) * lock.direction <= 0, f"{stem} moved as the user had refused"


@pytest.mark.parametrize("number", range(CONVERSATIONS))
def test_a_conversation_keeps_what_it_promises(songs: Songs, number: int) -> None:
    bench = songs[SONGS[number % len(SONGS)]]()
    night = Conversation(MixingSession(bench, OfflinePlanner(), memory_checkpoints()), random.Random(number))
    try:
        for _ in range(TURNS):
            night.next_turn()
    finally:
        print("\n".join(night.told))  # pytest shows it where the conversation went wrong


class AnyNight(RuleBasedStateMachine):
    """The same promises under Hypothesis, which searches for words that break them and makes them few."""

    open_songs: ClassVar[Songs]

    @initialize(song=st.sampled_from(sorted(set(SONGS))))
    def sit_down(self, song: str) -> None:
        session = MixingSession(self.open_songs[song](), OfflinePlanner(), memory_checkpoints())
        self.night = Conversation(session, random.Random(0))

    @rule(utterance=st.sampled_from(UTTERANCES), agrees=st.booleans())
    def say(self, utterance: Utterance, agrees: bool) -> None:
        self.night.say(utterance, agrees)

    @rule(utterance=st.sampled_from(CONSENTS))
    def consent(self, utterance: Utterance) -> None:
        self.night.say(utterance, agrees=True)

    @precondition(lambda self: self.night.left is not None)
    @rule()
    def undo(self) -> None:
        assert self.night.left is not None
        self.night.undo_what_was_applied(self.night.left)


def test_any_night_keeps_what_it_promises(songs: Songs) -> None:
    AnyNight.open_songs = songs
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        AnyNight,
        settings=settings(
            max_examples=max(2, CONVERSATIONS // 10),
            stateful_step_count=TURNS,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        ),
    )


@pytest.mark.parametrize("wish", ["i like the vocal low", "never more than 1 dB", "keep the vocal"])
def test_a_wish_takes_back_the_offer_that_it_speaks_against(songs: Songs, wish: str) -> None:
    session = MixingSession(songs[BAND](), OfflinePlanner(), memory_checkpoints())
    offered = session.ask("critique", lambda moves: False).proposed
    assert offered is not None
    assert any(move.stem == "LeadVox" and move.gain_db > 1.0 for move in offered.moves)
    session.ask(wish, lambda moves: False)
    assert session.waiting == ()
    assert session.ask("yes", lambda moves: True).version.faders == {}


@pytest.mark.parametrize("wish", ["never more than 1 dB on the trumpet", "forget that i like the trumpet loud"])
def test_a_wish_about_an_instrument_that_is_not_there_touches_no_other(songs: Songs, wish: str) -> None:
    session = MixingSession(songs[BAND](), OfflinePlanner(), memory_checkpoints())
    session.ask("i like the bass loud", lambda moves: False)
    before = session.locks
    session.ask(wish, lambda moves: False)
    assert session.locks == before != ()
