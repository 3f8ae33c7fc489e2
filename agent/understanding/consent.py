"""Consent, refusal and doubt: what must be true of the words before anything may be applied."""

from collections.abc import Sequence
from dataclasses import replace

from mixingbuddy.agent.requests import Intent, Request
from mixingbuddy.agent.understanding.clauses import Clause
from mixingbuddy.agent.understanding.tokens import has
from mixingbuddy.prompts import load_table

# What may stand beside words of consent, and what may not stand beside a mere 'yes', which may as well belong to it.
BESIDE_CONSENT: frozenset[Intent] = frozenset(
    {"apply", "lock", "unlock", "turn", "critique", "compare", "thanks", "greeting", "goodbye", "name_version"}
)
NEEDS_MORE_THAN_YES: frozenset[Intent] = frozenset({"turn", "critique", "compare"})
FACTS: frozenset[Intent] = frozenset(
    {"how_loud", "overview", "inspect", "listen", "changed", "versions", "compare", "blind_test"}
)  # may be asked for behind a clear consent
KEEPING: frozenset[Intent] = frozenset({"lock", "unlock"})
CHANGES: frozenset[Intent] = frozenset({"turn", "scale", "same", "help_level"})
HEDGES = "hedge|but|more|less|factor|percent|wait|except|enough|ordinal|when"

Read = tuple[Clause, Request]


def settled(read: Sequence[Read], heard: Sequence[Read], doubtful: bool) -> list[Request]:
    """The requests, without their consent where anything else in the message could speak against it.

    `heard` is all that was said, also what asks for nothing beside the rest; `doubtful`: something was said that stands
    in no clause, as a "but" does.
    """
    requests = [_careful(clause, request) for clause, request in read]
    given = [(clause, request) for clause, request in read if request.intent == "apply"]
    if not given:
        return requests
    weak = all(not has(clause.tokens, "consent") for clause, _ in given)
    if not doubtful and not any(_speaks_against(clause, request, weak) for clause, request in _behind_scaling(heard)):
        return requests
    others = [request for request in requests if request.intent not in {"apply", "reject", "wait"}]
    asked = [request for request in others if request.intent not in {"unknown", "thanks", "greeting"}]
    if (weak and asked) or any(request.intent in CHANGES for request in others):
        return others
    return [*others, Request(intent="wait", said=given[0][0].said)]


def _careful(clause: Clause, request: Request) -> Request:
    """To be told to act alone is consent for all that follows: "don't apply without asking" is the contrary."""
    if request.level != "apply":
        return request
    beside = replace(clause, tokens=tuple(token for token in clause.tokens if not token.is_a("level=apply")))
    if negated(beside):
        return request.model_copy(update={"level": "suggest"})
    doubtful = clause.question or has(beside.tokens, f"{HEDGES}|ask|why")
    return Request(intent="unknown", said=request.said) if doubtful else request


def _behind_scaling(read: Sequence[Read]) -> Sequence[Read]:
    """'A bit less, and then do it': what is changed first is what is consented to."""
    scaled = len(read) > 1 and read[0][1].intent == "scale" and has(read[-1][0].tokens, "consent")
    plain = scaled and not read[0][0].question and not negated(read[0][0]) and read[-1][1].intent == "apply"
    return read[1:] if plain else read


def _speaks_against(clause: Clause, request: Request, weak: bool) -> bool:
    if request.intent == "apply":
        return bool(request.stems) or clause.question or (negated(clause) and not _idiom(clause))
    if request.intent in FACTS and not weak:
        return negated(clause) or has(clause.tokens, HEDGES)
    if request.intent == "unknown":
        return any(not token.is_a("polite|it|comma|the|join") for token in clause.tokens)
    if clause.question or request.intent not in BESIDE_CONSENT or clause.aside:
        return True
    if weak and request.intent in NEEDS_MORE_THAN_YES:
        return True
    return request.intent not in KEEPING and (negated(clause) or has(clause.tokens, HEDGES))


def negated(clause: Clause) -> bool:
    """Whether a word of denial stands in the clause."""
    negations = load_table("vocabulary")["negations"]["words"]
    return any(word in negations for token in clause.tokens for word in token.words)


def _idiom(clause: Clause) -> bool:
    """'Why not' after a 'sure' denies nothing."""
    return all(token.is_a("idiom") for token in clause.tokens)
