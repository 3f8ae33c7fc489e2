"""What the compact model hears: K-weighted band powers of mid and side, every 23 ms.

Below 1 kHz a 93 ms window tells notes apart, above it a 46 ms window tells hits apart. Every bin of a window belongs to
one band, so the powers of all bands add up to the power of the sound (but for a tone within 25 Hz of where the windows
meet, which counts up to 2.3 dB too much). Products of two stems are kept as band sums too: with them the powers of any
remix of a song follow exactly from its gains, without another transform.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.audio import Audio, Clip, resampled, with_channels

RATE_HZ = 44100
HOP = 1024
HOP_S = HOP / RATE_HZ
LONG, SHORT = 4096, 2048
SPLIT_HZ = 1000.0
LOWEST_HZ, HIGHEST_HZ = 21.5, 16000.0
EVEN_BELOW_HZ = 300.0
PER_OCTAVE_LOW, PER_OCTAVE_HIGH = 13, 9
SHORTEST_FRAMES = 16
FRAMES_PER_TOKEN = 4

Powers = NDArray[np.float32]


@dataclass(frozen=True)
class BandLayout:
    """First bins of the bands of the long and of the short window, with one past the last bin at the end."""

    long: tuple[int, ...]
    short: tuple[int, ...]
    centres_hz: tuple[float, ...]

    @property
    def count(self) -> int:
        return len(self.centres_hz)


@lru_cache(maxsize=1)
def layout() -> BandLayout:
    """The bands at 44.1 kHz: two bins of the long window each, then 13 per octave, above 1 kHz 9 per octave."""
    step_hz = RATE_HZ / LONG
    low = [*np.arange(LOWEST_HZ, EVEN_BELOW_HZ, 2 * step_hz), *_octaves(EVEN_BELOW_HZ, SPLIT_HZ, PER_OCTAVE_LOW)]
    long = _bins(low, LONG)
    short = _bins(_octaves(SPLIT_HZ, HIGHEST_HZ, PER_OCTAVE_HIGH), SHORT)
    edges_hz = [bins * RATE_HZ / size for bins, size in ((np.array(long), LONG), (np.array(short), SHORT))]
    centres = np.concatenate([np.sqrt(np.maximum(edges[:-1], 1) * edges[1:]) for edges in edges_hz])
    return BandLayout(long, short, tuple(float(hz) for hz in centres))


def _octaves(low_hz: float, high_hz: float, per_octave: int) -> NDArray[np.float64]:
    count = round(np.log2(high_hz / low_hz) * per_octave)
    return np.geomspace(low_hz, high_hz, count + 1)


def _bins(edges_hz: Sequence[float] | NDArray[np.float64], size: int) -> tuple[int, ...]:
    return tuple(int(edge) for edge in np.unique(np.round(np.asarray(edges_hz) / RATE_HZ * size)))


def frames_of(samples: int) -> int:
    """Number of frames of a sound of that many samples."""
    return samples // HOP + 1


def pairs(stems: int) -> list[tuple[int, int]]:
    """The order in which `band_products` keeps pairs of stems: (0, 0), (0, 1), ..., (1, 1), ..."""
    return [(i, j) for i in range(stems) for j in range(i, stems)]


def band_powers(audio: Audio) -> Powers:
    """Powers (2, bands, frames) of mid and side of a sound at 44.1 kHz, float32 (channels, samples)."""
    return np.asarray(band_products([audio])[0])


def ear_powers(audio: Audio, sample_rate_hz: int) -> Powers:
    """Band powers (2, bands, frames) of float32 (channels, samples), with a number of frames that the ear can take.

    A sound that is too short is repeated. The level is kept: nothing is normalised.
    """
    powers = band_powers(resampled(Clip(audio, sample_rate_hz), RATE_HZ).audio)
    frames = powers.shape[2]
    if frames < SHORTEST_FRAMES:
        powers = np.tile(powers, (1, 1, -(-SHORTEST_FRAMES // frames)))
    return np.ascontiguousarray(powers[:, :, : powers.shape[2] // FRAMES_PER_TOKEN * FRAMES_PER_TOKEN])


def band_products(stems: Sequence[Audio]) -> Powers:
    """Real products (pairs, 2, bands, frames) of all stems of a song at 44.1 kHz, each float32 (channels, samples)."""
    bands = layout()
    parts = [
        _products([_spectrum(stem, size) for stem in stems], edges)
        for size, edges in ((LONG, bands.long), (SHORT, bands.short))
    ]
    products = np.concatenate(parts, axis=2) * _k_weights()[:, None]
    return products.astype(np.float32)


def _spectrum(audio: Audio, size: int) -> NDArray[np.complex64]:
    """Hann-windowed frames of mid and side, (2, frames, bins); frame t is centred on sample t * HOP."""
    from scipy.fft import rfft

    left_right = with_channels(audio, 2)
    mid_side = np.stack([left_right[0] + left_right[1], left_right[0] - left_right[1]]) * np.float32(np.sqrt(0.5))
    padded = np.pad(mid_side, ((0, 0), (size // 2, size // 2)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::HOP]
    window = np.hanning(size + 1)[:-1]
    window = (window / np.sqrt((window**2).sum() * size / 2)).astype(np.float32)
    return np.asarray(rfft(frames * window, axis=2))


def _products(spectra: Sequence[NDArray[np.complex64]], edges: Sequence[int]) -> NDArray[np.float32]:
    """(pairs, 2, bands, frames) from one (2, frames, bins) spectrum per stem."""
    starts, end = np.array(edges[:-1]), edges[-1]
    cut = [spectrum[:, :, :end] for spectrum in spectra]
    sums = [
        np.add.reduceat(a.real * b.real + a.imag * b.imag, starts, axis=2)
        for a, b in ((cut[i], cut[j]) for i, j in pairs(len(cut)))
    ]
    return np.stack(sums).transpose(0, 1, 3, 2)


@lru_cache(maxsize=1)
def _k_weights() -> NDArray[np.float64]:
    """Power gain (bands,) of BS.1770's K-weighting at every band's centre."""
    from scipy.signal import sosfreqz

    from mixingbuddy.tools.loudness import k_weighting_sos

    response = sosfreqz(k_weighting_sos(RATE_HZ), worN=np.array(layout().centres_hz), fs=RATE_HZ)[1]
    return np.asarray(np.abs(response) ** 2)
