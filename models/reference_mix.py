"""Fit the stems of a song to a stereo mix of it: align, choose windows, cut tiles, solve, judge."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.alignment import as_mono, coarse_delay, coarse_step, fine_delay
from mixingbuddy.models.tile_fit import (
    TileFit,
    explained_share,
    fit_gains,
    polarity,
    with_signs,
    without_columns,
)
from mixingbuddy.models.tiles import Tiles, frame_samples, joined, sounding_tiles, spectra, tiles_of
from mixingbuddy.models.windows import window_starts
from mixingbuddy.tools.audio import Audio

Real = NDArray[np.float64]

WINDOW_S = 1.0
ANALYSED_S = 20.0
SHORTEST_S = 0.05
# Bounds the memory of the tiles: complex64 values of all cross products.
CROSS_VALUES = 3e7
# A window's own delay counts where it is this close to the others'; beyond, the window was misled.
DRIFT_S = 0.003
# Side this far under mid: a mono mix on two channels.
DUAL_MONO_DB = -45.0
DB_PER_NEPER = 20 / np.log(10)
INAUDIBLE_SPREAD_DB = 2.0
ABSENT_DB = -40.0
UNHEARD = 1e-9  # of the loudest stem's energy


@dataclass(frozen=True)
class MixFit:
    """Gains of all stems that lead to the reference, free up to a common offset.

    `gains_db` (K,) and `covariance_db` (K, K); where `known` (K,) is false they say nothing. `absent` (K,): the
    stem is at least 40 dB under its place in the reference. `flipped` (K,): its polarity is opposite there.
    `energy` (K,) of every stem in the analysed windows. `level_db` is the reference's level above the stems
    under `gains_db`.
    """

    gains_db: Real
    covariance_db: Real
    known: NDArray[np.bool_]
    absent: NDArray[np.bool_]
    flipped: NDArray[np.bool_]
    energy: Real
    explained: float
    delay_samples: float
    inverted: bool
    level_db: float
    analysed_s: float


def fit_mix(stems: Sequence[Audio], reference: Audio, sample_rate_hz: int) -> MixFit | None:
    """Fit float32 (channels, samples) stems to one mix at the same rate; None where they never sound together."""
    stems, reference = _same_channels(stems, reference)
    song = _sum_as_mono(stems)
    delay = coarse_delay(song, as_mono(reference), sample_rate_hz)
    columns = _Columns.of(stems, reference.shape[0])
    window = max(frame_samples(sample_rate_hz), round(WINDOW_S * sample_rate_hz))
    first, last = max(0, -delay), min(len(song), reference.shape[1] - delay)
    if last - first < SHORTEST_S * sample_rate_hz:
        return None
    window = min(window, last - first)
    starts = window_starts(stems, first, last, window, _window_count(len(columns.stem), sample_rate_hz))
    delays = _window_delays(song, reference, starts, window, delay, sample_rate_hz)
    parts = [
        _window_tiles(stems, columns, reference, start, window, lag, sample_rate_hz, number * 1000)
        for number, (start, lag) in enumerate(zip(starts, delays, strict=True))
    ]
    tiles = sounding_tiles(joined(parts))
    if len(tiles) == 0:
        return None
    analysed_s = len(starts) * window / sample_rate_hz
    return _solve(tiles, columns, float(np.median(delays)), analysed_s)


@dataclass(frozen=True)
class _Columns:
    """What is solved for: one column per stem; two for a mono stem, which a stereo reference may have panned."""

    stem: NDArray[np.int64]
    channel: tuple[int | None, ...]

    @classmethod
    def of(cls, stems: Sequence[Audio], channels: int) -> "_Columns":
        pairs: list[tuple[int, int | None]] = []
        for number, stem in enumerate(stems):
            sides: list[int | None] = [None] if stem.shape[0] == channels else list(range(channels))
            pairs += [(number, side) for side in sides]
        return cls(np.array([number for number, _ in pairs]), tuple(side for _, side in pairs))


def _same_channels(stems: Sequence[Audio], reference: Audio) -> tuple[Sequence[Audio], Audio]:
    """A mono reference (or one with the same on both sides) is compared with stems brought to mono."""
    if reference.shape[0] == 2:
        mid, side = reference[0] + reference[1], reference[0] - reference[1]
        if float(side @ side) <= float(mid @ mid) * 10 ** (DUAL_MONO_DB / 10):
            reference = reference[:1]
    if reference.shape[0] == 1:
        stems = [stem if stem.shape[0] == 1 else stem.mean(axis=0, keepdims=True) for stem in stems]
    return stems, reference


def _sum_as_mono(stems: Sequence[Audio]) -> NDArray[np.float32]:
    song = as_mono(stems[0]).copy()
    for stem in stems[1:]:
        song += as_mono(stem)
    return song


def _window_count(columns: int, sample_rate_hz: int) -> int:
    tiles_per_s = 24 * 2 * sample_rate_hz / frame_samples(sample_rate_hz)
    return max(4, int(min(ANALYSED_S, CROSS_VALUES / columns**2 / tiles_per_s) / WINDOW_S))


def _window_delays(
    song: NDArray[np.float32],
    reference: Audio,
    starts: list[int],
    window: int,
    delay: int,
    sample_rate_hz: int,
) -> list[int]:
    mono = as_mono(reference)
    search = 2 * coarse_step(sample_rate_hz) + round(DRIFT_S * sample_rate_hz)
    own = [fine_delay(song, mono, [start], window, delay, search) for start in starts]
    middle = int(np.median(own))
    return [lag if abs(lag - middle) < DRIFT_S * sample_rate_hz / 2 else middle for lag in own]


def _window_tiles(
    stems: Sequence[Audio],
    columns: _Columns,
    reference: Audio,
    start: int,
    window: int,
    lag: int,
    rate_hz: int,
    block: int,
) -> Tiles:
    frame = frame_samples(rate_hz)
    per_stem = [spectra(stem[:, start : start + window], frame) for stem in stems]
    mix = spectra(_excerpt(reference, start + lag, window), frame)
    channels = mix.shape[1]
    values = np.zeros((mix.shape[0], len(columns.stem), channels, mix.shape[2]), dtype=np.complex64)
    for number, (stem, channel) in enumerate(zip(columns.stem, columns.channel, strict=True)):
        if channel is None:
            values[:, number] = per_stem[stem]
        else:
            values[:, number, channel] = per_stem[stem][:, 0]
    return tiles_of(values, mix, rate_hz, block)


def _excerpt(audio: Audio, start: int, length: int) -> Audio:
    inside = audio[:, max(start, 0) : max(start + length, 0)]
    before = min(max(-start, 0), length)
    return np.pad(inside, ((0, 0), (before, length - before - inside.shape[1])))


def _solve(tiles: Tiles, columns: _Columns, delay_samples: float, analysed_s: float) -> MixFit:
    energy = np.einsum("tkk->k", tiles.cross).real.astype(np.float64)
    heard = energy > energy.max() * UNHEARD
    tiles = without_columns(tiles, heard)
    fit = with_signs(tiles, fit_gains(tiles), 10 ** (ABSENT_DB / 20))
    single = fit.gains.astype(np.float32)
    mix_energy = float(((tiles.cross @ single).real @ single).sum())
    stems = _per_stem(fit, heard, columns)
    reference_energy = max(float(tiles.energy.sum()), 1e-30)
    return MixFit(
        gains_db=stems.gains_db,
        covariance_db=stems.covariance_db,
        known=stems.known,
        absent=stems.absent,
        flipped=stems.flipped,
        energy=np.bincount(columns.stem, energy).astype(np.float64),
        explained=explained_share(tiles, fit.gains),
        delay_samples=delay_samples,
        inverted=polarity(tiles, fit.gains) < 0,
        level_db=float(10 * np.log10(reference_energy / max(mix_energy, 1e-30))),
        analysed_s=analysed_s,
    )


@dataclass(frozen=True)
class _Stems:
    gains_db: Real
    covariance_db: Real
    known: NDArray[np.bool_]
    absent: NDArray[np.bool_]
    flipped: NDArray[np.bool_]


def _per_stem(fit: TileFit, heard: NDArray[np.bool_], columns: _Columns) -> _Stems:
    """From columns to stems: the sides of a mono stem are combined by power."""
    count = int(columns.stem.max()) + 1
    owner = np.zeros((count, int(heard.sum())))
    owner[columns.stem[heard], np.arange(owner.shape[1])] = 1.0
    sides = np.maximum(owner.sum(axis=1), 1.0)
    power = owner @ fit.gains**2 / sides
    share = owner * fit.gains**2 / np.maximum(owner @ fit.gains**2, 1e-30)[:, None]
    gains_db = 10 * np.log10(np.maximum(power, 1e-30))
    spread_db = DB_PER_NEPER * np.sqrt(share**2 @ fit.spread_if_white**2)
    is_heard = owner.sum(axis=1) > 0
    at_most_db = 10 * np.log10(np.maximum(owner @ (np.abs(fit.gains) + 2 * fit.alone_spread) ** 2 / sides, 1e-30))
    # A stem on its own has nothing to be mistaken for.
    known = is_heard & ((spread_db < INAUDIBLE_SPREAD_DB) | (is_heard.sum() == 1))
    middle_db = float(np.median(gains_db[known])) if known.any() else float(gains_db.max())
    absent = is_heard & (at_most_db < middle_db + ABSENT_DB)
    return _Stems(
        gains_db=gains_db,
        covariance_db=DB_PER_NEPER**2 * share @ fit.covariance @ share.T,
        known=known & ~absent,
        absent=absent,
        flipped=known & ~absent & (owner @ np.sign(fit.gains) < 0),
    )
