"""The tools that a language model may call: few, coarse, and never with a file path."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

from langchain.tools import ToolRuntime, tool
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from langgraph.types import Command
from pydantic import BaseModel, Field

from mixingbuddy.agent.explaining import advisors_words, levels_lu
from mixingbuddy.agent.inspecting import inspection
from mixingbuddy.agent.results import (
    Applied,
    Aspect,
    Comparison,
    Explanation,
    History,
    Levels,
    Overview,
    Proposed,
    StemChange,
)
from mixingbuddy.agent.state import (
    Proposal,
    ProposedMove,
    State,
    Version,
    current_version,
    locked_stems,
    locks_of,
    proposal_of,
    shown_proposal,
    versions_of,
)
from mixingbuddy.agent.workbench import Workbench, moves_from, total_faders
from mixingbuddy.models.advisor import GainAdvice
from mixingbuddy.tools.errors import ModelMistake
from mixingbuddy.tools.moves import GainDb, clamped_db
from mixingbuddy.tools.render import check_stems

# Pydantic builds the tools' schemas and cannot look into `ToolRuntime`'s parameters; `_bench` and `_state` type them.
Runtime = ToolRuntime[Any, Any]


MOST_DIFFERENCES = 6


def _bench(runtime: Runtime) -> Workbench:
    return cast("Workbench", runtime.context)


def _state(runtime: Runtime) -> State:
    return cast("State", runtime.state)


class MoveWanted(BaseModel):
    """One fader move."""

    stem: str = Field(description="name of a stem of this song")
    gain_db: GainDb


@tool
def overview(runtime: Runtime) -> str:
    """The song, its stems with levels, and what was noticed while loading. Call it first when a song is new."""
    bench = _bench(runtime)
    levels = bench.levels(current_version(_state(runtime)).faders)
    return Overview(
        song=bench.song.multitrack.name,
        duration_s=round(levels.duration_s, 2),
        loudness_lufs=levels.loudness_lufs,
        true_peak_dbtp=levels.true_peak_dbtp,
        stems=levels.stems,
        findings=bench.song.findings,
    ).model_dump_json()


@tool
def levels(
    runtime: Runtime,
    stems: Annotated[list[str] | None, Field(description="only these stems; all where omitted")] = None,
) -> str:
    """How loud stems and groups are now, and whether that is usual. Call it for questions of level."""
    bench = _bench(runtime)
    check_stems(bench.song.multitrack, stems or ())
    faders = current_version(_state(runtime)).faders
    measured = bench.levels(faders)
    advice = bench.advice(faders)
    chosen = set(stems or bench.song.multitrack.names)
    return Levels(
        stems=tuple(stem for stem in measured.stems if stem.name in chosen),
        groups=tuple(group for group in measured.groups if not stems or chosen & set(group.stems)),
        advice=tuple(a for a in advice.stems if a.stem in chosen),
        evidence=advice.evidence,
        judged_as=_judged_as(advice),
    ).model_dump_json()


@tool
def inspect(
    runtime: Runtime,
    aspect: Annotated[
        Aspect,
        Field(
            description="hygiene: clipping, hum, DC, noise, copies, polarity; sections: levels part by part; "
            "time: tempo, key, sections"
        ),
    ],
) -> str:
    """One aspect of the song as imported: who hides whom, levels by section, tone, dynamics, faults, stereo or time."""
    return inspection(_bench(runtime).analysis, aspect).model_dump_json()


@tool
def compare_reference(runtime: Runtime) -> str:
    """The current version against the reference, stem by stem. Call it when the user asks about the reference."""
    bench = _bench(runtime)
    advice = bench.advice(current_version(_state(runtime)).faders)
    compared = bench.analysis.reference
    return Comparison(
        reference=bench.reference.name if bench.reference else None,
        fit=advice.fit,
        differences=compared.differences[:MOST_DIFFERENCES] if compared else (),
        stems=advice.stems,
        evidence=advice.evidence,
        findings=advice.findings,
        judged_as=_judged_as(advice),
    ).model_dump_json()


@tool
def ask_advisor(runtime: Runtime) -> Command[Any]:
    """Which faders to move, from the audio itself; the moves are rendered and measured before you get the answer.

    Call it to critique the balance. Locked stems are left alone.
    """
    bench, state = _bench(runtime), _state(runtime)
    faders = current_version(state).faders
    advice = bench.advice(faders)
    moves, held = moves_from(advice, locked_stems(state), faders)
    answer = Proposed(
        origin="advisor",
        moves=moves,
        held=held,
        status="unverified" if moves else "nothing_to_do",
        evidence=advice.evidence,
        distances_db={a.stem: a.measured_db for a in advice.stems if advice.fit and a.stem not in held},
        findings=(*bench.song.findings, *advice.findings),
        other_song=advice.fit is not None and advice.fit.kind == "mix" and not advice.fit.same_song,
        moved_as=_moved_as(advice, moves),
    )
    return _propose(runtime, answer)


@tool
def try_moves(
    runtime: Runtime,
    moves: Annotated[list[MoveWanted], Field(description="fader moves on top of the current version", min_length=1)],
) -> Command[Any]:
    """Render these fader moves and measure the result; nothing is kept. Call it for every move you want to propose."""
    bench, state = _bench(runtime), _state(runtime)
    check_stems(bench.song.multitrack, (move.stem for move in moves))
    _check_locks(state, [move.stem for move in moves])
    if all(clamped_db(move.gain_db) == 0.0 for move in moves):
        raise ModelMistake("a move of 0 dB changes nothing; fader steps are 0.1 dB")
    faders = current_version(state).faders
    total_faders(faders, [ProposedMove(stem=m.stem, gain_db=m.gain_db) for m in moves])
    earlier = proposal_of(state)
    revised = {move.stem: move for move in earlier.moves} if earlier else {}
    proposed = tuple(
        revised[m.stem].model_copy(update={"gain_db": clamped_db(m.gain_db)})
        if m.stem in revised
        else ProposedMove(stem=m.stem, gain_db=clamped_db(m.gain_db))
        for m in moves
    )
    origin = earlier.origin if earlier else "user"
    moved_as = _moved_as(bench.advice(faders), proposed)
    return _propose(runtime, Proposed(origin=origin, moves=proposed, moved_as=moved_as))


@tool
def explain_moves(runtime: Runtime) -> str:
    """Why the latest moves: the reason of each, the evidence, and what was measured. Call it when the user asks why."""
    latest = proposal_of({"proposal": _state(runtime).get("shown")})
    if latest is None:
        raise ModelMistake("nothing has been proposed yet; call ask_advisor first")
    base = next(version for version in versions_of(_state(runtime)) if version.id == latest.base)
    advice = _bench(runtime).advice(base.faders)
    words = advisors_words(advice, latest.moves) if latest.origin == "advisor" else None
    return Explanation(
        origin=latest.origin,
        moves=latest.moves,
        evidence=advice.evidence,
        explained=advice.fit.explained if advice.fit else None,
        verdict=latest.verdict,
        explanation=words,
        levels_lu=levels_lu(advice) if words else {},
        moved_as=_moved_as(advice, latest.moves),
    ).model_dump_json()


@tool
def apply_moves(runtime: Runtime) -> Command[Any]:
    """Keep the proposal that was proved as a new version, after the user's approval. Only when the user asks for it."""
    state = _state(runtime)
    proposal = proposal_of(state) or shown_proposal(state)
    if proposal is None or not proposal.proved:
        raise ModelMistake("there is no proved proposal to apply; call ask_advisor or try_moves first")
    _check_locks(state, [move.stem for move in proposal.moves])
    waiting = Applied(status="waiting", version=proposal.base, moves=proposal.moves)
    return _answer(runtime, waiting, apply_call=runtime.tool_call_id, proposal=proposal.model_dump(mode="json"))


@tool
def history(
    runtime: Runtime,
    action: Annotated[
        Literal["show", "undo", "redo", "go"],
        Field(description="show what changed, step back or forward, or go to `version`"),
    ] = "show",
    version: Annotated[int | None, Field(description="the version to go to")] = None,
) -> Command[Any]:
    """The versions of this mix and what changed; undo and redo. Call it when the user asks for one of these."""
    state = _state(runtime)
    versions = versions_of(state)
    here = current_version(state)
    target = _step(versions, here, action, version)
    stands = target or here
    other = here if target else next((v for v in versions if v.id == here.parent), None)
    answer = History(
        action=action,
        done=target is not None,
        version=stands.id,
        versions=tuple(versions),
        **_changes(_bench(runtime), other, stands),
    )
    if target is None:
        return _answer(runtime, answer)
    shown = proposal_of({"proposal": state.get("shown")})
    # What was undone is no longer on offer, but it can still be explained.
    kept = shown.model_copy(update={"withdrawn": True}).model_dump(mode="json") if shown else None
    return _answer(runtime, answer, current=stands.id, proposal=None, shown=kept)


TOOLS: tuple[BaseTool, ...] = (
    overview,
    levels,
    inspect,
    compare_reference,
    ask_advisor,
    try_moves,
    explain_moves,
    apply_moves,
    history,
)


def _judged_as(advice: GainAdvice) -> dict[str, str]:
    return {stem: aim.group for aim in advice.aims if len(aim.stems) > 1 for stem in aim.stems}


def _moved_as(advice: GainAdvice, moves: Sequence[ProposedMove]) -> dict[str, str]:
    """Stem to its group, of groups that were judged as one and move as one."""
    gains = {move.stem: move.gain_db for move in moves}
    whole = [aim for aim in advice.aims if len({gains.get(stem) for stem in aim.stems}) == 1]
    return _judged_as(advice.model_copy(update={"aims": tuple(aim for aim in whole if aim.stems[0] in gains)}))


def _check_locks(state: State, stems: list[str]) -> None:
    for lock in locks_of(state):
        touched = [stem for stem in stems if stem in lock.stems]
        if touched:
            raise ModelMistake(
                f"'{touched[0]}' is locked: the user said to keep the {lock.words}; leave it, or ask to unlock it"
            )


def _step(versions: list[Version], here: Version, action: str, wanted: int | None) -> Version | None:
    if action == "go":
        return next((version for version in versions if version.id == wanted and version != here), None)
    if action == "undo":
        return next((version for version in versions if version.id == here.parent), None)
    if action == "redo":
        return next((version for version in reversed(versions) if version.parent == here.id), None)
    return None


def _changes(bench: Workbench, before: Version | None, after: Version) -> dict[str, Any]:
    if before is None:
        return {}
    was, now = bench.levels(before.faders), bench.levels(after.faders)
    changes = tuple(
        StemChange(
            stem=old.name,
            fader_before_db=before.faders.get(old.name, 0.0),
            fader_after_db=after.faders.get(old.name, 0.0),
            level_before_lu=old.level_rel_mix_lu,
            level_after_lu=new.level_rel_mix_lu,
        )
        for old, new in zip(was.stems, now.stems, strict=True)
        if before.faders.get(old.name, 0.0) != after.faders.get(old.name, 0.0)
    )
    return {
        "compared_with": before.id,
        "changes": changes,
        "loudness_before_lufs": was.loudness_lufs,
        "loudness_after_lufs": now.loudness_lufs,
    }


def _propose(runtime: Runtime, answer: Proposed) -> Command[Any]:
    if not answer.moves:
        return _answer(runtime, answer, proposal=None)
    earlier = proposal_of(_state(runtime))
    proposal = Proposal(
        base=current_version(_state(runtime)).id,
        moves=answer.moves,
        origin=answer.origin,
        tool_call_id=runtime.tool_call_id or "",
        attempts=earlier.attempts if earlier else 0,
    )
    return _answer(runtime, answer, proposal=proposal.model_dump(mode="json"))


def _answer(runtime: Runtime, result: BaseModel, **update: Any) -> Command[Any]:
    message = ToolMessage(result.model_dump_json(), tool_call_id=runtime.tool_call_id or "")
    return Command(update={**update, "messages": [message]})
