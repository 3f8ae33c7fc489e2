"""Triplets, made on the fly: a song with a flaw that was planted, a reference, and what should be done.

Everything random about a sample follows from its seed and its id, so order and machine change nothing.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from mixingbuddy.models.data.chunks import Chunk, mix_of
from mixingbuddy.models.data.labels import Label
from mixingbuddy.models.data.nuisance import SameSongSetting, draw_treatment, treated_reference
from mixingbuddy.models.data.songs import TARGETS as TARGETS
from mixingbuddy.models.reference_stems import level_lufs
from mixingbuddy.tools.audio import Clip, padded, resampled
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.moves import gain_of
from mixingbuddy.tools.multitrack import Multitrack, Reference, Stem, with_gains

Setting = Literal["mix", "stems", "stems+mix", "stems+master", "stems+stems", "stems+other", "stems+other-mix"]
Category = Literal["very_quiet", "quiet", "no_error", "loud", "very_loud"]

SETTINGS: tuple[Setting, ...] = get_args(Setting)
CATEGORIES: tuple[Category, ...] = get_args(Category)
# Gain that is put on the target, dB.
CATEGORY_RANGES_DB: Mapping[Category, tuple[float, float]] = {
    "very_quiet": (-12, -6),
    "quiet": (-6, -3),
    "no_error": (0, 0),
    "loud": (3, 6),
    "very_loud": (6, 12),
}
CLEAN_SHARE = 0.2
SMALLEST_FLAW_DB, LARGEST_FLAW_DB = 3.0, 12.0
# Streams of random numbers of one sample: what is drawn for one never changes another.
_OTHER_SONG, _REFERENCE = 1, 2


@dataclass(frozen=True)
class SampleSpec:
    """Which sample; everything random about it follows from `seed` and `id`.

    Ids are "single/<song>/<chunk>/<target>/<anchor>/<category>" or "multi/<song>/<chunk>/<draw>".
    """

    id: str
    song: str
    chunk: int
    protocol: Literal["single", "multi"]
    setting: Setting
    seed: int
    target: str | None = None
    anchor: str | None = None
    category: Category | None = None


@dataclass(frozen=True)
class Triplet:
    """A sample. In the setting "mix", `flawed` is one stem named "mix" and `anchor` names a role inside it.

    `flaws_db` is the gain that was put on each flawed stem (empty: clean), `label` its negative.
    """

    spec: SampleSpec
    flawed: Multitrack
    reference: Reference | None
    anchor: str | None
    flaws_db: Mapping[str, float]
    label: Label


def single_specs(chunks: Sequence[Chunk], setting: Setting, seed: int) -> list[SampleSpec]:
    """One sample for every chunk, target, anchor (one of the two other targets) and category: 30 for each chunk."""
    return [
        SampleSpec(
            id=f"single/{chunk.song}/{chunk.index}/{target}/{anchor}/{category}",
            song=chunk.song, chunk=chunk.index, protocol="single", setting=setting, seed=seed,
            target=target, anchor=anchor, category=category,
        )
        for chunk in chunks
        for target in TARGETS
        for anchor in TARGETS
        if anchor != target
        for category in CATEGORIES
    ]  # fmt: skip


def multi_specs(chunks: Sequence[Chunk], setting: Setting, seed: int, draws: int = 1) -> list[SampleSpec]:
    """So many samples for every chunk, each with none to three flaws and no anchor."""
    return [
        SampleSpec(f"multi/{chunk.song}/{chunk.index}/{draw}", chunk.song, chunk.index, "multi", setting, seed)
        for chunk in chunks
        for draw in range(draws)
    ]


def draw_flaws_db(rng: np.random.Generator) -> dict[str, float]:
    """Protocol `multi`: none (one in five) to three targets with gains from U(-12, -3) or U(3, 12), dB."""
    if rng.random() < CLEAN_SHARE:
        return {}
    targets = rng.permutation(TARGETS)[: rng.integers(1, len(TARGETS) + 1)]
    return {str(name): float(rng.uniform(SMALLEST_FLAW_DB, LARGEST_FLAW_DB) * rng.choice([-1, 1])) for name in targets}


def flaws_of(spec: SampleSpec) -> dict[str, float]:
    """Gain that is put on each flawed stem, dB; the same in every setting. Empty for a clean sample."""
    rng = _random(spec)
    if spec.protocol == "multi":
        return draw_flaws_db(rng)
    if spec.target is None or spec.category is None:
        raise ValueError(f"sample '{spec.id}' of protocol `single` has no target or no category")
    low_db, high_db = CATEGORY_RANGES_DB[spec.category]
    return {spec.target: float(rng.uniform(low_db, high_db))} if low_db != high_db else {}


def label_for(flaws_db: Mapping[str, float]) -> Label:
    """The moves that undo these flaws, largest first."""
    return Label(tuple(sorted(((name, -gain) for name, gain in flaws_db.items()), key=lambda move: -abs(move[1]))))


class TripletMaker:
    """Holds chunks in memory and makes triplets of them. The order of the chunks does not matter; which ones does."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = {(c.song, c.index): c for c in sorted(chunks, key=lambda c: (c.song, c.index))}
        self._keys = list(self._chunks)
        self._first = {song: i for i, (song, _) in reversed(list(enumerate(self._keys)))}
        self._count = {song: sum(key[0] == song for key in self._keys) for song in self._first}
        self._levels: dict[tuple[str, int], dict[str, float | None]] = {}

    def make(self, spec: SampleSpec) -> Triplet:
        """The sample that `spec` names; its chunk must be one of the maker's. Stems without a gain share its memory.

        Raises UserError where a setting needs another song and there is none.
        """
        chunk, flaws = self._chunks[spec.song, spec.chunk], flaws_of(spec)
        song, faders = chunk.stems, flaws
        reference: Reference | None = None
        match spec.setting:
            case "mix" | "stems":
                pass
            case "stems+mix" | "stems+master" | "stems+stems":
                reference = _own_reference(song, spec.setting, _random(spec, _REFERENCE))
            case "stems+other" | "stems+other-mix":
                other = self._other_song(spec)
                matching = self._matching_db(chunk, other)
                faders = {name: matching[name] + flaws.get(name, 0.0) for name in matching}
                reference = _others_reference(other, spec.setting == "stems+other-mix", song.sample_rate_hz)
        flawed = with_gains(song, (gain_of(faders, name) for name in song.names))
        if spec.setting == "mix":
            flawed = replace(flawed, stems=(Stem("mix", "other", mix_of(flawed.stems)),), mix_only=True)
        anchor = spec.anchor if spec.protocol == "single" else None
        return Triplet(spec, flawed, reference, anchor, flaws, label_for(flaws))

    def levels_lufs(self, song: str, index: int) -> Mapping[str, float | None]:
        """Gated loudness of every stem of a clean chunk, measured once; None where it cannot be."""
        key = (song, index)
        if key not in self._levels:
            stems = self._chunks[key].stems
            self._levels[key] = {stem.name: level_lufs(stem.audio, stems.sample_rate_hz) for stem in stems.stems}
        return self._levels[key]

    def _other_song(self, spec: SampleSpec) -> Chunk:
        """A chunk of any other song, each equally likely."""
        first, own = self._first[spec.song], self._count[spec.song]
        if own == len(self._keys):
            raise UserError(f"the setting '{spec.setting}' needs two songs at least; there is only '{spec.song}'")
        drawn = int(_random(spec, _OTHER_SONG).integers(len(self._keys) - own))
        return self._chunks[self._keys[drawn if drawn < first else drawn + own]]

    def _matching_db(self, chunk: Chunk, other: Chunk) -> dict[str, float]:
        """Gains that bring every role to the other song's level, dB; 0 where either cannot be measured."""
        theirs = self.levels_lufs(other.song, other.index)
        ours = self.levels_lufs(chunk.song, chunk.index)
        wanted = {name: theirs.get(name) for name in ours}
        return {
            name: 0.0 if level is None or (goal := wanted[name]) is None else goal - level
            for name, level in ours.items()
        }


def _random(spec: SampleSpec, *stream: int) -> np.random.Generator:
    return np.random.default_rng([spec.seed, zlib.crc32(spec.id.encode("utf-8", "surrogateescape")), *stream])


def _own_reference(song: Multitrack, setting: SameSongSetting, rng: np.random.Generator) -> Reference:
    reference = treated_reference(song, draw_treatment(setting, len(song.stems), rng))
    longest = max(stem.audio.shape[1] for stem in reference.stems)
    return replace(reference, stems=tuple(replace(s, audio=padded(s.audio, longest)) for s in reference.stems))


def _others_reference(other: Chunk, only_mix: bool, sample_rate_hz: int) -> Reference:
    stems = (Stem("mix", "other", mix_of(other.stems.stems)),) if only_mix else other.stems.stems
    rate_hz = other.stems.sample_rate_hz
    if rate_hz != sample_rate_hz:
        stems = tuple(replace(s, audio=resampled(Clip(s.audio, rate_hz), sample_rate_hz).audio) for s in stems)
    return Reference("mix" if only_mix else "stems", other.song, stems, same_song=False)
