"""The song's own side of the comparison: its stems in four groups, and how loud each group is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.models.differential.sound_windows import Window, contested_windows, cut
from mixingbuddy.models.reference_stems import level_lufs, summed
from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.multitrack import Multitrack
from mixingbuddy.tools.professional_levels import level_group
from mixingbuddy.tools.roles import Role

_ROLE_OF_GROUP = {"vocals": 0, "drums": 1, "bass": 2, "instruments": 3}
# A group this far under the loudest hardly plays: that is no fault of its fader.
HARDLY_PLAYS_LU = 35.0


@dataclass(frozen=True)
class OwnBalance:
    """Stems (indices) of each of the four groups, and each group's gated loudness (4,) in the windows, LUFS; nan where
    it does not sound."""

    members: tuple[tuple[int, ...], ...]
    levels_lufs: NDArray[np.float64]
    windows: tuple[Window, ...]

    def groups(self) -> list[int]:
        """Groups that sound."""
        return [group for group in range(len(ROLES)) if np.isfinite(self.levels_lufs[group])]


def role_number(role: Role) -> int:
    """Place of a role's group in ROLES: what is not voice, drums or bass is `other`."""
    return _ROLE_OF_GROUP[level_group(role)]


def own_balance(multitrack: Multitrack, roles: Sequence[int]) -> OwnBalance:
    """Group the stems by `roles` (numbers into ROLES, one for each stem) and measure the groups where they contest."""
    members = tuple(
        tuple(
            i
            for i, (own, stem) in enumerate(zip(roles, multitrack.stems, strict=True))
            if own == role and not stem.silent
        )
        for role in range(len(ROLES))
    )
    playing = {role: summed(multitrack.stems, own) for role, own in enumerate(members) if own}
    windows = tuple(contested_windows(list(playing.values()), multitrack.sample_rate_hz)) if playing else ()
    levels = np.full(len(ROLES), np.nan)
    for role, audio in playing.items():
        levels[role] = _level(audio, windows, multitrack.sample_rate_hz)
    if np.isfinite(levels).any():
        levels[levels < np.nanmax(levels) - HARDLY_PLAYS_LU] = np.nan
    return OwnBalance(members, levels, windows)


def levels_in(multitrack: Multitrack, roles: Sequence[int], windows: Sequence[Window]) -> NDArray[np.float64]:
    """Gated loudness (4,) of every group in these windows, LUFS; nan where it does not sound."""
    levels = np.full(len(ROLES), np.nan)
    pieces = [replace(s, audio=cut(s.audio, windows, multitrack.sample_rate_hz)) for s in multitrack.stems]
    for role in set(roles):
        loudness = level_lufs(
            summed(pieces, [i for i, own in enumerate(roles) if own == role]), multitrack.sample_rate_hz
        )
        levels[role] = np.nan if loudness is None else loudness
    return levels


def _level(audio: Audio, windows: Sequence[Window], sample_rate_hz: int) -> float:
    loudness = level_lufs(cut(audio, windows, sample_rate_hz), sample_rate_hz)
    return np.nan if loudness is None else loudness


def mix_of(multitrack: Multitrack) -> Audio:
    """The plain sum of all stems, float32 (channels, samples)."""
    return summed(multitrack.stems, range(len(multitrack.stems)))
