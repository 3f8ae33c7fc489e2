"""Remixes drawn and made on a GPU, a whole batch at once.

The same remixes as `remixes.remix` makes one by one, from other random numbers: all products lie on the device, and
every choice is an array over the batch. A GPU learns faster than a few processors can mix for it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mixingbuddy.models.differential.bands import HOP_S
from mixingbuddy.models.differential.remixes import (
    COUNT,
    LOWEST_OF_SUM,
    PAIRS,
    SILENT_DB,
    ProductSong,
    RemixRules,
    independence,
)

LONGEST_SMOOTHING = max(3, round(0.4 / HOP_S))  # frames, one past the longest


class DeviceRemixes:
    """The products of all versions of all songs on `device`, behind each other in time."""

    def __init__(self, songs: Sequence[Sequence[ProductSong]], rules: RemixRules, device: str) -> None:
        versions = [version for song in songs for version in song]
        self.rules, self.device = rules, device
        lengths = [version.products.shape[3] for version in versions]
        self.shortest = min(lengths)
        self._products = torch.from_numpy(np.concatenate([one.products for one in versions], axis=3)).to(device)
        self._levels_db = torch.from_numpy(np.stack([one.levels_db for one in versions])).to(device)
        self._lengths = torch.tensor(lengths, device=device)
        self._starts = torch.tensor(np.cumsum([0, *lengths[:-1]]), device=device)
        counts = [len(song) for song in songs]
        self._counts = torch.tensor(counts, device=device)
        self._firsts = torch.tensor(np.cumsum([0, *counts[:-1]]), device=device)
        self._spread = torch.from_numpy(2 * independence(versions[0].products.shape[2])).to(device)
        self._random = torch.Generator(device)

    def draw(self, rng: np.random.Generator, size: int, frames: int) -> tuple[Tensor, Tensor]:
        """Powers (size, 2, bands, frames) of remixes and (size, 4, 2, bands, frames) of their roles."""
        self._random.manual_seed(int(rng.integers(2**62)))
        gains_db, dropped = self._gains_db(size)
        curves_db = self._curves_db(size) + gains_db[:, :, None]
        across = self._chance(size) < self.rules.across_songs
        mix, parts = self._mixed(across, frames, curves_db, dropped)
        widths = self._widths(size)[:, :, None, None]
        mix, parts = mix * widths, parts * widths[:, None]
        gain = self._mastering(mix)[:, None, None, :]
        return (mix * gain).contiguous(), parts * gain[:, None]

    def _chance(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self._random, device=self.device)

    def _between(self, low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * self._chance(*shape)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self._random, device=self.device)

    def _below(self, counts: Tensor) -> Tensor:
        """Whole numbers from 0 to counts - 1."""
        return torch.minimum((self._chance(*counts.shape) * counts).long(), counts - 1)

    def _gains_db(self, size: int) -> tuple[Tensor, Tensor]:
        rules = self.rules
        moved = self._between(-rules.range_db, rules.range_db, size, COUNT) * (self._chance(size, COUNT) < rules.moved)
        natural = self._chance(size, 1) < rules.natural
        gains_db = torch.where(natural, 1.5 * self._normal(size, COUNT), moved)
        chosen = functional.one_hot(self._below(torch.full((size,), COUNT, device=self.device)), COUNT).bool()
        dropped = self._chance(size, COUNT) < rules.dropped
        dropped = torch.where(self._chance(size, 1) < rules.dropped, ~chosen, dropped)
        return gains_db, dropped & ~(dropped.all(1, keepdim=True) & chosen)

    def _curves_db(self, size: int) -> Tensor:
        """(size, 4, bands) smooth equaliser curves: a tilt and a bell per role, a tilt of everything."""
        rules, bands = self.rules, self._products.shape[2]
        place = torch.linspace(-1, 1, bands, device=self.device)
        tilt, bell, centre = (self._between(-1, 1, size, COUNT, 1) for _ in range(3))
        bells = torch.exp(-(((place - centre) / self._between(0.1, 0.5, size, COUNT, 1)) ** 2))
        curves = rules.equaliser_db * (tilt * place + bell * bells)
        curves = curves * (self._chance(size, COUNT, 1) < rules.equalised)
        common = self._between(-1, 1, size, 1, 1) * (self._chance(size, 1, 1) < rules.mastered)
        return curves + rules.equaliser_db * common * place

    def _mixed(self, across: Tensor, frames: int, curves_db: Tensor, dropped: Tensor) -> tuple[Tensor, Tensor]:
        """One song's roles, or where `across` every role from another song at the level it has in a third one."""
        size = len(across)
        song = self._below(self._counts.new_full((size, COUNT + 1), len(self._counts)))
        song[:, :COUNT] = torch.where(across[:, None], song[:, :COUNT], song[:, :1])
        home = self._firsts[song[:, COUNT]]
        version = self._firsts[song[:, :COUNT]] + self._below(self._counts[song[:, :COUNT]])
        version = torch.where(across[:, None], version, version[:, :1])
        first = self._starts[version] + self._below(self._lengths[version] - frames + 1)
        first = torch.where(across[:, None], first, first[:, :1])
        own_db = self._levels_db[version].diagonal(dim1=1, dim2=2)
        balance_db = (self._levels_db[home] - own_db).clamp(-20, 20) * across[:, None]
        there = ~dropped & ~(across[:, None] & (own_db <= SILENT_DB))
        amplitude = 10 ** ((curves_db + balance_db[:, :, None]) / 20) * there[:, :, None]
        times = first[:, :, None] + torch.arange(frames, device=self.device)
        return self._summed(across, times, amplitude)

    def _summed(self, across: Tensor, times: Tensor, amplitude: Tensor) -> tuple[Tensor, Tensor]:
        """The sum and the roles' powers, from each role's frames (size, 4, frames) and amplitude (size, 4, bands).

        Inside a song what two roles do to each other is known; across songs it is drawn.
        """
        own = {i: self._products[pair] for pair, (i, j) in enumerate(PAIRS) if i == j}
        parts = torch.stack([own[role][:, :, times[:, role]].permute(2, 0, 1, 3) for role in range(COUNT)], dim=1)
        parts = parts * amplitude.square()[:, :, None, :, None]
        power = parts.sum(1)
        root, mix = parts.sqrt(), power
        unrelated = across[:, None, None, None]
        for pair, (i, j) in enumerate(PAIRS):
            if i != j:
                known = self._products[pair][:, :, times[:, 0]].permute(2, 0, 1, 3)
                known = 2 * known * (amplitude[:, i] * amplitude[:, j])[:, None, :, None]
                drawn = (self._normal(*power.shape) * self._spread).clamp(-2, 2) * root[:, i] * root[:, j]
                mix = mix + torch.where(unrelated, drawn, known)
        return torch.maximum(mix, LOWEST_OF_SUM * power * unrelated), parts

    def _widths(self, size: int) -> Tensor:
        """(size, 2) factors on the powers of mid and side."""
        chance = self._chance(size)
        narrowed = torch.where(self._chance(size) < self.rules.narrowed, self._between(0.3, 2.0, size), 1.0)
        side = torch.where(chance < self.rules.mono, 0.0, narrowed)
        return torch.stack([torch.ones_like(side), side], dim=1)

    def _mastering(self, mix: Tensor) -> Tensor:
        """(size, frames) power gain of a bus compressor, 1 where there is none."""
        size = len(mix)
        span = 2 + self._below(self._counts.new_full((size, 1), LONGEST_SMOOTHING - 2))
        level_db = 10 * torch.log10(smoothed(mix.sum((1, 2)) + 1e-9, span) + 1e-9)
        threshold_db = level_db.amax(1, keepdim=True) - self._between(3, 12, size, 1)
        slope = self._between(0.3, 0.8, size, 1) * (self._chance(size, 1) < self.rules.mastered)
        return 10 ** (-functional.relu(level_db - threshold_db) * slope / 10)


def smoothed(power: Tensor, span: Tensor) -> Tensor:
    """Running means of powers (size, frames) over `span` (size, 1) frames, the ends repeated."""
    half = LONGEST_SMOOTHING // 2
    padded = functional.pad(power[:, None], (half, half), mode="replicate")[:, 0]
    offset = torch.arange(2 * half + 1, device=power.device) - half
    inside = (offset >= -(span // 2)) & (offset < span - span // 2)
    return (padded.unfold(1, 2 * half + 1, 1) @ (inside / span)[:, :, None])[:, :, 0]
