"""Which stems of the song a clause is about: by name, role or group, 'everything', 'the rest', 'except'."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from mixingbuddy.agent.amounts import Words, position
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.roles import Role, group_of, guess_role

LONGEST_PHRASE = 5
Roles = Mapping[str, Role]


@dataclass(frozen=True)
class Targets:
    """What a clause names. `missing`: instruments that this song has not; `left`: the words that name nothing."""

    stems: tuple[str, ...]
    called: str
    left: Words
    missing: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    everything: bool = False


def find_targets(words: Words, roles: Roles, mentioned: tuple[str, ...] = ()) -> Targets:
    """The stems in the words of a clause; 'the rest' is what the message has not `mentioned`."""
    scope = load_table("vocabulary")["scope"]
    cut = min((at for phrase in scope["except"] if (at := position(words, phrase)) is not None), default=None)
    if cut is None and "but" in words:
        cut = words.index("but")
    named = _named(words if cut is None else words[:cut], roles)
    spared = _named(words[cut:], roles) if cut is not None else None
    for kind in ("rest", "all"):
        for phrase in sorted(scope[kind], key=len, reverse=True):
            at = position(named.left, phrase)
            if at is None or named.stems:
                continue
            left = (*named.left[:at], *named.left[at + len(phrase.split()) :], *(spared.left if spared else ()))
            but = (*(spared.stems if spared else ()), *(mentioned if kind == "rest" else ()))
            called = f"{phrase} except the {spared.called}" if spared and spared.stems else phrase
            stems = tuple(name for name in roles if name not in but)
            missing = (*named.missing, *(spared.missing if spared else ()))
            return Targets(stems, called, left, missing, but if spared else (), kind == "all" and not but)
    if spared is None:
        return named
    kept = tuple(name for name in named.stems if name not in spared.stems)
    called = f"{named.called} except the {spared.called}" if spared.stems else named.called
    return Targets(kept, called, (*named.left, *spared.left), (*named.missing, *spared.missing), spared.stems)


def _named(words: Words, roles: Roles) -> Targets:
    by_name = {plain(name): name for name in roles}
    intents = load_table("vocabulary")["intents"]
    effects = {phrase for entry in intents if entry["name"] == "only_faders" for phrase in entry["phrases"]}
    found: list[str] = []
    called: list[str] = []
    missing: list[str] = []
    left: list[str] = []
    index = 0
    while index < len(words):
        for size in range(min(LONGEST_PHRASE, len(words) - index), 0, -1):
            phrase = words[index : index + size]
            stems = _stems_called(phrase, by_name, roles)
            if stems is not None:
                found += stems
                (called if stems else missing).append(" ".join(phrase))
                # An effect that the song has no stem of may be what the user wants done.
                left += [] if stems else [word for word in phrase if word in effects]
                index += size
                break
        else:
            left.append(words[index])
            index += 1
    return Targets(tuple(dict.fromkeys(found)), " and ".join(called), tuple(left), tuple(missing))


def _stems_called(phrase: Words, by_name: Mapping[str, str], roles: Roles) -> list[str] | None:
    """The stems of that name or role, empty for an instrument that the song has not, None for no instrument."""
    if all(word in reserved() or not word[0].isalpha() for word in phrase):
        whole = by_name.get("".join(phrase))
        return [whole] if whole and len(phrase) > 1 else None
    if (name := by_name.get("".join(phrase))) is not None:
        return [name]
    role = role_called(phrase)
    if role is None:
        return None
    same_role = [name for name, its_role in roles.items() if its_role == role]
    # "drums" and "vocals" are the names of their whole groups.
    whole_group = [name for name, its_role in roles.items() if group_of(its_role) == role]
    return whole_group if role in {"drums", "vocals"} and whole_group else same_role


def role_called(phrase: Words) -> Role | None:
    """The role that these words are a name of, or None."""
    if not all(word[0].isalpha() for word in phrase):
        return None
    guess = guess_role(" ".join(phrase))
    if not guess.sure or guess.role == "other":
        return None
    bare = [word for word in phrase if word not in reserved()]
    # "vocals up" is the vocals and a direction; "hi hat" needs both its words.
    if len(bare) < len(phrase) and (not bare or guess_role(" ".join(bare)).role == guess.role):
        return None
    return guess.role


def near_miss(words: Words, roles: Roles) -> str:
    """The stem or role word that a word looks like a misspelling of, or ''."""
    known = {name.casefold(): name for name in roles}
    for role in roles.values():
        for word in (role, group_of(role), f"{role}s"):
            known.setdefault(word.replace("_", " "), word.replace("_", " "))
    known.pop("other", None)
    for word in words:
        if len(word) >= 4 and word.isalpha():
            found = get_close_matches(word, known, n=1, cutoff=0.75)
            if found:
                return known[found[0]]
    return ""


@lru_cache(maxsize=1)
def reserved() -> frozenset[str]:
    """Words with a meaning of their own, which therefore never name an instrument."""
    table = load_table("vocabulary")
    phrases: list[str] = [p for entry in table["intents"] for p in entry["phrases"] if entry["name"] != "only_faders"]
    phrases += [p for direction in table["directions"].values() for p in direction]
    phrases += [*table["amounts_db"], *table["factors"], *table["scope"]["all"], *table["scope"]["rest"]]
    phrases += [*table["scope"]["except"], *table["scope"]["first_version"], *table["numbers"]]
    phrases += [p for mood in table["mood"].values() for p in mood]
    words = {word for phrase in phrases for word in phrase.split()}
    return frozenset(words | set(table["filler"]["words"]) | set(table["filler"]["joiners"]))


def plain(name: str) -> str:
    """A name without its case, spaces and marks."""
    return "".join(re.findall(r"[^\W_]+", name.casefold()))
