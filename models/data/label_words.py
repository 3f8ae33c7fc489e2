"""The words of free text about moves: names of stems, directions, and amounts in dB."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

from mixingbuddy.models.data.label_templates import NUMBER_WORDS, all_templates, direction_words
from mixingbuddy.prompts import load_table

# Every name becomes one character of Unicode's private use area, which no printable name holds.
_FIRST_MARK = 0xE000
MARK = "[\ue000-\uf8ff]"
_COMPARING = (
    "relative to|compared to|compared with|against|next to|beside|versus|vs|than|match|matches|over|above|below|under"
    "|behind|like|alongside|around|in line with|level with"
)
_COMPARED = re.compile(rf"\b(?P<word>{_COMPARING})\s+(?:the |your |its )?[\"'(]?{MARK}[\"')]?")
_NEGATION = re.compile(
    r"\b(?:not|never|neither|nor|cannot|instead of|rather than|don't|doesn't|isn't|aren't|shouldn't|no need)\b"
)
_NUMBER = r"\d+(?:[.,]\d+)?"
_UNIT = r"\s*-?\s*(?:dbs?|decibels?)\b"
_ABOUT = r"(?:(?:about|around|roughly|nearly|some) )?"
_AMOUNT = re.compile(rf"(?<![\w.])(?P<sign>[+-])?(?P<size>{_NUMBER}){_UNIT}")
_RANGE = re.compile(
    rf"(?<![\w.])(?P<sign>[+-])?(?P<low>{_NUMBER})(?:{_UNIT})?(?:\s*-\s*| to | and | or )"
    rf"[+-]?(?P<high>{_NUMBER}){_UNIT}"
)
_FROM_TO = re.compile(rf"\bfrom {_ABOUT}[+-]?{_NUMBER}(?:{_UNIT})? to {_ABOUT}[+-]?{_NUMBER}{_UNIT}")
_LEVELS = re.compile(rf"\b(?:at|from|(?<!up )to) {_ABOUT}[+-]?{_NUMBER}{_UNIT}")
_ASIDE = re.compile(r"\([^()]*\)")


@cache
def _reading() -> dict[str, Any]:
    return dict(load_table("training_texts")["reading"])


def marked(text: str, names: Sequence[str]) -> str:
    """`text` in lower case with every known name replaced by its mark; the longest names are looked for first.

    Names are matched as they are written; then, where that leaves no doubt, in any case and as singular or plural.
    Names without a letter or digit cannot be told from punctuation and are passed over.
    """
    text = re.sub(MARK, "", text)
    places = sorted((n for n in range(len(names)) if re.search(r"[^\W_]", names[n])), key=lambda n: -len(names[n]))
    for place in places:
        text = _whole(names[place]).sub(mark_of(place), text)
    folded = [name.casefold() for name in names]
    known_words = direction_words()["up"] | direction_words()["down"] | {"the", "and"}
    for place in places:
        for form in (folded[place], *_other_numbers(names[place].casefold())):
            own = folded.count(form) - (form == folded[place])
            if own == 0 and len(form) > 2 and form not in known_words:
                text = _whole(form, re.IGNORECASE).sub(mark_of(place), text)
    return _plain(text.lower())


def mark_of(place: int) -> str:
    """The character that stands for the name at this place of the list."""
    return chr(_FIRST_MARK + place)


def places_in(text: str) -> list[int]:
    """Which names are mentioned, each once, in order; those that others are only compared with are left out."""
    return list(dict.fromkeys(ord(mark) - _FIRST_MARK for mark in re.findall(MARK, _COMPARED.sub(r"\g<word>", text))))


def _whole(name: str, flags: int = 0) -> re.Pattern[str]:
    """The name where it is not part of a longer word or figure."""
    before = r"(?<![^\W_])" if re.match(r"[^\W_]", name) else ""
    after = r"(?![^\W_])" if re.search(r"[^\W_]$", name) else ""
    if re.fullmatch(r"[\d.,+-]+", name):
        before, after = before + r"(?<![\d][.,])", after + r"(?!\s*(?:dB|LU)\b)(?![.,]\d)"
    if name.casefold() == "other":
        after += r"(?!\s+(?:songs?|stems|tracks|mix|instruments|elements|parts|faders)\b)"
    return re.compile(before + re.escape(name) + after, flags)


def _other_numbers(name: str) -> tuple[str, ...]:
    """Singular or plural of a name that is one word."""
    if not name.isalpha() or len(name) < 4 or name.endswith("ss"):
        return ()
    return (name[:-1],) if name.endswith("s") else (f"{name}s",)


def _plain(text: str) -> str:
    """Signs, spaces and small numbers in one spelling; marks of emphasis taken out."""
    text = text.replace("\u2019", "'").replace("\u00a0", " ").replace("\u2212", "-")
    text = re.sub(r"[\u2010-\u2015]", lambda dash: "-" if re.match(r"\s?\d", text[dash.end() :]) else " - ", text)
    text = re.sub(r"[*`#>\"]+|(?<!\w)_|_(?!\w)", "", text)
    for number, word in enumerate(NUMBER_WORDS, start=1):
        text = re.sub(rf"\b{word}(?={_UNIT})", str(number), text)
    text = re.sub(rf"\bplus (?={_NUMBER}{_UNIT})", "+", text)
    return re.sub(rf"\bminus (?={_NUMBER}{_UNIT})", "-", text)


def direction_of(text: str) -> Literal["up", "down", "both"] | None:
    """Which way the words of `text` point."""
    reading = _reading()
    wish = re.search(rf"\b(?:{'|'.join(reading['wishes'])})\b", text) is not None
    phrases = dict.fromkeys(reading["neutral_phrases"], " ")
    for side, sign in (("up", " \u25b2 "), ("down", " \u25bc ")):
        phrases |= {
            phrase: sign for phrase in reading[f"{side}_phrases"] if not (wish and phrase.split()[-1] == "than")
        }
    for phrase in sorted(phrases, key=len, reverse=True):
        text = re.sub(rf"\b{phrase}\b", phrases[phrase], text)
    words = set(re.findall(r"[a-z']+|[\u25b2\u25bc]", text))
    up = words & (direction_words()["up"] | set(reading["up"]) | {"\u25b2"})
    down = words & (direction_words()["down"] | set(reading["down"]) | {"\u25bc"})
    weak = set(reading["weak"])
    if (up | down) - weak:
        up, down = up - weak, down - weak
    if up and down:
        return "both"
    return "up" if up else "down" if down else None


def amounts_in(text: str) -> list[float]:
    """Amounts of moves in dB, signed where the text signs them; the middle of a range; levels are passed over.

    What stands in parentheses counts only where there is nothing else.
    """
    outside = _amounts(_ASIDE.sub(" ", text))
    return outside or _amounts(text)


def _amounts(text: str) -> list[float]:
    text = _FROM_TO.sub(" ", text)
    found = [
        _signed(match["sign"], round((_number(match["low"]) + _number(match["high"])) / 2, 2))
        for match in _RANGE.finditer(text)
    ]
    text = _LEVELS.sub(" ", _RANGE.sub(" ", text))
    found += [_signed(match["sign"], _number(match["size"])) for match in _AMOUNT.finditer(text)]
    return list(dict.fromkeys(found))


def is_signed(text: str) -> bool:
    """Whether an amount in `text` carries a sign of its own."""
    text = _LEVELS.sub(" ", _FROM_TO.sub(" ", text))
    return re.search(rf"(?<![\w.])[+-]{_NUMBER}{_UNIT}", text) is not None


def _signed(sign: str | None, size_db: float) -> float:
    return -size_db if sign == "-" else size_db


def _number(figure: str) -> float:
    return float(figure.replace(",", "."))


def is_negated(text: str) -> bool:
    """Whether `text` says what is not so; a phrase such as "not loud enough" is no negation but a direction."""
    phrases = [p for side in ("up_phrases", "down_phrases") for p in _reading()[side] if p.startswith("not ")]
    return _NEGATION.search(re.sub("|".join(phrases), " ", text)) is not None


def says_nothing_to_do(text: str) -> bool:
    """Whether `text` says that no fader needs a move."""
    return any(re.search(pattern, text) for pattern in _reading()["nothing"])


def says_it_cannot(text: str) -> bool:
    """Whether `text` says that it cannot tell."""
    return any(re.search(pattern, text) for pattern in _reading()["cannot"])


def speaks_of_the_same(text: str) -> bool:
    """Whether `text`, which names no stem, is about the one named before: by a pronoun, or for want of another noun."""
    words = set(re.findall(r"[a-z']+", text))
    return bool(words & set(_reading()["pronouns"])) or words <= _known_words()


@cache
def _known_words() -> frozenset[str]:
    """Words that name no stem: those of our own sentences and of the reader's lists."""
    own = " ".join(re.sub(r"\{\w+\}", " ", template.lower()) for _, _, template in all_templates())
    lists = [_reading()[name] for name in ("up", "down", "wishes", "pronouns", "plain_words")]
    return frozenset(re.findall(r"[a-z']+", own)).union(*lists)
