"""How loud every stem and group is in each part of the song, against the mix and against everything else.

Which passages of it are worth a word is decided in `passage_findings`; `docs/section-levels.md` says how.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.loudness import HOP_S, HOPS_PER_BLOCK, Energies, sounding
from mixingbuddy.tools.professional_levels import LEVEL_GROUPS, LevelGroup, level_group

PASSAGE_S = 8.0
FAINTEST_REST = 1e-5  # of the part's own power; what the subtraction leaves below is rounding
DOES_NOT_SOUND = "does not sound here"
NOTHING_ELSE = "nothing else sounds here"
TOO_SHORT = "shorter than one 400 ms block"

_Name = TypeVar("_Name", bound=str)
Mask = NDArray[np.bool_]
_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Section(NamedTuple):
    """A part of the song; a plain `(start_s, end_s, label)` serves as well."""

    start_s: float
    end_s: float
    label: str = ""


class PartLevel(BaseModel):
    """Level of one stem or group in one section, over the time it sounds there."""

    model_config = _RESULT

    name: str
    kind: Literal["stem", "group"]
    level_rel_mix_lu: float | None = Field(description="level re the whole mix, LU")
    level_rel_rest_lu: float | None = Field(description="level re everything else together, LU; moves with the fader")
    sounding_share: float = Field(ge=0, le=1, description="share of the section in which it sounds")
    unmeasured: str | None = Field(default=None, description="why a level is null")


class SectionLevel(BaseModel):
    """All levels in one section."""

    model_config = _RESULT

    start_s: float = Field(ge=0)
    end_s: float = Field(gt=0)
    label: str | None = Field(description="what was given as its name; null for a passage of fixed length")
    parts: tuple[PartLevel, ...]

    def part(self, name: str, kind: Literal["stem", "group"] = "stem") -> PartLevel | None:
        """The stem or group of this name; a stem may be called like its group."""
        return next((part for part in self.parts if (part.name, part.kind) == (name, kind)), None)


class SectionLevels(BaseModel):
    """The balance section by section, or in passages of about 8 s where no sections are known."""

    model_config = _RESULT

    sections: tuple[SectionLevel, ...]
    unmeasured: str | None = None


@dataclass(frozen=True)
class Part:
    """One stem or group: its energy per hop, that of everything else and of the mix, and where it sounds."""

    name: str
    kind: Literal["stem", "group"]
    own: Energies
    rest: Energies
    mix: Energies
    sounds: Mask


class Levels(NamedTuple):
    rel_mix_lu: float
    rel_rest_lu: float


def measure_section_levels(
    energies: CrossEnergies,
    sections: Sequence[tuple[float, float, str]] | None = None,
    faders: Mapping[str, float] | None = None,
) -> SectionLevels:
    """Level of every stem and of MUSDB18's four groups in every section, under faders in dB.

    `sections` are (start_s, end_s, label); without them the song is cut into passages of about 8 s. Raises ValueError
    for a section that ends before it starts.
    """
    hops = len(energies.per_hop)
    if hops < HOPS_PER_BLOCK:
        return SectionLevels(sections=(), unmeasured=TOO_SHORT)
    parts = [*stem_parts(energies, faders or {}), *group_parts(energies, faders or {}).values()]
    cuts = _passages(hops) if sections is None else [Section(*section) for section in sections]
    measured = []
    for section in cuts:
        if not section.end_s > section.start_s:
            raise ValueError(f"a section from {section.start_s} to {section.end_s} s does not end after its start")
        where = _hops_of(section, hops)
        if where.any():
            levels = tuple(_part_level(part, where) for part in parts)
            start_s, end_s, label = section
            measured.append(SectionLevel(start_s=start_s, end_s=end_s, label=label or None, parts=levels))
    return SectionLevels(sections=tuple(measured))


def is_of(energies: CrossEnergies, index: int, group: LevelGroup) -> bool:
    return level_group(energies.roles[index]) == group


def stem_parts(energies: CrossEnergies, faders: Mapping[str, float]) -> list[Part]:
    named = {name: [index] for index, name in enumerate(energies.names)}
    return list(_parts(energies, "stem", named, faders).values())


def group_parts(energies: CrossEnergies, faders: Mapping[str, float]) -> dict[LevelGroup, Part]:
    """The groups that have stems."""
    members: dict[LevelGroup, list[int]] = {
        group: [index for index in range(len(energies.names)) if is_of(energies, index, group)]
        for group in LEVEL_GROUPS
    }
    return _parts(energies, "group", {group: inside for group, inside in members.items() if inside}, faders)


def _parts(
    energies: CrossEnergies,
    kind: Literal["stem", "group"],
    members: Mapping[_Name, Sequence[int]],
    faders: Mapping[str, float],
) -> dict[_Name, Part]:
    gains = energies.gains(faders)
    # What every stem has in common with the mix: with it, the rest needs no sum over the other stems.
    with_mix = np.asarray(energies.per_hop @ gains.astype(energies.per_hop.dtype), dtype=np.float64) * gains
    mix = np.maximum(with_mix.sum(axis=1), 0.0)
    parts = {}
    for name, inside in members.items():
        own = energies.mix(faders, inside)
        rest = mix - 2 * with_mix[:, inside].sum(axis=1) + own
        alone = energies.mix({}, inside) if faders else own
        rest = np.where(rest > own * FAINTEST_REST, rest, 0.0)
        parts[name] = Part(name, kind, own, rest, mix, sounding(alone))
    return parts


def _passages(hops: int) -> list[Section]:
    """Equal passages of about 8 s."""
    count = max(1, round(hops * HOP_S / PASSAGE_S))
    edges = [round(hops * index / count) * HOP_S for index in range(count + 1)]
    return [Section(start_s, end_s) for start_s, end_s in pairwise(edges)]


def _hops_of(section: Section, hops: int) -> Mask:
    times_s = (np.arange(hops) + 0.5) * HOP_S
    return (times_s >= section.start_s) & (times_s < section.end_s)


def _part_level(part: Part, where: Mask) -> PartLevel:
    sounds = part.sounds & where
    levels = levels_lu(part, sounds)
    reason = None if levels else NOTHING_ELSE if sounds.any() else DOES_NOT_SOUND
    return PartLevel(
        name=part.name,
        kind=part.kind,
        level_rel_mix_lu=levels and levels.rel_mix_lu,
        level_rel_rest_lu=levels and levels.rel_rest_lu,
        sounding_share=float(sounds.sum() / where.sum()),
        unmeasured=reason,
    )


def levels_lu(part: Part, where: Mask) -> Levels | None:
    """Level re the mix and re the rest, LU; None where one of the three is silent."""
    own, rest, mix = (float(energy[where].sum(dtype=np.float64)) for energy in (part.own, part.rest, part.mix))
    if min(own, rest, mix) <= 0.0:
        return None
    return Levels(10 * math.log10(own / mix), 10 * math.log10(own / rest))
