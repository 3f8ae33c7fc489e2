"""Names and roles tell two microphones on one instrument from two instruments."""

import pytest

from mixingbuddy.tools.close_mics import is_one_source, stem_to_flip
from mixingbuddy.tools.roles import Role


@pytest.mark.parametrize(
    ("names", "roles", "one"),
    [
        (("KickIn", "KickOut"), ("kick", "kick"), True),
        (("kick", "sub"), ("kick", "kick"), True),
        (("Gtr1 Amp", "Gtr1 DI"), ("guitar", "guitar"), True),
        (("Gtr1 Amp", "Gtr2 Amp"), ("guitar", "guitar"), False),
        (("Gtr L", "Gtr R"), ("guitar", "guitar"), False),
        (("snaretop", "snarebottom"), ("snare", "toms"), False),
    ],
)
def test_one_source_by_name_and_role(names: tuple[str, str], roles: tuple[Role, Role], one: bool) -> None:
    assert is_one_source(names, roles) is one


@pytest.mark.parametrize(
    ("early", "late", "flipped"),
    [
        ("snare bottom", "snare", "snare bottom"),
        ("snaretop", "snarebtm", "snarebtm"),
        ("Bass Amp", "Bass DI", "Bass Amp"),
        ("snare 1", "snare 2", "snare 2"),
        ("kick out", "kick sub", "kick sub"),
    ],
)
def test_the_second_microphone_is_turned_and_else_the_later_one(early: str, late: str, flipped: str) -> None:
    assert stem_to_flip(early, late) == flipped
