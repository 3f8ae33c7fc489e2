"""Turns with real results: what the tools answer about small songs, for everything that reads a turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel
from songs import make_stems, write_song

from mixingbuddy.agent.results import Listening, ListeningFile, Proposed, TermExplained, TurnContext
from mixingbuddy.agent.serving.desk import MixingDesk
from mixingbuddy.agent.state import Lock
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.multitrack import load_song
from mixingbuddy.tools.roles import Role

TERM = TermExplained(
    slug="masking",
    title="Masking",
    what_it_is="A loud sound hides a softer one in the same critical band; a band is about a third of an octave wide.",
    how_it_sounds="The vocal's words blur whenever the guitar plays.",
    what_to_try="Bring the louder part down by 2 to 3 dB, or make room between 2 and 4 kHz.",
    typical_values="A lead vocal often sits 3 to 6 dB above the backing; 10 dB more is heard as twice as loud.",
    source="Moore, An Introduction to the Psychology of Hearing",
    also=("Critical band",),
)


@dataclass
class Turn:
    """The messages of one turn, and what the guard is told besides."""

    messages: list[BaseMessage]
    bench: Workbench
    context: TurnContext
    sayings: tuple[str, ...] = ("mix",)

    @property
    def roles(self) -> dict[str, Role]:
        return dict(self.context.stems)


def bench_of(
    folder: Path,
    gains_db: Mapping[str, float] | None = None,
    names: Mapping[str, str] | None = None,
    reference: bool = True,
) -> Workbench:
    """A song whose stems are off by these gains, under these names; the reference is right."""
    stems = make_stems()
    off = {name: audio * np.float32(10 ** ((gains_db or {}).get(name, 0.0) / 20)) for name, audio in stems.items()}
    write_song(folder, {(names or {}).get(name, name): audio for name, audio in off.items()})
    if reference:
        write_song(folder / "reference", {"mix": np.sum(list(stems.values()), axis=0)})
    return Workbench(load_song(folder), open_advisor("differential"))


def turn(bench: Workbench, asked: str, *results: BaseModel, **context: Any) -> Turn:
    """A turn in which the tools gave these results."""
    messages: list[BaseMessage] = [HumanMessage(asked)]
    messages += [ToolMessage(result.model_dump_json(), tool_call_id=f"c{n}") for n, result in enumerate(results)]
    return Turn(messages, bench, context_of(bench, **context))


def context_of(bench: Workbench, **context: Any) -> TurnContext:
    song = bench.song.multitrack
    known: dict[str, Any] = {
        "song": song.name,
        "stems": {stem.name: stem.role for stem in song.stems},
        "reference": bench.reference.name if bench.reference else None,
        "advisor": bench.advisor.name,
        "version": 1,
        "faders": {},
        "locks": (),
        "shown": (),
        "last_moves": (),
        "heard": {},
        "interactive": True,
        "notes": None,
    }
    return TurnContext(**(known | context))


def answers(
    bench: Workbench, *calls: str | tuple[str, dict[str, Any]], locks: tuple[Lock, ...] = (), yes: bool = True
) -> list[Any]:
    """What the real tools answer to these calls, one after the other, on a desk of their own."""
    store = InMemoryStore()
    for lock in locks:
        bench.memory(store).keep(lock)
    desk = MixingDesk(bench, approver=lambda question: yes, store=store)
    named = [call if isinstance(call, tuple) else (call, {}) for call in calls]
    return [desk.run(tool, arguments) for tool, arguments in named]


def critique(bench: Workbench, *locks: Lock) -> Proposed:
    """What `ask_advisor` answers under these wishes."""
    proposed = answers(bench, "ask_advisor", locks=locks)[-1]
    assert isinstance(proposed, Proposed)
    return proposed


def withdrawn(bench: Workbench, result: Proposed) -> Proposed:
    """The same moves after three tries that did not do what they promised: every level came out 3 dB off."""
    assert result.verdict is not None
    claims = tuple(
        claim.model_copy(update={"after": (claim.after or 0.0) - 3.0, "kept": False})
        for claim in result.verdict.claims
        if claim.metric == "level_rel_mix_lu"
    )
    verdict = result.verdict.model_copy(update={"claims": claims})
    return result.model_copy(
        update={
            "moves": (),
            "withdrawn": result.moves,
            "broken": claims,
            "status": "withdrawn",
            "attempts": 3,
            "verdict": verdict,
        }
    )


def listening(folder: Path) -> Listening:
    """As of a song long enough for a passage to be chosen."""
    files = tuple(
        ListeningFile(label=label, what=f"version {n}", path=str(folder / f"version {n}.wav"), gain_db=gain_db)
        for label, n, gain_db in (("A", 1, 0.0), ("B", 2, -1.4))
    )
    return Listening(what="files", files=files, loudness_lufs=-23.0, start_s=80.0, duration_s=12.0)


@dataclass
class Songs:
    """The songs behind the turns, each measured once."""

    folder: Path
    _made: dict[str, Workbench] = field(default_factory=dict)

    def bench(self, name: str) -> Workbench:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Workbench:
        folder = self.folder / name
        odd = {"vocals": "Vox -3 dB", "bass": "Bass 2", "guitar": "Gitarre für's Solo", "drums": "o'clock Drums & 808"}
        match name:
            case "two faults":
                return bench_of(folder, {"vocals": -7, "bass": 5})
            case "balanced":
                return bench_of(folder)
            case "no reference":
                return bench_of(folder, {"vocals": -12}, reference=False)
            case "odd names":
                return bench_of(folder, {"vocals": -7, "bass": 5}, names=odd)
        raise KeyError(name)

    @cached_property
    def turns(self) -> dict[str, Turn]:
        """Turns by name, as the corpora of replies call them."""
        two, fine, alone, odd = (self.bench(n) for n in ("two faults", "balanced", "no reference", "odd names"))
        found, kept = critique(two), Lock(stems=("drums",), words="drums")
        limit, low = (
            Lock(kind="limit", words="every fader", stems=(), limit_db=3.0),
            Lock(kind="taste", stems=("vocals",), words="vocals", direction=-1),
        )
        louder = answers(two, ("try_moves", {"moves": [{"stem": "vocals", "gain_db": 2.0}]}))[-1]
        _, done, what_changed, undone = answers(
            two, "ask_advisor", "apply_moves", "history", ("history", {"action": "undo"})
        )
        reasons = answers(two, "ask_advisor", "explain")[-1]
        written = listening(Path("/songs/demo"))
        declined = answers(two, "ask_advisor", "apply_moves", yes=False)[-1]
        second: dict[str, Any] = {"version": 2, "last_version": 2}
        moved = {move.stem: move.gain_db for move in found.moves}
        return {
            "critique": turn(two, "critique my mix", found),
            "wish": turn(two, "vocals up 2 dB please", louder),
            "levels": turn(two, "how loud is everything?", answers(two, "levels")[-1]),
            "overview": turn(two, "what do we have here?", answers(two, "overview")[-1]),
            "compare": turn(two, "compare it with the reference", answers(two, "compare_reference")[-1]),
            "why": turn(two, "why?", reasons, shown=found.moves, last_moves=found.moves),
            "applied": turn(two, "yes, apply it", done),
            "declined": turn(two, "apply it", declined),
            "history": turn(
                two,
                "what changed?",
                what_changed,
                **second,
                faders=moved,
            ),
            "undo": turn(two, "undo that", undone, **second),
            "withdrawn": turn(two, "critique", withdrawn(two, found)),
            "nothing": turn(fine, "critique", critique(fine)),
            "no reference": turn(alone, "what do you think?", critique(alone)),
            "odd names": turn(odd, "critique", critique(odd)),
            "no tools": turn(two, "hello there"),
            "term": turn(two, "what is masking?", TERM),
            "locked": turn(two, "critique, but keep the drums", critique(two, kept), locks=(kept,)),
            "limited": turn(two, "critique, never move more than 3 dB", critique(two, limit), locks=(limit,)),
            "taste": turn(two, "critique", critique(two, low), locks=(low,)),
            "waiting": turn(two, "hm", shown=found.moves, last_moves=found.moves),
            "masking": turn(two, "who masks whom?", answers(two, ("inspect", {"aspect": "masking"}))[-1]),
            "dynamics": turn(two, "how dynamic is it?", answers(two, ("inspect", {"aspect": "dynamics"}))[-1]),
            "listening": turn(two, "let me compare version 1 and 2", written, **second),
        }
