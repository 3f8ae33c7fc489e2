"""What a word may call the stems of a song: their own names, their roles and groups, nicknames, misspellings."""

import re
from collections.abc import Mapping
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache

from mixingbuddy.prompts import load_table
from mixingbuddy.tools.roles import Role, group_of, guess_role

Phrase = tuple[str, ...]
SHORTEST_MISSPELT = 5  # letters of a word that may be read as a name that it nearly is
SHORTEST_NEAR = 4  # letters of a word that may be asked about
MISSPELT, NEAR = 0.88, 0.75  # how alike two words must be to be read as the same, and to be asked about


class Names:
    """The names of one song's stems."""

    def __init__(self, roles: Mapping[str, Role]) -> None:
        self._roles = roles
        self._by_name = {plain(name): name for name in roles}

    def stem(self, phrase: Phrase) -> str | None:
        """The stem of exactly this name, whatever its case, spaces and marks."""
        return self._by_name.get("".join(phrase))

    def stem_in_other_number(self, phrase: Phrase) -> str | None:
        """The stem whose name is the singular or the plural of these words."""
        name = "".join(phrase)
        return self._by_name.get(f"{name}s") or (self._by_name.get(name[:-1]) if name.endswith("s") else None)

    def nickname(self, value: str) -> tuple[str, ...]:
        """The stems that a nickname stands for: roles ('vocals'), whole groups ('drums*'), several ('drums* bass')."""
        return tuple(name for name, role in self._roles.items() if _stands_for(value, role))

    def role(self, phrase: Phrase) -> tuple[str, ...] | None:
        """The stems of the role that these words name, empty where the song has none; None for no instrument."""
        role = role_called(phrase)
        if role is None or role == "other":
            return None if role is None else ()
        whole_group = [name for name, its in self._roles.items() if group_of(its) == role]
        same_role = [name for name, its in self._roles.items() if its == role]
        if role == "fx" and not same_role:
            return None
        return tuple(whole_group if role in {"drums", "vocals"} and whole_group else same_role)

    def misspelt(self, word: str) -> tuple[str, ...]:
        """The stems that a word of five letters or more is nearly the name of; empty for none."""
        if len(word) < SHORTEST_MISSPELT or not word.isalpha():
            return ()
        nickname = _nearly(word)
        if nickname is not None:
            return self.nickname(nickname)
        near = get_close_matches(word, self._by_name, n=1, cutoff=MISSPELT)
        return (self._by_name[near[0]],) if near and near[0][0] == word[0] else ()

    def near(self, word: str) -> str:
        """The stem or role that a word may be a misspelling of, or ''."""
        known = {name.casefold(): name for name in self._roles}
        for role in self._roles.values():
            for each in (role, group_of(role), f"{role}s"):
                known.setdefault(each.replace("_", " "), each.replace("_", " "))
        known.pop("other", None)
        if len(word) < SHORTEST_NEAR or not word.isalpha():
            return ""
        found = get_close_matches(word, known, n=1, cutoff=NEAR)
        return known[found[0]] if found else ""


def _stands_for(value: str, role: Role) -> bool:
    return role in value.split() or f"{group_of(role)}*" in value.split()


@lru_cache(maxsize=4096)
def _nearly(word: str) -> str | None:
    """The value of the nickname that a word is nearly spelt like."""
    for text, value in _long_nicknames().items():
        alike = text[0] == word[0] and abs(len(text) - len(word)) <= 2
        swapped = text[0] == word[0] and text[-1] == word[-1] and sorted(text) == sorted(word)
        if swapped or (alike and SequenceMatcher(None, word, text).ratio() >= MISSPELT):
            return value
    return None


@lru_cache(maxsize=1)
def _long_nicknames() -> dict[str, str]:
    """Nicknames of one word that are long enough to be recognised when misspelt."""
    nicknames = load_table("vocabulary")["kinds"]["nickname"]
    return {
        text: value
        for value, texts in nicknames.items()
        for text in texts
        if len(text) >= SHORTEST_MISSPELT and text.isalpha()
    }


@lru_cache(maxsize=8192)
def role_called(phrase: Phrase) -> Role | None:
    """The role that these words are a name of, 'other' for an instrument without one, None for no instrument."""
    if not all(word[0].isalpha() for word in phrase):
        return None
    if len(phrase) > 1 and not (_is_known(phrase[0]) and _is_known(phrase[-1])):
        return None
    guess = guess_role(" ".join(phrase))
    return guess.role if guess.sure else None


@lru_cache(maxsize=8192)
def _is_known(word: str) -> bool:
    """Whether a word stands in the vocabulary of roles, as an instrument or beside one."""
    return not guess_role(word).evidence.startswith("no known")


def plain(name: str) -> str:
    """A name without its case, spaces and marks."""
    return "".join(re.findall(r"[^\W_]+", name.casefold()))
