"""What happens at each node of the graph. Nodes are verbs; the wiring is in `graph.py`."""

import json
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
)
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from mixingbuddy.agent import wording
from mixingbuddy.agent.guard import objections
from mixingbuddy.agent.intents import read_requests
from mixingbuddy.agent.ledger import turn_of
from mixingbuddy.agent.planner import OfflinePlanner
from mixingbuddy.agent.proving import prove
from mixingbuddy.agent.results import Applied, Proposed, TurnContext, read_results
from mixingbuddy.agent.state import (
    Lock,
    State,
    Version,
    current_version,
    locked_stems,
    locks_of,
    proposal_of,
    shown_proposal,
    versions_of,
)
from mixingbuddy.agent.toolbox import TOOLS
from mixingbuddy.agent.workbench import Workbench, total_faders
from mixingbuddy.prompts import load
from mixingbuddy.tools.errors import UserError, printable
from mixingbuddy.tools.roles import group_of

MAX_STEPS = 8
CHANGING_TOOLS = frozenset({"ask_advisor", "try_moves", "apply_moves", "history"})
# After these the proposal shown last is still what the conversation is about, and a plain "yes" means it.
INFORMATIVE = frozenset(
    {"why", "help", "how_loud", "too_loud", "too_quiet", "compare", "changed", "locks", "unknown", "wait", "overview"}
    | {"greeting", "thanks", "only_faders"}
)
POLITE = frozenset({"greeting", "thanks"})
MAX_GUARD_STRIKES = 1
REMEMBERED_MESSAGES = 40


def understand(state: State, runtime: Runtime[Workbench]) -> dict[str, Any]:
    """Begin a turn: take the user's own words for locks, consent and refusal, whatever model speaks later."""
    roles = {stem.name: stem.role for stem in runtime.context.song.multitrack.stems}
    requests = read_requests(str(turn_of(state["messages"])[0].text), roles)
    locks = locks_of(state)
    heard: dict[str, Any] = {}
    for request in requests:
        if request.intent in {"lock", "unlock"} and not request.stems:
            heard["lock_without_stem"] = True
        elif request.intent == "lock":
            locks = [*_without(locks, request.stems), Lock(stems=request.stems, words=printable(request.called, 60))]
            heard.setdefault("locked", []).append(request.called)
        elif request.intent == "unlock":
            locks = _without(locks, request.stems)
            heard.setdefault("unlocked", []).append(request.called)
    update: dict[str, Any] = {"locks": [lock.model_dump(mode="json") for lock in locks]}
    judged_by = runtime.context.fingerprint
    shown = shown_proposal(state) if state.get("judged_by", judged_by) == judged_by else None
    update["judged_by"] = judged_by
    if shown is None:
        update["shown"] = state.get("shown") if shown_proposal(state) is None else None
    intents = {request.intent for request in requests}
    locked = {stem for lock in locks for stem in lock.stems}
    if shown is not None and any(move.stem in locked for move in shown.moves):
        # What is on offer would break a lock that the user has just set.
        update["shown"] = shown.model_copy(update={"withdrawn": True}).model_dump(mode="json")
    if "apply" in intents and intents <= POLITE | {"apply"} and state.get("fresh", False):
        heard["consent"] = True
    elif "reject" in intents and shown is not None:
        heard["rejected"] = True
        update["shown"] = shown.model_copy(update={"withdrawn": True}).model_dump(mode="json")
    wish = any(request.intent in {"too_loud", "too_quiet"} and not request.question for request in requests)
    fresh = bool(state.get("fresh")) and not wish and intents <= INFORMATIVE | {"apply"}
    return {
        **update,
        "fresh": fresh,
        "heard": heard,
        "proposal": None,
        "apply_call": None,
        "steps": 0,
        "guard_strikes": 0,
        "note": "",
    }


def _without(locks: list[Lock], stems: tuple[str, ...]) -> list[Lock]:
    freed = [lock.model_copy(update={"stems": tuple(s for s in lock.stems if s not in stems)}) for lock in locks]
    return [lock for lock in freed if lock.stems]


class Act:
    """Let the chat model choose the next tool, or speak."""

    def __init__(self, llm: BaseChatModel) -> None:
        self._llm = llm.bind_tools(TOOLS)
        self._offline = isinstance(llm, OfflinePlanner)

    def __call__(self, state: State, runtime: Runtime[Workbench]) -> dict[str, Any]:
        steps = state.get("steps", 0) + 1
        answer = self._ask([_system_message(state, runtime.context), *_remembered(state["messages"])])
        calls = [] if steps >= MAX_STEPS else _one_change(answer.tool_calls)
        # Built anew, so that no provider's own record of the calls that were left out is sent back to it.
        if len(calls) != len(answer.tool_calls):
            answer = AIMessage(answer.text if steps < MAX_STEPS else "", tool_calls=calls, id=answer.id)
        return {"messages": [answer], "steps": steps}

    def _ask(self, messages: list[BaseMessage]) -> AIMessage:
        if self._offline:
            return self._llm.invoke(messages)
        try:
            return self._llm.invoke(messages)
        except Exception as error:
            raise UserError(
                f"the language model failed ({type(error).__name__}: {error}); try again, or use --llm offline"
            ) from error


def _one_change(calls: list[ToolCall]) -> list[ToolCall]:
    """The calls that only read, and the first that changes something: two at once would mix their proofs up."""
    changing = [call for call in calls if call["name"] in CHANGING_TOOLS]
    return [call for call in calls if call not in changing[1:]]


def _system_message(state: State, bench: Workbench) -> SystemMessage:
    song, reference = bench.song, bench.reference
    shown, latest = shown_proposal(state), proposal_of({"proposal": state.get("shown")})
    version = current_version(state)
    context = TurnContext(
        song=song.multitrack.name,
        stems={stem.name: stem.role for stem in song.multitrack.stems},
        reference=reference.name if reference else None,
        advisor=bench.advisor.name,
        version=version.id,
        faders=version.faders,
        locks=tuple(locks_of(state)),
        shown=shown.moves if shown and shown.proved else (),
        last_moves=latest.moves if latest else (),
        heard=state.get("heard", {}),
        interactive=bench.interactive,
        notes=printable(song.settings.notes, 2000) if song.settings.notes else None,
    )
    note = state.get("note") or ""
    return SystemMessage("\n\n".join(filter(None, [note, load("system", context=context.model_dump_json())])))


def _remembered(messages: list[Any]) -> list[BaseMessage]:
    """The latest messages, cut at the start of a turn, without calls that a crash has left unanswered."""
    turn = len(turn_of(messages))
    start = max(0, len(messages) - max(REMEMBERED_MESSAGES, turn))
    while start < len(messages) - turn and not isinstance(messages[start], HumanMessage):
        start += 1
    kept = messages[start:]
    answered = {message.tool_call_id for message in kept if isinstance(message, ToolMessage)}
    broken = [m for m in kept if isinstance(m, AIMessage) and any(c["id"] not in answered for c in m.tool_calls)]
    orphans = {call["id"] for message in broken for call in message.tool_calls}
    return [m for m in kept if m not in broken and not (isinstance(m, ToolMessage) and m.tool_call_id in orphans)]


def verify(state: State, runtime: Runtime[Workbench]) -> dict[str, Any]:
    """Render and measure what was proposed; the tool's answer gets the verdict before any model reads it."""
    proposal = proposal_of(state)
    if proposal is None or proposal.verdict is not None:
        return {}
    asked = _answer_to(proposal.tool_call_id, state)
    answer = Proposed.model_validate(json.loads(str(asked.text)))
    proved, told = prove(runtime.context, current_version(state).faders, proposal, answer)
    message = ToolMessage(told.model_dump_json(), tool_call_id=asked.tool_call_id, id=asked.id, name=asked.name)
    return {"proposal": proved.model_dump(mode="json"), "messages": [message]}


def _answer_to(tool_call_id: str | None, state: State) -> ToolMessage:
    """The latest answer to a call; some servers number their calls anew in every turn."""
    answers = (m for m in reversed(state["messages"]) if isinstance(m, ToolMessage))
    return next(m for m in answers if m.tool_call_id == tool_call_id)


def approve(state: State, runtime: Runtime[Workbench]) -> dict[str, Any]:
    """Ask the human before anything is applied. Words that approve exactly what was shown count as the answer."""
    proposal = proposal_of(state)
    locked = locked_stems(state)
    sound = proposal is not None and proposal.proved and proposal.base == current_version(state).id
    if proposal is None or not sound or any(move.stem in locked for move in proposal.moves):
        raise RuntimeError("apply_moves let an unproved or locked proposal through")
    agreed = bool(state.get("heard", {}).get("consent")) and proposal.same_moves_as(shown_proposal(state))
    question = {
        "question": "apply",
        "moves": [move.model_dump(mode="json") for move in proposal.moves],
        "agreed_in_words": agreed,
    }
    decision = interrupt(question)
    approved = bool(decision.get("approve")) if isinstance(decision, dict) else bool(decision)
    asked = _answer_to(state.get("apply_call"), state)
    here, versions = current_version(state), versions_of(state)
    new = Version(
        id=max(version.id for version in versions) + 1,
        parent=here.id,
        faders=total_faders(here.faders, [move.plain() for move in proposal.moves]),
        label=", ".join(f"{printable(move.stem, 30)} {move.gain_db:+.1f} dB" for move in proposal.moves[:4]),
    )
    result = Applied(
        status="applied" if approved else "declined", version=new.id if approved else here.id, moves=proposal.moves
    )
    message = ToolMessage(result.model_dump_json(), tool_call_id=asked.tool_call_id, id=asked.id, name=asked.name)
    shown = proposal if approved else proposal.model_copy(update={"withdrawn": True})
    update: dict[str, Any] = {
        "messages": [message],
        "apply_call": None,
        "proposal": None,
        "shown": shown.model_dump(mode="json"),
    }
    if approved:
        update["versions"] = [version.model_dump(mode="json") for version in (*versions, new)]
        update["current"] = new.id
    return update


def reply(state: State, runtime: Runtime[Workbench]) -> dict[str, Any]:
    """Hold the reply against the ledger: send it, send it back once, or let the ledger speak itself."""
    draft = state["messages"][-1]
    stems = runtime.context.song.multitrack.names
    reference = (runtime.context.reference.name,) if runtime.context.reference else ()
    found = [*objections(str(draft.text), state["messages"], stems, reference)]
    proposal = proposal_of(state)
    if proposal is not None and not proposal.proved and not proposal.withdrawn:
        found.append("the latest moves broke their claims: revise them with try_moves, or do not propose them")
    if not found:
        clean = "\n".join(printable(line, 2000) for line in str(draft.text).splitlines())
        sent = [] if clean == str(draft.text) else [AIMessage(clean, id=draft.id)]
        return {"messages": sent, "note": "", **_shown(state, clean)}
    if state.get("guard_strikes", 0) < MAX_GUARD_STRIKES and state.get("steps", 0) < MAX_STEPS:
        # The draft leaves the conversation, so that no later turn takes it for something that was said.
        note = load("guard", draft=printable(str(draft.text), 2000), objections="\n".join(f"- {o}" for o in found))
        strikes = state.get("guard_strikes", 0) + 1
        return {"messages": [RemoveMessage(id=str(draft.id))], "note": note, "guard_strikes": strikes}
    words = _ledgers_own_words(state, runtime.context)
    return {"messages": [AIMessage(words, id=draft.id)], "note": "", **_shown(state, words)}


def _shown(state: State, text: str) -> dict[str, Any]:
    """From here on the user may apply the proposal with a word, if the reply named every move of it."""
    proposal = proposal_of(state)
    if proposal is None:
        return {}
    told = all(move.stem in text and f"{abs(move.gain_db):.1f}" in text for move in proposal.moves)
    return {"shown": state.get("proposal"), "proposal": None, "fresh": told}


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
