"""A turn at the terminal while it runs: what is being done, and the reply sentence by sentence once it is checked."""

from string import Template
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape

from mixingbuddy.agent.events import Event
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.errors import printable

if TYPE_CHECKING:
    from rich.status import Status

SPEAKER = "buddy>"


class Live:
    """A listener that shows the steps as a spinner on stderr, and prints checked sentences on stdout as they come.

    The spinner stops before anything is printed, and in `pause()`, which must be called before the user is asked.
    After a turn `told(reply)` says whether that reply stands on the screen already.
    """

    def __init__(self, llm: str = "offline", out: Console | None = None, err: Console | None = None) -> None:
        """`llm` is what the user calls the language model. The consoles are the command line's own by default."""
        from mixingbuddy.agent.commands import console

        self._llm = llm
        self._out = out or console.out
        self._err = err or console.err
        self._status: Status | None = None
        self._said: list[str] = []
        self._told = ""
        self._column = 0

    def __enter__(self) -> "Live":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.pause()

    def __call__(self, event: Event) -> None:
        handler = getattr(self, f"_on_{event.kind}", None)
        if handler is not None:
            handler(event.data)

    def told(self, reply: str) -> bool:
        """Whether `reply` was printed as a whole."""
        return bool(self._told) and self._told == reply

    def pause(self) -> None:
        """Stop the spinner and end the line that was begun, so that somebody else can use the terminal."""
        self._stop()
        self._end_line()

    # What the events mean for the screen.

    def _on_turn(self, data: dict[str, Any]) -> None:
        self._said, self._told = [], ""
        self._step(self._asking())

    def _on_tool_call(self, data: dict[str, Any]) -> None:
        if data["name"] == "apply_moves":
            self.pause()  # the next to speak may be the user
            return
        self._step(_step_of(str(data["name"]), data.get("args", {})))

    def _on_tool_result(self, data: dict[str, Any]) -> None:
        if data["name"] == "ask_advisor":
            self._step(load_table("progress")["tools"]["try_moves"])
        elif data["name"] not in {"try_moves", "apply_moves"}:
            self._step(self._asking())

    def _on_claim(self, data: dict[str, Any]) -> None:
        self._step(self._asking())

    def _on_approval(self, data: dict[str, Any]) -> None:
        self._step(self._asking())

    def _on_sentence(self, data: dict[str, Any]) -> None:
        self._stop()
        if not self._said:
            self._begin_speaking()
        elif data.get("begins_line"):
            self._end_line()
        self._said.append(data["text"])
        self._write(data["text"])

    def _on_model(self, data: dict[str, Any]) -> None:
        if data["tool_calls"] and self._said:
            # That was a remark before a tool is called, and no part of the reply.
            self._said = []
            self._end_line()

    def _on_fallback(self, data: dict[str, Any]) -> None:
        self.pause()
        self._said = []
        self._err.print(f"[dim]{escape(printable(str(data['error']), 600))}[/dim]", soft_wrap=True)

    def _on_guard(self, data: dict[str, Any]) -> None:
        if data["decision"] == "returned":
            self._take_back()
            self._step(self._asking())

    def _on_reply(self, data: dict[str, Any]) -> None:
        self._stop()
        reply = str(data["text"])
        if " ".join(" ".join(self._said).split()) != " ".join(reply.split()):
            self._take_back()
            self._begin_speaking()
            for number, line in enumerate(reply.splitlines()):
                if number:
                    self._out.print()
                    self._column = 0
                self._write(line)
        self._end_line()
        self._told = reply

    # How it gets there.

    def _asking(self) -> str:
        words = load_table("progress")
        return words["thinking"] if self._llm == "offline" else Template(words["asking"]).substitute(name=self._llm)

    def _step(self, words: str) -> None:
        self._end_line()
        shown = f"[dim]{escape(printable(words, 100))}…[/dim]"
        if self._status is None:
            self._status = self._err.status(shown)
            self._status.start()
        else:
            self._status.update(shown)

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _take_back(self) -> None:
        """What was said of a draft that is not sent is marked, because another follows."""
        if self._said:
            self.pause()
            self._out.print(f"[dim]{escape(load_table('progress')['again'])}[/dim]")
        self._said = []

    def _begin_speaking(self) -> None:
        self.pause()
        self._out.print(f"[green]{SPEAKER}[/green]", end="")
        self._column = len(SPEAKER)

    def _write(self, text: str) -> None:
        """Go on in the line, with a break between words where it is full."""
        for word in text.split():
            width = cell_len(word)
            if self._column and self._column + 1 + width > self._out.width:
                self._out.print()
                self._column = 0
            gap = " " if self._column else ""
            self._out.print(escape(f"{gap}{word}"), end="", soft_wrap=True)
            self._column += len(gap) + width

    def _end_line(self) -> None:
        if self._column:
            self._out.print()
        self._column = 0


def _step_of(tool: str, args: dict[str, Any]) -> str:
    words = load_table("progress")
    moves = args.get("moves")
    if tool == "try_moves" and isinstance(moves, list) and moves:
        one = len(moves) == 1
        return words["proving_one"] if one else Template(words["proving_some"]).substitute(count=len(moves))
    return str(words["tools"].get(tool, words["working"]))
