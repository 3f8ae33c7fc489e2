"""Sentences about fader moves with slots in them, and the filling of the slots."""

import re
from collections.abc import Collection
from functools import cache
from typing import Literal, get_args

import numpy as np

from mixingbuddy.prompts import load_table

Evidence = Literal["same_mix", "same_stems", "other_stems", "other_mix", "none", "mix_only"]
MoveKind = Literal["too_loud", "too_quiet"]
Kind = Literal["too_loud", "too_quiet", "nothing", "opening_one", "opening_several", "cannot_say"]

EVIDENCES: tuple[Evidence, ...] = get_args(Evidence)
KINDS: tuple[Kind, ...] = get_args(Kind)
MOVE_SLOTS = frozenset({"stem", "gain", "level", "target", "low", "high"})
SLOTS = MOVE_SLOTS | {"count", "reason", "anchor"}
NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

_ANY = "any"
_TABLE = "training_texts"
_SLOT = re.compile(r"\{([a-z]+)\}")


@cache
def direction_words() -> dict[str, frozenset[str]]:
    """Single lower-case words that point one way, under "up" and "down". A sentence uses one of the classes only."""
    return {side: frozenset(words) for side, words in load_table(_TABLE)["direction_words"].items()}


@cache
def all_templates() -> list[tuple[str, str, str]]:
    """Every sentence as (kind, evidence, template); evidence is "any" where the kind does not depend on it."""
    table = load_table(_TABLE)
    return [(kind, evidence, one) for kind in KINDS for evidence, texts in table[kind].items() for one in texts]


def slots_of(template: str) -> frozenset[str]:
    """Names of the slots in a template."""
    return frozenset(_SLOT.findall(template))


def choose_template(
    kind: Kind, evidence: Evidence, rng: np.random.Generator, known: Collection[str] | None = None
) -> str:
    """A random template of this kind; with `known`, one that has no slots but these."""
    groups = load_table(_TABLE)[kind]
    texts: list[str] = groups[evidence] if evidence in groups else groups[_ANY]
    fitting = [text for text in texts if known is None or slots_of(text) <= set(known)]
    if not fitting:
        raise KeyError(f"no sentence of kind '{kind}' and evidence '{evidence}' goes without slots beyond {known}")
    return fitting[int(rng.integers(len(fitting)))]


def fill(template: str, **values: object) -> str:
    """The template with its slots filled in, each value as it prints; a count that opens a sentence gets its capital.

    Values that the template has no slot for are left out. Raises KeyError for a slot without a value, and for a value
    whose name is no slot of any template.
    """
    unknown = values.keys() - SLOTS
    if unknown:
        raise KeyError(f"no template has a slot {', '.join(sorted(unknown))}")

    def value_of(slot: re.Match[str]) -> str:
        value = str(values[slot[1]])
        return value[:1].upper() + value[1:] if slot[1] == "count" and slot.start() == 0 else value

    return _SLOT.sub(value_of, template)


def gain_text(gain_db: float) -> str:
    """How the amount of a move prints, without its sign: -4.21 dB gives "4.2 dB"."""
    return f"{abs(gain_db):.1f} dB"


def level_text(level_lu: float) -> str:
    """How a level relative to the mix prints: -9.13 LU gives "-9.1 LU"."""
    return f"{round(level_lu, 1) + 0.0:.1f} LU"


def interval_texts(interval_db: tuple[float, float], gain_db: float) -> dict[str, str]:
    """What fills {low} and {high}: the amounts at both ends; empty where the interval does not point one way."""
    ends = sorted(end if gain_db > 0 else -end for end in interval_db)
    return {"low": f"{abs(ends[0]):.1f}", "high": f"{ends[1]:.1f}"} if ends[0] >= 0 else {}


def count_text(count: int) -> str:
    """A small number as a word, a large one in digits."""
    return NUMBER_WORDS[count - 1] if 1 <= count <= len(NUMBER_WORDS) else str(count)


def instruction(evidence: Evidence, rng: np.random.Generator, anchor: str | None = None) -> str:
    """What a user with this kind of reference would ask; with `anchor`, also that this stem is right."""
    table = load_table(_TABLE)
    texts = table["instructions"]["other_song" if evidence in ("other_stems", "other_mix") else evidence]
    asked: str = texts[int(rng.integers(len(texts)))]
    if anchor is None:
        return asked
    added = table["anchors"][_ANY]
    return f"{asked} {fill(added[int(rng.integers(len(added)))], anchor=anchor)}"


@cache
def pattern_of(template: str) -> re.Pattern[str]:
    """A pattern of every filled form of `template`, whatever the stem is called."""
    return pattern_with(template, ".+")


def pattern_with(template: str, stem: str) -> re.Pattern[str]:
    """A pattern of the filled forms of `template` with groups `stem` and `gain`; `stem` is itself a pattern."""
    filled = {
        "stem": f"(?P<stem>{stem})",
        "gain": r"(?P<gain>\d+\.\d) dB",
        "level": r"-?\d+\.\d LU",
        "target": r"-?\d+\.\d LU",
        "low": r"\d+\.\d",
        "high": r"\d+\.\d",
        "count": r"\w+",
        "reason": ".+",
    }
    pieces = _SLOT.split(template)
    return re.compile(
        "".join(filled[piece] if place % 2 else re.escape(piece) for place, piece in enumerate(pieces)), re.DOTALL
    )
