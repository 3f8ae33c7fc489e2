"""Against Parseval, scipy.signal.welch and the time domain."""

import numpy as np
import pytest
import scipy.signal

from mixingbuddy.tools.band_spectra import (
    BandSpectra,
    BandSpectraMeter,
    fft_frequencies_hz,
    fft_size,
    measure_band_spectra,
)

RATES = [8000, 22050, 44100, 48000, 96000, 192000]


def noise(channels: int, samples: int, seed: int = 0, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal((channels, samples))).astype(np.float32)


def sine(hz: float, rate_hz: int, duration_s: float = 4.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(int(duration_s * rate_hz)) / rate_hz)[None].astype(np.float32)


def test_frames_last_about_93_ms_at_any_rate() -> None:
    assert [fft_size(rate) for rate in (44100, 48000, 22050, 96000)] == [4096, 4096, 2048, 8192]
    assert all(0.06 < fft_size(rate) / rate < 0.135 for rate in RATES)
    assert fft_frequencies_hz(44100)[-1] == 22050


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_full_scale_sine_has_half_in_a_narrow_band_round_it(rate_hz: int) -> None:
    for hz in (25.0, 50.0, 240.0, 300.0, 400.0, 530.0, 1000.0, 3600.0):
        spectra = measure_band_spectra(sine(hz, rate_hz), rate_hz)
        resolved = hz < 20 * rate_hz / fft_size(rate_hz)  # by the long frames alone
        half_width = 5.0 if resolved else 60.0
        inside = spectra.power_between(np.array([hz - half_width, hz + half_width]))
        assert inside[0, 0] == pytest.approx(0.5, rel=0.01), hz
        assert spectra.power.sum() == pytest.approx(0.5, rel=0.01)


@pytest.mark.parametrize("rate_hz", RATES)
def test_white_noise_is_flat_and_sums_to_its_mean_square(rate_hz: int) -> None:
    audio = noise(2, 8 * rate_hz)
    spectra = measure_band_spectra(audio, rate_hz)
    power = np.square(audio, dtype=float).mean(axis=1)
    np.testing.assert_allclose(spectra.power.sum(axis=1), power, rtol=0.005)
    edges = np.linspace(0, rate_hz / 2, 9)
    np.testing.assert_allclose(spectra.power_between(edges), np.outer(power, np.full(8, 1 / 8)), rtol=0.05)
    assert spectra.cross_between(edges).sum() == pytest.approx((audio[0] * audio[1]).mean(dtype=float), abs=1e-5)


def test_the_handover_between_long_and_short_frames_leaves_no_step() -> None:
    audio = noise(1, 60 * 44100)
    density = measure_band_spectra(audio, 44100).power_between(np.arange(100.0, 900.0, 50.0))[0] / 50
    np.testing.assert_allclose(density, 0.01 / 22050, rtol=0.06)


def test_agrees_with_welch_bin_by_bin_above_the_handover() -> None:
    audio = scipy.signal.lfilter([1, 0.9], [1, -0.7], noise(1, 10 * 44100)).astype(np.float32)
    spectra = measure_band_spectra(audio, 44100)
    padded = np.pad(audio[0], (2048, 4096))  # our first frame is centred on sample 0
    _, oracle = scipy.signal.welch(padded, 44100, "hann", 4096, detrend=False, scaling="spectrum")
    resolved = spectra.edges_hz[:-1] > 600
    ours = spectra.power[0, resolved]
    noise_bandwidth = 1.5  # of the Hann window: a line and a band of noise are scaled by different sums
    np.testing.assert_allclose(ours[:-1], oracle[-len(ours) : -1] / noise_bandwidth * len(padded) / 441000, rtol=0.02)


@pytest.mark.parametrize("sizes", [[1, 7, 100, 4095, 4096, 4097, 70000], [1024] * 90, [200000]])
def test_block_by_block_equals_the_whole(sizes: list[int]) -> None:
    audio = noise(2, sum(sizes))
    weights = np.random.default_rng(1).random((5, 2049), np.float32)
    meter = BandSpectraMeter(44100, 2, weights)
    for start, size in zip(np.cumsum([0, *sizes]), sizes, strict=False):
        meter.add(audio[:, start : start + size])
    by_block, whole = meter.finish(), measure_band_spectra(audio, 44100, weights)
    np.testing.assert_allclose(by_block.power, whole.power, rtol=1e-4, atol=1e-12)
    assert by_block.cross is not None
    assert whole.cross is not None
    np.testing.assert_allclose(by_block.cross, whole.cross, atol=1e-9)
    assert by_block.frame_bands is not None
    assert whole.frame_bands is not None
    np.testing.assert_allclose(by_block.frame_bands, whole.frame_bands, rtol=1e-3)


def test_frame_bands_say_what_sounds_when() -> None:
    rate_hz = 44100
    audio = np.concatenate([sine(440, rate_hz, 1.0), 0.1 * sine(5000, rate_hz, 1.0)], axis=1)
    frequencies = fft_frequencies_hz(rate_hz)
    weights = np.stack([frequencies < 1000, frequencies >= 1000]).astype(np.float32)
    spectra = measure_band_spectra(np.repeat(audio, 2, axis=0), rate_hz, weights)
    assert spectra.frame_bands is not None
    times = np.arange(len(spectra.frame_bands)) * spectra.frame_s
    first, second = (times > 0.1) & (times < 0.9), (times > 1.1) & (times < 1.9)
    np.testing.assert_allclose(spectra.frame_bands[first, 0], 0.5, rtol=0.001)
    np.testing.assert_allclose(spectra.frame_bands[second, 1], 0.005, rtol=0.001)
    assert spectra.frame_bands[second, 0].max() < 1e-6
    assert spectra.frame_bands[first, 1].max() < 1e-6


def test_a_band_of_frames_sums_to_the_long_term_band() -> None:
    audio = noise(1, 10 * 44100)
    frequencies = fft_frequencies_hz(44100)
    weights = ((frequencies > 2000) & (frequencies < 4000)).astype(np.float32)[None]
    spectra = measure_band_spectra(audio, 44100, weights)
    assert spectra.frame_bands is not None
    inside = float(spectra.power_between(np.array([2000.0, 4000.0]))[0, 0])
    assert spectra.frame_bands.mean() == pytest.approx(inside, rel=0.02)


@pytest.mark.parametrize("samples", [0, 1, 2, 1323, 2048, 4096, 4097])
def test_short_signals_have_their_mean_square(samples: int) -> None:
    audio = noise(2, samples)
    spectra = measure_band_spectra(audio, 44100)
    expected = np.square(audio, dtype=float).mean(axis=1) if samples else np.zeros(2)
    # Windows that overlap by half weigh samples between 0.5 and 1.
    np.testing.assert_allclose(spectra.power.sum(axis=1), expected, rtol=0.1)
    assert np.isfinite(spectra.power).all()


def test_silence_and_strided_audio() -> None:
    assert measure_band_spectra(np.zeros((2, 44100), np.float32), 44100).power.sum() == 0
    audio = np.ascontiguousarray(noise(2, 44100).T).T  # not contiguous along the samples
    spectra = measure_band_spectra(audio, 44100)
    np.testing.assert_allclose(spectra.power, measure_band_spectra(audio.copy(order="C"), 44100).power)


def test_swapped_channels_swap_the_spectra() -> None:
    audio = noise(2, 44100) * np.array([[1.0], [0.3]], np.float32)
    spectra, swapped = (measure_band_spectra(part, 44100) for part in (audio, audio[::-1]))
    np.testing.assert_allclose(spectra.power, swapped.power[::-1])
    assert spectra.cross is not None
    np.testing.assert_allclose(spectra.cross, swapped.cross)


def test_mono_has_no_cross_spectrum_but_folds_to_itself() -> None:
    spectra: BandSpectra = measure_band_spectra(noise(1, 44100), 44100)
    assert spectra.cross is None
    edges = np.array([20.0, 20000.0])
    np.testing.assert_allclose(spectra.cross_between(edges), spectra.power_between(edges)[0])


def test_memory_does_not_grow_with_length() -> None:
    meter = BandSpectraMeter(8000, 1)
    block = noise(1, 8000)

    def held() -> int:
        parts = [
            *vars(meter).values(),
            *(x for v in vars(meter).values() if hasattr(v, "__dict__") for x in vars(v).values()),
        ]
        return sum(part.nbytes for part in parts if isinstance(part, np.ndarray))

    meter.add(block)
    before = held()
    for _ in range(50):
        meter.add(block)
    assert held() <= before + 8 * fft_size(8000)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(bands, 2049\) was expected"):
        BandSpectraMeter(44100, 1, np.zeros((3, 100), np.float32))
    with pytest.raises(ValueError, match="one or two"):
        BandSpectraMeter(44100, 3)
    with pytest.raises(ValueError, match=r"\(2, samples\) was expected"):
        BandSpectraMeter(44100, 2).add(np.zeros((100, 2), np.float32))
