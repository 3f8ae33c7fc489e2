"""From a belief about levels to advice: what the figures of one group must have to do with each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mixingbuddy.models.differential.group_advice import (
    SMALLEST_MOVE_DB,
    Comparison,
    expected_range_lu,
    group_aims,
    group_answers,
    spoken_moves,
    stem_advice,
)
from mixingbuddy.models.differential.posterior import Belief, Real
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB

MEMBERS = (("lead", "choir"), ("drums",), ("bass",), ("guitar", "keys", "strings"))
NAMES = ("guitar", "lead", "drums", "keys", "bass", "choir", "strings")
AIM_DB = np.array([3.0, -1.0, -2.0, 1.0])


def comparison(
    excess_db: list[float], deviation_db: float = 1.0, anchor: int | None = None, kept: tuple[int, ...] = ()
) -> Comparison:
    """All four groups, so far above where they belong."""
    fixed = {anchor, *kept}
    return Comparison(
        (0, 1, 2, 3),
        AIM_DB + np.array(excess_db) - 20.0,
        Belief(AIM_DB, deviation_db**2 * np.eye(4)),
        tuple(group not in fixed for group in range(4)),
        anchor,
    )


def gains(excess_db: list[float], **more: object) -> list[float]:
    return [one.gain_db for one in group_answers(comparison(excess_db, **more), MEMBERS, np.zeros(4))]  # type: ignore[arg-type]


def test_a_balance_that_is_right_needs_no_move() -> None:
    answers = group_answers(comparison([0, 0, 0, 0]), MEMBERS, np.zeros(4))
    assert all(one.gain_db == 0 and one.p_change < 0.5 for one in answers)
    assert all(one.measured_db == pytest.approx(0, abs=1e-6) for one in answers)


@pytest.mark.parametrize("group", range(4))
@pytest.mark.parametrize("flaw_db", [-10.0, -6.0, 6.0, 10.0])
def test_one_group_that_is_off_is_moved_back(group: int, flaw_db: float) -> None:
    found = gains([flaw_db * (place == group) for place in range(4)])
    assert found[group] == pytest.approx(-flaw_db, abs=1.0)
    assert [gain for place, gain in enumerate(found) if place != group] == [0, 0, 0]


def test_a_common_offset_says_nothing() -> None:
    assert gains([7.0, 7.0, 7.0, 7.0]) == [0, 0, 0, 0]
    assert gains([15.0, 5.0, 5.0, 5.0]) == gains([10.0, 0.0, 0.0, 0.0])


def test_two_groups_that_are_off_are_both_moved() -> None:
    found = gains([9.0, 0.0, -8.0, 0.0])
    assert found == [pytest.approx(-9, abs=1), 0, pytest.approx(8, abs=1), 0]


@pytest.mark.parametrize("kept", range(4))
def test_a_group_that_must_stay_stays(kept: int) -> None:
    flaw = [12.0 * (place == kept) for place in range(4)]
    assert gains(flaw, kept=(kept,))[kept] == 0
    assert gains(flaw, anchor=kept)[kept] == 0
    assert gains(flaw, kept=(0, 1, 2, 3)) == [0, 0, 0, 0]


def test_what_is_not_known_well_is_not_moved() -> None:
    assert gains([6.0, 0, 0, 0], deviation_db=1.0)[0] < -4
    assert gains([6.0, 0, 0, 0], deviation_db=8.0) == [0, 0, 0, 0]


def test_with_an_anchor_gains_are_relative_to_it() -> None:
    """The anchor is right by definition, so what is measured counts from there."""
    measured = [one.measured_db for one in group_answers(comparison([2.0, 0, 0, 0], anchor=0), MEMBERS, np.zeros(4))]
    assert measured == [0, pytest.approx(2, abs=0.01), pytest.approx(2, abs=0.01), pytest.approx(2, abs=0.01)]


def test_without_an_anchor_gains_are_relative_to_what_stays() -> None:
    answers = group_answers(comparison([10.0, 0, 0, 0]), MEMBERS, np.zeros(4))
    assert [one.measured_db for one in answers] == [pytest.approx(-10, abs=0.01), *[pytest.approx(0, abs=0.01)] * 3]


excesses = some.lists(some.floats(-40, 40), min_size=4, max_size=4)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(excess_db=excesses, deviation_db=some.floats(0.3, 10), anchor=some.none() | some.integers(0, 3))
def test_figures_agree_with_each_other(excess_db: list[float], deviation_db: float, anchor: int | None) -> None:
    levels: Real = np.array([-3.0, -6.0, -9.0, -12.0])
    answers = group_answers(comparison(excess_db, deviation_db, anchor), MEMBERS, levels)
    for one in answers:
        low, high = one.interval_db
        assert low <= one.gain_db <= high
        assert GAIN_MIN_DB <= one.gain_db <= GAIN_MAX_DB
        assert one.gain_db == 0 or abs(one.gain_db) >= SMALLEST_MOVE_DB
        assert 0 <= one.p_change <= 1
        assert one.target_lu == pytest.approx(one.level_lu + one.gain_db)
        assert np.isfinite([one.measured_db, low, high]).all()
        low_lu, high_lu = expected_range_lu(one, deviation_db**2)
        assert high_lu - low_lu == pytest.approx(2 * 1.28 * deviation_db, abs=0.02)
    spoken = spoken_moves(answers)
    assert [abs(move.gain_db) for move in spoken] == sorted((abs(move.gain_db) for move in spoken), reverse=True)
    assert {(move.stems, move.gain_db) for move in spoken} == {(a.stems, a.gain_db) for a in answers if a.gain_db}


def test_every_stem_of_a_group_gets_its_groups_advice_in_the_songs_order() -> None:
    answers = group_answers(comparison([10.0, 0, 0, 0]), MEMBERS, np.array([-1.0, -5.0, -6.0, -7.0]))
    advice = stem_advice(answers, NAMES, "against the reference mix")
    assert tuple(one.stem for one in advice) == NAMES
    by_name = {one.stem: one for one in advice}
    assert by_name["lead"].gain_db == by_name["choir"].gain_db < -8
    assert "vocals" in by_name["lead"].reason
    assert "over their place against the reference mix" in by_name["lead"].reason
    assert "instruments at -7.0 LU re the mix, no clear fault" in by_name["keys"].reason


def test_stems_of_groups_without_an_answer_get_none() -> None:
    two = Comparison((0, 2), np.array([-10.0, -20.0]), Belief(np.zeros(2), np.eye(2)), (True, True))
    advice = stem_advice(group_answers(two, MEMBERS, np.array([-1.0, -11.0])), NAMES, "here")
    assert tuple(one.stem for one in advice) == ("lead", "bass", "choir")


def test_aims_name_the_stems_that_are_judged_as_one_and_their_usual_level() -> None:
    case = comparison([4.0, 0, 0, 0], deviation_db=2.0)
    aims = group_aims(group_answers(case, MEMBERS, np.array([-1.0, -5.0, -6.0, -7.0])), case.aim)
    assert [aim.group for aim in aims] == ["vocals", "drums", "bass", "instruments"]
    assert tuple(aim.stems for aim in aims) == MEMBERS
    for aim in aims:
        assert aim.range_lu[1] - aim.range_lu[0] == pytest.approx(2 * 1.28 * 2.0, abs=0.02)
