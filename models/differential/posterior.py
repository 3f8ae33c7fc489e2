"""From levels to moves: which groups were moved, which way and by how much, as probabilities.

What is known is an excess: the levels of the song's groups less the levels aimed at, with a covariance; a common offset
of all groups says nothing. What is asked is a flaw: a gain on none, one or several groups. All flaws on a grid are
weighed by Bayes' rule, so that the answer is exact for the beliefs it is given, and as sure as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

# A flaw below 3 dB is taste; large ones are rarer than small ones: half of all lie under 6 dB, all under 12.
SMALLEST_FLAW_DB, MIDDLE_FLAW_DB, LARGEST_FLAW_DB = 3.0, 6.0, 12.0
_STEPS_DB = {1: 0.5, 2: 1.0, 3: 1.5}
# Beliefs have heavier tails than a Gaussian: Student's t with so many degrees of freedom.
FREEDOM = 5.0
INTERVAL = (0.1, 0.9)


@dataclass(frozen=True)
class FlawPrior:
    """Probability of 0, 1, 2, 3 flawed groups, and how much heavier "nothing to do" weighs when it comes to
    speaking."""

    counts: tuple[float, ...]
    caution: float


# Who names a stem that is right has one thing in mind; who names none may have several.
WITH_ANCHOR = FlawPrior((0.2, 0.76, 0.03, 0.01), 1.35)
WITHOUT_ANCHOR = FlawPrior((0.2, 0.27, 0.27, 0.26), 1.35)


@dataclass(frozen=True)
class Flaws:
    """Hypotheses (H, groups) in dB with their log prior (H,) and which class (H,) of signed sets each belongs to."""

    gains_db: Real
    log_prior: Real
    classes: NDArray[np.int64]
    signs: NDArray[np.int64]  # (classes, groups): -1, 0, +1; class 0 is "no flaw"


@dataclass(frozen=True)
class BalanceAnswer:
    """Per group: the move (dB, 0 where none is proposed), the expected move before deciding, its 80 % interval,
    P(needs a change). `p_answer` is the probability of the chosen set of directions."""

    moves_db: Real
    expected_db: Real
    interval_db: Real  # (groups, 2)
    p_change: Real
    p_answer: float


@lru_cache(maxsize=64)
def hypotheses(chances: tuple[float, ...], counts: tuple[float, ...]) -> Flaws:
    """All flaws of up to three groups. `chances`: how readily each is flawed against the others; 0 means never."""
    groups = len(chances)
    free = [index for index, chance in enumerate(chances) if chance]
    gains, weights, classes = [np.zeros((1, groups))], [np.zeros(1)], [np.zeros(1, dtype=np.int64)]
    signs = [np.zeros(groups, dtype=np.int64)]
    possible = [size for size in range(1, len(counts)) if size <= len(free)]
    total = counts[0] + sum(counts[size] for size in possible)
    weights[0] += np.log(counts[0] / total)
    for size in possible:
        sets = list(combinations(free, size))
        odds = {chosen: float(np.prod([chances[group] for group in chosen])) for chosen in sets}
        for chosen, directions in product(sets, product((-1, 1), repeat=size)):
            grid, log_weight = _grid(directions, _STEPS_DB[size])
            own = np.zeros((len(grid), groups))
            own[:, chosen] = grid
            gains.append(own)
            weights.append(log_weight + np.log(counts[size] / total * odds[chosen] / sum(odds.values()) / 2**size))
            classes.append(np.full(len(grid), len(signs), dtype=np.int64))
            signs.append(np.sign(own[0]).astype(np.int64))
    return Flaws(np.concatenate(gains), np.concatenate(weights), np.concatenate(classes), np.array(signs))


def _grid(directions: Sequence[int], step_db: float) -> tuple[Real, Real]:
    sizes = np.arange(SMALLEST_FLAW_DB + step_db / 2, LARGEST_FLAW_DB, step_db)
    density = np.where(sizes < MIDDLE_FLAW_DB, 0.5 / 3, 0.5 / 6)
    log_density = np.log(density / density.sum())
    grid = np.array(list(product(sizes, repeat=len(directions)))) * np.array(directions)
    return grid, np.array([sum(point) for point in product(log_density, repeat=len(directions))])


def contrasts(groups: int) -> Real:
    """Orthonormal basis (groups - 1, groups) of everything but a common offset."""
    return np.asarray(np.linalg.svd(np.ones((1, groups)))[2][1:])


def weigh(excess_db: Real, covariance_db: Real, flaws: Flaws) -> Real:
    """Posterior probabilities (H,) of the hypotheses; `excess_db` (groups,), `covariance_db` (groups, groups)."""
    basis = contrasts(len(excess_db))
    precision = np.linalg.inv(basis @ covariance_db @ basis.T + 1e-6 * np.eye(len(basis)))
    rest = (excess_db - flaws.gains_db) @ basis.T
    distance = np.einsum("hi,ij,hj->h", rest, precision, rest)
    log_posterior = flaws.log_prior - 0.5 * (FREEDOM + len(basis)) * np.log1p(distance / FREEDOM)
    weights = np.exp(log_posterior - log_posterior.max())
    return np.asarray(weights / weights.sum())


def answer(excess_db: Real, covariance_db: Real, chances: Sequence[float], prior: FlawPrior) -> BalanceAnswer:
    """The moves that most probably undo the flaw.

    `excess_db` (groups,): levels less the levels aimed at; `chances`: how readily each group is flawed
    (see `hypotheses`).
    """
    groups = len(excess_db)
    flaws = hypotheses(tuple(float(chance) for chance in chances), prior.counts)
    weights = weigh(excess_db, covariance_db, flaws)
    p_class = np.bincount(flaws.classes, weights, len(flaws.signs))
    spoken = p_class * np.where(np.arange(len(p_class)) == 0, prior.caution, 1.0)
    chosen = int(spoken.argmax())
    moves, intervals = np.zeros(groups), np.zeros((groups, 2))
    for group in range(groups):
        sign = flaws.signs[chosen][group]
        within = weights * (np.sign(flaws.gains_db[:, group]) == sign) if sign else weights
        gains = -flaws.gains_db[:, group]
        intervals[group] = _quantiles(gains, within)
        if sign:
            moves[group] = float(within @ gains / within.sum())
    return BalanceAnswer(
        moves_db=moves,
        expected_db=-(weights @ flaws.gains_db),
        interval_db=intervals,
        p_change=weights @ (flaws.gains_db != 0),
        p_answer=float(p_class[chosen]),
    )


def _quantiles(values: Real, weights: Real) -> Real:
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(weights[order])
    places = np.searchsorted(cumulative, np.array(INTERVAL) * cumulative[-1])
    return np.asarray(values[order][np.minimum(places, len(values) - 1)])


@dataclass(frozen=True)
class Belief:
    """What is believed about levels of groups, up to a common offset: mean (groups,) and covariance, dB."""

    mean_db: Real
    covariance_db: Real

    def combined(self, other: "Belief") -> "Belief":
        """Both together, as independent evidence of the same levels."""
        basis = contrasts(len(self.mean_db))
        mine, theirs = (
            np.linalg.inv(basis @ b.covariance_db @ basis.T + 1e-6 * np.eye(len(basis))) for b in (self, other)
        )
        covariance = np.linalg.inv(mine + theirs)
        mean = covariance @ (mine @ basis @ self.mean_db + theirs @ basis @ other.mean_db)
        return Belief(mean @ basis, basis.T @ covariance @ basis)

    def of(self, groups: Sequence[int]) -> "Belief":
        """The belief about some of the groups only."""
        return Belief(self.mean_db[list(groups)], self.covariance_db[np.ix_(list(groups), list(groups))])
