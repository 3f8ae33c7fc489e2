"""The command `mixingbuddy explain`: a term, a description of a problem, or the list of all terms."""

from typing import TYPE_CHECKING, Annotated

import typer

from mixingbuddy.tools.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from mixingbuddy.agent.teaching.glossary import Entry, Lookup

EXPLAIN_EXAMPLES = (
    "Examples: mixingbuddy explain masking  |  "
    'mixingbuddy explain "it gets harsh when she sings loud"  |  mixingbuddy explain --list'
)
LINE_WIDTH = 88


def explain(
    term: Annotated[
        list[str] | None, typer.Argument(help="A term, or a problem in your own words.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--list", help="List every term by theme.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Explain a concept of mixing: what it is, how it sounds, what to try, usual values, and the source."""
    from mixingbuddy.agent.commands.console import out
    from mixingbuddy.agent.commands.printing import print_json
    from mixingbuddy.agent.teaching.glossary import entries, look_up

    words = " ".join(term or ()).strip()
    if everything == bool(words):
        raise UserError("explain takes a term or a problem in your own words, or --list for all terms; not both")
    if everything:
        terms = tuple(entries().values())
        if json:
            print_json(terms)
        else:
            _show_list(out, terms)
        return
    found = look_up(words)
    if json:
        print_json(found)
    else:
        _show(out, found)


def _show(out: "Console", found: "Lookup") -> None:
    from mixingbuddy.agent.teaching.glossary import entries

    entry = found.entry
    if found.guessed:
        others = f" It could also be: {'; '.join(_called(other) for other in found.others)}." if found.others else ""
        _print(out, f"That sounds like {_called(entry)}.{others}", style="dim")
        out.print()
    _print(out, entry.title, style="bold")
    related = "; ".join(entries()[slug].title for slug in entry.related)
    sources = [source.text for source in entry.sources]
    for heading, *texts in (*entry.sections, ("Sources", *sources), ("Related", related)):
        out.print()
        _print(out, heading, style="cyan")
        for text in texts:
            _print(out, text, indent="  ")


def _show_list(out: "Console", terms: "Sequence[Entry]") -> None:
    from mixingbuddy.agent.teaching.glossary import themes

    for theme, heading in themes().items():
        titles = sorted((entry.title for entry in terms if entry.theme == theme), key=str.casefold)
        _print(out, heading, style="cyan")
        _print(out, "; ".join(titles), indent="  ")
        out.print()
    _print(out, "To read one, or to ask about a problem in your own words: mixingbuddy explain TERM", style="dim")


def _print(out: "Console", text: str, style: str | None = None, indent: str = "") -> None:
    import textwrap

    width = min(out.width, LINE_WIDTH)
    lines = textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    out.print(lines, style=style, markup=False, soft_wrap=True)


def _called(entry: "Entry") -> str:
    return entry.title[0].lower() + entry.title[1:] if entry.title[1:2].islower() else entry.title
