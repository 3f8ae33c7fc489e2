import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from mixingbuddy.agent.ledger import Ledger, figures_in


def ledger(data: object, question: str = "critique", stems: tuple[str, ...] = ()) -> Ledger:
    return Ledger.of_turn([HumanMessage(question), ToolMessage(json.dumps(data), tool_call_id="1")], stems)


def holds(of: Ledger, text: str) -> bool:
    figures = figures_in(text)
    assert figures
    return all(of.holds(figure) for figure in figures)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("up 7.0 dB", [(7.0, "dB")]),
        ("-6.5 LU", [(-6.5, "dB")]),
        ("−3dB", [(-3.0, "dB")]),
        ("between -6.4 and -3.0 LU", [(-6.4, "dB"), (-3.0, "dB")]),
        ("2 to 4 kHz", [(2.0, "kHz"), (4.0, "kHz")]),
        ("at -1.0 dBTP and -14 LUFS", [(-1.0, "dBTP"), (-14.0, "LUFS")]),
        ("99.4 %", [(99.4, "%")]),
        ("version 3, 4 stems, track 08", []),
    ],
)
def test_figures_are_numbers_with_units(text: str, expected: list[tuple[float, str]]) -> None:
    assert [(figure.value, figure.unit) for figure in figures_in(text)] == expected


def test_roundings_of_measured_numbers_hold_and_others_do_not() -> None:
    measured = ledger({"gain_db": 6.97, "loudness_lufs": -13.52, "p_change": 0.994})
    for text in ("7.0 dB", "7 dB", "-7.0 dB", "6.97 dB", "-13.5 LUFS", "14 LUFS", "99 %"):
        assert holds(measured, text), text
    for text in ("7.1 dB", "6 dB", "-13.4 LUFS", "13.5 dB", "7.0 dBTP"):
        assert not holds(measured, text), text


def test_units_stand_beside_values_too() -> None:
    claim = {"metric": "level_rel_mix_lu", "unit": "LU", "before": -12.94, "predicted": -6.7, "after": -6.68}
    assert holds(ledger({"claims": [claim]}), "from -12.9 to -6.7 LU")


def test_the_users_own_number_may_be_repeated() -> None:
    assert holds(ledger({}, question="bass down 2.5 dB please"), "2.5 dB")


def test_a_number_in_a_stems_name_is_no_measurement() -> None:
    data = {"reason": "'vox -3 dB' lies 7.0 dB under the reference", "stem": "vox -3 dB"}
    measured = ledger(data, stems=("vox -3 dB",))
    assert holds(measured, "7.0 dB")
    assert not holds(measured, "3 dB")


def test_numbers_of_an_earlier_turn_have_lapsed() -> None:
    messages = [
        HumanMessage("critique"),
        ToolMessage(json.dumps({"gain_db": 7.0}), tool_call_id="1"),
        AIMessage("7.0 dB"),
        HumanMessage("thanks"),
    ]
    assert not holds(Ledger.of_turn(messages, ()), "7.0 dB")


@given(st.floats(-60, 60), st.integers(0, 3))
def test_every_rounding_holds(value: float, decimals: int) -> None:
    assert holds(ledger({"gain_db": value}), f"{value:.{decimals}f} dB")
