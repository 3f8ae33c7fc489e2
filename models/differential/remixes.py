"""What the ear learns from: remixes of professionally mixed stems, made from their band products.

A remix of one song is exact: its powers follow from the products of its stems. Stems of different songs have no common
products; what they would do to each other in a cell is drawn at random, as unrelated sounds do.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.differential.bands import HOP_S, Powers, pairs
from mixingbuddy.models.differential.shape import ROLES

Real = NDArray[np.float32]
Generator = np.random.Generator

COUNT = len(ROLES)
PAIRS = pairs(COUNT)
_FIRST = np.array([i for i, _ in PAIRS])
_SECOND = np.array([j for _, j in PAIRS])
_TIMES = np.where(_FIRST == _SECOND, 1.0, 2.0).astype(np.float32)
_OWN = np.flatnonzero(_FIRST == _SECOND)
SILENT_DB = -65.0
LOWEST_OF_SUM = 0.02  # unrelated sounds never cancel further than to this share of their power


@dataclass(frozen=True)
class Remixed:
    """A remix: powers (2, bands, frames) of the sum, and of every role alone (4, 2, bands, frames)."""

    mix: Powers
    parts: Powers


@dataclass
class ProductSong:
    """Band products (10, 2, bands, frames) of one song's four roles, and each role's mean power (4,) in dB."""

    products: Powers
    levels_db: Real = field(init=False)

    def __post_init__(self) -> None:
        own = self.products[_OWN].sum((1, 2)).mean(-1)
        self.levels_db = (10 * np.log10(np.maximum(own, 1e-12))).astype(np.float32)


@dataclass(frozen=True)
class RemixRules:
    """How wild the remixes are; probabilities and ranges in dB."""

    across_songs: float = 0.4
    natural: float = 0.35
    moved: float = 0.6
    range_db: float = 12.0
    dropped: float = 0.05
    equalised: float = 0.6
    equaliser_db: float = 4.0
    mastered: float = 0.4
    narrowed: float = 0.3
    mono: float = 0.08


def remix(
    songs: Sequence[Sequence[ProductSong]],
    rng: Generator,
    frames: int,
    rules: RemixRules,
    gains_db: Real | None = None,
) -> Remixed:
    """Draw one remix of `frames` frames. `songs` holds for every song its versions at several speeds.

    With `gains_db` (4,) every role is there and moved by so much; otherwise the rules draw that too.
    """
    bands = songs[0][0].products.shape[2]
    dropped = np.zeros(COUNT, dtype=bool)
    if gains_db is None:
        gains_db, dropped = _gains_db(rng, rules)
    curves_db = _curves_db(rng, rules, bands) + gains_db[:, None]
    if rng.random() < rules.across_songs:
        mix, parts = _across(songs, rng, frames, curves_db, dropped)
    else:
        mix, parts = _within(songs, rng, frames, curves_db, dropped)
    mix, parts = _widened(mix, parts, rng, rules)
    return _mastered(mix, parts, rng, rules)


def _gains_db(rng: Generator, rules: RemixRules) -> tuple[Real, NDArray[np.bool_]]:
    if rng.random() < rules.natural:
        gains = rng.normal(0, 1.5, COUNT)
    else:
        gains = rng.uniform(-rules.range_db, rules.range_db, COUNT) * (rng.random(COUNT) < rules.moved)
    dropped = rng.random(COUNT) < rules.dropped
    if rng.random() < rules.dropped:  # a stem alone, as an unnamed file may be
        dropped = np.arange(COUNT) != rng.integers(COUNT)
    if dropped.all():
        dropped[rng.integers(COUNT)] = False
    return gains.astype(np.float32), dropped


def _curves_db(rng: Generator, rules: RemixRules, bands: int) -> Real:
    """(4, bands) smooth equaliser curves: a tilt and a bell per role."""
    place = np.linspace(-1, 1, bands)
    curves = np.zeros((COUNT, bands))
    for role in np.flatnonzero(rng.random(COUNT) < rules.equalised):
        tilt, bell = rng.uniform(-1, 1, 2) * rules.equaliser_db
        curves[role] = tilt * place + bell * np.exp(-(((place - rng.uniform(-1, 1)) / rng.uniform(0.1, 0.5)) ** 2))
    common = rng.uniform(-1, 1) * rules.equaliser_db * place if rng.random() < rules.mastered else 0.0
    return (curves + common).astype(np.float32)


def _within(
    songs: Sequence[Sequence[ProductSong]], rng: Generator, frames: int, curves_db: Real, dropped: NDArray[np.bool_]
) -> tuple[Powers, Powers]:
    versions = songs[int(rng.integers(len(songs)))]
    song = versions[int(rng.integers(len(versions)))]
    first = rng.integers(song.products.shape[3] - frames + 1)
    products = song.products[..., first : first + frames]
    linear = 10 ** (curves_db / 20) * ~dropped[:, None]
    weights = linear[_FIRST] * linear[_SECOND]
    mix = np.einsum("pb,psbt->sbt", weights * _TIMES[:, None], products, optimize=True)
    parts = products[_OWN] * weights[_OWN][:, None, :, None]
    return np.maximum(mix, 0.0), parts


def _across(
    songs: Sequence[Sequence[ProductSong]], rng: Generator, frames: int, curves_db: Real, dropped: NDArray[np.bool_]
) -> tuple[Powers, Powers]:
    """Every role from another song, at the level that role has in a song drawn for the balance."""
    home = songs[int(rng.integers(len(songs)))][0]
    parts = []
    for role in range(COUNT):
        versions = songs[int(rng.integers(len(songs)))]
        song = versions[int(rng.integers(len(versions)))]
        first = rng.integers(song.products.shape[3] - frames + 1)
        level_db = curves_db[role] + np.clip(home.levels_db[role] - song.levels_db[role], -20, 20)
        power = 10 ** (level_db / 10) * (not dropped[role]) * (song.levels_db[role] > SILENT_DB)
        parts.append(song.products[_OWN[role], :, :, first : first + frames] * power[:, None].astype(np.float32))
    stacked = np.stack(parts)
    amplitude = np.sqrt(stacked)
    mix = stacked.sum(0)
    spread = 2 * independence(stacked.shape[2])
    for i, j in PAIRS:
        if i != j:
            chance = rng.standard_normal(mix.shape, dtype=np.float32) * spread
            mix += np.clip(chance, -2, 2) * (amplitude[i] * amplitude[j])
    return np.maximum(mix, LOWEST_OF_SUM * stacked.sum(0)), stacked


def independence(bands: int) -> Real:
    """Spread of the normalised product of two unrelated sounds in each band: the more bins, the smaller."""
    return np.geomspace(0.5, 0.12, bands).astype(np.float32)[None, :, None]


def _widened(mix: Powers, parts: Powers, rng: Generator, rules: RemixRules) -> tuple[Powers, Powers]:
    if rng.random() < rules.mono:
        side = 0.0
    elif rng.random() < rules.narrowed:
        side = float(rng.uniform(0.3, 2.0))
    else:
        return mix, parts
    factor = np.array([1.0, side], np.float32)[:, None, None]
    return mix * factor, parts * factor


def _mastered(mix: Powers, parts: Powers, rng: Generator, rules: RemixRules) -> Remixed:
    """Bus compression: the whole turned down where it is loud, slower than a frame."""
    if rng.random() >= rules.mastered:
        return Remixed(mix, parts)
    power = mix.sum((0, 1)) + 1e-9
    smooth_frames = int(rng.integers(2, max(3, round(0.4 / HOP_S))))
    smooth = np.convolve(np.pad(power, smooth_frames, mode="edge"), np.ones(smooth_frames) / smooth_frames, "same")
    level_db = 10 * np.log10(smooth[smooth_frames:-smooth_frames] + 1e-9)
    threshold_db = level_db.max() - rng.uniform(3, 12)
    gain = 10 ** (-np.maximum(level_db - threshold_db, 0) * rng.uniform(0.3, 0.8) / 10)
    return Remixed(mix * gain.astype(np.float32), parts * gain.astype(np.float32))
