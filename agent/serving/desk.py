"""One song on the desk: runs single tools with the agent's own nodes, for whoever thinks with another model.

A tool's answer comes back rendered, measured and, where something is to be applied, approved, as in a conversation; no
chat model of ours takes part. What a conversation keeps in its checkpoints, versions above all, is kept here.
"""

import contextvars
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from mixingbuddy.agent import nodes
from mixingbuddy.agent.approval import read_decision
from mixingbuddy.agent.graph import tool_node
from mixingbuddy.agent.results import read_result
from mixingbuddy.agent.settings import HelpLevel
from mixingbuddy.agent.state import (
    FIRST_VERSION,
    Lock,
    State,
    Version,
    current_version,
    proposal_of,
    versions_of,
)
from mixingbuddy.agent.toolbox import TOOLS
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.errors import ModelMistake

Approver = Callable[[dict[str, Any]], Any]
Progress = Callable[[float, str], None]
PROPOSING = frozenset({"ask_advisor", "try_moves"})
_SHARES = {"tools": 0.5, "verify": 0.9, "approve": 0.95}  # how much of a proposing call is done after each node


def ask_through_graph(question: dict[str, Any]) -> Any:
    """Ask the human by an interrupt of the LangGraph agent that called the tool; `Command(resume=...)` answers.

    Raises ModelMistake outside of a graph, and where the graph has no checkpointer to wait with.
    """
    try:
        return interrupt(question)
    except (RuntimeError, KeyError) as error:  # LangGraph tells of a missing graph in either way
        raise ModelMistake(
            "nobody can be asked for approval here: give the agent a checkpointer, or the toolkit an approver"
        ) from error


class MixingDesk:
    """A workbench with the state of the work on it. Safe for several threads: one tool runs at a time."""

    def __init__(
        self,
        bench: Workbench,
        approver: Approver = ask_through_graph,
        store: BaseStore | None = None,
        help_level: HelpLevel = "suggest",
    ) -> None:
        """`approver` gets the question of `nodes.approve` and answers as `Command(resume=...)` does in the graph."""
        self.bench = bench
        self.approver = approver
        self.tools: tuple[BaseTool, ...] = TOOLS
        self._store = store if store is not None else InMemoryStore()
        self._saver = InMemorySaver()
        self._graph = _tool_graph(self._saver, self._store)
        self._lock = threading.RLock()
        self._state: State = {
            "versions": [FIRST_VERSION.model_dump(mode="json")],
            "current": FIRST_VERSION.id,
            "help_level": help_level,
        }

    @property
    def state(self) -> State:
        """What the work so far has left: plain data, for another desk with the same stems."""
        return self._state.copy()

    @state.setter
    def state(self, earlier: State) -> None:
        self._state = earlier.copy()

    @property
    def version(self) -> Version:
        """The version that the faders stand on."""
        return current_version(self._state)

    @property
    def versions(self) -> tuple[Version, ...]:
        return tuple(versions_of(self._state))

    def find_version(self, number: int | None) -> Version:
        """A version by number, the current one for None. Raises ModelMistake for a number that none has."""
        found = [one for one in self.versions if one.id == number] if number is not None else [self.version]
        if not found:
            raise ModelMistake(f"no version {number}; there are: {', '.join(str(one.id) for one in self.versions)}")
        return found[0]

    @property
    def locks(self) -> tuple[Lock, ...]:
        """Every standing wish of the user about this song."""
        return tuple(self.bench.memory(self._store).locks())

    def run(
        self,
        tool: str,
        arguments: Mapping[str, Any] | None = None,
        progress: Progress = lambda share, step: None,
        approver: Approver | None = None,
    ) -> BaseModel:
        """The result of one tool, proved and approved by `approver`, the desk's own where none is given.

        Nothing has changed where this raises.
        Raises ModelMistake for what the caller can mend: unknown tools, wrong arguments, nothing to apply.
        """
        if tool not in {one.name for one in self.tools}:
            raise ModelMistake(f"no tool '{tool}'; there are: {', '.join(one.name for one in self.tools)}")
        given_args = to_jsonable_python(dict(arguments or {}))
        call = {"name": tool, "args": given_args, "id": uuid.uuid4().hex, "type": "tool_call"}
        thread = {"configurable": {"thread_id": uuid.uuid4().hex}}
        with self._lock:
            locks = [lock.model_dump(mode="json") for lock in self.locks]
            given: Any = {**self._state, "locks": locks, "messages": [AIMessage("", tool_calls=[call])]}
            progress(0.0, load_table("progress")["tools"].get(tool, tool.replace("_", " ")))
            proving = _proving(progress) if tool in PROPOSING else _silent
            try:
                question = self._advance(given, thread, proving)
                while question is not None:
                    decision = read_decision((approver or self.approver)(question))
                    resume: Any = Command(resume=decision.model_dump(mode="json"))
                    question = self._advance(resume, thread, proving)
                state: Any = self._graph.get_state(thread).values
            finally:
                self._saver.delete_thread(thread["configurable"]["thread_id"])
            result = _result_of(state)
            progress(1.0, load_table("steps")["done"])
            self._state = _settled(state)
        return result

    def _advance(self, given: Any, thread: Any, passed: Callable[[str], None]) -> dict[str, Any] | None:
        """Run until the tool is done (None) or a question needs an answer.

        In a context of its own: inside somebody else's graph this must not write to its checkpoints.
        """

        def steps() -> dict[str, Any] | None:
            question = None
            for update in self._graph.stream(given, thread, context=self.bench, stream_mode="updates"):
                for node, value in update.items():
                    if node == "__interrupt__":
                        question = dict(value[0].value)
                    else:
                        passed(node)
            return question

        return contextvars.Context().run(steps)


def _silent(node: str) -> None:
    """Most tools have nothing to tell between their nodes."""


def _proving(progress: Progress) -> Callable[[str], None]:
    return lambda node: progress(_SHARES[node], load_table("steps")[node])


def _tool_graph(saver: InMemorySaver, store: BaseStore) -> Any:
    """The part of the agent's graph between two answers of its chat model."""
    graph = StateGraph(State, context_schema=Workbench)
    graph.add_node("tools", tool_node(TOOLS))
    graph.add_node("verify", nodes.verify)
    graph.add_node("approve", nodes.approve)
    graph.add_edge(START, "tools")
    graph.add_edge("tools", "verify")
    graph.add_conditional_edges("verify", _after_verify, {"approve": "approve", "done": END})
    graph.add_edge("approve", END)
    return graph.compile(checkpointer=saver, store=store)


def _after_verify(state: State) -> str:
    return "approve" if state.get("apply_call") else "done"


def _result_of(state: State) -> BaseModel:
    message = state["messages"][-1]
    assert isinstance(message, ToolMessage)
    if message.status == "error":
        raise ModelMistake(str(message.text).removeprefix("Error: ").strip())
    result = read_result(message)
    assert result is not None
    return result


def _settled(state: State) -> State:
    """What stays for the next call. A proposal that broke its promises stays open, so that it can be revised."""
    kept: Any = {key: value for key, value in state.items() if key != "messages"}
    proposal = proposal_of(state)
    if proposal is not None and (proposal.proved or proposal.withdrawn):
        kept |= {"shown": state["proposal"], "proposal": None}
    return kept  # type: ignore[no-any-return]
