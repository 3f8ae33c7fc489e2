import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from mixingbuddy.models.data.label_templates import (
    EVIDENCES,
    KINDS,
    MOVE_SLOTS,
    all_templates,
    choose_template,
    count_text,
    direction_words,
    fill,
    gain_text,
    instruction,
    interval_texts,
    level_text,
    slots_of,
)
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.roles import ROLES

MOVES = {"too_loud": "down", "too_quiet": "up"}


def words_of(template: str) -> set[str]:
    return set(re.findall(r"[a-z]+", re.sub(r"\{\w+\}", " ", template.lower())))


def test_every_kind_and_evidence_has_enough_different_sentences() -> None:
    groups = defaultdict(list)
    for kind, evidence, template in all_templates():
        groups[kind, evidence].append(template)
    assert {kind for kind, _ in groups} == set(KINDS)
    for kind in (*MOVES, "nothing"):
        assert {evidence for k, evidence in groups if k == kind} == set(EVIDENCES)
    for group, templates in groups.items():
        assert len(templates) >= 12, group
        assert len(set(templates)) == len(templates), group


@pytest.mark.parametrize("kind", MOVES)
def test_a_sentence_without_optional_figures_is_never_far(kind: str) -> None:
    for evidence in EVIDENCES:
        plain = [t for k, e, t in all_templates() if (k, e) == (kind, evidence) and slots_of(t) == {"stem", "gain"}]
        assert len(plain) >= 8


def test_slots_stand_once_and_only_where_they_may() -> None:
    allowed = {"too_loud": MOVE_SLOTS, "too_quiet": MOVE_SLOTS, "opening_several": {"count"}, "cannot_say": {"reason"}}
    for kind, _, template in all_templates():
        slots = Counter(re.findall(r"\{(\w+)\}", template))
        assert set(slots) <= set(allowed.get(kind, ())), template
        assert all(count == 1 for count in slots.values()), template
        assert kind not in MOVES or {"stem", "gain"} <= set(slots), template
        assert ("low" in slots) == ("high" in slots), template
        if "low" in slots:
            assert "(between {low} and {high} dB)" in template
        required = {"opening_several": "count", "cannot_say": "reason"}.get(kind)
        assert required is None or required in slots, template


def test_a_sentence_points_one_way_only() -> None:
    up, down = direction_words()["up"], direction_words()["down"]
    assert not up & down
    for kind, _, template in all_templates():
        words = words_of(template)
        own, wrong = {"too_quiet": (up, down), "too_loud": (down, up)}.get(kind, (frozenset(), up | down))
        assert not words & wrong, template
        assert kind not in MOVES or words & own, template


def test_every_direction_word_is_used() -> None:
    used = set().union(*(words_of(template) for kind, _, template in all_templates() if kind in MOVES))
    spare = {"louder", "quieter", "softer", "stronger", "under"}
    assert (direction_words()["up"] | direction_words()["down"]) - used <= spare


def test_sentences_are_plain_text_that_splits_into_few_words() -> None:
    vocabulary = set()
    for _, _, template in all_templates():
        assert template.isascii()
        assert template.endswith(".")
        assert re.fullmatch(r"[A-Za-z{} ,:().]+", template), template
        assert re.search(r"[.](?=.)", template) is None, template
        vocabulary |= words_of(template)
    assert len(vocabulary) < 900


def test_no_sentence_holds_the_name_of_a_role() -> None:
    roles = {word for role in ROLES for word in role.split("_")} | {"voice", "vocal", "drum", "piano", "synth"}
    for _, _, template in all_templates():
        assert not words_of(template) & roles, template


def test_a_template_is_chosen_by_seed_and_by_what_is_known() -> None:
    assert choose_template("too_loud", "none", np.random.default_rng(3)) == choose_template(
        "too_loud", "none", np.random.default_rng(3)
    )
    rng = np.random.default_rng(0)
    chosen = {choose_template("too_loud", "same_mix", rng) for _ in range(300)}
    assert chosen == {t for k, e, t in all_templates() if (k, e) == ("too_loud", "same_mix")}
    known = {choose_template("too_loud", "same_mix", rng, known=("stem", "gain")) for _ in range(300)}
    assert known == {t for t in chosen if slots_of(t) == {"stem", "gain"}}
    with pytest.raises(KeyError, match="without slots"):
        choose_template("too_loud", "same_mix", rng, known=())


def test_values_are_filled_in_as_they_are() -> None:
    assert fill("Take {stem} down {gain}.", stem="{gain} $x", gain="3.0 dB") == "Take {gain} $x down 3.0 dB."
    assert fill("{count} faders.", count="three") == "Three faders."
    assert fill("Here are {count}.", count="three", level="unused") == "Here are three."
    with pytest.raises(KeyError):
        fill("Take {stem} down {gain}.", stem="x")
    with pytest.raises(KeyError, match="no template has a slot stems"):
        fill("Take {stem} down.", stem="x", stems="y")


def test_figures_print_with_one_decimal_and_their_unit() -> None:
    assert (gain_text(-4.21), gain_text(12)) == ("4.2 dB", "12.0 dB")
    assert (level_text(-9.13), level_text(-0.04)) == ("-9.1 LU", "0.0 LU")
    assert (count_text(2), count_text(12), count_text(13)) == ("two", "twelve", "13")


def test_an_interval_prints_as_amounts_unless_it_leads_both_ways() -> None:
    assert interval_texts((-5.0, -3.1), -4.2) == {"low": "3.1", "high": "5.0"}
    assert interval_texts((3.1, 5.0), 4.2) == {"low": "3.1", "high": "5.0"}
    assert interval_texts((0.0, 2.0), 1.0) == {"low": "0.0", "high": "2.0"}
    assert interval_texts((-0.5, 2.0), 1.0) == {}
    assert interval_texts((-2.0, 0.5), -1.0) == {}


def test_there_are_many_wordings_of_every_question() -> None:
    table = load_table("training_texts")["instructions"]
    assert set(table) == {"same_mix", "same_stems", "other_song", "none", "mix_only"}
    every = [text for texts in table.values() for text in texts]
    assert len(every) == len(set(every))
    assert all(len(texts) >= 20 for texts in table.values())
    assert all(text.isascii() for text in every)


def test_a_question_fits_its_evidence_and_names_the_anchor() -> None:
    table = load_table("training_texts")["instructions"]
    rng = np.random.default_rng(0)
    for evidence in EVIDENCES:
        group = "other_song" if evidence.startswith("other") else evidence
        assert {instruction(evidence, rng) for _ in range(400)} == set(table[group])
    assert " {drums} " in f" {instruction('none', rng, anchor='{drums}')} ".replace(".", " ").replace(",", " ")
