"""What is counted rather than learnt: balances with known levels, and errors of a known distribution."""

import numpy as np
import pytest
from tiny_differential import tiny_model

from mixingbuddy.models.data.chunks import Chunk
from mixingbuddy.models.differential.calibration import (
    FLAWS_DB,
    OF_COVARIANCE,
    balance_of,
    hearing_errors,
    hearing_scale,
    role_levels_lufs,
)
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.tools.multitrack import Multitrack, Stem

RATE_HZ = 16_000
SOUND = 0.05 * np.random.default_rng(0).standard_normal((2, RATE_HZ // 2)).astype(np.float32)


def chunk(levels_db: np.ndarray, names: tuple[str, ...] = ROLES) -> Chunk:
    """The same noise for every role, at these levels."""
    gains = np.float32(10 ** (levels_db / 20))
    stems = tuple(Stem(name, "other", gain * SOUND) for name, gain in zip(names, gains, strict=True))
    return Chunk("song", 0, 0.0, Multitrack("song", RATE_HZ, stems))


def test_levels_are_in_the_order_of_the_roles_and_a_missing_one_is_unknown() -> None:
    levels = role_levels_lufs(chunk(np.array([-6.0, 0.0, -12.0]), ("drums", "vocals", "other")).stems)
    np.testing.assert_allclose(levels - levels[0], [0, -6, np.nan, -12], atol=1e-3)


def test_the_balance_is_the_median_and_covariance_of_the_levels_re_their_mean() -> None:
    rng = np.random.default_rng(1)
    mean, spread = np.array([3.0, 1.0, -4.0, 0.0]), np.array([1.0, 2.0, 3.0, 1.5])
    offsets = rng.uniform(-10, 10, (60, 1))  # of no account: a song may be loud or not
    levels = mean + spread * rng.standard_normal((60, 4)) + offsets
    found, covariance = balance_of([chunk(one) for one in levels])
    relative = levels - levels.mean(1, keepdims=True)
    np.testing.assert_allclose(found, np.median(relative, 0), atol=0.01)
    np.testing.assert_allclose(covariance, OF_COVARIANCE * np.cov(relative.T), atol=0.02)
    np.testing.assert_allclose(found, mean, atol=1.0)
    assert np.linalg.eigvalsh(covariance).min() > -1e-2


def test_songs_in_which_a_role_hardly_plays_are_no_example() -> None:
    levels = np.random.default_rng(2).standard_normal((10, 4))
    usual = [chunk(one) for one in levels]
    without_bass = chunk(np.zeros(3), ("vocals", "drums", "other"))
    hardly = chunk(np.array([0.0, 0.0, -50.0, 0.0]))
    assert balance_of([*usual, without_bass, hardly]) == balance_of(usual)


def test_an_ear_that_is_as_sure_as_it_should_be_keeps_its_word() -> None:
    noise = np.random.default_rng(3).standard_t(5, 20_000)  # and so squared distances in three dimensions: F(3, 5)
    assert noise.var() * OF_COVARIANCE == pytest.approx(1.0, abs=0.1)
    distances = np.random.default_rng(3).f(3, 5, 20_000)
    assert hearing_scale(distances) == pytest.approx(1.0, abs=0.03)
    assert hearing_scale(2 * distances) == pytest.approx(2.0, abs=0.06)


def test_single_songs_do_not_decide_how_sure_the_ear_may_be() -> None:
    distances = np.random.default_rng(3).chisquare(3, 400) / 3
    spoilt = distances.copy()
    spoilt[:8] = 1000.0
    assert hearing_scale(spoilt) == pytest.approx(hearing_scale(distances), rel=0.1)


def test_no_ear_becomes_much_surer_than_it_says() -> None:
    assert hearing_scale(np.full(10, 0.01)) == 0.7
    assert hearing_scale(np.full(10, 100.0)) == 10.0


def test_hearing_is_tried_on_every_song_as_it_is_and_with_each_role_moved() -> None:
    songs = [chunk(np.array([0.0, -3.0, 2.0, 1.0])), chunk(np.array([0.0, 0.0, -50.0, 0.0]))]
    errors, distances = hearing_errors(tiny_model(), songs)
    moved = 3 * sum(gain != 0 for gain in FLAWS_DB)
    assert errors.shape == (1 + moved, 4)
    assert distances.shape == (1 + moved,)
    np.testing.assert_allclose(errors.sum(1), 0, atol=1e-9)
    assert (distances > 0).all()
    # One noise at four levels sounds the same whatever the faders say: all that an ear can miss is the move.
    as_is = errors[0]
    for number, (role, gain) in enumerate([(r, g) for r in range(3) for g in FLAWS_DB if g], start=1):
        expected = as_is - gain * (np.eye(4)[role] - 0.25)
        np.testing.assert_allclose(errors[number], expected, atol=0.02)
