"""The planner's voice: sentences of `prompts/replies.toml`, and the user's own words for things in them."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from string import Template
from typing import NamedTuple

from mixingbuddy.prompts import load_table

STRAY = ' .,;"“”'
MOST_NAMED = 24  # stems in one list
_DETERMINED = (
    "every",
    "any",
    "all ",
    "the ",
    "both ",
    "his ",
    "her ",
    "their ",
    "my ",
    "our ",
    "your ",
    "that ",
    "this ",
)
_PRONOUNS = frozenset(
    {"it", "them", "they", "that", "this", "those", "these", "he", "she", "him", "her", "one", "ones"}
)


class Line(NamedTuple):
    """A line of a reply. Where a reply is too long, lines of the highest rank are left out first, those of 0 never."""

    text: str
    rank: int = 0


ANSWER, REASON, HINT, ASIDE = range(4)


class Voice:
    """Says sentences. The turn's number and text choose among variants; none is said twice in a row."""

    def __init__(self, seed: int = 0, last_reply: str = "") -> None:
        self._seed, self._last_reply = seed, last_reply

    def say(self, sentence: str, **values: object) -> str:
        """One sentence of the replies; a missing or unused value raises KeyError."""
        variants = variants_of(sentence)
        index = self._seed % len(variants)
        if len(variants) > 1 and was_said(variants[index], self._last_reply):
            index = (index + 1) % len(variants)
        template = Template(variants[index])
        unused = values.keys() - set(template.get_identifiers())
        if unused:
            raise KeyError(f"the sentence '{sentence}' has no variable {', '.join(sorted(unused))}")
        return template.substitute({key: str(value) for key, value in values.items()})


def variants_of(sentence: str) -> list[str]:
    """The ways in which a sentence may be said."""
    found = load_table("replies")[sentence]
    return [str(found)] if isinstance(found, str) else [str(variant) for variant in found]


def was_said(variant: str, text: str) -> bool:
    """Whether a text holds this variant, whatever its variables were."""
    return bool(text) and bool(_pattern(variant).search(text))


@lru_cache(maxsize=512)
def _pattern(variant: str) -> re.Pattern[str]:
    return re.compile(".+?".join(re.escape(part) for part in re.split(r"\$\w+", variant)), re.IGNORECASE | re.DOTALL)


class Naming:
    """How stems of one song are spoken of: in the user's own words where they named them, always with their names."""

    def __init__(self, groups: Mapping[str, str], called: Mapping[frozenset[str], str] | None = None) -> None:
        self.groups, self._called = dict(groups), dict(called or {})

    def stems(self, stems: Sequence[str]) -> str:
        """'LeadVox', 'the vox (LeadVox)', 'the drums (Kick and Snare)'; every name stands in it."""
        names = [spoken(stem) for stem in stems]
        listed = as_words(names if len(names) <= MOST_NAMED else [*names[:MOST_NAMED], "others"])
        called = self._called.get(frozenset(stems), "")
        if called and called.casefold() not in _PRONOUNS:
            own = {called.casefold().rstrip("s"), the(called, self.groups).casefold().rstrip("s")}
            return listed if listed.casefold().rstrip("s") in own else f"{the(called, self.groups)} ({listed})"
        shared = {self.groups.get(stem) for stem in stems}
        return f"the {shared.pop()} ({listed})" if len(stems) > 1 and len(shared) == 1 else listed

    def short(self, stems: Sequence[str], called: str = "") -> str:
        """The same for a sentence in which the names need not stand: 'the vox', 'LeadVox', 'Keys and Pad'."""
        called = called or self._called.get(frozenset(stems), "")
        if called and called.casefold() not in _PRONOUNS:
            return the(called, self.groups)
        return as_words([the(stem, self.groups) for stem in stems[:MOST_NAMED]])


def the(words: str, stems: Mapping[str, str] | Sequence[str] = ()) -> str:
    """'the drums', but 'everything', 'her voice' and 'LeadVox'."""
    name = next((stem for stem in stems if stem.casefold() == words.casefold()), None)
    if name is not None and not re.fullmatch(r"[^\W\d_]?[^\W\d_A-Z]+", name):
        return spoken(name)
    return words if words.casefold().startswith(_DETERMINED) else f"the {words if name is None else name.lower()}"


def be(words: str, count: int = 1) -> str:
    """'is' or 'are' for what the user called it."""
    last = words.casefold().split()[-1] if words.split() else ""
    plural = last.endswith("s") and not last.endswith(("ss", "'s")) and last != "percs"
    return "are" if " and " in words or plural or (last == "vox" and count > 1) else "is"


def as_words(items: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def any_of(items: Sequence[str]) -> str:
    """'a', 'a or b', 'a, b or c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}" if items else ""


def lower_start(title: str) -> str:
    """A title inside a sentence; abbreviations and names stay as they are."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def spoken(name: str) -> str:
    """A stem's name as a word of a sentence: quoted where it is not plainly one."""
    return name if re.fullmatch(r"[^\W\d_][\w-]*", name) else f"'{name}'"


def quoted(words: str) -> str:
    """The user's own words, in a quotation that can hold an apostrophe."""
    return f"“{words.replace(chr(39), '’').strip(STRAY)}”"


def number(value: float) -> str:
    """One decimal, and never '-0.0'."""
    return f"{value + 0.0:.1f}" if abs(value) >= 0.05 else "0.0"


def size(value: float) -> str:
    """The amount without its sign, one decimal."""
    return number(abs(value))


def sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """Text as a whole sentence: a capital at its start, one mark at its end."""
    text = text.strip()
    closed = text if not text or text[-1] in ".?!:”" else f"{text}."
    return sentence_case(re.sub(r"(?<!\.)\.\.$", ".", closed))


def words_that_stay(lines: Sequence[Line]) -> int:
    """How many words no shortening takes out."""
    return sum(len(line.text.split()) for line in lines if line.rank == ANSWER)


def fitted(lines: Sequence[Line], most_words: int) -> str:
    """The lines as one text; while it is too long, the least important line of those furthest down goes."""
    kept = [Line(sentence(line.text), line.rank) for line in lines if line.text.strip()]
    while sum(len(line.text.split()) for line in kept) > most_words:
        lowest = max(line.rank for line in kept)
        if lowest == ANSWER:
            break
        del kept[max(index for index, line in enumerate(kept) if line.rank == lowest)]
    return "\n".join(line.text for line in kept)
