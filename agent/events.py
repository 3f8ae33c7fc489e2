"""What a turn tells while it runs: for the terminal, for a trace file, for whoever embeds the graph.

Nodes and tools write events to LangGraph's stream (`stream_mode="custom"`); without a listener they cost nothing.
"""

from collections.abc import Callable
from typing import Any, Literal

from langgraph.types import StreamWriter
from pydantic import BaseModel, ConfigDict, Field

EventKind = Literal[
    "turn",  # a user's message begins: text
    "heard",  # what the user's own words changed: requests, locks
    "model",  # one answer of the chat model: name, seconds, tokens
    "fallback",  # the chat model failed and the offline planner goes on: error
    "sentence",  # a sentence of the reply that was checked against the ledger: text
    "tool_call",  # name, args
    "tool_result",  # name, status, seconds
    "claim",  # one promise and what was measured on the render
    "approval",  # moves, decision
    "guard",  # decision sent|returned|replaced, objections
    "reply",  # the text that the user gets
]


class Event(BaseModel):
    """One thing that happened in a turn. `data` is JSON-plain."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: EventKind
    data: dict[str, Any] = Field(default_factory=dict)


Listener = Callable[[Event], None]


def tell(writer: StreamWriter, kind: EventKind, **data: Any) -> None:
    """Write one event to the stream."""
    writer(Event(kind=kind, data=data).model_dump(mode="json"))


def nobody(event: Event) -> None:
    """A listener that does not listen."""
