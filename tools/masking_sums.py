"""What every stem lets through, hides and spreads: a song's frames summed into blocks, per stem and ERB band.

Frames are worked off in parts, so that a long song takes no more memory than a short one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.erb import Floats, Hearing, Power

LIMIT_DB = 60.0  # ratios of signal to mask are kept within this
CELLS_AT_ONCE = 1 << 17


@dataclass
class MaskingSums:
    """What is kept of the frames in which a stem sounds; of `excitation`, of all.

    Blocks are some frames long: float32 (stems, blocks, bands).
    """

    energy: Floats  # (stems, 2): all and audible energy
    region_signal: Floats  # (stems, regions)
    region_mask: Floats  # (target, masker, regions)
    loudness: Power
    hidden: Power
    depth: Power  # loudness times signal-to-mask ratio in dB
    excitation: Power


def sum_frames(
    band_power: Power,
    sounds: NDArray[np.bool_],
    volume: float,
    ear: Hearing,
    regions: Sequence[slice],
    block: int,
) -> MaskingSums:
    """Sums of `band_power` (stems, frames, bands) times `volume`, in blocks of `block` frames, and by region.

    `sounds` (stems, frames) says in which frames each stem sounds; `regions` are ranges of bands.
    """
    stems, frames, bands = band_power.shape
    blocks = -(-frames // block)
    cells = [np.zeros((stems, blocks, bands), np.float32) for _ in range(4)]
    region_sums = np.zeros((stems, len(regions))), np.zeros((stems, stems, len(regions)))
    sums = MaskingSums(np.zeros((stems, 2)), *region_sums, *cells)
    members = np.zeros((bands, len(regions)), np.float32)
    for index, inside in enumerate(regions):
        members[inside, index] = 1
    at_once = block * max(1, CELLS_AT_ONCE // max(1, stems * bands * block))
    for first in range(0, frames, at_once):
        part = band_power[:, first : first + at_once] * np.float32(volume)
        _add_frames(sums, part, sounds[:, first : first + at_once], ear, members, first // block, block)
    return sums


def _add_frames(
    sums: MaskingSums, power: Power, sounds: NDArray[np.bool_], ear: Hearing, members: Power, at: int, block: int
) -> None:
    here = sounds[:, :, None]
    excitation = ear.excitation(power)
    mask = np.maximum(excitation.sum(axis=0) - excitation, 0) * ear.detection_ratio + ear.quiet_threshold
    ratio = (excitation + np.float32(1e-9)) / mask
    hidden = ratio < 1
    energy = power * ear.ear_gain * here
    sums.energy += np.stack([energy.sum(axis=(1, 2)), energy.sum(axis=(1, 2), where=~hidden)], axis=1)
    loudness = _loudness(energy / ear.quiet_threshold)
    ratio_db = np.clip(10 * np.log10(ratio), -LIMIT_DB, LIMIT_DB)
    blocks = slice(at, at + -(-power.shape[1] // block))
    sums.loudness[:, blocks] = in_blocks(loudness, block)
    sums.hidden[:, blocks] = in_blocks(loudness * hidden, block)
    sums.depth[:, blocks] = in_blocks(loudness * ratio_db, block)
    sums.excitation[:, blocks] = in_blocks(excitation, block)
    sums.region_signal += ((excitation * here).sum(axis=1) @ members).astype(np.float64)
    region_mask = (excitation * ear.detection_ratio + ear.quiet_threshold) @ members
    by_frame = region_mask.transpose(1, 0, 2).reshape(power.shape[1], -1)
    sums.region_mask += (sounds.astype(np.float32) @ by_frame).reshape(sums.region_mask.shape)


def in_blocks(cells: Power, block: int) -> Power:
    """Sums over `block` frames; the last block may be shorter."""
    stems, frames, bands = cells.shape
    if frames % block:
        cells = np.concatenate([cells, np.zeros((stems, block - frames % block, bands), np.float32)], axis=1)
    return np.asarray(cells.reshape(stems, -(-frames // block), block, bands).sum(axis=2))


def _loudness(over_quiet: Power) -> Power:
    """Specific loudness alone (Moore, Glasberg and Baer 1997, equation 8, without its constant), 0 at threshold.

    It is taken of what sounds inside a band, not of what spreads into it: a bass is not hidden where it plays nothing.
    """
    return np.asarray(np.maximum(np.power(over_quiet + np.float32(2), np.float32(0.2)) - np.float32(3**0.2), 0))
