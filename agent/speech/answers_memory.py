"""Answers about what the user wants kept in mind: acknowledged as soon as it was heard, listed on request."""

from collections.abc import Callable, Mapping

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.speech.asking_back import no_stem
from mixingbuddy.agent.speech.turn import Turn, texts
from mixingbuddy.agent.speech.voice import Line, as_words, be, quoted, the
from mixingbuddy.agent.state import Lock

# What `understand` has done with the user's words alone; a reply acknowledges it first.
ACKNOWLEDGED = frozenset({"lock", "unlock", "limit", "taste", "forget", "help_level", "reference", "reject"})
# Said by the way: they give way to any other request.
SOFT = frozenset({"wait", "greeting", "thanks", "goodbye", "smalltalk", "unknown"})


def acknowledged(turn: Turn) -> list[Line]:
    """What the user's own words have already changed in this turn."""
    lines = []
    for request in turn.requests:
        if request.intent in ACKNOWLEDGED:
            lines.append(_ACKNOWLEDGING[request.intent](turn, request))
    if turn.context.heard.get("everywhere"):
        lines.append(turn.say("everywhere"))
    return [Line(line) for line in dict.fromkeys(lines) if line]


def _lock(turn: Turn, request: Request) -> str:
    key = "locked" if request.intent == "lock" else "unlocked"
    return turn.say(key, what=the(request.called, turn.groups)) if request.stems else no_stem(turn, request)


def _taste(turn: Turn, request: Request) -> str:
    what = the(request.called, turn.groups)
    if not request.stems:
        return no_stem(turn, request)
    if not request.direction:
        return turn.say("taste_which_way", what=what)
    loud = request.direction > 0
    pronoun = "them" if be(request.called, len(request.stems)) == "are" else "it"
    return turn.say("liked", what=what, pronoun=pronoun, how="loud" if loud else "low", way="down" if loud else "up")


def _limit(turn: Turn, request: Request) -> str:
    if request.limit_db is None:
        return turn.say("how_far")
    if request.missing and not request.stems:
        return no_stem(turn, request)
    what = the(request.called, turn.groups) if request.stems else turn.say("any_fader")
    return turn.say("limit_set", what=what, limit=f"{request.limit_db:g}")


def _forget(turn: Turn, request: Request) -> str:
    if request.missing and not request.stems:
        return no_stem(turn, request)
    words = list(dict.fromkeys(texts(turn.context.heard.get("forgotten"))))
    if not words:
        return turn.say("nothing_forgotten")
    return turn.say("forgotten", what=as_words([the(word, turn.groups) for word in words]))


def _help_level(turn: Turn, request: Request) -> str:
    return turn.say(f"level_{request.level}") if request.level else ""


def _reference(turn: Turn, request: Request) -> str:
    heard = turn.context.heard.get("reference")
    told: Mapping[str, object] = heard if isinstance(heard, Mapping) else {}
    if not told.get("name") and not request.reference:
        return turn.say("which_reference")
    name = quoted(str(told.get("name") or request.reference))
    if told.get("found"):
        return turn.say("reference_set", name=name)
    choices = texts(told.get("choices"))
    if not choices:
        return turn.say("reference_unknown", name=name)
    return turn.say("reference_choices", name=name, choices=as_words([quoted(choice) for choice in choices]))


def _reject(turn: Turn, request: Request) -> str:
    if not turn.context.heard.get("rejected"):
        return "" if any(r.intent not in ACKNOWLEDGED | SOFT for r in turn.requests) else turn.say("nothing_rejected")
    if request.reason:
        return turn.say("rejected_because", words=quoted(turn.said_back(request.reason)))
    return turn.say("rejected")


_ACKNOWLEDGING: dict[str, Callable[[Turn, Request], str]] = {
    "lock": _lock,
    "unlock": _lock,
    "taste": _taste,
    "limit": _limit,
    "forget": _forget,
    "help_level": _help_level,
    "reference": _reference,
    "reject": _reject,
}


def locks(turn: Turn, request: Request) -> list[Line]:
    """Every standing wish, in words."""
    kept = turn.context.locks
    if not kept:
        return [Line(turn.say("no_locks"))]
    lines = [Line(turn.say("locks"))]
    return [*lines, *(Line(_wish(turn, lock), 1) for lock in kept), Line(turn.say("locks_hint"), 2)]


def _wish(turn: Turn, lock: Lock) -> str:
    what = the(lock.words, turn.groups) if lock.stems else turn.say("any_fader")
    scope = turn.say("in_all_songs") if lock.scope == "all songs" else ""
    if lock.kind == "limit":
        return turn.say("wish_limit", what=what, limit=f"{lock.limit_db or 0.0:g}", scope=scope)
    if lock.kind == "taste":
        return turn.say("wish_taste", what=what, how="loud" if lock.direction > 0 else "low", scope=scope)
    if lock.kind == "rejected":
        why = turn.say("because_you_said", words=quoted(lock.reason)) if lock.reason else ""
        way = "up" if lock.direction > 0 else "down"
        return turn.say("wish_rejected", what=what, way=way, why=why, scope=scope)
    return turn.say("wish_keep", what=what, be=be(lock.words, len(lock.stems)), scope=scope)
