"""Which stem hides which: in which bands, when, and by how much.

Per frame and ERB band a stem is audible while its excitation is above the masked threshold that all other stems set
together (`mixingbuddy.tools.erb`). The method, its limits and the calibration are in `docs/masking.md`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.erb import ErbBands, Floats, Power, hearing
from mixingbuddy.tools.masking_events import MaskingEvent, find_events
from mixingbuddy.tools.masking_sums import LIMIT_DB, MaskingSums, in_blocks, sum_frames

__all__ = ["HiddenMap", "Masking", "MaskingEvent", "PairMasking", "Region", "StemMasking", "measure_masking"]

SILENT = "silent"
TOO_QUIET = "below the threshold of hearing throughout"
LISTENING_DB_SPL = 78.0  # where engineers monitor; the sounding part of the mix has this mean level
LOUDEST_FULL_SCALE_DB_SPL = 120.0  # the volume control ends here: a very quiet mix stays quiet
REGIONS_HZ = (
    ("low", 0.0, 150.0), ("low-mid", 150.0, 500.0), ("mid", 500.0, 2000.0),
    ("high-mid", 2000.0, 5000.0), ("high", 5000.0, 20000.0),
)  # fmt: skip
_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
_BELOW_MEAN, _BELOW_NEARBY, _AROUND_S = 10**-2.0, 10**-1.2, 1.5  # -20 dB, -12 dB, s
_MOST_BLOCKS = 1300  # kept per song
_MOST_COLUMNS = 400  # of the map


class Region(BaseModel):
    """A named part of the spectrum."""

    model_config = _RESULT

    name: str
    low_hz: float = Field(description="lower edge of its lowest band, Hz")
    high_hz: float = Field(description="upper edge of its highest band, Hz")


class StemMasking(BaseModel):
    """How much of one stem can be heard in the mix while it sounds."""

    model_config = _RESULT

    name: str
    audible_energy_share: float | None = Field(
        ge=0, le=1, description="share of its energy (at the ear) above threshold"
    )
    audible_loudness_share: float | None = Field(
        ge=0,
        le=1,
        description="share of its loudness when alone that is above threshold; every band counts as it is heard",
    )
    unmeasured: str | None = Field(default=None, description="why the values are null")


class PairMasking(BaseModel):
    """How far one stem (target) stands above the threshold that another one alone (masker) sets."""

    model_config = _RESULT

    masker: str
    target: str
    signal_to_mask_db: tuple[float | None, ...] = Field(
        description="one per region, dB, energy means while the target sounds, within +-60; below 0 it is hidden; "
        "null where the target has no sound"
    )


class Masking(BaseModel):
    """Partial masking in a song."""

    model_config = _RESULT

    regions: tuple[Region, ...]
    stems: tuple[StemMasking, ...]
    pairs: tuple[PairMasking, ...]
    events: tuple[MaskingEvent, ...] = Field(description="most important first, at most three per stem")

    def stem(self, name: str) -> StemMasking | None:
        return next((stem for stem in self.stems if stem.name == name), None)

    def ratio_db(self, masker: str, target: str, region: str) -> float | None:
        """Signal-to-mask ratio of one pair in one region, dB; None where there is none."""
        pair = next((pair for pair in self.pairs if (pair.masker, pair.target) == (masker, target)), None)
        index = next((index for index, known in enumerate(self.regions) if known.name == region), None)
        return None if pair is None or index is None else pair.signal_to_mask_db[index]


@dataclass(frozen=True)
class HiddenMap:
    """Where each stem is hidden, for pictures: float32 (stems, times, bands) of the share of its loudness that is
    hidden and of the loudness itself (re the loudest cell of the song); `edges_hz` (bands + 1,)."""

    hidden_share: Power
    loudness: Power
    edges_hz: Floats
    column_s: float


def measure_masking(
    names: Sequence[str],
    band_power: Power,
    frame_s: float,
    bands: ErbBands,
    listening_db_spl: float = LISTENING_DB_SPL,
    full_scale_db_spl: float | None = None,
) -> tuple[Masking, HiddenMap]:
    """Measure what every stem hides of every other one, and where.

    `band_power` is float32 (stems, frames, bands): mean square re full scale (a sine of full scale has 0.5), mean over
    channels, of frames that follow each other every `frame_s` seconds. The mix is heard at `listening_db_spl`, or, if
    `full_scale_db_spl` is given, at the volume that gives a sine of full scale this level. Raises ValueError for an
    array of another shape or one that is not finite.
    """
    if band_power.ndim != 3 or band_power.shape[::2] != (len(names), len(bands)) or not frame_s > 0:
        raise ValueError(
            f"band power of shape {band_power.shape} every {frame_s} s for {len(names)} stems and {len(bands)} bands; "
            "give (stems, frames, bands) and seconds above 0"
        )
    mix = band_power.sum(axis=(0, 2), dtype=np.float64)
    if not np.isfinite(mix).all():
        raise ValueError("band power holds values that are not finite; check the stems for NaN")
    regions = _regions(bands)
    block = max(2, -(-len(mix) // _MOST_BLOCKS))
    volume = _volume(mix, frame_s, listening_db_spl, full_scale_db_spl)
    sounds = _sounding(band_power.sum(axis=2, dtype=np.float64), frame_s)
    ranges = [inside for _, inside in regions]
    sums = sum_frames(np.asarray(band_power, np.float32), sounds, volume, hearing(bands), ranges, block)
    events = [
        event for target in range(len(names)) for event in find_events(names, target, sums, bands, block * frame_s)
    ]
    end_s = len(mix) * frame_s
    masking = Masking(
        regions=tuple(region for region, _ in regions),
        stems=tuple(_stem(name, sums, index) for index, name in enumerate(names)),
        pairs=tuple(_pairs(names, sums)),
        events=tuple(
            event.model_copy(update={"end_s": min(event.end_s, end_s)})
            for event in sorted(events, key=lambda event: -event.importance)
        ),
    )
    return masking, _hidden_map(sums, bands, block * frame_s)


def _hidden_map(sums: MaskingSums, bands: ErbBands, block_s: float) -> HiddenMap:
    together = max(1, -(-sums.loudness.shape[1] // _MOST_COLUMNS))
    loudness, hidden = in_blocks(sums.loudness, together), in_blocks(sums.hidden, together)
    share = np.where(loudness > 0, hidden / np.maximum(loudness, np.float32(1e-12)), 0)
    loudest = max(float(loudness.max(initial=0.0)), 1e-12)
    return HiddenMap(share.astype(np.float32), loudness / np.float32(loudest), bands.edges_hz, together * block_s)


def _volume(mix: Floats, frame_s: float, listening_db_spl: float, full_scale_db_spl: float | None) -> float:
    """Factor from mean square re full scale to power re 0 dB SPL."""
    loudest = 10 ** (LOUDEST_FULL_SCALE_DB_SPL / 10) / 0.5
    if full_scale_db_spl is not None:
        return float(10 ** (full_scale_db_spl / 10) / 0.5)
    sounding = mix[_sounding(mix, frame_s)]
    return min(loudest, float(10 ** (listening_db_spl / 10) / sounding.mean())) if len(sounding) else loudest


def _sounding(power: Floats, frame_s: float) -> NDArray[np.bool_]:
    """Which frames sound: at most 20 dB under the mean of all that hold anything, 12 dB under that of 1.5 s around.

    `power` is (..., frames). The second condition leaves out the tails between phrases, but no quiet verse.
    """
    active = np.maximum((power > 0).sum(axis=-1, keepdims=True), 1)
    around = max(1, round(_AROUND_S / frame_s))
    ends = np.arange(power.shape[-1])
    first, last = np.maximum(ends - around, 0), np.minimum(ends + around + 1, power.shape[-1])
    sums = np.concatenate([np.zeros((*power.shape[:-1], 1)), np.cumsum(power, axis=-1)], axis=-1)
    nearby = (sums[..., last] - sums[..., first]) / (last - first)
    floor = np.maximum(_BELOW_MEAN * power.sum(axis=-1, keepdims=True) / active, _BELOW_NEARBY * nearby)
    return np.asarray((power > 0) & (power >= floor))


def _regions(bands: ErbBands) -> list[tuple[Region, slice]]:
    regions = []
    for name, low_hz, high_hz in REGIONS_HZ:
        inside = np.flatnonzero((bands.centers_hz >= low_hz) & (bands.centers_hz < high_hz))
        if len(inside):
            first, end = int(inside[0]), int(inside[-1]) + 1
            edges = Region(name=name, low_hz=float(bands.edges_hz[first]), high_hz=float(bands.edges_hz[end]))
            regions.append((edges, slice(first, end)))
    return regions


def _stem(name: str, sums: MaskingSums, index: int) -> StemMasking:
    energy, audible = sums.energy[index]
    loudness, hidden = sums.loudness[index].sum(dtype=float), sums.hidden[index].sum(dtype=float)
    return StemMasking(
        name=name,
        audible_energy_share=min(1.0, audible / energy) if energy > 0 else None,
        audible_loudness_share=max(0.0, 1 - hidden / loudness) if loudness > 0 else None,
        unmeasured=SILENT if energy <= 0 else TOO_QUIET if loudness <= 0 else None,
    )


def _pairs(names: Sequence[str], sums: MaskingSums) -> Iterator[PairMasking]:
    ratios = sums.region_signal[:, None, :] / np.maximum(sums.region_mask, 1e-30)
    ratios_db = np.clip(10 * np.log10(np.maximum(ratios, 1e-30)), -LIMIT_DB, LIMIT_DB)
    for target, name in enumerate(names):
        there = sums.region_signal[target] > 0
        for masker in (index for index in range(len(names)) if index != target):
            values = tuple(float(v) if ok else None for v, ok in zip(ratios_db[target, masker], there, strict=True))
            yield PairMasking(masker=names[masker], target=name, signal_to_mask_db=values)
