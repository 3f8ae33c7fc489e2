"""Kill a turn at each of its events, in processes of their own, and print what the next start finds.

`python killed_turns.py SONG WORKSPACE`: JSON lines {"event", "kind", "intact", "reply", "version", "waiting"}.
"""

import json
import os
import signal
import sqlite3
import sys
from pathlib import Path

from mixingbuddy.agent.critique import open_bench
from mixingbuddy.agent.events import Event
from mixingbuddy.agent.memory import open_memory
from mixingbuddy.agent.session import MixingSession, Turn, sqlite_checkpoints
from mixingbuddy.agent.settings import read_settings
from mixingbuddy.agent.speech.planner import OfflinePlanner
from mixingbuddy.agent.workspace import open_workspace

SAYS = ("vocals up 2 dB and apply", "undo", "keep the drums and turn the vocals up 3 dB")


def main(song: Path, workspace: Path) -> None:
    """One line for every event of every message: what came of it in the process after the killed one."""
    settings = read_settings(workspace=workspace)
    bench = open_bench(song, settings, None, None)
    place = open_workspace(bench.song, settings)
    bench.try_moves({}, (), advised=False)  # compiled once, before the processes part

    def open_session(stack: object, name: str) -> MixingSession:
        return MixingSession(bench, OfflinePlanner(), stack, name, store=store)  # type: ignore[arg-type]

    with open_memory(workspace) as store:
        for number, text in enumerate(SAYS):
            event = 0
            while True:
                name = f"killed {number} at {event}"
                child = os.fork()
                if child == 0:
                    with sqlite_checkpoints(place, name) as checkpoints:
                        session = open_session(checkpoints, name)
                        for earlier in SAYS[:number]:
                            session.ask(earlier, lambda moves: True)
                        session.ask(text, lambda moves: True, Killer(event))
                    os._exit(0)
                _, status = os.waitpid(child, 0)
                if not os.WIFSIGNALED(status):
                    break
                found = sqlite3.connect(place.sessions_file).execute("PRAGMA integrity_check").fetchone()[0]
                with sqlite_checkpoints(place, name) as checkpoints:
                    session = open_session(checkpoints, name)
                    print(json.dumps({"text": text, "event": event, "intact": found, **after(session, text)}))
                event += 1


def after(session: MixingSession, text: str) -> dict[str, object]:
    """Go on where the killed process stopped; a turn that had not begun is asked again."""
    begun = session.unanswered == text or (session.resumed and session.state["messages"][-1].type == "ai")
    went_on = session.unanswered is not None
    turn: Turn | None = session.go_on(lambda moves: True) if went_on else None
    last = [str(m.text) for m in session.state["messages"] if m.type == "human"][-1] if session.resumed else ""
    if turn is None and last != text:
        turn = session.ask(text, lambda moves: True)
    reply = turn.reply if turn is not None else str(session.state["messages"][-1].text)
    return {
        "begun": begun,
        "went_on": went_on,
        "reply": reply,
        "version": session.version.id,
        "faders": session.version.faders,
        "locks": [lock.words for lock in session.locks],
        "waiting": [(move.stem, move.gain_db) for move in session.waiting],
    }


class Killer:
    """A listener that ends its process, without any cleaning up, at the n-th event."""

    def __init__(self, event: int) -> None:
        self._left = event

    def __call__(self, event: Event) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
