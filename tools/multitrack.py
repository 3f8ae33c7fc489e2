"""A song on disk becomes a multitrack: named stems with roles, one sample rate, aligned at sample 0."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from mixingbuddy.tools.audio import AUDIO_SUFFIXES, Audio, Clip, padded, read_clip, read_streams, resampled
from mixingbuddy.tools.errors import UserError, printable
from mixingbuddy.tools.files import sha256_of
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.roles import Role, guess_role
from mixingbuddy.tools.song_file import SongFile, read_song_file
from mixingbuddy.tools.stem_names import is_mixdown, mentions_a_mix, name_streams, unique_names

MAX_STEMS = 128
MIXDOWN_CORRELATION = 0.7
REFERENCE_FOLDER = "reference"
SILENT_PEAK = 10 ** (-90 / 20)


@dataclass(frozen=True)
class Stem:
    """One audio file of the multitrack. `audio` is float32 (channels, samples)."""

    name: str
    role: Role
    audio: Audio
    sure: bool = True  # whether the role is known rather than guessed

    @property
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
    """Everything that was found at a path."""

    path: Path
    multitrack: Multitrack
    reference: Reference | None
    settings: SongFile
    findings: tuple[Finding, ...]
    files: tuple[Path, ...]
    reference_files: tuple[Path, ...] = ()

    def keep_off(self, target: Path) -> None:
        """Raises UserError where `target`, a file or folder to be written, is or lies among the song's own files."""
        wanted = target.resolve()
        own = self.path.resolve()
        taken = {own, *(file.resolve() for file in (*self.files, *self.reference_files))}
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


def load_song(path: Path, reference: Path | Literal["none"] | None = None) -> Song:
    """Read a folder of stems, a `*.stem.mp4`, or a single audio file (a mix without stems).

    `reference` is a file or folder that replaces the song's own `reference/`; "none" leaves that out.
    Stems of other lengths are padded and of other sample rates resampled, each with a finding.
    Raises UserError with one line for anything that cannot be used.
    """
    path = path.expanduser()
    if not path.exists():
        raise UserError(f"no song at '{path}'; give a folder of stems, a .stem.mp4 or an audio file")
    settings = read_song_file(path / "song.toml") if path.is_dir() else SongFile()
    files, clips, loading = _read_stems(path)
    multitrack, findings = _assemble(settings.title or _title(path), clips, settings)
    if path.is_file() and len(clips) == 1:
        multitrack = _as_mix_only(multitrack)
    reference_path = _reference_path(path, reference, settings)
    found: Reference | None = None
    reference_findings: tuple[Finding, ...] = ()
    reference_files: tuple[Path, ...] = ()
    if reference_path is not None:
        found, reference_findings = _load_reference(reference_path, multitrack, settings.same_song)
        reference_files = _audio_files(reference_path)
    return Song(path, multitrack, found, settings, (*loading, *findings, *reference_findings), files, reference_files)


def _title(path: Path) -> str:
    return path.name if path.is_dir() else path.name.removesuffix(path.suffix).removesuffix(".stem")


def _read_stems(path: Path) -> tuple[tuple[Path, ...], list[tuple[str, Clip]], tuple[Finding, ...]]:
    if path.is_file():
        if path.suffix.lower() not in AUDIO_SUFFIXES:
            raise UserError(f"'{path.name}' is no audio file that can be read; expected one of {_suffixes()}")
        clips = read_streams(path)
        if len(clips) == 1:
            return (path,), [(printable(path.stem), clips[0])], ()
        return (path,), name_streams(clips), ()
    files = _audio_files(path)
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
    with ThreadPoolExecutor(max_workers=4) as pool:
        clips = list(pool.map(read_clip, stems))
    findings = tuple(_mixdown_finding(printable(file.stem), "its name") for file in left_out)
    return stems, list(zip(unique_names(stems), clips, strict=True)), findings


def _hint_for(folder: Path) -> str:
    below = [child for child in sorted(folder.iterdir()) if child.is_dir() and _audio_files(child)]
    if below:
        return f"its folders hold some ('{below[0].name}'): name one of them, or use 'batch' for all"
    return f"put the stems there ({_suffixes()})"


def _suffixes() -> str:
    return "wav, flac, aiff, ogg, opus, mp3, m4a, mp4"


def _audio_files(path: Path) -> tuple[Path, ...]:
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


def _assemble(title: str, clips: list[tuple[str, Clip]], settings: SongFile) -> tuple[Multitrack, tuple[Finding, ...]]:
    findings: list[Finding] = []
    rates = Counter(clip.sample_rate_hz for _, clip in clips)
    rate_hz = max(rates, key=lambda rate: (rates[rate], rate))
    findings += [_resampled_finding(name, clip, rate_hz) for name, clip in clips if clip.sample_rate_hz != rate_hz]
    audios = [(name, resampled(clip, rate_hz).audio) for name, clip in clips]
    longest = max(audio.shape[1] for _, audio in audios)
    # A resampler may round the length by a sample; that is nothing to report.
    findings += [
        _padded_finding(name, audio.shape[1] / rate_hz, longest / rate_hz)
        for name, audio in audios
        if longest - audio.shape[1] > 0.01 * rate_hz
    ]
    stems = tuple(_stem(name, padded(audio, longest), settings) for name, audio in audios)
    mixes = [stem for stem in stems if mentions_a_mix(stem.name) and _is_the_sum_of_the_others(stem, stems)]
    findings += [_mixdown_finding(stem.name, "its sound and its name") for stem in mixes]
    stems = tuple(stem for stem in stems if stem not in mixes)
    findings += [_unsure_finding(stem.name) for stem in stems if not stem.sure and len(stems) > 1]
    unknown = [name for name in settings.roles if name.casefold() not in {stem.name.casefold() for stem in stems}]
    if unknown:
        raise UserError(
            f"song.toml gives a role to '{unknown[0]}', but the stems are: {', '.join(s.name for s in stems)}"
        )
    if all(stem.silent for stem in stems):
        subject = "the file is" if len(stems) == 1 else f"all {len(stems)} stems are"
        raise UserError(f"{subject} silent (below -90 dBFS); nothing can be measured: export the stems again")
    findings += [_silent_finding(stem.name) for stem in stems if stem.silent]
    return Multitrack(printable(title), rate_hz, stems), tuple(findings)


def _stem(name: str, audio: Audio, settings: SongFile) -> Stem:
    given = {stem.casefold(): role for stem, role in settings.roles.items()}.get(name.casefold())
    if given is not None:
        return Stem(name, given, audio)
    guess = guess_role(name)
    return Stem(name, guess.role, audio, guess.sure)


def _unsure_finding(name: str) -> Finding:
    text = f"What is '{name}'? Its name does not say ({guess_role(name).evidence}); give it a role in song.toml."
    return Finding(kind="role_unsure", stems=(name,), source="file name", text=text)


def _is_the_sum_of_the_others(stem: Stem, stems: tuple[Stem, ...]) -> bool:
    """Whether a stem is (roughly) what all the others add up to."""
    if len(stems) < 3 or stem.silent:
        return False
    others = np.zeros(stem.audio.shape[1])
    for other in stems:
        if other is not stem:
            others += other.audio.mean(axis=0)
    own = stem.audio.mean(axis=0, dtype=np.float64)
    scale = float(np.sqrt(np.dot(own, own) * np.dot(others, others)))
    return scale > 0 and float(np.dot(own, others)) / scale > MIXDOWN_CORRELATION


def _mixdown_finding(name: str, source: str) -> Finding:
    text = f"'{name}' is left out of the stems: by {source} it is a mixdown. To compare with it, use --reference."
    return Finding(kind="mixdown_left_out", stems=(name,), severity="minor", source=source, text=text)


def _resampled_finding(name: str, clip: Clip, rate_hz: int) -> Finding:
    return Finding(
        kind="sample_rate_differs",
        stems=(name,),
        value=float(clip.sample_rate_hz),
        unit="Hz",
        expected=(float(rate_hz), float(rate_hz)),
        severity="minor",
        source="file header",
        text=f"'{name}' has {clip.sample_rate_hz} Hz, the song {rate_hz} Hz; it was resampled.",
    )


def _padded_finding(name: str, duration_s: float, longest_s: float) -> Finding:
    return Finding(
        kind="length_differs",
        stems=(name,),
        value=duration_s,
        unit="s",
        expected=(longest_s, longest_s),
        severity="info",
        source="file header",
        text=f"'{name}' ends at {duration_s:.2f} s, the song at {longest_s:.2f} s; silence was added at its end.",
    )


def _silent_finding(name: str) -> Finding:
    text = f"'{name}' is silent (below -90 dBFS throughout)."
    return Finding(kind="silent_stem", stems=(name,), severity="minor", source="sample peak", text=text)


def _as_mix_only(multitrack: Multitrack) -> Multitrack:
    return replace(multitrack, mix_only=True)


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
    return own if own.is_dir() and _audio_files(own) else None


def _load_reference(
    path: Path, multitrack: Multitrack, same_song: bool | None
) -> tuple[Reference, tuple[Finding, ...]]:
    files = _audio_files(path)
    if not files:
        raise UserError(f"no audio in the reference '{path}'; put one mix or several stems there")
    if len(files) == 1:
        streams = read_streams(files[0])
        named = [(printable(files[0].stem), streams[0])] if len(streams) == 1 else name_streams(streams)
    else:
        named = list(zip(unique_names(files), map(read_clip, files), strict=True))
    rate_hz = multitrack.sample_rate_hz
    findings = tuple(_resampled_finding(name, clip, rate_hz) for name, clip in named if clip.sample_rate_hz != rate_hz)
    stems = tuple(Stem(name, guess_role(name).role, resampled(clip, rate_hz).audio) for name, clip in named)
    if all(stem.silent for stem in stems):
        raise UserError(f"the reference '{path.name}' is silent; give another, or --reference none")
    kind: Literal["mix", "stems"] = "mix" if len(stems) == 1 else "stems"
    return Reference(
        kind,
        printable(path.stem if path.is_file() else files[0].stem if kind == "mix" else path.name),
        stems,
        same_song,
    ), findings


def with_gains(multitrack: Multitrack, gains: Iterable[float]) -> Multitrack:
    """The same song with each stem multiplied by its linear gain."""
    stems = tuple(
        stem if gain == 1.0 else replace(stem, audio=stem.audio * np.float32(gain))
        for stem, gain in zip(multitrack.stems, gains, strict=True)
    )
    return replace(multitrack, stems=stems)
