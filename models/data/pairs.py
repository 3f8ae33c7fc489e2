"""Samples that other people made: a JSONL file with one song, its reference and its right moves on every line."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mixingbuddy.models.data.labels import Label
from mixingbuddy.models.data.songs import SONG_ROLES
from mixingbuddy.tools.audio import Clip, padded, read_clip, resampled
from mixingbuddy.tools.errors import UserError, printable
from mixingbuddy.tools.found_song import MAX_STEMS
from mixingbuddy.tools.moves import GainDb
from mixingbuddy.tools.multitrack import Multitrack, Reference, Stem, all_silent
from mixingbuddy.tools.roles import Role, guess_role


class PairLine(BaseModel):
    """One line of the file. Paths are relative to the file and stay in its folder."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: str = Field(min_length=1, max_length=1000, description="name of the sample, different on every line")
    stems: dict[str, str] = Field(
        min_length=1, max_length=MAX_STEMS, description="stem name to path; a single one is a mix without stems"
    )
    roles: dict[str, Role] = Field(default_factory=dict, description="stem name to role, where the name does not say")
    reference: str | dict[str, str] | None = Field(default=None, description="path of a mix, or stem name to path")
    same_song: bool | None = Field(default=None, description="whether the reference is of the same song")
    anchor: str | None = Field(default=None, description="a stem, or in a mix a role, that is right")
    moves: dict[str, GainDb] = Field(description="stem, or in a mix role, to the gain it should get, dB")
    text: str | None = Field(default=None, max_length=20_000, description="the advice in words")


@dataclass(frozen=True)
class LoadedPair:
    """A sample in memory: what `Triplet` holds, as far as it is known, and the advice in words."""

    id: str
    flawed: Multitrack
    reference: Reference | None
    anchor: str | None
    label: Label
    text: str | None


@dataclass(frozen=True)
class Pair:
    """A line that was checked, with the files it names; nothing is decoded yet."""

    line: PairLine
    stems: Mapping[str, Path]
    reference: Mapping[str, Path]

    @property
    def id(self) -> str:
        return self.line.id

    @property
    def label(self) -> Label:
        """The moves, largest first; moves by 0 dB are no moves."""
        moves = [(name, gain_db) for name, gain_db in self.line.moves.items() if gain_db != 0.0]
        return Label(tuple(sorted(moves, key=lambda move: -abs(move[1]))))

    def load(self) -> LoadedPair:
        """Decode the files; shorter ones are padded, all get the highest sample rate of the stems.

        Raises UserError where one cannot be decoded or all stems are silent.
        """
        clips = {name: read_clip(path) for name, path in self.stems.items()}
        rate_hz = max(clip.sample_rate_hz for clip in clips.values())
        stems = _stems(clips, rate_hz, self.line.roles)
        if all(stem.silent for stem in stems):
            raise UserError(f"sample '{self.id}': {all_silent(len(stems))}")
        flawed = Multitrack(self.id, rate_hz, stems, mix_only=len(stems) == 1)
        return LoadedPair(self.id, flawed, self._load_reference(rate_hz), self.line.anchor, self.label, self.line.text)

    def _load_reference(self, rate_hz: int) -> Reference | None:
        if not self.reference:
            return None
        stems = _stems({name: read_clip(path) for name, path in self.reference.items()}, rate_hz, self.line.roles)
        if len(stems) == 1:
            mix = Stem("mix", "other", stems[0].audio)
            return Reference("mix", "mix", (mix,), self.line.same_song)
        return Reference("stems", "reference", stems, self.line.same_song)


def read_pairs(file: Path) -> list[Pair]:
    """Check every line of a JSONL file of pairs. Empty lines are left out.

    Raises UserError with the number of the first line that cannot be used.
    """
    file = file.expanduser()
    try:
        lines = file.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise UserError(f"cannot read the pairs '{file}': {error.strerror}") from error
    pairs: list[Pair] = []
    seen: set[str] = set()
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            pair = _read_line(text, file.parent)
            if pair.id in seen:
                raise UserError(f"the id '{printable(pair.id)}' is there already; give every line its own")
        except UserError as error:
            raise UserError(f"'{file.name}', line {number}: {error}") from error
        seen.add(pair.id)
        pairs.append(pair)
    if not pairs:
        raise UserError(f"no pairs in '{file}'; one JSON object on every line was expected")
    return pairs


def _read_line(text: bytes, folder: Path) -> Pair:
    try:
        line = PairLine.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        entry = ".".join(str(part) for part in first["loc"]) or "the line"
        known = f"no such entry; known are {', '.join(PairLine.model_fields)}"
        raise UserError(f"{entry}: {known if first['type'] == 'extra_forbidden' else first['msg']}") from error
    _check_names(line)
    reference = {"mix": line.reference} if isinstance(line.reference, str) else line.reference or {}
    return Pair(
        line,
        {name: _inside(folder, path) for name, path in line.stems.items()},
        {name: _inside(folder, path) for name, path in reference.items()},
    )


def _check_names(line: PairLine) -> None:
    for name in line.stems:
        if not name or printable(name) != name:
            raise UserError(f"the stem name '{printable(name)}' is not one printable line of 1 to 120 characters")
    movable = tuple(line.stems) if len(line.stems) > 1 else (*line.stems, *SONG_ROLES)
    for name in (*line.moves, *([] if line.anchor is None else [line.anchor])):
        if name not in movable:
            raise UserError(f"no stem '{printable(name)}'; this song has: {', '.join(movable)}")
    for name in line.roles:
        known = [*line.stems, *(line.reference if isinstance(line.reference, dict) else ())]
        if name not in known:
            raise UserError(f"a role is given to '{printable(name)}', but the stems are: {', '.join(known)}")
    if line.anchor is not None and line.moves.get(line.anchor):
        raise UserError(f"the anchor '{line.anchor}' is right, but it is moved as well; leave one of them out")


def _inside(folder: Path, name: str) -> Path:
    try:
        inside = (folder / name).resolve().is_relative_to(folder.resolve()) and not Path(name).is_absolute()
        exists = (folder / name).is_file()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"'{printable(name)}' is no path that can be used") from error
    if not inside:
        raise UserError(f"'{printable(name)}' lies outside the folder of the file; paths are relative and stay inside")
    if not exists:
        raise UserError(f"no file '{printable(name)}' in the folder of the file")
    return folder / name


def _stems(clips: Mapping[str, Clip], rate_hz: int, roles: Mapping[str, Role]) -> tuple[Stem, ...]:
    at_rate = {name: resampled(clip, rate_hz).audio for name, clip in clips.items()}
    longest = max(audio.shape[1] for audio in at_rate.values())
    guesses = {name: guess_role(name) for name in at_rate}
    return tuple(
        Stem(name, roles.get(name, guesses[name].role), padded(audio, longest), name in roles or guesses[name].sure)
        for name, audio in at_rate.items()
    )
