"""The conversation at the terminal: reads lines, shows replies and fader tables, asks before it applies."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.markup import escape

from mixingbuddy.agent.approval import Decision
from mixingbuddy.agent.commands.console import fader_table, out
from mixingbuddy.agent.commands.live import Live
from mixingbuddy.agent.events import Event, Listener
from mixingbuddy.agent.listening.playing import play
from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import Listening
from mixingbuddy.agent.session import Approver, MixingSession, Turn
from mixingbuddy.agent.speech.wording import sentence_case
from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.agent.understanding.intents import as_words, read_requests
from mixingbuddy.tools.errors import UserError, printable
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB, GainMove, clamped_db
from mixingbuddy.tools.roles import Role

A_BIT_DB = 1.0
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


def chat(session: MixingSession, lines: Lines, live: Live | None = None, listeners: Sequence[Listener] = ()) -> None:
    """Answer lines until the user quits or the input ends. Everything said is kept after each turn.

    `live` shows a turn while it runs and prints its reply; `listeners` hear of every step as well. A turn that fails is
    told in one line, and the conversation goes on.
    """
    screen = live or Live(out=out)
    approver = _approver(session, lines, screen)

    def listen(event: Event) -> None:
        screen(event)
        for listener in listeners:
            listener(event)

    def take(turn: Callable[[], Turn]) -> None:
        before_id = session.version.id
        try:
            done = turn()
        except UserError as error:
            screen.pause()
            out.print(f"[red]{escape(printable(str(error), 700))}[/red]", soft_wrap=True)
            out.print()
        else:
            _show_faders(session, done, before_id)
            if done.listening is not None and sys.stdin.isatty():
                _play(done.listening)

    _welcome(session)
    if session.unanswered is not None:
        out.print(f"[dim]Your last message was not answered; going on with it:[/dim] {escape(session.unanswered)}")
        take(lambda: session.go_on(approver, listen))
    for line in lines:
        text = line.strip()
        if text.casefold() in QUIT_WORDS:
            break
        if text:
            take(lambda text=text: session.ask(text, approver, listen))  # type: ignore[misc]
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
    kept = [lock.words for lock in session.locks if lock.kind == "keep"]
    if kept:
        parts.append(f"locked: {escape(as_words(kept))}")
    others = len(session.locks) - len(kept)
    if others:
        parts.append(f"{others} more wish{'es' if others > 1 else ''} kept in mind")
    if session.waiting:
        moves = as_words([f"{move.stem} {move.gain_db:+.1f} dB" for move in session.waiting])
        parts.append(f"not applied yet: {escape(moves)}")
    return "; ".join(parts)


def _show_faders(session: MixingSession, turn: Turn, before_id: int) -> None:
    proposed = turn.proposed
    on_offer = bool(session.waiting) or turn.version.id != before_id
    if on_offer and proposed is not None and proposed.moves and proposed.verdict is not None:
        before = {c.stem: c.before for c in proposed.verdict.claims if c.metric == "level_rel_mix_lu" and c.stem}
        roles = {stem.name: stem.role for stem in session.bench.song.multitrack.stems}
        moved = [(move.stem, roles[move.stem]) for move in proposed.moves]
        out.print(fader_table(moved, before, proposed.moves, proposed.verdict.levels_lu))
    out.print()


def _play(listening: Listening) -> None:
    """Play what was written, one after the other; without a player the paths in the reply must do."""
    for file in listening.files:
        out.print(f"[dim]playing {escape(file.label)}: {escape(file.what)} (Ctrl-C stops it)[/dim]")
        if play(Path(file.path)) == "no_player":
            out.print("[dim]no player found on this machine; open the files yourself[/dim]")
            return


def _approver(session: MixingSession, lines: Lines, screen: Live) -> Approver:
    roles = {stem.name: stem.role for stem in session.bench.song.multitrack.stems}

    def approves(moves: tuple[ProposedMove, ...]) -> bool | Decision:
        screen.pause()
        listed = as_words([f"{move.stem} {move.gain_db:+.1f} dB" for move in moves])
        out.print(f"Apply {escape(listed)}? [bold]yes[/bold], [bold]no[/bold] (and why), or other amounts")
        answer = lines.next()
        decision = None if answer is None else decided(answer, moves, roles)
        if answer and decision is None:
            # Not an answer to the question: nothing is applied, and the words are taken as the next message.
            lines.put_back(answer)
        return decision or False

    return approves


def decided(answer: str, moves: tuple[ProposedMove, ...], roles: Mapping[str, Role]) -> Decision | None:
    """The decision in the user's answer to an approval; None where it is something else."""
    word = answer.strip().casefold()
    if word in {"y", "j"}:
        return Decision(type="approve")
    if word in {"n", ""}:
        return Decision(type="reject")
    requests = read_requests(answer, roles)
    intents = {request.intent for request in requests}
    if intents == {"apply"}:
        return Decision(type="approve")
    if intents == {"reject"}:
        return Decision(type="reject", reason=requests[0].reason)
    if intents <= {"scale", "apply"}:
        return _rescaled(next(request for request in requests if request.intent == "scale"), moves)
    return _amounts(requests, moves) if intents == {"turn"} else None


def _rescaled(request: Request, moves: tuple[ProposedMove, ...]) -> Decision | None:
    if request.trouble or not (request.factor is not None or request.direction):
        return None
    if request.factor is not None:
        return Decision(type="edit", scale=min(request.factor, 4.0))
    step_db = request.direction * (request.amount_db or A_BIT_DB)
    sizes = {move.stem: max(abs(move.gain_db) + step_db, 0.0) * (1 if move.gain_db > 0 else -1) for move in moves}
    return Decision(type="edit", moves=tuple(GainMove(stem=s, gain_db=clamped_db(g)) for s, g in sizes.items()))


def _amounts(requests: Sequence[Request], moves: tuple[ProposedMove, ...]) -> Decision | None:
    """The proposed moves with the amounts that were named; None where another fader or no size was meant."""
    gains = {move.stem: move.gain_db for move in moves}
    for request in requests:
        if request.amount_db is None or not request.direction or not set(request.stems) <= set(gains):
            return None
        gains.update(dict.fromkeys(request.stems, request.direction * request.amount_db))
    in_range = all(GAIN_MIN_DB <= gain_db <= GAIN_MAX_DB for gain_db in gains.values())
    edited = tuple(GainMove(stem=s, gain_db=clamped_db(g)) for s, g in gains.items()) if in_range else ()
    return Decision(type="edit", moves=edited) if edited else None
