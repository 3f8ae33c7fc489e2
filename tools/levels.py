"""How loud every stem and group is, alone and inside the mix.

The cross energies of the K-weighted stems (one small matrix per 100 ms) hold everything that is needed to know the
level of any stem under any faders, correlation between stems included. Planning reads predictions from them; what a
reply may claim is measured anew on the rendered audio.
"""

import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.audio import Audio, with_channels
from mixingbuddy.tools.loudness import (
    Energies,
    hop_samples,
    integrated_lufs,
    k_weighted,
    mean_squares,
    sounding,
)
from mixingbuddy.tools.loudness_meter import Loudness, measure_loudness, turned
from mixingbuddy.tools.moves import gain_of
from mixingbuddy.tools.multitrack import Multitrack
from mixingbuddy.tools.roles import Group, Role, group_of

# The filters and resamplers leave Python's lock, so threads use all cores.
WORKERS = os.cpu_count() or 1
HOPS_AT_ONCE = 50
_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StemLevel(Loudness):
    """The meter of one stem as it sounds in the mix (a mono stem counts on both sides of a stereo mix)."""

    name: str
    role: Role
    level_rel_mix_lu: float | None = Field(description="level re the whole mix while the stem sounds, LU")
    sounding_share: float = Field(ge=0, le=1, description="share of the song in which the stem sounds")


class GroupLevel(BaseModel):
    """Level of all stems of one group together."""

    model_config = _RESULT

    group: Group
    stems: tuple[str, ...]
    loudness_lufs: float | None = Field(description="integrated loudness, LUFS")
    level_rel_mix_lu: float | None = Field(description="level re the whole mix while the group sounds, LU")


class MixLevels(Loudness):
    """The meter of the plain sum of all stems, before any trim, and the levels of every stem and group."""

    sample_rate_hz: int
    duration_s: float
    stems: tuple[StemLevel, ...]
    groups: tuple[GroupLevel, ...]

    def stem(self, name: str) -> StemLevel | None:
        return next((stem for stem in self.stems if stem.name == name), None)


@dataclass(frozen=True)
class CrossEnergies:
    """K-weighted cross mean squares of the stems. `per_hop` is float64 (hops, stems, stems), summed over channels."""

    names: tuple[str, ...]
    roles: tuple[Role, ...]
    per_hop: NDArray[np.float64]

    def gains(self, faders: Mapping[str, float]) -> NDArray[np.float64]:
        """Linear gains of all stems under faders in dB, shape (stems,)."""
        gains: NDArray[np.float64] = np.array([gain_of(faders, name) for name in self.names])
        return gains

    def mix(self, faders: Mapping[str, float], members: Sequence[int] | None = None) -> Energies:
        """Mean square per hop of the sum of all (or some) stems under these faders, shape (hops,)."""
        gains = self.gains(faders)
        chosen = np.arange(len(self.names)) if members is None else np.asarray(members, dtype=int)
        inside = self.per_hop[:, chosen[:, None], chosen[None, :]]
        energies: Energies = np.einsum("i,hij,j->h", gains[chosen], inside, gains[chosen])
        return np.maximum(energies, 0.0)

    def members(self, group: Group) -> tuple[int, ...]:
        return tuple(index for index, role in enumerate(self.roles) if group_of(role) == group)

    def groups(self) -> tuple[Group, ...]:
        """Groups that have stems, in order of first appearance."""
        return tuple(dict.fromkeys(group_of(role) for role in self.roles))

    def level_rel_mix_lu(self, members: Sequence[int], faders: Mapping[str, float]) -> float | None:
        """Level of the sum of `members` re the whole mix under these faders, over the hops in which they sound."""
        return level_between_lu(self.mix({}, members), self.mix(faders, members), self.mix(faders))


def level_between_lu(alone: Energies, part: Energies, whole: Energies) -> float | None:
    """Level of `part` re `whole` where `alone` (the part before any fader) sounds, LU; None if it never does."""
    where = sounding(alone)
    part_energy, whole_energy = float(part[where].sum()), float(whole[where].sum())
    if part_energy <= 0.0 or whole_energy <= 0.0:
        return None
    return 10 * math.log10(part_energy / whole_energy)


def k_weighted_hops(audio: Audio, sample_rate_hz: int, channels: int | None = None) -> Energies:
    """Mean square per 100 ms hop of the K-weighted audio, summed over channels (a mono stem counts on each of them)."""
    return mean_squares(k_weighted(audio, sample_rate_hz), sample_rate_hz) * ((channels or len(audio)) / len(audio))


def cross_energies(multitrack: Multitrack) -> CrossEnergies:
    """K-weight every stem and take the mean products per 100 ms hop."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return _cross_energies(multitrack, _weighted(multitrack, pool))


def _weighted(multitrack: Multitrack, pool: ThreadPoolExecutor) -> list[Audio]:
    return list(pool.map(lambda stem: k_weighted(stem.audio, multitrack.sample_rate_hz), multitrack.stems))


def _cross_energies(multitrack: Multitrack, weighted: Sequence[Audio]) -> CrossEnergies:
    hop = hop_samples(multitrack.sample_rate_hz)
    hops = multitrack.samples // hop
    per_hop = np.zeros((hops, len(weighted), len(weighted)))
    for start in range(0, hops, HOPS_AT_ONCE):
        count = min(HOPS_AT_ONCE, hops - start)
        parts = [_hops(audio[:, start * hop :], hop, count) for audio in weighted]
        for channel in range(multitrack.channels):
            # A mono stem stands for every channel of the mix.
            stack = np.stack([part[min(channel, len(part) - 1)] for part in parts], axis=1)
            per_hop[start : start + count] += np.matmul(stack, stack.transpose(0, 2, 1)) / hop
    return CrossEnergies(multitrack.names, tuple(stem.role for stem in multitrack.stems), per_hop)


def _hops(audio: Audio, hop: int, hops: int) -> NDArray[np.float32]:
    """(channels, samples) cut to (channels, hops, hop samples); what is left over is too short to count."""
    return audio[:, : hops * hop].reshape(audio.shape[0], hops, hop)


def mixdown(multitrack: Multitrack, faders: Mapping[str, float]) -> Audio:
    """Plain sum of the stems under these faders, float32 (channels, samples); may exceed 1.0."""
    total = np.zeros((multitrack.channels, multitrack.samples), np.float32)
    for stem in multitrack.stems:
        total += with_channels(stem.audio, multitrack.channels) * np.float32(gain_of(faders, stem.name))
    return total


def measure_levels(multitrack: Multitrack) -> MixLevels:
    """Measure every stem, group and the mix of `multitrack` as it is."""
    return measure_song(multitrack)[1]


def measure_song(multitrack: Multitrack) -> tuple[CrossEnergies, MixLevels]:
    """The cross energies and the levels of a song, K-weighting each stem once."""
    rate_hz, channels = multitrack.sample_rate_hz, multitrack.channels
    with ThreadPoolExecutor(WORKERS) as pool:
        weighted = _weighted(multitrack, pool)

        def meter(index: int) -> Loudness:
            return measure_loudness(multitrack.stems[index].audio, rate_hz, channels, weighted[index])

        meters = list(pool.map(meter, range(len(weighted))))
    energies = _cross_energies(multitrack, weighted)
    return energies, _levels(multitrack, energies, meters, {})


def levels_under(
    base: MixLevels, multitrack: Multitrack, energies: CrossEnergies, faders: Mapping[str, float]
) -> MixLevels:
    """Levels of the same song with the faders there: a stem only shifts, the mix is summed and measured anew."""
    meters = [
        turned(Loudness.model_validate(_meter_of(stem)), gain_db, integrated_lufs(energies.mix(faders, [index])))
        for index, stem in enumerate(base.stems)
        for gain_db in [faders.get(stem.name, 0.0)]
    ]
    return _levels(multitrack, energies, meters, faders)


def _levels(
    multitrack: Multitrack, energies: CrossEnergies, meters: Sequence[Loudness], faders: Mapping[str, float]
) -> MixLevels:
    stems = tuple(
        StemLevel(
            **_meter_of(meter),
            name=stem.name,
            role=stem.role,
            level_rel_mix_lu=energies.level_rel_mix_lu([index], faders),
            sounding_share=_share(sounding(energies.mix({}, [index]))),
        )
        for index, (stem, meter) in enumerate(zip(multitrack.stems, meters, strict=True))
    )
    return MixLevels(
        **_meter_of(measure_loudness(mixdown(multitrack, faders), multitrack.sample_rate_hz)),
        sample_rate_hz=multitrack.sample_rate_hz,
        duration_s=multitrack.duration_s,
        stems=stems,
        groups=tuple(_group_level(energies, group, faders) for group in energies.groups()),
    )


def _share(where: NDArray[np.bool_]) -> float:
    return float(where.mean()) if len(where) else 0.0


def _meter_of(meter: Loudness) -> dict[str, float | str | None]:
    return {name: getattr(meter, name) for name in Loudness.model_fields}


def _group_level(energies: CrossEnergies, group: Group, faders: Mapping[str, float]) -> GroupLevel:
    members = energies.members(group)
    return GroupLevel(
        group=group,
        stems=tuple(energies.names[index] for index in members),
        loudness_lufs=integrated_lufs(energies.mix(faders, members)),
        level_rel_mix_lu=energies.level_rel_mix_lu(members, faders),
    )
