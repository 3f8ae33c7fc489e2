"""Verification: promised effects of moves, judged by measuring the rendered result."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.cross_energies import CrossEnergies, level_between_lu
from mixingbuddy.tools.levels import k_weighted_hops, mixdown
from mixingbuddy.tools.loudness import Energies, integrated_lufs
from mixingbuddy.tools.moves import gain_of
from mixingbuddy.tools.multitrack import Multitrack
from mixingbuddy.tools.render import CEILING_DBTP, Render, headroom_trim_db

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

Metric = Literal[
    "level_rel_mix_lu",
    "group_level_rel_known_lu",
    "gain_to_reference_db",
    "loudness_lufs",
    "true_peak_dbtp",
    "spectral_distance_to_reference_db",
]
UNIT_AND_TOLERANCE: dict[Metric, tuple[str, float]] = {
    "level_rel_mix_lu": ("LU", 0.2),
    "group_level_rel_known_lu": ("LU", 0.2),
    "gain_to_reference_db": ("dB", 0.5),
    "loudness_lufs": ("LUFS", 0.2),
    "true_peak_dbtp": ("dBTP", 0.05),
    "spectral_distance_to_reference_db": ("dB", 0.5),
}
_CEILINGS = {"true_peak_dbtp", "spectral_distance_to_reference_db"}


class Claim(BaseModel):
    """One promised, checkable effect: `metric` of `stem` (of the mix where null) goes from `before` to `predicted`."""

    model_config = _RESULT

    metric: Metric
    stem: str | None = Field(description="stem (for group_level_rel_known_lu: group), or null for the whole mix")
    unit: str
    before: float
    predicted: float = Field(description="promised value; a ceiling for true_peak_dbtp and spectral distance")
    tolerance: float = Field(ge=0)


class CheckedClaim(Claim):
    """A claim with the value measured on the render."""

    after: float | None
    kept: bool


class Verdict(BaseModel):
    """Every claim with what was measured, and the level of every stem in the rendered mix."""

    model_config = _RESULT

    claims: tuple[CheckedClaim, ...]
    levels_lu: dict[str, float] = Field(default_factory=dict, description="stem to its level in the render, LU re mix")
    headroom_gain_db: float = Field(le=0, description="how far all faders came down together to stay under -1 dBTP")

    @property
    def kept(self) -> bool:
        return bool(self.claims) and all(claim.kept for claim in self.claims)

    @property
    def broken(self) -> tuple[CheckedClaim, ...]:
        return tuple(claim for claim in self.claims if not claim.kept)


Measured = Mapping[tuple[str, str | None], float | None]
Groups = Mapping[str, Sequence[str]]


def promise(metric: Metric, stem: str | None, before: float | None, predicted: float | None) -> list[Claim]:
    """The claim that `metric` goes from `before` to `predicted`; none where one of the two cannot be measured."""
    if before is None or predicted is None:
        return []
    unit, tolerance = UNIT_AND_TOLERANCE[metric]
    return [Claim(metric=metric, stem=stem, unit=unit, before=before, predicted=predicted, tolerance=tolerance)]


def level_claims(energies: CrossEnergies, before: Mapping[str, float], after: Mapping[str, float]) -> list[Claim]:
    """Promise the level in the mix of every stem whose fader changes, predicted from the cross energies."""
    claims = []
    for index, name in enumerate(energies.names):
        if before.get(name, 0.0) != after.get(name, 0.0):
            was, will_be = (energies.level_rel_mix_lu([index], faders) for faders in (before, after))
            claims += promise("level_rel_mix_lu", name, was, will_be)
    return claims


def mix_claims(
    energies: CrossEnergies,
    before: Mapping[str, float],
    after: Mapping[str, float],
    peak_before_dbtp: float | None,
    headroom_gain_db: float,
) -> list[Claim]:
    """Promise loudness and true peak of the mix as rendered: headroom included before and after."""
    trim_before_db = headroom_trim_db(peak_before_dbtp) if peak_before_dbtp is not None else 0.0
    was, will_be = integrated_lufs(energies.mix(before)), integrated_lufs(energies.mix(after))
    return [
        *promise("loudness_lufs", None, _plus(was, trim_before_db), _plus(will_be, headroom_gain_db)),
        *promise("true_peak_dbtp", None, _plus(peak_before_dbtp, trim_before_db), CEILING_DBTP),
    ]


def _plus(level: float | None, gain_db: float) -> float | None:
    return None if level is None else level + gain_db


def group_claims(
    energies: CrossEnergies, groups: Groups, before: Mapping[str, float], after: Mapping[str, float]
) -> list[Claim]:
    """Promise the level of every group that moves, re the sum of all stems in `groups`."""
    claims = []
    everyone = [energies.names.index(stem) for stems in groups.values() for stem in stems]
    for group, stems in groups.items():
        if all(before.get(stem, 0.0) == after.get(stem, 0.0) for stem in stems):
            continue
        members = [energies.names.index(stem) for stem in stems]
        alone = energies.mix({}, members)
        was, will_be = (
            level_between_lu(alone, energies.mix(faders, members), energies.mix(faders, everyone))
            for faders in (before, after)
        )
        claims += promise("group_level_rel_known_lu", group, was, will_be)
    return claims


def measure_render(energies: CrossEnergies, rendered: Render) -> dict[tuple[str, str | None], float | None]:
    """Measure the rendered audio anew: its loudness and true peak, and the level of every stem inside it."""
    mix_hops = k_weighted_hops(rendered.audio, rendered.sample_rate_hz)
    measured: dict[tuple[str, str | None], float | None] = {
        ("loudness_lufs", None): integrated_lufs(mix_hops),
        ("true_peak_dbtp", None): rendered.true_peak_dbtp,
    }
    trim = 10 ** (rendered.headroom_gain_db / 20)
    for index, name in enumerate(energies.names):
        alone = energies.mix({}, [index])
        part = alone * (gain_of(rendered.faders, name) * trim) ** 2
        measured["level_rel_mix_lu", name] = level_between_lu(alone, part, mix_hops)
    return measured


def measure_groups(
    multitrack: Multitrack, groups: Groups, faders: Mapping[str, float], moved_groups: Iterable[str]
) -> dict[tuple[str, str | None], float | None]:
    """Sum and measure the groups that moved, and all groups together, under these faders."""
    rate_hz = multitrack.sample_rate_hz

    def hops_of(stems: Iterable[str], standing: Mapping[str, float]) -> Energies:
        chosen = set(stems)
        part = replace(multitrack, stems=tuple(s for s in multitrack.stems if s.name in chosen))
        return k_weighted_hops(mixdown(part, standing), rate_hz, multitrack.channels)

    wanted = list(moved_groups)
    if not wanted:
        return {}
    whole = hops_of([stem for stems in groups.values() for stem in stems], faders)
    return {
        ("group_level_rel_known_lu", group): level_between_lu(
            hops_of(groups[group], {}), hops_of(groups[group], faders), whole
        )
        for group in wanted
    }


def judge(claims: Iterable[Claim], measured: Measured, headroom_gain_db: float) -> Verdict:
    """Hold every claim against what was measured; a claim without a measurement is broken."""
    levels = {s: v for (metric, s), v in measured.items() if metric == "level_rel_mix_lu" and s and v is not None}
    checked = tuple(_check(claim, measured) for claim in claims)
    return Verdict(claims=checked, levels_lu=levels, headroom_gain_db=headroom_gain_db)


def _check(claim: Claim, measured: Measured) -> CheckedClaim:
    after = measured.get((claim.metric, claim.stem))
    if after is None:
        kept = False
    elif claim.metric in _CEILINGS:
        kept = after <= claim.predicted + claim.tolerance
    else:
        kept = abs(after - claim.predicted) <= claim.tolerance
    return CheckedClaim(**claim.model_dump(), after=after, kept=kept)
