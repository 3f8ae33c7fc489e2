"""The command `mixingbuddy notes`: which of a client's revision notes are done, by what was measured."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mixingbuddy.agent.results import NoteChecked, NotesChecked

NOTES_EXAMPLES = "Examples: mixingbuddy notes song/ --notes mail.txt  |  ... --from 1 --to 'louder vocals' --check"
EXIT_PROBLEMS = 1
_STATUS = {
    "done": "[green]done[/green]",
    "partly": "[yellow]partly[/yellow]",
    "not": "[red]not done[/red]",
    "worse": "[red]worse[/red]",
    "cannot_say": "[dim]cannot say[/dim]",
}


def notes(
    path: Annotated[Path, typer.Argument(help="A folder of stems or a .stem.mp4.", show_default=False)],
    notes: Annotated[Path, typer.Option(help="A text file with the client's notes, one a line.", show_default=False)],
    before: Annotated[str, typer.Option("--from", help="The version that the client heard.")] = "1",
    after: Annotated[str, typer.Option("--to", help="The version to check.")] = "current",
    session: Annotated[str, typer.Option(help="Name of the conversation that made the versions.")] = "default",
    workspace: Annotated[Path | None, typer.Option(help="Folder for everything that is written.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 where a note is not done.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Hold a client's revision notes against two versions: done, partly, not, worse, or cannot say."""
    from mixingbuddy.agent.commands.console import working
    from mixingbuddy.agent.commands.printing import print_json
    from mixingbuddy.agent.results import NotesChecked
    from mixingbuddy.agent.settings import read_settings
    from mixingbuddy.agent.versions.client_notes import notes_of
    from mixingbuddy.agent.versions.revision_notes import check_all
    from mixingbuddy.agent.versions.version_bench import open_versions
    from mixingbuddy.tools.errors import ModelMistake, UserError

    written = notes_of(notes.expanduser())
    with working("measuring both versions"):
        song = open_versions(path, read_settings(workspace=workspace), session)
        try:
            was, now = song.tree.find(before), song.tree.find(after)
        except ModelMistake as error:
            raise UserError(f"{error}; choose with --from and --to") from error
        checked = check_all(song.bench, written, was.faders, now.faders)
    result = NotesChecked(before=was.id, after=now.id, notes=checked)
    if json:
        print_json(result)
    else:
        _show(result)
    if check and any(note.status in {"partly", "not", "worse"} for note in result.notes):
        raise typer.Exit(EXIT_PROBLEMS)


def _show(result: "NotesChecked") -> None:
    from rich.markup import escape
    from rich.table import Table

    from mixingbuddy.agent.commands.console import out

    out.print(f"Version {result.after} against version {result.before}")
    table: Any = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("note", "", "measured"):
        table.add_column(heading)
    for note in result.notes:
        table.add_row(escape(note.note), _STATUS[note.status], escape(_measured(note)))
    out.print(table)


def _measured(note: "NoteChecked") -> str:
    if note.status == "cannot_say" or note.change_lu is None:
        return note.asked
    wanted = "" if note.wanted_lu is None else f" of {note.wanted_lu:+.1f} LU that {note.wanted_db:+g} dB make"
    where = f", {note.part}" if note.part else ""
    return f"{note.change_lu + 0.0:+.1f} LU in the mix{wanted} ({note.asked} was asked{where})"
