"""The ledger: every number that was measured in this turn, and what it is of. A reply may use these and no others."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from mixingbuddy.agent.guarding.figures import BARE, LEVEL_UNITS, TIME, Figure, bare_figures_in, figures_in
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB, GAIN_STEP_DB
from mixingbuddy.tools.render import CEILING_DBTP

__all__ = ["Fact", "Figure", "Ledger", "Quantity", "answers_in", "figures_in", "turn_of"]

Quantity = Literal["move", "level", "loudness", "peak", "distance", "spectrum", "range", "interval", "change", "other"]
Source = Literal["measured", "user", "literature", "known"]

UNIT_OF_SUFFIX = {
    "_lufs": "LUFS", "_dbtp": "dBTP", "_dbfs": "dBFS", "_lu": "dB", "_db": "dB", "_db_per_octave": "dB", "_s": "s",
    "_hz": "Hz", "bpm": "BPM", "where": "s", "faders": "dB",
}  # fmt: skip
_UNITS = {"LU": "dB", "kHz": "Hz", "ms": "s"}
_SHARES = {"confidence", "p_change", "explained"}
_QUANTITY_KEYS: dict[Quantity, tuple[str, ...]] = {
    "move": ("gain_db", "fader_before_db", "fader_after_db", "faders"),
    "distance": (
        "distances_db", "measured_db", "gain_to_reference_db", "distance_before_db", "distance_after_db",
    ),
    "interval": ("interval_db",),
    "level": (
        "level_rel_mix_lu", "levels_lu", "group_level_rel_known_lu", "level_before_lu", "level_after_lu", "group_level",
        "group_balance",
    ),
    "loudness": ("loudness_lufs", "loudness_before_lufs", "loudness_after_lufs"),
    "peak": ("true_peak_dbtp",),
    "spectrum": ("spectral_distance_to_reference_db",),
    "range": ("expected",),
    "change": ("change_lu",),
}  # fmt: skip
_QUANTITIES: dict[str, Quantity] = {key: what for what, keys in _QUANTITY_KEYS.items() for key in keys}
_NO_RESULTS = {"tolerance", "attempts", "audibility"}
_PROSE = {"text", "reason", "evidence", "unmeasured", "explanation", "words", "asked"}
_PAIRS = (
    ("before", "after"),
    ("fader_before_db", "fader_after_db"),
    ("level_before_lu", "level_after_lu"),
    ("loudness_before_lufs", "loudness_after_lufs"),
    ("distance_before_db", "distance_after_db"),
)
# What is true of every song, and by which words it may be said (`prompts/claims.toml`, known).
_CONSTANTS = (
    (CEILING_DBTP, "dBTP", "ceiling"),
    (GAIN_MIN_DB, "dB", "fader"),
    (GAIN_MAX_DB, "dB", "fader"),
    (GAIN_STEP_DB, "dB", "fader"),
    (80.0, "%", "interval"),
)


@dataclass(frozen=True)
class Fact:
    """One number that may be said: of which stems or groups (of the mix where empty), which quantity, and when.

    `when` is "before" or "after" where something was moved and measured again, else "". `said` is the clause that it
    stands in, for the reader to find out what it is of; of a known fact, the words by which it may be said.
    """

    value: float
    unit: str
    of: tuple[str, ...] = ()
    what: Quantity = "other"
    when: str = ""
    source: Source = "measured"
    said: str = ""


@dataclass(frozen=True)
class Ledger:
    """The facts of one turn."""

    facts: tuple[Fact, ...]

    @classmethod
    def of_turn(cls, messages: Sequence[BaseMessage], stems: Iterable[str], known: Iterable[Fact] = ()) -> "Ledger":
        """What the tools answered since the user's last message, what the user wrote, and what is `known` besides."""
        names = tuple(stems)
        facts = [*known, *(Fact(value, unit, source="known", said=topic) for value, unit, topic in _CONSTANTS)]
        for message in turn_of(messages):
            if isinstance(message, ToolMessage) and message.status == "error":
                told = _all_in(_without(str(message.text), names))
                facts += [Fact(f.value, f.unit, source="known", said="refusal") for f in told]
            elif isinstance(message, ToolMessage):
                facts += _Reader(names).read(_parsed(str(message.text)))
            elif isinstance(message, HumanMessage):
                facts += _of_user(str(message.text))
        return cls(tuple(dict.fromkeys(facts)))

    def holding(self, figure: Figure) -> tuple[Fact, ...]:
        """The facts that a figure is a rounding of."""
        return tuple(fact for fact in self.facts if _same_unit(fact, figure) and figure.rounds(fact.value))

    def holds(self, figure: Figure) -> bool:
        """Whether a figure is a rounding of a known number, whatever it is of."""
        return bool(self.holding(figure))

    def of(self, owners: Iterable[str], *quantities: Quantity) -> tuple[Fact, ...]:
        """The measured facts of these stems or groups."""
        wanted = set(owners)
        measured = (fact for fact in self.facts if fact.source == "measured" and wanted & set(fact.of))
        return tuple(fact for fact in measured if not quantities or fact.what in quantities)


def turn_of(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The messages since (and with) the user's last one."""
    for index in range(len(messages) - 1, -1, -1):
        if isinstance(messages[index], HumanMessage):
            return list(messages[index:])
    return list(messages)


def answers_in(turn: Iterable[BaseMessage]) -> list[dict[str, Any]]:
    """What the tools answered in a turn, as plain data; failed calls are left out."""
    texts = (str(m.text) for m in turn if isinstance(m, ToolMessage) and m.status != "error")
    return [data for text in texts if isinstance(data := _parsed(text), dict)]


_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n")


def _same_unit(fact: Fact, figure: Figure) -> bool:
    if figure.unit == BARE:
        return fact.unit in LEVEL_UNITS or fact.unit == BARE
    if figure.unit == TIME:
        return fact.unit in {"s", TIME}
    return fact.unit == figure.unit


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def _all_in(text: str) -> tuple[Figure, ...]:
    return (*figures_in(text), *bare_figures_in(text))


def _without(text: str, names: Iterable[str]) -> str:
    """The text without stem names: a number in one of them was not measured."""
    for name in sorted(names, key=len, reverse=True):
        if any(letter.isdigit() for letter in name):
            text = text.replace(f"'{name}'", " ").replace(name, " ")
    return text


def _of_user(text: str) -> list[Fact]:
    """Every number in the user's words; one without a unit is an amount ("vocals up 3")."""
    clauses = re.split(r"[;!?\n]|,(?!\d)|\.(?!\d)|\band\b(?! a half)|\bbut\b", text)
    facts = []
    for clause in clauses:
        figures = _all_in(clause) or figures_in(re.sub(r"(?<![\w.:])(\d+(?:[.,]\d+)?)(?![\w.:])", r"\1 dB", clause))
        facts += [Fact(f.value, f.unit or "dB", source="user", said=clause) for f in figures]
    return facts


@dataclass(frozen=True)
class _Place:
    """Where in a tool's answer a number stands."""

    key: str = ""
    of: tuple[str, ...] = ()
    unit: str | None = None
    what: Quantity = "other"
    when: str = ""
    in_figures: bool = False  # within a table of figures, whose keys are names, parts of the song, or quantities


class _Reader:
    """Reads the facts out of one tool's answer, whatever its shape."""

    def __init__(self, stems: Sequence[str]) -> None:
        self._stems = frozenset(stems)

    def read(self, answer: Any) -> list[Fact]:
        if isinstance(answer, dict) and answer.get("tool") == "explain":
            texts = " ; ".join(str(value) for value in answer.values() if isinstance(value, str))
            return [Fact(f.value, f.unit, source="literature") for f in _all_in(texts)]
        return list(self._facts(answer, _Place()))

    def _facts(self, data: Any, place: _Place) -> Iterator[Fact]:
        if isinstance(data, dict):
            yield from self._of_mapping(data, place)
        elif isinstance(data, list):
            for value in data:
                yield from self._facts(value, place)
        elif isinstance(data, bool):
            return
        elif isinstance(data, int | float):
            yield from _of_number(float(data), place)
        elif isinstance(data, str) and place.key == "label":
            for part in data.split(", "):
                for figure in _all_in(_without(part, self._stems)):
                    yield Fact(figure.value, figure.unit, place.of, said=part)
        elif isinstance(data, str) and place.key in _PROSE:
            source: Source = "user" if place.key == "words" else "measured"
            for sentence in _SENTENCES.split(data):
                owners = place.of or self._named_in(sentence)
                for figure in _all_in(_without(sentence, self._stems)):
                    yield Fact(figure.value, figure.unit, owners, _told(figure, sentence), "", source)

    def _of_mapping(self, data: Mapping[str, Any], place: _Place) -> Iterator[Fact]:
        inside = replace(place, of=self._owners(data) or place.of)
        if "unit" in data:
            inside = replace(inside, unit=_UNITS.get(str(data["unit"]), str(data["unit"])))
        if "metric" in data or "kind" in data:
            named = _QUANTITIES.get(str(data.get("metric", data.get("kind"))))
            inside = replace(inside, what=named or inside.what)
        for key, value in data.items():
            if key in _NO_RESULTS:
                continue
            if key in self._stems or key == "mix":
                yield from self._facts(value, replace(inside, of=(key,) if key in self._stems else ()))
                continue
            yield from ((Fact(t.value, TIME)) for t in bare_figures_in(str(key)) if t.unit == TIME)
            owners = (key.removesuffix("_lu"),) if inside.in_figures and key.endswith("_lu") else inside.of
            figures = inside.in_figures or key == "figures"
            yield from self._facts(value, replace(inside, key=key, of=owners, when=_when(key), in_figures=figures))
        yield from _changes(data, inside)

    def _named_in(self, sentence: str) -> tuple[str, ...]:
        """The stems that a sentence of prose is about: its figures are theirs, and nobody else's."""
        return tuple(stem for stem in self._stems if re.search(rf"(?<!\w){re.escape(stem)}(?!\w)", sentence))

    def _owners(self, data: Mapping[str, Any]) -> tuple[str, ...]:
        """The stems or groups that a mapping is about."""
        members = data.get("stems")
        listed = tuple(members) if isinstance(members, list) and all(isinstance(m, str) for m in members) else ()
        if isinstance(data.get("stem"), str):
            return (data["stem"],)
        if isinstance(data.get("name"), str) and "role" in data:
            return (data["name"],)
        if isinstance(data.get("group"), str):
            return (data["group"], *(listed if len(listed) == 1 else ()))
        return listed


def _when(key: str) -> str:
    if key in {"predicted", "faders"}:
        return key
    if key == "before" or "_before_" in key:
        return "before"
    return "after" if key == "after" or "_after_" in key else ""


def _of_number(value: float, place: _Place) -> Iterator[Fact]:
    suffixes = [suffix for suffix in UNIT_OF_SUFFIX if place.key.endswith(suffix)]
    unit = UNIT_OF_SUFFIX[max(suffixes, key=len)] if suffixes else place.unit or BARE
    what = _QUANTITIES.get(place.key, place.what)
    yield Fact(value, unit, place.of, what, place.when)
    if place.key in _SHARES or place.key.endswith("_share"):
        yield Fact(100 * value, "%", place.of, what, place.when)


def _told(figure: Figure, text: str) -> Quantity:
    """A figure in prose may be said of any quantity, but what is an interval stays one."""
    return "interval" if re.search(rf"±\s?{re.escape(figure.text.lstrip('± '))}", text) else "other"


def _changes(data: Mapping[str, Any], place: _Place) -> Iterator[Fact]:
    """How far a quantity went from before to after."""
    for first, second in _PAIRS:
        before, after = data.get(first), data.get(second)
        if isinstance(before, int | float) and isinstance(after, int | float):
            spectral = place.what == "spectrum"
            what: Quantity = "move" if first.startswith("fader") else "spectrum" if spectral else "change"
            yield Fact(after - before, "dB", place.of, what, "change")
