"""Guess a stem's role from its name, and say so when the name does not tell.

The words are in `role_vocabulary.toml`; how they are weighed and how often that is right, in `docs/roles.md`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Role = Literal[
    "vocals", "backing_vocals", "drums", "kick", "snare", "hats", "toms", "overheads", "percussion",
    "bass", "guitar", "keys", "strings", "brass", "fx", "other",
]  # fmt: skip
Group = Literal["vocals", "drums", "bass", "guitar", "keys", "strings", "brass", "fx", "other"]
Weight = Literal["strong", "weak", "returns", "ambiguous", "qualifiers"]

ROLES: tuple[Role, ...] = get_args(Role)

_GROUPS: dict[Role, Group] = {
    "vocals": "vocals", "backing_vocals": "vocals",
    "drums": "drums", "kick": "drums", "snare": "drums", "hats": "drums", "toms": "drums",
    "overheads": "drums", "percussion": "drums",
    "bass": "bass", "guitar": "guitar", "keys": "keys", "strings": "strings", "brass": "brass", "fx": "fx",
    "other": "other",
}  # fmt: skip

_LONGEST_NAME_READ = 255  # characters; no file system allows more
_LONGEST_RUN_SPLIT = 64  # letters; a longer run without a break is no word
_SIDES = frozenset("lr")
_TAKES = frozenset("abcd")


class RoleGuess(BaseModel):
    """The role that a name stands for; where the name does not tell, "other" and not sure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role = Field(description="what the stem is")
    sure: bool = Field(description="whether the name alone tells the role")
    evidence: str = Field(description="the words of the name that decided, or why none could")

    @model_validator(mode="after")
    def _unsure_means_other(self) -> Self:
        if not self.sure and self.role != "other":
            raise ValueError(f"an unsure guess has the role 'other', not '{self.role}'")
        return self


class _Word(NamedTuple):
    """A phrase of the vocabulary. `role` is None where it names none; `note` then says what it could be."""

    text: str
    weight: Weight
    role: Role | None = None
    note: str = ""


class _Vocabulary(NamedTuple):
    phrases: dict[tuple[str, ...], _Word]
    words: frozenset[str]  # every word of every phrase
    joining: frozenset[str]  # those that may be part of a run without a break
    longest_phrase: int


def group_of(role: Role) -> Group:
    """The group that a role belongs to: every drum and all percussion to drums, backing vocals to vocals."""
    return _GROUPS[role]


def guess_role(name: str) -> RoleGuess:
    """Say which role a stem has, from its name alone (a file stem or a track name). Never raises."""
    vocabulary = _vocabulary()
    tokens = _tokens(name[:_LONGEST_NAME_READ], vocabulary)
    found, unknown = _find_phrases(tokens, vocabulary)
    return _weigh(found, unknown, _shown(name))


# --- weighing what was found


def _weigh(found: list[_Word], unknown: list[str], shown: str) -> RoleGuess:
    returns = [word for word in found if word.weight == "returns"]
    strong = [word for word in found if word.weight == "strong"]
    weak = [word for word in found if word.weight == "weak"]
    if returns:
        return _sure("fx", returns, "an effect return")
    if strong:
        return _decide(strong, weak)
    if weak and unknown:
        usual = f"'{weak[0].text}' often means {_spoken(weak[0].role)}"
        return _unsure(f"{usual}, but '{_shown(unknown[0])}' is not a known word")
    if weak:
        return _decide(weak, [])
    ambiguous = [word for word in found if word.weight == "ambiguous"]
    if ambiguous:
        return _unsure(f"'{ambiguous[0].text}' could be {ambiguous[0].note}")
    return _unsure(f"no known instrument word in '{shown}'" if shown else "the name has no readable letters")


def _decide(deciding: list[_Word], refining: list[_Word]) -> RoleGuess:
    """One group or none. Within a group a special role beats the general one: drums + snare is snare."""
    first_of_group = {group_of(role): word for word in reversed(deciding) if (role := word.role)}
    if len(first_of_group) > 1:
        two = [f"'{word.text}' ({_spoken(word.role)})" for word in first_of_group.values()][-2:]
        return _unsure(f"two instruments in one name: {two[1]} and {two[0]}")
    general = next(iter(first_of_group))
    roles = _roles(deciding)
    special = [role for role in roles if role != general]
    if not special:
        refining = [word for word in refining if word.role and group_of(word.role) == general]
        special = [role for role in _roles(refining) if role != general]
        deciding = deciding + (refining if len(special) == 1 else [])
    if general == "other":
        return _sure("other", deciding, "known, but without a role of its own")
    if len(special) == 1:
        return _sure(special[0], deciding, _spoken(special[0]))
    if special:
        return _sure(general, deciding, f"several {general}")
    return _sure(roles[0], deciding, general)


def _roles(words: list[_Word]) -> list[Role]:
    return list(dict.fromkeys(word.role for word in words if word.role))


def _spoken(role: Role | None) -> str:
    return str(role).replace("_", " ")


def _sure(role: Role, words: list[_Word], meaning: str) -> RoleGuess:
    texts = list(dict.fromkeys(f"'{word.text}'" for word in words))[:3]
    return RoleGuess(role=role, sure=True, evidence=f"{' + '.join(texts)}: {meaning}")


def _unsure(why: str) -> RoleGuess:
    return RoleGuess(role="other", sure=False, evidence=why)


def _shown(text: str) -> str:
    """The name as it can be quoted in one short line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:_LONGEST_NAME_READ]).split())
    return line if len(line) <= 40 else line[:39] + "…"


# --- finding phrases


def _find_phrases(tokens: list[str], vocabulary: _Vocabulary) -> tuple[list[_Word], list[str]]:
    """The phrases from left to right, the longest at each place, and the words that belong to none."""
    found, unknown = [], []
    at = 0
    while at < len(tokens):
        for length in range(vocabulary.longest_phrase, 0, -1):
            word = vocabulary.phrases.get(tuple(tokens[at : at + length]))
            if word is not None:
                found.append(word)
                break
        else:
            length = 1
            if len(tokens[at]) > 1 and tokens[at].isalpha():
                unknown.append(tokens[at])
        at += length
    return found, unknown


# --- splitting a name into words


def _tokens(name: str, vocabulary: _Vocabulary) -> list[str]:
    """'08_ElecGtr1' -> ['08', 'elec', 'gtr', '1']: lower-case words without accents, and numbers."""
    tokens: list[str] = []
    for run in _runs(name):
        tokens.extend([run] if run.isdecimal() else _split_letters(run, vocabulary))
    return tokens


def _runs(name: str) -> list[str]:
    """Runs of letters and runs of digits; everything else separates."""
    decomposed = unicodedata.normalize("NFKD", name)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return re.findall(r"[^\W\d_]+|\d+", plain)


def _split_letters(run: str, vocabulary: _Vocabulary) -> list[str]:
    """A known word stays whole; else split at capitals, else into known words ('snaretop'), else leave it."""
    if run.lower() in vocabulary.words or len(run) > _LONGEST_RUN_SPLIT:
        return [run.lower()]
    parts: list[str] = []
    complete = True
    for part in _split_at_capitals(run):
        words = _split_known(part.lower(), vocabulary)
        complete = complete and words is not None
        parts.extend(words or [part.lower()])
    return parts if complete else _split_known(run.lower(), vocabulary) or parts


def _split_at_capitals(run: str) -> Iterator[str]:
    """'LDVocChDbl' -> LD, Voc, Ch, Dbl."""
    start = 0
    for i in range(1, len(run)):
        rises = run[i].isupper() and not run[i - 1].isupper()
        acronym_ends = run[i].isupper() and run[i - 1].isupper() and run[i + 1 : i + 2].islower()
        if rises or acronym_ends:
            yield run[start:i]
            start = i
    yield run[start:]


def _split_known(text: str, vocabulary: _Vocabulary) -> list[str] | None:
    """The fewest known words that make up `text`, a last letter for its side or take allowed; or None."""
    if len(text) == 1:
        return [text]
    known = _known(text, vocabulary)
    if known is not None:
        return [known]
    joined = _join_known(text, vocabulary)
    if joined is None and text[-1] in _SIDES | _TAKES:
        before = [text[:-1]] if text[:-1] in vocabulary.words else _join_known(text[:-1], vocabulary)
        if before and (text[-1] in _SIDES or _is_strong(before[-1], vocabulary)):
            return [*before, text[-1]]
    return joined


def _join_known(text: str, vocabulary: _Vocabulary) -> list[str] | None:
    """The fewest joining words that make up `text` completely."""
    best: list[list[str] | None] = [[]] + [None] * len(text)
    for end in range(2, len(text) + 1):
        for start in range(end - 1):
            before, shortest = best[start], best[end]
            if before is None or text[start:end] not in vocabulary.joining:
                continue
            if shortest is None or len(before) + 1 < len(shortest):
                best[end] = [*before, text[start:end]]
    return best[-1]


def _is_strong(word: str, vocabulary: _Vocabulary) -> bool:
    phrase = vocabulary.phrases.get((word,))
    return phrase is not None and phrase.weight == "strong"


def _known(text: str, vocabulary: _Vocabulary) -> str | None:
    """The vocabulary's form of a word: as it is, without a plural -s, or 'ahhhh' shortened to 'ahh'."""
    for form in (text, re.sub(r"(.)\1{2,}", r"\1\1", text)):
        if form in vocabulary.words:
            return form
        if len(form) > 3 and form.endswith("s") and form[:-1] in vocabulary.words:
            return form[:-1]
    return None


# --- the vocabulary


@cache
def _vocabulary() -> _Vocabulary:
    data = tomllib.loads((files("mixingbuddy.tools") / "role_vocabulary.toml").read_text(encoding="utf-8"))
    entries: list[_Word] = [_Word(text, "ambiguous", note=note) for text, note in data["ambiguous"].items()]
    for texts in data["qualifiers"].values():
        entries += [_Word(text, "qualifiers") for text in texts]
    weights: tuple[Weight, ...] = ("strong", "weak", "returns")
    for weight in weights:
        for role, texts in data[weight].items():
            entries += [_Word(text, weight, role=role) for text in texts]
    phrases = {tuple(run.lower() for run in _runs(entry.text)): entry for entry in entries}
    words = frozenset(word for phrase in phrases for word in phrase if len(word) > 1 and word.isalpha())
    joining = frozenset(word for word in words if len(word) > 2 or word in data["joining"]["short"])
    return _Vocabulary(phrases, words, joining, max(map(len, phrases)))
