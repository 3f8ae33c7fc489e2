"""The conversation at the terminal: reads lines, shows replies and fader tables, asks before it applies."""

import sys
from collections.abc import Callable, Iterator

from rich.markup import escape

from mixingbuddy.agent.console import fader_table, out
from mixingbuddy.agent.intents import as_words, read_requests
from mixingbuddy.agent.session import MixingSession, Turn
from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.agent.wording import sentence_case

QUIT_WORDS = {"quit", "exit", "bye", "q", ":q", "/quit", "/exit"}


class Lines:
    """Lines from the user; one can be put back. Ends with the input."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._waiting: list[str] = []

    def put_back(self, line: str) -> None:
        self._waiting.append(line)

    def next(self) -> str | None:
        """The next line, None at the end of the input."""
        if self._waiting:
            return self._waiting.pop()
        try:
            return self._read()
        except EOFError:
            return None

    def __iter__(self) -> Iterator[str]:
        while (line := self.next()) is not None:
            yield line


def read_line() -> str:
    """One line with a prompt; a line that is piped in is shown as well, so that the transcript reads well."""
    line = out.input("[bold]you>[/bold] ")
    if not sys.stdin.isatty():
        out.print(escape(line))
    return line


def chat(session: MixingSession, lines: Lines) -> None:
    """Answer lines until the user quits or the input ends. Everything said is kept after each turn."""
    _welcome(session)
    for line in lines:
        text = line.strip()
        if text.casefold() in QUIT_WORDS:
            break
        if text:
            before_id = session.version.id
            _show(session, session.ask(text, lambda moves: _approves(moves, lines)), before_id)
    out.print(f"[dim]Kept: {_standing(session)}.[/dim]")


def _welcome(session: MixingSession) -> None:
    song = session.bench.song
    reference = session.bench.reference
    against = f"reference {reference.kind} '{reference.name}'" if reference else "no reference"
    stems = as_words([stem.name for stem in song.multitrack.stems])
    out.print(f"[bold]{escape(song.multitrack.name)}[/bold]  [dim]{escape(against)}; stems: {escape(stems)}[/dim]")
    for finding in song.findings:
        out.print(f"[dim]{escape(finding.text)}[/dim]")
    if session.resumed:
        out.print(f"Welcome back. {sentence_case(_standing(session))}.")
    out.print("[dim]Say 'critique', 'help' or 'quit'.[/dim]")


def _standing(session: MixingSession) -> str:
    faders = [f"{stem} {gain_db:+.1f} dB" for stem, gain_db in session.version.faders.items()]
    parts = [f"version {session.version.id}" + (f" ({escape(as_words(faders))})" if faders else "")]
    if session.locks:
        parts.append(f"locked: {escape(as_words([lock.words for lock in session.locks]))}")
    if session.waiting:
        moves = as_words([f"{move.stem} {move.gain_db:+.1f} dB" for move in session.waiting])
        parts.append(f"not applied yet: {escape(moves)}")
    return "; ".join(parts)


def _show(session: MixingSession, turn: Turn, before_id: int) -> None:
    out.print(f"[green]buddy>[/green] {escape(turn.reply)}")
    proposed = turn.proposed
    on_offer = bool(session.waiting) or turn.version.id != before_id
    if on_offer and proposed is not None and proposed.moves and proposed.verdict is not None:
        before = {c.stem: c.before for c in proposed.verdict.claims if c.metric == "level_rel_mix_lu" and c.stem}
        roles = {stem.name: stem.role for stem in session.bench.song.multitrack.stems}
        moved = [(move.stem, roles[move.stem]) for move in proposed.moves]
        out.print(fader_table(moved, before, proposed.moves, proposed.verdict.levels_lu))
    out.print()


def _approves(moves: tuple[ProposedMove, ...], lines: Lines) -> bool:
    listed = as_words([f"{move.stem} {move.gain_db:+.1f} dB" for move in moves])
    out.print(f"Apply {escape(listed)}? [bold]yes[/bold] or [bold]no[/bold]")
    answer = lines.next()
    if answer is None:
        return False
    intents = {request.intent for request in read_requests(answer, {})}
    if answer.strip().casefold() in {"y", "j"} or intents == {"apply"}:
        return True
    if answer.strip().casefold() not in {"n", ""} and intents != {"reject"}:
        # Not an answer to the question: nothing is applied, and the words are taken as the next message.
        lines.put_back(answer)
    return False
