"""How good an advisor's answers are: every metric of the balance benchmark.

An answer is right in `joint` where stem and direction are right; on a clean sample all three of `joint`, `stem` and
`direction` mean that it says no change. Shares over a group of samples are macro averages: the mean over the categories
in the group of the share within each. Protocol `multi` has no categories, so there it is the plain mean.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.models.answers import Outcome

Real = NDArray[np.float64]

RESAMPLES = 1000
ECE_BINS = 10
_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
_Key = TypeVar("_Key", bound=str)


class Shares(BaseModel):
    """Shares of right answers."""

    model_config = _RESULT

    joint: float = Field(ge=0, le=1, description="stem and direction right; for a clean sample: says no change")
    joint_ci95: tuple[float, float] | None = Field(
        description="95 % interval of joint, bootstrap over songs; null where there is only one song"
    )
    stem: float = Field(ge=0, le=1, description="stem right")
    direction: float = Field(ge=0, le=1, description="direction right")
    magnitude: float | None = Field(
        ge=0, le=1, description="gain in the right category's range; null without flawed samples"
    )


class GroupScores(Shares):
    """Shares of right answers within a group of samples."""

    n: int = Field(ge=1, description="number of samples")


class OverallScores(Shares):
    """Shares over all samples, with calibration and texts."""

    ece: float | None = Field(
        ge=0, le=1, description="expected calibration error of P(stem needs a change), 10 bins; null if none judged"
    )
    text_agrees: float | None = Field(
        ge=0, le=1, description="share of answers whose text says what the figures say; null without texts"
    )


class ErrorDetection(BaseModel):
    """Is anything wrong with the mix at all? Positive = flawed. Null where the ratio has no denominator."""

    model_config = _RESULT

    precision: float | None = Field(ge=0, le=1)
    recall: float | None = Field(ge=0, le=1)
    f1: float | None = Field(ge=0, le=1)


class GainErrors(BaseModel):
    """|proposed - right gain| over vocals, drums and bass of all samples, dB."""

    model_config = _RESULT

    median: float = Field(ge=0)
    p90: float = Field(ge=0)
    p99: float = Field(ge=0)


def group_scores(outcomes: Sequence[Outcome], seed: int) -> GroupScores:
    """Shares of right answers over some samples, with an interval for joint."""
    right = [one.joint_right for one in outcomes]
    flawed = [one for one in outcomes if one.magnitude_right is not None]
    return GroupScores(
        n=len(outcomes),
        joint=_share(right, outcomes),
        joint_ci95=interval95(right, outcomes, seed),
        stem=_share([one.stem_right for one in outcomes], outcomes),
        direction=_share([one.direction_right for one in outcomes], outcomes),
        magnitude=_share([one.magnitude_right is True for one in flawed], flawed) if flawed else None,
    )


def overall_scores(outcomes: Sequence[Outcome], seed: int) -> OverallScores:
    """Shares over all samples, with calibration and texts."""
    scores = group_scores(outcomes, seed).model_dump(exclude={"n"})
    return OverallScores(**scores, ece=calibration_error(outcomes), text_agrees=texts_agree(outcomes))


def scores_by(outcomes: Sequence[Outcome], keys: Sequence[_Key | None], seed: int) -> dict[_Key, GroupScores]:
    """Shares within each group; `keys` are the groups of the outcomes, None for those in none."""
    groups: dict[_Key, list[Outcome]] = {}
    for one, key in zip(outcomes, keys, strict=True):
        if key is not None:
            groups.setdefault(key, []).append(one)
    return {key: group_scores(members, seed) for key, members in groups.items()}


def error_detection(outcomes: Sequence[Outcome]) -> ErrorDetection:
    """Precision, recall and F1 of telling flawed from clean. No answer counts as the wrong one."""
    flawed = np.array([one.truth.stem is not None for one in outcomes])
    flagged = np.array(
        [one.truth.stem is None if one.answer is None else one.answer.stem is not None for one in outcomes]
    )
    hits, alarms, missed = (int(np.sum(both)) for both in (flawed & flagged, ~flawed & flagged, flawed & ~flagged))
    return ErrorDetection(
        precision=_ratio(hits, hits + alarms),
        recall=_ratio(hits, hits + missed),
        f1=_ratio(2 * hits, 2 * hits + alarms + missed),
    )


def gain_errors(outcomes: Sequence[Outcome]) -> GainErrors:
    """Quantiles of |proposed - right gain|, dB. A stem that was not judged stays where it is: 0 dB proposed."""
    errors_db = [
        abs(one.gains_db.get(stem, 0.0) - right_db) for one in outcomes for stem, right_db in one.right_gains_db.items()
    ]
    median, p90, p99 = (round(float(value), 4) for value in np.quantile(errors_db, [0.5, 0.9, 0.99]))
    return GainErrors(median=median, p90=p90, p99=p99)


def calibration_error(outcomes: Sequence[Outcome]) -> float | None:
    """Mean over all judged stems of |mean P - share that needed a change| of their bin of P.

    Naeini, Cooper and Hauskrecht 2015 (AAAI), equal bins. The anchor is given, not judged.
    """
    pairs = [(p, one.right_gains_db[stem] != 0.0) for one in outcomes for stem, p in one.p_change.items()]
    if not pairs:
        return None
    p, needed = np.array(pairs, dtype=np.float64).T
    bins = np.minimum((p * ECE_BINS).astype(int), ECE_BINS - 1)
    excess = np.bincount(bins, weights=p - needed, minlength=ECE_BINS)
    return round(float(np.abs(excess).sum() / len(p)), 4)


def texts_agree(outcomes: Sequence[Outcome]) -> float | None:
    """Share of the answers whose text agrees; one without text does not. None where no answer has a text."""
    agree = [one.text_agrees for one in outcomes if one.answer is not None]
    return None if all(item is None for item in agree) else _ratio(sum(item is True for item in agree), len(agree))


def interval95(right: Sequence[bool], outcomes: Sequence[Outcome], seed: int) -> tuple[float, float] | None:
    """95 % interval of the macro share: songs are drawn with replacement 1000 times; None for a single song."""
    songs, song = np.unique([one.spec.song for one in outcomes], return_inverse=True)
    if len(songs) < 2:
        return None
    categories, category = np.unique([one.category for one in outcomes], return_inverse=True)
    cells = (len(songs), len(categories))
    hits, counts = np.zeros(cells), np.zeros(cells)
    np.add.at(hits, (song, category), np.asarray(right, dtype=np.float64))
    np.add.at(counts, (song, category), 1.0)
    drawn = np.random.default_rng(seed).multinomial(len(songs), np.full(len(songs), 1 / len(songs)), size=RESAMPLES)
    shares = np.nanmean(_divided(drawn @ hits, drawn @ counts), axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)


def _divided(hits: Real, counts: Real) -> Real:
    """hits / counts, NaN where a category has no sample."""
    return np.divide(hits, counts, out=np.full_like(hits, np.nan), where=counts > 0)


def _share(right: Sequence[bool], outcomes: Sequence[Outcome]) -> float:
    """Mean over the categories present of the share that is right in each."""
    _, category = np.unique([one.category for one in outcomes], return_inverse=True)
    shares = np.bincount(category, weights=np.asarray(right, dtype=np.float64)) / np.bincount(category)
    return round(float(shares.mean()), 4)


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
