"""What people say and what they mean by it: the files hold together, and the parser reads both halves."""

import time
from typing import get_args

import pytest

from mixingbuddy.agent.requests import Intent, Request
from mixingbuddy.agent.understanding.intents import read_requests
from mixingbuddy.benchmarks.utterances import (
    HALVES,
    SLOTS,
    SONG,
    VERSIONS,
    figures_of,
    milliseconds,
    read_half,
    score,
)

LEAST = {"dev": 0.97, "heldout": 0.9}  # what docs/utterances.md reports, rounded down


@pytest.mark.parametrize("half", HALVES)
def test_every_meaning_is_one_that_the_parser_can_have(half: str) -> None:
    for utterance in read_half(half):
        assert utterance.say.strip()
        assert utterance.means
        for intent, slots in utterance.means:
            assert intent in get_args(Intent)
            assert slots.keys() <= set(SLOTS)
            Request.model_validate({"intent": intent} | slots)
            assert set(slots.get("stems", ())) <= SONG.keys()


@pytest.mark.parametrize("half", HALVES)
def test_every_intent_is_said_in_several_ways(half: str) -> None:
    said = figures_of(read_half(half)).all_by_intent
    assert set(said) == set(get_args(Intent))
    assert min(said.values()) >= 3


def test_no_sentence_stands_in_both_halves() -> None:
    dev, heldout = ({(u.before, u.say.casefold()) for u in read_half(half)} for half in HALVES)
    assert len(dev & heldout) == 0  # only the number: the held-out half is not shown


@pytest.mark.parametrize("half", HALVES)
def test_intents_and_slots_are_read(half: str) -> None:
    figures = figures_of(read_half(half))
    assert figures.intents >= LEAST[half]
    assert figures.slots >= LEAST[half]


def test_the_score_counts_what_is_missing_and_what_nobody_said() -> None:
    wanted = (("turn", {"stems": ("Bass",), "direction": 1}),)
    assert score(wanted, wanted) == (True, 2, 2)
    assert score(wanted, (("turn", {"stems": ("Bass",)}),)) == (True, 1, 2)
    assert score(wanted, (("turn", {"stems": ("Bass",), "direction": 1, "amount_db": 1.0}),)) == (True, 2, 3)
    assert score(wanted, (("lock", {"stems": ("Bass",)}),)) == (False, 1, 2)
    assert score(wanted, (*wanted, ("thanks", {}))) == (False, 2, 2)


def test_a_sentence_is_read_in_less_than_five_milliseconds() -> None:
    assert milliseconds(read_half("dev")) < 5.0


def test_nonsense_does_not_blow_up() -> None:
    start = time.perf_counter()
    for word in ("blorp ", "not the ", "and a half ", "up 2 ", "a ", "'", "the vocals "):
        read_requests(word * (2000 // len(word)), SONG, None, VERSIONS)
    assert time.perf_counter() - start < 5.0
