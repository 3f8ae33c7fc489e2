"""A song in memory: named stems with roles, one sample rate, aligned at sample 0."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from mixingbuddy.tools.audio import Audio, padded, read_stream, resampled
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.found_song import FoundReference, FoundSong, StemFile, find_song
from mixingbuddy.tools.roles import Role
from mixingbuddy.tools.song_file import SongFile

SILENT_PEAK = 10 ** (-90 / 20)
READERS = 4


@dataclass(frozen=True)
class Stem:
    """One audio file of the multitrack. `audio` is float32 (channels, samples)."""

    name: str
    role: Role
    audio: Audio
    sure: bool = True  # whether the role is known rather than guessed

    @cached_property
    def silent(self) -> bool:
        return float(np.abs(self.audio).max(initial=0.0)) < SILENT_PEAK


@dataclass(frozen=True)
class Multitrack:
    """The stems of one song: one sample rate, equal lengths, aligned at sample 0."""

    name: str
    sample_rate_hz: int
    stems: tuple[Stem, ...]
    mix_only: bool = False

    @property
    def samples(self) -> int:
        return int(self.stems[0].audio.shape[1])

    @property
    def duration_s(self) -> float:
        return self.samples / self.sample_rate_hz

    @property
    def channels(self) -> int:
        """Channels of the mixdown: 2 as soon as one stem is stereo."""
        return max(int(stem.audio.shape[0]) for stem in self.stems)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(stem.name for stem in self.stems)

    def stem(self, name: str) -> Stem | None:
        """The stem of this name (upper or lower case), or None."""
        exact = next((stem for stem in self.stems if stem.name == name), None)
        return exact or next((stem for stem in self.stems if stem.name.casefold() == name.casefold()), None)


@dataclass(frozen=True)
class Reference:
    """What the balance is compared with, at the song's sample rate. A mix has one stem, with role `other`."""

    kind: Literal["mix", "stems"]
    name: str
    stems: tuple[Stem, ...]
    same_song: bool | None = None


@dataclass(frozen=True)
class Song:
    """A song that was found on disk, with its samples."""

    found: FoundSong
    multitrack: Multitrack
    reference: Reference | None

    @property
    def path(self) -> Path:
        return self.found.path

    @property
    def settings(self) -> SongFile:
        return self.found.settings

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What finding its files found."""
        return self.found.findings


def load_song(path: Path, reference: Path | Literal["none"] | None = None) -> Song:
    """Find a song (`find_song`) and decode all of it; shorter stems are padded, other sample rates resampled.

    Raises UserError with one line for anything that cannot be used.
    """
    return load_found(find_song(path, reference))


def load_found(found: FoundSong) -> Song:
    """Decode a song that was found. Raises UserError where a file cannot be decoded or everything is silent."""
    multitrack = Multitrack(
        found.name, found.sample_rate_hz, _decoded(found.stems, found.sample_rate_hz), found.mix_only
    )
    if all(stem.silent for stem in multitrack.stems):
        raise UserError(all_silent(len(multitrack.stems)))
    reference = None if found.reference is None else _load_reference(found.reference, found.sample_rate_hz)
    return Song(found, multitrack, reference)


def all_silent(stems: int) -> str:
    """The line that refuses a silent song."""
    subject = "the file is" if stems == 1 else f"all {stems} stems are"
    return f"{subject} silent (below -90 dBFS); nothing can be measured: export the stems again"


def _load_reference(found: FoundReference, sample_rate_hz: int) -> Reference:
    stems = _decoded(found.stems, sample_rate_hz)
    if all(stem.silent for stem in stems):
        raise UserError(f"the reference '{found.name}' is silent; give another, or --reference none")
    return Reference(found.kind, found.name, stems, found.same_song)


def _decoded(files: Sequence[StemFile], sample_rate_hz: int) -> tuple[Stem, ...]:
    with ThreadPoolExecutor(READERS) as pool:
        clips = list(pool.map(lambda file: resampled(read_stream(file.path, file.stream), sample_rate_hz), files))
    longest = max(clip.audio.shape[1] for clip in clips)
    return tuple(
        Stem(file.name, file.role, padded(clip.audio, longest), file.sure)
        for file, clip in zip(files, clips, strict=True)
    )


def with_gains(multitrack: Multitrack, gains: Iterable[float]) -> Multitrack:
    """The same song with each stem multiplied by its linear gain."""
    stems = tuple(
        stem if gain == 1.0 else replace(stem, audio=stem.audio * np.float32(gain))
        for stem, gain in zip(multitrack.stems, gains, strict=True)
    )
    return replace(multitrack, stems=stems)
