"""How loud every stem and group is, alone and inside the mix."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mixingbuddy.tools.audio import Audio, window_of, with_channels
from mixingbuddy.tools.cross_energies import CrossEnergies, CrossEnergyMeter
from mixingbuddy.tools.loudness import Energies, integrated_lufs, k_weighted, mean_squares, sounding
from mixingbuddy.tools.loudness_meter import Loudness, LoudnessMeter, ReadWindow, measure_loudness, turned
from mixingbuddy.tools.moves import gain_of
from mixingbuddy.tools.multitrack import Multitrack
from mixingbuddy.tools.roles import Group, Role, group_of

# The filters and transforms leave Python's lock, so threads use all cores.
WORKERS = os.cpu_count() or 1
SAMPLES_AT_ONCE = 1 << 17


class StemLevel(Loudness):
    """The meter of one stem as it sounds in the mix (a mono stem counts on both sides of a stereo mix)."""

    name: str
    role: Role
    level_rel_mix_lu: float | None = Field(description="level re the whole mix while the stem sounds, LU")
    sounding_share: float = Field(ge=0, le=1, description="share of the song in which the stem sounds")


class GroupLevel(Loudness):
    """The meter of all stems of one group together."""

    group: Group
    stems: tuple[str, ...]
    level_rel_mix_lu: float | None = Field(description="level re the whole mix while the group sounds, LU")


class MixLevels(Loudness):
    """The meter of the plain sum of all stems, before any trim, and the levels of every stem and group."""

    sample_rate_hz: int
    duration_s: float
    stems: tuple[StemLevel, ...]
    groups: tuple[GroupLevel, ...]

    def stem(self, name: str) -> StemLevel | None:
        return next((stem for stem in self.stems if stem.name == name), None)


# What the meter of several stems together reads once more: stems, first sample, samples -> their sum.
ReadSum = Callable[[Sequence[int], int, int], Audio]


class LevelsMeter:
    """Levels of stems, groups and mix, fed block by block: every stem with `stem`, then all of them with `together`."""

    def __init__(
        self, names: Sequence[str], roles: Sequence[Role], channels: Sequence[int], sample_rate_hz: int
    ) -> None:
        self.names, self.roles, self.sample_rate_hz = tuple(names), tuple(roles), sample_rate_hz
        self.channels, self._samples = max(channels), 0
        self._stems = [LoudnessMeter(sample_rate_hz, own, self.channels) for own in channels]
        self._cross = CrossEnergyMeter(sample_rate_hz, self.channels)
        # Sums of several stems; a group of one stem, or a mix of one, reads like the stem.
        self._sums = {
            members: LoudnessMeter(sample_rate_hz, self.channels)
            for members in {*self._groups().values(), self._everything}
            if len(members) > 1
        }

    def stem(self, index: int, block: Audio) -> Audio:
        """Take the next samples of one stem, float32 (channels, samples); gives them K-weighted."""
        return self._stems[index].filter(block)

    def together(self, blocks: Sequence[Audio], weighted: Sequence[Audio]) -> Audio:
        """Take the same samples of all stems, plain and K-weighted; gives the sum of the plain ones."""
        self._samples += blocks[0].shape[1]
        self._cross.update(weighted)
        for members, meter in self._sums.items():
            total = self._sum(blocks, members)
            meter.update(total, self._sum(weighted, members))
            if members == self._everything:
                mix = total
        return mix if len(blocks) > 1 else with_channels(blocks[0], self.channels)

    def mix_meter(self) -> LoudnessMeter:
        """The meter of the plain sum of all stems."""
        return self._sums.get(self._everything, self._stems[0])

    def result(self, read: ReadSum) -> tuple[CrossEnergies, MixLevels]:
        """Cross energies and levels of everything so far; `read` gives a sum of stems once more."""
        energies = self._cross.result(self.names, self.roles)
        meters = [meter.result(_reading(read, (index,))) for index, meter in enumerate(self._stems)]
        sums = {members: meter.result(_reading(read, members)) for members, meter in self._sums.items()}
        groups = {group: sums.get(members, meters[members[0]]) for group, members in self._groups().items()}
        mix = sums.get(self._everything, meters[0])
        return energies, _levels(energies, meters, groups, mix, {}, self.sample_rate_hz, self._samples)

    @property
    def _everything(self) -> tuple[int, ...]:
        return tuple(range(len(self.names)))

    def _groups(self) -> dict[Group, tuple[int, ...]]:
        """Groups that have stems, in order of first appearance."""
        of_stem = [group_of(role) for role in self.roles]
        return {group: tuple(i for i, own in enumerate(of_stem) if own == group) for group in dict.fromkeys(of_stem)}

    def _sum(self, blocks: Sequence[Audio], members: Sequence[int]) -> Audio:
        total = np.zeros((self.channels, blocks[0].shape[1]), np.float32)
        for index in members:
            total += blocks[index]
        return total


def k_weighted_hops(audio: Audio, sample_rate_hz: int, channels: int | None = None) -> Energies:
    """Mean square per 100 ms hop of the K-weighted audio, summed over channels (a mono stem counts on each of them)."""
    return mean_squares(k_weighted(audio, sample_rate_hz), sample_rate_hz) * ((channels or len(audio)) / len(audio))


def cross_energies(multitrack: Multitrack) -> CrossEnergies:
    """K-weight every stem and take the mean products per 100 ms hop."""
    meter = CrossEnergyMeter(multitrack.sample_rate_hz, multitrack.channels)
    with ThreadPoolExecutor(WORKERS) as pool:
        weighted = list(pool.map(lambda stem: k_weighted(stem.audio, multitrack.sample_rate_hz), multitrack.stems))
    meter.update(weighted)
    return meter.result(multitrack.names, [stem.role for stem in multitrack.stems])


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
    """The cross energies and the levels of a song in memory."""
    stems = multitrack.stems
    meter = LevelsMeter(
        multitrack.names, [stem.role for stem in stems], [len(stem.audio) for stem in stems], multitrack.sample_rate_hz
    )
    with ThreadPoolExecutor(WORKERS) as pool:
        for start in range(0, multitrack.samples, SAMPLES_AT_ONCE):
            blocks = [stem.audio[:, start : start + SAMPLES_AT_ONCE] for stem in stems]
            meter.together(blocks, list(pool.map(meter.stem, range(len(stems)), blocks)))
    return meter.result(lambda members, first, count: _sum_of(multitrack, members, {}, first, count))


def levels_under(
    base: MixLevels, multitrack: Multitrack, energies: CrossEnergies, faders: Mapping[str, float]
) -> MixLevels:
    """Levels of the same song with the faders there: a stem only shifts, sums of stems are measured anew."""
    meters = [
        turned(Loudness.model_validate(_meter_of(stem)), gain_db, integrated_lufs(energies.mix(faders, [index])))
        for index, stem in enumerate(base.stems)
        for gain_db in [faders.get(stem.name, 0.0)]
    ]

    def meter(members: tuple[int, ...]) -> Loudness:
        if len(members) == 1:
            return meters[members[0]]
        total = _sum_of(multitrack, members, faders, 0, multitrack.samples)
        return measure_loudness(total, multitrack.sample_rate_hz)

    groups = [energies.members(group) for group in energies.groups()]
    with ThreadPoolExecutor(WORKERS) as pool:
        *of_groups, mix = pool.map(meter, [*groups, tuple(range(len(meters)))])
    by_group = dict(zip(energies.groups(), of_groups, strict=True))
    return _levels(energies, meters, by_group, mix, faders, base.sample_rate_hz, multitrack.samples)


def _sum_of(
    multitrack: Multitrack, members: Sequence[int], faders: Mapping[str, float], first: int, count: int
) -> Audio:
    """Sum of some stems under these faders, float32 (channels, count)."""
    chosen = [multitrack.stems[index] for index in members]
    total = np.zeros((len(chosen[0].audio) if len(chosen) == 1 else multitrack.channels, count), np.float32)
    for stem in chosen:
        total += window_of(stem.audio, first, count) * np.float32(gain_of(faders, stem.name))
    return total


def _levels(
    energies: CrossEnergies,
    meters: Sequence[Loudness],
    groups: Mapping[Group, Loudness],
    mix: Loudness,
    faders: Mapping[str, float],
    sample_rate_hz: int,
    samples: int,
) -> MixLevels:
    whole = energies.mix(faders)
    stems = tuple(
        StemLevel(
            **_meter_of(meter),
            name=name,
            role=role,
            level_rel_mix_lu=energies.level_rel_mix_lu([index], faders, whole),
            sounding_share=_share(sounding(energies.mix({}, [index]))),
        )
        for index, (name, role, meter) in enumerate(zip(energies.names, energies.roles, meters, strict=True))
    )
    return MixLevels(
        **_meter_of(mix),
        sample_rate_hz=sample_rate_hz,
        duration_s=samples / sample_rate_hz,
        stems=stems,
        groups=tuple(_group_level(energies, group, meter, faders, whole) for group, meter in groups.items()),
    )


def _share(where: NDArray[np.bool_]) -> float:
    return float(where.mean()) if len(where) else 0.0


def _meter_of(meter: Loudness) -> dict[str, float | str | None]:
    return {name: getattr(meter, name) for name in Loudness.model_fields}


def _group_level(
    energies: CrossEnergies, group: Group, meter: Loudness, faders: Mapping[str, float], whole: Energies
) -> GroupLevel:
    members = energies.members(group)
    return GroupLevel(
        **_meter_of(meter),
        group=group,
        stems=tuple(energies.names[index] for index in members),
        level_rel_mix_lu=energies.level_rel_mix_lu(members, faders, whole),
    )


def _reading(read: ReadSum, members: Sequence[int]) -> ReadWindow:
    return lambda first, count: read(members, first, count)
