"""Which glossary entry do words mean: normal forms of terms, and a small index over the words of every entry."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mixingbuddy.prompts import load_table

_WORD = re.compile(r"[a-z0-9]+(?:['’][a-z]+)?")
_SUFFIXES = ("iness", "ness", "ings", "ing", "ers", "est", "er", "ies", "ied", "es", "ed", "ly", "y", "s", "e")
_SHORTEST_STEM = 3
# Words count fully in a name and in the closest symptom, and by half in all other symptoms and in the prose.
LOOSE_WEIGHT = 0.5
# What share of a description's weight an entry must know to be offered, and how near it must come to the best one.
LEAST_SHARE = 0.2
LEAST_OF_BEST = 0.35
MOST_WORDS = 60
LONGEST_TERM = 200


def stem(word: str) -> str:
    """A word without its ending, so that 'muddy' meets 'mud' and 'sings' meets 'singing'."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            word = word[: -len(suffix)]
            break
    return word[:-1] if len(word) > _SHORTEST_STEM and word[-1] == word[-2] else word


def normal(words: str) -> str:
    """A term as it is compared: small letters, no punctuation, no endings."""
    return " ".join(stem(word) for word in plain_words(words))


def plain_words(text: str) -> list[str]:
    """The words of a text in small letters; what follows an apostrophe is left out."""
    return [re.split("['’]", word)[0] for word in _WORD.findall(text.casefold())]


def readings(words: str) -> list[str]:
    """What of 'what is the LUFS?' may be the term: all of it, then less and less of the words that only ask for it."""
    asking = _table()["asking"]
    left = plain_words(words[:LONGEST_TERM])
    found = [left]
    while len(left) > 1 and left[-1] in asking["after"]:
        left = left[:-1]
        found.append(left)
    while len(left) > 1 and left[0] in asking["before"]:
        left = left[1:]
        found.append(left)
    return [" ".join(reading) for reading in found]


def tokens(text: str) -> tuple[str, ...]:
    """The telling words of a description, words of one meaning made one, without endings."""
    table = _table()
    quiet, same = set(table["quiet"]), _same_words()
    stems = (stem(word) for word in plain_words(text)[:MOST_WORDS] if word not in quiet)
    return tuple(same.get(word, word) for word in stems)


@lru_cache(maxsize=1)
def _same_words() -> dict[str, str]:
    groups = _table()["same"].items()
    return {stem(word): stem(meaning) for meaning, group in groups for word in group}


def _table() -> dict[str, Any]:
    return load_table("glossary")


@dataclass(frozen=True)
class Page:
    """What the index knows of one entry."""

    slug: str
    phrases: tuple[str, ...]
    symptoms: tuple[str, ...]
    prose: str


class Index:
    """Words to pages, weighted by how few pages a word stands in (inverse document frequency)."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._phrases = {page.slug: [tokens(phrase) for phrase in page.phrases] for page in pages}
        self._symptoms = {page.slug: [frozenset(tokens(symptom)) for symptom in page.symptoms] for page in pages}
        self._prose = {page.slug: frozenset(tokens(page.prose)) for page in pages}
        told = {slug: _all(self._phrases[slug], self._symptoms[slug]) for slug in self._prose}
        self._known = {slug: told[slug] | self._prose[slug] for slug in told}
        found = Counter(token for words in told.values() for token in words)
        self._rarity = {token: math.log((1 + len(pages)) / (0.5 + count)) for token, count in found.items()}
        self._unknown = math.log(1 + len(pages))

    def best(self, description: str, most: int) -> tuple[str, ...]:
        """Slugs of the pages that answer a description, the best first; empty where none does well."""
        said = tokens(description)
        words = frozenset(said)
        scores = {slug: self._score(slug, said) for slug in self._known if self._answers(slug, words)}
        ranked = sorted(scores, key=lambda slug: (-scores[slug], slug))[:most]
        return tuple(slug for slug in ranked if scores[slug] >= LEAST_OF_BEST * scores[ranked[0]])

    def _answers(self, slug: str, words: frozenset[str]) -> bool:
        """Whether a page knows enough of the words, by their weight."""
        known = self._sum(words & self._known[slug])
        return known > 0 and known >= LEAST_SHARE * self._sum(words)

    def _score(self, slug: str, said: tuple[str, ...]) -> float:
        words = frozenset(said)
        named = max((self._sum(phrase) for phrase in self._phrases[slug] if _within(phrase, said)), default=0.0)
        symptoms = self._symptoms[slug]
        told = self._sum(words & frozenset().union(*symptoms))
        closest = max((self._likeness(words, symptom) for symptom in symptoms), default=0.0)
        prose = self._sum(words & self._prose[slug])
        return named + closest + LOOSE_WEIGHT * (told + prose)

    def _likeness(self, words: frozenset[str], symptom: frozenset[str]) -> float:
        """Weight of the words in common, by the share of the symptom that they make."""
        common, whole = self._sum(words & symptom), self._sum(symptom)
        return common * common / whole if whole else 0.0

    def _sum(self, words: Iterable[str]) -> float:
        return sum(self._rarity.get(word, self._unknown) for word in sorted(words))


def _all(phrases: list[tuple[str, ...]], symptoms: list[frozenset[str]]) -> frozenset[str]:
    return frozenset(token for phrase in phrases for token in phrase).union(*symptoms)


def _within(phrase: tuple[str, ...], said: tuple[str, ...]) -> bool:
    size = len(phrase)
    return size > 0 and any(said[at : at + size] == phrase for at in range(len(said) - size + 1))
