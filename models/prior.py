"""Advice without a reference: is the balance outside what professional mixes do?

Each group's level in the mix is compared with its 10th to 90th percentile over published professional mixes. Inside
that range engineers disagree as a matter of taste, so nothing is said there. One fault throws several groups out of
their ranges; the explanation with the fewest moved groups is sought.
"""

import math
from collections.abc import Collection
from functools import lru_cache
from importlib.resources import files

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.models.advisor import GainAdvice, GroupAim, StemAdvice
from mixingbuddy.models.group_balance import GroupBalance, Levels, Range
from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.findings import Finding, Severity
from mixingbuddy.tools.levels import cross_energies
from mixingbuddy.tools.moves import clamped_db
from mixingbuddy.tools.multitrack import Multitrack, Reference
from mixingbuddy.tools.professional_levels import LEVEL_GROUPS, level_group

STATISTICS_FILE = "balance_prior.json"
MAJOR_EXCESS_LU = 3.0
# A group this far down hardly plays; that is no fault of its fader.
HARDLY_PLAYS_LU = -25.0
_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class GroupStatistics(BaseModel):
    """Levels of one group re the sum of the groups present, over professional mixes."""

    model_config = _RESULT

    n: int = Field(ge=1, description="number of mixes")
    p10_lu: float
    median_lu: float
    p90_lu: float
    sd_lu: float = Field(gt=0)


class PriorStatistics(BaseModel):
    """The published levels, for every set of groups that may be present ('vocals+drums+bass')."""

    model_config = _RESULT

    source: str
    songs: int
    sets: dict[str, dict[str, GroupStatistics]]


@lru_cache(maxsize=1)
def load_statistics() -> PriorStatistics:
    """The statistics that ship with the package."""
    text = (files("mixingbuddy.models") / "statistics" / STATISTICS_FILE).read_text(encoding="utf-8")
    return PriorStatistics.model_validate_json(text)


class Prior:
    """Advisor that knows only what professional mixes have in common."""

    name = "prior"

    def __init__(self, statistics: PriorStatistics | None = None) -> None:
        self._statistics = statistics or load_statistics()

    def advise(
        self,
        multitrack: Multitrack,
        reference: Reference | None = None,
        anchor: str | None = None,
        locks: Collection[str] = (),
        energies: CrossEnergies | None = None,
    ) -> GainAdvice:
        """Advice per group; every stem of a group gets the group's gain. A reference is not used.

        A group that holds the anchor or a locked stem is left where it is. Stems whose names do not say what they are,
        and groups that hardly play, are not judged.
        """
        if multitrack.mix_only:
            return _cannot_say("this is one mix without stems, and a balance needs at least two groups")
        energies = energies or cross_energies(multitrack)
        balance, left_out = _judged(multitrack, energies)
        known = self._statistics.sets.get("+".join(balance.groups))
        if known is None:
            return _cannot_say(_why_not(multitrack, balance.groups), left_out)
        fixed = {level_group(stem.role) for stem in multitrack.stems if stem.name in {anchor, *locks}}
        ranges = [known[group] for group in balance.groups]
        gains = balance.explain([Range(r.p10_lu, r.median_lu, r.p90_lu, r.sd_lu) for r in ranges], fixed)
        levels = balance.levels_lu(np.zeros(len(ranges)))
        names = [tuple(energies.names[i] for i in members) for members in balance.members]
        stems = {
            name: self._stem_advice(name, balance, index, float(levels[index]), ranges[index], gains)
            for index, group_names in enumerate(names)
            for name in group_names
        }
        return GainAdvice(
            advisor=self.name,
            stems=tuple(stems[name] for name in energies.names if name in stems),
            evidence=f"No reference: compared with {self._statistics.source}.",
            aims=tuple(
                GroupAim(group=group, stems=stems_of, range_lu=(r.p10_lu, r.p90_lu))
                for group, stems_of, r in zip(balance.groups, names, ranges, strict=True)
            ),
            findings=(
                *(self._finding(balance.groups[i], names[i], float(levels[i]), ranges[i]) for i in range(len(names))),
                *left_out,
            ),
        )

    def _stem_advice(
        self, stem: str, balance: GroupBalance, index: int, level_lu: float, expected: GroupStatistics, gains: Levels
    ) -> StemAdvice:
        z = (level_lu - expected.median_lu) / expected.sd_lu
        low, high = (balance.gain_to_db(index, edge, gains) for edge in (expected.p10_lu, expected.p90_lu))
        return StemAdvice(
            stem=stem,
            gain_db=clamped_db(float(gains[index])),
            measured_db=round(float(gains[index]), 3),
            interval_db=(round(low, 2), round(high, 2)),
            p_change=round(math.erf(abs(z) / math.sqrt(2)), 3),
            reason=self._reason(balance.groups[index], level_lu, expected),
        )

    def _reason(self, group: str, level_lu: float, expected: GroupStatistics) -> str:
        return (
            f"{group} at {level_lu:.1f} LU re the mix; 8 in 10 of {self._statistics.songs} professional mixes lie "
            f"between {expected.p10_lu:.1f} and {expected.p90_lu:.1f} LU"
        )

    def _finding(self, group: str, stems: tuple[str, ...], level_lu: float, expected: GroupStatistics) -> Finding:
        excess_lu = max(level_lu - expected.p90_lu, expected.p10_lu - level_lu, 0.0)
        severity: Severity = "info" if excess_lu == 0 else "major" if excess_lu >= MAJOR_EXCESS_LU else "minor"
        reason = self._reason(group, level_lu, expected)
        return Finding(
            kind="group_level",
            stems=stems,
            value=round(level_lu, 2),
            unit="LU",
            expected=(expected.p10_lu, expected.p90_lu),
            severity=severity,
            source=f"{self._statistics.source}, 10th to 90th percentile",
            text=f"{reason[:1].upper()}{reason[1:]}.",
        )


def _judged(multitrack: Multitrack, energies: CrossEnergies) -> tuple[GroupBalance, tuple[Finding, ...]]:
    """The groups that can be judged, and findings for what cannot."""
    members: dict[str, tuple[int, ...]] = {
        group: tuple(i for i, stem in enumerate(multitrack.stems) if stem.sure and level_group(stem.role) == group)
        for group in LEVEL_GROUPS
    }
    findings = []
    unknown = tuple(stem.name for stem in multitrack.stems if not stem.sure)
    if unknown:
        text = f"Not judged, because it is not known what they are: {', '.join(unknown)}."
        findings.append(Finding(kind="not_judged", stems=unknown, source="file name", text=text))
    balance = GroupBalance.of(energies, members)
    if len(balance.groups) > 1:
        levels = balance.levels_lu(np.zeros(len(balance.groups)))
        for group, level_lu in zip(balance.groups, levels, strict=True):
            if level_lu < HARDLY_PLAYS_LU:
                names = tuple(energies.names[i] for i in members[group])
                findings.append(_hardly_plays(group, names, float(level_lu)))
                members = {**members, group: ()}
        balance = GroupBalance.of(energies, members)
    return balance, tuple(findings)


def _hardly_plays(group: str, stems: tuple[str, ...], level_lu: float) -> Finding:
    return Finding(
        kind="hardly_plays",
        stems=stems,
        value=round(level_lu, 2),
        unit="LU",
        severity="minor",
        source="level in the mix while it sounds",
        text=f"{group.capitalize()} hardly plays ({level_lu:.1f} LU re the mix), so its fader is not judged.",
    )


def _why_not(multitrack: Multitrack, groups: tuple[str, ...]) -> str:
    if multitrack.duration_s < 0.4:
        return "the song is shorter than the 400 ms that a level needs"
    if not groups:
        return "no stem is loud enough to be measured, or none is known by its name"
    return f"only {groups[0]} can be judged, and a balance needs at least two groups"


def _cannot_say(why: str, findings: tuple[Finding, ...] = ()) -> GainAdvice:
    finding = Finding(kind="cannot_say", source="balance prior", text=f"No balance advice: {why}.")
    return GainAdvice(advisor=Prior.name, stems=(), evidence=finding.text, findings=(finding, *findings))
