"""The songs that models learn from and are measured with: MUSDB18 in either form, and folders of songs of one's own.

MUSDB18: Rafii, Liutkus, Stoeter, Mimilakis and Bittner 2017, doi 10.5281/zenodo.1117372.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mixingbuddy.models.reference_stems import summed
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.found_song import audio_files
from mixingbuddy.tools.multitrack import Multitrack, Stem, load_song
from mixingbuddy.tools.roles import Role
from mixingbuddy.tools.spectral_curves import curve_group

Split = Literal["train", "valid", "test"]

TARGETS = ("vocals", "drums", "bass")
SONG_ROLES: tuple[Role, ...] = ("vocals", "drums", "bass", "other")
# Of one's own songs, so many are one validation song.
OWN_VALID_ONE_IN = 6
STEM_FILE_SUFFIX = ".stem.mp4"

# The songs that MUSDB18's own tools (`musdb`, its configuration) hold out of the train split.
VALIDATION_SONGS = frozenset(
    {
        "ANiMAL - Rockshow",
        "Actions - One Minute Smile",
        "Alexander Ross - Goodbye Bolero",
        "Clara Berry And Wooldog - Waltz For My Victims",
        "Fergessen - Nos Palpitants",
        "James May - On The Line",
        "Johnny Lokke - Promises & Lies",
        "Leaf - Summerghost",
        "Meaxic - Take A Step",
        "Patrick Talbot - A Reason To Leave",
        "Skelpolu - Human Mistakes",
        "Traffic Experiment - Sirens",
        "Triviul - Angelsaint",
        "Young Griffo - Pennies",
    }
)


@dataclass(frozen=True)
class SongSource:
    """A song on disk, not yet decoded. `name` is its whole title ("artist - song"); `artist` is empty if unknown."""

    name: str
    artist: str
    path: Path

    def load(self) -> Multitrack:
        """Decode it: stems named "vocals", "drums", "bass" and "other", each the sum of what belongs to that role.

        A role that the song does not have is missing. Raises UserError where a file cannot be decoded.
        """
        song = load_song(self.path, reference="none").multitrack
        members = {role: [i for i, s in enumerate(song.stems) if curve_group(s.role) == role] for role in SONG_ROLES}
        stems = tuple(
            Stem(role, role, song.stems[own[0]].audio if len(own) == 1 else summed(song.stems, own))
            for role, own in members.items()
            if own
        )
        return Multitrack(self.name, song.sample_rate_hz, stems)


def find_songs(data: Path, split: Split) -> list[SongSource]:
    """The songs of a split, by name: MUSDB18 (`*.stem.mp4`), MUSDB18-HQ (a folder of wav files each), or where there is
    neither, one's own songs (a folder of stems each; file names give the roles).

    `data` holds `train/` and `test/`, or songs themselves, which then are train songs (test songs if the folder is
    called `test`). "valid" is those of `VALIDATION_SONGS` that are there (about one in six of one's own songs, by their
    names), "train" the other ones. Raises UserError where there is none.
    """
    folder = _split_folder(data.expanduser(), "test" if split == "test" else "train")
    songs, held_out = _songs_in(folder, _is_musdb_folder), VALIDATION_SONGS
    if not songs:
        songs = _songs_in(folder, lambda child: bool(audio_files(child)))
        held_out = frozenset(song.name for song in songs if zlib.crc32(song.name.encode()) % OWN_VALID_ONE_IN == 0)
    if not songs:
        raise UserError(
            f"no songs in '{folder}'; expected MUSDB18's '*{STEM_FILE_SUFFIX}' files, folders with "
            f"{', '.join(f'{role}.wav' for role in SONG_ROLES)}, or a folder of stems for each song"
        )
    if split == "test":
        return songs
    chosen = [song for song in songs if (song.name in held_out) == (split == "valid")]
    if not chosen:
        found = "all" if split == "train" else "none"
        raise UserError(f"of the {len(songs)} songs in '{folder}' {found} are validation songs; add the other ones")
    return chosen


def _split_folder(data: Path, split: Literal["train", "test"]) -> Path:
    _existing(data)
    if (data / "train").is_dir() or (data / "test").is_dir():
        return data / split
    holds = "test" if data.name == "test" else "train"
    if holds != split:
        raise UserError(f"'{data}' holds {holds} songs, {split} songs were expected; give the folder with '{split}/'")
    return data


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise UserError(f"no folder '{folder}'; give the folder that holds the songs")
    return folder


def _songs_in(folder: Path, is_song: Callable[[Path], bool]) -> list[SongSource]:
    """Songs by name. One that is there in both forms counts once, as its folder: that is the one without loss."""
    children = [child for child in folder.iterdir() if not child.name.startswith(".")] if folder.is_dir() else []
    files = [child for child in children if child.name.lower().endswith(STEM_FILE_SUFFIX) and child.is_file()]
    found = {file.name[: -len(STEM_FILE_SUFFIX)]: file for file in files}
    found |= {child.name: child for child in children if child.is_dir() and is_song(child)}
    return [SongSource(name, _artist(name), found[name]) for name in sorted(found)]


def _is_musdb_folder(folder: Path) -> bool:
    return {file.stem for file in audio_files(folder)}.issuperset(SONG_ROLES)


def _artist(name: str) -> str:
    artist, dash, _ = name.partition(" - ")
    return artist if dash else ""
