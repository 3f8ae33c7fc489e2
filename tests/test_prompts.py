import re
from importlib.resources import files

import pytest

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
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in files("mixingbuddy.agent").iterdir()
        if path.name in {"planner.py", "wording.py"}
    )
    sentences = load_table("replies")
    used = set(re.findall(r'"(\w+)[" ]', code)) | {"nothing_to_undo", "nothing_to_redo", "nothing_to_go"}
    used |= {"undone", "redone", "cannot_judge"}
    used |= {f"{kind}_{side}" for kind in ("yes", "no", "other_way") for side in ("loud", "quiet")}
    assert set(sentences) <= used
    for name in re.findall(r'\bsay\(\s*"(\w+)"', code):
        assert name in sentences


def test_the_vocabulary_has_no_phrase_twice() -> None:
    phrases = [phrase for entry in load_table("vocabulary")["intents"] for phrase in entry["phrases"]]
    assert len(phrases) == len(set(phrases))
