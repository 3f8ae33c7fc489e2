import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from mixingbuddy.tools.errors import UserError, printable


@given(st.text())
def test_printable_is_one_line_without_control_characters(text: str) -> None:
    shown = printable(text)
    assert len(shown) <= 120
    assert not any(unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} for c in shown)


def test_printable_keeps_names_as_they_are_and_drops_direction_marks() -> None:
    assert printable("LeadVox_03 (dbl) 🎤") == "LeadVox_03 (dbl) 🎤"
    assert printable("a\u202egnp.wav\n\tb") == "agnp.wav b"


def test_an_error_is_one_line_whatever_name_it_quotes() -> None:
    assert str(UserError("cannot read 'a\nb\x1b[31m'")) == "cannot read 'a b [31m'"
