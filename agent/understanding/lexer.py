"""From text to tokens: the longest phrase of the vocabulary, or name of a stem, at every place.

The vocabulary is `prompts/vocabulary.toml`: kinds of words, their values, and the phrases that stand for them.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache

from mixingbuddy.agent.understanding.names import Names
from mixingbuddy.agent.understanding.pieces import joined_tokens
from mixingbuddy.agent.understanding.spelling import mended
from mixingbuddy.agent.understanding.tokens import Phrase, Token
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.roles import Role

LONGEST_TEXT = 2000  # characters that are read of a message
SHORTEST_MISSPELT = 5  # letters
RESPELT = 0.88  # how alike two words must be to be read as the same
LONGEST_NAME = 6  # words of a stem's name, at most
_PIECE = re.compile(
    r"(?P<quote>\"[^\"\n]{1,80}\"|(?<!\w)'[^'\n]{1,80}'(?!\w))"
    r"|(?P<time>(?<![\w.])\d{1,3}:[0-5]\d(?![\w:]))"
    r"|(?P<word>\d{1,2}(?:st|nd|rd|th)(?!\w)|%|&|[^\W\d_]+(?:'[^\W\d_]+)?)"
    r"|(?P<number>(?:(?<![\w.])[+-])?\d+(?:[.,]\d+)?e[+-]?\d+|\d+/\d+"
    r"|(?:(?<![\w.])[+-])?(?:\d+(?:[.,]\d+)?|(?<!\w)[.,]\d+))"
    r"|(?P<mark>[;!?\n]|\.|,|:)",
    re.IGNORECASE,
)
_APOSTROPHES = str.maketrans(
    {"’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "−": "-", "–": "-"}
)


@dataclass(frozen=True)
class _Word:
    text: str
    group: str
    start: int
    end: int


@dataclass(frozen=True)
class Vocabulary:
    """Every phrase with its kind and value; `yielding` kinds give way to the name of a stem."""

    phrases: Mapping[Phrase, tuple[str, str]]
    longest: Mapping[str, int]  # words of the longest phrase that begins with this word
    yielding: frozenset[str]
    respelt: Mapping[str, tuple[str, ...]]  # by first letter: words that are recognised when misspelt
    passing: frozenset[str]  # words that may stand inside a phrase
    auxiliaries: frozenset[str]  # words that a following "not" belongs to
    counts: Mapping[str, int]  # how many phrases each word stands in


def plain_text(text: str) -> str:
    """The text with plain apostrophes and marks: what the places of tokens count in."""
    # The apostrophes first: NFKC would take an acute accent apart.
    return unicodedata.normalize("NFKC", text[:LONGEST_TEXT].translate(_APOSTROPHES)).translate(_APOSTROPHES)


def lex(text: str, roles: Mapping[str, Role], versions: Sequence[str] = ()) -> tuple[Token, ...]:
    """The tokens of a plain text, for a song with these stems and these names of versions."""
    names, words = Names(roles), split_words(text)
    named = {tuple(word.text for word in split_words(plain_text(name))): name.casefold() for name in versions}
    own = {word.text for name in (*roles, *versions) for word in split_words(plain_text(name))}
    tokens = _read(_mended(words, names, own), names, named)
    # Consent is what was written, and nothing that it may be a slip of.
    consents = any(token.is_a("consent|assent|idiom") for token in tokens)
    return joined_tokens(_read(words, names, named) if consents else tokens, names)


def _mended(words: Sequence[_Word], names: Names, own: Set[str]) -> list[_Word]:
    """The words with slips of the fingers mended, but for names of stems, which may be asked about."""
    known = load_vocabulary().counts
    read: list[_Word] = []
    for word in words:
        better = mended(word.text, known) if word.group == "word" and word.text not in own else word.text
        if better != word.text and not any(_names_a_stem(each, names) for each in (word.text, better)):
            word = replace(word, text=better)
        read.append(word)
    return read


def _names_a_stem(word: str, names: Names) -> bool:
    return names.role((word,)) is not None or bool(names.misspelt(word) or names.near(word))


def _read(words: Sequence[_Word], names: Names, named: Mapping[Phrase, str]) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while at < len(words):
        word = words[at]
        token, size = Token(word.group, word.text, (word.text,), word.start, word.end), 1
        if word.group in {"word", "number"}:
            token, size = _longest(words, at, names, named)
        tokens.append(token)
        at += size
    return tokens


@lru_cache(maxsize=1)
def load_vocabulary() -> Vocabulary:
    """The vocabulary, read once. A phrase that stands in it twice is an error: ValueError."""
    table = load_table("vocabulary")
    phrases: dict[Phrase, tuple[str, str]] = {}
    longest: dict[str, int] = {}
    for kind, values in table["kinds"].items():
        for value, texts in values.items():
            for text in texts:
                phrase = tuple(word.text for word in split_words(plain_text(text)))
                if phrase in phrases:
                    raise ValueError(f"vocabulary.toml has '{text}' as {phrases[phrase]} and as {(kind, value)}")
                phrases[phrase] = (kind, value)
                longest[phrase[0]] = max(len(phrase), longest.get(phrase[0], 0))
    lists = {name: frozenset(words) for name, words in table["lexer"].items()}
    respelt: dict[str, tuple[str, ...]] = {}
    for phrase, (kind, _) in phrases.items():
        if len(phrase) == 1 and len(phrase[0]) >= SHORTEST_MISSPELT and kind in lists["respelt"]:
            respelt[phrase[0][0]] = (*respelt.get(phrase[0][0], ()), phrase[0])
    counts = Counter(word for phrase in phrases for word in phrase)
    return Vocabulary(phrases, longest, lists["yielding"], respelt, lists["passing"], lists["auxiliaries"], counts)


def split_words(text: str) -> list[_Word]:
    """Words in their normal spelling ("don't" is "do not"), numbers and marks, with their places."""
    spelling, endings = load_table("vocabulary")["spelling"], load_table("vocabulary")["endings"]
    words: list[_Word] = []
    for found in _PIECE.finditer(text):
        raw, group = found.group().casefold(), str(found.lastgroup)
        parts = spelling[raw].split() if raw in spelling else [raw]
        if raw not in spelling and group == "word":
            ending = next((e for e in endings if raw.endswith(e) and len(raw) > len(e)), None)
            parts = [raw] if ending is None else [raw[: -len(ending)], endings[ending]]
        if group == "quote":
            parts = [found.group()[1:-1].strip()]
        words += [_Word(part, group, found.start(), found.end()) for part in parts]
    return words


def _longest(words: Sequence[_Word], at: int, names: Names, versions: Mapping[Phrase, str]) -> tuple[Token, int]:
    """The token that begins at a word, and how many words it takes."""
    vocabulary = load_vocabulary()
    for phrase, size in _windows(words, at, vocabulary):
        start, end = words[at].start, words[at + size - 1].end
        if phrase in versions:
            return Token("version", versions[phrase], phrase, start, end), size
        known = vocabulary.phrases.get(phrase)
        if known is not None and size > 1 and phrase[-1] in vocabulary.auxiliaries and _denied(words, at + size):
            continue
        contiguous = len(phrase) == size
        if contiguous and (known is None or known[0] in vocabulary.yielding):
            name = names.stem(phrase) or (names.stem_in_other_number(phrase) if known is None else None)
            if name is not None:
                return Token("stems", "name", phrase, start, end, (name,)), size
        if known is not None:
            said = tuple(word.text for word in words[at : at + size])
            return _meaning(Token(known[0], known[1], said, start, end), names), size
        if contiguous and not any((word,) in vocabulary.phrases for word in phrase):
            stems = names.role(phrase)
            if stems is not None:
                return Token("stems" if stems else "missing", "role", phrase, start, end, stems), size
    word = words[at]
    stems = names.misspelt(word.text)
    if stems:
        return Token("stems", "misspelt", (word.text,), word.start, word.end, stems), 1
    kind, value = _respelt(word.text) or ("number" if word.group == "number" else "word", word.text)
    return Token(kind, value, (word.text,), word.start, word.end), 1


@lru_cache(maxsize=4096)
def _respelt(word: str) -> tuple[str, str] | None:
    """The kind and value of the word of the vocabulary that this is nearly spelt like; never one of consent."""
    if len(word) < SHORTEST_MISSPELT or not word.isalpha():
        return None
    vocabulary = load_vocabulary()
    for known in vocabulary.respelt.get(word[0], ()):
        swapped = len(known) == len(word) and known[-1] == word[-1] and sorted(known) == sorted(word)
        if swapped or (abs(len(known) - len(word)) == 1 and SequenceMatcher(None, word, known).ratio() >= RESPELT):
            return vocabulary.phrases[(known,)]
    return None


def _windows(words: Sequence[_Word], at: int, vocabulary: Vocabulary) -> Iterator[tuple[Phrase, int]]:
    """Phrases that begin at a word, the longest first, each with the number of words that it takes.

    After each phrase comes the same without the words that may stand inside of it.
    """
    most = max(vocabulary.longest.get(words[at].text, 1) + 2, LONGEST_NAME)
    run = 0
    while run < most and at + run < len(words) and words[at + run].group in {"word", "number"}:
        run += 1
    texts = tuple(word.text for word in words[at : at + run])
    for size in range(run, 0, -1):
        phrase = texts[:size]
        yield phrase, size
        if size > 2 and phrase[-1] not in vocabulary.passing:
            core = (phrase[0], *(word for word in phrase[1:] if word not in vocabulary.passing))
            if 1 < len(core) < size:
                yield core, size


def _denied(words: Sequence[_Word], at: int) -> bool:
    return at < len(words) and words[at].text == "not"


def _meaning(token: Token, names: Names) -> Token:
    """A nickname becomes the stems that it stands for."""
    if token.kind != "nickname":
        return token
    stems = names.nickname(token.value)
    return replace(token, kind="stems" if stems else "missing", stems=stems)
