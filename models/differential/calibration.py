"""What the model knows besides its weights: the balance of professional mixes, and how well its own ear hears."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.data.chunks import Chunk, mix_of
from mixingbuddy.models.differential.compact import HearsAndWrites
from mixingbuddy.models.differential.hearing import Listener
from mixingbuddy.models.differential.posterior import FREEDOM, contrasts
from mixingbuddy.models.differential.shape import ROLES, Balance, Shape
from mixingbuddy.models.reference_stems import level_lufs
from mixingbuddy.tools.multitrack import Multitrack, with_gains

Real = NDArray[np.float64]
# Songs in which a role hardly plays are no example of its level.
HARDLY_PLAYS_DB = 45.0
# Student's t with v degrees of freedom has the covariance v / (v - 2) times its scale matrix.
OF_COVARIANCE = (FREEDOM - 2) / FREEDOM
# Fewer songs say nothing about what is usual; then any balance is thought possible.
FEWEST_SONGS = 8
# Median of Fisher's F with 3 and 5 degrees of freedom: of squared distances per dimension under that t.
MEDIAN_DISTANCE = 0.907
FLAWS_DB = (-9.0, -4.5, 0.0, 4.5, 9.0)
SCALES = (0.7, 10.0)


def role_levels_lufs(song: Multitrack) -> Real:
    """Gated loudness (4,) of every role, LUFS; nan where it cannot be measured."""
    found = {stem.name: level_lufs(stem.audio, song.sample_rate_hz) for stem in song.stems}
    return np.array([np.nan if found.get(role) is None else found[role] for role in ROLES], dtype=float)


def balance_of(chunks: Sequence[Chunk]) -> tuple[Balance, tuple[Balance, ...]]:
    """Median (4,) and covariance (4, 4) of the roles' levels re their mean, over professional mixes, dB."""
    levels = np.array([role_levels_lufs(chunk.stems) for chunk in chunks])
    complete = levels[np.isfinite(levels).all(1)]
    complete = complete[complete.max(1) - complete.min(1) < HARDLY_PLAYS_DB]
    if len(complete) < FEWEST_SONGS:
        return Shape().balance_mean_db, Shape().balance_covariance_db
    relative = complete - complete.mean(1, keepdims=True)
    mean, covariance = np.median(relative, 0), OF_COVARIANCE * np.cov(relative.T)
    return _rounded(mean), tuple(_rounded(row) for row in covariance)


def _rounded(row: Real) -> Balance:
    first, second, third, fourth = (round(float(value), 3) for value in row)
    return first, second, third, fourth


def hearing_errors(model: HearsAndWrites, chunks: Sequence[Chunk]) -> tuple[Real, Real]:
    """Errors (N, 4) of the heard levels re their mean, dB, and squared distances (N,) in units of the ear's own
    covariance, per degree of freedom: each chunk as it is and with one role moved."""
    listener, errors, distances = Listener(model), [], []
    basis = contrasts(len(ROLES))
    for chunk in chunks:
        levels = role_levels_lufs(chunk.stems)
        if not np.isfinite(levels).all() or levels.max() - levels.min() > HARDLY_PLAYS_DB:
            continue
        for gains_db in _moved():
            moved = with_gains(chunk.stems, [10 ** (gain / 20) for gain in gains_db])
            window = [(0.0, moved.duration_s)]
            heard = listener.listen(mix_of(moved.stems), moved.sample_rate_hz, window).belief
            error = heard.mean_db - levels - gains_db
            errors.append(error - error.mean())
            rest = basis @ error
            distances.append(rest @ np.linalg.solve(basis @ heard.covariance_db @ basis.T, rest) / len(rest))
    return np.array(errors), np.array(distances)


def _moved() -> list[Real]:
    moves = [np.eye(len(ROLES))[role] * gain for role in range(3) for gain in FLAWS_DB if gain]
    return [np.zeros(len(ROLES)), *moves]


def hearing_scale(distances: Real) -> float:
    """Factor on the ear's covariance that makes it the scale matrix of Student's t on songs that the ear does not know.

    From the median of the squared `distances` (N,), so that single songs that it mishears do not decide.
    """
    return round(float(np.clip(np.median(distances) / MEDIAN_DISTANCE, *SCALES)), 3)
