"""Advice without a reference: is the balance outside what professional mixes do?

Each group's level in the mix is compared with its 10th to 90th percentile over published professional mixes. Inside
that range engineers disagree as a matter of taste, so nothing is said there. One fault throws several groups out of
their ranges; the explanation with the fewest moved groups is sought.
"""

import math
from collections.abc import Collection
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.models.advisor import GainAdvice, StemAdvice
from mixingbuddy.tools.findings import Finding, Severity
from mixingbuddy.tools.levels import CrossEnergies, cross_energies
from mixingbuddy.tools.loudness import sounding
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB, GAIN_STEP_DB, clamped_db
from mixingbuddy.tools.multitrack import Multitrack, Reference
from mixingbuddy.tools.roles import Role, group_of

PriorGroup = Literal["vocals", "drums", "bass", "instruments"]
PRIOR_GROUPS: tuple[PriorGroup, ...] = ("vocals", "drums", "bass", "instruments")
STATISTICS_FILE = "balance_prior.json"
MAJOR_EXCESS_LU = 3.0
SMALLEST_MOVE_DB = 0.5
# Moving a group by one more decibel must take at least this much (LU squared) off the groups' excess.
COST_PER_DB = 0.3
# A group is moved only if that takes this much (LU squared) off: one group outside its range by a decibel, say.
LEAST_IMPROVEMENT = 1.0
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


def prior_group(role: Role) -> PriorGroup:
    """MUSDB18's four groups: everything that is not voice, drums or bass is an instrument."""
    group = group_of(role)
    return group if group in ("vocals", "drums", "bass") else "instruments"


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

        A group that holds the anchor or a locked stem is left where it is.
        """
        energies = energies or cross_energies(multitrack)
        balance = _Balance.of(energies)
        known = self._statistics.sets.get("+".join(balance.groups))
        if multitrack.mix_only or known is None:
            return _cannot_say(multitrack, balance.groups)
        fixed = {prior_group(stem.role) for stem in multitrack.stems if stem.name in {anchor, *locks}}
        ranges = [known[group] for group in balance.groups]
        gains = balance.explain(ranges, [group not in fixed for group in balance.groups])
        levels = balance.levels_lu(np.zeros(len(ranges)))
        findings = tuple(self._finding(balance, i, float(levels[i]), ranges[i]) for i in range(len(ranges)))
        stems = tuple(
            self._stem_advice(
                energies.names[index], balance, group_index, float(levels[group_index]), ranges[group_index], gains
            )
            for group_index, members in enumerate(balance.members)
            for index in members
        )
        return GainAdvice(
            advisor=self.name,
            stems=tuple(sorted(stems, key=lambda advice: energies.names.index(advice.stem))),
            evidence=f"No reference: compared with {self._statistics.source}.",
            findings=findings,
        )

    def _stem_advice(
        self,
        stem: str,
        balance: "_Balance",
        index: int,
        level_lu: float,
        expected: GroupStatistics,
        gains: NDArray[np.float64],
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

    def _reason(self, group: PriorGroup, level_lu: float, expected: GroupStatistics) -> str:
        return (
            f"{group} at {level_lu:.1f} LU re the mix; {self._statistics.songs} professional mixes lie between "
            f"{expected.p10_lu:.1f} and {expected.p90_lu:.1f} LU"
        )

    def _finding(self, balance: "_Balance", index: int, level_lu: float, expected: GroupStatistics) -> Finding:
        excess = _excess(np.array([level_lu]), [expected])[0]
        severity: Severity = "info" if excess == 0 else "major" if abs(excess) >= MAJOR_EXCESS_LU else "minor"
        return Finding(
            kind="group_level",
            stems=balance.stem_names(index),
            value=round(level_lu, 2),
            unit="LU",
            expected=(expected.p10_lu, expected.p90_lu),
            severity=severity,
            source=f"{self._statistics.source}, 10th to 90th percentile",
            text=_sentence(self._reason(balance.groups[index], level_lu, expected)),
        )


class _Balance:
    """Group levels as a closed function of group gains, from the energies in which each group sounds."""

    def __init__(
        self,
        groups: tuple[PriorGroup, ...],
        members: tuple[tuple[int, ...], ...],
        names: tuple[str, ...],
        cross: NDArray[np.float64],
    ) -> None:
        self.groups, self.members, self._names = groups, members, names
        self._cross = cross  # (groups, groups, groups): while group i sounds, mean product of groups j and k

    @classmethod
    def of(cls, energies: CrossEnergies) -> "_Balance":
        present = [
            (group, tuple(i for i, role in enumerate(energies.roles) if prior_group(role) == group))
            for group in PRIOR_GROUPS
        ]
        present = [(group, m) for group, m in present if m and sounding(energies.mix({}, m)).any()]
        members = tuple(m for _, m in present)
        per_hop = np.array([[energies.per_hop[:, a][:, :, b].sum(axis=(1, 2)) for b in members] for a in members])
        cross = np.array([per_hop[:, :, sounding(per_hop[i, i])].sum(axis=2) for i in range(len(members))])
        return cls(tuple(group for group, _ in present), members, energies.names, cross)

    def stem_names(self, index: int) -> tuple[str, ...]:
        return tuple(self._names[member] for member in self.members[index])

    def levels_lu(self, gains_db: NDArray[np.float64]) -> NDArray[np.float64]:
        """Level of each group re the mix under group gains; (..., groups) to (..., groups)."""
        linear = 10 ** (gains_db / 20)
        whole = np.maximum(np.einsum("...j,ijk,...k->...i", linear, self._cross, linear), 1e-20)
        own = np.maximum(np.einsum("...i,iii->...i", linear**2, self._cross), 1e-20)
        return np.asarray(10 * np.log10(own / whole))

    def explain(self, ranges: list[GroupStatistics], movable: list[bool]) -> NDArray[np.float64]:
        """Smallest set of group gains (dB) that brings all groups into their ranges, found one group at a time."""
        steps = np.arange(GAIN_MIN_DB, GAIN_MAX_DB + GAIN_STEP_DB / 2, GAIN_STEP_DB)
        gains = np.zeros(len(ranges))
        for _ in ranges:
            best, best_cost = None, float(self._cost(gains[None], ranges)[0]) - LEAST_IMPROVEMENT
            for index in range(len(ranges)):
                if not movable[index] or gains[index] != 0:
                    continue
                candidates = np.tile(gains, (len(steps), 1))
                candidates[:, index] = steps
                costs = self._cost(candidates, ranges) + COST_PER_DB * np.abs(steps)
                if costs.min() < best_cost:
                    best_cost, best = float(costs.min()), candidates[int(costs.argmin())]
            if best is None:
                break
            gains = best
        for index in map(int, np.flatnonzero(gains)):
            group, level_lu = ranges[index], self.levels_lu(gains)[index]
            if not group.p10_lu <= level_lu <= group.p90_lu:
                gains[index] = self.gain_to_db(index, float(np.clip(level_lu, group.p10_lu, group.p90_lu)), gains)
        return np.where(np.abs(gains) >= SMALLEST_MOVE_DB, gains, 0.0)

    def _cost(self, gains: NDArray[np.float64], ranges: list[GroupStatistics]) -> NDArray[np.float64]:
        return np.asarray(np.square(_excess(self.levels_lu(gains), ranges)).sum(axis=-1))

    def gain_to_db(self, index: int, level_lu: float, gains: NDArray[np.float64]) -> float:
        """Gain of one group, the others as in `gains`, that brings it nearest to a level re the mix."""
        steps = np.arange(GAIN_MIN_DB, GAIN_MAX_DB + GAIN_STEP_DB / 2, GAIN_STEP_DB)
        candidates = np.tile(gains, (len(steps), 1))
        candidates[:, index] = steps
        return float(steps[np.abs(self.levels_lu(candidates)[:, index] - level_lu).argmin()])


def _excess(levels_lu: NDArray[np.float64], ranges: list[GroupStatistics]) -> NDArray[np.float64]:
    """How far each level lies outside its range, LU, signed; 0 inside."""
    low = np.array([group.p10_lu for group in ranges])
    high = np.array([group.p90_lu for group in ranges])
    return levels_lu - np.clip(levels_lu, low, high)


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


def _cannot_say(multitrack: Multitrack, groups: tuple[PriorGroup, ...]) -> GainAdvice:
    why = (
        "this is one mix without stems"
        if multitrack.mix_only
        else f"the only group that sounds is {', '.join(groups) or 'none'}"
    )
    finding = Finding(
        kind="cannot_say",
        severity="info",
        source="balance prior",
        text=f"No balance advice: {why}, and a balance needs at least two groups.",
    )
    return GainAdvice(advisor=Prior.name, stems=(), evidence=finding.text, findings=(finding,))
