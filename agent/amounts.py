"""Read how far a fader shall go: decibels in digits or words, a place on the fader, a multiple of the shown moves."""

import re
from dataclasses import dataclass
from typing import Literal

from mixingbuddy.prompts import load_table

Words = tuple[str, ...]
Trouble = Literal["", "unreadable", "contradiction"]

_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+)")
_DIGITS = re.compile(r"[+-]?[.,]?\d")


@dataclass(frozen=True)
class Amount:
    """What a clause says of the size of a move. `size_db` is None where no size was given."""

    size_db: float | None = None
    sign: Literal[-1, 0, 1] = 0
    absolute: bool = False
    factor: float | None = None
    trouble: Trouble = ""


def read_amount(words: Words) -> Amount:
    """The amount in the words of one clause that name no stem."""
    words = _with_digits(words)
    numbers = [i for i, word in enumerate(words) if _DIGITS.match(word)]
    if not numbers:
        return Amount(size_db=_in_words(words), factor=_factor(words))
    if numbers and words[numbers[0] - 1 : numbers[0]] == ("version",):
        return Amount()
    index = numbers[-1]
    word, before, after = words[index], words[index - 1 : index], words[index + 1 : index + 2]
    ranged = len(numbers) > 1 and "from" not in words
    if ranged or not _NUMBER.fullmatch(word) or (after and after[0] not in _may_follow()):
        return Amount(trouble="unreadable")
    value_db = float(word.replace(",", "."))
    minus = word.startswith("-") or before == ("minus",)
    plus = word.startswith("+") or before == ("plus",)
    if before in {("minus",), ("plus",)}:
        before = words[index - 2 : index - 1]
    return Amount(size_db=abs(value_db), sign=-1 if minus else 1 if plus else 0, absolute=before in {("to",), ("at",)})


def load_amounts() -> dict[str, float]:
    """Decibels of amounts given in words; `default` where none is given."""
    return dict(load_table("vocabulary")["amounts_db"])


def contains(words: Words, phrase: str) -> bool:
    """Whether the words of a phrase stand together in `words`."""
    return position(words, phrase) is not None


def position(words: Words, phrase: str) -> int | None:
    """Where a phrase begins in `words`."""
    wanted = tuple(phrase.split())
    return next((i for i in range(len(words) - len(wanted) + 1) if words[i : i + len(wanted)] == wanted), None)


def version_in(words: Words) -> int | None:
    """The number after 'version'."""
    found = re.search(r"\bversion (\d{1,6})(?!\S)", " ".join(words))
    return int(found[1]) if found else None


def _in_words(words: Words) -> float | None:
    amounts = load_amounts()
    named = [phrase for phrase in amounts if phrase != "default" and contains(words, phrase)]
    return amounts[max(named, key=len)] if named else None


def _factor(words: Words) -> float | None:
    factors = load_table("vocabulary")["factors"]
    named = [phrase for phrase in factors if contains(words, phrase)]
    return float(factors[max(named, key=len)]) if named else None


def _with_digits(words: Words) -> Words:
    """Number words as digits: 'one and a half db' is '1.5 db'."""
    numbers = load_table("vocabulary")["numbers"]
    units, leads = set(numbers["decibels"]), set(numbers["before"])
    values = {word: value for word, value in numbers.items() if isinstance(value, float)}
    read: list[str] = []
    index = 0
    while index < len(words):
        word, rest = words[index], words[index + 1 :]
        whole = values.get(word) if word not in {"a", "half"} else None
        whole = float(word) if re.fullmatch(r"\d{1,3}", word) else whole
        if whole is not None and rest[:3] == ("and", "a", "half"):
            read.append(f"{whole + 0.5:g}")
            index += 4
        elif word == "half" and rest[:1] in {("a",), ("of",)} and (set(rest[1:3]) & units):
            read.append("0.5")
            index += 2 if rest[1] in units else 3
        elif word in values and rest and rest[0] in units:
            # "a half dB": the article before the half is none of its own.
            read.append(f"{values[word]:g}")
            index += 1
        elif (
            word in values and word not in {"a", "half"} and not rest and words[index - 1 : index] and read[-1] in leads
        ):
            read.append(f"{values[word]:g}")
            index += 1
        else:
            read.append(word)
            index += 1
    return tuple(read)


def _may_follow() -> set[str]:
    """Words that may stand after a bare number of decibels."""
    table = load_table("vocabulary")
    told = {word for way in table["directions"].values() for phrase in way for word in phrase.split()}
    return told | set(table["numbers"]["decibels"]) | set(table["filler"]["words"]) | {"more", "less"}
