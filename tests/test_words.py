"""The vocabulary holds every template, and its pointing words point one way."""

import pytest

from mixingbuddy.models.data.label_templates import SLOTS, all_templates
from mixingbuddy.models.differential.words import BEGIN, END, PAD, SPECIAL, Words, joined, pieces, template_vocabulary
from mixingbuddy.models.differential.writer import LONGEST

WORDS = Words(template_vocabulary())


def test_every_template_survives_encoding_and_decoding() -> None:
    for _, _, template in all_templates():
        numbers = WORDS.encode(template)
        assert (numbers[0], numbers[-1]) == (WORDS.numbers[BEGIN], WORDS.numbers[END])
        assert WORDS.decode(numbers) == template


def test_every_template_fits_the_writer() -> None:
    assert max(len(WORDS.encode(template)) for _, _, template in all_templates()) <= LONGEST


def test_no_letter_is_lost_between_pieces() -> None:
    for _, _, template in all_templates():
        assert "".join(pieces(template)) == template.replace(" ", "")


def test_pieces_keep_slots_and_joined_words_whole() -> None:
    text = "Lower {stem} (by {gain}), it's too-loud: {low}."
    expected = ["Lower", "{stem}", "(", "by", "{gain}", ")", ",", "it's", "too-loud", ":", "{low}", "."]
    assert pieces(text) == expected
    assert joined(expected) == text


def test_the_vocabulary_numbers_every_token_once_and_padding_first() -> None:
    vocabulary = template_vocabulary()
    assert vocabulary[:3] == SPECIAL
    assert vocabulary[0] == PAD
    assert len(set(vocabulary)) == len(vocabulary)
    assert {f"{{{slot}}}" for slot in SLOTS} <= set(vocabulary)


def test_slots_are_found_by_number() -> None:
    assert set(WORDS.slots.values()) == set(SLOTS)
    assert all(WORDS.vocabulary[number] == f"{{{slot}}}" for number, slot in WORDS.slots.items())


def test_a_sentence_points_one_way_only_and_the_right_way() -> None:
    up, down = (set(WORDS.pointing[side]) for side in ("up", "down"))
    assert up
    assert down
    assert not up & down
    for kind, _, template in all_templates():
        used = set(WORDS.encode(template))
        if kind == "too_loud":
            assert used & down, template
            assert not used & up, template
        if kind == "too_quiet":
            assert used & up, template
            assert not used & down, template


def test_a_word_points_whatever_its_first_letter() -> None:
    told = {side: {WORDS.vocabulary[number] for number in numbers} for side, numbers in WORDS.pointing.items()}
    assert {"Lower", "lower", "reduce", "Reduce"} & set(WORDS.vocabulary) <= told["down"]
    assert {"Raise", "raise", "up"} & set(WORDS.vocabulary) <= told["up"]
    assert "Raise" in told["up"]


def test_a_word_that_an_older_model_lacks_is_refused_and_its_numbers_stay() -> None:
    older = Words([token for token in template_vocabulary() if token != "Lower"])
    with pytest.raises(KeyError, match="Lower"):
        older.encode("Lower {stem} by {gain}.")
    sentence = "Raise {stem} by {gain}."
    assert older.decode(older.encode(sentence)) == sentence
    assert older.vocabulary != WORDS.vocabulary
