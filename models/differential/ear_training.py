"""Teach the ear: remixes of professionally mixed stems, with the true share of every cell and the true levels."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mixingbuddy.models.data.songs import SongSource
from mixingbuddy.models.differential.bands import RATE_HZ, band_products
from mixingbuddy.models.differential.device_remixes import DeviceRemixes
from mixingbuddy.models.differential.ear import (
    ABSENT_DB,
    Ear,
    Heard,
    gated_levels,
    level_loss,
    share_loss,
    to_cells,
)
from mixingbuddy.models.differential.remixes import ProductSong, RemixRules, remix
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.tools.audio import Audio, Clip, resampled, with_channels

# Versions of every song at other speeds (and so pitches), as if other people had played it.
SPEEDS = (1.0, 0.89, 0.945, 1.06, 1.12, 0.79, 0.84, 1.19, 1.26)
EXCERPT_S = 10.0
EXCERPTS_PER_SONG = 4
LEVEL_WEIGHT, PRESENT_WEIGHT = 0.2, 0.2
FIGURES = ("shares", "levels", "present", "error_lu")

Songs = Sequence[Sequence[ProductSong]]


@dataclass(frozen=True)
class EarBatch:
    """Powers (B, 2, bands, frames) of remixes and of their roles (B, 4, 2, bands, frames)."""

    mix: Tensor
    parts: Tensor


def load_products(
    sources: Sequence[SongSource], seed: int, report: Callable[[str], None], speeds: Sequence[float] = SPEEDS
) -> Songs:
    """Band products of every song (of some excerpts where it is long) at several speeds."""

    def load(source: SongSource) -> list[list[ProductSong]]:
        song = source.load()
        rng = np.random.default_rng([seed, len(source.name), *source.name.encode()[:16]])
        silence = np.zeros((2, song.samples), np.float32)
        found = {stem.name: with_channels(stem.audio, 2) for stem in song.stems}
        stems = [_at_rate(found.get(role, silence), song.sample_rate_hz) for role in ROLES]
        return [
            [ProductSong(band_products([_faster(stem[:, part], speed) for stem in stems])) for speed in speeds]
            for part in _excerpts(stems[0].shape[1], rng)
        ]

    songs: list[list[ProductSong]] = []
    with ThreadPoolExecutor(2) as pool:
        for number, versions in enumerate(pool.map(load, sources), start=1):
            songs += versions
            if number % 20 == 0 or number == len(sources):
                report(f"listened to {number} of {len(sources)} songs")
    return songs


def _at_rate(audio: Audio, rate_hz: int) -> Audio:
    return resampled(Clip(audio, rate_hz), RATE_HZ).audio


def _faster(audio: Audio, speed: float) -> Audio:
    if speed == 1.0:
        return audio
    return resampled(Clip(audio, RATE_HZ), round(RATE_HZ / speed)).audio


def _excerpts(samples: int, rng: np.random.Generator) -> list[slice]:
    length = round(EXCERPT_S * RATE_HZ)
    if samples <= 1.5 * length:
        return [slice(0, samples)]
    count = min(EXCERPTS_PER_SONG, samples // length)
    starts = np.sort(rng.choice(samples // length, count, replace=False)) * length
    return [slice(int(start), int(start) + length) for start in starts]


def draw_batch(songs: Songs, rng: np.random.Generator, size: int, frames: int, rules: RemixRules) -> EarBatch:
    """A batch of remixes."""
    shortest = min(version.products.shape[3] for versions in songs for version in versions)
    drawn = [remix(songs, rng, min(frames, shortest // 4 * 4), rules) for _ in range(size)]
    return EarBatch(
        torch.from_numpy(np.stack([one.mix for one in drawn])), torch.from_numpy(np.stack([one.parts for one in drawn]))
    )


def true_levels(batch: EarBatch) -> tuple[Tensor, Tensor, Tensor]:
    """Cells (B, 4, cells, times) of the roles, their levels (B, 4) re the mix in LU, and whether they are there."""
    cells = torch.stack([to_cells(batch.parts[:, role]) for role in range(len(ROLES))], dim=1)
    levels = gated_levels(cells, to_cells(batch.mix))
    return cells, levels, (levels > ABSENT_DB).float()


def ear_loss(heard: Heard, batch: EarBatch) -> tuple[Tensor, dict[str, float]]:
    """Shares, levels and presence together."""
    cells, levels, present = true_levels(batch)
    shares = share_loss(heard, cells)
    likelihood = level_loss(heard, levels, present)
    there = torch.nn.functional.binary_cross_entropy_with_logits(heard.present_logits, present)
    error = ((heard.levels - levels).abs() * present).sum() / present.sum().clamp_min(1)
    loss = shares + LEVEL_WEIGHT * likelihood + PRESENT_WEIGHT * there
    figures = torch.stack([shares, likelihood, there, error]).tolist()
    return loss, {name: round(value, 5) for name, value in zip(FIGURES, figures, strict=True)}


def ear_task(
    ear: Ear, songs: Songs, rules: RemixRules, size: int, frames: int, device: str
) -> tuple[Callable[[np.random.Generator], EarBatch], Callable[[EarBatch], tuple[Tensor, dict[str, float]]]]:
    """Functions that draw a batch, on the device where that is a GPU, and give its loss."""
    made_there = None if device == "cpu" else DeviceRemixes(songs, rules, device)

    def batch(rng: np.random.Generator) -> EarBatch:
        if made_there is None:
            return draw_batch(songs, rng, size, frames, rules)
        return EarBatch(*made_there.draw(rng, size, min(frames, made_there.shortest // 4 * 4)))

    def loss(drawn: EarBatch) -> tuple[Tensor, dict[str, float]]:
        moved = replace(drawn, mix=drawn.mix.to(device), parts=drawn.parts.to(device))
        return ear_loss(ear(moved.mix), moved)

    return batch, loss
