import pytest

from mixingbuddy.agent.chat_models.keys import has_key, without_keys


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "SOME_TOKEN", "MY_SECRET", "DB_PASSWORD"])
def test_every_secret_of_the_environment_is_kept_out(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "correct-horse-battery")
    assert without_keys("it says correct-horse-battery, twice: correct-horse-battery") == "it says [key], twice: [key]"


def test_a_key_within_another_leaves_no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "horse-battery")
    monkeypatch.setenv("B_KEY", "horse-battery-staple")
    assert without_keys("horse-battery-staple") == "[key]"


@pytest.mark.parametrize(
    "text", ["sk-proj-abcdefgh12345678", "AIzaSyA1234567890abc", "Bearer abcdefgh1234", "sk-abcd****************wxyz"]
)
def test_what_looks_like_a_key_is_one(text: str) -> None:
    assert without_keys(f"({text})").startswith("([key]")


@pytest.mark.parametrize(
    "text", ["Bring the vocals up 7.0 dB.", "task-oriented skills", "risk-free", "the bearer of news", "sk8er"]
)
def test_plain_words_stay(text: str) -> None:
    assert without_keys(text) == text


def test_short_values_are_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORT_KEY", "bass")
    assert without_keys("the bass") == "the bass"


@pytest.mark.parametrize(("value", "there"), [("sk-1234", True), ("  ", False), ("", False)])
def test_an_empty_key_is_none(monkeypatch: pytest.MonkeyPatch, value: str, there: bool) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", value)
    assert has_key("anthropic") is there
