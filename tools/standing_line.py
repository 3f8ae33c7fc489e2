"""A line that stands still in a stem from its beginning to its end, however much plays over it.

Frames of two seconds tell the line from notes half a tone away; each counts as much as the music around leaves room,
and all are added in phase. Music and drums do not keep their phase for that long, so they cancel and the line is left.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DEAD = 1e-13  # energy around the line under which a frame is digital silence
LONG_S = 2.0
SEGMENT_S = 16.0  # mains drift, so phases are added up within segments, and amplitudes across them
REACH_HZ = 3.6  # frames of 125 ms hop see 4 Hz to either side
STEP_HZ = 0.02
STEPS_PER_FRAME = 4
BESIDE_HZ = 1.0
MIN_LONG_FRAMES = 5
STANDS_OUT_DB = 8.0  # over everything else within 3.6 Hz; docs/hygiene.md tells how often music does
OVER_MEDIAN_DB = 18.0
DENIED_DB = -3.0
DECAYED = 0.3
LEAST_SHARE = 0.05  # of the energy around; less is what a held note 8 Hz away leaks into the short frames


@dataclass(frozen=True)
class StandingLine:
    """The strongest line near a frequency: how far from it and how loud, `over_rest_db` all else within 3.6 Hz."""

    offset_hz: float
    level_dbfs: float
    over_rest_db: float
    over_median_db: float
    lasts: bool
    where: tuple[float, float]

    @property
    def clear(self) -> bool:
        """Nothing nearby comes close to it, and it is there in the quietest frames too."""
        return self.over_rest_db >= STANDS_OUT_DB and self.over_median_db >= OVER_MEDIAN_DB and self.lasts

    @property
    def denied(self) -> bool:
        """Something else nearby is clearly stronger: over the whole stem there is no such line."""
        return self.over_rest_db < DENIED_DB


def find_standing_line(
    line: NDArray[np.complex64], around: NDArray[np.float32], hop_s: float, within_hz: float
) -> StandingLine | None:
    """The strongest line within `within_hz` of a frequency; None if too little of the stem sounds without a break.

    `line` is complex64 (frames,), the amplitudes there in short frames (phases run on), `around` the energy about it.
    """
    size = round(LONG_S / hop_s)
    starts = np.arange(0, len(line) - size + 1, size // STEPS_PER_FRAME)
    alive = np.cumsum(np.r_[0, around > DEAD])
    starts = starts[alive[starts + size] - alive[starts] == size] if len(starts) else starts
    if len(starts) < MIN_LONG_FRAMES:
        return None
    offsets_hz = _offsets_hz()
    total, noise = _add_up(line, starts, size, hop_s)
    near = np.flatnonzero(np.abs(offsets_hz) <= within_hz + 1e-9)
    best = int(near[total[near].argmax()])
    rest = total[np.abs(offsets_hz - offsets_hz[best]) > 1.2 / LONG_S]
    amplitude = float(total[best])
    free = starts[noise <= amplitude**2] if (noise <= amplitude**2).any() else starts
    return StandingLine(
        offset_hz=float(offsets_hz[best]),
        level_dbfs=_db(amplitude),
        over_rest_db=_db(amplitude) - _db(float(rest.max())),
        over_median_db=_db(amplitude) - _db(float(np.median(rest))),
        lasts=_lasts(line, around, amplitude),
        where=(float(free[0] * hop_s), float((free[-1] + size + 1) * hop_s)),
    )


def _add_up(
    line: NDArray[np.complex64], starts: NDArray[np.int64], size: int, hop_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Amplitude at each offset, mean over the segments weighted by what is left free; and noise per long frame."""
    kernel, turns = _tables(size, hop_s)
    beside = np.flatnonzero(np.abs(_offsets_hz()) > BESIDE_HZ)
    total, weights, noises = np.zeros(kernel.shape[1]), 0.0, []
    segments = (starts * hop_s / SEGMENT_S).astype(int)
    windows = np.lib.stride_tricks.sliding_window_view(line, size)
    for segment in np.unique(segments):
        first = starts[segments == segment]
        frames = windows[first] @ kernel
        power = np.square(frames.real) + np.square(frames.imag)
        noise = np.median(power[:, beside], axis=1) + 1e-14
        # Only phases within a segment count, so they may run from its first frame on.
        turned = frames * turns[(first - first[0]) // (size // STEPS_PER_FRAME)]
        total += np.abs((turned / noise[:, None]).sum(axis=0))
        weights += float((1 / noise).sum())
        noises.append(noise)
    return total / weights, np.concatenate(noises)


def _offsets_hz() -> NDArray[np.float64]:
    reach = round(REACH_HZ / STEP_HZ)
    return np.asarray(np.arange(-reach, reach + 1) * STEP_HZ)


@lru_cache(maxsize=8)
def _tables(size: int, hop_s: float) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """What tells offsets apart within a long frame, (size, offsets), and how phases turn from frame to frame."""
    window = np.hanning(size + 2)[1:-1]
    inside = np.outer(np.arange(size) * hop_s, _offsets_hz())
    kernel = (window / window.sum())[:, None] * np.exp(-2j * np.pi * inside)
    step = size // STEPS_PER_FRAME
    between = np.outer(np.arange(math.ceil(SEGMENT_S / hop_s / step) + 2) * step * hop_s, _offsets_hz())
    return kernel.astype(np.complex64), np.exp(-2j * np.pi * between).astype(np.complex64)


def may_last(line: NDArray[np.complex64], around: NDArray[np.float32], least: float) -> bool:
    """Whether a line of at least this amplitude can be there throughout, going by the quietest frames alone."""
    there, room = _in_quiet(line, around)
    return there >= DECAYED * least and (there / DECAYED) ** 2 >= LEAST_SHARE * room


def _lasts(line: NDArray[np.complex64], around: NDArray[np.float32], amplitude: float) -> bool:
    """Whether the line is much of the quietest tenth of the short frames: between the strokes of a drum it is not."""
    there, room = _in_quiet(line, around)
    return there >= DECAYED * amplitude and amplitude**2 >= LEAST_SHARE * room


def _in_quiet(line: NDArray[np.complex64], around: NDArray[np.float32]) -> tuple[float, float]:
    """Median amplitude of the line, and median energy around it, in the quietest tenth of the live short frames."""
    live = np.flatnonzero(around > DEAD)
    if len(live) == 0:
        return 0.0, 0.0
    quiet = live[np.argsort(around[live], kind="stable")[: max(4, len(live) // 10)]]
    return float(np.median(np.abs(line[quiet]))), float(np.median(around[quiet]))


def _db(amplitude: float) -> float:
    return 20 * float(np.log10(amplitude + 1e-12))
