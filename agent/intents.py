"""Read a request: a small parser over the vocabulary in `prompts/vocabulary.toml`.

A message is cut into clauses; each gives one request: an intent, the stems it is about, a direction and an amount.
Consent is read most strictly: only a clause that says nothing else may apply anything.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.amounts import Trouble, Words, contains, position, read_amount, version_in
from mixingbuddy.agent.consent import agreement, hedged, mood, negated, only_assents, phrases_of, without
from mixingbuddy.agent.targets import find_targets, near_miss, reserved
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.roles import Role

Intent = Literal[
    "only_faders", "unlock", "lock", "locks", "undo", "redo", "changed", "why", "help", "overview", "too_loud",
    "too_quiet", "how_loud", "compare", "scale", "turn", "apply", "wait", "reject", "critique", "greeting", "thanks",
    "unknown",
]  # fmt: skip
# What a "not" turns into a refusal, and what may stand beside words of consent.
REFUSABLE = {"apply", "turn", "scale", "undo", "redo", "unlock", "critique", "too_loud", "too_quiet", "lock"}
BESIDE_CONSENT = {"apply", "lock", "unlock", "turn", "critique", "compare", "thanks", "greeting"}
_WORD = re.compile(
    r"(?:(?<![\w.])[+-])?\d+(?:[.,]\d+)?e[+-]?\d+|\d+/\d+|(?:(?<![\w.])[+-])?(?:\d+(?:[.,]\d+)?|(?<!\w)[.,]\d+)"
    r"|%|[^\W\d_]+(?:'[^\W\d_]+)?",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"([;!?\n]|\.(?!\d)|,(?!\d))")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "`": "'", "´": "'", "ʼ": "'", "−": "-", "–": "-"})


class Request(BaseModel):
    """One thing the user wants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intent: Intent
    stems: tuple[str, ...] = Field(default=(), description="stems of the song it is about")
    called: str = Field(default="", description="what the user called them")
    direction: Literal[-1, 0, 1] = 0
    amount_db: float | None = Field(default=None, ge=0, description="size of a move, dB; None where no size was given")
    fader_db: float | None = Field(default=None, description="where the fader shall stand, dB")
    factor: float | None = Field(default=None, ge=0, description="multiple of the shown moves")
    trouble: Trouble = Field(default="", description="why the amount cannot be taken")
    question: bool = False
    version: int | None = Field(default=None, description="a version of the mix that was named")
    missing: tuple[str, ...] = Field(default=(), description="what looks like an instrument that the song has not")
    meant: str = Field(default="", description="the stem that a word may be a misspelling of")
    spared: tuple[str, ...] = Field(default=(), description="stems that the user excepted")
    said: str = Field(default="", description="the words of the clause")


@dataclass(frozen=True)
class _Clause:
    words: Words
    question: bool


def read_requests(text: str, roles: Mapping[str, Role]) -> tuple[Request, ...]:
    """Every request in `text`, for a song whose stems have these roles. At least one; `unknown` where nothing fits."""
    clauses = _clauses(text)
    mentioned = tuple(s for c in clauses if not _says_rest(c.words) for s in find_targets(c.words, roles).stems)
    requests: list[Request] = []
    waiting: Request | None = None  # stems whose verb is still to come: "the drums" of "the drums and the bass up"
    for clause in clauses:
        request = _inheriting(_read_clause(clause, roles, mentioned), requests)
        if _is_bare_amount(request) and requests and requests[-1].intent == "turn":
            requests[-1] = requests[-1].model_copy(update={"amount_db": request.amount_db})
            continue
        if request.intent == "unknown" and request.stems:
            waiting = _joined(waiting, request) if waiting else request
            continue
        if waiting and request.stems:
            request = _joined(waiting, request).model_copy(update=_verb(request))
        elif waiting and requests and requests[-1].intent in {"lock", "unlock", "turn"}:
            requests[-1] = _joined(requests[-1], waiting)
        waiting = None
        requests.append(request)
    if waiting:
        requests = [*requests[:-1], _joined(requests[-1], waiting)] if requests else [waiting]
    requests = _with_shared_direction(requests)
    known = tuple(request for request in requests if request.intent != "unknown" or request.meant)
    doubtful = any(r.intent == "unknown" and without(tuple(r.said.split()), mood("polite")) for r in requests)
    return _with_consent(known, clauses, text, doubtful) or tuple(requests[:1]) or (Request(intent="unknown"),)


def _clauses(text: str) -> list[_Clause]:
    joiners = set(load_table("vocabulary")["filler"]["joiners"])
    scope = load_table("vocabulary")["scope"]
    all_words = {phrase.split()[-1] for phrase in scope["all"]} | {"all"}
    parts = _CLAUSE_END.split(unicodedata.normalize("NFKC", text).translate(_APOSTROPHES))
    clauses: list[_Clause] = []
    for part, mark in zip(parts[::2], [*parts[1::2], ""], strict=True):
        words = _words(part)
        pieces: list[list[str]] = [[]]
        for index, word in enumerate(words):
            number_goes_on = word == "and" and words[index + 1 : index + 3] == ("a", "half")
            exception = word == "but" and index > 0 and words[index - 1] in all_words
            if word in joiners and not number_goes_on and not exception:
                pieces.append([])
            else:
                pieces[-1].append(word)
        clauses += [_Clause(tuple(piece), mark == "?" or _asks(tuple(piece))) for piece in pieces if piece]
    return clauses


def _asks(words: Words) -> bool:
    return any(position(words, phrase) == 0 for phrase in mood("asking"))


def _words(text: str) -> Words:
    return tuple(word.casefold() for word in _WORD.findall(text))


def _says_rest(words: Words) -> bool:
    return any(contains(words, phrase) for phrase in load_table("vocabulary")["scope"]["rest"])


def _inheriting(request: Request, earlier: Sequence[Request]) -> Request:
    """A clause without a stem goes on with the stems before it."""
    last = earlier[-1] if earlier else None
    if last is None or request.stems or request.missing or not last.stems:
        return request
    if request.intent in {"turn", "too_loud", "too_quiet"} and last.intent in {"turn", "too_loud", "too_quiet"}:
        return request.model_copy(update={"stems": last.stems, "called": last.called})
    return request


def _with_shared_direction(requests: Sequence[Request]) -> list[Request]:
    """'Turn the drums and bass down 2 dB': a stem without a direction takes both from the wish beside it."""
    shared = list(requests)
    for index, request in enumerate(shared):
        if request.intent != "turn" or request.direction != 0 or request.fader_db is not None or not request.stems:
            continue
        beside = [shared[i] for i in (index + 1, index - 1) if 0 <= i < len(shared)]
        guide = next((r for r in beside if r.intent == "turn" and r.direction != 0), None)
        if guide is None:
            continue
        amount_db = guide.amount_db if request.amount_db is None else request.amount_db
        shared[index] = request.model_copy(update={"direction": guide.direction, "amount_db": amount_db})
        if guide.amount_db is None:
            shared[shared.index(guide)] = guide.model_copy(update={"amount_db": amount_db})
    return shared


def _is_bare_amount(request: Request) -> bool:
    return request.intent == "unknown" and not request.stems and request.amount_db is not None


def _joined(first: Request, second: Request) -> Request:
    """The first request for the stems of both; what was excepted is excepted of both."""
    if first.spared:
        stems = tuple(stem for stem in first.stems if stem not in second.stems)
        spared: tuple[str, ...] = (*first.spared, *second.stems)
    else:
        stems, spared = tuple(dict.fromkeys((*first.stems, *second.stems))), ()
    called = " and ".join(part for part in (first.called, second.called) if part)
    missing = (*first.missing, *second.missing)
    said = " and ".join(part for part in (first.said, second.said) if part)
    return first.model_copy(
        update={"stems": stems, "called": called, "spared": spared, "missing": missing, "said": said}
    )


def _verb(request: Request) -> dict[str, Any]:
    return request.model_dump(exclude={"stems", "called", "spared", "missing", "said"})


def _read_clause(clause: _Clause, roles: Mapping[str, Role], mentioned: tuple[str, ...]) -> Request:
    subject, verb = _without_object(clause.words)
    targets = find_targets(subject, roles, mentioned)
    left, stems, missing = (*targets.left, *verb), targets.stems, targets.missing
    if targets.everything and any(contains(left, phrase) for phrase in (*phrases_of("undo"), *phrases_of("apply"))):
        stems = ()
    amount = read_amount(left)
    nouns = () if stems or missing else tuple(w for w in left if w.isalpha() and w not in reserved())[:1]
    direction = _find_direction(left) or amount.sign
    if direction == 0 and (stems or missing or nouns) and not clause.question:
        direction = -1 if "less" in left else 1 if "more" in left else 0
    found = _Found(clause, left, stems, missing, direction, bool(amount.size_db is not None or amount.trouble))
    intent = _find_intent(found)
    if intent == "scale":
        direction = -1 if {"less", "not", "half", "halve"} & set(left) else 1
    version = _version(left, intent, targets.everything)
    moving = intent in {"turn", "scale"}
    clashing = direction > 0 > amount.sign or (direction < 0 < amount.sign)
    return Request(
        intent="undo" if version is not None and intent in {"unknown", "redo"} else intent,
        stems=stems,
        called=targets.called,
        direction=direction,
        amount_db=amount.size_db if not amount.absolute else None,
        fader_db=amount.size_db * (amount.sign or 1) if amount.absolute and amount.size_db is not None else None,
        factor=amount.factor if intent == "scale" else None,
        trouble="contradiction" if moving and clashing and not amount.absolute else amount.trouble if moving else "",
        question=clause.question,
        version=version,
        missing=missing or (nouns if intent in {"turn", "scale", "too_loud", "too_quiet"} else ()),
        meant="" if stems else near_miss(tuple(w for w in left if w not in reserved()), roles),
        spared=targets.spared,
        said=" ".join(clause.words),
    )


@dataclass(frozen=True)
class _Found:
    """What a clause holds besides its verb."""

    clause: _Clause
    left: Words
    stems: tuple[str, ...]
    missing: tuple[str, ...]
    direction: int
    has_amount: bool

    def says(self, kind: str) -> bool:
        return any(contains(self.left, phrase) for phrase in mood(kind))


def _find_intent(found: _Found) -> Intent:
    if (
        found.stems
        and found.direction == 0
        and found.says("taste")
        and found.says("states")
        and not negated(found.left)
    ):
        return "lock"
    for entry in load_table("vocabulary")["intents"]:
        name: Intent = entry["name"]
        phrase = next((p for p in sorted(entry["phrases"], key=len, reverse=True) if contains(found.left, p)), None)
        intent = _turn_intent(found) if name == "turn" else None if phrase is None else _judged(name, phrase, found)
        if intent is not None:
            return intent
    return "unknown"


def _judged(name: Intent, phrase: str, found: _Found) -> Intent | None:
    """The intent that a phrase stands for here, or None where it does not count."""
    named = bool(found.stems or found.missing)
    if (name in {"lock", "unlock"} and not named) or (name == "greeting" and named):
        return None
    if name == "overview" and named:
        return "how_loud" if found.direction == 0 else None
    if name == "scale" and (found.direction != 0 or found.stems):
        return None
    if name == "apply":
        return agreement((*found.left, *found.stems, *found.missing), found.clause.question)
    if name in {"too_loud", "too_quiet"} and not found.clause.question:
        at = position(found.left, phrase) or 0
        refused = negated(found.left[max(at - 2, 0) : at])
        # "Loud enough" as a statement is content; "not loud enough" is a wish.
        content = phrase.endswith("enough") and not refused and not phrase.startswith("not")
        return "reject" if content or (refused and not phrase.endswith("enough")) else name
    if name in REFUSABLE - {"too_loud", "too_quiet"} and negated(without(found.left, [phrase])):
        return "reject"
    return name


def _turn_intent(found: _Found) -> Intent | None:
    """A wish for a move, or a question that only sounds like one."""
    consenting = any(contains(found.left, phrase) for phrase in phrases_of("apply"))
    verb = found.says("moving") and not consenting
    moving = found.direction != 0 or (found.stems and (found.has_amount or verb))
    if not moving:
        return None
    if negated(found.left):
        return "reject"
    if found.clause.question and any(position(found.clause.words, phrase) == 0 for phrase in mood("advice")):
        return "too_quiet" if found.direction > 0 else "too_loud"
    return "how_loud" if found.stems and found.says("being") else "turn"


def _with_consent(
    requests: tuple[Request, ...], clauses: Sequence[_Clause], text: str, doubtful: bool
) -> tuple[Request, ...]:
    """The requests without their consent, where anything else in the message could speak against it."""
    given = [request for request in requests if request.intent == "apply"]
    if not given:
        return requests
    locks = {request.said for request in requests if request.intent in {"lock", "unlock"}}
    spoken = tuple(word for clause in clauses if " ".join(clause.words) not in locks for word in clause.words)
    kept_but = sum(clause.words.count("but") for clause in clauses)
    doubtful = (
        doubtful
        or any(request.stems for request in given)
        or hedged(spoken)
        or _words(text).count("but") > kept_but
        or any(clause.question for clause in clauses)
    )
    weak = all(only_assents(tuple(request.said.split())) for request in given)
    beside = {request.intent for request in requests} - BESIDE_CONSENT
    beside |= {request.intent for request in requests} & {"turn", "critique", "compare"} if weak else set()
    if not doubtful and not beside:
        return requests
    others = tuple(request for request in requests if request.intent not in {"apply", "reject", "wait"})
    return (*others, Request(intent="wait", said=given[0].said))


def _without_object(words: Words) -> tuple[Words, Words]:
    """'X is drowning Y' is about X alone, 'is X louder than Y' about both: the words, and the verb they stand for."""
    index = next((i for i, word in enumerate(words) if word in mood("drowning")), None)
    if index is not None:
        rest = tuple(word for word in words[index + 1 :] if word != "out")
        loud = bool(rest) and rest[0] not in mood("drowned_by")
        return words[:index], ("too", "loud") if loud or words[index].startswith("overpower") else ("too", "quiet")
    passive = next(
        (i for i, word in enumerate(words) if word in {"buried", "drowned", "covered", "masked", "lost"}), None
    )
    if passive is not None and set(words[passive + 1 :]) & set(mood("drowned_by")):
        return words[:passive], (*words[passive : passive + 1], "too", "quiet")
    if "than" in words and (_asks(words) or set(mood("being")) & set(words)):
        comparing = {word for phrases in load_table("vocabulary")["directions"].values() for word in phrases}
        return tuple(word for word in words if word not in comparing and word != "than"), ("how", "loud")
    return (words[: words.index("than")], ()) if "than" in words else (words, ())


def _version(words: Words, intent: Intent, everything: bool) -> int | None:
    named = version_in(words)
    first = everything or any(word in load_table("vocabulary")["scope"]["first_version"] for word in words)
    return named if named is not None else 1 if intent == "undo" and first else None


def _find_direction(words: Words) -> Literal[-1, 0, 1]:
    directions = load_table("vocabulary")["directions"]
    if any(contains(words, phrase) for phrase in directions["down"]):
        return -1
    return 1 if any(contains(words, phrase) for phrase in directions["up"]) else 0


def is_request(text: str) -> bool:
    """Whether a text reads as something that a user may ask for, as 'a bit less' and 'vocals up' do."""
    return text == "quit" or any(request.intent != "unknown" for request in read_requests(text, {}))


def find_stems(text: str, roles: Mapping[str, Role]) -> tuple[str, ...]:
    """The stems that a text names, by their own name, their role or their group."""
    return find_targets(_words(text), roles).stems


def as_words(items: Sequence[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
