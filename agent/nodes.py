"""What happens at each node of the graph. Nodes are verbs; the wiring is in `graph.py`."""

import json
from typing import Any

from langchain_core.messages import AIMessage, RemoveMessage, ToolMessage
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from mixingbuddy.agent.approval import Decision, read_decision
from mixingbuddy.agent.conversation import MAX_STEPS, outdated, turn_context
from mixingbuddy.agent.events import tell
from mixingbuddy.agent.guarding.guard import objections, tells
from mixingbuddy.agent.guarding.ledger import turn_of
from mixingbuddy.agent.hearing import Hearing, remember_refusal
from mixingbuddy.agent.locks import check_locks
from mixingbuddy.agent.memory import Memory
from mixingbuddy.agent.proving import prove
from mixingbuddy.agent.requests import most_words
from mixingbuddy.agent.results import Applied, Proposed, read_results
from mixingbuddy.agent.speech import wording
from mixingbuddy.agent.state import (
    Proposal,
    State,
    current_version,
    locks_of,
    proposal_of,
    shown_proposal,
    versions_of,
)
from mixingbuddy.agent.versions.digests import render_digest
from mixingbuddy.agent.versions.version_tree import VersionTree, tree_of
from mixingbuddy.agent.workbench import Workbench, total_faders
from mixingbuddy.prompts import load
from mixingbuddy.tools.errors import ModelMistake, printable
from mixingbuddy.tools.roles import group_of

MAX_GUARD_STRIKES = 1
# Requests by which the user wants the mix changed; a question gives no leave to apply anything.
CHANGES_WANTED = frozenset({"turn", "scale", "same", "too_loud", "too_quiet", "complaint", "critique", "apply"})


def understand(state: State, runtime: Runtime[Workbench]) -> dict[str, Any]:
    """Begin a turn: take the user's own words for wishes, consent and refusal."""
    text = str(turn_of(state["messages"])[0].text)
    hearing = Hearing(text, state, runtime.context, _memory(runtime))
    update = hearing.update()
    tell(runtime.stream_writer, "turn", text=printable(text, 2000))
    intents = [request.intent for request in hearing.requests]
    tell(runtime.stream_writer, "heard", intents=intents, locks=update["locks"], **hearing.heard)
    return {
        **update,
        "messages": [RemoveMessage(id=str(message.id)) for message in outdated(state["messages"])],
        "versions": [version.model_dump(mode="json") for version in versions_of(state)],
        "current": current_version(state).id,
        "proposal": None,
        "apply_call": None,
        "steps": 0,
        "guard_strikes": 0,
        "note": "",
    }


def _memory(runtime: Runtime[Workbench]) -> Memory:
    return runtime.context.memory(runtime.store)


def verify(state: State, runtime: Runtime[Workbench]) -> dict[str, Any]:
    """Render and measure what was proposed; the tool's answer gets the verdict before any model reads it."""
    proposal = proposal_of(state)
    if proposal is None or proposal.verdict is not None:
        return {}
    asked = _answer_to(proposal.tool_call_id, state)
    answer = Proposed.model_validate(json.loads(str(asked.text)))
    faders = current_version(state).faders
    # The tools have checked this already; what a model could get past them must not get past the measurement.
    check_locks(locks_of(state), proposal.moves, faders, advised=proposal.origin == "advisor")
    proved, told = prove(runtime.context, faders, proposal, answer)
    for claim in proved.verdict.claims if proved.verdict else ():
        tell(runtime.stream_writer, "claim", **claim.model_dump(mode="json"))
    message = ToolMessage(told.model_dump_json(), tool_call_id=asked.tool_call_id, id=asked.id, name=asked.name)
    return {"proposal": proved.model_dump(mode="json"), "messages": [message]}


def _answer_to(tool_call_id: str | None, state: State) -> ToolMessage:
    """The latest answer to a call; some servers number their calls anew in every turn."""
    answers = (m for m in reversed(state["messages"]) if isinstance(m, ToolMessage))
    return next(m for m in answers if m.tool_call_id == tool_call_id)


def approve(state: State, runtime: Runtime[Workbench]) -> dict[str, Any]:
    """Ask the human before anything is applied.

    Words that approve exactly what was shown count as the answer. With help level 'apply' the human has answered
    beforehand, within the limit.
    """
    bench, proposal = runtime.context, proposal_of(state)
    here = current_version(state)
    if proposal is None or not proposal.proved or proposal.base != here.id:
        raise RuntimeError("apply_moves let an unproved proposal through")
    check_locks(locks_of(state), proposal.moves, here.faders, advised=proposal.origin == "advisor")
    by_help_level = _within_help_level(state, bench, proposal)
    decision = Decision(type="approve") if by_help_level else _asked(state, proposal)
    shown = proposal
    if decision.type == "edit":
        proposal, problem = _edited(state, bench, proposal, decision)
        shown = proposal
    else:
        problem = ""
    result, grown = _applied(state, bench, proposal, decision, problem, by_help_level)
    if decision.type == "reject" and decision.reason:
        remember_refusal(_memory(runtime), proposal, decision.reason)
    tell(
        runtime.stream_writer,
        "approval",
        decision=decision.type,
        status=result.status,
        moves=[move.model_dump(mode="json") for move in proposal.moves],
        by_help_level=by_help_level,
    )
    asked = _answer_to(state.get("apply_call"), state)
    message = ToolMessage(result.model_dump_json(), tool_call_id=asked.tool_call_id, id=asked.id, name=asked.name)
    if grown is None:
        shown = shown.model_copy(update={"withdrawn": True})
    update: dict[str, Any] = {
        "messages": [message],
        "apply_call": None,
        "proposal": None,
        "shown": shown.model_dump(mode="json"),
        "told": True,
        "locks": [lock.model_dump(mode="json") for lock in _memory(runtime).locks()],
    }
    if grown is not None:
        update["versions"] = [version.model_dump(mode="json") for version in grown.versions]
        update["current"] = grown.current
    return update


def _within_help_level(state: State, bench: Workbench, proposal: Proposal) -> bool:
    requests = state.get("requests", ())
    asked = any(one.get("intent") in CHANGES_WANTED and not one.get("question") for one in requests)
    within = all(abs(move.gain_db) <= bench.apply_limit_db for move in proposal.moves)
    return state.get("help_level") == "apply" and asked and within


def _asked(state: State, proposal: Proposal) -> Decision:
    agreed = bool(state.get("heard", {}).get("consent")) and proposal.same_moves_as(shown_proposal(state))
    return read_decision(
        interrupt(
            {
                "question": "apply",
                "moves": [move.model_dump(mode="json") for move in proposal.moves],
                "agreed_in_words": agreed,
                "answers": ["approve", "edit", "reject"],
            }
        )
    )


def _edited(state: State, bench: Workbench, proposal: Proposal, decision: Decision) -> tuple[Proposal, str]:
    """The proposal with the human's amounts, rendered and measured; and what speaks against it, if anything."""
    here = current_version(state)
    moves = decision.edited(proposal.moves)
    try:
        check_locks(locks_of(state), moves, here.faders)
        verdict = bench.try_moves(here.faders, moves, advised=False)
    except ModelMistake as error:
        return proposal, str(error)
    edited = proposal.model_copy(update={"moves": moves, "verdict": verdict, "origin": "user"})
    return edited, "" if moves and verdict.kept else "the amounts did not do what was promised"


def _applied(
    state: State, bench: Workbench, proposal: Proposal, decision: Decision, problem: str, by_help_level: bool
) -> tuple[Applied, VersionTree | None]:
    here = current_version(state)
    edited = decision.type == "edit"
    told = {"moves": proposal.moves, "edited": edited, "verdict": proposal.verdict if edited else None}
    if decision.type == "reject":
        return Applied(status="declined", version=here.id, reason=decision.reason, **told), None
    if problem:
        return Applied(status="broken", version=here.id, reason=problem, **told), None
    faders = total_faders(here.faders, [move.plain() for move in proposal.moves])
    label = ", ".join(f"{printable(move.stem, 30)} {move.gain_db:+.1f} dB" for move in proposal.moves[:4])
    grown = tree_of(state).applied(faders, label, render_digest(bench.render(faders).audio))
    return Applied(status="applied", version=grown.current, by_help_level=by_help_level, **told), grown


def reply(state: State, runtime: Runtime[Workbench]) -> dict[str, Any]:
    """Hold the reply against the ledger: send it, send it back once, or let the ledger speak itself."""
    draft = state["messages"][-1]
    found = list(draft_objections(str(draft.text), state, runtime.context))
    proposal = proposal_of(state)
    if proposal is not None and not proposal.proved and not proposal.withdrawn:
        found.append("the latest moves broke their claims: revise them with try_moves, or do not propose them")
    if not found:
        clean = "\n".join(printable(line, 2000) for line in str(draft.text).splitlines())
        sent = [] if clean == str(draft.text) else [AIMessage(clean, id=draft.id)]
        _tell_reply(runtime, "sent", (), clean)
        return {"messages": sent, "note": "", **_shown(state, runtime.context, clean)}
    if state.get("guard_strikes", 0) < MAX_GUARD_STRIKES and state.get("steps", 0) < MAX_STEPS:
        # The draft leaves the conversation, so that no later turn takes it for something that was said.
        note = load("guard", draft=printable(str(draft.text), 2000), objections="\n".join(f"- {o}" for o in found))
        tell(
            runtime.stream_writer,
            "guard",
            decision="returned",
            objections=found,
            draft=printable(str(draft.text), 2000),
        )
        strikes = state.get("guard_strikes", 0) + 1
        return {"messages": [RemoveMessage(id=str(draft.id))], "note": note, "guard_strikes": strikes}
    words = _ledgers_own_words(state, runtime.context)
    _tell_reply(runtime, "replaced", found, words)
    return {"messages": [AIMessage(words, id=draft.id)], "note": "", **_shown(state, runtime.context, words)}


def draft_objections(text: str, state: State, bench: Workbench) -> tuple[str, ...]:
    """What this turn's measurements do not bear out in a draft, or in one sentence of it."""
    sayings = (bench.reference.name,) if bench.reference else ()
    context = turn_context(state, bench)
    most = most_words(context.requests)
    return objections(text, state["messages"], context.stems, sayings, context=context, max_words=most)


def _tell_reply(runtime: Runtime[Workbench], decision: str, found: Any, text: str) -> None:
    tell(runtime.stream_writer, "guard", decision=decision, objections=list(found))
    tell(runtime.stream_writer, "reply", text=text)


def _shown(state: State, bench: Workbench, text: str) -> dict[str, Any]:
    """From here on the user may apply the proposal with a word, if the reply named every move of it."""
    proposal = proposal_of(state)
    if proposal is None:
        return {}
    told = tells(text, {stem.name: stem.role for stem in bench.song.multitrack.stems}, proposal.moves)
    return {"shown": state.get("proposal"), "proposal": None, "fresh": told, "told": told}


def _ledgers_own_words(state: State, bench: Workbench) -> str:
    """A true reply for a model that could not write one: what this turn's tools measured."""
    groups = {stem.name: group_of(stem.role) for stem in bench.song.multitrack.stems}
    results, _ = read_results(turn_of(state["messages"]))
    return wording.own_words(results, groups, bench.reference is not None)


# Routes: the wiring reads from their types.


def after_act(state: State) -> str:
    """Tools if the model called some, else its reply."""
    return "tools" if getattr(state["messages"][-1], "tool_calls", None) else "reply"


def after_verify(state: State) -> str:
    """The human's approval if the model wants to apply, else back to the model with the verdict."""
    return "approve" if state.get("apply_call") else "act"


def after_reply(state: State) -> str:
    """Done, unless the guard sent the reply back."""
    return "act" if state.get("note") else "__end__"
