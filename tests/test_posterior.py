"""The weighing of flaws against scipy's Student t, brute force and simulated songs."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mixingbuddy.models.differential.posterior import (
    INTERVAL,
    WITH_ANCHOR,
    WITHOUT_ANCHOR,
    Belief,
    FlawPrior,
    answer,
    contrasts,
    hypotheses,
    weigh,
)

ALL = (True, True, True, True)
TIGHT = 0.5 * np.eye(4)
TAILS = 5  # degrees of freedom
# Levels of one group re the last one: another basis than the code's own.
DIFFERENCES = np.hstack([np.eye(3), -np.ones((3, 1))])


def some_covariance(seed: int, size_db: float = 2.0) -> np.ndarray:
    factor = size_db * np.random.default_rng(seed).standard_normal((4, 4)) / 2
    return factor @ factor.T + np.eye(4)


def log_likelihood(excess_db: np.ndarray, covariance_db: np.ndarray, gains_db: np.ndarray) -> np.ndarray:
    """Student's t of the differences to the last group, from scipy."""
    shape = DIFFERENCES @ covariance_db @ DIFFERENCES.T
    t = stats.multivariate_t(np.zeros(3), shape, df=TAILS)
    return np.atleast_1d(t.logpdf((excess_db - gains_db) @ DIFFERENCES.T))


def size_density(size_db: np.ndarray) -> np.ndarray:
    """Half of all flaws between 3 and 6 dB, half between 6 and 12."""
    return np.where(size_db < 6, 0.5 / 3, 0.5 / 6) * ((size_db >= 3) & (size_db < 12))


@pytest.mark.parametrize("prior", [WITH_ANCHOR, WITHOUT_ANCHOR])
@pytest.mark.parametrize("candidates", [ALL, (True, False, True, False), (False, False, True, False), (False,) * 4])
def test_prior_probabilities_add_up_to_one_and_to_those_of_each_count(
    prior: FlawPrior, candidates: tuple[bool, ...]
) -> None:
    flaws = hypotheses(candidates, prior.counts)
    weights, sizes = np.exp(flaws.log_prior), (flaws.gains_db != 0).sum(1)
    assert weights.sum() == pytest.approx(1.0)
    possible = np.array([prior.counts[size] for size in range(min(sum(candidates), 3) + 1)])
    np.testing.assert_allclose(np.bincount(sizes, weights), possible / possible.sum())
    assert not flaws.gains_db[:, ~np.array(candidates)].any()


def test_flaws_are_all_signed_sets_of_up_to_three_groups() -> None:
    flaws = hypotheses(ALL, WITHOUT_ANCHOR.counts)
    expected = {(0, 0, 0, 0)}
    for size in (1, 2, 3):
        for chosen, signs in product(combinations(range(4), size), product((-1, 1), repeat=size)):
            expected.add(tuple(signs[chosen.index(g)] if g in chosen else 0 for g in range(4)))
    assert {tuple(signs) for signs in flaws.signs.tolist()} == expected
    assert len(flaws.signs) == len(expected)
    np.testing.assert_array_equal(np.sign(flaws.gains_db), flaws.signs[flaws.classes])


def test_sizes_lie_between_3_and_12_db_half_of_them_under_6() -> None:
    flaws = hypotheses((True, False), (0.5, 0.5))
    sizes, weights = np.abs(flaws.gains_db[1:, 0]), 2 * np.exp(flaws.log_prior[1:])
    assert sizes.min() >= 3
    assert sizes.max() <= 12
    assert weights[sizes < 6].sum() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("seed", range(3))
def test_weights_are_those_of_scipys_student_t(seed: int) -> None:
    excess = 4 * np.random.default_rng(seed).standard_normal(4)
    covariance, flaws = some_covariance(seed), hypotheses(ALL, WITHOUT_ANCHOR.counts)
    expected = flaws.log_prior + log_likelihood(excess, covariance, flaws.gains_db)
    expected = np.exp(expected - np.logaddexp.reduce(expected))
    np.testing.assert_allclose(weigh(excess, covariance, flaws), expected, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_an_answer_about_one_flaw_is_that_of_a_fine_integral(seed: int) -> None:
    rng = np.random.default_rng(seed)
    excess, covariance = 3 * rng.standard_normal(4), some_covariance(seed)
    excess[seed % 3] += 7 * (-1) ** seed
    found = answer(excess, covariance, (True, True, True, False), FlawPrior((0.2, 0.8), 1.0))
    grid = np.arange(-12, 12, 0.01) + 0.005
    likelihood = [np.exp(log_likelihood(excess, covariance, grid[:, None] * np.eye(4)[group])) for group in range(3)]
    mass = 0.8 / 3 * np.array(likelihood) * size_density(np.abs(grid)) / 2 * 0.01
    total = 0.2 * np.exp(log_likelihood(excess, covariance, np.zeros((1, 4))))[0] + mass.sum()
    np.testing.assert_allclose(found.p_change[:3], mass.sum(1) / total, atol=0.01)
    np.testing.assert_allclose(found.expected_db[:3], -(mass @ grid) / total, atol=0.1)
    assert found.p_change[3] == found.expected_db[3] == 0.0


@given(
    offset_db=st.floats(-60, 60),
    excess_db=st.lists(st.floats(-10, 10), min_size=4, max_size=4),
)
@settings(max_examples=15, deadline=None)
def test_a_common_offset_of_all_levels_changes_nothing(offset_db: float, excess_db: list[float]) -> None:
    excess, covariance = np.array(excess_db), some_covariance(1)
    flaws = hypotheses(ALL, WITH_ANCHOR.counts)
    weights = weigh(excess, covariance, flaws)
    assert weights.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(weigh(excess + offset_db, covariance, flaws), weights, rtol=1e-6, atol=1e-12)
    common = covariance + 400.0  # not to know the offset is no doubt either
    np.testing.assert_allclose(weigh(excess, common, flaws), weights, rtol=1e-5, atol=1e-10)


@pytest.mark.parametrize(("flaw_db", "prior"), [*product((8.0, -8.0), (WITH_ANCHOR, WITHOUT_ANCHOR))])
def test_a_group_that_is_too_loud_goes_down_and_one_too_quiet_up(flaw_db: float, prior: FlawPrior) -> None:
    found = answer(np.array([0, flaw_db, 0, 0]) + 3.0, TIGHT, ALL, prior)
    assert found.moves_db[1] == pytest.approx(-flaw_db, abs=0.5)
    assert found.interval_db[1, 0] <= -flaw_db <= found.interval_db[1, 1]
    np.testing.assert_array_equal(found.moves_db[[0, 2, 3]], 0.0)
    assert found.p_change[1] > 0.97
    assert found.p_answer > 0.9


def test_several_flaws_are_found_together() -> None:
    found = answer(np.array([6.0, 0, -8, 0]), TIGHT, ALL, WITHOUT_ANCHOR)
    np.testing.assert_allclose(found.moves_db, [-6, 0, 8, 0], atol=0.8)


def test_a_group_that_may_not_move_never_does() -> None:
    for excess in ([0.0, 9, 0, 0], [0.0, 9, -9, 0], [5.0, 9, 0, -4]):
        found = answer(np.array(excess), TIGHT, (True, False, True, True), WITHOUT_ANCHOR)
        assert found.moves_db[1] == found.p_change[1] == found.expected_db[1] == 0.0
        np.testing.assert_array_equal(found.interval_db[1], 0.0)
    none = answer(np.array([9.0, 0, 0, 0]), TIGHT, (False,) * 4, WITH_ANCHOR)
    assert not none.moves_db.any()
    assert none.p_answer == pytest.approx(1.0)


@pytest.mark.parametrize("prior", [WITH_ANCHOR, WITHOUT_ANCHOR])
def test_who_knows_nothing_moves_nothing(prior: FlawPrior) -> None:
    excess = np.array([6.0, -2.0, 0.0, 1.0])
    assert answer(excess, TIGHT, ALL, prior).moves_db.any()
    assert not answer(excess, 400 * np.eye(4), ALL, prior).moves_db.any()


def test_a_right_balance_is_left_alone() -> None:
    found = answer(np.array([0.4, -0.3, 0.2, 0.0]), TIGHT, ALL, WITHOUT_ANCHOR)
    assert not found.moves_db.any()
    assert found.p_change.max() < 0.05


def test_an_answer_is_as_sure_as_it_says() -> None:
    """Songs drawn from the model's own prior, with sizes between the grid's points and noise of its own kind."""
    rng, covariance = np.random.default_rng(5), 3.0 * np.eye(4)
    t = stats.multivariate_t(np.zeros(3), DIFFERENCES @ covariance @ DIFFERENCES.T, df=TAILS, seed=rng)
    rows = []
    for _ in range(400):
        flaw = np.zeros(4)
        flawed = rng.permutation(4)[: rng.choice(4, p=WITHOUT_ANCHOR.counts)]
        small = rng.random(len(flawed)) < 0.5
        flaw[flawed] = np.where(small, rng.uniform(3, 6, len(flawed)), rng.uniform(6, 12, len(flawed)))
        flaw[flawed] *= rng.choice([-1, 1], len(flawed))
        found = answer(flaw + np.append(t.rvs(), 0.0), covariance, ALL, WITHOUT_ANCHOR)
        low, high = found.interval_db.T
        rows.append(((low <= -flaw) & (-flaw <= high), found.moves_db * -flaw > 0, found.p_change, flaw != 0))
    inside, rightly_moved, sure, true = (np.array(part) for part in zip(*rows, strict=True))
    nominal = INTERVAL[1] - INTERVAL[0]
    assert inside.mean() == pytest.approx(nominal, abs=0.04)
    # A move's interval is that of its size, given the direction.
    assert rightly_moved.sum() > 200
    assert inside[rightly_moved].mean() == pytest.approx(nominal, abs=0.06)
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1)):
        said = (sure > low) & (sure <= high)
        assert true[said].mean() == pytest.approx(sure[said].mean(), abs=0.1)


def test_contrasts_are_an_orthonormal_basis_without_the_common_offset() -> None:
    for groups in (2, 3, 4):
        basis = contrasts(groups)
        np.testing.assert_allclose(basis @ basis.T, np.eye(groups - 1), atol=1e-12)
        np.testing.assert_allclose(basis @ np.ones(groups), 0, atol=1e-12)


def test_two_beliefs_together_are_weighted_by_their_precisions() -> None:
    one = Belief(np.array([1.0, -2, 3, 0]), some_covariance(1))
    two = Belief(np.array([4.0, 4, 0, 1]), some_covariance(2))
    both = one.combined(two)
    precisions = [np.linalg.inv(DIFFERENCES @ b.covariance_db @ DIFFERENCES.T) for b in (one, two)]
    covariance = np.linalg.inv(sum(precisions))
    mean = covariance @ sum(p @ DIFFERENCES @ b.mean_db for p, b in zip(precisions, (one, two), strict=True))
    np.testing.assert_allclose(DIFFERENCES @ both.mean_db, mean, atol=1e-4)
    np.testing.assert_allclose(DIFFERENCES @ both.covariance_db @ DIFFERENCES.T, covariance, atol=1e-4)


def test_a_belief_of_two_groups_averages_like_two_measurements() -> None:
    # A difference of 4 dB with variance 2, one of 0 dB with variance 6: 3 dB with variance 1.5.
    both = Belief(np.array([4.0, 0]), np.eye(2)).combined(Belief(np.array([1.0, 1]), 3 * np.eye(2)))
    assert both.mean_db[0] - both.mean_db[1] == pytest.approx(3.0, abs=1e-4)
    assert np.array([1, -1]) @ both.covariance_db @ np.array([1, -1]) == pytest.approx(1.5, abs=1e-4)


def test_a_belief_about_some_groups_is_the_marginal() -> None:
    rng = np.random.default_rng(0)
    whole = Belief(np.array([1.0, -2, 3, 0]), some_covariance(1))
    some = whole.of([2, 0])
    draws = rng.multivariate_normal(whole.mean_db, whole.covariance_db, 20_000)[:, [2, 0]]
    np.testing.assert_allclose(some.mean_db, draws.mean(0), atol=0.1)
    np.testing.assert_allclose(some.covariance_db, np.cov(draws.T), rtol=0.1, atol=0.1)
