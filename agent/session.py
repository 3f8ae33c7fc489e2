"""A conversation about one song: ask, approve, and find everything again in a new process."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command

from mixingbuddy.agent.approval import Decision, read_decision
from mixingbuddy.agent.chat_models.asking import Patience
from mixingbuddy.agent.chat_models.assembling import whole_characters
from mixingbuddy.agent.events import Event, Listener, nobody
from mixingbuddy.agent.graph import RECURSION_LIMIT, build_graph
from mixingbuddy.agent.guarding.ledger import turn_of
from mixingbuddy.agent.results import Listening, Proposed, read_results
from mixingbuddy.agent.settings import HelpLevel
from mixingbuddy.agent.state import (
    Lock,
    ProposedMove,
    State,
    Version,
    current_version,
    shown_proposal,
    versions_of,
)
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.agent.workspace import Workspace
from mixingbuddy.tools.errors import UserError

Approver = Callable[[tuple[ProposedMove, ...]], bool | Decision]


@dataclass(frozen=True)
class Turn:
    """What came of one message: the reply, the latest proposal that was tried for it, and what was written to hear."""

    reply: str
    proposed: Proposed | None
    version: Version
    listening: Listening | None = None


class MixingSession:
    """One conversation. Not safe for use from several threads at once."""

    def __init__(
        self,
        bench: Workbench,
        llm: BaseChatModel,
        checkpointer: BaseCheckpointSaver[Any],
        name: str = "default",
        interactive: bool = True,
        store: BaseStore | None = None,
        fallback: BaseChatModel | None = None,
        help_level: HelpLevel | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`help_level` goes before the one that the conversation had; `store` keeps wishes beyond it."""
        self.bench = bench
        bench.interactive = interactive
        self._store = store if store is not None else InMemoryStore()
        self._checkpointer, self._name = checkpointer, name
        self._graph = build_graph(llm, checkpointer, self._store, fallback, patience)
        self._config: Any = {"configurable": {"thread_id": name}, "recursion_limit": RECURSION_LIMIT}
        self._help_level = help_level

    @property
    def state(self) -> State:
        values: Any = self._graph.get_state(self._config).values
        return values  # type: ignore[no-any-return]

    @property
    def resumed(self) -> bool:
        """Whether this conversation was begun before."""
        return bool(self.state.get("messages"))

    @property
    def version(self) -> Version:
        return current_version(self.state)

    @property
    def versions(self) -> tuple[Version, ...]:
        return tuple(versions_of(self.state))

    @property
    def help_level(self) -> HelpLevel:
        return self._help_level or self.state.get("help_level", "suggest")

    @property
    def locks(self) -> tuple[Lock, ...]:
        """Every standing wish of the user."""
        return tuple(self.bench.memory(self._store).locks())

    @property
    def waiting(self) -> tuple[ProposedMove, ...]:
        """The proposal that a word would apply."""
        shown = shown_proposal(self.state)
        return shown.moves if shown is not None and shown.proved and self.state.get("told", True) else ()

    @property
    def unanswered(self) -> str | None:
        """The message whose turn was cut off, by a crash or a failure; None where all were answered."""
        snapshot = self._graph.get_state(self._config)
        # A step that had ended, but whose end was not written down as a checkpoint, is a task and no `next`.
        cut_off = bool(snapshot.next or snapshot.tasks)
        return str(turn_of(snapshot.values["messages"])[0].text) if cut_off else None

    def ask(self, text: str, approver: Approver, listen: Listener = nobody) -> Turn:
        """Answer one message. `approver` is asked before anything is applied that the user's words do not cover.

        `listen` hears of every step. Raises UserError where the language model fails; the turn can then be resumed.
        """
        begin: dict[str, Any] = {"messages": [HumanMessage(whole_characters(text))]}
        if self._help_level is not None:
            begin["help_level"], self._help_level = self._help_level, None
        return self._run(begin, approver, listen)

    def go_on(self, approver: Approver, listen: Listener = nobody) -> Turn:
        """Finish the turn that was cut off, from its last finished step."""
        snapshot = self._graph.get_state(self._config)
        if snapshot.interrupts:
            return self._run(self._answered(snapshot.interrupts[0].value, approver), approver, listen)
        return self._run(None, approver, listen)

    def _run(self, given: Any, approver: Approver, listen: Listener) -> Turn:
        self.bench.settle()
        while True:
            for event in self._graph.stream(
                given, self._config, context=self.bench, stream_mode="custom", durability="sync"
            ):
                listen(Event.model_validate(event))
            snapshot = self._graph.get_state(self._config)
            if not snapshot.interrupts:
                break
            given = self._answered(snapshot.interrupts[0].value, approver)
        forget_steps(self._checkpointer, self._name)
        return self._turn(snapshot.values)

    def _answered(self, question: dict[str, Any], approver: Approver) -> Command[Any]:
        moves = tuple(ProposedMove.model_validate(move) for move in question["moves"])
        decision = read_decision(True if question["agreed_in_words"] else approver(moves))
        return Command(resume=decision.model_dump(mode="json"))

    def _turn(self, state: Any) -> Turn:
        turn = turn_of(state["messages"])
        results, _ = read_results(turn)
        proposed = next((result for result in reversed(results) if isinstance(result, Proposed)), None)
        listening = next((result for result in reversed(results) if isinstance(result, Listening)), None)
        reply = next(str(message.text) for message in reversed(turn) if isinstance(message, AIMessage))
        return Turn(reply, proposed, current_version(state), listening)


def forget_steps(checkpointer: BaseCheckpointSaver[Any], thread: str) -> None:
    """Keep the latest checkpoint of a conversation only: the steps of a finished turn are of no more use.

    Without this a database grows by the whole state at every step.
    """
    from langgraph.checkpoint.sqlite import SqliteSaver

    if not isinstance(checkpointer, SqliteSaver):
        return
    with checkpointer.cursor() as cursor:
        for table in ("writes", "checkpoints"):
            cursor.execute(
                f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id < "
                "(SELECT MAX(checkpoint_id) FROM checkpoints WHERE thread_id = ?)",
                (thread, thread),
            )


@contextmanager
def sqlite_checkpoints(workspace: Workspace, session: str = "default") -> Iterator[BaseCheckpointSaver[Any]]:
    """Checkpoints in the song's workspace, for one process at a time: two would overwrite each other's turns.

    Raises UserError where another process has the session open, or the file cannot be used.
    """
    from filelock import FileLock, Timeout

    name = hashlib.sha256(session.encode("utf-8", "surrogateescape")).hexdigest()[:10]
    lock = FileLock(workspace.folder / f"session-{name}.lock", timeout=0)
    try:
        with lock:
            yield from _open_checkpoints(workspace)
    except Timeout as error:
        raise UserError(
            f"the session '{session}' of this song is open in another window; close it there, or give another --session"
        ) from error


def _open_checkpoints(workspace: Workspace) -> Iterator[BaseCheckpointSaver[Any]]:
    from langgraph.checkpoint.sqlite import SqliteSaver

    try:
        connection = sqlite3.connect(workspace.sessions_file, check_same_thread=False, timeout=10)
        try:
            saver = SqliteSaver(connection, serde=_plain_data())
            saver.setup()
            yield saver
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise UserError(
            f"the session file '{workspace.sessions_file}' cannot be used ({error}); move it away"
        ) from error


def memory_checkpoints() -> BaseCheckpointSaver[Any]:
    """Checkpoints that end with the process, for unattended runs."""
    from langgraph.checkpoint.memory import InMemorySaver

    return InMemorySaver(serde=_plain_data())


def _plain_data() -> SerializerProtocol:
    """Reads nothing from a checkpoint but plain data and messages, whoever wrote the file."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    return JsonPlusSerializer(allowed_msgpack_modules=None)
