"""The mixes that a song may be compared with, by the name that the user gives them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mixingbuddy.agent.workbench import Workbench

AUDIO = frozenset({".wav", ".flac", ".aif", ".aiff", ".ogg", ".mp3", ".opus", ".m4a", ".mp4"})
MOST_CHOICES = 5
_PATH = re.compile(r"'([^'\n]+)'|\"([^\"\n]+)\"|(\S*[/\\]\S+)")


class Named(NamedTuple):
    """The reference that was meant, or the ones to choose from."""

    path: Path | None
    choices: tuple[str, ...] = ()


def find_reference(bench: Workbench, words: str, text: str) -> Named:
    """The mix that `words` name among the song's own references and `bench.references`.

    A path that stands in the user's `text` counts only where the user may name paths: at the terminal.
    """
    if bench.paths_from_words:
        for match in _PATH.finditer(text):
            path = Path(next(part for part in match.groups() if part)).expanduser()
            if path.exists() and (path.is_dir() or path.suffix.lower() in AUDIO):
                return Named(path)
    known = {path: _plain(path.stem) for path in _candidates(bench)}
    wanted = _plain(words)
    found = _called(known, wanted)
    if not found and len(known) == 1 and not wanted.replace("reference", "").strip():
        found = list(known)
    choices = tuple(path.stem for path in (found or known))[:MOST_CHOICES]
    return Named(found[0]) if len(found) == 1 else Named(None, choices)


def _called(known: dict[Path, str], wanted: str) -> list[Path]:
    """The files whose whole name stands in the words, the longest such; else those whose name holds the words."""
    named = [path for path, name in known.items() if name and f" {name} " in f" {wanted} "]
    if named:
        longest = max(len(known[path]) for path in named)
        return [path for path in named if len(known[path]) == longest]
    return [path for path, name in known.items() if wanted and wanted in name]


def _candidates(bench: Workbench) -> Iterator[Path]:
    song = bench.song.path
    folders = [song / "reference", song / "references", *bench.references] if song.is_dir() else [*bench.references]
    for folder in folders:
        if folder.is_dir():
            yield from sorted(p for p in folder.iterdir() if p.suffix.lower() in AUDIO and not p.name.startswith("."))


def _plain(name: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", name.casefold()))
