from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixingbuddy.agent.chat_models.streaming import SentenceGate, sentence_end

REPLY = "Bring the vocals up 7.0 dB: they sit approx. 7 dB low.\nMeasured at -14.2 LUFS (e.g. the chorus). Say 'apply'."


def told(*pieces: str, forbidden: str = "9.9") -> list[str]:
    out: list[str] = []
    gate = SentenceGate(lambda draft: ["no"] if forbidden in draft else [], out.append)
    for piece in pieces:
        gate.add(piece)
    gate.end()
    return out


def test_a_reply_is_told_in_whole_sentences() -> None:
    assert told(*REPLY) == [
        "Bring the vocals up 7.0 dB: they sit approx. 7 dB low.",
        "\nMeasured at -14.2 LUFS (e.g. the chorus).",
        " Say 'apply'.",
    ]


def test_a_sentence_is_told_before_the_next_is_complete() -> None:
    out: list[str] = []
    gate = SentenceGate(lambda draft: [], out.append)
    gate.add("The bass is fine.")
    assert out == []  # 'fine.7' would be possible
    gate.add(" The")
    assert out == ["The bass is fine."]


def test_nothing_is_told_from_the_first_objection_on() -> None:
    assert told("Fine. It is 9.9 dB up. The rest is fine too. ", "Really.") == ["Fine."]


def test_a_sentence_is_checked_with_what_was_said_before_it() -> None:
    asked: list[str] = []

    def check(draft: str) -> list[str]:
        asked.append(draft)
        return ["the bass is not"] if "The bass" in draft and "It is" in draft else []

    out: list[str] = []
    gate = SentenceGate(check, out.append)
    gate.add("The bass is fine. It is 3 dB low. Done.")
    gate.end()
    assert out == ["The bass is fine."]
    assert asked == ["The bass is fine.", "The bass is fine. It is 3 dB low."]


def test_a_figure_is_never_cut_in_two() -> None:
    assert told("It is 9", ".9 dB", " up. Fine.") == []


@pytest.mark.parametrize("text", ["", "  \n ", "\n\n\n"])
def test_nothing_is_nothing(text: str) -> None:
    assert told(text) == []


@given(st.text(alphabet="aB1. \n!?…'\"-)", max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_how_a_text_comes_in_pieces_changes_nothing(text: str, cuts: list[int]) -> None:
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in pairwise(edges)]
    sentences = told(*pieces, forbidden="§")
    assert "".join(sentences) == text.rstrip()
    assert sentences == told(*text, forbidden="§")


@given(st.text(alphabet="aB1. \n!", max_size=60))
def test_what_is_told_before_an_objection_is_the_beginning_of_the_draft(text: str) -> None:
    sentences = told(*text, forbidden="1")
    assert text.startswith("".join(sentences))
    assert "1" not in "".join(sentences)


def test_a_draft_that_begins_anew_is_not_told_twice() -> None:
    out: list[str] = []
    gate = SentenceGate(lambda draft: [], out.append)
    gate.add("One. Two. Thr")
    gate.restart()
    gate.add("One. Two. Three.")
    gate.end()
    assert out == ["One.", " Two.", " Three."]


def test_a_draft_that_begins_anew_in_other_words_goes_silent() -> None:
    out: list[str] = []
    gate = SentenceGate(lambda draft: [], out.append)
    gate.add("One. Two. Thr")
    gate.restart()
    gate.add("One. Other. Three.")
    gate.end()
    assert out == ["One.", " Two."]


def test_a_closed_gate_tells_nothing() -> None:
    out: list[str] = []
    gate = SentenceGate(lambda draft: [], out.append)
    gate.close()
    gate.add("One. Two.")
    gate.end()
    assert out == []


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("It is 3.5 dB", None),
        ("Done. Next", 5),
        ("Really?! Yes", 8),
        ("1. Vocals up", None),
        ("i.e. The", None),
        ("He said 'no.' Then", 13),
        ("a line\nnext", 7),
        ("ends. with a small letter", None),
    ],
)
def test_where_a_sentence_ends(text: str, end: int | None) -> None:
    assert sentence_end(text) == end


def test_a_long_text_without_an_end_costs_little() -> None:
    import time

    began = time.perf_counter()
    told(*("1. A " * 1600))
    assert time.perf_counter() - began < 5.0
