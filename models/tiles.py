"""Short-time spectra of stems and reference, cut into tiles (one frame x one band), summed to small matrices."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.audio import Audio

Complex = NDArray[np.complex64]
Real = NDArray[np.float64]

FRAME_S = 0.0464
BANDS = 24
LOWEST_HZ = 40.0
HIGHEST_HZ = 16_000.0
BLOCK_S = 0.25
# Tiles this far below the mean tile hold nothing but noise.
QUIETEST = 1e-6


@dataclass(frozen=True)
class Tiles:
    """Sums over the bins and channels of each tile, for columns s_1..s_K and the reference r.

    `cross` (tiles, K, K) = s_i^H s_j, `onto` (tiles, K) = s_i^H r, `energy` (tiles,) = r^H r, `bins` (tiles,) the
    number of summed values, `band` and `block` (tiles,) where the tile lies in frequency and in quarter seconds.
    """

    cross: Complex
    onto: Complex
    energy: Real
    bins: Real
    band: NDArray[np.int64]
    block: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.energy)


def frame_samples(sample_rate_hz: int) -> int:
    """Samples in a frame: the power of two nearest to 46 ms, at least 64."""
    return max(64, int(2 ** round(np.log2(FRAME_S * sample_rate_hz))))


def band_edges(sample_rate_hz: int) -> list[tuple[int, int]]:
    """First and one-past-last bin of each band, about a third of an octave wide, never under two bins."""
    frame = frame_samples(sample_rate_hz)
    edges_hz = np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, 0.46 * sample_rate_hz), BANDS + 1)
    edges = np.round(edges_hz / sample_rate_hz * frame).astype(int)
    bands: list[tuple[int, int]] = []
    low = max(1, int(edges[0]))
    for high in edges[1:]:
        if high - low >= 2:
            bands.append((low, int(high)))
            low = int(high)
    return bands


def spectra(audio: Audio, frame: int) -> Complex:
    """Hann-windowed frames with half overlap: float32 (channels, samples) to (frames, channels, bins)."""
    from scipy.fft import rfft

    if audio.shape[1] < frame:
        audio = np.pad(audio, ((0, 0), (0, frame - audio.shape[1])))
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(audio, frame, axis=1)[:, :: frame // 2]
    return np.asarray(rfft(frames * hann, axis=2).astype(np.complex64, copy=False).transpose(1, 0, 2))


def tiles_of(columns: Complex, reference: Complex, sample_rate_hz: int, first_block: int = 0) -> Tiles:
    """Tiles of one window; `columns` is (frames, K, channels, bins), `reference` (frames, channels, bins)."""
    frames, count = columns.shape[:2]
    per_block = max(1, round(BLOCK_S * sample_rate_hz / (frame_samples(sample_rate_hz) // 2)))
    block = first_block + np.arange(frames) // per_block
    parts = []
    for number, (low, high) in enumerate(band_edges(sample_rate_hz)):
        stems = columns[..., low:high].reshape(frames, count, -1)
        mix = reference[..., low:high].reshape(frames, -1)
        conjugate = stems.conj()
        parts.append(
            Tiles(
                cross=conjugate @ stems.transpose(0, 2, 1),
                onto=(conjugate @ mix[:, :, None])[:, :, 0],
                energy=np.einsum("fb,fb->f", mix, mix.conj()).real.astype(np.float64),
                bins=np.full(frames, float(mix.shape[1])),
                band=np.full(frames, number),
                block=block,
            )
        )
    return joined(parts)


def joined(parts: Iterable[Tiles]) -> Tiles:
    """All tiles of several windows or bands."""
    every = list(parts)
    return Tiles(
        cross=np.concatenate([part.cross for part in every]),
        onto=np.concatenate([part.onto for part in every]),
        energy=np.concatenate([part.energy for part in every]),
        bins=np.concatenate([part.bins for part in every]),
        band=np.concatenate([part.band for part in every]),
        block=np.concatenate([part.block for part in every]),
    )


def sounding_tiles(tiles: Tiles) -> Tiles:
    """Only the tiles in which both the stems and the reference sound."""
    own = np.einsum("tkk->t", tiles.cross).real
    keep = (tiles.energy > QUIETEST * tiles.energy.mean()) & (own > QUIETEST * own.mean()) & (tiles.energy > 0)
    return chosen(tiles, keep)


def chosen(tiles: Tiles, keep: NDArray[np.bool_]) -> Tiles:
    """The tiles for which `keep` (tiles,) is true."""
    if keep.all():
        return tiles
    return Tiles(
        cross=tiles.cross[keep],
        onto=tiles.onto[keep],
        energy=tiles.energy[keep],
        bins=tiles.bins[keep],
        band=tiles.band[keep],
        block=tiles.block[keep],
    )
