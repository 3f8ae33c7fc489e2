"""What a chat model gets to see of a conversation: where things stand, and the latest messages."""

from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from mixingbuddy.agent.guarding.ledger import turn_of
from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import TurnContext
from mixingbuddy.agent.state import (
    State,
    current_version,
    locks_of,
    proposal_of,
    shown_proposal,
    versions_of,
)
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.prompts import load
from mixingbuddy.tools.errors import printable

MAX_STEPS = 8
REMEMBERED_MESSAGES = 40


def system_message(state: State, bench: Workbench, for_planner: bool) -> SystemMessage:
    """The system prompt with the song's data on its last line; the parsed requests are for the planner alone."""
    context = turn_context(state, bench)
    note = state.get("note") or ""
    told = context.model_dump_json(exclude=None if for_planner else {"requests"})
    return SystemMessage("\n\n".join(filter(None, [note, load("system", context=told)])))


def turn_context(state: State, bench: Workbench) -> TurnContext:
    """The song, and where the conversation stands."""
    song, reference = bench.song, bench.reference
    shown, latest = shown_proposal(state), proposal_of({"proposal": state.get("shown")})
    version, versions = current_version(state), versions_of(state)
    return TurnContext(
        song=song.multitrack.name,
        stems={stem.name: stem.role for stem in song.multitrack.stems},
        reference=reference.name if reference else None,
        advisor=bench.advisor.name,
        version=version.id,
        faders=version.faders,
        version_names={one.name: one.id for one in versions if one.name},
        last_version=max(one.id for one in versions),
        locks=tuple(locks_of(state)),
        help_level=state.get("help_level", "suggest"),
        apply_limit_db=bench.apply_limit_db,
        requests=tuple(Request.model_validate(one) for one in state.get("requests", ())),
        shown=shown.moves if shown and shown.proved else (),
        told=state.get("told", True),
        last_moves=latest.moves if latest else (),
        heard=state.get("heard", {}),
        interactive=bench.interactive,
        notes=printable(song.settings.notes, 2000) if song.settings.notes else None,
    )


def remembered(messages: list[Any]) -> list[BaseMessage]:
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


def outdated(messages: list[Any]) -> list[BaseMessage]:
    """Messages that no model is shown any more: a conversation may last all night, its state may not grow."""
    if len(messages) <= 2 * REMEMBERED_MESSAGES:
        return []
    start = len(messages) - REMEMBERED_MESSAGES
    while start < len(messages) and not isinstance(messages[start], HumanMessage):
        start += 1
    return messages[:start]
