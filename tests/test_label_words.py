import pytest

from mixingbuddy.models.data.label_words import (
    amounts_in,
    direction_of,
    is_negated,
    is_signed,
    mark_of,
    marked,
    places_in,
    says_it_cannot,
    says_nothing_to_do,
    speaks_of_the_same,
)


def test_names_are_marked_where_they_stand_alone() -> None:
    kick, bass = mark_of(0), mark_of(1)
    assert marked("Kick, kickdrum, Bass 2 and bass.", ("Kick", "Bass 2")) == f"{kick}, kickdrum, {bass} and bass."
    assert marked("the KICK and kicks", ("kick",)) == f"the {kick} and {kick}"
    assert marked("up and UP", ("up",)) == f"{kick} and up"
    assert marked("3 up by 3 dB", ("3",)) == f"{kick} up by 3 db"


def test_names_that_others_are_compared_with_are_left_out() -> None:
    names = ("vocals", "drums")
    assert places_in(marked("the vocals against the drums", names)) == [0]
    assert places_in(marked("drums and vocals, vocals and drums", names)) == [1, 0]
    assert places_in(marked("louder than the drums", names)) == []


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("turn it up", "up"),
        ("pull it back", "down"),
        ("pull it back up", "up"),
        ("push it down a bit more", "both"),
        ("bring it down a bit more", "down"),
        ("louder than the reference", "down"),
        ("make it louder than the reference", "up"),
        ("not loud enough", "up"),
        ("the low end is overall fine", None),
        ("uphill", None),
    ],
)
def test_directions(text: str, side: str | None) -> None:
    assert direction_of(text) == side


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("by 3 db", [3.0]),
        ("+2.5db or so", [2.5]),
        ("-2,5 decibels", [-2.5]),
        ("3 db, that is 3 db", [3.0]),
        ("between 2 and 5 db", [3.5]),
        ("2-3 db", [2.5]),
        ("from -9 db to -6 db", []),
        ("at -9.1 lu, -14 lufs, -1 dbtp", []),
        ("by 4 db (between 3.1 and 5.0 db)", [4.0]),
        ("(+4 db)", [4.0]),
        ("by 2 db, then 3 db", [2.0, 3.0]),
        ("44.1 khz", []),
    ],
)
def test_amounts(text: str, amounts: list[float]) -> None:
    assert amounts_in(text) == amounts


def test_a_level_has_no_sign_of_a_move() -> None:
    assert is_signed("vocals: -3 db")
    assert not is_signed("vocals at -3 db")
    assert not is_signed("by 3 db")


def test_sayings() -> None:
    assert is_negated("do not touch it")
    assert not is_negated("not loud enough")
    assert says_nothing_to_do("no change needed")
    assert not says_nothing_to_do("the balance is off")
    assert says_it_cannot("i cannot judge this")
    assert speaks_of_the_same("raise by about 3 db")
    assert speaks_of_the_same("zither makes them 3 db too loud")
    assert not speaks_of_the_same("the zither is 3 db too loud")
