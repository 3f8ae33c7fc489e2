"""The solver on tiles of noise with known gains."""

import numpy as np
import pytest

from mixingbuddy.models.tile_fit import explained_share, fit_gains, polarity, with_signs
from mixingbuddy.models.tiles import Tiles, band_edges, frame_samples, spectra, tiles_of

RATE_HZ = 44_100
COUNT = 3


def noise_tiles(gains: list[float], noise: float = 0.0, mix_seed: int = 0, seconds: float = 3.0) -> Tiles:
    """Tiles of decorrelated noises mixed with `gains`, every frame of the mix with a random level of its own.

    With another `mix_seed` the mix is made of other noises.
    """
    rng = np.random.default_rng(0)
    frame = frame_samples(RATE_HZ)
    stems = rng.standard_normal((COUNT, 2, int(seconds * RATE_HZ))).astype(np.float32)
    columns = np.stack([spectra(stem, frame) for stem in stems], axis=1)
    others = np.random.default_rng(mix_seed).standard_normal(stems.shape).astype(np.float32)
    mixed = np.stack([spectra(stem, frame) for stem in others], axis=1)
    mix = np.tensordot(mixed, np.array(gains, dtype=np.float32), axes=([1], [0]))
    mix = mix * rng.uniform(0.2, 1, (len(mix), 1, 1)).astype(np.float32)
    mix = mix + noise * spectra(rng.standard_normal((2, stems.shape[2])).astype(np.float32), frame)
    return tiles_of(columns, mix.astype(np.complex64), RATE_HZ)


def relative_db(gains: np.ndarray) -> np.ndarray:
    return np.asarray(20 * np.log10(np.abs(gains / gains[0])))


def test_bands_cover_without_gaps() -> None:
    for rate_hz in (8_000, 44_100, 192_000):
        bands = band_edges(rate_hz)
        assert all(low < high for low, high in bands)
        assert [high for _, high in bands[:-1]] == [low for low, _ in bands[1:]]
        assert bands[-1][1] <= frame_samples(rate_hz) // 2


def test_gains_are_exact_when_only_levels_change_over_time() -> None:
    fit = fit_gains(noise_tiles([1.0, 0.25, 3.0]))
    np.testing.assert_allclose(relative_db(fit.gains), relative_db(np.array([1.0, 0.25, 3.0])), atol=1e-3)


def test_noise_in_the_reference_widens_the_spread_and_stays_within_it() -> None:
    truth = relative_db(np.array([1.0, 0.5, 2.0]))
    little, much = (fit_gains(noise_tiles([1.0, 0.5, 2.0], noise)) for noise in (0.01, 0.3))
    assert much.covariance[1, 1] > 4 * little.covariance[1, 1]
    contrast = np.sqrt(much.covariance[1, 1] + much.covariance[0, 0] - 2 * much.covariance[0, 1]) * 8.686
    assert abs(relative_db(much.gains)[1] - truth[1]) < 2.5 * contrast


def test_a_column_of_opposite_sign() -> None:
    tiles = noise_tiles([1.0, -0.5, 1.0])
    fit = with_signs(tiles, fit_gains(tiles), 0.03)
    assert np.sign(fit.gains * fit.gains[0]).tolist() == [1.0, -1.0, 1.0]
    np.testing.assert_allclose(relative_db(fit.gains)[1], -6.02, atol=0.01)


def test_an_absent_column_falls_to_the_floor() -> None:
    assert relative_db(fit_gains(noise_tiles([1.0, 0.0, 1.0])).gains)[1] < -50


def test_explained_share_is_one_for_the_own_mix_and_zero_for_another() -> None:
    own = noise_tiles([1.0, 1.0, 1.0])
    other = noise_tiles([1.0, 1.0, 1.0], mix_seed=1)
    one = np.ones(COUNT)
    assert explained_share(own, one) == pytest.approx(1.0, abs=1e-4)
    assert explained_share(other, one) < 0.05


def test_polarity() -> None:
    one = np.ones(COUNT)
    assert polarity(noise_tiles([1.0, 1.0, 1.0]), one) > 0
    assert polarity(noise_tiles([-1.0, -1.0, -1.0]), one) < 0
