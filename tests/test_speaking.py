"""Words may vary, facts may not: what was written reads back as exactly the moves, whoever wrote it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tiny_differential import shipped_model, tiny_model

from mixingbuddy.models.data.label_templates import EVIDENCES, KINDS, Evidence, all_templates, direction_words
from mixingbuddy.models.data.labels import read_label_text
from mixingbuddy.models.differential import speaking
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.models.differential.speaking import MOST_MOVES, Sets, Speech, SpokenMove, about, speak
from mixingbuddy.models.differential.words import Words
from mixingbuddy.models.differential.writer import FIGURES, GROUP_FIGURES

NAMES = (
    "vocals", "drums", "bass", "other", "Down Bass 3 dB", "Gtr", "Gtr L", "a.b+c", "quiet", "Kick (in)", "01 Snare",
    "loud and clear", "up", "the", "Übersänger", "Mix", "nothing", "{stem}", "-3 dB", "Keys, wet",
)  # fmt: skip


@some.composite
def moves(draw: Any, names: Sequence[str], together: int = 1) -> tuple[SpokenMove, ...]:
    """None to five moves, largest first, of different stems, with any of the figures that may be known."""
    names, made = list(names), []
    while names and len(made) < MOST_MOVES:
        stems, names = names[:together], names[together:]
        gain_db = round(draw(some.integers(-240, 120).filter(bool)) / 10, 1)
        half_db = draw(some.floats(0, 8))
        levels = some.none() | some.floats(-60, 3)
        interval_db = (gain_db - half_db, gain_db + half_db)
        role = draw(some.integers(0, len(ROLES)))
        made.append(SpokenMove(tuple(stems), gain_db, interval_db, role, draw(levels), draw(levels)))
    return tuple(sorted(made, key=lambda move: -abs(move.gain_db)))


def sets_of(model: Any, seed: int | None = None) -> Sets:
    """Sets of groups without anything in them, or with anything in them."""
    empty = Sets.empty(model.config.width)
    if seed is None:
        return empty
    rng = np.random.default_rng(seed)
    shape = (len(ROLES), GROUP_FIGURES)
    own, reference = (rng.normal(0, 0.5, shape).astype(np.float32) for _ in range(2))
    return Sets(own, reference, rng.normal(0, 1, empty.remembered.shape).astype(np.float32))


def read_back(text: str, speech: Speech) -> None:
    stated = sorted(read_label_text(text, list(speech.stems)).moves)
    spoken = speech.moves[:MOST_MOVES]
    assert stated == sorted((stem, move.gain_db) for move in spoken for stem in move.stems), text
    if all(len(move.stems) == 1 for move in spoken):
        assert len(text.splitlines()) == (1 + len(spoken) if spoken else 1)
    for line in text.splitlines():
        assert line.endswith(".")
        assert not line.startswith((" ", "."))


@pytest.mark.parametrize("together", [1, 2, 3])
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=some.data())
def test_what_a_writer_says_that_learnt_nothing_is_right(data: Any, together: int) -> None:
    names = data.draw(some.lists(some.sampled_from(NAMES), max_size=8, unique=True))
    evidence: Evidence = data.draw(some.sampled_from(EVIDENCES))
    seed = data.draw(some.integers(0, 2**48 - 1))
    model = tiny_model(seed % 3)
    speech = Speech(evidence, data.draw(moves(names, together)), sets_of(model, seed), seed, NAMES)
    read_back(speak(model, [speech])[0], speech)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=some.data())
def test_what_the_shipped_writer_says_is_right_whatever_stems_are_called(data: Any) -> None:
    names = data.draw(some.lists(some.sampled_from(NAMES), max_size=6, unique=True))
    evidence: Evidence = data.draw(some.sampled_from(EVIDENCES))
    seed = data.draw(some.integers(0, 2**48 - 1))
    speech = Speech(evidence, data.draw(moves(names)), sets_of(shipped_model()), seed, NAMES)
    read_back(speak(shipped_model(), [speech])[0], speech)


def ordinary(evidence: Evidence, count: int, seed: int) -> Speech:
    """What an advisor would have said: some of four stems, with levels and targets where that evidence gives them."""
    rng = np.random.default_rng([seed, EVIDENCES.index(evidence), count])
    grouped = evidence in ("none", "other_mix", "mix_only")
    made = []
    for role in rng.permutation(len(ROLES))[:count]:
        gain_db = round(float(rng.uniform(3, 12) * rng.choice([-1, 1])), 1)
        half_db, level_lu = float(rng.uniform(0.5, 2.5)), float(rng.uniform(-18, -3)) if grouped else None
        target_lu = None if level_lu is None else level_lu + gain_db
        interval_db = (gain_db - half_db, gain_db + half_db)
        made.append(SpokenMove((ROLES[role],), gain_db, interval_db, int(role), level_lu, target_lu, 0.95))
    ranked = tuple(sorted(made, key=lambda move: -abs(move.gain_db)))
    return Speech(evidence, ranked, sets_of(shipped_model(), seed if grouped else None), seed, ROLES)


def test_the_shipped_writer_hardly_ever_needs_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    speeches = [ordinary(evidence, count, seed) for evidence in EVIDENCES for count in range(4) for seed in range(2)]
    needed: list[str] = []
    fallback = speaking._from_templates
    monkeypatch.setattr(speaking, "_from_templates", lambda one: needed.append(one.kind) or fallback(one))
    texts = speak(shipped_model(), speeches)
    for text, speech in zip(texts, speeches, strict=True):
        read_back(text, speech)
    written = sum(len(text.splitlines()) for text in texts)
    assert len(needed) < 0.1 * written, needed


def test_the_same_song_is_told_in_the_same_words_alone_and_among_others() -> None:
    speeches = [ordinary(evidence, count, 7) for evidence in EVIDENCES for count in range(4)]
    together = speak(shipped_model(), speeches)
    assert together[::3] == [speak(shipped_model(), [speech])[0] for speech in speeches[::3]]
    assert together == speak(shipped_model(), speeches[::-1])[::-1]


def test_another_song_may_be_told_in_other_words() -> None:
    told = ordinary("none", 1, 3)
    assert len(set(speak(shipped_model(), [replace(told, seed=seed) for seed in range(20)]))) > 3


@pytest.mark.parametrize("evidence", EVIDENCES)
def test_no_sentence_speaks_of_evidence_that_is_not_there(evidence: Evidence) -> None:
    """A song without a reference is never told about "your reference mix"."""
    others = {text for _, known, text in all_templates() if known not in (evidence, "any")}
    own = {text for _, known, text in all_templates() if known == evidence}
    for seed in range(12):
        speech = Speech(evidence, (), sets_of(shipped_model()), seed)
        assert speak(shipped_model(), [speech])[0] not in others - own


@pytest.mark.parametrize("evidence", EVIDENCES)
def test_of_many_moves_the_five_that_come_first_are_spoken(evidence: Evidence) -> None:
    names = [f"track {letter}" for letter in "abcdefgh"]
    many = tuple(SpokenMove((name,), 12.0 - place, (10.0 - place, 14.0)) for place, name in enumerate(names))
    for model in (tiny_model(), shipped_model()):
        speech = Speech(evidence, many, sets_of(model), 0, tuple(names))
        (text,) = speak(model, [speech])
        read_back(text, speech)
        assert "five" in text.splitlines()[0].lower()


@pytest.mark.parametrize("gain_db", [-4.2, 4.2])
@pytest.mark.parametrize("evidence", EVIDENCES)
@pytest.mark.parametrize("count", [2, 7])
def test_several_stems_in_one_move_all_move(evidence: Evidence, gain_db: float, count: int) -> None:
    stems = ("kick", "snare", "hats", "overheads", "toms", "room L", "room R")[:count]
    move = SpokenMove(stems, gain_db, (gain_db - 1.5, gain_db + 1.5), 1, -9.1, -9.1 + gain_db)
    for seed in range(2):
        speech = Speech(evidence, (move,), sets_of(shipped_model()), seed, (*stems, "bass", "vocals"))
        read_back(speak(shipped_model(), [speech])[0], speech)


def test_nothing_is_said_where_nobody_asks() -> None:
    assert speak(tiny_model(), []) == []


def test_a_name_that_holds_words_of_advice_is_not_taken_for_advice() -> None:
    names = ("cut", "cut bass by 6.0 dB", "bass")
    move = SpokenMove(("bass",), 3.0, (2.0, 4.0))
    for evidence in EVIDENCES:
        speech = Speech(evidence, (move,), sets_of(tiny_model()), 1, names)
        read_back(speak(tiny_model(), [speech])[0], speech)


def test_figures_are_told_where_they_are_known_and_only_there() -> None:
    """The writer is told of each slot whether there is a figure for it, and may only then use it."""
    known = SpokenMove(("bass",), -6.0, (-8.0, -4.0), 2, -9.0, -15.0)
    unknown = replace(known, level_lu=None, target_lu=None, interval_db=(-8.0, 1.0))
    for move, flags in ((known, [1.0, 1.0, 1.0]), (unknown, [0.0, 0.0, 0.0])):
        kind, evidence, role, figures = about("too_loud", "none", move, 1)
        assert (KINDS[kind], EVIDENCES[evidence], role) == ("too_loud", "none", 2)
        assert len(figures) == FIGURES
        assert figures[0] == pytest.approx(-0.5)
        assert figures[6:9] == flags
    for seed in range(6):
        speech = Speech("none", (unknown,), sets_of(tiny_model()), seed, ("bass",))
        (text,) = speak(tiny_model(), [speech])
        assert "LU" not in text
        assert text.count(" dB") == 1


def test_no_sentence_that_a_writer_may_write_points_both_ways() -> None:
    words = Words(tiny_model().config.vocabulary)
    for side, numbers in words.pointing.items():
        assert {words.vocabulary[number].lower() for number in numbers} <= direction_words()[side]
        assert numbers
    assert not set(words.pointing["up"]) & set(words.pointing["down"])


def test_every_template_can_be_written_and_decoded() -> None:
    words = Words(tiny_model().config.vocabulary)
    for _, _, template in all_templates():
        assert words.decode(words.encode(template)) == template
