"""Tools about fader moves: the advisor's, the user's own, why, and applying them."""

from typing import Annotated, Any

from langchain.tools import tool
from langgraph.types import Command
from pydantic import BaseModel, Field

from mixingbuddy.agent.locks import check_locks
from mixingbuddy.agent.results import Applied, Proposed
from mixingbuddy.agent.state import (
    Proposal,
    ProposedMove,
    current_version,
    locks_of,
    proposal_of,
    shown_proposal,
)
from mixingbuddy.agent.tool_calls.tool_runtime import Runtime, answer, bench_of, state_of
from mixingbuddy.agent.workbench import moved_as, moves_from, total_faders
from mixingbuddy.tools.errors import ModelMistake
from mixingbuddy.tools.moves import GainDb, GainMove, clamped_db
from mixingbuddy.tools.render import check_stems


class MoveWanted(BaseModel):
    """One fader move."""

    stem: str = Field(description="name of a stem of this song")
    gain_db: GainDb


@tool
def ask_advisor(runtime: Runtime) -> Command[Any]:
    """Which faders to move, from the audio itself; the moves are rendered and measured before you get the answer.

    Call it to critique the balance. Locked stems are left alone.
    """
    bench, state = bench_of(runtime), state_of(runtime)
    faders = current_version(state).faders
    advice = bench.advice(faders)
    moves, held, limited = moves_from(advice, locks_of(state), faders)
    left_alone = {one.stem for one in held if one.kind == "keep"}
    answer = Proposed(
        origin="advisor",
        moves=moves,
        held=held,
        limited=limited,
        status="unverified" if moves else "nothing_to_do",
        evidence=advice.evidence,
        distances_db={a.stem: a.measured_db for a in advice.stems if advice.fit and a.stem not in left_alone},
        findings=(*bench.song.findings, *advice.findings),
        other_song=advice.fit is not None and advice.fit.kind == "mix" and not advice.fit.same_song,
        moved_as=moved_as(advice, moves),
    )
    return _propose(runtime, answer)


@tool
def try_moves(
    runtime: Runtime,
    moves: Annotated[list[MoveWanted], Field(description="fader moves on top of the current version", min_length=1)],
) -> Command[Any]:
    """Render these fader moves and measure the result; nothing is kept. Call it for every move you want to propose."""
    bench, state = bench_of(runtime), state_of(runtime)
    check_stems(bench.song.multitrack, (move.stem for move in moves))
    faders = current_version(state).faders
    check_locks(locks_of(state), [GainMove(stem=m.stem, gain_db=m.gain_db) for m in moves], faders)
    if all(clamped_db(move.gain_db) == 0.0 for move in moves):
        raise ModelMistake("a move of 0 dB changes nothing; fader steps are 0.1 dB")
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
    as_one = moved_as(bench.advice(faders), proposed)
    return _propose(runtime, Proposed(origin=origin, moves=proposed, moved_as=as_one))


@tool
def apply_moves(runtime: Runtime) -> Command[Any]:
    """Keep the proposal that was proved as a new version, after the user's approval. Only when the user asks for it."""
    state = state_of(runtime)
    proposal = proposal_of(state) or shown_proposal(state)
    if proposal is None or not proposal.proved:
        raise ModelMistake("there is no proved proposal to apply; call ask_advisor or try_moves first")
    check_locks(locks_of(state), proposal.moves, current_version(state).faders)
    waiting = Applied(status="waiting", version=proposal.base, moves=proposal.moves)
    return answer(runtime, waiting, apply_call=runtime.tool_call_id, proposal=proposal.model_dump(mode="json"))


def _propose(runtime: Runtime, told: Proposed) -> Command[Any]:
    if not told.moves:
        return answer(runtime, told, proposal=None)
    earlier = proposal_of(state_of(runtime))
    proposal = Proposal(
        base=current_version(state_of(runtime)).id,
        moves=told.moves,
        origin=told.origin,
        tool_call_id=runtime.tool_call_id or "",
        attempts=earlier.attempts if earlier else 0,
    )
    return answer(runtime, told, proposal=proposal.model_dump(mode="json"))
