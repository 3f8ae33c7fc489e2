import re
from importlib.resources import files
from pathlib import Path

import pytest

from mixingbuddy.agent.understanding.lexer import load_vocabulary
from mixingbuddy.prompts import load, load_table


def test_a_missing_or_unused_variable_is_an_error() -> None:
    assert "- a line" in load("guard", draft="d", objections="- a line")
    with pytest.raises(KeyError):
        load("guard")
    with pytest.raises(KeyError, match="no variable stem"):
        load("guard", draft="d", objections="", stem="x")


def test_values_are_put_in_as_they_are() -> None:
    assert "$HOME ${x}" in load("guard", draft="d", objections="$HOME ${x}")


def test_every_sentence_of_the_planner_is_used_and_every_one_used_exists() -> None:
    modules = Path(str(files("mixingbuddy.agent"))).rglob("*.py")
    code = "".join(path.read_text(encoding="utf-8") for path in modules)
    sentences = load_table("replies")
    named = set(re.findall(r'"(\w+)"', code))
    patterns = [re.sub(r"\{[^}]*\}", r"\\w+", made) for made in re.findall(r'f"((?:\w|\{[^}]*\})+)"', code)]
    unused = {name for name in sentences if name not in named and not any(re.fullmatch(p, name) for p in patterns)}
    assert unused == set()
    for name in re.findall(r'\bsay\(\s*"(\w+)"', code):
        assert name in sentences


def test_the_vocabulary_has_no_phrase_twice() -> None:
    phrases = load_vocabulary().phrases
    told = [
        text for values in load_table("vocabulary")["kinds"].values() for texts in values.values() for text in texts
    ]
    assert len(phrases) == len(set(phrases)) <= len(told)
    assert len(phrases) > 1000
