"""What the command line prints: rich tables for people. Answers go to stdout, progress to stderr."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from mixingbuddy.agent.commands.memory_words import memo_words
from mixingbuddy.tools.errors import printable

if TYPE_CHECKING:
    from mixingbuddy.agent.batch import BatchSummary, SongOutcome
    from mixingbuddy.agent.commands.doctor import Examination
    from mixingbuddy.agent.commands.measure import SongSummary
    from mixingbuddy.agent.critique import CritiqueResult
    from mixingbuddy.agent.memory import Kept
    from mixingbuddy.agent.state import ProposedMove
    from mixingbuddy.benchmarks.analysis import AnalysisBenchmark
    from mixingbuddy.tools.findings import Finding
    from mixingbuddy.tools.song_time import SongTime

STATUS_STYLE = {"proved": "green", "nothing_to_do": "green", "partly": "yellow", "withdrawn": "red"}
STATUS_WORDS = {
    "proved": "proved: every promise held when the moves were rendered and measured",
    "partly": "partly: some moves held, the others were withdrawn",
    "nothing_to_do": "nothing to do",
    "withdrawn": "withdrawn: no move held when it was rendered and measured",
}
WITHOUT_STEMS = "nothing to do: there is no fader to move in a mix without stems"
SEVERITY_MARK = {"major": "[red]![/red]", "minor": "[yellow]·[/yellow]", "info": " "}
QUIET_FINDINGS = {"loudness_match"}
# Of what is only good to know, the terminal tells these; all of it stands in the report.
TOLD_FINDINGS = {
    *("group_level", "group_balance", "role_unsure", "heard_role", "length_differs", "not_judged", "cannot_say"),
    *("cross_check", "disagreement"),
}

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


@contextmanager
def working(first: str) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr while something takes long; silent where stderr is no terminal. Call it to name the step."""
    with err.status(escape(first)) as status:
        yield lambda step: status.update(escape(step))


def song_progress() -> Progress:
    """Progress bar over songs, on stderr."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


def db(value: float | None, sign: bool = False) -> str:
    """A level or gain with one decimal, or a dash."""
    if value is None:
        return "-"
    return f"{value + 0.0:+.1f}" if sign else f"{value + 0.0:.1f}"


def fader_table(
    stems: Sequence[tuple[str, str]],
    levels: Mapping[str, float | None],
    moves: Sequence["ProposedMove"],
    after: Mapping[str, float],
) -> Table:
    """One line a stem: level before, move, level after as measured on the render."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("stem", max_width=32)
    table.add_column("role", style="dim")
    table.add_column("before\nLU in mix", justify="right")
    table.add_column("move\ndB", justify="right")
    table.add_column("after\nLU in mix", justify="right")
    gains = {move.stem: move.gain_db for move in moves}
    for name, role in stems:
        gain_db = gains.get(name)
        table.add_row(
            escape(printable(name, 32)),
            role,
            db(levels.get(name)),
            f"[bold]{db(gain_db, sign=True)}[/bold]" if gain_db else "[dim]0[/dim]",
            db(after[name]) if name in after else "",
        )
    return table


def show_critique(result: "CritiqueResult") -> None:
    """The critique as a person reads it."""
    song = result.song
    out.print(f"[bold]{escape(song.name)}[/bold]  {_facts(song)}")
    out.print(_reference_line(result))
    out.print()
    out.print(Panel(escape(result.reply), border_style=STATUS_STYLE[result.verification.status], padding=(0, 1)))
    stems = [(stem.name, stem.role) for stem in song.stems]
    levels = {stem.name: stem.level_rel_mix_lu for stem in song.stems}
    out.print(fader_table(stems, levels, result.moves, result.verification.levels_lu))
    out.print()
    status = result.verification.status
    without_stems = any(finding.kind == "mix_without_stems" for finding in result.findings)
    out.print(f"[{STATUS_STYLE[status]}]{WITHOUT_STEMS if without_stems else STATUS_WORDS[status]}[/]")
    for finding in result.findings:
        if finding.kind not in QUIET_FINDINGS and (finding.severity != "info" or finding.kind in TOLD_FINDINGS):
            out.print(f"{SEVERITY_MARK[finding.severity]} {escape(finding.text)}")
    out.print()
    for name, path in result.files.model_dump().items():
        if path:
            out.print(f"[dim]{name.replace('_', ' '):<10}[/dim] {escape(path)}", soft_wrap=True)


def _facts(song: "SongSummary") -> str:
    return (
        f"[dim]{len(song.stems)} stems, {song.duration_s:.1f} s, {song.sample_rate_hz} Hz, "
        f"{db(song.loudness_lufs)} LUFS, {db(song.true_peak_dbtp, sign=True)} dBTP[/dim]"
    )


def _reference_line(result: "CritiqueResult") -> str:
    reference = result.reference
    if reference.kind == "none":
        return f"[dim]no reference; advisor {result.advisor}[/dim]"
    explained = (
        f", the stems explain {100 * reference.fit.explained:.0f} % of it"
        if reference.fit and reference.fit.explained is not None
        else " (another song)"
        if reference.same_song is False
        else ""
    )
    return (
        f"[dim]reference: {reference.kind} '{escape(reference.name or '')}'{explained}; advisor {result.advisor}[/dim]"
    )


def show_measurement(song: "SongSummary", time: "SongTime | None", findings: Sequence["Finding"]) -> None:
    """Levels of one song or file, and what was found."""
    out.print(f"[bold]{escape(song.name)}[/bold]  {_facts(song)}")
    if time is not None:
        out.print(f"[dim]{_time_facts(time)}[/dim]", soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("stem", "role", "LUFS", "LU in mix", "dBTP", "sounds", ""):
        table.add_column(heading, justify="left" if heading in {"stem", "role", ""} else "right")
    for stem in song.stems:
        table.add_row(
            escape(printable(stem.name, 32)),
            stem.role,
            db(stem.loudness_lufs),
            db(stem.level_rel_mix_lu),
            db(stem.true_peak_dbtp, sign=True),
            f"{stem.sounding_share:.0%}",
            f"[dim]{stem.unmeasured or ''}[/dim]",
        )
    for group in song.groups:
        if len(group.stems) > 1:
            table.add_row(
                f"[italic]{group.group}[/italic]",
                "group",
                db(group.loudness_lufs),
                db(group.level_rel_mix_lu),
                db(group.true_peak_dbtp, sign=True),
                "",
                "",
            )
    out.print(table)
    for finding in findings:
        out.print(f"{SEVERITY_MARK[finding.severity]} {escape(finding.text)}")
    out.print()


def _time_facts(time: "SongTime") -> str:
    """Tempo, key and sections in one line; what is not sure says why."""
    meter = f" in {time.beats_per_bar}" if time.beats_per_bar else ""
    tempo = f"{time.tempo_bpm:.1f} BPM{meter}" if time.tempo_bpm is not None else f"tempo unsure: {time.tempo_unsure}"
    key = time.key or f"key unsure: {time.key_unsure}"
    sections = f"sections {' '.join(section.label for section in time.sections)}" if time.sections else ""
    return " · ".join(part for part in (tempo, key, sections) if part)


def show_summary(summary: "BatchSummary") -> None:
    """How a batch went."""
    kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in summary.by_verification.items())
    out.print(
        f"[bold]{summary.done} of {summary.songs} songs done[/bold] in {summary.seconds:.0f} s  [dim]{kinds}[/dim]"
    )
    for song, error in summary.failures.items():
        out.print(f"[red]failed[/red] {escape(song)}: {escape(error)}", soft_wrap=True)
    out.print(f"[dim]results[/dim] {escape(summary.results)}", soft_wrap=True)


def show_benchmark(result: "AnalysisBenchmark") -> None:
    """Tasks side by side, as ratios to decoding."""
    out.print(f"[bold]8 stereo tracks x 4 min, 44.1 kHz, 24 bit[/bold]  [dim]{escape(result.machine)}[/dim]")
    decode = result.seconds("decode")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("task", "seconds", "x decode", "process s", "peak MB"):
        table.add_column(heading, justify="left" if heading == "task" else "right")
    for timing in result.alternatives:
        ratio = f"{timing.seconds / decode:.2f}" if decode else ""
        table.add_row(timing.task, f"{timing.seconds:.2f}", ratio, f"{timing.process_s:.2f}", f"{timing.peak_mb:.0f}")
    out.print(table)
    packed = {timing.task: timing.seconds for timing in result.as_flac}
    out.print(f"as FLAC: decode {packed['decode']:.2f} s, cold {packed['cold']:.2f} s")
    for timing in result.growth:
        if timing.task == "cold":
            out.print(
                f"{timing.tracks} tracks x {timing.minutes:g} min: {timing.seconds:.1f} s, {timing.peak_mb:.0f} MB"
            )


def show_memory(kept: Sequence["Kept"]) -> None:
    """What is kept in mind, a line each."""
    if not kept:
        out.print("Nothing is kept in mind.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("key", "song", "wish", "since"):
        table.add_column(heading, style="dim" if heading in {"key", "since"} else None)
    for one in kept:
        song = "all songs" if one.scope == "all songs" else printable(one.memo.song, 30)
        wish = memo_words(one.memo)
        table.add_row(one.key[:4], escape(song), escape(printable(wish, 80)), one.memo.since[:10])
    out.print(table)
    out.print("[dim]To forget one: mixingbuddy memory --forget KEY[/dim]")


class BatchBar:
    """The batch's progress as a bar, with a line for every song that is done."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("songs", total=None)

    def total(self, songs: int) -> None:
        self._bar.update(self._task, total=songs)

    def begin(self, song: str) -> None:
        self._bar.update(self._task, description=escape(song[:40]))

    def end(self, outcome: "SongOutcome") -> None:
        moves = ", ".join(f"{move.stem} {move.gain_db:+.1f} dB" for move in outcome.moves)
        verdict = outcome.error or f"{(outcome.verification or '').replace('_', ' ')} {moves}".strip()
        self._bar.console.print(f"{escape(outcome.song)}: {escape(verdict)}", soft_wrap=True)
        self._bar.advance(self._task)


def show_checks(found: "Examination") -> None:
    """What the doctor saw."""
    for check in found.checks:
        mark = "[green]ok[/green]     " if check.status == "ok" else "[red]problem[/red]"
        out.print(f"{mark} {check.name:<14} {escape(check.detail)}", soft_wrap=True)
