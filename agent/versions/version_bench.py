"""A song with its kept versions, for commands that need no advice."""

from pathlib import Path
from typing import NamedTuple

from mixingbuddy.agent.settings import Settings
from mixingbuddy.agent.versions.kept_versions import kept_versions
from mixingbuddy.agent.versions.version_tree import VersionTree
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.agent.workspace import open_cache, open_workspace
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.multitrack import load_song

PLAIN_ADVISOR = "level-difference"  # no model to load


class VersionBench(NamedTuple):
    """The song, its versions, and the folder for what is written about it."""

    bench: Workbench
    tree: VersionTree
    folder: Path


def open_versions(path: Path, settings: Settings, session: str) -> VersionBench:
    """Load a song and the versions of one of its conversations. Raises UserError for anything unusable."""
    song = load_song(path, "none")
    song.found.keep_off(settings.workspace_root)
    workspace = open_workspace(song, settings)
    bench = Workbench(song, open_advisor(PLAIN_ADVISOR), cache=open_cache(settings))
    return VersionBench(bench, kept_versions(workspace, session), workspace.folder / "listening")
