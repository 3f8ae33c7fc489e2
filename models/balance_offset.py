"""Which stems stay: the common offset that no measurement of balance tells, and how sure each move then is."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

# Two stems count as moved together when they lie this close, or within this many standard deviations.
TOGETHER_DB = 0.25
TOGETHER_SPREADS = 2.5
TOGETHER_AT_MOST_DB = 1.5
MINIMAL_CHANGE_DB = 0.5
# Before looking: half of all stems stand where they should; a fault is some 6 dB large.
PRIOR_CHANGED = 0.5
FAULT_SPREAD_DB = 6.0
UNCHANGED_SPREAD_DB = 0.2
Z_80_PERCENT = 1.2816


@dataclass(frozen=True)
class Moves:
    """Per stem (K,): gain, half of its 80 % interval (dB), P(it needs a change), and whether to propose it.

    `offset_db` was subtracted from all measured gains.
    """

    gains_db: Real
    half_interval_db: Real
    p_change: Real
    proposed: NDArray[np.bool_]
    offset_db: float


def settle(gains_db: Real, covariance_db: Real, energy: Real, floor_db: float, anchor: int | None = None) -> Moves:
    """Turn gains that are free up to a common offset into moves.

    `gains_db` (K,), `covariance_db` (K, K) in dB^2, `energy` (K,) of every stem in the mix, `floor_db` the
    systematic error that no covariance shows. With an anchor its gain is zero by definition. Otherwise the offset
    leaves as many stems as possible where they are: the largest group that moved together; of equal ones the
    one whose largest move is smallest, then the one that changes the overall level least.
    """
    stays = _stays(gains_db, covariance_db, energy, floor_db) if anchor is None else np.arange(len(gains_db)) == anchor
    share = _shares(np.diag(covariance_db), stays, floor_db)
    offset_db = float(share @ gains_db)
    contrast = np.eye(len(gains_db)) - share
    variance = np.einsum("ij,jk,ik->i", contrast, covariance_db, contrast) + floor_db**2
    relative_db = gains_db - offset_db
    if anchor is not None:
        relative_db[anchor] = 0.0
    spread = np.sqrt(np.maximum(variance, floor_db**2))
    p_change = np.array([_p_change(gain, width) for gain, width in zip(relative_db, spread, strict=True)])
    if anchor is not None:
        p_change[anchor] = 0.0
    proposed = (np.abs(relative_db) > MINIMAL_CHANGE_DB) & (p_change >= 0.5)
    return Moves(relative_db, Z_80_PERCENT * spread, p_change, proposed, offset_db)


def _stays(gains_db: Real, covariance_db: Real, energy: Real, floor_db: float) -> NDArray[np.bool_]:
    """The largest set of stems that moved together."""
    variance = np.diag(covariance_db)
    pair = np.maximum(variance[:, None] + variance[None, :] - 2 * covariance_db, 0.0) + 2 * floor_db**2
    close = np.clip(TOGETHER_SPREADS * np.sqrt(pair), TOGETHER_DB, TOGETHER_AT_MOST_DB)
    together = np.abs(gains_db[:, None] - gains_db[None, :]) <= close
    np.fill_diagonal(together, True)
    # A stem that is hardly known agrees with everything, so it has hardly a vote.
    votes = together @ (1 / (1 + variance / MINIMAL_CHANGE_DB**2))
    best = np.flatnonzero(votes >= votes.max() - 0.2)
    return np.asarray(together[min(best, key=lambda centre: _cost(gains_db - gains_db[centre], energy))])


def _cost(moves_db: Real, energy: Real) -> tuple[float, float]:
    """The largest move, to a decibel, and then the change of the overall level."""
    return round(float(np.abs(moves_db).max())), abs(_level_change_db(moves_db, energy))


def _level_change_db(moves_db: Real, energy: Real) -> float:
    return 10 * math.log10(float(energy @ 10 ** (moves_db / 10)) / float(energy.sum()))


def _shares(variance: Real, stays: NDArray[np.bool_], floor_db: float) -> Real:
    weight = stays / (variance + floor_db**2)
    return np.asarray(weight / weight.sum())


def _p_change(gain_db: float, spread_db: float) -> float:
    """P(|true gain| > 0.5 dB) when half of all stems need no change and the others some 6 dB."""
    faulty = math.hypot(spread_db, FAULT_SPREAD_DB)
    fine = math.hypot(spread_db, UNCHANGED_SPREAD_DB)
    log_odds = math.log(PRIOR_CHANGED / (1 - PRIOR_CHANGED)) + math.log(fine / faulty)
    log_odds += 0.5 * gain_db**2 * (1 / fine**2 - 1 / faulty**2)
    p_faulty = 1 / (1 + math.exp(-min(max(log_odds, -50.0), 50.0)))
    within = [_normal_cdf((edge - gain_db) / spread_db) for edge in (-MINIMAL_CHANGE_DB, MINIMAL_CHANGE_DB)]
    return p_faulty * (1 - (within[1] - within[0]))


def _normal_cdf(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))
