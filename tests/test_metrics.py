"""The metrics of the balance benchmark, against figures worked out by hand."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from mixingbuddy.models.answers import Answer, Outcome
from mixingbuddy.models.data.triplets import Category, SampleSpec
from mixingbuddy.models.metrics import (
    calibration_error,
    error_detection,
    gain_errors,
    group_scores,
    interval95,
    overall_scores,
    scores_by,
    texts_agree,
)

FLAWS_DB: Mapping[Category, float] = {"very_quiet": -8.0, "quiet": -4.0, "no_error": 0.0, "loud": 4.0, "very_loud": 8.0}


def made(
    category: Category | None,
    gain_db: float | None,
    song: str = "a",
    p: float = 0.5,
    text: bool | None = None,
    stem: str = "vocals",
) -> Outcome:
    """An outcome with the flaw on the vocals; the advisor proposes `gain_db` for `stem`, None is no answer."""
    flaw_db = FLAWS_DB[category] if category else 8.0
    spec = SampleSpec("id", song, 0, "single" if category else "multi", "stems", 0, category=category)
    answered = gain_db is not None
    return Outcome(
        spec=spec,
        truth=Answer("vocals", -flaw_db) if flaw_db else Answer(None, 0.0),
        right_gains_db={"vocals": 0.0 - flaw_db, "drums": 0.0, "bass": 0.0},
        answer=(Answer(stem, gain_db) if gain_db else Answer(None, 0.0)) if answered else None,
        gains_db={stem: gain_db} if gain_db is not None else {},
        p_change={stem: p} if answered else {},
        text_agrees=text,
    )


def test_shares_are_the_mean_over_categories() -> None:
    """Loud: 1 of 1 right. Quiet: 1 of 4. Clean: 0 of 1. Macro (1 + 1/4 + 0) / 3; the plain mean would be 2/6."""
    quiet = [made("quiet", 4.0), *[made("quiet", 0.0)] * 3]
    scores = group_scores([made("loud", -4.0), *quiet, made("no_error", 1.0)], seed=0)
    assert (scores.n, scores.joint) == (6, pytest.approx(1.25 / 3, abs=1e-4))
    assert scores.magnitude == pytest.approx(1.25 / 2, abs=1e-4)  # over the flawed only


def test_without_categories_shares_are_plain_means() -> None:
    assert group_scores([made(None, -8.0), *[made(None, 8.0)] * 3], seed=0).joint == 0.25


def test_stem_direction_and_magnitude_each_count_alone() -> None:
    wrong_stem = made("very_loud", -9.0, stem="bass")
    wrong_way = made("very_loud", 9.0)
    too_small = made("very_loud", -1.0)
    scores = group_scores([wrong_stem, wrong_way, too_small, made("very_loud", None)], seed=0)
    assert (scores.joint, scores.stem, scores.direction, scores.magnitude) == (0.25, 0.5, 0.5, 0.25)


def test_one_who_never_speaks_is_right_on_clean_samples_only() -> None:
    silent = [made(category, 0.0, song) for category in FLAWS_DB for song in "abc"]
    assert overall_scores(silent, seed=0).joint == 0.2
    by = scores_by(silent, [one.spec.category for one in silent], seed=0)
    assert {name: scores.joint for name, scores in by.items()} == {name: float(name == "no_error") for name in FLAWS_DB}
    assert by["no_error"].magnitude is None
    assert error_detection(silent).model_dump() == {"precision": None, "recall": 0.0, "f1": 0.0}


def test_groups_leave_out_what_has_no_key() -> None:
    by = scores_by([made("loud", -4.0), made("loud", 4.0), made("loud", -4.0)], ["x", None, "x"], seed=0)
    assert list(by) == ["x"]
    assert (by["x"].n, by["x"].joint) == (2, 1.0)


def test_precision_recall_and_f1() -> None:
    """3 hits, 1 false alarm, 2 missed: precision 3/4, recall 3/5, F1 6/9. The wrong stem is a hit all the same."""
    outcomes = [
        made("loud", -4.0), made("quiet", -4.0), made("loud", -1.0, stem="bass"),
        made("no_error", 2.0),
        made("quiet", 0.0), made("quiet", 0.0),
        made("no_error", 0.0),
    ]  # fmt: skip
    assert error_detection(outcomes).model_dump() == {"precision": 0.75, "recall": 0.6, "f1": 0.6667}


def test_no_answer_is_the_wrong_detection() -> None:
    found = error_detection([made("loud", -4.0), made("loud", None), made("no_error", None)])
    assert found.model_dump() == {"precision": 0.5, "recall": 0.5, "f1": 0.5}


def test_gain_errors_are_over_all_three_stems() -> None:
    """Errors: vocals 1, 0, 0 dB and bass 8, 0, 2 dB, in full 0 0 0 0 0 0 1 2 8 (9 values)."""
    outcomes = [
        made("very_loud", -7.0),  # 1, 0, 0
        made("no_error", 2.0, stem="bass"),  # 0, 0, 2
        made("very_quiet", None),  # 8, 0, 0: without advice nobody moves a fader
    ]
    errors = gain_errors(outcomes)
    assert errors.median == 0.0
    assert errors.p90 == pytest.approx(2 + 0.2 * 6)  # rank 0.9 x 8 = 7.2, between 2 and 8
    assert errors.p99 == pytest.approx(2 + 0.92 * 6)


def test_calibration_error_by_hand() -> None:
    """P 0.95 on 4 stems of which 3 needed it, P 0.05 on 6 of which none did: 0.4 x 0.2 + 0.6 x 0.05."""
    sure = [made("loud", -4.0, p=0.95)] * 3 + [made("no_error", 1.0, p=0.95)]
    outcomes = sure + [made("no_error", 0.0, p=0.05)] * 6
    assert calibration_error(outcomes) == pytest.approx(0.4 * (0.95 - 0.75) + 0.6 * 0.05)


def test_errors_of_different_bins_do_not_cancel() -> None:
    outcomes = [made("loud", -4.0, p=0.0), made("no_error", 1.0, p=1.0)]
    assert calibration_error(outcomes) == 1.0
    assert calibration_error([made("loud", -4.0, p=1.0), made("no_error", 0.0, p=0.0)]) == 0.0
    assert calibration_error([made("loud", None)]) is None


def test_a_calibrated_advisor_has_a_small_calibration_error() -> None:
    rng = np.random.default_rng(3)
    drawn = rng.uniform(size=4000)
    outcomes = [made("loud" if rng.uniform() < p else "no_error", 1.0, p=float(p)) for p in drawn]
    error = calibration_error(outcomes)
    assert error is not None
    assert error < 0.03


@pytest.mark.parametrize(
    ("said", "share"),
    [([True, True, False, True], 0.75), ([None, None], None), ([True, None], 0.5)],
)
def test_texts_that_agree(said: Sequence[bool | None], share: float | None) -> None:
    outcomes = [made("loud", -4.0, text=agrees) for agrees in said]
    assert texts_agree([*outcomes, made("loud", None)]) == share


def test_the_interval_is_over_songs_not_samples() -> None:
    """Samples of a song fall together, so 2 songs x 50 equal samples are as uncertain as 2 coins: 0 to 1."""
    right, wrong = made("loud", -4.0, "a"), made("loud", 4.0, "b")
    outcomes = [right] * 50 + [wrong] * 50
    assert interval95([one.joint_right for one in outcomes], outcomes, seed=0) == (0.0, 1.0)
    assert interval95([True] * 50, [right] * 50, seed=0) is None


def test_the_interval_agrees_with_the_binomial_for_one_sample_a_song() -> None:
    """400 songs, 30 % right: 1.96 sqrt(0.3 x 0.7 / 400) = 0.045 to either side."""
    outcomes = [made("loud", -4.0 if index < 120 else 4.0, f"song {index}") for index in range(400)]
    right = [one.joint_right for one in outcomes]
    interval = interval95(right, outcomes, seed=0)
    assert interval is not None
    assert interval == pytest.approx((0.3 - 0.0449, 0.3 + 0.0449), abs=0.008)
    assert interval95(right, outcomes, seed=0) == interval
    assert interval95(right, outcomes, seed=1) != interval


def test_a_resample_without_a_category_leaves_it_out() -> None:
    """Two songs of one category each: draws of both songs score 0.5, draws of one song its own 1 or 0."""
    outcomes = [made("loud", -4.0, "a"), made("quiet", -4.0, "b")]
    assert interval95([True, False], outcomes, seed=0) == (0.0, 1.0)
