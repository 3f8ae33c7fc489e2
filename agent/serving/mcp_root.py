"""The only folder that the MCP server reads: which songs lie in it, and no way out of it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.batch import are_stems
from mixingbuddy.tools.audio import probe_stream
from mixingbuddy.tools.errors import MixingBuddyError, ModelMistake, UserError, printable
from mixingbuddy.tools.found_song import REFERENCE_FOLDER, FoundSong, audio_files, find_song
from mixingbuddy.tools.stem_names import is_mixdown

OUT_FOLDER, SONG_FILE = "mixingbuddy-out", "song.toml"
MOST_SONGS, MOST_FOLDERS, DEEPEST = 200, 5000, 6
_SAME_LENGTH_S = 0.1


class SongHere(BaseModel):
    """A song under the root."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    song: str = Field(description="what the other tools call it: its path below the root")
    kind: Literal["stems", "stem file", "mix"] = Field(description="a mix has no stems, so no faders")
    files: int = Field(description="audio files in it")
    reference: bool = Field(description="whether it has a reference of its own")


class SongsFound(BaseModel):
    """The songs under the root."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    songs: tuple[SongHere, ...]
    more: bool = Field(description="whether there are more; look into one folder then")


class Root:
    """A folder with songs. Names of songs are paths relative to it; what leads out of it is refused."""

    def __init__(self, folder: Path) -> None:
        """Raises UserError where it is no folder."""
        if not folder.is_dir():
            raise UserError(f"no folder '{folder}'; name one that holds songs with --root")
        self.folder = folder.resolve()

    def songs(self, below: str = "") -> SongsFound:
        """The songs in a folder under the root and in the folders of that. Raises ModelMistake for a wrong folder."""
        found: list[SongHere] = []
        for song in self._walk(self.inside(below or ".")):
            if song is None or len(found) == MOST_SONGS:
                return SongsFound(songs=tuple(found), more=True)
            found.append(song)
        return SongsFound(songs=tuple(found), more=False)

    def inside(self, name: str) -> Path:
        """The place under the root that a name means. Raises ModelMistake for one outside, or where nothing is."""
        try:
            place = (self.folder / name).resolve()
            exists = place.exists()
        except (OSError, ValueError) as error:
            raise ModelMistake(f"'{printable(name)}' is no path; call find_songs for the songs here") from error
        if not place.is_relative_to(self.folder):
            raise ModelMistake(
                f"'{printable(name)}' lies outside the folder that may be read; names of songs are paths below it, "
                "call find_songs for them"
            )
        if not exists:
            raise ModelMistake(f"nothing is called '{printable(name)}' here; call find_songs for the songs")
        return place

    def find(self, name: str, reference: str | None) -> FoundSong:
        """A song by name, with all of its files under the root. `reference` is "none" or a path below the root.

        Raises ModelMistake where anything lies outside or cannot be used.
        """
        place = self.inside(name)
        given: Path | Literal["none"] | None = "none" if reference == "none" else None
        if reference is not None and given is None:
            given = self.inside(reference)
        beside = (place / REFERENCE_FOLDER, given) if isinstance(given, Path) else (place / REFERENCE_FOLDER,)
        self._keep_inside(place / SONG_FILE, *beside, *(file for at in (place, *beside) for file in _readable(at)))
        try:
            found = find_song(place, given)
        except UserError as error:
            raise ModelMistake(self._told(error)) from error
        self._keep_inside(*found.files, *(found.reference.files if found.reference else ()))
        return found

    def name_of(self, place: Path) -> str:
        """What a place under the root is called."""
        return place.resolve().relative_to(self.folder).as_posix()

    def _keep_inside(self, *files: Path) -> None:
        for file in files:
            if not file.resolve().is_relative_to(self.folder):
                raise ModelMistake(
                    f"'{printable(file.name)}' is a link to outside the folder that may be read; "
                    "tell the user to replace it by the file itself"
                )

    def _told(self, error: UserError) -> str:
        """An error with the names that the caller knows."""
        return str(error).replace(f"{self.folder}{os.sep}", "").replace(str(self.folder), ".")

    def _walk(self, start: Path) -> Iterator[SongHere | None]:
        """The songs, and None where there are more folders than are looked into."""
        if start.is_file():
            yield self._file(start)
            return
        for count, (folder, children, _) in enumerate(os.walk(start)):
            if count == MOST_FOLDERS:
                yield None
                return
            place = Path(folder)
            depth = len(place.relative_to(start).parts)
            files = [file for file in _readable(place) if file.resolve().is_relative_to(self.folder)]
            whole = bool(files) and _is_song(place, files)
            if whole:
                own = _readable(place / REFERENCE_FOLDER) if REFERENCE_FOLDER in children else ()
                yield SongHere(song=self.name_of(place), kind="stems", files=len(files), reference=bool(own))
            else:
                yield from (self._file(file) for file in files)
            if whole or depth == DEEPEST:
                children.clear()
            children[:] = sorted(
                c for c in children if not c.startswith(".") and c not in {REFERENCE_FOLDER, OUT_FOLDER}
            )

    def _file(self, file: Path) -> SongHere:
        kind: Literal["stem file", "mix"] = "stem file" if ".stem." in file.name.lower() else "mix"
        return SongHere(song=self.name_of(file), kind=kind, files=1, reference=False)


def _readable(folder: Path) -> tuple[Path, ...]:
    try:
        return audio_files(folder)
    except UserError:
        return ()


def _is_song(folder: Path, files: list[Path]) -> bool:
    """Whether audio files are the stems of one song rather than mixes: by what lies beside them, names, lengths."""
    if (folder / SONG_FILE).is_file() or (folder / REFERENCE_FOLDER).is_dir():
        return True
    stems = [file for file in files if not is_mixdown(file.stem)]
    if len(stems) < 2:
        return False
    return are_stems(stems) or len(_lengths(stems)) == 1


def _lengths(files: list[Path]) -> set[float]:
    """The different lengths of files, in steps of 0.1 s, from their headers; a file that cannot be read has its own."""
    lengths: set[float] = set()
    for file in files:
        try:
            rate_hz, _, samples = probe_stream(file, 0)
            lengths.add(round(samples / rate_hz / _SAME_LENGTH_S) * _SAME_LENGTH_S)
        except MixingBuddyError:
            lengths.add(-1.0)
        if len(lengths) > 1:
            break
    return lengths
