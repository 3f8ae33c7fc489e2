"""Which stems a text speaks of, and which instruments it names that the song does not have."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from mixingbuddy.agent.understanding.names import role_called
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.roles import Role, group_of, guess_role

LONGEST_PHRASE = 3  # words of an instrument's name
# A name in a text becomes one mark, so that no figure, apostrophe or "and" in it is read as the text's own.
_MARK = "\ue000{}\ue001"
MARKED = re.compile("\ue000(\\d+)\ue001")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+")
_GENERIC = {"vocals", "drums", "bass", "guitar", "keys", "strings", "brass", "percussion"}


@dataclass(frozen=True)
class Mention:
    """Words that name stems of the song (`stems` empty: an instrument that it has not)."""

    words: str
    stems: tuple[str, ...]
    owners: tuple[str, ...] = ()  # the stems, and the group where all of it is meant
    quoted: bool = False


class Mentions:
    """The mentions of one text, and the text with a mark in place of each."""

    def __init__(self, text: str, roles: Mapping[str, Role], sayings: frozenset[str] = frozenset()) -> None:
        self.found: list[Mention] = []
        self._roles, self._sayings = roles, sayings
        self._groups: dict[str, list[str]] = {}
        for name, role in roles.items():
            self._groups.setdefault(group_of(role), []).append(name)
        composed = self._mark_names(
            unicodedata.normalize("NFC", text), [name for name in roles if len(name.split()) > 1]
        )
        # "backing vocals" is not the stem "vocals": what is named by several words comes before names of one.
        phrases = self._mark_instruments(composed, shortest=2)
        self.text = self._mark_instruments(self._mark_names(phrases, [n for n in roles if len(n.split()) < 2]))

    def within(self, text: str) -> tuple[Mention, ...]:
        """The mentions in a part of the marked text."""
        return tuple(self.found[int(match[1])] for match in MARKED.finditer(text))

    def plain(self, text: str) -> str:
        """A part of the marked text with its words again."""
        return MARKED.sub(lambda match: self.found[int(match[1])].words, text)

    def _add(self, mention: Mention) -> str:
        self.found.append(mention)
        return _MARK.format(len(self.found) - 1)

    def _mark_names(self, text: str, names: list[str]) -> str:
        for name in sorted(names, key=len, reverse=True):
            shown = unicodedata.normalize("NFC", name)
            text = re.sub(
                rf"(?P<q>['\"‘“]){re.escape(shown)}['\"’”]", self._marker(name, quoted=True), text, flags=re.IGNORECASE
            )
            if shown.casefold() in _plain_words():
                continue  # a stem called "Up": only in quotes is the word a name
            text = re.sub(
                rf"(?<![\w\ue000]){re.escape(shown)}(?![\w\ue001])", self._marker(name), text, flags=re.IGNORECASE
            )
        return text

    def _marker(self, name: str, quoted: bool = False) -> "_Marker":
        group = group_of(self._roles[name])
        owners = (name, group) if self._groups[group] == [name] else (name,)
        return _Marker(self, Mention(name, (name,), owners, quoted))

    def _mark_instruments(self, text: str, shortest: int = 1) -> str:
        words = list(_WORD.finditer(text))
        out, at, index = [], 0, 0
        while index < len(words):
            mention, size = self._instrument(words, index, text, shortest)
            if mention is None:
                index += 1
                continue
            out += [text[at : words[index].start()], self._add(mention)]
            at = words[index + size - 1].end()
            index += size
        return "".join([*out, text[at:]])

    def _instrument(
        self, words: list[re.Match[str]], index: int, text: str, shortest: int
    ) -> tuple[Mention | None, int]:
        for size in range(min(LONGEST_PHRASE, len(words) - index), shortest - 1, -1):
            chosen = words[index : index + size]
            gaps = (text[a.end() : b.start()] for a, b in pairwise(chosen))
            phrase = tuple(word[0].casefold() for word in chosen)
            if any(gap not in {" ", "-"} for gap in gaps) or not _names_instrument(phrase):
                continue
            if "\ue000" in text[max(0, chosen[0].start() - 1) : chosen[0].end() + 1]:
                continue  # the number inside a mark
            mention = self._called(text[chosen[0].start() : chosen[-1].end()], phrase)
            if mention is not None:
                return mention, size
        return None, 0

    def _called(self, words: str, phrase: tuple[str, ...]) -> Mention | None:
        role = role_called(phrase)
        if role is None:
            return None
        named = tuple(name for name in self._roles if set(map(_single, phrase)) <= _name_words(name))
        if named:
            return Mention(words, named, named)
        prose = set(load_table("claims")["mentions"]["prose"])
        said = " ".join(phrase)
        if said in prose or (len(said) < 4 and said not in {"vox", "gtr", "sax"}):
            return None
        group = group_of(role)
        if (
            role in {group, "other"}
            and self._groups.get(group)
            and role in _alike() | _GENERIC
            and _is_general(phrase, role)
        ):
            return Mention(words, tuple(self._groups[group]), (*self._groups[group], group))
        same = tuple(name for name, its in self._roles.items() if its == role)
        return Mention(words, same if role in _alike() or _is_general(phrase, role) else (), same)


@dataclass(frozen=True)
class _Marker:
    """Puts the mark of one mention in the place of every match."""

    mentions: Mentions
    mention: Mention

    def __call__(self, match: re.Match[str]) -> str:
        return self.mentions._add(self.mention)


def _is_general(phrase: tuple[str, ...], role: Role) -> bool:
    """Whether the words mean every instrument of the role: 'keys', 'the percussion', but not 'the tambourine'."""
    return role in _alike() or _single(phrase[-1]) in {_single(role), _single(group_of(role))}


def _names_instrument(phrase: tuple[str, ...]) -> bool:
    edges = set(load_table("claims")["mentions"]["edges"])
    if any(word in edges or word.isdigit() for word in phrase):
        return False
    return len(phrase) == 1 or all(_is_known(word) for word in phrase)


@lru_cache(maxsize=4096)
def _is_known(word: str) -> bool:
    """Whether a word is part of instruments' names: 'lead' of 'lead vocal', but not 'bring' of 'bring the tuba'."""
    guess = guess_role(word)
    return guess.sure or "could be" in guess.evidence


def _single(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@lru_cache(maxsize=4096)
def _name_words(name: str) -> frozenset[str]:
    return frozenset(_single(word.casefold()) for word in _split(name))


def _split(name: str) -> Iterator[str]:
    yield from _WORD.findall(re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])", " ", name.replace("_", " ")))


@lru_cache(maxsize=1)
def _alike() -> frozenset[str]:
    return frozenset(load_table("claims")["mentions"]["alike"])


@lru_cache(maxsize=1)
def _plain_words() -> frozenset[str]:
    """Words that a sentence needs for itself: a stem of that name is only meant in quotes."""
    table = load_table("claims")
    words = {word for phrases in table["directions"].values() for phrase in phrases for word in phrase.split()}
    return frozenset(words | set(table["mentions"]["edges"]) | set(table["mentions"]["sentence"]))
