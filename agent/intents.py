"""Read a request: a small parser over the vocabulary in `prompts/vocabulary.toml`.

A message is cut into clauses; each gives one request: an intent, the stems it is about, a direction and an amount.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.prompts import load_table
from mixingbuddy.tools.roles import Role, group_of, guess_role

Intent = Literal[
    "unlock",
    "lock",
    "locks",
    "undo",
    "redo",
    "changed",
    "why",
    "help",
    "too_loud",
    "too_quiet",
    "how_loud",
    "compare",
    "scale",
    "turn",
    "apply",
    "reject",
    "critique",
    "unknown",
]
LONGEST_PHRASE = 5
_WORD = re.compile(r"[+-]?\d+(?:[.,]\d+)?|[^\W\d_]+(?:'[^\W\d_]+)?", re.UNICODE)
_CLAUSE_END = re.compile(r"[;!?]|\.(?!\d)|,(?!\d)|\n")
Words = tuple[str, ...]


class Request(BaseModel):
    """One thing the user wants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intent: Intent
    stems: tuple[str, ...] = Field(default=(), description="stems of the song it is about")
    called: str = Field(default="", description="what the user called them")
    direction: Literal[-1, 0, 1] = 0
    amount_db: float | None = Field(default=None, ge=0, description="size of a move, dB; None where no size was given")


def read_requests(text: str, roles: Mapping[str, Role]) -> tuple[Request, ...]:
    """Every request in `text`, for a song whose stems have these roles. At least one; `unknown` where nothing fits."""
    clauses = [words for part in _CLAUSE_END.split(text) for words in _split_at_joiners(_words(part)) if words]
    requests: list[Request] = []
    waiting: tuple[tuple[str, ...], str] = ((), "")
    for words in clauses:
        request = _read_clause(words, roles)
        if request.intent == "unknown" and request.stems:
            waiting = (_merge(waiting[0], request.stems), f"{waiting[1]} and {request.called}".removeprefix(" and "))
            continue
        if waiting[0] and request.stems:
            request = request.model_copy(
                update={"stems": _merge(waiting[0], request.stems), "called": f"{waiting[1]} and {request.called}"}
            )
        elif waiting[0] and requests and requests[-1].intent in {"lock", "unlock", "turn"}:
            requests[-1] = _joined(requests[-1], waiting)
        waiting = ((), "")
        requests.append(request)
    if waiting[0] and requests:
        requests[-1] = _joined(requests[-1], waiting)
    elif waiting[0]:
        requests.append(Request(intent="unknown", stems=waiting[0], called=waiting[1]))
    known = tuple(request for request in requests if request.intent != "unknown")
    return known or tuple(requests[:1]) or (Request(intent="unknown"),)


def _joined(request: Request, waiting: tuple[tuple[str, ...], str]) -> Request:
    called = " and ".join(part for part in (request.called, waiting[1]) if part)
    return request.model_copy(update={"stems": _merge(request.stems, waiting[0]), "called": called})


def _merge(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _words(text: str) -> Words:
    return tuple(word.casefold().replace("’", "'") for word in _WORD.findall(text.replace("’", "'")))


def _split_at_joiners(words: Words) -> list[Words]:
    joiners = set(load_table("vocabulary")["filler"]["joiners"])
    clauses: list[list[str]] = [[]]
    for word in words:
        if word in joiners:
            clauses.append([])
        else:
            clauses[-1].append(word)
    return [tuple(clause) for clause in clauses if clause]


def _read_clause(words: Words, roles: Mapping[str, Role]) -> Request:
    stems, called, rest = _find_stems(words, roles)
    direction = _find_direction(rest)
    amount_db = _find_amount(rest)
    if direction == 0 and amount_db is not None and any(re.fullmatch(r"[+-]\d.*", word) for word in rest):
        direction = -1 if any(word.startswith("-") for word in rest) else 1
    intent = _find_intent(rest, bool(stems), direction)
    if intent == "scale":
        direction = -1 if {"less", "not", "half"} & set(rest) else 1
    return Request(intent=intent, stems=stems, called=called, direction=direction, amount_db=amount_db)


def _find_intent(words: Words, has_stems: bool, direction: int) -> Intent:
    for entry in load_table("vocabulary")["intents"]:
        name: Intent = entry["name"]
        if name == "turn":
            if direction != 0:
                return name
        elif (
            not any(_contains(words, tuple(phrase.split())) for phrase in entry["phrases"])
            or (name in {"lock", "unlock"} and not has_stems and not roles_named(" ".join(words)))
            or (name == "scale" and (direction != 0 or has_stems))
        ):
            continue
        else:
            return name
    return "unknown"


def _find_direction(words: Words) -> Literal[-1, 0, 1]:
    directions = load_table("vocabulary")["directions"]
    if any(_contains(words, tuple(phrase.split())) for phrase in directions["down"]):
        return -1
    if any(_contains(words, tuple(phrase.split())) for phrase in directions["up"]):
        return 1
    return 0


def _find_amount(words: Words) -> float | None:
    for index, word in enumerate(words):
        if re.fullmatch(r"[+-]?\d+(?:[.,]\d+)?", word) and (
            index + 1 == len(words) or words[index + 1] in _AFTER_AMOUNT
        ):
            return abs(float(word.replace(",", ".")))
    amounts = load_amounts()
    named = [phrase for phrase in amounts if phrase != "default" and _contains(words, tuple(phrase.split()))]
    return amounts[max(named, key=len)] if named else None


_AFTER_AMOUNT = {"db", "decibel", "decibels", "up", "down", "louder", "quieter", "more", "less", "please"}


def load_amounts() -> dict[str, float]:
    """Decibels of amounts given in words; `default` where none is given."""
    return dict(load_table("vocabulary")["amounts_db"])


def _contains(words: Words, phrase: Words) -> bool:
    size = len(phrase)
    return size > 0 and any(words[i : i + size] == phrase for i in range(len(words) - size + 1))


def _find_stems(words: Words, roles: Mapping[str, Role]) -> tuple[tuple[str, ...], str, Words]:
    """Stems that the words name, what they were called, and the words that are left."""
    by_name = {_plain(name): name for name in roles}
    found: list[str] = []
    called: list[str] = []
    rest: list[str] = []
    index = 0
    while index < len(words):
        for size in range(min(LONGEST_PHRASE, len(words) - index), 0, -1):
            phrase = words[index : index + size]
            stems = _stems_called(phrase, by_name, roles)
            if stems:
                found += stems
                called.append(" ".join(phrase))
                index += size
                break
        else:
            rest.append(words[index])
            index += 1
    return tuple(dict.fromkeys(found)), " and ".join(called), tuple(rest)


def _stems_called(phrase: Words, by_name: Mapping[str, str], roles: Mapping[str, Role]) -> list[str]:
    if all(word in _reserved() or not word[0].isalpha() for word in phrase):
        return []
    plain = "".join(phrase)
    if plain in by_name:
        return [by_name[plain]]
    role = role_called(phrase)
    if role is None:
        return []
    same_role = [name for name, its_role in roles.items() if its_role == role]
    # "drums" and "vocals" are the names of their whole groups.
    whole_group = [name for name, its_role in roles.items() if group_of(its_role) == role]
    return whole_group if role in {"drums", "vocals"} and whole_group else same_role


def is_request(text: str) -> bool:
    """Whether a text reads as something that a user may ask for, as 'a bit less' and 'vocals up' do."""
    return text == "quit" or any(request.intent != "unknown" for request in read_requests(text, {}))


def find_stems(text: str, roles: Mapping[str, Role]) -> tuple[str, ...]:
    """The stems that a text names, by their own name, their role or their group."""
    return _find_stems(_words(text), roles)[0]


def role_called(phrase: Words) -> Role | None:
    """The role that these words are a name of, or None."""
    if any(word in _reserved() or not word[0].isalpha() for word in phrase):
        return None
    guess = guess_role(" ".join(phrase))
    return guess.role if guess.sure and guess.role != "other" else None


def roles_named(text: str) -> tuple[str, ...]:
    """Instrument words in `text`, whether or not the song has such a stem."""
    return tuple(word for word in _words(text) if word[0].isalpha() and role_called((word,)) is not None)


@lru_cache(maxsize=1)
def _reserved() -> frozenset[str]:
    """Words with a meaning of their own, which therefore never name an instrument."""
    table = load_table("vocabulary")
    phrases: list[str] = [p for entry in table["intents"] for p in entry["phrases"]]
    phrases += [p for direction in table["directions"].values() for p in direction]
    phrases += list(table["amounts_db"])
    words = {word for phrase in phrases for word in phrase.split()}
    return frozenset(words | set(table["filler"]["words"]) | set(table["filler"]["joiners"]))


def _plain(name: str) -> str:
    return "".join(re.findall(r"[^\W_]+", name.casefold()))


def as_words(items: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
