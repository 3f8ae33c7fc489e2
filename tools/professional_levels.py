"""How loud the groups of professional mixes are against the mix and against the rest, passage by passage.

`professional_levels.json` is written by `benchmarks/professional_levels.py` and names its sources; how it was derived,
and what it cannot say, is in `docs/section-levels.md`.
"""

from collections.abc import Collection
from functools import lru_cache
from importlib.resources import files
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.roles import Role, group_of

LevelGroup = Literal["vocals", "drums", "bass", "instruments"]

LEVEL_GROUPS: tuple[LevelGroup, ...] = get_args(LevelGroup)
_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LevelSpread(BaseModel):
    """Percentiles of a level over passages of professional mixes, LU."""

    model_config = _RESULT

    p5: float
    p10: float
    p50: float
    p90: float
    p95: float


class ChangeSpread(BaseModel):
    """Percentiles of how far a level differs, up or down, between two neighbouring passages of one song, LU."""

    model_config = _RESULT

    p50: float = Field(ge=0)
    p90: float = Field(ge=0)
    p95: float = Field(ge=0)


class PassageLevels(BaseModel):
    """One group's level in passages in which one set of groups plays."""

    model_config = _RESULT

    songs: int = Field(ge=1)
    passages: int = Field(ge=1)
    level_rel_mix_lu: LevelSpread
    level_rel_rest_lu: LevelSpread
    change_rel_mix_lu: ChangeSpread
    change_rel_rest_lu: ChangeSpread


class Taste(BaseModel):
    """How far engineers who mix the same song disagree about a group's level."""

    model_config = _RESULT

    songs: int = Field(ge=1)
    mixes: int = Field(ge=2)
    sd_rel_mix_lu: float = Field(gt=0, description="standard deviation within a song, mean over songs, LU")


class RoleLevel(BaseModel):
    """Level of all tracks of one role together against its group and against the whole mix; a rough guide only."""

    model_config = _RESULT

    mixes: int = Field(ge=1)
    p50_rel_group_lu: float
    p50_rel_mix_lu: float
    sd_rel_mix_lu: float = Field(ge=0, description="standard deviation within a song, mean over songs, LU")


class ProfessionalLevels(BaseModel):
    """The levels that ship with the package; `sources` names what each part was derived from."""

    model_config = _RESULT

    source: str
    sources: dict[str, str]
    passage_s: float = Field(gt=0, description="length of the passages, seconds")
    sets: dict[str, dict[LevelGroup, PassageLevels]] = Field(description="by the groups that play ('vocals+drums')")
    taste: dict[LevelGroup, Taste]
    roles: dict[Role, RoleLevel]

    def passage(self, group: LevelGroup, playing: Collection[LevelGroup]) -> PassageLevels | None:
        """Levels of a group where exactly these groups play; None where there is nothing to compare it with."""
        return self.sets.get(set_name(playing), {}).get(group)


def set_name(playing: Collection[LevelGroup]) -> str:
    """'vocals+drums', in the order of `LEVEL_GROUPS`."""
    return "+".join(group for group in LEVEL_GROUPS if group in playing)


def level_group(role: Role) -> LevelGroup:
    """MUSDB18's four groups: what is not voice, drums or bass is an instrument."""
    group = group_of(role)
    return group if group in ("vocals", "drums", "bass") else "instruments"


@lru_cache(maxsize=1)
def load_levels() -> ProfessionalLevels:
    """The levels of the package."""
    text = (files("mixingbuddy.tools") / "professional_levels.json").read_text(encoding="utf-8")
    return ProfessionalLevels.model_validate_json(text)
