"""Band powers against the K-weighted power of the sound itself, and remixes against remixed waveforms."""

from pathlib import Path

import numpy as np
import pytest
from differential_inputs import noise

from mixingbuddy.models.data.songs import find_songs
from mixingbuddy.models.differential.bands import (
    HOP,
    LONG,
    RATE_HZ,
    SHORT,
    band_powers,
    band_products,
    frames_of,
    layout,
    pairs,
)
from mixingbuddy.tools.audio import Audio, with_channels
from mixingbuddy.tools.loudness import k_weighted

GAINS = np.array([0.3, -1.0, 2.5, 0.7], np.float32)


def decibels(power: float) -> float:
    return float(10 * np.log10(power))


def k_weighted_power(audio: Audio) -> float:
    """Mean square, both channels together, without the ends, which frames at the edges see only half."""
    weighted = k_weighted(np.ascontiguousarray(with_channels(audio, 2)), RATE_HZ)[:, LONG:-LONG]
    return float((weighted.astype(np.float64) ** 2).sum(0).mean())


def band_power(audio: Audio) -> float:
    return float(band_powers(audio)[:, :, 4:-4].astype(np.float64).sum((0, 1)).mean())


def sine(hz: float, duration_s: float = 1.0) -> Audio:
    t = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return (0.2 * np.sin(2 * np.pi * hz * t)).astype(np.float32)[None]


def remixed(products: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Powers of the sum of stems with these factors, by their products."""
    weights = [gains[i] * gains[j] * (1 if i == j else 2) for i, j in pairs(len(gains))]
    return np.tensordot(np.array(weights), products.astype(np.float64), 1)


def test_bands_follow_each_other_without_gaps_and_windows_meet_at_1_khz() -> None:
    bands = layout()
    for edges in (bands.long, bands.short):
        assert (np.diff(edges) >= 1).all()
    assert bands.long[-1] / LONG * RATE_HZ == pytest.approx(1000, abs=RATE_HZ / LONG)
    assert bands.short[0] / SHORT * RATE_HZ == pytest.approx(1000, abs=RATE_HZ / SHORT)
    assert bands.long[0] / LONG * RATE_HZ == pytest.approx(21.5, abs=RATE_HZ / LONG)
    assert bands.short[-1] / SHORT * RATE_HZ == pytest.approx(16_000, abs=RATE_HZ / SHORT)
    assert len(bands.centres_hz) == bands.count == len(bands.long) + len(bands.short) - 2
    assert list(bands.centres_hz) == sorted(bands.centres_hz)


def test_bands_of_noise_add_up_to_its_k_weighted_power() -> None:
    for seed, channels in ((1, 1), (2, 2)):
        sound = noise(seed, 4.0, channels)
        assert decibels(band_power(sound)) == pytest.approx(decibels(k_weighted_power(sound)), abs=0.1)


@pytest.mark.parametrize(
    ("hz", "tolerance_db"), [(50, 1.0), (110, 0.3), (440, 0.05), (777, 0.05), (1500, 0.2), (3000, 0.1), (12_000, 0.05)]
)
def test_bands_of_a_sine_add_up_to_its_k_weighted_power(hz: float, tolerance_db: float) -> None:
    # The weighting is that of the band's middle, and steep where bass begins.
    sound = sine(hz)
    assert decibels(band_power(sound)) == pytest.approx(decibels(k_weighted_power(sound)), abs=tolerance_db)


@pytest.mark.parametrize("hz", [975, 985, 990, 1000, 1005])
def test_a_tone_where_the_windows_meet_is_not_lost_and_counts_less_than_twice(hz: float) -> None:
    sound = sine(hz)
    assert -0.05 < decibels(band_power(sound)) - decibels(k_weighted_power(sound)) < 2.4


@pytest.mark.parametrize("hz", [55, 220, 660, 2000, 9000])
def test_a_sine_is_loudest_in_the_band_around_it(hz: float) -> None:
    bands = layout()
    edges_hz = np.array([*(b * RATE_HZ / LONG for b in bands.long[:-1]), *(b * RATE_HZ / SHORT for b in bands.short)])
    loudest = int(band_powers(sine(hz))[0].mean(-1).argmax())
    half_bin_hz = RATE_HZ / SHORT / 2
    assert edges_hz[loudest] - half_bin_hz <= hz <= edges_hz[loudest + 1] + half_bin_hz


def test_a_mono_sound_has_no_side_and_an_inverted_pair_no_mid() -> None:
    mono = noise(1, 1.0, channels=1)
    same, inverted = band_powers(np.concatenate([mono, mono])), band_powers(np.concatenate([mono, -mono]))
    assert same[1].max() == 0.0
    assert inverted[0].max() == 0.0
    np.testing.assert_array_equal(same[0], inverted[1])
    np.testing.assert_array_equal(band_powers(mono), same)


def test_a_sound_on_one_side_only_is_mid_and_side_alike() -> None:
    left = np.concatenate([noise(1, 1.0, channels=1), np.zeros((1, RATE_HZ), np.float32)])
    mid, side = band_powers(left)
    np.testing.assert_allclose(mid, side, rtol=1e-5)


def test_twice_the_amplitude_is_6_db_more_in_every_cell() -> None:
    sound = noise(3, 1.0)
    gain_db = 10 * np.log10(band_powers(2 * sound) / band_powers(sound))
    np.testing.assert_allclose(gain_db, 6.0206, atol=1e-4)


def test_a_click_is_loudest_in_the_frame_that_is_centred_on_it() -> None:
    click = np.zeros((1, 40 * HOP + 5), np.float32)
    click[:, 20 * HOP] = 1.0
    powers = band_powers(click)
    assert powers.shape == (2, layout().count, frames_of(click.shape[1]))
    assert set(powers[0].argmax(1).tolist()) == {20}


def test_silence_has_no_power() -> None:
    assert not band_powers(np.zeros((2, 5000), np.float32)).any()


def test_powers_of_a_remix_follow_from_the_products_of_its_stems() -> None:
    stems = [noise(seed, 1.0, channels=1 + seed % 2) for seed in range(4)]
    mix = sum(gain * with_channels(stem, 2) for gain, stem in zip(GAINS, stems, strict=True))
    exact = band_powers(mix)
    np.testing.assert_allclose(remixed(band_products(stems), GAINS), exact, rtol=1e-4, atol=1e-6 * exact.max())


def test_powers_of_a_remixed_real_song_follow_from_the_products_of_its_stems(shared_data: Path) -> None:
    song = find_songs(shared_data / "musdb18-7s", "valid")[0].load()
    stems = [stem.audio for stem in song.stems]
    mix = sum(gain * stem for gain, stem in zip(GAINS, stems, strict=False))
    exact, anew = band_powers(mix), remixed(band_products(stems), GAINS[: len(stems)])
    np.testing.assert_allclose(anew, exact, rtol=1e-3, atol=1e-7 * exact.max())
    assert decibels(anew.sum()) == pytest.approx(decibels(exact.sum()), abs=1e-4)
