"""The command `mixingbuddy listen`: two mixes at equal loudness, as files or as a page for a blind test."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mixingbuddy.agent.listening.listening_sides import Sides
    from mixingbuddy.agent.results import Listening
    from mixingbuddy.agent.versions.version_bench import VersionBench

LISTEN_EXAMPLES = "Examples: mixingbuddy listen song/ --versions 1,3 --blind  |  mixingbuddy listen song/ --stem vocals"


def listen(
    path: Annotated[Path, typer.Argument(help="A folder of stems or a .stem.mp4.", show_default=False)],
    versions: Annotated[
        str | None, typer.Option(help="Two versions by number or name, such as 1,3.", show_default="the latest two")
    ] = None,
    stem: Annotated[str | None, typer.Option(help="Hear the mix without and with this stem instead.")] = None,
    blind: Annotated[bool, typer.Option("--blind", help="Write a page for a blind test instead of files.")] = False,
    play: Annotated[bool, typer.Option("--play", help="Play the files; Ctrl-C stops one.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the files.", show_default="the song's workspace")] = None,
    session: Annotated[str, typer.Option(help="Name of the conversation that made the versions.")] = "default",
    workspace: Annotated[Path | None, typer.Option(help="Folder for everything that is written.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Write two mixes at equal loudness to hear against each other, or a page for a blind test."""
    from mixingbuddy.agent.commands.console import working
    from mixingbuddy.agent.commands.printing import print_json
    from mixingbuddy.agent.listening.blind_test import write_blind_test
    from mixingbuddy.agent.listening.listening_files import write_listening_files
    from mixingbuddy.agent.settings import read_settings
    from mixingbuddy.agent.versions.version_bench import open_versions
    from mixingbuddy.tools.errors import ModelMistake, UserError

    if versions is not None and stem is not None:
        raise UserError("give either --versions or --stem")
    with working("rendering and matching the loudness"):
        song = open_versions(path, read_settings(workspace=workspace), session)
        try:
            sides = _sides(song, versions, stem)
        except ModelMistake as error:
            raise UserError(str(error)) from error
        write = write_blind_test if blind else write_listening_files
        result = write(song.bench, sides, out.expanduser() if out else song.folder)
    if json:
        print_json(result)
    else:
        _show(result)
    if play:
        _play(result)


def _sides(song: "VersionBench", versions: str | None, stem: str | None) -> "Sides":
    from mixingbuddy.agent.listening.listening_sides import stem_sides, version_sides
    from mixingbuddy.tools.errors import UserError

    tree = song.tree
    if stem is not None:
        return stem_sides(song.bench.song.multitrack, tree.here, stem)
    if versions is None:
        before = tree.parent(tree.here)
        if before is None:
            raise UserError("this song has one version only; make another with 'mixingbuddy chat', or give --stem")
        return version_sides(before, tree.here)
    names = [name.strip() for name in versions.split(",")]
    if len(names) != 2 or not all(names):
        raise UserError(f"--versions got '{versions}'; expected two versions, such as 1,3")
    return version_sides(tree.find(names[0]), tree.find(names[1]))


def _show(result: "Listening") -> None:
    from mixingbuddy.agent.commands.console import out
    from mixingbuddy.tools.song_time import clock

    level = "not matched: too short or too quiet to measure"
    if result.loudness_lufs is not None:
        level = f"both at {result.loudness_lufs:.1f} LUFS"
    where = "whole song" if result.whole_song else f"{result.duration_s:.0f} s from {clock(result.start_s)} on"
    out.print(f"{where}, {level}", markup=False)
    if result.same:
        out.print("Both are the same mix: there is nothing to hear.", markup=False)
    for file in result.files:
        out.print(
            f"{file.label}  {file.what}  ({file.gain_db + 0.0:+.1f} dB)\n   {file.path}", soft_wrap=True, markup=False
        )
    if result.page:
        out.print(result.page, soft_wrap=True, markup=False)


def _play(result: "Listening") -> None:
    from mixingbuddy.agent.commands.console import err
    from mixingbuddy.agent.listening.playing import play

    for file in result.files:
        err.print(f"playing {file.label}: {file.what}", markup=False)
        if play(Path(file.path)) in {"no_player", "failed"}:
            err.print("no player could play it here; open the files in your own", markup=False)
            return
