import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixingbuddy.agent.requests import Quality
from mixingbuddy.agent.teaching.glossary import (
    Entry,
    Theme,
    entries,
    find,
    for_quality,
    look_up,
    nearest_titles,
    read_entry,
    suggest,
    themes,
)
from mixingbuddy.agent.teaching.glossary_index import normal, tokens
from mixingbuddy.agent.understanding.intents import is_request
from mixingbuddy.tools.errors import UserError

ENTRIES = list(entries().values())
DESCRIPTIONS = tomllib.loads((Path(__file__).parent / "glossary_descriptions.toml").read_text(encoding="utf-8"))[
    "description"
]
FEWEST_ENTRIES = 60
FEWEST_WORDS, MOST_WORDS = 90, 200
MOST_IN_COMMON = 0.6


def body(entry: Entry) -> str:
    return " ".join(text for _, text in entry.sections)


def test_there_are_enough_entries_and_every_theme_has_some() -> None:
    assert len(ENTRIES) >= FEWEST_ENTRIES
    assert list(themes()) == list(get_args(Theme))
    assert {entry.theme for entry in ENTRIES} == set(get_args(Theme))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.slug)
def test_an_entry_is_complete_short_and_safe_to_quote(entry: Entry) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", entry.slug)
    assert FEWEST_WORDS <= len(body(entry).split()) <= MOST_WORDS
    for _, text in entry.sections:
        assert text[0].isupper() or text[0].isdigit() or text[0] in '-"'
        assert text.endswith(".")
        # A single quote opens what the user may say back; a stray one would be read as a stem's name.
        assert text.count("'") % 2 == 0
    assert "!" not in body(entry)
    assert "DAW" in entry.what_to_try or "this assistant" in entry.what_to_try.lower()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.slug)
def test_an_entry_leads_to_others_and_to_published_works(entry: Entry) -> None:
    assert set(entry.related) <= set(entries()) - {entry.slug}
    assert len(set(entry.related)) == len(entry.related)
    assert all(source.author and source.title in source.text for source in entry.sources)
    assert len(set(entry.symptoms)) == len(entry.symptoms)


def test_what_an_entry_tells_the_user_to_say_is_understood() -> None:
    said = [saying for entry in ENTRIES for saying in re.findall(r"'([^']+)'", body(entry))]
    assert len(said) > 20
    assert [saying for saying in said if not is_request(saying)] == []


def test_no_name_belongs_to_two_entries() -> None:
    owners: dict[str, set[str]] = {}
    for entry in ENTRIES:
        for name in (entry.slug, entry.title, *entry.aliases):
            owners.setdefault(normal(name), set()).add(entry.slug)
    assert {name: slugs for name, slugs in owners.items() if len(slugs) > 1} == {}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.slug)
def test_every_name_of_an_entry_finds_it(entry: Entry) -> None:
    for name in (entry.slug, entry.title, *entry.aliases):
        assert find(name) == entry
        assert find(f"What is {name.upper()}?") == entry


@pytest.mark.parametrize(
    ("asked", "slug"),
    [
        ("compresion", "compression"),
        ("compressors", "compression"),
        ("limitter", "limiter"),
        ("equalizer", "eq"),
        ("explain sidechaining", "sidechain"),
        ("what does LUFS mean", "lufs"),
        ("how does a noise gate work?", "noise-gate"),
        ("what do you mean by crest factor?", "crest-factor"),
        ("whats a true peak", "true-peak"),
        ("high pass filters", "high-pass-filter"),
        ("tell me about the Haas effect", "precedence-effect"),
        ("Fletcher Munson", "equal-loudness"),
        ("maskng", "masking"),
    ],
)
def test_a_term_is_found_as_people_write_it(asked: str, slug: str) -> None:
    found = find(asked)
    assert found is not None
    assert found.slug == slug


@pytest.mark.parametrize("word", ["drums", "bass", "vocals", "keys", "trumpet", "pads", "weather", "", "?", "the"])
def test_other_words_are_no_term(word: str) -> None:
    assert find(word) is None


def test_problems_described_without_their_name_lead_to_the_entry() -> None:
    assert len(DESCRIPTIONS) >= 40
    assert {slug for item in DESCRIPTIONS for slug in item["about"]} <= set(entries())
    missed = [
        item["say"] for item in DESCRIPTIONS if not {entry.slug for entry in suggest(item["say"])} & set(item["about"])
    ]
    assert len(missed) <= 0.1 * len(DESCRIPTIONS), missed


def test_the_descriptions_are_no_copies_of_the_symptoms() -> None:
    symptoms = [frozenset(tokens(symptom)) for entry in ENTRIES for symptom in entry.symptoms]
    for item in DESCRIPTIONS:
        said = frozenset(tokens(item["say"]))
        assert max(len(said & symptom) / len(said | symptom) for symptom in symptoms) < MOST_IN_COMMON, item["say"]


def test_every_symptom_leads_back_to_its_entry() -> None:
    pairs = [(symptom, entry) for entry in ENTRIES for symptom in entry.symptoms]
    missed = [symptom for symptom, entry in pairs if entry not in suggest(symptom)]
    assert len(missed) <= 0.1 * len(pairs), missed


@pytest.mark.parametrize(
    "words", ["what is the capital of france", "asdf", "buy milk and eggs", "how are you", "", "!"]
)
def test_what_is_no_problem_of_sound_suggests_nothing(words: str) -> None:
    assert suggest(words) == ()


def test_at_most_three_are_suggested_and_always_the_same() -> None:
    for item in DESCRIPTIONS[:40]:
        once = suggest(item["say"])
        assert len(once) <= 3
        assert len(set(once)) == len(once)
        assert suggest(item["say"]) == once


@pytest.mark.parametrize("quality", get_args(Quality))
def test_every_complaint_has_an_entry_of_its_own(quality: Quality) -> None:
    about = for_quality(quality)
    assert about
    assert about[0].qualities[0] == quality or normal(quality.replace("_", " ")) in {
        normal(alias) for alias in about[0].aliases
    }
    assert all(quality in entry.qualities for entry in about)


def test_a_description_is_marked_as_a_guess_and_a_name_is_not() -> None:
    named = look_up("de-esser")
    assert (named.entry.slug, named.guessed, named.others) == ("de-essing", False, ())
    told = look_up("it gets harsh when she sings loud")
    assert told.guessed
    assert {told.entry.slug, *(other.slug for other in told.others)} >= {"harshness", "dynamic-eq"}


def test_an_unknown_term_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="nothing on 'sbustractive'; the nearest terms are: .+, .+, .+\\. Ask for one"):
        look_up("sbustractive")
    assert "Reverb" in nearest_titles("rever bb")


@pytest.mark.parametrize(
    ("mend", "complaint"),
    [
        (lambda text: text.replace("+++\n", "", 1), "between two lines"),
        (lambda text: text.replace("## How it sounds", "## Sound"), "exactly the sections"),
        (lambda text: text.replace('title = "', 'titel = "', 1), "titel"),
        (lambda text: text.replace('author = "', "author = ", 1), "masking.md"),
        (lambda text: re.sub(r"(?s)(## Typical values\n).*", r"\1", text), "typical_values"),
        (lambda text: text.replace('theme = "hearing"', 'theme = "cooking"'), "theme"),
    ],
)
def test_a_broken_file_is_named(mend: object, complaint: str) -> None:
    text = files("mixingbuddy.prompts").joinpath("glossary", "masking.md").read_text(encoding="utf-8")
    broken = mend(text)  # type: ignore[operator]
    assert broken != text
    with pytest.raises(ValueError, match=r"glossary entry masking\.md") as told:
        read_entry("masking.md", broken)
    assert complaint in str(told.value)


def test_endings_and_words_of_one_meaning_do_not_matter() -> None:
    assert normal("Muddiness") == normal("muddy") == normal("mud")
    assert normal("high-pass") == normal("High Pass")
    assert tokens("the singers") == tokens("her vocals") == tokens("a voice")
    assert tokens("the mix is the thing") == ()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_can_be_looked_up(text: str) -> None:
    found = find(text)
    assert found is None or found in ENTRIES
    assert len(suggest(text)) <= 3
    assert all(title in {entry.title for entry in ENTRIES} for title in nearest_titles(text))


def test_a_very_long_text_is_answered_at_once() -> None:
    assert find("mud " * 100_000) is None
    assert suggest("mud " * 100_000)
