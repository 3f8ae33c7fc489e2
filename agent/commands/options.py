"""Options that several commands share, and what is made of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from mixingbuddy.agent.settings import Settings

SongPath = Annotated[
    Path, typer.Argument(help="A folder of stems, a .stem.mp4, or one audio file.", show_default=False)
]
ReferenceOption = Annotated[
    str | None,
    typer.Option(help="A mix or a folder of stems to compare with; 'none' leaves out the song's own reference."),
]
AnchorOption = Annotated[str | None, typer.Option(help="A stem that is right as it is; others are judged against it.")]
AdvisorOption = Annotated[
    str | None, typer.Option(help="differential (the default), level-difference, prior, single-mix or audio-llm:PATH.")
]
LlmOption = Annotated[str | None, typer.Option(help="offline, or provider:model of a LangChain chat model.")]
WorkspaceOption = Annotated[Path | None, typer.Option(help="Folder for everything that is written.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
CheckOption = Annotated[bool, typer.Option("--check", help="Exit with 1 where something should be changed.")]


def chosen_settings(**given: Any) -> "Settings":
    """Settings from the environment, overridden by what the command line gives."""
    from mixingbuddy.agent.settings import read_settings

    return read_settings(**given)


def chosen_reference(given: str | None) -> Path | Literal["none"] | None:
    """The reference as the functions take it."""
    return None if given is None else "none" if given == "none" else Path(given)
