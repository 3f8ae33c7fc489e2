"""What an advice comes down to, and when it is right."""

from collections.abc import Mapping

import numpy as np
import pytest

from mixingbuddy.models.advisor import GainAdvice, StemAdvice
from mixingbuddy.models.answers import Answer, Outcome, largest, outcome, reduced, text_agrees
from mixingbuddy.models.data.labels import Label, write_label_text
from mixingbuddy.models.data.triplets import Category, SampleSpec


def advice(gains_db: Mapping[str, float], p_change: float = 0.5, text: str | None = None) -> GainAdvice:
    stems = tuple(
        StemAdvice(stem=s, gain_db=g, measured_db=g, interval_db=(g - 1, g + 1), p_change=p_change, reason="told so")
        for s, g in gains_db.items()
    )
    return GainAdvice(advisor="told", stems=stems, evidence="told so", text=text)


def single(category: Category, target: str = "vocals", anchor: str = "drums") -> SampleSpec:
    name = f"single/song/0/{target}/{anchor}/{category}"
    return SampleSpec(name, "song", 0, "single", "stems", 0, target, anchor, category)


MULTI = SampleSpec("multi/song/0/0", "song", 0, "multi", "stems", 0)


def rights(one: Outcome) -> tuple[bool, bool, bool, bool | None]:
    return one.joint_right, one.stem_right, one.direction_right, one.magnitude_right


def test_the_largest_gain_of_the_targets_is_the_answer() -> None:
    assert largest({"vocals": 3.0, "drums": -4.0, "bass": 0.0, "other": 9.0}) == Answer("drums", -4.0)
    assert largest({"vocals": 3.0}).direction == "up"
    assert largest({"vocals": 0.0, "other": 9.0}) == Answer(None, 0.0)
    assert largest({}).direction == "none"


def test_the_anchor_is_never_the_answer() -> None:
    told = advice({"vocals": 2.0, "drums": -9.0, "other": 5.0})
    assert reduced(told, "drums") == Answer("vocals", 2.0)
    assert reduced(told, None) == Answer("drums", -9.0)
    assert reduced(advice({"vocals": 0.0, "drums": -9.0}), "drums") == Answer(None, 0.0)


def test_an_advice_that_judges_no_target_is_no_answer() -> None:
    assert reduced(advice({}), None) is None
    assert reduced(advice({"other": 3.0, "drums": 2.0}), "drums") is None


@pytest.mark.parametrize(
    ("gains_db", "expected"),
    [
        ({"vocals": 4.5, "bass": 0.0}, (True, True, True, True)),
        ({"vocals": 6.0, "bass": 0.0}, (True, True, True, True)),  # the edge of 3..6 belongs to it
        ({"vocals": 6.1, "bass": 0.0}, (True, True, True, False)),
        ({"vocals": -4.5, "bass": 0.0}, (False, True, False, False)),
        ({"vocals": 0.0, "bass": 4.5}, (False, False, True, True)),
        ({"vocals": 0.0, "bass": 0.0}, (False, False, False, False)),
        ({"vocals": 4.5, "bass": -5.0}, (False, False, False, False)),  # the larger one counts
    ],
)
def test_right_and_wrong_on_vocals_that_are_4_db_too_quiet(
    gains_db: dict[str, float], expected: tuple[bool, bool, bool, bool]
) -> None:
    assert rights(outcome(single("quiet"), "drums", {"vocals": -4.0}, advice(gains_db))) == expected


def test_on_a_clean_sample_right_means_to_say_no_change() -> None:
    nothing = {"vocals": 0.0, "drums": 0.0, "bass": 0.0}
    assert rights(outcome(single("no_error"), "drums", {}, advice(nothing))) == (True, True, True, None)
    assert rights(outcome(single("no_error"), "drums", {}, advice({"bass": 1.0}))) == (False, False, False, None)


def test_without_an_answer_nothing_is_right() -> None:
    for told in (None, advice({})):
        assert rights(outcome(single("quiet"), "drums", {"vocals": -4.0}, told)) == (False, False, False, False)
        assert rights(outcome(single("no_error"), "drums", {}, told)) == (False, False, False, None)


def test_of_several_flaws_the_largest_is_asked_for() -> None:
    flaws_db = {"vocals": -4.0, "bass": 8.0, "drums": 5.0}
    assert rights(outcome(MULTI, None, flaws_db, advice({"bass": -9.0, "vocals": 4.0}))) == (True, True, True, True)
    assert rights(outcome(MULTI, None, flaws_db, advice({"bass": -5.0}))) == (True, True, True, False)
    assert rights(outcome(MULTI, None, flaws_db, advice({"drums": -5.0}))) == (False, False, True, False)


def test_what_is_kept_of_the_stems() -> None:
    one = outcome(single("loud"), "drums", {"vocals": 4.0}, advice({"vocals": -3.5, "drums": 1.0, "other": 2.0}, 0.8))
    assert one.right_gains_db == {"vocals": -4.0, "drums": 0.0, "bass": 0.0}
    assert one.gains_db == {"vocals": -3.5, "drums": 1.0}
    assert one.p_change == {"vocals": 0.8}


def words(*moves: tuple[str, float]) -> str:
    return write_label_text(Label(moves), "none", np.random.default_rng(0))


def test_a_text_agrees_if_it_says_the_same_moves() -> None:
    meant = {"vocals": 3.5, "bass": -6.0, "drums": 0.0}
    for said, agrees in (
        (words(("bass", -6.0), ("vocals", 3.5)), True),
        (words(("bass", -5.5), ("vocals", 4.0)), True),
        (words(("bass", -5.0), ("vocals", 3.5)), False),
        (words(("bass", 6.0), ("vocals", 3.5)), False),
        (words(("bass", -6.0)), False),
        (words(("bass", -6.0), ("vocals", 3.5), ("drums", 1.0)), False),
        (words(("bass", -6.0), ("vocals", 3.5), ("other", 1.0)), False),
        (words(), False),
        ("la la la", False),
    ):
        assert text_agrees(advice(meant, text=said)) is agrees, said
    assert text_agrees(advice({"vocals": 0.0}, text=words())) is True
    assert text_agrees(advice(meant)) is None
