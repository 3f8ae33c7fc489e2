"""The compiled loops against scipy's filter and soxr's resampler."""

from itertools import pairwise

import numpy as np
import pytest
import soxr
from scipy.signal import butter, sosfilt

from mixingbuddy.tools.kernels import hop_extremes, hop_squares, spectral_sums, two_biquads
from mixingbuddy.tools.loudness import true_peak_dbtp


def filtered(audio: np.ndarray, sos: np.ndarray, sizes: list[int], hop: int) -> tuple[np.ndarray, ...]:
    """`audio` in blocks of these sizes, with the energies and peaks of every hop."""
    state, parts, place = np.zeros((2, 4)), [], 0
    energies, peaks = np.zeros(audio.shape[1] // hop + 1), np.zeros(audio.shape[1] // hop + 1, np.float32)
    for block in np.split(audio, np.cumsum(sizes)[:-1], axis=1):
        parts.append(np.empty(block.shape, np.float32))
        inside = slice(place // hop, None)
        contiguous = np.ascontiguousarray(block)
        two_biquads(contiguous, sos, state, parts[-1], hop, place % hop, energies[inside], peaks[inside])
        place += block.shape[1]
    return np.concatenate(parts, axis=1), energies, peaks, state


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("sizes", [[5000], [1, 2, 3, 4994], [2500, 2500]])
def test_two_biquads_are_scipys_filter_and_carry_their_state_on(sizes: list[int], channels: int) -> None:
    audio = np.random.default_rng(0).standard_normal((channels, 5000)).astype(np.float32)
    sos = butter(4, [0.1, 0.4], "band", output="sos")[:2].copy()
    out, energies, peaks, _ = filtered(audio, sos, sizes, 500)
    expected = sosfilt(sos, audio)
    np.testing.assert_allclose(out, expected, atol=1e-5)
    hops = expected.reshape(channels, 10, 500)
    np.testing.assert_allclose(energies[:10], np.square(hops).sum(axis=(0, 2)), rtol=1e-5)
    np.testing.assert_array_equal(peaks[:10], np.abs(audio).reshape(channels, 10, 500).max(axis=(0, 2)))


def test_the_filters_state_dies_out_instead_of_becoming_denormal() -> None:
    audio = np.concatenate([np.ones((1, 100), np.float32), np.zeros((1, 20000), np.float32)], axis=1)
    state = filtered(audio, butter(4, 0.3, output="sos"), [100, 20000], 500)[3]
    assert not state.any()


@pytest.mark.parametrize("place", [0, 1, 99])
def test_hops_are_summed_from_any_place_on(place: int) -> None:
    audio = np.random.default_rng(1).standard_normal((2, 1234)).astype(np.float32)
    hops = -(-(place + 1234) // 100)
    squares, high, low = np.zeros((2, hops)), np.full((2, hops), -9, np.float32), np.full((2, hops), 9, np.float32)
    hop_squares(audio, 100, place, squares)
    hop_extremes(audio, 100, place, high, low)
    edges = [0, *range(100 - place, 1234, 100), 1234]
    for index, (start, end) in enumerate(pairwise(edges)):
        part = audio[:, start:end]
        np.testing.assert_allclose(squares[:, index], np.square(part).sum(axis=1), rtol=1e-5)
        np.testing.assert_array_equal(high[:, index], part.max(axis=1))
        np.testing.assert_array_equal(low[:, index], part.min(axis=1))


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("channels", [1, 2])
def test_spectra_are_summed_and_every_second_frame_is_kept(channels: int, first: int) -> None:
    rng = np.random.default_rng(2)
    shape = (channels, 7, 65)
    spectra = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    sums, squares = np.zeros((2 * channels - 1, 65)), np.zeros((len(range(first, 7, 2)), 65), np.float32)
    spectral_sums(spectra, sums, squares, first)
    power = np.square(np.abs(spectra))
    np.testing.assert_allclose(sums[:channels], power.sum(axis=1), rtol=1e-5)
    if channels == 2:
        np.testing.assert_allclose(sums[2], (spectra[0] * spectra[1].conj()).real.sum(axis=0), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(squares, power.sum(axis=0)[first::2], rtol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_true_peaks_are_those_of_a_resampler(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal((2, 1 << 15)))
    spectrum[:, int(0.9 * spectrum.shape[1]) :] = 0  # nothing close to half of the sample rate, as in music
    audio = np.fft.irfft(spectrum).astype(np.float32)
    audio[:, :500] = audio[:, -500:] = 0
    fine = soxr.resample(audio.T, 1, 4, quality="VHQ")
    assert true_peak_dbtp(audio) == pytest.approx(20 * np.log10(np.abs(fine).max()), abs=0.05)
