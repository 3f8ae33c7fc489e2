"""Numbers in a text: with units, in digits or in words, and the bare ones that speak of levels or of time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mixingbuddy.prompts import load_table

LEVEL_UNITS = ("dB", "LUFS", "dBTP", "dBFS")
BARE = ""
TIME = "m:s"
_SCALES = {"kHz": ("Hz", 1000.0), "ms": ("s", 0.001), "min": ("s", 60.0)}
_NUMBER = r"(?:\d+(?:,\d{3}(?!\d))*(?:[.,]\d+)?|[.,]\d+)"
_SIGN = r"[-+−–]?\s?"
_ONLY_DIGITS = {"s", "ms", "min", "kHz", "Hz"}  # "a second vocal" and "in a minute" are no times
_DASHES = "-−–"


@dataclass(frozen=True)
class Figure:
    """A number as it stands in a text, in a base unit (dB, LUFS, dBTP, dBFS, Hz, s, %, BPM, x, m:s; LU counts as dB).

    `slack` is how far a measured value may lie below and above it: half of its last digit, or as far as a word beside
    it says ("more than", "a few"). `signed` says whether a plus or minus stands before it.
    """

    value: float
    unit: str
    slack: tuple[float, float]
    text: str
    at: int = 0
    signed: bool = False

    def rounds(self, value: float) -> bool:
        """Whether a measured value may be said like this. Signs are left out: -7 dB is also 7 dB under."""
        away = abs(value) - abs(self.value)
        return -self.slack[0] - 1e-6 <= away <= self.slack[1] + 1e-6


def figures_in(text: str) -> tuple[Figure, ...]:
    """Every number with a unit in `text`, digits and words."""
    return tuple(figure for match in _with_unit().finditer(text) for figure in _figures(match, text))


def bare_figures_in(text: str) -> tuple[Figure, ...]:
    """Numbers without a unit that speak of levels ("up by 3", "+3", "6.5"), of time ("1:20") or of multiples."""
    units = [match.span() for match in _with_unit().finditer(text)]
    found = [*_times(text), *_multiples(text), *_bare(text)]
    return tuple(f for f in found if not any(start <= f.at < end for start, end in units))


def _figures(match: re.Match[str], text: str) -> Iterator[Figure]:
    unit = _unit_words()[" ".join(match["unit"].casefold().split())]
    words = _number_words()
    if unit in _ONLY_DIGITS and not any(letter.isdigit() for letter in match["number"]):
        return
    if unit == "s" and re.search(r"\bthe $", text[: match.start()]):
        return  # "the 80s"
    for number, sign in (("number", "sign"), ("second", "sign2")):
        said = match[number]
        if said is None:
            continue
        value, step = words.get(" ".join(said.casefold().split()), (0.0, 0.0))
        if said[0].isdigit() or said[0] in ".,":
            value, step = _read(said, unit)
        base, factor = _SCALES.get(unit, (unit, 1.0))
        minus = (match[sign] or "").strip().casefold()[:1] in {*_DASHES, "m"}
        slack = _slack(text[: match.start()], step)
        yield Figure(
            value * factor * (-1 if minus else 1),
            base,
            (slack[0] * factor, slack[1] * factor),
            match[0].strip(),
            match.start(number),
            bool((match[sign] or "").strip()),
        )


def _read(said: str, unit: str) -> tuple[float, float]:
    """The value and the size of its last digit; '3,5' is a decimal comma, '1,200 Hz' is not."""
    thousands = re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", said) and unit in {"Hz", "kHz"}
    plain = said.replace(",", "" if thousands else ".")
    if plain.count(".") > 1:
        plain = said.replace(",", "")
    return float(plain), 10.0 ** -len(plain.partition(".")[2])


def _slack(before: str, step: float) -> tuple[float, float]:
    words = " ".join(before.casefold().split()[-3:])
    for side, phrases in load_table("claims")["slack"].items():
        if any(words.endswith(phrase) for phrase in phrases):
            return (0.0, step) if side == "more" else (step, 0.0)
    return (0.5 * step, 0.5 * step)


def _times(text: str) -> Iterator[Figure]:
    for match in re.finditer(r"(?<![\w:.])(\d{1,3}):([0-5]\d)(?![\w:])", text):
        yield Figure(60.0 * int(match[1]) + int(match[2]), TIME, (1.0, 1.0), match[0], match.start())


def _multiples(text: str) -> Iterator[Figure]:
    """'Twice as loud', and ratios such as 4:1."""
    for match in re.finditer(r"(?<![\w:.,])(\d{1,3}(?:\.\d)?):(\d)(?![\w:])", text):
        yield Figure(float(match[1]), "x", (0.0, 0.0), match[0], match.start())
    table = load_table("claims")["multiples"]
    of = "|".join(table["of"])
    for match in re.finditer(
        rf"(?<!\w)(?P<n>{'|'.join(table['words'])}|\d+(?:\.\d+)?\s?(?:x|times)) (?:{of})\b", text, re.I
    ):
        yield Figure(0.0, "x", (0.0, 0.0), match[0], match.start())


def _bare(text: str) -> Iterator[Figure]:
    """Decimals, signed numbers, and whole numbers after a word of direction or place with no noun behind them."""
    table = load_table("claims")["bare"]
    cues, nouns = "|".join(table["cues"]), "|".join(table["follows"])
    spans = set()
    decimal = rf"(?<![\w.,:/])(?P<sign>{_SIGN})(?P<number>\d+[.,]\d+)(?![\w:]|[.,]\d)"
    with_sign = r"(?<![\w.,:/\d)])(?P<sign>[-+−])(?P<number>\d+)(?![\w:]|[.,]\d|\s?[-–]\s?\w)"
    ends = rf"(?=\s*(?:[.,;!?)]|$)|\s+(?:{nouns})\b)"
    whole = rf"(?<!\w)(?:{cues}) (?P<sign>(?:minus |plus )?)(?P<number>\d+|{_words_pattern()}){ends}"
    for pattern in (decimal, with_sign, whole):
        for match in re.finditer(pattern, text, re.IGNORECASE):
            at = match.start("number")
            if at in spans or _is_counted(text, match.start()):
                continue
            spans.add(at)
            said = " ".join(match["number"].casefold().split())
            value, step = _read(said, BARE) if said[0].isdigit() else _number_words()[said]
            sign = match["sign"].strip().casefold()
            minus = sign[:1] in {*_DASHES, "m"}
            shown, slack = f"{match['sign']}{match['number']}".strip(), _slack(text[: match.start()], step)
            yield Figure(value * (-1 if minus else 1), BARE, slack, shown, at, bool(sign))


def _is_counted(text: str, at: int) -> bool:
    """Whether the number is a name's: of a version, a step, a standard."""
    before = text[:at].split()
    return bool(before) and before[-1].casefold().strip("('\"") in load_table("claims")["bare"]["counted"]


@lru_cache(maxsize=1)
def _unit_words() -> dict[str, str]:
    return {word.casefold(): unit for unit, words in load_table("claims")["units"].items() for word in words}


@lru_cache(maxsize=1)
def _number_words() -> dict[str, tuple[float, float]]:
    """Number word to its value and the size of its last digit: 'a few' is 2 to 5."""
    return {word: (float(value), float(step)) for word, (value, step) in load_table("claims")["numbers"].items()}


def _words_pattern() -> str:
    return "|".join(r"\s".join(map(re.escape, w.split())) for w in sorted(_number_words(), key=len, reverse=True))


@lru_cache(maxsize=1)
def _with_unit() -> re.Pattern[str]:
    number = rf"{_NUMBER}|(?<!\w)(?:{_words_pattern()})(?!\w)"
    units = "|".join(r"\s".join(map(re.escape, w.split())) for w in sorted(_unit_words(), key=len, reverse=True))
    return re.compile(
        rf"(?<![\w.,])(?P<sign>(?:minus |plus |[-+−±–])?\s?)(?P<number>{number})"
        rf"(?:\s?(?:to|and|or|…|–|-|/)\s?(?P<sign2>(?:minus |plus |[-+−±])?\s?)(?P<second>{number}))?"
        rf"[\s\u00a0\u202f-]?(?P<unit>{units})(?![\w])",
        re.IGNORECASE,
    )
