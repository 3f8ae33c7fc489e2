"""One pass over a signal gives what spectrum, stereo and masking need: long-term power and cross spectra, band powers.

Frames of about 93 ms (Hann, half overlapping, the first centred on sample 0) are transformed some dozens at a time.
They are too short to tell 40 from 50 Hz, so their lowest bins are overlap-added to the signal decimated (Hann windows
at half overlap add up to one) and transformed again in frames eight times as long; the spectrum passes from those to
the short ones between 260 and 520 Hz.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.audio import Audio

Spectrum = NDArray[np.float64]

FRAME_S = 0.093
# The long frames come from so many of the lowest bins; the upper half of these fades out against aliasing.
_LOW_BINS = 128
_LOW_FFT = 2048
_LONGER = 8  # how much longer they last: 2048 samples of 2 * 128 per short frame
# Samples transformed at once: the arrays of one step stay in the processor's cache.
_SAMPLES_AT_ONCE = 1 << 16
# Twice as many band powers are kept at most: up to 19 minutes one every 93 ms, of an hour one every 0.4 s.
_MOST_FRAMES = 6000
# Bins of the short frames between which the long frames hand over: 260 and 520 Hz at 44.1 kHz.
_HANDOVER_BINS = (24, 48)


def fft_size(sample_rate_hz: int) -> int:
    """Samples in one frame: the power of two nearest to 93 ms (4096 at 44.1 and 48 kHz)."""
    return max(512, 1 << round(math.log2(FRAME_S * sample_rate_hz)))


def fft_frequencies_hz(sample_rate_hz: int) -> Spectrum:
    """Centre frequencies of the bins that band weights apply to, shape (fft_size // 2 + 1,)."""
    return np.linspace(0.0, sample_rate_hz / 2, fft_size(sample_rate_hz) // 2 + 1)


@dataclass(frozen=True)
class BandSpectra:
    """Average spectra of one signal. Full scale is a mean square of 1.0, so a full-scale sine reads 0.5 in all.

    `edges_hz` (bins + 1,) bounds the bins: eight times narrower below the handover than above it. `power`
    (channels, bins) is each channel's mean square per bin, `cross` (bins,) the mean product of left and right (None
    for mono). `frame_bands` float32 (frames, bands) is the power of each frame in the given band weights, averaged over
    the channels; frame i is centred on i * `frame_s`.
    """

    sample_rate_hz: int
    samples: int
    edges_hz: Spectrum
    power: Spectrum
    cross: Spectrum | None
    frame_bands: NDArray[np.float32] | None
    frame_s: float

    def power_between(self, edges_hz: Spectrum) -> Spectrum:
        """Mean square of each channel between neighbouring edges (n + 1,), shape (channels, n); a bin may be cut."""
        return np.stack([_between(self.edges_hz, channel, edges_hz) for channel in self.power])

    def cross_between(self, edges_hz: Spectrum) -> Spectrum:
        """Mean product of left and right between neighbouring edges (n + 1,), shape (n,); of mono, its power."""
        return _between(self.edges_hz, self.power[0] if self.cross is None else self.cross, edges_hz)


class BandSpectraMeter:
    """Accumulates the spectra of one signal, block by block; memory does not grow, but for the frames' band powers.

    `weights` is float32 (bands, bins) over `fft_frequencies_hz`. Raises ValueError for another shape.
    """

    def __init__(self, sample_rate_hz: int, channels: int, weights: NDArray[np.float32] | None = None) -> None:
        n_fft = fft_size(sample_rate_hz)
        if weights is not None and (weights.ndim != 2 or weights.shape[1] != n_fft // 2 + 1):
            raise ValueError(f"weights of shape {weights.shape} came, (bands, {n_fft // 2 + 1}) was expected")
        if channels not in (1, 2):
            raise ValueError(f"{channels} channels came, one or two were expected")
        self._sample_rate_hz, self._channels, self._samples = sample_rate_hz, channels, 0
        self._frames, self._sums = _Frames(channels, n_fft), _Sums(channels, n_fft)
        self._low = _Decimated(channels, n_fft)
        self._low_frames, self._low_sums = _Frames(channels, _LOW_FFT), _Sums(channels, _LOW_FFT)
        scaled = None if weights is None else weights * (_one_sided(n_fft) / np.float32(channels))
        self._bands = None if scaled is None else _FrameBands(scaled.T.copy())

    def add(self, block: Audio) -> None:
        """Take the next samples, float32 (channels, samples). Raises ValueError for another number of channels."""
        if block.ndim != 2 or block.shape[0] != self._channels:
            raise ValueError(f"a block of shape {block.shape} came, ({self._channels}, samples) was expected")
        self._samples += block.shape[1]
        for start in range(0, block.shape[1], _SAMPLES_AT_ONCE):
            self._take(self._frames.add(block[:, start : start + _SAMPLES_AT_ONCE]))

    def finish(self) -> BandSpectra:
        """The spectra of everything that was added; call it once, at the end."""
        self._take(self._frames.flush())
        self._low_sums.add(self._low_frames.flush())
        low_weight = self._low_frames.weight_between(_LOW_BINS, _LOW_BINS + self._samples / self._low.decimation)
        edges_hz, means = _joined(
            self._sums.mean(self._frames.weight_between(0, self._samples)),
            self._low_sums.mean(low_weight),
            self._sample_rate_hz / self._frames.n_fft,
        )
        bands, frame_s = (None, 0.0) if self._bands is None else self._bands.result()
        frame_s *= self._frames.n_fft / 2 / self._sample_rate_hz
        cross = means[2] if self._channels == 2 else None
        power = np.maximum(means[: self._channels], 0.0)
        return BandSpectra(self._sample_rate_hz, self._samples, edges_hz, power, cross, bands, frame_s)

    def _take(self, spectra: NDArray[np.complex64]) -> None:
        if spectra.shape[1] == 0:
            return
        chosen = self._sums.add(spectra, self._bands is not None)
        if self._bands is not None:
            self._bands.add(chosen)
        self._low_sums.add(self._low_frames.add(self._low.add(spectra)))


def measure_band_spectra(audio: Audio, sample_rate_hz: int, weights: NDArray[np.float32] | None = None) -> BandSpectra:
    """Spectra of a whole signal, float32 (channels, samples)."""
    meter = BandSpectraMeter(sample_rate_hz, audio.shape[0], weights)
    meter.add(audio)
    return meter.finish()


class _Frames:
    """Cuts a stream into Hann-windowed frames at half overlap and transforms them, batch by batch."""

    def __init__(self, channels: int, n_fft: int) -> None:
        self.n_fft, self._hop = n_fft, n_fft // 2
        self._window = _hann(n_fft)
        self._held = np.zeros((channels, self._hop), np.float32)  # the first frame is centred on sample 0
        self._room = np.empty((0, 0, 0), np.float32)

    def add(self, block: Audio) -> NDArray[np.complex64]:
        """Spectra of all frames that are now complete, complex64 (channels, frames, bins)."""
        from scipy.fft import rfft

        from mixingbuddy.tools.kernels import windowed_frames

        before = self._held.shape[1]
        frames = max(0, (before + block.shape[1] - self.n_fft) // self._hop + 1)
        if frames == 0:
            self._held = np.concatenate([self._held, block], axis=1)
            return np.zeros((len(block), 0, self._hop + 1), np.complex64)
        shape = (len(block), frames, self.n_fft)
        if self._room.shape != shape:  # asking for memory anew takes longer than filling it
            self._room = np.empty(shape, np.float32)
        windowed = self._room
        windowed_frames(self._held, np.ascontiguousarray(block, np.float32), self._window, windowed)
        done = frames * self._hop
        self._held = np.concatenate([self._held[:, done:], block[:, max(0, done - before) :]], axis=1)
        return np.asarray(rfft(windowed, axis=-1))

    def flush(self) -> NDArray[np.complex64]:
        """The last frames, zero padded, so that every sample has been in two."""
        channels, held = self._held.shape
        missing = (math.ceil(held / self._hop) + 1) * self._hop - held
        return self.add(np.zeros((channels, missing), np.float32))

    def weight_between(self, start: float, stop: float) -> float:
        """Sum of the squared windows over the samples from `start` to `stop`, both frames of each counted."""
        squares = np.square(self._window, dtype=np.float64)
        cumulated = np.concatenate([[0.0], np.cumsum(squares[: self._hop] + squares[self._hop :])])

        def upto(sample: float) -> float:
            periods, rest = divmod(sample, self._hop)
            return float(periods * cumulated[-1] + np.interp(rest, np.arange(self._hop + 1), cumulated))

        return upto(stop) - upto(start)


class _Sums:
    """Sums over frames: squares of each channel and, for stereo, the products of left and right."""

    def __init__(self, channels: int, n_fft: int) -> None:
        self._n_fft = n_fft
        self._sums = np.zeros((2 * channels - 1, n_fft // 2 + 1))
        self._frames = 0

    def add(self, spectra: NDArray[np.complex64], want_squares: bool = False) -> NDArray[np.float32]:
        """Returns the squares of every second frame, float32 (frames, bins), summed over the channels, if wanted."""
        from mixingbuddy.tools.kernels import spectral_sums

        first = self._frames % 2
        chosen = len(range(first, spectra.shape[1], 2)) if want_squares else 0
        squares = np.empty((chosen, spectra.shape[2]), np.float32)
        spectral_sums(spectra, self._sums, squares, first)
        self._frames += spectra.shape[1]
        return squares

    def mean(self, weight: float) -> Spectrum:
        """Mean squares (and the mean product last) per bin, (1 or 3, bins), a spectrum sums to the mean square."""
        full = np.square(_hann(self._n_fft), dtype=np.float64).sum()
        return np.asarray(self._sums * _one_sided(self._n_fft) * (full / weight if weight > 0 else 0.0))


class _FrameBands:
    """Band powers of frames that do not overlap; of a very long signal, means of several of these."""

    def __init__(self, weights: NDArray[np.float32]) -> None:
        self._weights = weights
        self._merged = 1
        self._held: list[NDArray[np.float32]] = [np.zeros((0, weights.shape[1]), np.float32)]
        self._count = 0
        self._rest = self._held[0]

    def add(self, squares: NDArray[np.float32]) -> None:
        """Take the squares of the next frames, (frames, bins), summed over the channels."""
        frames = np.concatenate([self._rest, squares @ self._weights])
        whole = len(frames) // self._merged * self._merged
        self._rest = frames[whole:]
        self._held.append(_merged(frames[:whole], self._merged))
        self._count += len(self._held[-1])
        if self._count >= 2 * _MOST_FRAMES:
            joined = np.concatenate(self._held)
            whole = len(joined) // 2 * 2
            self._rest = np.concatenate([np.repeat(joined[whole:], self._merged, axis=0), self._rest])
            self._held, self._merged = [_merged(joined[:whole], 2)], 2 * self._merged
            self._count = len(self._held[0])

    def result(self) -> tuple[NDArray[np.float32], float]:
        """Band powers, (frames, bands), and how many hops lie between them."""
        last = self._rest.mean(axis=0, keepdims=True) if len(self._rest) else self._rest
        return np.concatenate([*self._held, last]), 2.0 * self._merged


def _merged(frames: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    return np.asarray(frames.reshape(-1, count, frames.shape[1]).mean(axis=1), np.float32)


class _Decimated:
    """The stream at 256 samples per frame, from the lowest bins of its frames; it lags by 128 samples."""

    def __init__(self, channels: int, n_fft: int) -> None:
        self.decimation = n_fft / (2 * _LOW_BINS)
        fade = np.cos(np.linspace(0, np.pi / 2, _LOW_BINS // 2 + 1)) ** 2
        self._taper = (np.concatenate([np.ones(_LOW_BINS // 2), fade]) / self.decimation).astype(np.float32)
        self._tail = np.zeros((channels, 1, _LOW_BINS), np.float32)

    def add(self, spectra: NDArray[np.complex64]) -> Audio:
        """Overlap-add the next frames; float32 (channels, frames * 128)."""
        from scipy.fft import irfft

        frames = irfft(spectra[:, :, : _LOW_BINS + 1] * self._taper, n=2 * _LOW_BINS, axis=-1)
        halves = np.concatenate([self._tail, frames[:, :, _LOW_BINS:]], axis=1)
        self._tail = halves[:, -1:].copy()
        stream = frames[:, :, :_LOW_BINS] + halves[:, :-1]
        return np.ascontiguousarray(stream.reshape(len(stream), -1))


def _hann(n_fft: int) -> NDArray[np.float32]:
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)


def _one_sided(n_fft: int) -> NDArray[np.float32]:
    """Factor from the square of a bin to its mean square under the window; both halves of the spectrum count in one."""
    factor = np.full(n_fft // 2 + 1, 2.0)
    factor[[0, -1]] = 1.0
    return np.asarray(factor / (n_fft * np.square(_hann(n_fft), dtype=np.float64).sum()), np.float32)


def _edges(bins: int, spacing: float) -> Spectrum:
    return np.asarray(np.clip(np.arange(bins + 1) - 0.5, 0.0, bins - 1) * spacing)


def _joined(short: Spectrum, long: Spectrum, spacing_hz: float) -> tuple[Spectrum, Spectrum]:
    """Narrow bins of the long frames below the handover, wide ones of the short frames above, mixed in between."""
    first, last = _HANDOVER_BINS
    wide, narrow = _edges(short.shape[1], spacing_hz), _edges(long.shape[1], spacing_hz / _LONGER)
    # The narrow bins' edges fall beside the wide ones': up to the last edge all is put on one narrow grid.
    top_hz = (last + 0.5) * spacing_hz
    grid = np.append(narrow[narrow < top_hz], top_hz)
    centres = (grid[1:] + grid[:-1]) / 2 / spacing_hz
    share = np.clip((last - centres) / (last - first), 0.0, 1.0)
    low = np.stack(
        [
            share * _between(narrow, a, grid) + (1 - share) * _between(wide, b, grid)
            for a, b in zip(long, short, strict=True)
        ]
    )
    return np.concatenate([grid, wide[last + 2 :]]), np.concatenate([low, short[:, last + 1 :]], axis=1)


def _between(bin_edges: Spectrum, values: Spectrum, edges: Spectrum) -> Spectrum:
    """Sum of `values` (bins,) between neighbouring edges; a bin that is cut counts by the part inside."""
    cumulated = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(np.diff(np.interp(edges, bin_edges, cumulated)))
