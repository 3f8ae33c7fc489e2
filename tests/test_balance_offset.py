"""The common offset: as many stems as possible stay, and a move is proposed only where it is large and sure."""

import numpy as np
import pytest

from mixingbuddy.models.balance_offset import Moves, settle


def settled(gains_db: list[float], spread_db: float = 0.05, anchor: int | None = None) -> Moves:
    count = len(gains_db)
    return settle(np.array(gains_db), np.eye(count) * spread_db**2, np.ones(count), 0.05, anchor)


@pytest.mark.parametrize("common_db", [-20.0, 0.0, 7.5])
def test_a_common_gain_is_no_move(common_db: float) -> None:
    moves = settled([common_db + error for error in (0.05, -0.03, 0.0, 0.02)])
    assert not moves.proposed.any()
    assert moves.offset_db == pytest.approx(common_db, abs=0.05)


def test_the_majority_stays() -> None:
    moves = settled([3.0, 3.05, -4.0, 2.95, 9.0])
    assert moves.proposed.tolist() == [False, False, True, False, True]
    assert moves.gains_db[[2, 4]] == pytest.approx([-7.0, 6.0], abs=0.05)


def test_the_anchor_stays_against_the_majority() -> None:
    moves = settled([3.0, 3.0, -4.0], anchor=2)
    assert moves.gains_db.tolist() == [7.0, 7.0, 0.0]
    assert moves.p_change[2] == 0.0


def test_without_a_majority_the_largest_move_is_smallest() -> None:
    assert settled([1.0, 4.0, 9.0, -5.0]).gains_db.tolist() == [0.0, 3.0, 8.0, -6.0]


def test_two_stems_that_differ_move_the_one_that_changes_the_level_least() -> None:
    moves = settle(np.array([0.0, -6.0]), np.eye(2) * 1e-4, np.array([10.0, 1.0]), 0.05)
    assert moves.proposed.tolist() == [False, True]


def test_a_large_but_unsure_gain_is_not_proposed() -> None:
    sure = settled([0.0, 0.0, 2.0], 0.05)
    unsure = settle(np.array([0.0, 0.0, 2.0]), np.diag([0.01, 0.01, 9.0]), np.ones(3), 0.05)
    assert (sure.proposed[2], unsure.proposed[2]) == (True, False)
    assert unsure.half_interval_db[2] == pytest.approx(1.2816 * 3, rel=0.05)


def test_half_a_decibel_is_no_move() -> None:
    moves = settled([0.0, 0.0, 0.4], 0.01)
    assert not moves.proposed.any()
    assert moves.p_change[2] < 0.1
