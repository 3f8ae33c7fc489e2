import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from mixingbuddy.agent.guarding.figures import bare_figures_in, figures_in
from mixingbuddy.agent.guarding.ledger import Fact, Ledger


def ledger(data: object, question: str = "critique", stems: tuple[str, ...] = ()) -> Ledger:
    return Ledger.of_turn([HumanMessage(question), ToolMessage(json.dumps(data), tool_call_id="1")], stems)


def holds(of: Ledger, text: str) -> bool:
    figures = (*figures_in(text), *bare_figures_in(text))
    assert figures
    return all(of.holds(figure) for figure in figures)


def measured(of: Ledger) -> set[Fact]:
    return {fact for fact in of.facts if fact.source != "known"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("up 7.0 dB", [(7.0, "dB")]),
        ("-6.5 LU", [(-6.5, "dB")]),
        ("−3dB", [(-3.0, "dB")]),
        ("between -6.4 and -3.0 LU", [(-6.4, "dB"), (-3.0, "dB")]),
        ("2 to 4 kHz", [(2000.0, "Hz"), (4000.0, "Hz")]),
        ("at -1.0 dBTP and -14 LUFS", [(-1.0, "dBTP"), (-14.0, "LUFS")]),
        ("99.4 %", [(99.4, "%")]),
        ("version 3, 4 stems, track 08", []),
        ("three dB", [(3.0, "dB")]),
        ("3 decibels", [(3.0, "dB")]),
        ("half a dB", [(0.5, "dB")]),
        ("one and a half decibels", [(1.5, "dB")]),
        ("2 or 3 dB", [(2.0, "dB"), (3.0, "dB")]),
        ("minus three dB", [(-3.0, "dB")]),
        ("3,5 dB", [(3.5, "dB")]),
        ("1,200 Hz", [(1200.0, "Hz")]),
        ("120 BPM and 250 ms", [(120.0, "BPM"), (0.25, "s")]),
        ("a second vocal, in a minute, in the 80s", []),
    ],
)
def test_figures_are_numbers_with_units(text: str, expected: list[tuple[float, str]]) -> None:
    assert [(figure.value, figure.unit) for figure in figures_in(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("up by 3", [(3.0, "")]),
        ("down three, then", [(3.0, "")]),
        ("-7 on the bass", [(-7.0, "")]),
        ("6.5 in all", [(6.5, "")]),
        ("at 1:20", [(80.0, "m:s")]),
        ("twice as loud", [(0.0, "x")]),
        ("7.0 dB", []),
        ("version 2. 4 stems, 8 in 10 mixes, 24-bit, BS.1770-4", []),
    ],
)
def test_bare_numbers_count_where_they_speak_of_levels_or_time(text: str, expected: list[tuple[float, str]]) -> None:
    assert [(figure.value, figure.unit) for figure in bare_figures_in(text)] == expected


def test_roundings_of_measured_numbers_hold_and_others_do_not() -> None:
    found = ledger({"gain_db": 6.97, "loudness_lufs": -13.52, "p_change": 0.994})
    for text in ("7.0 dB", "7 dB", "-7.0 dB", "6.97 dB", "-13.5 LUFS", "14 LUFS", "99 %", "seven dB", "up by 7"):
        assert holds(found, text), text
    for text in ("7.1 dB", "6 dB", "-13.4 LUFS", "13.5 dB", "7.0 dBTP", "six dB", "up by 8", "twice as loud"):
        assert not holds(found, text), text


def test_words_beside_a_number_say_on_which_side_the_measured_one_lies() -> None:
    found = ledger({"gain_db": 6.6})
    for text in ("more than 6 dB", "over 6 dB", "just under 7 dB", "nearly 7 dB"):
        assert holds(found, text), text
    for text in ("more than 7 dB", "just over 7 dB", "less than 6 dB", "nearly 6 dB", "more than 5 dB"):
        assert not holds(found, text), text


def test_units_stand_beside_values_too() -> None:
    claim = {"metric": "level_rel_mix_lu", "unit": "LU", "before": -12.94, "predicted": -6.7, "after": -6.68}
    assert holds(ledger({"claims": [claim]}), "from -12.9 to -6.7 LU")


def test_a_fact_says_what_it_is_of_and_when() -> None:
    claim = {
        "metric": "level_rel_mix_lu",
        "stem": "vox",
        "unit": "LU",
        "before": -12.9,
        "after": -6.7,
        "tolerance": 0.2,
    }
    assert measured(ledger({"verdict": {"claims": [claim]}}, stems=("vox",))) == {
        Fact(-12.9, "dB", ("vox",), "level", "before"),
        Fact(-6.7, "dB", ("vox",), "level", "after"),
        Fact(-6.7 + 12.9, "dB", ("vox",), "change", "change"),
    }


def test_the_keys_of_a_mapping_from_stems_are_owners() -> None:
    data = {"distances_db": {"vox": 7.0, "bass": -5.0}, "loudness_lufs": -20.1}
    assert measured(ledger(data, stems=("vox", "bass"))) == {
        Fact(7.0, "dB", ("vox",), "distance"),
        Fact(-5.0, "dB", ("bass",), "distance"),
        Fact(-20.1, "LUFS", (), "loudness"),
    }


def test_a_group_of_one_stem_is_that_stem_and_a_larger_one_is_not() -> None:
    groups = [
        {"group": "vocals", "stems": ["vox"], "level_rel_mix_lu": -3.0},
        {"group": "drums", "stems": ["kick", "snare"], "level_rel_mix_lu": -6.0},
    ]
    facts = measured(ledger({"groups": groups}, stems=("vox", "kick", "snare")))
    assert {fact.of for fact in facts} == {("vocals", "vox"), ("drums",)}


def test_figures_of_the_glossary_are_literature() -> None:
    facts = measured(ledger({"tool": "explain", "slug": "x", "typical_values": "3 to 6 dB", "source": "Moore, 1997"}))
    assert {(fact.value, fact.source) for fact in facts} == {(3.0, "literature"), (6.0, "literature")}


def test_the_users_own_number_may_be_repeated() -> None:
    assert holds(ledger({}, question="bass down 2.5 dB please"), "2.5 dB")
    assert holds(ledger({}, question="vocals up 3"), "3 dB")


def test_a_number_in_a_stems_name_is_no_measurement() -> None:
    data = {"reason": "'vox -3 dB' lies 7.0 dB under the reference", "stem": "vox -3 dB"}
    found = ledger(data, stems=("vox -3 dB",))
    assert holds(found, "7.0 dB")
    assert not holds(found, "3 dB")


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


@given(st.text())
def test_no_text_raises(text: str) -> None:
    for figure in (*figures_in(text), *bare_figures_in(text)):
        assert figure.value == figure.value
    assert Ledger.of_turn([HumanMessage(text), ToolMessage(text, tool_call_id="1")], (text,)).facts
