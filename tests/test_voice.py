"""The planner's voice: variants, names, and the one place where a reply is cut to its length."""

import re
from string import Template

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixingbuddy.agent.speech.voice import (
    Line,
    Naming,
    Voice,
    as_words,
    be,
    fitted,
    quoted,
    sentence,
    size,
    the,
    variants_of,
    was_said,
)
from mixingbuddy.prompts import load_table

GROUPS = {"LeadVox": "vocals", "Kick": "drums", "OH": "drums", "Bass": "bass", "vox -3": "vocals"}
SENTENCES = [key for key, found in load_table("replies").items() if isinstance(found, str) or isinstance(found[0], str)]


@pytest.mark.parametrize("key", SENTENCES)
def test_every_variant_of_a_sentence_has_the_same_variables(key: str) -> None:
    names = [set(Template(variant).get_identifiers()) for variant in variants_of(key)]
    assert all(own == names[0] for own in names)


@pytest.mark.parametrize("key", [key for key in SENTENCES if len(variants_of(key)) > 1])
def test_no_variant_is_said_in_two_turns_in_a_row(key: str) -> None:
    values = {name: f"{name} 1.0" for name in Template(variants_of(key)[0]).get_identifiers()}
    for seed in range(6):
        first = Voice(seed).say(key, **values)
        assert Voice(seed, f"Hello. {first}\nMore of it.").say(key, **values) != first
        assert Voice(seed).say(key, **values) == first


def test_a_variable_that_is_missing_or_too_much_is_an_error() -> None:
    with pytest.raises(KeyError, match="gain"):
        Voice().say("up", what="Bass")
    with pytest.raises(KeyError, match="colour"):
        Voice().say("thanks", colour="red")


def test_a_sentence_is_known_again_whatever_its_variables_were() -> None:
    assert was_said("Done: $moves. You are on version $version.", "Done: Bass up 2.0 dB. You are on version 12.")
    assert not was_said("Done: $moves. You are on version $version.", "Done.")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("drums", "the drums"),
        ("everything", "everything"),
        ("her voice", "her voice"),
        ("the rest", "the rest"),
        ("leadvox", "LeadVox"),
        ("Kick", "the kick"),
        ("oh", "OH"),
        ("vox -3", "'vox -3'"),
    ],
)
def test_the_article(words: str, told: str) -> None:
    assert the(words, GROUPS) == told


@pytest.mark.parametrize(
    ("words", "count", "verb"),
    [
        ("drums", 3, "are"),
        ("bass", 1, "is"),
        ("keys", 1, "are"),
        ("singer", 1, "is"),
        ("kick and snare", 2, "are"),
        ("vox", 2, "are"),
        ("vox", 1, "is"),
        ("everything", 9, "is"),
    ],
)
def test_is_or_are(words: str, count: int, verb: str) -> None:
    assert be(words, count) == verb


def test_stems_are_called_what_the_user_called_them_and_named() -> None:
    naming = Naming(GROUPS, {frozenset({"LeadVox"}): "singer", frozenset({"Bass"}): "bass", frozenset({"OH"}): "it"})
    assert naming.stems(["LeadVox"]) == "the singer (LeadVox)"
    assert naming.stems(["Bass"]) == "Bass"
    assert naming.stems(["OH"]) == "OH"
    assert naming.stems(["Kick", "OH"]) == "the drums (Kick and OH)"
    assert naming.stems(["Kick", "Bass"]) == "Kick and Bass"
    assert naming.short(["LeadVox"]) == "the singer"


def test_the_least_important_lines_go_first_and_no_sentence_is_cut() -> None:
    lines = [Line("one two three"), Line("four five", 1), Line("six seven", 3), Line("eight nine", 3)]
    assert fitted(lines, 9) == "One two three.\nFour five.\nSix seven.\nEight nine."
    assert fitted(lines, 7) == "One two three.\nFour five.\nSix seven."
    assert fitted(lines, 3) == "One two three."
    assert fitted(lines, 1) == "One two three."


@given(st.lists(st.tuples(st.text("abc. ", max_size=30), st.integers(0, 3)), max_size=8), st.integers(0, 40))
def test_what_is_left_is_whole_lines_in_their_order(lines: list[tuple[str, int]], most_words: int) -> None:
    whole = [sentence(text) for text, _ in lines if text.strip()]
    left = fitted([Line(*line) for line in lines], most_words).split("\n") if whole else []
    position = 0
    for line in left:
        position = whole.index(line, position) + 1 if line else position
    needed = sum(len(sentence(text).split()) for text, rank in lines if rank == 0 and text.strip())
    assert sum(len(line.split()) for line in left) <= max(most_words, needed)


@pytest.mark.parametrize(
    ("text", "told"),
    [("it fell", "It fell."), ("Done.", "Done."), ("done..", "Done."), ("really?", "Really?"), ("", "")],
)
def test_a_whole_sentence(text: str, told: str) -> None:
    assert sentence(text) == told


def test_small_words() -> None:
    assert as_words(["a", "b", "c"]) == "a, b and c"
    assert quoted("don't like 'it'.") == "“don’t like ’it’”"
    assert (size(-3.04), size(-0.01)) == ("3.0", "0.0")
    assert not re.search("[!—]", " ".join(v for key in SENTENCES for v in variants_of(key)))
