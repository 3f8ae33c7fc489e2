"""Faults of single stems: clipping, DC offset, silence, noise floor and mains hum.

`HygieneMeter.update(block)` as often as there are blocks, then `.result()`: memory grows by under 1 kB per second of
stereo audio. Measure the file's own samples: resampling rounds flat tops off, and they are no longer found.
"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.clipping import Clipping, FlatTops, find_clipping
from mixingbuddy.tools.dynamics import SAMPLES_AT_ONCE, HopMeter, Hops
from mixingbuddy.tools.erb import ear_gain_db, quiet_threshold_db
from mixingbuddy.tools.findings import Finding, Severity
from mixingbuddy.tools.hum import HUM_FLOOR_DBFS, Hum, LowBand, find_hum

SILENT_DBFS = -60.0  # FFmpeg's silencedetect and most editors start there
PAUSE_DB = 20.0
MIN_DC_FRAMES = 8
DC_MINOR, DC_MAJOR = 0.003, 0.01
NOISE_DBFS = -60.0
STEADY_NOISE_DB = 2.0
LEAST_REST = 0.25  # of the floor's power that hum must leave before the rest is called noise
LOUDEST_DB_SPL = 90.0  # how loud a stem is heard at most when the audibility of its hum is judged
TOO_SHORT = "shorter than 1 s"
JUDGED_S = 300.0  # of a longer stem, hum is judged by so much at a time
NO_PAUSE = "no steady pause to measure it in"


class Hygiene(BaseModel):
    """What is wrong with one stem, or None where it cannot be measured."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    duration_s: float = Field(ge=0, description="length, s")
    clipping: Clipping
    dc_offset: float | None = Field(description="mean of the channel that is furthest off, 1.0 is full scale")
    leading_silence_s: float = Field(ge=0, description="time before the first 100 ms with a sample over -60 dBFS, s")
    trailing_silence_s: float = Field(ge=0, description="time after the last 100 ms with a sample over -60 dBFS, s")
    silent_share: float = Field(ge=0, le=1, description="share of the 100 ms blocks without a sample over -60 dBFS")
    noise_floor_dbfs: float | None = Field(description="RMS of the quietest steady 400 ms blocks, dBFS")
    loudest_dbfs: float | None = Field(description="RMS of the loudest 400 ms, dBFS")
    hum: Hum | None = Field(description="mains hum; None: none found")
    unmeasured: str | None = Field(default=None, description="why a value is null")


class HygieneMeter:
    """Everything above of one stem, fed block by block."""

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        self._hops = HopMeter(sample_rate_hz)
        self._tops = [FlatTops() for _ in range(channels)]
        self._low = [LowBand(sample_rate_hz) for _ in range(channels)]
        self._dc: list[list[NDArray[np.float32]]] = [[] for _ in range(channels)]
        self._hums: list[Hum] = []
        self._judged_s = 0.0

    def update(self, block: Audio) -> None:
        """Take the next samples, float32 (channels, samples) of any length."""
        if block.shape[1] == 0:
            return
        self._hops.update(block)
        for samples, tops, low, highest, lowest in zip(block, self._tops, self._low, *self._hops.latest(), strict=True):
            tops.update(samples, float(highest), float(lowest))
            low.update(samples)
        if self._low[0].held_s >= JUDGED_S:
            self._judge()

    def hops(self) -> Hops:
        """The 100 ms record, for `measure_dynamics`."""
        return self._hops.result()

    def result(self) -> Hygiene:
        """The verdict on everything so far."""
        hops = self._hops.result()
        loudest_dbfs = _loudest_dbfs(hops)
        self._judge()
        dc_offset = max(
            (dc for parts in self._dc if (dc := _dc_offset(np.concatenate(parts))) is not None), key=abs, default=None
        )
        floor_dbfs = _noise_floor_dbfs(hops, loudest_dbfs)
        silent = hops.peak.max(axis=0, initial=0.0) < 10 ** (SILENT_DBFS / 20)
        sounding = np.flatnonzero(~silent)
        first, after = (int(sounding[0]), int(sounding[-1]) + 1) if len(sounding) else (len(silent), len(silent))
        end_s = [min(hop * self._hops.hop / hops.sample_rate_hz, hops.duration_s) for hop in (first, after)]
        reasons = (dc_offset is None and f"DC: {TOO_SHORT}", floor_dbfs is None and f"noise floor: {NO_PAUSE}")
        return Hygiene(
            duration_s=hops.duration_s,
            clipping=find_clipping(self._tops, hops.sample_rate_hz),
            dc_offset=dc_offset,
            leading_silence_s=end_s[0],
            trailing_silence_s=hops.duration_s - end_s[1],
            silent_share=float(silent.mean()) if len(silent) else 1.0,
            noise_floor_dbfs=floor_dbfs,
            loudest_dbfs=loudest_dbfs,
            hum=max(self._hums, key=lambda hum: hum.level_dbfs, default=None),
            unmeasured="; ".join(reason for reason in reasons if reason) or None,
        )

    def _judge(self) -> None:
        """Look for hum in what was gathered, and keep only the verdict and the DC."""
        loudest_dbfs, held_s = _loudest_dbfs(self._hops.result()), self._low[0].held_s
        for low, dc in zip(self._low, self._dc, strict=True):
            frames = low.take()
            dc.append(frames.dc)
            hum = None if loudest_dbfs is None else find_hum(frames, loudest_dbfs)
            if hum is not None:
                where = (hum.where[0] + self._judged_s, hum.where[1] + self._judged_s)
                self._hums.append(hum.model_copy(update={"where": where}))
        self._judged_s += held_s


def measure_hygiene(audio: Audio, sample_rate_hz: int) -> Hygiene:
    """All faults of one stem, float32 (channels, samples) at the file's own rate."""
    meter = HygieneMeter(sample_rate_hz, audio.shape[0])
    for start in range(0, audio.shape[1], SAMPLES_AT_ONCE):
        meter.update(audio[:, start : start + SAMPLES_AT_ONCE])
    return meter.result()


def _dc_offset(dc: NDArray[np.float32]) -> float | None:
    """Median over the frames that hold any sound: one long note, or one that is cut off, does not move it."""
    live = dc[np.abs(dc) > 1e-8]
    if len(dc) >= MIN_DC_FRAMES and len(live) < MIN_DC_FRAMES:
        return 0.0
    if len(live) < MIN_DC_FRAMES:
        return None
    middle = float(np.median(live))
    same = float((live * np.sign(middle) > 0.5 * abs(middle)).mean())
    return middle if same >= 0.75 else 0.0


def _blocks_ms(hops: Hops) -> NDArray[np.float64]:
    """Mean square per hop of the whole 400 ms blocks that are not digital silence, (blocks, 4 hops)."""
    louder = hops.mean_square.max(axis=0, initial=0.0)[: hops.mean_square.shape[1] // 4 * 4].reshape(-1, 4)
    return np.asarray(louder[(louder > 1e-12).all(axis=1)])


def _loudest_dbfs(hops: Hops) -> float | None:
    blocks = _blocks_ms(hops).mean(axis=1)
    return 10 * math.log10(float(blocks.max())) if len(blocks) else None


def _noise_floor_dbfs(hops: Hops, loudest_dbfs: float | None) -> float | None:
    """RMS of the quietest twentieth of the blocks if they are steady and alike: noise is, bleed and tails are not."""
    blocks = _blocks_ms(hops)
    if loudest_dbfs is None or len(blocks) < 5:
        return None
    quiet = blocks[np.argsort(blocks.mean(axis=1))[: max(3, len(blocks) // 20)]]
    floor_dbfs = 10 * math.log10(float(np.median(quiet)))
    uneven_db = float(np.median(10 * np.log10(quiet.max(axis=1) / quiet.min(axis=1))))
    apart_db = 10 * math.log10(float(quiet.mean(axis=1).max() / quiet.mean(axis=1).min()))
    steady = uneven_db <= STEADY_NOISE_DB and apart_db <= STEADY_NOISE_DB
    return floor_dbfs if steady and floor_dbfs <= loudest_dbfs - PAUSE_DB else None


def hygiene_findings(stems: Mapping[str, Hygiene]) -> tuple[Finding, ...]:
    """Every fault worth saying, by stem name; the thresholds are explained in docs/hygiene.md."""
    found = []
    for name, hygiene in stems.items():
        if hygiene.clipping.runs:
            found.append(_clipping_finding(name, hygiene.clipping))
        if hygiene.dc_offset is not None and abs(hygiene.dc_offset) >= DC_MINOR:
            found.append(_dc_finding(name, hygiene.dc_offset, hygiene.duration_s))
        if hygiene.hum is not None:
            found.append(_hum_finding(name, hygiene.hum, hygiene.loudest_dbfs or 0.0))
        found += _noise_findings(name, hygiene)
    return tuple(found)


def _clipping_finding(name: str, clipping: Clipping) -> Finding:
    start_s, end_s = clipping.where[0][0], clipping.where[-1][1]
    tops = "1 flat top" if clipping.runs == 1 else f"{clipping.runs} flat tops"
    place = f"at {start_s:.2f} s" if end_s - start_s < 0.5 else f"between {start_s:.2f} s and {end_s:.2f} s"
    return Finding(
        kind="clipping",
        stems=(name,),
        value=float(clipping.samples),
        unit="samples",
        expected=(0.0, 0.0),
        where=(start_s, end_s),
        severity="major" if clipping.runs >= 10 or clipping.longest_samples >= 30 else "minor",
        source="3 or more equal samples at the stem's own ceiling",
        text=f"'{name}' is clipped: {tops} of up to {clipping.longest_samples} samples at "
        f"{clipping.ceiling_dbfs:+.2f} dBFS {place}; export or record it again with more headroom, or use a declipper.",
    )


def _dc_finding(name: str, dc_offset: float, duration_s: float) -> Finding:
    return Finding(
        kind="dc_offset",
        stems=(name,),
        value=dc_offset,
        unit="full scale",
        expected=(-DC_MINOR, DC_MINOR),
        where=(0.0, duration_s),
        severity="major" if abs(dc_offset) >= DC_MAJOR else "minor",
        source="median of 250 ms means",
        text=f"'{name}' is off centre by {dc_offset:+.3f} of full scale (DC); put a high-pass filter at 20 Hz on it.",
    )


def _hum_finding(name: str, hum: Hum, loudest_dbfs: float) -> Finding:
    overtones = [f"{hz:.0f}" for hz, _ in hum.lines_dbfs if hz > 1.5 * hum.mains_hz]
    with_overtones = f" (also at {', '.join(overtones)} Hz)" if overtones else ""
    return Finding(
        kind="hum",
        stems=(name,),
        value=hum.level_dbfs,
        unit="dBFS",
        expected=(-120.0, HUM_FLOOR_DBFS),
        where=hum.where,
        severity=_hum_severity(hum, loudest_dbfs),
        source="steady line at the mains frequency in the quietest parts",
        text=f"'{name}' {'has' if hum.sure else 'probably has'} mains hum at {hum.fundamental_hz:.1f} Hz, "
        f"{hum.level_dbfs:.0f} dBFS{with_overtones}; notch these frequencies, or look for the ground loop.",
    )


def _hum_severity(hum: Hum, loudest_dbfs: float) -> Severity:
    """Nobody hears most hum: lines under the threshold in quiet, with the stem at 90 dB SPL, are information."""
    lines = np.array(hum.lines_dbfs)
    heard_db_spl = lines[:, 1] - loudest_dbfs + LOUDEST_DB_SPL
    if not (heard_db_spl > quiet_threshold_db(lines[:, 0]) - ear_gain_db(lines[:, 0])).any():
        return "info"
    # A line without harmonics may be a synth that holds a tone: docs/hygiene.md.
    return "major" if hum.sure and hum.level_dbfs > loudest_dbfs - 30 else "minor"


def _noise_findings(name: str, hygiene: Hygiene) -> list[Finding]:
    floor_dbfs, loudest_dbfs = hygiene.noise_floor_dbfs, hygiene.loudest_dbfs
    if floor_dbfs is None or loudest_dbfs is None:
        return []
    # Levels of lines are re a full-scale sine, whose mean square is half.
    lines = () if hygiene.hum is None else hygiene.hum.lines_dbfs
    of_hum = sum(0.5 * 10 ** (level_dbfs / 10) for _, level_dbfs in lines)
    floor = 10 ** (floor_dbfs / 10)
    if floor - of_hum < max(LEAST_REST * floor, 10 ** (NOISE_DBFS / 10)):
        return []
    noise_dbfs = 10 * math.log10(floor - of_hum)
    beside = " beside the hum" if lines else ""
    return [
        Finding(
            kind="noise_floor",
            stems=(name,),
            value=noise_dbfs,
            unit="dBFS",
            expected=(-120.0, NOISE_DBFS),
            where=(0.0, hygiene.duration_s),
            severity="minor" if noise_dbfs > loudest_dbfs - 40 else "info",
            source="RMS of the quietest steady 400 ms blocks",
            text=f"'{name}' has noise of {noise_dbfs:.0f} dBFS{beside} in its pauses; "
            "gate or expand it there, or cut the pauses.",
        )
    ]
