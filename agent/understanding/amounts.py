"""Read how far a fader shall go: decibels in digits or words, a place on the fader, a multiple of the shown moves."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mixingbuddy.agent.requests import Trouble
from mixingbuddy.agent.understanding.tokens import Token
from mixingbuddy.prompts import load_table

_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d+)?|[.,]\d+)")
# What may stand behind a bare number of decibels, and before a number word that counts them.
BEHIND = (
    "unit=db|ordinal|way|raise|move|back|off|small|more|less|it|in|hedge|than|limit|except|too|side|section|everywhere|loud|"
    "quiet|be|not|alone|same|taste|level|from_now_on|touch|ask|rest|all|tag"
)
LEADING = "way|raise|sign|limit|move|touch|more|less|back|off"
LEADING_WORDS = {"to", "at", "by", "on", "of", "within", "under", "over"}
PLACES = {"to", "at", "on"}  # "to -3 dB" is a place on the fader


@dataclass(frozen=True)
class Amount:
    """What a clause says of the size of a move. `size_db` is None where no size was given."""

    size_db: float | None = None
    sign: Literal[-1, 0, 1] = 0
    absolute: bool = False
    factor: float | None = None
    trouble: Trouble = ""


def read_amount(tokens: Sequence[Token]) -> Amount:
    """The amount in the tokens of a clause that name no stem."""
    tokens = _with_digits(tokens)
    numbers = [index for index, token in enumerate(tokens) if token.kind == "number"]
    if not numbers:
        return Amount(size_db=_in_words(tokens), factor=_value(tokens, "factor"))
    index = numbers[-1]
    number, behind = tokens[index].value, tokens[index + 1 : index + 2]
    if behind and behind[0].kind == "percent" and _NUMBER.fullmatch(number):
        return Amount(factor=abs(float(number.replace(",", "."))) / 100, trouble="unreadable")
    ranged = len(numbers) > 1 and not any("from" in token.words for token in tokens)
    if ranged or not _NUMBER.fullmatch(number) or (behind and not behind[0].is_a(BEHIND)):
        return Amount(trouble="unreadable")
    before = tokens[index - 1] if index else None
    minus = number.startswith("-") or (before is not None and before.is_a("sign=minus"))
    plus = number.startswith("+") or (before is not None and before.is_a("sign=plus"))
    if before is not None and before.is_a("sign"):
        before = tokens[index - 2] if index > 1 else None
    absolute = (
        before is not None and before.words[-1:] != () and before.words[-1] in PLACES and not before.is_a("limit")
    )
    size_db = abs(float(number.replace(",", ".")))
    return Amount(size_db=size_db, sign=-1 if minus else 1 if plus else 0, absolute=absolute)


def load_amounts() -> dict[str, float]:
    """Decibels of amounts given in words; `default` where none is given."""
    vocabulary = load_table("vocabulary")
    words = {text: float(db) for db, texts in vocabulary["kinds"]["amount"].items() for text in texts}
    return {"default": float(vocabulary["amounts"]["default_db"]), **words}


def _in_words(tokens: Sequence[Token]) -> float | None:
    """'A bit'; but the 'much' of 'how much' is no size."""
    said = [t for t, before in zip(tokens, [None, *tokens], strict=False) if before is None or not before.is_a("ask")]
    return _value(said, "amount")


def _value(tokens: Sequence[Token], kind: str) -> float | None:
    return next((float(token.value) for token in tokens if token.kind == kind), None)


def _with_digits(tokens: Sequence[Token]) -> list[Token]:
    """Words that count decibels as digits: 'one and a half db' is 1.5, 'by two' is 2, 'a dB and a half' is 1.5."""
    read: list[Token] = []
    for index, token in enumerate(tokens):
        rest = [t for t in tokens[index + 1 :] if t.words not in {("of",), ("the",)}]
        if token.kind == "half":
            _add_half(read)
        elif token.words[-1:] == ("another",) and rest and rest[0].is_a("unit=db"):
            read.append(replace(token, kind="number", value="1"))
        elif (token.kind == "numeral" and _counts(token, read, rest)) or (
            token.kind == "factor" and _of_decibels(rest)
        ):
            read.append(replace(token, kind="number", value=f"{float(token.value):g}"))
        elif not (_is_one_db(token) and _counted_before(read)):
            read.append(token)
    return read


def _add_half(read: list[Token]) -> None:
    """'... and a half': half a decibel more than the last number."""
    whole = [at for at, earlier in enumerate(read) if earlier.kind == "number" or _is_one_db(earlier)]
    if whole and _NUMBER.fullmatch(read[whole[-1]].value):
        earlier = read[whole[-1]]
        value = f"{float(earlier.value.replace(',', '.')) + 0.5:g}"
        read[whole[-1]] = replace(earlier, kind="number", value=value)


def _of_decibels(rest: Sequence[Token]) -> bool:
    """'Three quarters of a dB' is a size, 'three quarters of that' is none."""
    return bool(rest) and (rest[0].is_a("unit=db") or _is_one_db(rest[0]))


def _counted_before(read: Sequence[Token]) -> bool:
    """Whether a number stands before 'a dB': 'half a dB', 'a quarter of a dB'."""
    before = [token for token in read if token.words != ("of",)]
    return bool(before) and before[-1].kind == "number"


def _is_one_db(token: Token) -> bool:
    """'A dB' is an amount of its own."""
    return token.kind == "amount" and token.words[-1] in load_table("vocabulary")["kinds"]["unit"]["db"]


def _counts(token: Token, before: Sequence[Token], rest: Sequence[Token]) -> bool:
    """Whether a number word counts decibels."""
    if rest and rest[0].is_a("unit=db|half"):
        return True
    ends = not [t for t in rest if not t.is_a("small|limit|more|less|in")]
    if rest and rest[0].is_a("more|less"):
        return True
    lead = next((t for t in reversed(before) if t.kind != "comma"), None)
    led = lead is None or lead.is_a(LEADING) or lead.words[-1:] in {(word,) for word in LEADING_WORDS}
    return ends and led and token.value != "0.5"
