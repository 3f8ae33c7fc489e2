"""A conversation about one song: ask, approve, and find everything again in a new process."""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

# Must be set before LangGraph is imported: checkpoints then hold plain data only.
os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import Command

from mixingbuddy.agent.graph import RECURSION_LIMIT, build_graph
from mixingbuddy.agent.intents import find_stems
from mixingbuddy.agent.ledger import turn_of
from mixingbuddy.agent.results import Proposed, read_results
from mixingbuddy.agent.state import (
    FIRST_VERSION,
    Lock,
    ProposedMove,
    State,
    Version,
    current_version,
    locks_of,
    shown_proposal,
)
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.agent.workspace import Workspace
from mixingbuddy.tools.errors import UserError, printable
from mixingbuddy.tools.multitrack import Song

Approver = Callable[[tuple[ProposedMove, ...]], bool]


@dataclass(frozen=True)
class Turn:
    """What came of one message: the reply, and the latest proposal that was tried for it."""

    reply: str
    proposed: Proposed | None
    version: Version


class MixingSession:
    """One conversation. Not safe for use from several threads at once."""

    def __init__(
        self,
        bench: Workbench,
        llm: BaseChatModel,
        checkpointer: BaseCheckpointSaver[Any],
        name: str = "default",
        interactive: bool = True,
    ) -> None:
        self.bench = bench
        bench.interactive = interactive
        self._graph = build_graph(llm, checkpointer)
        self._config: Any = {"configurable": {"thread_id": name}, "recursion_limit": RECURSION_LIMIT}

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
    def locks(self) -> tuple[Lock, ...]:
        state = self.state
        return tuple(locks_of(state) if state.get("messages") else song_locks(self.bench.song))

    @property
    def waiting(self) -> tuple[ProposedMove, ...]:
        """The proposal that a word would apply."""
        shown = shown_proposal(self.state)
        return shown.moves if shown is not None and shown.proved else ()

    def ask(self, text: str, approver: Approver) -> Turn:
        """Answer one message. `approver` is asked before anything is applied that the user's words do not cover."""
        begin: dict[str, Any] = {"messages": [HumanMessage(text)]}
        if not self.resumed:
            begin |= {
                "versions": [FIRST_VERSION.model_dump(mode="json")],
                "current": FIRST_VERSION.id,
                "locks": [lock.model_dump(mode="json") for lock in song_locks(self.bench.song)],
            }
        result = self._graph.invoke(begin, self._config, context=self.bench)
        while "__interrupt__" in result:
            question = result["__interrupt__"][0].value
            moves = tuple(ProposedMove.model_validate(move) for move in question["moves"])
            approved = question["agreed_in_words"] or approver(moves)
            result = self._graph.invoke(Command(resume={"approve": approved}), self._config, context=self.bench)
        return self._turn(result)

    def _turn(self, state: Any) -> Turn:
        turn = turn_of(state["messages"])
        results, _ = read_results(turn)
        proposed = next((result for result in reversed(results) if isinstance(result, Proposed)), None)
        reply = next(str(message.text) for message in reversed(turn) if isinstance(message, AIMessage))
        return Turn(reply, proposed, current_version(state))


def song_locks(song: Song) -> list[Lock]:
    """The locks in `song.toml`. Raises UserError for one that names no stem."""
    roles = {stem.name: stem.role for stem in song.multitrack.stems}
    locks = []
    for words in song.settings.locks:
        stems = find_stems(words, roles)
        if not stems:
            raise UserError(f"song.toml locks '{words}', but the stems are: {', '.join(roles)}")
        locks.append(Lock(stems=stems, words=printable(words, 60)))
    return locks


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
            saver = SqliteSaver(connection)
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

    return InMemorySaver()
