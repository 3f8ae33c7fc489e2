import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixingbuddy.agent.approval import Decision, read_decision
from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.tools.errors import UserError

MOVES = (ProposedMove(stem="vocals", gain_db=4.0, reason="buried"), ProposedMove(stem="bass", gain_db=-2.0))


def test_a_plain_answer_is_a_decision() -> None:
    assert read_decision(True).type == "approve"
    assert read_decision(False).type == "reject"
    assert read_decision({"type": "reject", "reason": "too bright"}).reason == "too bright"
    assert read_decision(Decision(type="approve")) == Decision(type="approve")


@pytest.mark.parametrize(
    "answer", [None, 3, "yes", {"type": "maybe"}, {"approve": True}, {"type": "edit", "scale": -1}]
)
def test_anything_else_says_what_is_expected(answer: object) -> None:
    with pytest.raises(UserError, match="approve' | 'edit' | 'reject'"):
        read_decision(answer)


def test_an_edit_changes_amounts_and_keeps_reasons() -> None:
    half = Decision(type="edit", scale=0.5).edited(MOVES)
    assert [(move.stem, move.gain_db, move.reason) for move in half] == [("vocals", 2.0, "buried"), ("bass", -1.0, "")]
    named = read_decision({"type": "edit", "moves": [{"stem": "vocals", "gain_db": 1.04}]}).edited(MOVES)
    assert [(move.stem, move.gain_db, move.reason) for move in named] == [("vocals", 1.0, "buried")]


@given(st.floats(0, 4))
def test_a_scaled_move_keeps_its_direction(scale: float) -> None:
    gains = {move.stem: move.gain_db for move in Decision(type="edit", scale=scale).edited(MOVES)}
    assert gains.get("vocals", 0.0) >= 0.0 >= gains.get("bass", 0.0)
    assert gains.get("vocals", 0.0) == pytest.approx(min(4.0 * scale, 12.0), abs=0.051)
