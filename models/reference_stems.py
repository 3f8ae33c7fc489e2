"""Compare stems with a set of reference stems: match them, then measure the level of each pair."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.alignment import as_mono, coarse_delay, coarse_step, fine_delay
from mixingbuddy.models.tile_fit import explained_share, polarity
from mixingbuddy.models.tiles import Tiles, frame_samples, joined, sounding_tiles, spectra, tiles_of
from mixingbuddy.models.windows import window_starts
from mixingbuddy.tools.audio import Audio, with_channels
from mixingbuddy.tools.loudness import hop_samples, integrated_lufs, k_weighted
from mixingbuddy.tools.multitrack import Stem
from mixingbuddy.tools.roles import group_of

Real = NDArray[np.float64]

WINDOW_S = 1.0
WINDOWS = 12
# How far a single stem may sit from the common delay of all.
OWN_DELAY_S = 0.05
# A band this far under the loudest holds rounding and codec noise.
QUIETEST_BAND = 1e-8
KERNEL_DB = 0.1


@dataclass(frozen=True)
class Pair:
    """Stems of ours (indices) that stand against reference stems (indices); sums where there are several."""

    ours: tuple[int, ...]
    theirs: tuple[int, ...]


@dataclass(frozen=True)
class PairFit:
    """Gain that brings our side of a pair to the reference's level, dB, and its standard deviation.

    `explained` says how far they are the same recording (0..1).
    """

    gain_db: float
    spread_db: float
    explained: float
    delay_samples: int
    inverted: bool


def match_stems(ours: Sequence[Stem], theirs: Sequence[Stem]) -> tuple[list[Pair], list[int], list[int]]:
    """Pairs by role, then by name, then by group sums; and what is left over of ours and of theirs."""
    pairs: list[Pair] = []
    left, right = list(range(len(ours))), list(range(len(theirs)))

    def take(own: Sequence[int], other: Sequence[int]) -> None:
        pairs.append(Pair(tuple(own), tuple(other)))
        for index in own:
            left.remove(index)
        for index in other:
            right.remove(index)

    _match_names(ours, theirs, left, right, take)
    groups = dict.fromkeys(group_of(ours[index].role) for index in left)
    for group in groups:
        own = [index for index in left if group_of(ours[index].role) == group]
        other = [index for index in right if group_of(theirs[index].role) == group]
        by_role = [([i for i in own if ours[i].role == role], [i for i in other if theirs[i].role == role])
                   for role in dict.fromkeys(ours[i].role for i in own)]  # fmt: skip
        complete = all(mine and yours for mine, yours in by_role) and sum(len(y) for _, y in by_role) == len(other)
        for mine, yours in by_role if complete else [(own, other)]:
            if mine and yours:
                take(mine, yours)
    return sorted(pairs, key=lambda pair: pair.ours), left, right


def _match_names(
    ours: Sequence[Stem], theirs: Sequence[Stem], left: list[int], right: list[int],
    take: Callable[[Sequence[int], Sequence[int]], None],
) -> None:  # fmt: skip
    """Stems of the same role and the same name are pairs of their own."""
    for index in list(left):
        key = (ours[index].role, ours[index].name.casefold())
        same = [other for other in right if (theirs[other].role, theirs[other].name.casefold()) == key]
        if len(same) == 1:
            take([index], same)


def summed(stems: Sequence[Stem], indices: Sequence[int]) -> Audio:
    """Sum of some stems, float32 (channels, samples)."""
    audios = [stems[index].audio for index in indices]
    channels = max(audio.shape[0] for audio in audios)
    samples = max(audio.shape[1] for audio in audios)
    total = np.zeros((channels, samples), dtype=np.float32)
    for audio in audios:
        total[:, : audio.shape[1]] += with_channels(audio, channels)
    return total


def common_delay(ours: Sequence[Stem], theirs: Sequence[Stem], sample_rate_hz: int) -> int:
    """Samples by which the reference stems together run later than ours."""
    song, reference = summed(ours, range(len(ours))), summed(theirs, range(len(theirs)))
    return coarse_delay(as_mono(song), as_mono(reference), sample_rate_hz)


def same_recording(ours: Audio, theirs: Audio, delay: int, sample_rate_hz: int) -> PairFit | None:
    """Level difference of one pair as the same recording; None where they never sound together."""
    ours, theirs = _same_channels(ours, theirs)
    first, last = max(0, -delay), min(ours.shape[1], theirs.shape[1] - delay)
    window = min(round(WINDOW_S * sample_rate_hz), last - first)
    if window < frame_samples(sample_rate_hz) // 2:
        return None
    starts = window_starts([ours], first, last, window, WINDOWS)
    lag = _own_delay(ours, theirs, starts, window, delay, sample_rate_hz)
    parts = [_tiles(ours, theirs, start, window, lag, sample_rate_hz, 1000 * n) for n, start in enumerate(starts)]
    tiles = sounding_tiles(joined(parts))
    if len(tiles) == 0:
        return None
    gain_db, spread_db = _band_level(tiles)
    one = np.ones(1)
    return PairFit(gain_db, spread_db, explained_share(tiles, one), lag, polarity(tiles, one) < 0)


def level_lufs(audio: Audio, sample_rate_hz: int) -> float | None:
    """Gated loudness while the sound is there, LUFS; None where it cannot be measured."""
    hop = hop_samples(sample_rate_hz)
    hops = audio.shape[1] // hop
    if hops == 0:
        return None
    # A mono stem counts on both sides, as it will in the mix.
    weighted = k_weighted(with_channels(audio, 2), sample_rate_hz)[:, : hops * hop].reshape(2, hops, hop)
    return integrated_lufs(np.einsum("chs,chs->h", weighted, weighted).astype(np.float64) / hop)


def _same_channels(ours: Audio, theirs: Audio) -> tuple[Audio, Audio]:
    """Mono against stereo is compared on both sides of the stereo one, as the mixdown would play it."""
    channels = max(ours.shape[0], theirs.shape[0])
    return with_channels(ours, channels), with_channels(theirs, channels)


def _own_delay(ours: Audio, theirs: Audio, starts: list[int], window: int, delay: int, rate_hz: int) -> int:
    search = coarse_step(rate_hz) + round(OWN_DELAY_S * rate_hz)
    return fine_delay(as_mono(ours), as_mono(theirs), starts, window, delay, search)


def _tiles(ours: Audio, theirs: Audio, start: int, window: int, lag: int, rate_hz: int, block: int) -> Tiles:
    frame = frame_samples(rate_hz)
    begin = start + lag
    cut = theirs[:, max(begin, 0) : max(begin + window, 0)]
    before = min(max(-begin, 0), window)
    cut = np.pad(cut, ((0, 0), (before, window - before - cut.shape[1])))
    own = spectra(np.ascontiguousarray(ours[:, start : start + window]), frame)
    return tiles_of(own[:, None], spectra(cut, frame), rate_hz, block)


def _band_level(tiles: Tiles) -> tuple[float, float]:
    """Level difference on which most bands agree, dB, and its standard deviation.

    A shelf or a bell leaves most bands where the fader put them: the densest value counts, not the mean. A
    band with little energy tells the level as well as any other, as long as it is the same sound.
    """
    bands = int(tiles.band.max()) + 1
    per_tile = np.maximum(tiles.cross[:, 0, 0].real.astype(np.float64), 1e-30)
    own = np.bincount(tiles.band, per_tile, bands)
    explained = np.bincount(tiles.band, np.abs(tiles.onto[:, 0]).astype(np.float64) ** 2 / per_tile, bands)
    theirs = np.bincount(tiles.band, tiles.energy, bands)
    alike = explained / np.maximum(theirs, 1e-30)
    used = (own > own.max() * QUIETEST_BAND) & (alike > 0.5)
    if not used.any():
        used = own >= own.max()
    level_db = 10 * np.log10(np.maximum(explained[used], 1e-30) / own[used])
    # What the projection leaves over makes a band's level uncertain.
    width_db = KERNEL_DB + 4.0 * (1 - alike[used])
    return _densest(level_db, width_db)


def _densest(values_db: Real, widths_db: Real) -> tuple[float, float]:
    """Peak of the sum of Gaussians, and the standard error of the values near it."""
    grid = np.linspace(values_db.min(), values_db.max(), 400)
    kernels = np.exp(-0.5 * ((grid[:, None] - values_db) / widths_db) ** 2) / widths_db
    peak = float(grid[int(kernels.sum(axis=1).argmax())])
    near = np.exp(-0.5 * ((peak - values_db) / widths_db) ** 2) / widths_db**2
    middle = float(near @ values_db / near.sum())
    variance = float(near @ (values_db - middle) ** 2 / near.sum())
    effective = float(near.sum() ** 2 / (near**2).sum())
    return middle, float(np.sqrt(variance / effective))
