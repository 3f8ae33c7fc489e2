"""A song as it lies on disk: which files are its stems, what they are called and play, and what it is compared with.

Only headers are read here, so that a song whose measurements are known costs no decoding.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from mixingbuddy.tools.audio import AUDIO_SUFFIXES, PYAV_SUFFIXES, count_streams, probe_stream
from mixingbuddy.tools.errors import UserError, printable
from mixingbuddy.tools.files import sha256_of
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.roles import Role, guess_role
from mixingbuddy.tools.song_file import SongFile, read_song_file
from mixingbuddy.tools.sources import FileSource, opened
from mixingbuddy.tools.stem_names import is_mixdown, mentions_a_mix, stream_names, unique_names

MAX_STEMS = 128
REFERENCE_FOLDER = "reference"
MIXDOWN_CORRELATION = 0.7
COMPARED_PARTS, COMPARED_S = 8, 3.0


@dataclass(frozen=True)
class StemFile:
    """One stem on disk. `stream` counts the audio streams of its file; `samples` are at the file's own rate."""

    name: str
    role: Role
    path: Path
    stream: int
    sample_rate_hz: int
    channels: int
    samples: int
    sure: bool = True  # whether the role is known rather than guessed

    @property
    def duration_s(self) -> float:
        return self.samples / self.sample_rate_hz


@dataclass(frozen=True)
class FoundReference:
    """What the balance is compared with. A mix has one stem, with role `other`."""

    kind: Literal["mix", "stems"]
    name: str
    stems: tuple[StemFile, ...]
    files: tuple[Path, ...]
    same_song: bool | None


@dataclass(frozen=True)
class FoundSong:
    """Everything about a song but its samples. `mix_only`: one file, a mix without stems."""

    path: Path
    name: str
    sample_rate_hz: int
    stems: tuple[StemFile, ...]
    mix_only: bool
    reference: FoundReference | None
    settings: SongFile
    findings: tuple[Finding, ...]
    files: tuple[Path, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(stem.name for stem in self.stems)

    @property
    def unsure(self) -> frozenset[str]:
        """Stems whose role is a guess."""
        return frozenset(stem.name for stem in self.stems if not stem.sure)

    def keep_off(self, target: Path) -> None:
        """Raises UserError where `target`, a file or folder to be written, is or lies among the song's own files."""
        wanted = target.resolve()
        own = self.path.resolve()
        references = self.reference.files if self.reference else ()
        taken = {own, *(file.resolve() for file in (*self.files, *references))}
        inside_song = own.is_dir() and (wanted.parent == own or wanted.is_relative_to(own / REFERENCE_FOLDER))
        if wanted in taken or inside_song or (own.is_dir() and wanted == own):
            raise UserError(f"'{target}' lies among the song's own files; name a place elsewhere with --out")

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over the names and bytes of the stems' files."""
        digest = hashlib.sha256()
        for file in sorted(self.files):
            digest.update(f"{file.name}\0{sha256_of(file)}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def find_song(path: Path, reference: Path | Literal["none"] | None = None) -> FoundSong:
    """Find a folder of stems, a `*.stem.mp4`, or a single audio file (a mix without stems).

    `reference` is a file or folder that replaces the song's own `reference/`; "none" leaves that out.
    Stems of other lengths and sample rates get a finding each. Raises UserError for anything that cannot be used.
    """
    path = path.expanduser()
    if not path.exists():
        raise UserError(f"no song at '{path}'; give a folder of stems, a .stem.mp4 or an audio file")
    settings = read_song_file(path / "song.toml") if path.is_dir() else SongFile()
    files, stems, findings = _find_stems(path)
    rate_hz = _common_rate_hz(stems)
    mixes = _mixdowns_by_sound(stems, rate_hz)
    findings += [_mixdown_finding(name, "its sound and its name") for name in mixes]
    stems = [_with_role(stem, settings) for stem in stems if stem.name not in mixes]
    _check_roles(settings, stems)
    found = _find_reference(path, reference, settings)
    return FoundSong(
        path=path,
        name=printable(settings.title or _title(path)),
        sample_rate_hz=rate_hz,
        stems=tuple(stems),
        mix_only=path.is_file() and len(stems) == 1,
        reference=found,
        settings=settings,
        findings=(
            *findings,
            *_rate_findings(stems, rate_hz),
            *_length_findings(stems),
            *(_unsure_finding(stem.name) for stem in stems if not stem.sure and len(stems) > 1),
            *_rate_findings(found.stems if found else (), rate_hz),
        ),
        files=files,
    )


@contextmanager
def open_stems(stems: Sequence[StemFile], sample_rate_hz: int) -> Iterator[list[FileSource]]:
    """All stems as sources at one sample rate, closed at the end. Raises UserError where one cannot be decoded."""
    with ExitStack() as stack:
        yield [stack.enter_context(opened(stem.path, stem.stream, sample_rate_hz)) for stem in stems]


def _title(path: Path) -> str:
    return path.name if path.is_dir() else path.name.removesuffix(path.suffix).removesuffix(".stem")


def _find_stems(path: Path) -> tuple[tuple[Path, ...], list[StemFile], list[Finding]]:
    if path.is_file():
        if path.suffix.lower() not in AUDIO_SUFFIXES:
            raise UserError(f"'{path.name}' is no audio file that can be read; expected one of {_suffixes()}")
        return (path,), _streams_of(path), []
    files = audio_files(path)
    stems = tuple(file for file in files if not is_mixdown(file.stem))
    left_out = tuple(file for file in files if file not in stems)
    if not stems and left_out:
        raise UserError(
            f"'{path}' holds only mixdowns ({left_out[0].name}); give the file itself, or a folder of stems"
        )
    if not stems:
        raise UserError(f"no audio in '{path}'; {_hint_for(path)}")
    if len(stems) > MAX_STEMS:
        raise UserError(f"'{path}' holds {len(stems)} audio files; at most {MAX_STEMS} stems can be mixed")
    found = [_only_stream_of(file, name) for file, name in zip(stems, unique_names(stems), strict=True)]
    return stems, found, [_mixdown_finding(printable(file.stem), "its name") for file in left_out]


def _streams_of(path: Path) -> list[StemFile]:
    """The stems of a stem file, or the one stream of any other."""
    count = count_streams(path)
    if count == 1:
        return [_stem_file(path, 0, printable(path.stem))]
    return [_stem_file(path, stream, name) for stream, name in stream_names(count)]


def _only_stream_of(path: Path, name: str) -> StemFile:
    count = count_streams(path)
    if count > 1:
        raise UserError(f"'{path.name}' holds {count} audio streams, one was expected; open it as a song instead")
    return _stem_file(path, 0, name)


def _stem_file(path: Path, stream: int, name: str) -> StemFile:
    rate_hz, channels, samples = probe_stream(path, stream)
    guess = guess_role(name)
    return StemFile(name, guess.role, path, stream, rate_hz, channels, samples, guess.sure)


def _hint_for(folder: Path) -> str:
    below = [child for child in sorted(folder.iterdir()) if child.is_dir() and audio_files(child)]
    if below:
        return f"its folders hold some ('{below[0].name}'): name one of them, or use 'batch' for all"
    return f"put the stems there ({_suffixes()})"


def _suffixes() -> str:
    return "wav, flac, aiff, ogg, opus, mp3, m4a, mp4"


def audio_files(path: Path) -> tuple[Path, ...]:
    """The audio files of a folder by name, hidden ones left out, or the file itself."""
    if path.is_file():
        return (path,)
    try:
        children = sorted(path.iterdir(), key=lambda child: child.name)
    except OSError as error:
        raise UserError(f"cannot read the folder '{path}': {error.strerror}") from error
    return tuple(
        child
        for child in children
        if child.suffix.lower() in AUDIO_SUFFIXES and not child.name.startswith(".") and child.is_file()
    )


def _common_rate_hz(stems: Sequence[StemFile]) -> int:
    rates = Counter(stem.sample_rate_hz for stem in stems)
    return max(rates, key=lambda rate: (rates[rate], rate))


def _with_role(stem: StemFile, settings: SongFile) -> StemFile:
    given = {name.casefold(): role for name, role in settings.roles.items()}.get(stem.name.casefold())
    return stem if given is None else replace(stem, role=given, sure=True)


def _check_roles(settings: SongFile, stems: Sequence[StemFile]) -> None:
    unknown = [name for name in settings.roles if name.casefold() not in {stem.name.casefold() for stem in stems}]
    if unknown:
        raise UserError(
            f"song.toml gives a role to '{unknown[0]}', but the stems are: {', '.join(s.name for s in stems)}"
        )


def _mixdowns_by_sound(stems: Sequence[StemFile], rate_hz: int) -> list[str]:
    """Stems whose name mentions a mix, and that are (roughly) what all the others add up to in a few places."""
    suspects = [index for index, stem in enumerate(stems) if mentions_a_mix(stem.name)]
    if len(stems) < 3 or not suspects:
        return []
    with open_stems(stems, rate_hz) as sources:
        longest, part = max(source.samples for source in sources), round(COMPARED_S * rate_hz)
        starts = np.unique(np.linspace(0, max(0, longest - part), COMPARED_PARTS).astype(int))
        heard = np.stack(
            [np.concatenate([s.window(int(at), part).mean(axis=0) for at in starts]) for s in sources]
        ).astype(np.float64)
    total = heard.sum(axis=0)
    return [stems[index].name for index in suspects if _alike(heard[index], total - heard[index])]


def _alike(one: np.ndarray, others: np.ndarray) -> bool:
    scale = float(np.sqrt(np.dot(one, one) * np.dot(others, others)))
    return scale > 0 and float(np.dot(one, others)) / scale > MIXDOWN_CORRELATION


def _find_reference(path: Path, given: Path | Literal["none"] | None, settings: SongFile) -> FoundReference | None:
    place = _reference_path(path, given, settings)
    if place is None:
        return None
    files = audio_files(place)
    if not files:
        raise UserError(f"no audio in the reference '{place}'; put one mix or several stems there")
    if len(files) == 1:
        stems = _streams_of(files[0])
    else:
        stems = [_only_stream_of(file, name) for file, name in zip(files, unique_names(files), strict=True)]
    kind: Literal["mix", "stems"] = "mix" if len(stems) == 1 else "stems"
    named_after = place.stem if place.is_file() else files[0].stem if kind == "mix" else place.name
    return FoundReference(kind, printable(named_after), tuple(stems), files, settings.same_song)


def _reference_path(path: Path, given: Path | Literal["none"] | None, settings: SongFile) -> Path | None:
    if given == "none":
        return None
    if given is not None:
        reference = Path(given).expanduser()
        if not reference.exists():
            raise UserError(f"no reference at '{reference}'; give an audio file or a folder of stems")
        return reference
    if settings.reference is not None:
        reference = (path / settings.reference).resolve()
        if not reference.is_relative_to(path.resolve()) or not reference.exists():
            raise UserError(
                f"song.toml names the reference '{settings.reference}', which is not inside '{path}'; "
                "put it there, or name it with --reference"
            )
        return reference
    own = path / REFERENCE_FOLDER
    return own if own.is_dir() and audio_files(own) else None


def _unsure_finding(name: str) -> Finding:
    text = f"What is '{name}'? Its name does not say ({guess_role(name).evidence}); give it a role in song.toml."
    return Finding(kind="role_unsure", stems=(name,), source="file name", text=text)


def _mixdown_finding(name: str, source: str) -> Finding:
    text = f"'{name}' is left out of the stems: by {source} it is a mixdown. To compare with it, use --reference."
    return Finding(kind="mixdown_left_out", stems=(name,), severity="minor", source=source, text=text)


def _rate_findings(stems: Sequence[StemFile], rate_hz: int) -> list[Finding]:
    return [
        Finding(
            kind="sample_rate_differs",
            stems=(stem.name,),
            value=float(stem.sample_rate_hz),
            unit="Hz",
            expected=(float(rate_hz), float(rate_hz)),
            severity="minor",
            source="file header",
            text=f"'{stem.name}' has {stem.sample_rate_hz} Hz, the song {rate_hz} Hz; it was resampled.",
        )
        for stem in stems
        if stem.sample_rate_hz != rate_hz
    ]


def _length_findings(stems: Sequence[StemFile]) -> list[Finding]:
    longest_s = max(stem.duration_s for stem in stems)
    return [
        Finding(
            kind="length_differs",
            stems=(stem.name,),
            value=stem.duration_s,
            unit="s",
            expected=(longest_s, longest_s),
            severity="info",
            source="file header",
            text=f"'{stem.name}' ends at {stem.duration_s:.2f} s, the song at {longest_s:.2f} s; "
            "silence was added at its end.",
        )
        for stem in stems
        # A resampler may round the length by a sample, an mp4's header by a frame; that is nothing to report.
        if longest_s - stem.duration_s > (0.1 if stem.path.suffix.lower() in PYAV_SUFFIXES else 0.01)
    ]
