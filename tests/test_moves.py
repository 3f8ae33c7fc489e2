import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mixingbuddy.tools.errors import ModelMistake
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB, GainMove, clamped_db, faders_db, gain_of

GAINS = st.floats(GAIN_MIN_DB, GAIN_MAX_DB).map(lambda gain: round(gain, 1))


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_nobody_gets_past_the_bounds(gain_db: float) -> None:
    if GAIN_MIN_DB <= gain_db <= GAIN_MAX_DB:
        assert GainMove(stem="a", gain_db=gain_db).gain_db == gain_db
    else:
        with pytest.raises(ValidationError):
            GainMove(stem="a", gain_db=gain_db)


@given(st.lists(GAINS, max_size=20))
def test_many_small_moves_do_not_get_past_the_bounds_either(gains_db: list[float]) -> None:
    moves = [GainMove(stem="a", gain_db=gain_db) for gain_db in gains_db]
    total = sum(gains_db)
    if GAIN_MIN_DB <= round(total, 4) <= GAIN_MAX_DB:
        assert faders_db(moves).get("a", 0.0) == pytest.approx(total, abs=1e-2)
    else:
        with pytest.raises(ModelMistake, match="-24 to \\+12"):
            faders_db(moves)


def test_a_move_is_frozen_and_knows_no_other_fields() -> None:
    move = GainMove(stem="a", gain_db=1)
    with pytest.raises(ValidationError):
        move.gain_db = 40  # type: ignore[misc]
    with pytest.raises(ValidationError):
        GainMove.model_validate({"stem": "a", "gain_db": 1, "path": "/etc/passwd"})


def test_moves_that_cancel_leave_no_fader() -> None:
    assert faders_db([GainMove(stem="a", gain_db=3.3), GainMove(stem="a", gain_db=-3.3)]) == {}


@given(st.floats(-1000, 1000))
def test_clamping_gives_a_fader_step_inside_the_bounds(gain_db: float) -> None:
    stepped = clamped_db(gain_db)
    assert GAIN_MIN_DB <= stepped <= GAIN_MAX_DB
    assert stepped == round(stepped, 1)
    if GAIN_MIN_DB <= gain_db <= GAIN_MAX_DB:
        assert abs(stepped - gain_db) <= 0.0501


def test_six_decibels_are_twice_the_amplitude() -> None:
    assert gain_of({"a": 6.0206}, "a") == pytest.approx(2.0, abs=1e-4)
    assert gain_of({}, "a") == 1.0
