"""The songs that the MCP server has open: loaded once, a few at a time, and read anew when their files change."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from langgraph.store.base import BaseStore

from mixingbuddy.agent.critique import bench_for
from mixingbuddy.agent.serving.desk import MixingDesk, Progress
from mixingbuddy.agent.serving.mcp_root import OUT_FOLDER, Root
from mixingbuddy.agent.settings import Settings
from mixingbuddy.agent.state import State
from mixingbuddy.agent.workspace import open_cache, open_workspace
from mixingbuddy.models.advisor import Advisor
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.errors import ModelMistake, UserError
from mixingbuddy.tools.found_song import FoundSong
from mixingbuddy.tools.measuring import measure_found
from mixingbuddy.tools.multitrack import load_found

MOST_OPEN = 3
_READ, _MEASURED = 0.1, 0.7  # shares of opening a song
_STEP = 0.05
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class OpenSong:
    """A song on a desk, and what its files looked like when it was read."""

    desk: MixingDesk
    stamp: Stamp


class OpenSongs:
    """Desks by song. What was done on a song that had to make room for another is kept and goes on with it."""

    def __init__(self, root: Root, settings: Settings, store: BaseStore) -> None:
        self.root, self.settings = root, settings
        self._store = store
        self._open: OrderedDict[str, OpenSong] = OrderedDict()
        self._put_away: dict[str, tuple[Stamp, State]] = {}
        self._advisor: Advisor | None = None
        self._lock = threading.Lock()

    def key(self, name: str) -> str:
        """One key for all ways to name a song. Raises ModelMistake for a name that leads outside or nowhere."""
        return self.root.name_of(self.root.inside(name))

    def desk(self, name: str, progress: Progress) -> MixingDesk:
        """The desk of a song, opened with its own reference where it is not open.

        Raises ModelMistake for what cannot be used, and where the song's files have changed since it was opened.
        """
        key = self.key(name)
        with self._lock:
            known = self._open.get(key)
            if known is not None:
                self._open.move_to_end(key)
        if known is None:
            return self.open(key, None, progress)
        if known.stamp != stamp_of(known.desk.bench.song.found):
            raise ModelMistake(
                f"the files of '{key}' have changed since it was opened; call open_song to read them anew"
            )
        return known.desk

    def open(self, name: str, reference: str | None, progress: Progress) -> MixingDesk:
        """Read a song (anew), compared with `reference`. Versions stay where the stems are the same as before."""
        key = self.key(name)
        words = load_table("steps")
        progress(0.0, words["reading"])
        found = self.root.find(key, reference)
        stamp = stamp_of(found)
        try:
            song = load_found(found)
            measure_found(found, open_cache(self.settings), _measuring(progress))
            progress(_MEASURED, words["advising"])
            bench = bench_for(song, self.settings, advisor=self._opened_advisor())
        except UserError as error:
            raise ModelMistake(str(error)) from error
        desk = MixingDesk(bench, store=self._store)
        with self._lock:
            self._make_way(key)
            before = self._put_away.pop(key, None)
            if before is not None and before[0] == _stems_of(found, stamp):
                desk.state = before[1]
            self._open[key] = OpenSong(desk, stamp)
            while len(self._open) > MOST_OPEN:
                self._make_way(next(iter(self._open)))
        progress(1.0, words["opened"])
        return desk

    def out_folder(self, desk: MixingDesk) -> Path:
        """Where a song's files are written: under the root, and where that cannot be, in the workspace."""
        song = desk.bench.song
        name, root = self.root.name_of(song.path), self.root.folder
        folder = root / OUT_FOLDER / name
        if name == "." or not folder.resolve().is_relative_to(root) or not os.access(root, os.W_OK):
            return open_workspace(song, self.settings).renders
        return folder

    def _make_way(self, key: str) -> None:
        gone = self._open.pop(key, None)
        if gone is not None:
            self._put_away[key] = (_stems_of(gone.desk.bench.song.found, gone.stamp), gone.desk.state)

    def _opened_advisor(self) -> Advisor:
        with self._lock:
            if self._advisor is None:
                self._advisor = open_advisor(self.settings.advisor_name)
            return self._advisor


def stamp_of(found: FoundSong) -> Stamp:
    """Paths, times and sizes of a song's files; what is gone has neither."""
    folder = [found.path] if found.path.is_dir() else []
    own = [*folder, found.path / "song.toml", *found.files, *(found.reference.files if found.reference else ())]
    return tuple(_stamp(file) for file in own)


def _stems_of(found: FoundSong, stamp: Stamp) -> Stamp:
    """The part of a stamp that is about the stems."""
    stems = {str(file) for file in found.files}
    return tuple(one for one in stamp if one[0] in stems)


def _stamp(file: Path) -> tuple[str, int, int]:
    try:
        status = file.stat()
    except OSError:
        return str(file), -1, -1
    return str(file), status.st_mtime_ns, status.st_size


def _measuring(progress: Progress) -> Callable[[float], None]:
    """Tells of the measuring in steps, not at every block of samples."""
    told = 0.0
    words = load_table("steps")["measuring"]

    def tell(share: float) -> None:
        nonlocal told
        if share - told >= _STEP:
            told = share
            progress(_READ + (_MEASURED - _READ) * share * 0.99, words)

    return tell
