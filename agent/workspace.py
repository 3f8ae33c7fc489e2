"""Where things about one song are kept: never beside the user's audio."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from mixingbuddy.agent.settings import Settings
from mixingbuddy.tools.cache import Cache
from mixingbuddy.tools.files import make_folder
from mixingbuddy.tools.multitrack import Song


@dataclass(frozen=True)
class Workspace:
    """The folder of one song, keyed by its path and the content of its stems."""

    folder: Path
    changed_since: Path | None

    @property
    def sessions_file(self) -> Path:
        return self.folder / "sessions.sqlite"

    @property
    def renders(self) -> Path:
        return self.folder / "renders"


def open_workspace(song: Song, settings: Settings) -> Workspace:
    """Make (if needed) and return the song's folder. Raises UserError where it cannot be written.

    `changed_since` is an older folder of the same path, if the stems have changed since that was made.
    """
    song.found.keep_off(settings.workspace_root)
    songs = settings.workspace_root / "songs"
    path_key = hashlib.sha256(str(song.path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:10]
    slug = re.sub(r"[^a-z0-9]+", "-", song.path.resolve().stem.lower()).strip("-")[:40] or "song"
    folder = songs / f"{slug}-{path_key}-{song.found.content_hash[:10]}"
    others = sorted(songs.glob(f"*-{path_key}-*"), key=lambda f: f.stat().st_mtime) if songs.is_dir() else []
    older = [other for other in others if other != folder]
    is_new = not folder.exists()
    return Workspace(make_folder(folder), older[-1] if older and is_new else None)


def open_cache(settings: Settings) -> Cache:
    """What was measured before, for all commands."""
    return Cache(settings.workspace_root / "cache")
