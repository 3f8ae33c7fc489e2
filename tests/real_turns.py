"""Turns with real results: what the tools answer about small songs, for everything that reads a turn."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from pydantic import BaseModel
from songs import make_stems, write_song

from mixingbuddy.agent.inspecting import inspection
from mixingbuddy.agent.proving import prove
from mixingbuddy.agent.results import (
    Applied,
    Comparison,
    Explanation,
    History,
    Levels,
    Listening,
    ListeningFile,
    Overview,
    Proposed,
    StemChange,
    TermExplained,
    TurnContext,
)
from mixingbuddy.agent.state import Lock, Proposal, ProposedMove, Version
from mixingbuddy.agent.tool_calls.moving_tools import moved_as
from mixingbuddy.agent.workbench import Workbench, judged_as, moves_from
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


def critique(bench: Workbench, locks: Iterable[Lock] = ()) -> Proposed:
    """What `ask_advisor` answers."""
    advice = bench.advice({})
    moves, held, limited = moves_from(advice, tuple(locks), {})
    answer = Proposed(
        origin="advisor",
        moves=moves,
        held=held,
        limited=limited,
        status="unverified" if moves else "nothing_to_do",
        evidence=advice.evidence,
        distances_db={a.stem: a.measured_db for a in advice.stems if advice.fit},
        findings=(*bench.song.findings, *advice.findings),
        moved_as=moved_as(advice, moves),
    )
    return _proved(bench, answer) if moves else answer


def tried(bench: Workbench, **gains_db: float) -> Proposed:
    """What `try_moves` answers."""
    moves = tuple(ProposedMove(stem=stem, gain_db=gain_db) for stem, gain_db in gains_db.items())
    return _proved(bench, Proposed(origin="user", moves=moves))


def _proved(bench: Workbench, answer: Proposed) -> Proposed:
    proposal = Proposal(base=1, moves=answer.moves, origin=answer.origin, tool_call_id="c0")
    return prove(bench, {}, proposal, answer)[1]


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


def levels(bench: Workbench, *stems: str) -> Levels:
    measured, advice = bench.levels({}), bench.advice({})
    chosen = set(stems or bench.song.multitrack.names)
    return Levels(
        stems=tuple(stem for stem in measured.stems if stem.name in chosen),
        groups=tuple(group for group in measured.groups if not stems or chosen & set(group.stems)),
        advice=tuple(a for a in advice.stems if a.stem in chosen),
        evidence=advice.evidence,
        judged_as=judged_as(advice),
    )


def overview(bench: Workbench) -> Overview:
    measured = bench.levels({})
    return Overview(
        song=bench.song.multitrack.name,
        duration_s=round(measured.duration_s, 2),
        loudness_lufs=measured.loudness_lufs,
        true_peak_dbtp=measured.true_peak_dbtp,
        stems=measured.stems,
        findings=bench.song.findings,
    )


def comparison(bench: Workbench) -> Comparison:
    advice, compared = bench.advice({}), bench.analysis.reference
    return Comparison(
        reference=bench.reference.name if bench.reference else None,
        fit=advice.fit,
        differences=compared.differences[:6] if compared else (),
        stems=advice.stems,
        evidence=advice.evidence,
        findings=advice.findings,
        judged_as=judged_as(advice),
    )


def explanation(bench: Workbench, result: Proposed) -> Explanation:
    advice = bench.advice({})
    explained = advice.fit.explained if advice.fit else None
    return Explanation(
        origin=result.origin, moves=result.moves, evidence=advice.evidence, explained=explained, verdict=result.verdict
    )


def applied(result: Proposed, version: int = 2, status: Any = "applied") -> Applied:
    return Applied(status=status, version=version, moves=result.moves)


def history(bench: Workbench, result: Proposed, action: Any = "show", done: bool = False) -> History:
    """Version 2 (with the moves) against version 1; after an undo the other way round."""
    faders = {move.stem: move.gain_db for move in result.moves}
    versions = (
        Version(id=1, parent=None, faders={}, label="as imported"),
        Version(id=2, parent=1, faders=faders, label="moves"),
    )
    before, after = (faders, {}) if action == "undo" else ({}, faders)
    was, now = bench.levels(before), bench.levels(after)
    changes = tuple(
        StemChange(
            stem=old.name,
            fader_before_db=before.get(old.name, 0.0),
            fader_after_db=after.get(old.name, 0.0),
            level_before_lu=old.level_rel_mix_lu,
            level_after_lu=new.level_rel_mix_lu,
        )
        for old, new in zip(was.stems, now.stems, strict=True)
        if old.name in faders
    )
    stands = 1 if action == "undo" else 2
    return History(
        action=action,
        done=done,
        version=stands,
        current=stands,
        versions=versions,
        compared_with=3 - stands,
        changes=changes,
        loudness_before_lufs=was.loudness_lufs,
        loudness_after_lufs=now.loudness_lufs,
    )


def listening(folder: Path) -> Listening:
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
        louder = tried(two, vocals=2.0)
        second: dict[str, Any] = {"version": 2, "last_version": 2}
        moved = {move.stem: move.gain_db for move in found.moves}
        return {
            "critique": turn(two, "critique my mix", found),
            "wish": turn(two, "vocals up 2 dB please", louder),
            "levels": turn(two, "how loud is everything?", levels(two)),
            "overview": turn(two, "what do we have here?", overview(two)),
            "compare": turn(two, "compare it with the reference", comparison(two)),
            "why": turn(two, "why?", explanation(two, found), shown=found.moves, last_moves=found.moves),
            "applied": turn(two, "yes, apply it", applied(found)),
            "declined": turn(two, "apply it", applied(found, 1, "declined")),
            "history": turn(
                two,
                "what changed?",
                history(two, found),
                **second,
                faders=moved,
            ),
            "undo": turn(two, "undo that", history(two, found, "undo", True), **second),
            "withdrawn": turn(two, "critique", withdrawn(two, found)),
            "nothing": turn(fine, "critique", critique(fine)),
            "no reference": turn(alone, "what do you think?", critique(alone)),
            "odd names": turn(odd, "critique", critique(odd)),
            "no tools": turn(two, "hello there"),
            "term": turn(two, "what is masking?", TERM),
            "locked": turn(two, "critique, but keep the drums", critique(two, [kept]), locks=(kept,)),
            "limited": turn(two, "critique, never move more than 3 dB", critique(two, [limit]), locks=(limit,)),
            "taste": turn(two, "critique", critique(two, [low]), locks=(low,)),
            "waiting": turn(two, "hm", shown=found.moves, last_moves=found.moves),
            "masking": turn(two, "who masks whom?", inspection(two.analysis, "masking")),
            "dynamics": turn(two, "how dynamic is it?", inspection(two.analysis, "dynamics")),
            "listening": turn(
                two, "let me compare version 1 and 2", listening(Path("/songs/demo")), last_version=2, version=2
            ),
        }
