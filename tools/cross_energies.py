"""The K-weighted cross energies of a song's stems: one small matrix per 100 ms.

They hold everything that is needed to know the level of any stem under any faders, correlation between stems included.
Planning reads predictions from them; what a reply may claim is measured anew on the rendered audio.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.loudness import Energies, hop_samples, sounding
from mixingbuddy.tools.moves import gain_of
from mixingbuddy.tools.roles import Group, Role, group_of

HOPS_AT_ONCE = 10
_HOPS_TURNED = 2048


@dataclass(frozen=True)
class CrossEnergies:
    """K-weighted cross mean squares of the stems. `per_hop` is float32 (hops, stems, stems), summed over channels."""

    names: tuple[str, ...]
    roles: tuple[Role, ...]
    per_hop: NDArray[np.float32]

    def gains(self, faders: Mapping[str, float]) -> NDArray[np.float64]:
        """Linear gains of all stems under faders in dB, shape (stems,)."""
        gains: NDArray[np.float64] = np.array([gain_of(faders, name) for name in self.names])
        return gains

    def mix(self, faders: Mapping[str, float], members: Sequence[int] | None = None) -> Energies:
        """Mean square per hop of the sum of all (or some) stems under these faders, shape (hops,)."""
        gains = self.gains(faders)
        chosen = np.arange(len(self.names)) if members is None else np.asarray(members, dtype=int)
        weights = np.outer(gains[chosen], gains[chosen]).ravel()
        pairs = (chosen[:, None] * len(self.names) + chosen[None, :]).ravel()
        flat = self.per_hop.reshape(len(self.per_hop), len(self.names) ** 2)
        energies: Energies = np.zeros(len(flat))
        for start in range(0, len(flat), _HOPS_TURNED):
            part = slice(start, start + _HOPS_TURNED)
            energies[part] = flat[part, pairs].astype(np.float64) @ weights
        return np.maximum(energies, 0.0)

    def members(self, group: Group) -> tuple[int, ...]:
        return tuple(index for index, role in enumerate(self.roles) if group_of(role) == group)

    def groups(self) -> tuple[Group, ...]:
        """Groups that have stems, in order of first appearance."""
        return tuple(dict.fromkeys(group_of(role) for role in self.roles))

    def level_rel_mix_lu(
        self, members: Sequence[int], faders: Mapping[str, float], whole: Energies | None = None
    ) -> float | None:
        """Level of the sum of `members` re the whole mix under these faders, over the hops in which they sound.

        `whole` is `mix(faders)`, for callers that ask for many.
        """
        whole = self.mix(faders) if whole is None else whole
        return level_between_lu(self.mix({}, members), self.mix(faders, members), whole)


def level_between_lu(alone: Energies, part: Energies, whole: Energies) -> float | None:
    """Level of `part` re `whole` where `alone` (the part before any fader) sounds, LU; None if it never does."""
    where = sounding(alone)
    part_energy, whole_energy = float(part[where].sum()), float(whole[where].sum())
    if part_energy <= 0.0 or whole_energy <= 0.0:
        return None
    return 10 * math.log10(part_energy / whole_energy)


class CrossEnergyMeter:
    """Gathers the cross energies block by block; `channels` are the mix's, on all of which a mono stem plays."""

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        self._hop, self._channels = hop_samples(sample_rate_hz), channels
        self._left: list[Audio] = []
        self._parts: list[NDArray[np.float32]] = []

    def update(self, weighted: Sequence[Audio]) -> None:
        """Take the next samples of every stem, K-weighted, float32 (channels, samples) of one length."""
        if self._left and self._left[0].shape[1]:
            weighted = [np.concatenate(pair, axis=1) for pair in zip(self._left, weighted, strict=True)]
        hops = weighted[0].shape[1] // self._hop
        for start in range(0, hops, HOPS_AT_ONCE):
            self._parts.append(self._products(weighted, start, min(HOPS_AT_ONCE, hops - start)))
        self._left = [audio[:, hops * self._hop :].copy() for audio in weighted]

    def result(self, names: Sequence[str], roles: Sequence[Role]) -> CrossEnergies:
        """The energies of all whole hops so far."""
        none = np.zeros((0, len(names), len(names)), np.float32)
        return CrossEnergies(tuple(names), tuple(roles), np.concatenate([none, *self._parts]))

    def _products(self, weighted: Sequence[Audio], first: int, count: int) -> NDArray[np.float32]:
        inside = slice(first * self._hop, (first + count) * self._hop)
        total = np.zeros((count, len(weighted), len(weighted)), np.float32)
        for channel in range(self._channels):
            # A mono stem stands for every channel of the mix.
            stack = np.stack([audio[min(channel, len(audio) - 1), inside] for audio in weighted])
            hops = stack.reshape(len(weighted), count, self._hop).transpose(1, 0, 2)
            total += np.matmul(hops, hops.transpose(0, 2, 1))
        return total / np.float32(self._hop)
