"""Mains hum: a line at 50 or 60 Hz that stands still under the music.

`LowBand` follows the mains lines (and DC) of one channel, block by block; `find_hum` judges what it gathered, with two
witnesses: the whole stem (`mixingbuddy.tools.standing_line`), and its quietest frames (below).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.standing_line import DEAD, find_standing_line, may_last

MAINS_HZ = (50.0, 60.0)
HARMONICS = (1, 2, 3, 4, 5)
FRAME_S = 0.25
FRAME_HOP_S = 0.125
LOW_RATE_HZ = 1200
FILTER_BLOCKS = 10
TRANSFORMED_S = 8.0  # at once
QUIET_SHARE = 0.2
MIN_QUIET_FRAMES = 8
EXACTNESS_HZ = 0.3  # per harmonic; the nearest notes, G1 and B1, are 1.0 and 1.7 Hz away
ALONE_HZ = 0.06  # of the fundamental; mains keep within 0.05 Hz nearly always
SAME_HUM_HZ = 0.12  # how exactly a harmonic is a multiple of the fundamental, in stems of 7 s
STEADY_DRIFT_DB = 1.5
LINE_SHARE = 0.3  # of the energy of the line and its two neighbours
HUM_FLOOR_DBFS = -80.0
BELOW_PROGRAMME_DB = 12.0


class LowBand:
    """Complex amplitudes at the mains frequencies and at zero, every 125 ms, of one channel."""

    def __init__(self, sample_rate_hz: int) -> None:
        self.step = max(1, sample_rate_hz // LOW_RATE_HZ)
        self.low_rate_hz = sample_rate_hz / self.step
        self._frame, self._hop = round(FRAME_S * self.low_rate_hz), round(FRAME_HOP_S * self.low_rate_hz)
        self.hop_s = self._hop / self.low_rate_hz
        self._taps = _low_pass(self.step)
        self._table = _table(self._frame, self.low_rate_hz)
        self._left: NDArray[np.float32] = np.zeros(0, np.float32)
        self._low: NDArray[np.float32] = np.zeros(0, np.float32)
        self._frames = 0
        self._parts: list[tuple[NDArray[np.float32], NDArray[np.complex64], NDArray[np.float32]]] = []

    def update(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples of the channel."""
        joined = np.concatenate([self._left, samples]) if len(self._left) else samples
        blocks = len(joined) // self.step
        outputs = blocks - FILTER_BLOCKS + 1
        if outputs < 1:
            self._left = joined.copy()
            return
        # One product filters and thins: each block by every part of the filter, then the parts of one output added.
        partial = self._taps @ joined[: blocks * self.step].reshape(blocks, self.step).T
        low = partial[0, :outputs].copy()
        for k in range(1, FILTER_BLOCKS):
            low += partial[k, k : k + outputs]
        self._left = joined[outputs * self.step :].copy()
        self._low = np.concatenate([self._low, low])
        if len(self._low) >= TRANSFORMED_S * self.low_rate_hz:
            self._transform()

    @property
    def held_s(self) -> float:
        """Seconds gathered since the last `take`."""
        return sum(len(part[0]) for part in self._parts) * self.hop_s

    def take(self) -> "LowFrames":
        """The frames since the last time; they are not kept."""
        self._transform()
        parts, self._parts = self._parts, []
        if not parts:
            empty = np.zeros((0, len(MAINS_HZ), len(HARMONICS)))
            return LowFrames(self.hop_s, np.zeros(0, np.float32), empty.astype(np.complex64), empty.astype(np.float32))
        dc, lines, around = (np.concatenate([part[i] for part in parts]) for i in range(3))
        return LowFrames(self.hop_s, dc, lines, around)

    def _transform(self) -> None:
        count = (len(self._low) - self._frame) // self._hop + 1
        if count < 1:
            return
        frames = np.lib.stride_tricks.sliding_window_view(self._low, self._frame)[:: self._hop][:count]
        both = np.ascontiguousarray(frames) @ self._table
        self._low = self._low[count * self._hop :].copy()
        dc, rest = both[:, 0].copy(), both[:, 1:].reshape(count, 2, 3, len(MAINS_HZ), len(HARMONICS))
        values = rest[:, 0] + 1j * rest[:, 1]
        # Phases run on from the stem's start, so that frames can be compared.
        at_s = (self._frames + np.arange(count)) * self.hop_s
        turn = np.exp(-2j * np.pi * at_s[:, None, None] * _line_hz()[0][None])
        around = np.square(np.abs(values)).sum(axis=1)
        self._parts.append((dc, (values[:, 0] * turn).astype(np.complex64), around.astype(np.float32)))
        self._frames += count


@dataclass(frozen=True)
class LowFrames:
    """Result of `LowBand`: DC (frames,); line amplitudes and energy around each, (frames, mains, harmonics)."""

    hop_s: float
    dc: NDArray[np.float32]
    lines: NDArray[np.complex64]
    around: NDArray[np.float32]


def _line_hz() -> NDArray[np.float64]:
    """(3, mains, harmonics): the line itself, and a probe on either side."""
    lines = np.outer(MAINS_HZ, HARMONICS)
    side = 0.25 * np.array(MAINS_HZ)[:, None]
    return np.stack([lines, lines - side, lines + side])


def _low_pass(step: int) -> NDArray[np.float32]:
    """Windowed sinc, cut off at half of the low rate, as (blocks, step)."""
    length = FILTER_BLOCKS * step
    taps = np.sinc((np.arange(length) - (length - 1) / 2) / step) * np.hamming(length)
    return np.asarray((taps / taps.sum()).reshape(FILTER_BLOCKS, step), np.float32)


def _table(frame: int, rate_hz: float) -> NDArray[np.float32]:
    """Hann-windowed DFT at DC and the lines, as (frame, 1 + 2 * lines): a sine of amplitude 1 gives 1."""
    window = np.hanning(frame + 2)[1:-1]
    window = window / window.sum()
    phase = -2j * np.pi * np.outer(np.arange(frame) / rate_hz, _line_hz().ravel())
    kernel = 2 * window[:, None] * np.exp(phase)
    return np.concatenate([window[:, None], kernel.real, kernel.imag], axis=1).astype(np.float32)


class Hum(BaseModel):
    """A steady line at the mains frequency, and its harmonics."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    fundamental_hz: float = Field(description="measured frequency of the fundamental, Hz")
    mains_hz: float = Field(description="50 or 60, Hz")
    level_dbfs: float = Field(description="level of the strongest line, dB re a full-scale sine (AES17)")
    lines_dbfs: tuple[tuple[float, float], ...] = Field(description="each steady line: frequency (Hz) and level (dBFS)")
    where: tuple[float, float] = Field(description="first and last place where it stands free, s")
    sure: bool = Field(description="two lines or more; a line without harmonics may be a held tone")


def find_hum(frames: LowFrames, loudest_dbfs: float) -> Hum | None:
    """The stronger of 50 and 60 Hz hum in one channel whose loudest 400 ms have `loudest_dbfs` RMS; None without.

    Hum is there in the quiet frames too, keeps its level and frequency, and sits within 0.3 Hz of the mains. A drum
    decays, a note sits elsewhere, and what is nearly as loud as the programme is programme.
    """
    found = []
    for index, mains_hz in enumerate(MAINS_HZ):
        lines = []
        for position, harmonic in enumerate(HARMONICS):
            line = _line(frames.lines[:, index, position], frames.around[:, index, position], frames.hop_s, harmonic)
            if line is not None and line.level_dbfs <= loudest_dbfs - BELOW_PROGRAMME_DB:
                lines.append(line)
        # Harmonics are exact multiples; without the fundamental at least two must speak.
        lines = [
            line for line in lines if abs(line.offset_hz - line.harmonic * lines[0].per_harmonic_hz) <= line.blur_hz
        ]
        if lines and (lines[0].harmonic == 1 or len(lines) >= 2):
            found.append(_hum(mains_hz, lines))
    return max(found, key=lambda hum: (len(hum.lines_dbfs), hum.level_dbfs), default=None)


@dataclass(frozen=True)
class _Line:
    harmonic: int
    offset_hz: float
    level_dbfs: float
    where: tuple[float, float]
    blur_hz: float

    @property
    def per_harmonic_hz(self) -> float:
        return self.offset_hz / self.harmonic


def _hum(mains_hz: float, lines: list[_Line]) -> Hum:
    weights = [line.harmonic for line in lines]  # the higher ones tell the frequency more exactly
    return Hum(
        fundamental_hz=mains_hz + float(np.average([line.per_harmonic_hz for line in lines], weights=weights)),
        mains_hz=mains_hz,
        level_dbfs=max(line.level_dbfs for line in lines),
        lines_dbfs=tuple((line.harmonic * mains_hz + line.offset_hz, line.level_dbfs) for line in lines),
        where=lines[0].where,
        sure=len(lines) >= 2,
    )


def _line(line: NDArray[np.complex64], around: NDArray[np.float32], hop_s: float, harmonic: int) -> _Line | None:
    """The line, if the whole stem shows it, or its quietest frames do and the whole stem does not deny it."""
    steady = _steady_line(line, around, hop_s, harmonic)
    if steady is None and not may_last(line, around, 10 ** (HUM_FLOOR_DBFS / 20)):
        return None
    standing = find_standing_line(line, around, hop_s, EXACTNESS_HZ if harmonic > 1 else ALONE_HZ)
    if standing is not None and standing.clear and standing.level_dbfs >= HUM_FLOOR_DBFS:
        return _Line(harmonic, standing.offset_hz, standing.level_dbfs, standing.where, SAME_HUM_HZ)
    return None if standing is not None and standing.denied else steady


def _steady_line(line: NDArray[np.complex64], around: NDArray[np.float32], hop_s: float, harmonic: int) -> _Line | None:
    """The line, if it is steady in the quietest fifth of the live frames."""
    live = around > DEAD
    live[1:-1] &= live[:-2] & live[2:]  # frames next to digital silence hold only a part of the sound
    where = np.flatnonzero(live)
    count = max(MIN_QUIET_FRAMES, int(QUIET_SHARE * len(where)))
    if len(where) < 2 * MIN_QUIET_FRAMES:
        return None
    quiet = np.sort(where[np.argsort(around[where], kind="stable")[:count]])
    level_db = 20 * np.log10(np.abs(line) + 1e-12)
    low_db, middle_db, high_db = np.percentile(level_db[quiet], [20, 50, 80])
    share = float(np.median(np.square(np.abs(line[quiet])) / around[quiet]))
    if middle_db < HUM_FLOOR_DBFS or share < LINE_SHARE or _drift_db(level_db, quiet) > STEADY_DRIFT_DB:
        return None
    # The quietest frames of a note may all lie at one phase of its beat; only its neighbours tell its frequency.
    after = quiet[quiet < len(line) - 1]
    after = after[np.abs(level_db[after + 1] - level_db[after]) < 3.0]
    turns = line[after + 1] * np.conj(line[after])
    beat_hz = float(np.angle((turns / np.abs(turns)).sum())) / (2 * np.pi * hop_s)
    if len(after) < 3 or abs(beat_hz) > 0.5:
        return None
    offset_hz, coherence = _phase_fit(line[quiet], quiet * hop_s)
    spread_db = high_db - low_db
    steady = (spread_db <= 3.0 and coherence >= 0.85) or (spread_db <= 5.0 and coherence >= 0.93 and count >= 16)
    if not steady or abs(offset_hz) > min(0.5, EXACTNESS_HZ * harmonic):
        return None
    return _Line(
        harmonic, offset_hz, float(middle_db), (float(quiet[0] * hop_s), float(quiet[-1] * hop_s) + FRAME_S), 0.3
    )


def _drift_db(level_db: NDArray[np.float64], quiet: NDArray[np.int64]) -> float:
    """How much the level changes within a quarter second before or after a typical quiet frame: a decay does."""
    last = len(level_db) - 1
    before = np.abs(level_db[np.maximum(quiet - 2, 0)] - level_db[quiet]) + np.where(quiet < 2, 99.0, 0.0)
    after = np.abs(level_db[np.minimum(quiet + 2, last)] - level_db[quiet]) + np.where(quiet > last - 2, 99.0, 0.0)
    return float(np.median(np.minimum(before, after)))


def _phase_fit(
    values: NDArray[np.complex64], at_s: NDArray[np.floating[Any]], segment_s: float = 16.0
) -> tuple[float, float]:
    """Frequency offset (Hz) at which the phases stand still within each 16 s (mains drifts), and how still: 0 to 1."""
    offsets_hz = np.arange(-2.0, 2.001, 0.02)
    total = np.zeros(len(offsets_hz))
    segments = (at_s / segment_s).astype(int)
    for segment in np.unique(segments):
        inside = segments == segment
        total += np.abs(np.exp(-2j * np.pi * np.outer(offsets_hz, at_s[inside])) @ values[inside])
    best = int(total.argmax())
    return float(offsets_hz[best]), float(total[best] / np.abs(values).sum())
