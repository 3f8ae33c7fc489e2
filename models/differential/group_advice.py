"""From a belief about levels to advice for every stem: the part between hearing and speaking."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.advisor import GroupAim, StemAdvice
from mixingbuddy.models.differential.posterior import (
    WITH_ANCHOR,
    WITHOUT_ANCHOR,
    BalanceAnswer,
    Belief,
    answer,
)
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.models.differential.speaking import SpokenMove
from mixingbuddy.tools.moves import clamped_db

Real = NDArray[np.float64]
GROUP_NAMES = {"vocals": "vocals", "drums": "drums", "bass": "bass", "other": "instruments"}
SMALLEST_MOVE_DB = 0.5


@dataclass(frozen=True)
class Comparison:
    """Groups (numbers into ROLES) that can be compared: their levels (dB), the belief about where they belong, which of
    them may be moved and which one stays."""

    groups: tuple[int, ...]
    levels_db: Real
    aim: Belief
    chances: tuple[float, ...]
    anchor: int | None = None

    def answer(self) -> BalanceAnswer:
        """The moves that most probably lead there."""
        prior = WITHOUT_ANCHOR if self.anchor is None else WITH_ANCHOR
        return answer(self.levels_db - self.aim.mean_db, self.aim.covariance_db, self.chances, prior)

    def measured_db(self, moved: Collection[int]) -> Real:
        """Gain of each group that leads exactly to the levels aimed at, re the groups that stay. `moved` are places in
        `groups`."""
        wanted = self.aim.mean_db - self.levels_db
        if self.anchor is not None:
            return np.asarray(wanted - wanted[self.groups.index(self.anchor)])
        still = [place for place in range(len(self.groups)) if place not in moved] or list(range(len(self.groups)))
        weight = 1 / np.diag(self.aim.covariance_db)[still]
        return np.asarray(wanted - (weight @ wanted[still]) / weight.sum())


@dataclass(frozen=True)
class GroupAnswer:
    """One group's part of the answer."""

    role: int
    stems: tuple[str, ...]
    gain_db: float
    measured_db: float
    interval_db: tuple[float, float]
    p_change: float
    level_lu: float
    target_lu: float


def group_answers(comparison: Comparison, members: Sequence[Sequence[str]], levels_lu: Real) -> list[GroupAnswer]:
    """The answer for each group that can be compared. `members` are the stems' names of every role, `levels_lu`
    the groups' levels re the mix as they are spoken of."""
    found = comparison.answer()
    proposed = [clamped_db(float(move)) if abs(move) >= SMALLEST_MOVE_DB else 0.0 for move in found.moves_db]
    measured = comparison.measured_db([place for place, gain in enumerate(proposed) if gain])
    return [
        GroupAnswer(
            role=role,
            stems=tuple(members[role]),
            gain_db=proposed[place],
            measured_db=round(float(measured[place]), 3) + 0.0,
            interval_db=_interval(found.interval_db[place], proposed[place]),
            p_change=round(min(1.0, float(found.p_change[place])), 4),
            level_lu=float(levels_lu[place]),
            target_lu=float(levels_lu[place]) + proposed[place],
        )
        for place, role in enumerate(comparison.groups)
    ]


def _interval(interval_db: Real, gain_db: float) -> tuple[float, float]:
    """The credible interval, wide enough to hold the step that the fader takes."""
    return round(min(float(interval_db[0]), gain_db), 2) + 0.0, round(max(float(interval_db[1]), gain_db), 2) + 0.0


def stem_advice(answers: Sequence[GroupAnswer], order: Sequence[str], where: str) -> tuple[StemAdvice, ...]:
    """Advice per stem, in the song's order: every stem of a group moves with the group."""
    by_stem = {
        stem: StemAdvice(
            stem=stem,
            gain_db=one.gain_db,
            measured_db=one.measured_db,
            interval_db=one.interval_db,
            p_change=one.p_change,
            reason=_reason(one, where),
        )
        for one in answers
        for stem in one.stems
    }
    return tuple(by_stem[stem] for stem in order if stem in by_stem)


def expected_range_lu(one: GroupAnswer, variance_db: float) -> tuple[float, float]:
    """Where the group's level re the mix is expected with 80 % credibility, LU."""
    middle, half = one.level_lu + one.measured_db, 1.28 * math.sqrt(variance_db)
    return round(middle - half, 2), round(middle + half, 2)


def group_aims(answers: Sequence[GroupAnswer], aim: Belief) -> tuple[GroupAim, ...]:
    """The groups that were judged, each as one: its stems, and the range that its level is expected in."""
    variances = np.diag(aim.covariance_db)
    return tuple(
        GroupAim(group=GROUP_NAMES[ROLES[one.role]], stems=one.stems, range_lu=expected_range_lu(one, float(variance)))
        for one, variance in zip(answers, variances, strict=True)
    )


def _reason(one: GroupAnswer, where: str) -> str:
    name = GROUP_NAMES[ROLES[one.role]]
    if one.gain_db == 0.0:
        return f"{name} at {one.level_lu:.1f} LU re the mix, no clear fault {where}"
    side = "under" if one.gain_db > 0 else "over"
    low, high = sorted(abs(end) for end in one.interval_db)
    return f"{name} {abs(one.gain_db):.1f} dB {side} their place {where} (80 % sure of {low:.1f} to {high:.1f} dB)"


def spoken_moves(answers: Sequence[GroupAnswer]) -> tuple[SpokenMove, ...]:
    """The moves to be worded, largest first."""
    moves = [
        SpokenMove(one.stems, one.gain_db, one.interval_db, one.role, one.level_lu, one.target_lu, one.p_change)
        for one in answers
        if one.gain_db
    ]
    return tuple(sorted(moves, key=lambda move: -abs(move.gain_db)))
