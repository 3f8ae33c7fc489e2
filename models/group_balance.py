"""Group levels as a closed function of group gains, and the fewest gains that bring them into their ranges."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.loudness import sounding
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_STEP_DB

LARGEST_MOVE_DB = GAIN_MAX_DB
SMALLEST_MOVE_DB = 0.5
# Moving a group by one more decibel must take at least this much (LU squared) off the groups' excess.
COST_PER_DB = 0.3
# A group is moved only if that takes this much (LU squared) off: one group outside its range by a decibel, say.
LEAST_IMPROVEMENT = 1.0
# A move may push another group out of its range by this much at most.
COLLATERAL_LU = 0.3
_STEPS_DB = np.round(np.arange(-LARGEST_MOVE_DB, LARGEST_MOVE_DB + GAIN_STEP_DB / 2, GAIN_STEP_DB), 1)
Levels = NDArray[np.float64]
# Among moves that bring the groups into their ranges, the one that leaves them nearer to the usual level wins.
COST_PER_SQUARED_DEVIATION = 0.5


@dataclass(frozen=True)
class Range:
    """Where a group's level usually lies, LU re the mix: 10th percentile, median, 90th percentile, deviation."""

    p10_lu: float
    median_lu: float
    p90_lu: float
    sd_lu: float


Ranges = Sequence[Range]


@dataclass(frozen=True)
class GroupBalance:
    """`cross[i, j, k]`: while group i sounds, the energy that groups j and k have in common."""

    groups: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    cross: NDArray[np.float64]

    @classmethod
    def of(cls, energies: CrossEnergies, members: dict[str, tuple[int, ...]]) -> "GroupBalance":
        """The groups that sound, with their stems as indices into `energies`."""
        present = {group: m for group, m in members.items() if m and sounding(energies.mix({}, m)).any()}
        parts = tuple(present.values())
        per_hop = np.array([[energies.per_hop[:, a][:, :, b].sum(axis=(1, 2)) for b in parts] for a in parts])
        cross = np.array([per_hop[:, :, sounding(per_hop[i, i])].sum(axis=2) for i in range(len(parts))])
        return cls(tuple(present), parts, cross)

    def levels_lu(self, gains_db: Levels) -> Levels:
        """Level of each group re the sum of all under group gains; (..., groups) to (..., groups)."""
        linear = 10 ** (gains_db / 20)
        whole = np.maximum(np.einsum("...j,ijk,...k->...i", linear, self.cross, linear), 1e-20)
        own = np.maximum(np.einsum("...i,iii->...i", linear**2, self.cross), 1e-20)
        return np.asarray(10 * np.log10(own / whole))

    def explain(self, ranges: Ranges, fixed: Collection[str]) -> Levels:
        """Gains (dB) of the fewest groups that bring the groups into their ranges, found one group at a time.

        A group that is moved ends inside its own range, and no other group is pushed out of its.
        """
        gains = np.zeros(len(self.groups))
        for _ in self.groups:
            now = self._excess(gains, ranges)
            best, best_cost = None, float(self._cost(gains[None], ranges)[0]) - LEAST_IMPROVEMENT
            for index, group in enumerate(self.groups):
                if group in fixed or gains[index] != 0:
                    continue
                candidates = self._with_steps(gains, index)
                excess = self._excess(candidates, ranges)
                allowed = np.abs(now) + COLLATERAL_LU
                allowed[index] = 0.0
                valid = (np.abs(excess) <= allowed + 1e-9).all(axis=1)
                costs = self._cost(candidates, ranges) + COST_PER_DB * np.abs(_STEPS_DB)
                costs[~valid | (np.abs(_STEPS_DB) < SMALLEST_MOVE_DB)] = np.inf
                if costs.min() < best_cost:
                    best_cost, best = float(costs.min()), candidates[int(costs.argmin())]
            if best is None:
                break
            gains = best
        return gains

    def gain_to_db(self, index: int, level_lu: float, gains: Levels) -> float:
        """Gain of one group, the others as in `gains`, that brings it nearest to a level re the mix, dB."""
        levels = self.levels_lu(self._with_steps(gains, index))[:, index]
        return float(_STEPS_DB[np.abs(levels - level_lu).argmin()])

    def _with_steps(self, gains: Levels, index: int) -> Levels:
        candidates = np.tile(gains, (len(_STEPS_DB), 1))
        candidates[:, index] = _STEPS_DB
        return candidates

    def _excess(self, gains: Levels, ranges: Ranges) -> Levels:
        levels = self.levels_lu(gains)
        return levels - np.clip(levels, [r.p10_lu for r in ranges], [r.p90_lu for r in ranges])

    def _cost(self, gains: Levels, ranges: Ranges) -> Levels:
        deviation = (self.levels_lu(gains) - [r.median_lu for r in ranges]) / [r.sd_lu for r in ranges]
        excess = np.square(self._excess(gains, ranges)).sum(axis=-1)
        return np.asarray(excess + COST_PER_SQUARED_DEVIATION * np.square(deviation).sum(axis=-1))
