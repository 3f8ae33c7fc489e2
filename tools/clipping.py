"""Clipping: flat tops at a stem's own ceiling, which a converter or a bounce cut off.

Collect flat tops per channel with `FlatTops`, block by block, then judge them all with `find_clipping`.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.dynamics import SAMPLES_AT_ONCE

MIN_RUN_SAMPLES = 3  # the usual rule of peak meters for "over": three samples in a row at full scale
LOWEST_CEILING = 0.01  # -40 dBFS
LOWEST_TOP = 0.5  # a flat top below half of the peak says nothing about the ceiling
SAME_LEVEL = 1e-4
CORNER_STEPS = 12  # a natural peak stays within 4 quantisation steps around 3 equal samples
MOSTLY_FLAT = 0.3
MAX_RUNS_KEPT = 100_000


@dataclass(frozen=True)
class _Runs:
    """Flat tops of one channel, in samples from its start. `level` is signed, `jump` the smaller step at its ends."""

    start: NDArray[np.int64]
    length: NDArray[np.int64]
    level: NDArray[np.float64]
    jump: NDArray[np.float64]

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "_Runs":
        return _Runs(self.start[chosen], self.length[chosen], self.level[chosen], self.jump[chosen])


def _joined(parts: list[_Runs]) -> _Runs:
    if not parts:
        return _Runs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    return _Runs(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("start", "length", "level", "jump"))
    )


class FlatTops:
    """Collects runs of equal samples with corners at both ends, in one channel."""

    def __init__(self) -> None:
        self.step = math.inf
        self.highest = 0.0
        self.lowest = 0.0
        self._at = 0
        self._carry: NDArray[np.float32] = np.zeros(0, np.float32)
        self._parts: list[_Runs] = []
        self._kept = 0

    def update(self, samples: NDArray[np.float32], highest: float, lowest: float) -> None:
        """Take the next samples of the channel, and their extremes."""
        self.highest, self.lowest = max(self.highest, highest), min(self.lowest, lowest)
        joined = np.concatenate([self._carry, samples]) if len(self._carry) else samples
        floor = max(LOWEST_TOP * max(self.highest, -self.lowest), LOWEST_CEILING)
        self.step = min(self.step, _smallest_step(samples))
        keep = self._collect(joined, floor) if max(highest, -lowest) >= floor else len(joined) - 1
        self._carry = joined[max(0, keep) :].copy()
        self._at += len(joined) - len(self._carry)

    def runs(self) -> _Runs:
        """Flat tops of at least half of the peak."""
        self._parts = [_joined(self._parts)]
        runs = self._parts[0]
        return runs[np.abs(runs.level) >= LOWEST_TOP * max(self.highest, -self.lowest)]

    def _collect(self, samples: NDArray[np.float32], floor: float) -> int:
        """Keep the runs of `samples` and return where the next block must start over."""
        from mixingbuddy.tools.kernels import like_the_next

        tolerance = max(1.5 * self.step if math.isfinite(self.step) else 0.0, 2.0**-23)
        same = like_the_next(samples, floor, tolerance)
        if len(same) == 0:
            return len(samples) - 1
        breaks = np.flatnonzero(np.diff(same) != 1)
        first, last = same[np.r_[0, breaks + 1]], same[np.r_[breaks, len(same) - 1]] + 1
        open_end = int(first[-1]) - 1 if last[-1] == len(samples) - 1 else len(samples) - 1
        # Longer than this is a constant, not a top; it is not carried on.
        if len(samples) - open_end > SAMPLES_AT_ONCE:
            open_end = len(samples) - 1
        whole = (last - first + 1 >= MIN_RUN_SAMPLES) & (first > 0) & (last < len(samples) - 1)
        first, last = first[whole], last[whole]
        if len(first):
            self._add(_with_corners(samples, first, last, tolerance, self._at))
        return open_end

    def _add(self, runs: _Runs) -> None:
        self._parts.append(runs)
        if len(self._parts) >= 64:  # small arrays cost more than they hold
            self._parts = [_joined(self._parts)]
        self._kept += len(runs.start)
        if self._kept > MAX_RUNS_KEPT:
            joined = _joined(self._parts)
            highest_first = np.argsort(-np.abs(joined.level), kind="stable")[: MAX_RUNS_KEPT // 2]
            self._parts = [joined[np.sort(highest_first)]]
            self._kept = MAX_RUNS_KEPT // 2


def _smallest_step(samples: NDArray[np.float32]) -> float:
    """Quantisation step, as the smallest difference of neighbours among the first samples that differ."""
    steps = np.abs(np.diff(samples[:4096]))
    steps = steps[steps > 0]
    return float(steps.min()) if len(steps) else math.inf


def _with_corners(
    samples: NDArray[np.float32], first: NDArray[np.int64], last: NDArray[np.int64], tolerance: float, at: int
) -> _Runs:
    """Runs that lie outside of both neighbours by more than a smooth peak could."""
    middle = samples[first].astype(np.float64)
    sign = np.sign(middle)
    drop = np.minimum(sign * (middle - samples[first - 1]), sign * (middle - samples[last + 1]))
    flat = np.abs(samples[last] - samples[first]) <= 2 * tolerance
    chosen = flat & (drop > CORNER_STEPS * tolerance)
    return _Runs(first + at, last - first + 1, middle, drop)[chosen]


class Clipping(BaseModel):
    """Flat tops at the ceiling of a stem, which a converter or a bounce cut off."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    runs: int = Field(ge=0, description="flat tops of at least 3 samples")
    samples: int = Field(ge=0, description="samples in them, summed over channels")
    longest_samples: int = Field(ge=0, description="samples in the longest one")
    ceiling_dbfs: float | None = Field(description="level of the highest flat top, dBFS; None without one")
    where: tuple[tuple[float, float], ...] = Field(description="at most 20 time ranges, runs within 0.5 s joined, s")


def find_clipping(channels: list[FlatTops], sample_rate_hz: int) -> Clipping:
    """Judge the flat tops of all channels: those at one ceiling are clipping, those at any level are a wave's shape."""
    clipped = [runs for runs in (_at_ceiling(tops) for tops in channels) if len(runs.start)]
    if not clipped:
        return Clipping(runs=0, samples=0, longest_samples=0, ceiling_dbfs=None, where=())
    runs = _joined(clipped)
    return Clipping(
        runs=len(runs.start),
        samples=int(runs.length.sum()),
        longest_samples=int(runs.length.max()),
        ceiling_dbfs=20 * math.log10(float(np.abs(runs.level).max())),
        where=_regions(runs, sample_rate_hz),
    )


def _at_ceiling(tops: FlatTops) -> _Runs:
    runs = tops.runs()
    if len(runs.start) == 0:
        return runs
    level = np.abs(runs.level)
    own = np.where(runs.level > 0, tops.highest, -tops.lowest)
    tolerance = np.maximum(SAME_LEVEL * own, 2 * tops.step if math.isfinite(tops.step) else 0.0)
    chosen = (np.abs(level - own) <= tolerance) | (np.abs(level - 1.0) <= SAME_LEVEL)
    rounded = np.round(runs.level / (SAME_LEVEL * max(tops.highest, -tops.lowest)))
    levels, counts = np.unique(rounded, return_counts=True)
    for often in levels[counts >= max(5, 0.4 * len(rounded))]:
        chosen |= rounded == often  # louder material was added after the cut
    # A square wave, a held sample or crushed bits are flat at any level, or jump across half of the range.
    shaped = float(((runs.length >= 5) & (runs.jump >= 0.5 * level)).mean()) > 0.5
    busy = int(runs.length.sum()) > MOSTLY_FLAT * max(1, int(runs.start[-1] + runs.length[-1] - runs.start[0]))
    if chosen.mean() < 0.5 or shaped or (busy and len(level) > 20):
        return runs[np.zeros(len(level), dtype=bool)]
    return runs[chosen]


def _regions(runs: _Runs, sample_rate_hz: int, apart_s: float = 0.5) -> tuple[tuple[float, float], ...]:
    order = np.argsort(runs.start)
    start_s, end_s = runs.start[order] / sample_rate_hz, (runs.start + runs.length)[order] / sample_rate_hz
    new = np.flatnonzero(start_s[1:] > np.maximum.accumulate(end_s)[:-1] + apart_s) + 1
    groups = zip(np.r_[0, new], np.r_[new, len(start_s)], strict=True)
    return tuple((float(start_s[a]), float(end_s[a:b].max())) for a, b in groups)[:20]
