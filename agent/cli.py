"""The command line. Heavy libraries are imported inside the commands, so that `--help` answers at once."""

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from mixingbuddy.agent.commands import (
    chat_command,
    listening_command,
    mcp_command,
    memory_command,
    model_commands,
    notes_command,
    teaching_commands,
)
from mixingbuddy.agent.commands.options import (
    AdvisorOption,
    AnchorOption,
    CheckOption,
    JsonOption,
    LlmOption,
    ReferenceOption,
    SongPath,
    WorkspaceOption,
    chosen_reference,
    chosen_settings,
)
from mixingbuddy.agent.commands.printing import print_json
from mixingbuddy.tools.errors import MixingBuddyError, printable

if TYPE_CHECKING:
    from collections.abc import Callable


# Typer carries its own copy of click from some version on; these are the classes of whichever one it uses.
_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
_CLICK_ERROR: type[Exception] = typer.BadParameter.__mro__[2]
EXIT_DONE, EXIT_PROBLEMS, EXIT_UNUSABLE = 0, 1, 2

app = typer.Typer(
    name="mixingbuddy",
    help="A mixing assistant that measures, proposes fader moves, renders them, and proves its advice.",
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)

benchmarks = typer.Typer(help="Measure how fast this machine does the work, beside the alternatives.")
app.add_typer(benchmarks, name="benchmark")


@app.command(epilog="Example: mixingbuddy demo --out demo")
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the demo song and the results.")] = Path("demo"),
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Make a small multitrack with a planted fault, then do the whole job on it."""
    from mixingbuddy.agent.commands.console import out as console
    from mixingbuddy.agent.commands.console import show_critique, working
    from mixingbuddy.agent.critique import critique as run
    from mixingbuddy.tools.demo_song import write_demo_song

    with working("making the demo song") as progress:
        fault = write_demo_song(out / "song")
        result = run(out / "song", chosen_settings(workspace=workspace), out=out / "result", progress=progress)
    if json:
        print_json(result)
        return
    console.print(f"[dim]Planted in the demo song:[/dim] {fault.text}\n")
    show_critique(result)
    console.print(f"[dim]To go on from here:[/dim] mixingbuddy chat {out / 'song'}", soft_wrap=True)


@app.command(
    epilog="Examples: mixingbuddy critique song/ --out results/  |  mixingbuddy critique song/ --reference mix.wav"
)
def critique(
    path: SongPath,
    reference: ReferenceOption = None,
    ask: Annotated[str, typer.Option(help="What to ask.")] = "critique this",
    anchor: AnchorOption = None,
    advisor: AdvisorOption = None,
    llm: LlmOption = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the mixes, the recall sheet and the report.")] = None,
    workspace: WorkspaceOption = None,
    check: CheckOption = False,
    json: JsonOption = False,
) -> None:
    """Find what is out of balance, prove the fader moves, write the mixes and a report."""
    import shlex

    from mixingbuddy.agent.commands.console import out as console
    from mixingbuddy.agent.commands.console import show_critique, working
    from mixingbuddy.agent.critique import critique as run

    settings = chosen_settings(advisor=advisor, llm=llm, workspace=workspace)
    with working("starting") as progress:
        result = run(path, settings, chosen_reference(reference), ask, anchor, out, progress)
    if json:
        print_json(result)
    else:
        show_critique(result)
        console.print(f"[dim]To go on from here:[/dim] mixingbuddy chat {shlex.quote(str(path))}", soft_wrap=True)
    if check and result.moves:
        raise typer.Exit(EXIT_PROBLEMS)


@app.command(epilog="Example: mixingbuddy batch songs/ --out results/ --check")
def batch(
    folder: Annotated[Path, typer.Argument(help="A folder of songs.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for the results.", show_default=False)],
    ask: Annotated[str, typer.Option(help="What to ask of every song.")] = "critique this",
    advisor: AdvisorOption = None,
    llm: LlmOption = None,
    workspace: WorkspaceOption = None,
    check: CheckOption = False,
    json: JsonOption = False,
) -> None:
    """Critique every song of a folder; a bad song never stops the rest (exit code 1 then)."""
    from mixingbuddy.agent.batch import run_batch
    from mixingbuddy.agent.commands.console import BatchBar, show_summary, song_progress

    settings = chosen_settings(advisor=advisor, llm=llm, workspace=workspace)
    with song_progress() as bar:
        summary = run_batch(folder.expanduser(), out.expanduser(), settings, ask, BatchBar(bar))
    if json:
        print_json(summary)
    else:
        show_summary(summary)
    if summary.failed or (check and summary.with_moves):
        raise typer.Exit(EXIT_PROBLEMS)


@app.command(epilog="Examples: mixingbuddy measure song/  |  mixingbuddy measure mix1.wav mix2.wav --json")
def measure(
    paths: Annotated[list[Path], typer.Argument(help="Songs or audio files.", show_default=False)],
    workspace: WorkspaceOption = None,
    json: JsonOption = False,
) -> None:
    """Loudness, true peak and level in the mix of every stem and group, and every fault that can be heard."""
    from mixingbuddy.agent.commands.console import show_measurement, working
    from mixingbuddy.agent.commands.measure import Measurements, measure_song
    from mixingbuddy.agent.workspace import open_cache

    songs, cache = [], open_cache(chosen_settings(workspace=workspace))
    with working("measuring") as progress:
        for path in paths:
            songs.append(measure_song(path, cache, _told(progress, f"measuring {printable(path.name)}")))
    if json:
        print_json(Measurements(measurements=tuple(songs)))
        return
    for song in songs:
        show_measurement(song.song, song.analysis.time, song.findings)


@app.command(epilog="Example: mixingbuddy render song/ --moves results/recall.csv --out mix.wav")
def render(
    path: SongPath,
    moves: Annotated[Path, typer.Option(help="recall.csv, or JSON with moves.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The .wav or .flac file to write.", show_default=False)],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file where it exists.")] = False,
    json: JsonOption = False,
) -> None:
    """Render moves to a 24-bit mix that peaks at -1 dBTP or below."""
    from mixingbuddy.agent.commands.console import out as console
    from mixingbuddy.agent.commands.console import working
    from mixingbuddy.agent.commands.rendering import render_moves

    with working("rendering"):
        done = render_moves(path, moves, out.expanduser(), overwrite)
    if json:
        print_json(done)
        return
    console.print(done.text, soft_wrap=True, markup=False)


@app.command(epilog="Example: mixingbuddy doctor --json")
def doctor(
    workspace: WorkspaceOption = None,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 where there is a problem.")] = False,
    json: JsonOption = False,
) -> None:
    """Is this machine fit for work: versions, decoders, workspace."""
    from mixingbuddy.agent.commands.console import show_checks
    from mixingbuddy.agent.commands.doctor import Examination, examine

    found = Examination(checks=tuple(examine(chosen_settings(workspace=workspace))))
    if json:
        print_json(found)
    else:
        show_checks(found)
    if check and any(item.status == "problem" for item in found.checks):
        raise typer.Exit(EXIT_PROBLEMS)


app.command(epilog=chat_command.CHAT_EXAMPLES)(chat_command.chat)
app.command(epilog=notes_command.NOTES_EXAMPLES)(notes_command.notes)
app.command(epilog=listening_command.LISTEN_EXAMPLES)(listening_command.listen)
app.command(epilog=teaching_commands.EXPLAIN_EXAMPLES)(teaching_commands.explain)
app.command(epilog=memory_command.MEMORY_EXAMPLES)(memory_command.memory)
app.command(epilog=mcp_command.MCP_EXAMPLES)(mcp_command.mcp)
app.command(epilog=model_commands.TRAIN_EXAMPLES)(model_commands.train)
app.command(epilog=model_commands.EVALUATE_EXAMPLES)(model_commands.evaluate)
app.command(epilog=model_commands.CREDITS_EXAMPLES)(model_commands.credits)


@benchmarks.command(epilog="Examples: mixingbuddy benchmark analysis --data multitracks/  |  ... --no-growth --json")
def analysis(
    data: Annotated[Path, typer.Option(help="The folder of multitracks that the songs are made from.")] = Path(
        "../shared/data/multitracks"
    ),
    work: Annotated[Path | None, typer.Option(help="Where the songs are made; up to 8 GB.")] = None,
    repeats: Annotated[int, typer.Option(min=1, help="How often each task runs; the median counts.")] = 3,
    growth: Annotated[bool, typer.Option(help="Songs of up to 64 tracks and an hour as well.")] = True,
    write: Annotated[Path | None, typer.Option(help="Folder for performance.md and its plot.")] = None,
    json: JsonOption = False,
) -> None:
    """Time and memory of the analysis, against decoding alone and against the usual tools, in one run."""
    from mixingbuddy.agent.commands.console import show_benchmark, working
    from mixingbuddy.benchmarks.analysis import run
    from mixingbuddy.benchmarks.performance_page import write_page

    with working("making the songs") as progress:
        result = run(data.expanduser(), work, repeats, growth, progress)
    if write is not None:
        write_page(result, write.expanduser())
    if json:
        print_json(result)
    else:
        show_benchmark(result)


def _told(progress: "Callable[[str], None]", step: str) -> "Callable[[float], None]":
    return lambda share: progress(f"{step}, {share:.0%}")


def main() -> NoReturn:
    """Run the command line; what the user can mend is one line on stderr and exit code 2."""
    code: object
    signal.signal(signal.SIGINT, _leave_at_once)
    try:
        code = app(standalone_mode=False, args=sys.argv[1:] or ["--help"])
        sys.stdout.flush()
    except typer.Exit as done:
        code = done.exit_code
    except _CLICK_ERROR as error:
        code = _fail(_usage_line(error))
    except MixingBuddyError as error:
        code = _fail(str(error))
    except BrokenPipeError:
        code = _closed_pipe()
    except OSError as error:
        code = _fail(f"the operating system refused: {error.strerror or error} {error.filename or ''}".rstrip())
    except MemoryError:
        code = _fail("not enough memory for this song; close other programs or use fewer or shorter stems")
    sys.exit(code if isinstance(code, int) else EXIT_DONE)


def _leave_at_once(number: int, frame: object) -> None:
    """Ctrl-C. An exception may be swallowed or held up by a library's threads; this ends the process wherever it is."""
    from mixingbuddy.tools.files import discard_unfinished

    discard_unfinished()
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K\x1b[?25h")  # clear the spinner and show the cursor again
    code = _fail("interrupted; what was finished is kept, nothing was left half written")
    sys.stderr.flush()
    os._exit(code)


def _usage_line(error: Exception) -> str:
    context = getattr(error, "ctx", None) if isinstance(error, _USAGE_ERROR) else None
    command = context.command_path if context else "mixingbuddy"
    return f"{error.format_message().rstrip('.')}; see '{command} --help'"  # type: ignore[attr-defined]


def _fail(text: str) -> int:
    sys.stderr.write(f"mixingbuddy: {printable(text, 700)}\n")
    return EXIT_UNUSABLE


def _closed_pipe() -> int:
    """The reader went away, as `| head` does: nothing to complain about."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_DONE


if __name__ == "__main__":
    main()
