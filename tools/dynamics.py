"""Peaks against level: crest factor, PLR and DR, from one small record per 100 ms.

The record grows by a few numbers per 100 ms and channel, so a session of an hour is measured block by block:
`HopMeter.update(block)` as often as there are blocks, then `HopMeter.result()`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.findings import Finding

Values = NDArray[np.float64]

HOP_S = 0.1
HOPS_PER_BLOCK = 4  # 400 ms, the block of BS.1770
HOPS_PER_DR_BLOCK = 30  # 3 s, the block of the DR meter
DR_LOUDEST_SHARE = 0.2
SILENT_DBFS = -70.0  # the absolute gate of BS.1770, here without K-weighting
SAMPLES_AT_ONCE = 1 << 17
SILENT = "silent"
_FURTHEST = float(np.finfo(np.float32).max)
SHORTER_THAN_DR_BLOCK = "shorter than one 3 s block"
MIX_CREST_DB = (8.0, 20.0)
CREST_SOURCE = "sample peak over RMS in 400 ms blocks; a cautious limit of our own, see docs/hygiene.md"


@dataclass(frozen=True)
class Hops:
    """What `HopMeter` keeps. Arrays are float64 (channels, hops); the last hop may be shorter than the others."""

    sample_rate_hz: int
    samples: int
    mean_square: Values
    highest: Values
    lowest: Values

    @property
    def peak(self) -> Values:
        """Highest absolute sample per channel and hop."""
        return np.maximum(np.abs(self.highest), np.abs(self.lowest))

    @property
    def duration_s(self) -> float:
        return self.samples / self.sample_rate_hz


class HopMeter:
    """Mean square, highest and lowest sample of every 100 ms, fed block by block."""

    def __init__(self, sample_rate_hz: int) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.hop = max(1, round(HOP_S * sample_rate_hz))
        self._samples = 0
        self._parts: list[_Sums] = []

    def update(self, block: Audio) -> None:
        """Take the next samples, float32 (channels, samples) of any length."""
        from mixingbuddy.tools.kernels import hop_extremes, hop_squares

        place = self._samples % self.hop
        hops = -(-(place + block.shape[1]) // self.hop)
        sums = _Sums(
            np.zeros((block.shape[0], hops)),
            np.full((block.shape[0], hops), -_FURTHEST, np.float32),
            np.full((block.shape[0], hops), _FURTHEST, np.float32),
        )
        if place and self._parts:
            last = self._parts.pop()
            self._parts.append(last[:, :-1])
            sums.squares[:, 0], sums.highest[:, 0], sums.lowest[:, 0] = (
                part[:, -1] for part in (last.squares, last.highest, last.lowest)
            )
        block = np.ascontiguousarray(block, np.float32)
        hop_squares(block, self.hop, place, sums.squares)
        hop_extremes(block, self.hop, place, sums.highest, sums.lowest)
        self._samples += block.shape[1]
        self._parts.append(sums)

    def latest(self) -> tuple[Values, Values]:
        """Highest and lowest sample of the latest block's hops, each (channels,)."""
        return self._parts[-1].highest.max(axis=1), self._parts[-1].lowest.min(axis=1)

    def result(self) -> Hops:
        """Everything so far; may be called again after more updates."""
        parts = self._parts or [_Sums(np.zeros((1, 0)), np.zeros((1, 0), np.float32), np.zeros((1, 0), np.float32))]
        squares, highest, lowest = (
            np.concatenate([getattr(part, name) for part in parts], axis=1) for name in ("squares", "highest", "lowest")
        )
        lengths = np.full(squares.shape[1], self.hop)
        lengths[-1:] -= -self._samples % self.hop
        return Hops(
            self.sample_rate_hz, self._samples, squares / lengths, highest.astype(np.float64), lowest.astype(np.float64)
        )


@dataclass(frozen=True)
class _Sums:
    """Sums of squares and extremes per hop, (channels, hops)."""

    squares: Values
    highest: NDArray[np.float32]
    lowest: NDArray[np.float32]

    def __getitem__(self, chosen: tuple[slice, slice]) -> "_Sums":
        return _Sums(self.squares[chosen], self.highest[chosen], self.lowest[chosen])


def hops_of(audio: Audio, sample_rate_hz: int) -> Hops:
    """The 100 ms record of a whole array, float32 (channels, samples)."""
    meter = HopMeter(sample_rate_hz)
    for start in range(0, audio.shape[1], SAMPLES_AT_ONCE):
        meter.update(audio[:, start : start + SAMPLES_AT_ONCE])
    return meter.result()


class Dynamics(BaseModel):
    """How far the peaks of a stem or mix stand above its level."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    crest_db: float | None = Field(description="highest sample over RMS of the whole, of the channel with the peak, dB")
    block_crest_db: float | None = Field(description="median crest factor of the sounding 400 ms blocks, dB")
    plr_lu: float | None = Field(description="peak to loudness ratio: true peak minus integrated loudness, LU")
    dr_db: float | None = Field(description="DR: second highest 3 s peak over the RMS of the loudest fifth, dB")
    level_range_db: float | None = Field(ge=0, description="95th minus 10th percentile of sounding 400 ms RMS, dB")
    unmeasured: str | None = Field(default=None, description="why a value is null")


def measure_dynamics(hops: Hops, loudness_lufs: float | None = None, true_peak_dbtp: float | None = None) -> Dynamics:
    """Dynamics from the 100 ms record, and PLR where loudness and true peak are given.

    PLR: AES Technical Document AESTD1008, and Skovenborg (2012), "Measures of microdynamics", AES 133.
    DR: Pleasurize Music Foundation (2009), "DR14" meter: per channel, sqrt(2) times RMS, so a full-scale sine has DR 0.
    Level range: percentiles of EBU Tech 3342, on unweighted RMS.
    """
    peak = float(hops.peak.max(initial=0.0))
    if peak < 10 ** (-90 / 20):
        return Dynamics(
            crest_db=None, block_crest_db=None, plr_lu=None, dr_db=None, level_range_db=None, unmeasured=SILENT
        )
    loudest = int(hops.peak.max(axis=1).argmax())
    blocks_ms, blocks_peak = (
        _blocks(hops.mean_square, HOPS_PER_BLOCK, "mean"),
        _blocks(hops.peak, HOPS_PER_BLOCK, "max"),
    )
    sounding = blocks_ms.sum(axis=0) > 10 ** (SILENT_DBFS / 10)
    dr_db = _dr_db(hops)
    reasons = [
        None if loudness_lufs is not None and true_peak_dbtp is not None else "no PLR without loudness and true peak",
        None if sounding.any() else f"below {SILENT_DBFS:.0f} dBFS or shorter than 400 ms throughout",
        None if dr_db is not None else SHORTER_THAN_DR_BLOCK,
    ]
    return Dynamics(
        crest_db=_crest_db(peak, _whole_mean_square(hops, loudest)),
        block_crest_db=_median_crest_db(blocks_ms[:, sounding], blocks_peak[:, sounding]),
        plr_lu=true_peak_dbtp - loudness_lufs if loudness_lufs is not None and true_peak_dbtp is not None else None,
        dr_db=dr_db,
        level_range_db=_level_range_db(blocks_ms[:, sounding]),
        unmeasured="; ".join(reason for reason in reasons if reason) or None,
    )


def dynamics_findings(dynamics: Mapping[str, Dynamics], mix: Dynamics | None = None) -> tuple[Finding, ...]:
    """What is worth saying: a mix whose peaks are flattened. Single stems may have any crest, so they stay silent."""
    if mix is None or mix.block_crest_db is None or mix.block_crest_db >= MIX_CREST_DB[0]:
        return ()
    flattest = sorted((d.block_crest_db, name) for name, d in dynamics.items() if d.block_crest_db is not None)[:1]
    where_to_look = f" Start with '{flattest[0][1]}' ({flattest[0][0]:.1f} dB)." if flattest else ""
    return (
        Finding(
            kind="low_crest",
            stems=tuple(name for _, name in flattest),
            value=mix.block_crest_db,
            unit="dB",
            expected=MIX_CREST_DB,
            severity="minor",
            source=CREST_SOURCE,
            text=f"The mix's peaks stand only {mix.block_crest_db:.1f} dB above its level in a typical 400 ms; take "
            f"back limiting or compression until it is at least {MIX_CREST_DB[0]:.0f} dB.{where_to_look}",
        ),
    )


def _blocks(values: Values, hops_per_block: int, how: str) -> Values:
    """(channels, hops) as (channels, blocks) of whole blocks."""
    whole = values.shape[1] - values.shape[1] % hops_per_block
    blocks = values[:, :whole].reshape(values.shape[0], -1, hops_per_block)
    return np.asarray(blocks.mean(axis=2) if how == "mean" else blocks.max(axis=2))


def _whole_mean_square(hops: Hops, channel: int) -> float:
    hop = max(1, round(HOP_S * hops.sample_rate_hz))
    lengths = np.full(hops.mean_square.shape[1], hop, dtype=np.float64)
    lengths[-1] = hops.samples - hop * (len(lengths) - 1)
    return float((hops.mean_square[channel] * lengths).sum() / lengths.sum())


def _crest_db(peak: float, mean_square: float) -> float:
    return max(0.0, 20 * math.log10(peak) - 10 * math.log10(max(mean_square, 1e-30)))


def _median_crest_db(mean_square: Values, peak: Values) -> float | None:
    """Median over blocks, of the channel with the higher peak in each."""
    if mean_square.shape[1] == 0:
        return None
    louder = peak.argmax(axis=0)[None]
    chosen_peak = np.take_along_axis(peak, louder, 0)[0]
    chosen_ms = np.take_along_axis(mean_square, louder, 0)[0]
    return float(np.median(20 * np.log10(chosen_peak) - 10 * np.log10(chosen_ms)))


def _level_range_db(mean_square: Values) -> float | None:
    if mean_square.shape[1] == 0:
        return None
    low_db, high_db = np.percentile(10 * np.log10(mean_square.mean(axis=0)), [10, 95])
    return float(high_db - low_db)


def _dr_db(hops: Hops) -> float | None:
    """Mean DR of the channels that sound."""
    mean_square = _blocks(hops.mean_square, HOPS_PER_DR_BLOCK, "mean")
    peak = _blocks(hops.peak, HOPS_PER_DR_BLOCK, "max")
    values = []
    for channel_ms, channel_peak in zip(mean_square, peak, strict=True):
        loudest = np.sort(channel_ms)[::-1][: max(1, round(DR_LOUDEST_SHARE * len(channel_ms)))]
        if len(channel_ms) and loudest.mean() > 10 ** (SILENT_DBFS / 10):
            second_peak = float(np.sort(channel_peak)[-2:][0])
            values.append(20 * math.log10(max(second_peak, 1e-9)) - 10 * math.log10(2 * float(loudest.mean())))
    return float(np.mean(values)) if values else None
