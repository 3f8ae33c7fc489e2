"""The ledger: every number that was measured in this turn. A reply may use these and no others."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

UNIT_OF_SUFFIX = {"_lufs": "LUFS", "_dbtp": "dBTP", "_dbfs": "dBFS", "_lu": "dB", "_db": "dB", "_s": "s", "_hz": "Hz"}
_PROSE = {"text", "reason", "evidence", "unmeasured"}
_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-+−]?)(?P<number>\d+(?:\.\d+)?)"
    r"(?:\s?(?:to|and|…|–|-)\s?(?P<sign2>[-+−]?)(?P<second>\d+(?:\.\d+)?))?"
    r"\s?(?P<unit>dBTP|dBFS|LUFS|LUF|LU|dB|kHz|Hz|ms|seconds|second|s|%)(?![\w])",
    re.IGNORECASE,
)
_UNITS = {
    "dbtp": "dBTP",
    "dbfs": "dBFS",
    "lufs": "LUFS",
    "lu": "dB",
    "db": "dB",
    "khz": "kHz",
    "hz": "Hz",
    "ms": "ms",
    "s": "s",
    "second": "s",
    "seconds": "s",
    "%": "%",
}


@dataclass(frozen=True)
class Figure:
    """A number with its unit as it stands in a text; `step` is the size of its last digit. LU counts as dB."""

    value: float
    unit: str
    step: float
    text: str


def figures_in(text: str) -> tuple[Figure, ...]:
    """Every number with a unit in `text`."""
    return tuple(figure for match in _NUMBER.finditer(text) for figure in _figures(match))


def _figures(match: re.Match[str]) -> Iterator[Figure]:
    unit = _UNITS.get(match["unit"].lower())
    if unit is None:
        return
    for sign, number in ((match["sign"], match["number"]), (match["sign2"], match["second"])):
        if number is not None:
            decimals = len(number.partition(".")[2])
            yield Figure(float(number) * (-1 if sign in {"-", "−"} else 1), unit, 10.0**-decimals, match[0])


@dataclass(frozen=True)
class Ledger:
    """Measured numbers as (value, unit)."""

    entries: frozenset[tuple[float, str]]

    @classmethod
    def of_turn(cls, messages: Sequence[BaseMessage], stems: Iterable[str]) -> "Ledger":
        """Numbers in the tool results since the user's last message, and those that the user wrote."""
        entries: set[tuple[float, str]] = set()
        for message in turn_of(messages):
            text = str(message.text)
            if isinstance(message, ToolMessage):
                entries.update(_numbers(_parsed(text), tuple(stems)))
            elif isinstance(message, HumanMessage):
                entries.update((figure.value, figure.unit) for figure in figures_in(text))
        return cls(frozenset(entries))

    def holds(self, figure: Figure) -> bool:
        """Whether a figure is a rounding of a measured number. Signs are left out: -7 dB may be said as 7 dB under."""
        return any(
            unit == figure.unit and abs(abs(value) - abs(figure.value)) <= 0.5 * figure.step + 1e-6
            for value, unit in self.entries
        )


def turn_of(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """The messages since (and with) the user's last one."""
    for index in range(len(messages) - 1, -1, -1):
        if isinstance(messages[index], HumanMessage):
            return list(messages[index:])
    return list(messages)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


def _numbers(data: Any, stems: tuple[str, ...], key: str = "", unit: str | None = None) -> Iterator[tuple[float, str]]:
    if isinstance(data, dict):
        inner = _UNITS.get(str(data["unit"]).lower()) if "unit" in data else None
        for name, value in data.items():
            # The keys of a mapping from stems are names; the unit is then that of the mapping.
            yield from _numbers(value, stems, key if name in stems else str(name), inner)
    elif isinstance(data, list):
        for value in data:
            yield from _numbers(value, stems, key, unit)
    elif isinstance(data, bool):
        return
    elif isinstance(data, int | float):
        yield from _entries(float(data), key, unit)
    elif isinstance(data, str) and key in _PROSE:
        # A stem's name is the user's text: a number in it was not measured.
        for stem in sorted(stems, key=len, reverse=True):
            data = data.replace(f"'{stem}'", "")
        yield from ((figure.value, figure.unit) for figure in figures_in(data))


def _entries(value: float, key: str, unit: str | None) -> Iterator[tuple[float, str]]:
    own = unit or next((u for suffix, u in UNIT_OF_SUFFIX.items() if key.endswith(suffix)), None)
    if own:
        yield value, own
    if key in {"confidence", "p_change", "explained", "sounding_share"}:
        yield 100 * value, "%"
