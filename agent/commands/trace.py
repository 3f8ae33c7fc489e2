"""A conversation as JSON lines in a file: every step, tool call, claim, decision of the guard and reply."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from mixingbuddy.agent.chat_models.keys import without_keys
from mixingbuddy.agent.events import Event
from mixingbuddy.tools.errors import UserError

LONGEST_STRING = 2_000
MOST_ITEMS = 500
DEEPEST = 12
_OWN_FIELDS = frozenset({"time", "session", "turn", "kind"})


class Tracer:
    """A listener that appends each event to a file: {"time", "session", "turn", "kind", and what the event holds}.

    Time is UTC, ISO 8601. Strings are cut at 2,000 characters, numbers that are none become null, and no key of a
    provider is written. Raises UserError where the file cannot be opened, and at the end where it could not be written:
    a full disk does not end the conversation.
    """

    def __init__(self, path: Path, session: str = "default") -> None:
        self._path = path.expanduser()
        self._session = session
        self._turn = 0
        self._file: TextIO | None = None
        self._problem = ""

    def __enter__(self) -> "Tracer":
        try:
            self._file = self._path.open("a", encoding="ascii")
        except OSError as error:
            raise UserError(
                f"the trace cannot be written to '{self._path}' ({error.strerror or error}); give another file"
            ) from error
        return self

    def __call__(self, event: Event) -> None:
        if self._file is None or self._problem:
            return
        if event.kind == "turn":
            self._turn += 1
        own = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "session": _plain(self._session),
            "turn": self._turn,
            "kind": event.kind,
        }
        rest = {f"{name}_" if name in _OWN_FIELDS else name: _plain(value) for name, value in event.data.items()}
        try:
            self._file.write(json.dumps(own | rest, allow_nan=False) + "\n")
            self._file.flush()
        except OSError as error:
            self._problem = error.strerror or str(error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError as problem:
                self._problem = self._problem or problem.strerror or str(problem)
        self._file = None
        if self._problem and error is None:
            raise UserError(f"the trace '{self._path}' is not complete ({self._problem})")


def _plain(value: Any, depth: int = 0) -> Any:
    """`value` as strict, bounded JSON."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        told = without_keys(value)
        return told if len(told) <= LONGEST_STRING else told[: LONGEST_STRING - 1] + "…"
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {str(_plain(str(k))): _plain(v, depth + 1) for k, v in list(value.items())[:MOST_ITEMS]}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth + 1) for item in list(value)[:MOST_ITEMS]]
    return _plain(str(value), depth)
