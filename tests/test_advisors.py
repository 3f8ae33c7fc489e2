"""Advisors by name."""

import pytest

from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.errors import UserError


@pytest.mark.parametrize("name", ["prior", "level-difference", "differential", "single-mix"])
def test_an_advisor_is_called_what_it_was_asked_for_as(name: str) -> None:
    assert open_advisor(name).name == name


def test_a_wrong_name_is_answered_with_the_right_ones() -> None:
    with pytest.raises(UserError, match="no advisor 'oracle'.*prior.*level-difference"):
        open_advisor("oracle")


@pytest.mark.parametrize("name", ["oracle", "audio-llm:", "audio-llm"])
def test_a_large_model_needs_a_path(name: str) -> None:
    with pytest.raises(UserError, match="audio-llm:PATH"):
        open_advisor(name)


def test_a_large_model_is_opened_from_its_path() -> None:
    assert open_advisor("audio-llm:some/folder").name == "audio-llm"
