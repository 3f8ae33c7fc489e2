"""Who answers what in a turn of the offline planner: one proposal, facts beside it, and what waits for later."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import Applied
from mixingbuddy.agent.speech import answers_facts as facts
from mixingbuddy.agent.speech import answers_levels as levels
from mixingbuddy.agent.speech import answers_memory as memory
from mixingbuddy.agent.speech import answers_moves as moves
from mixingbuddy.agent.speech import answers_sound as sound
from mixingbuddy.agent.speech import answers_teaching as teaching
from mixingbuddy.agent.speech import answers_versions as versions
from mixingbuddy.agent.speech.guiding import waits_for_an_answer
from mixingbuddy.agent.speech.proposing import applied_already
from mixingbuddy.agent.speech.turn import Turn
from mixingbuddy.agent.speech.voice import Line
from mixingbuddy.agent.speech.wishes import is_wish

Handler = Callable[[Turn, Request], list[Line]]
MOST_JOBS = 4  # things answered in one turn
HANDLERS: dict[str, Handler] = {
    "scale": moves.scale,
    "too_loud": moves.level_question,
    "too_quiet": moves.level_question,
    "critique": moves.critique,
    "compare": moves.compare,
    "apply": moves.apply,
    "wait": moves.wait,
    "cannot": sound.cannot,
    "how_loud": levels.how_loud,
    "inspect": facts.inspect,
    "overview": levels.overview,
    "why": teaching.why,
    "explain": teaching.explain,
    "tell_me": teaching.tell,
    "undo": versions.undo,
    "redo": versions.redo,
    "go": versions.go,
    "changed": versions.changed,
    "versions": versions.versions,
    "name_version": versions.name_version,
    "notes": versions.notes,
    "listen": versions.listen,
    "blind_test": versions.blind_test,
    "locks": memory.locks,
    "help": teaching.help_,
    "greeting": teaching.greeting,
    "thanks": teaching.thanks,
    "goodbye": teaching.goodbye,
    "smalltalk": teaching.smalltalk,
    "unknown": teaching.unknown,
}
# Each of these may propose moves, and one turn proves one proposal.
PROPOSING = frozenset({"scale", "critique", "compare", "complaint", "too_loud", "too_quiet", "tell_me"})
STEPS = frozenset({"undo", "redo", "go"})
# Beside a proposal, these are answered without one of their own, and these wait for another turn.
WITHOUT_MOVES: dict[str, Handler] = {
    "complaint": sound.complaint,
    "too_loud": partial(moves.level_question, may_move=False),
    "too_quiet": partial(moves.level_question, may_move=False),
}
LATER = frozenset({"scale", "critique", "tell_me", "compare"})
# Lists of other moves, which are not to be mixed up with those that are proposed.
LISTS = frozenset({"versions", "changed"})


class Job(NamedTuple):
    """A part of the reply: what answers it, what it is about, and whether the song stands elsewhere afterwards.

    A job without a request is the turn's proposal, which is never put off.
    """

    answer: Callable[[], list[Line]]
    request: Request | None = None
    moves_on: bool = False


class Plan(NamedTuple):
    """What this turn answers, and what it leaves for later."""

    jobs: tuple[Job, ...]
    later: tuple[Request, ...]


def plan_of(turn: Turn) -> Plan:
    """Who answers what: every wish as one proposal, questions of fact beside it, other proposals later."""
    if waits_for_an_answer(turn):
        return Plan((Job(lambda: teaching.tell(turn, turn.requests[0])),), ())
    asked = [r for r in turn.requests if r.intent not in memory.ACKNOWLEDGED]
    hard = [r for r in asked if r.intent not in memory.SOFT]
    if not hard:
        answered = len(asked) < len(turn.requests)
        return Plan(() if answered else (_job(turn, asked[0]),), ())
    proposing = _proposing(hard)
    jobs: list[Job] = []
    later: list[Request] = []
    if _applies_first(turn, hard, proposing):
        later, proposing = proposing, []
    for request in hard:
        if request is proposing[0] if proposing else request.intent == "apply":
            jobs.append(_deciding(turn, proposing or [request]))
        elif request in proposing or request in later or request.intent == "apply":
            continue
        elif request.intent in STEPS and not any(r in proposing for r in hard[: hard.index(request)]):
            jobs.append(_job(turn, request, moves_on=True))
        elif request.intent in STEPS | LATER or (proposing and request.intent in LISTS) or len(jobs) >= MOST_JOBS:
            later.append(request)
        elif request.intent in WITHOUT_MOVES:
            jobs.append(_job(turn, request, WITHOUT_MOVES))
        else:
            jobs.append(_job(turn, request))
    # The action first; what is asked beside it is answered for the song as it stands then.
    jobs.sort(key=lambda job: not (job.request is None or job.moves_on))
    return Plan(tuple(jobs), tuple(later))


def _proposing(hard: Sequence[Request]) -> list[Request]:
    """The requests whose moves are this turn's one proposal: all wishes, all complaints, or the first to propose."""
    wishes = [r for r in hard if is_wish(r)]
    if wishes:
        return [r for r in hard if is_wish(r) or r.intent == "scale"]
    first = next((r for r in hard if r.intent in PROPOSING), None)
    if first is not None and first.intent == "complaint":
        return [r for r in hard if r.intent == "complaint"]
    return [first] if first is not None else []


def _applies_first(turn: Turn, hard: Sequence[Request], proposing: Sequence[Request]) -> bool:
    """Whether "do it" stands before a new proposal, and so means the one that was shown."""
    consent = next((index for index, r in enumerate(hard) if r.intent == "apply"), None)
    if consent is None or not proposing or not turn.context.told or hard[consent].factor is not None:
        return False
    waits = bool(turn.context.shown) or turn.latest(Applied) is not None
    return waits and consent < hard.index(proposing[0])


def _deciding(turn: Turn, requests: Sequence[Request]) -> Job:
    """The proposal, or consent to the last one. What was applied in this turn already is told, not worked out anew."""
    done = applied_already(turn)
    if done is not None:
        return Job(lambda: done)
    applies = turn.asks_for("apply") or turn.context.help_level == "apply"
    if all(request.intent == "complaint" for request in requests):
        return Job(lambda: sound.complaints(turn, requests), moves_on=applies)
    if is_wish(requests[0]) or len(requests) > 1:
        return Job(lambda: moves.wishes(turn, requests), moves_on=applies)
    return _job(turn, requests[0], moves_on=applies)._replace(request=None)


def _job(turn: Turn, request: Request, handlers: Mapping[str, Handler] = HANDLERS, moves_on: bool = False) -> Job:
    handler = handlers[request.intent]
    return Job(lambda: handler(turn, request), request, moves_on)
