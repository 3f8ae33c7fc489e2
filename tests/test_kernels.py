"""The compiled loops against scipy's filter and soxr's resampler."""

import numpy as np
import pytest
import soxr
from scipy.signal import butter, sosfilt

from mixingbuddy.tools.kernels import two_biquads
from mixingbuddy.tools.loudness import true_peak_dbtp


@pytest.mark.parametrize("sizes", [[5000], [1, 2, 3, 4994], [2500, 2500]])
def test_two_biquads_are_scipys_filter_and_carry_their_state_on(sizes: list[int]) -> None:
    audio = np.random.default_rng(0).standard_normal((2, 5000)).astype(np.float32)
    sos = butter(4, [0.1, 0.4], "band", output="sos")[:2].copy()
    state, parts = np.zeros((2, 4)), []
    for block in np.split(audio, np.cumsum(sizes)[:-1], axis=1):
        parts.append(np.empty(block.shape, np.float32))
        two_biquads(np.ascontiguousarray(block), sos, state, parts[-1])
    np.testing.assert_allclose(np.concatenate(parts, axis=1), sosfilt(sos, audio), atol=1e-6)


def test_the_filters_state_dies_out_instead_of_becoming_denormal() -> None:
    sos, state = butter(4, 0.3, output="sos"), np.zeros((1, 4))
    for block in (np.ones((1, 100), np.float32), np.zeros((1, 20000), np.float32)):
        two_biquads(block, sos, state, np.empty(block.shape, np.float32))
    assert not state.any()


@pytest.mark.parametrize("seed", range(4))
def test_true_peaks_are_those_of_a_resampler(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft(rng.standard_normal((2, 1 << 15)))
    spectrum[:, int(0.9 * spectrum.shape[1]) :] = 0  # nothing close to half of the sample rate, as in music
    audio = np.fft.irfft(spectrum).astype(np.float32)
    audio[:, :500] = audio[:, -500:] = 0
    fine = soxr.resample(audio.T, 1, 4, quality="VHQ")
    assert true_peak_dbtp(audio) == pytest.approx(20 * np.log10(np.abs(fine).max()), abs=0.05)
