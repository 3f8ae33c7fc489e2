"""From wishes to fader moves: what the user asked for, stem by stem, before anybody speaks or renders."""

from collections.abc import Sequence
from typing import NamedTuple

from mixingbuddy.agent.locks import forbidding, within_limit
from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import Levels, TurnContext
from mixingbuddy.agent.state import Lock, ProposedMove
from mixingbuddy.models.advisor import StemAdvice
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB, clamped_db

WORTH_A_MOVE = 0.5  # probability that a stem needs a change
PLAIN_MOVE_DB = 2.0  # where the user names no size
A_BIT_DB = 1.0


class Wished(NamedTuple):
    """Moves that were asked for, the locks that keep stems out of them, the stems whose move was cut to the user's
    limit, and the stems about which the advisor is of the user's opinion."""

    moves: dict[str, float]
    held: dict[str, Lock]
    limited: tuple[str, ...]
    agreed: tuple[str, ...] = ()


def is_judgement(request: Request) -> bool:
    """Whether a request states that a stem is too loud or too quiet; over the whole song, as a fader moves it."""
    states = request.intent in {"too_loud", "too_quiet"} and not request.question
    return states and bool(request.stems) and not request.section


def is_wish(request: Request) -> bool:
    """Whether a request wants faders moved."""
    return request.intent in {"turn", "same"} or is_judgement(request)


def gather(requests: Sequence[Request], context: TurnContext, measured: Levels | None = None) -> Wished:
    """All wishes as one set of moves. Named moves add up, and go before opinions about the same stem."""
    named: dict[str, float] = {}
    judged: dict[str, float] = {}
    agreed: list[str] = []
    for request in requests:
        if request.intent == "scale":
            named |= {stem: gain_db for stem, gain_db in scaled(request, context).items() if gain_db != 0.0}
        for stem in request.stems:
            if request.fader_db is not None:
                named[stem] = request.fader_db - context.faders.get(stem, 0.0)
            elif request.intent == "turn":
                named[stem] = named.get(stem, 0.0) + request.direction * _size_db(request)
            elif request.intent == "scale":
                continue
            elif request.intent == "same":
                named[stem] = same_db(request, context)
            else:
                judged[stem], agrees = _judged_db(request, _advice(request, stem, measured))
                agreed += [stem] if agrees else []
    if any(request.intent == "same" for request in requests):
        named = {move.stem: move.gain_db for move in context.shown} | named
    return allowed(judged | named, context)._replace(agreed=tuple(agreed))


def allowed(moves: dict[str, float], context: TurnContext) -> Wished:
    """The moves as far as the user's standing wishes let them."""
    kept: dict[str, float] = {}
    held: dict[str, Lock] = {}
    limited: list[str] = []
    for stem, gain_db in moves.items():
        lock = forbidding(context.locks, stem, gain_db, advised=False)
        cut_db = within_limit(context.locks, stem, gain_db, context.faders.get(stem, 0.0))
        if lock is not None:
            held[stem] = lock
            continue
        if abs(cut_db - gain_db) > 1e-6:
            limited.append(stem)
        if abs(cut_db) > 1e-6:
            kept[stem] = round(cut_db, 6)
    return Wished(kept, held, tuple(limited))


def same_db(request: Request, context: TurnContext) -> float:
    """What 'the same' means: the size that was named now, else the largest of the latest moves."""
    latest = context.shown or context.last_moves
    if not latest:
        return request.direction * _size_db(request)
    largest = max((move.gain_db for move in latest), key=abs)
    if request.amount_db is not None:
        return request.amount_db if largest > 0 else -request.amount_db
    return largest


def only_as_group(measured: Levels, stems: Sequence[str]) -> str:
    """The group that was judged as a whole where only some of its stems are meant; '' where there is none."""
    for stem in stems:
        group = measured.judged_as.get(stem, "")
        if group and not {name for name, own in measured.judged_as.items() if own == group} <= set(stems):
            return group
    return ""


def _advice(request: Request, stem: str, measured: Levels | None) -> StemAdvice | None:
    """The advice about a stem, where it is about that stem and not about a group that it is a part of."""
    if measured is None or only_as_group(measured, request.stems):
        return None
    return next((advice for advice in measured.advice if advice.stem == stem), None)


def _judged_db(request: Request, advice: StemAdvice | None) -> tuple[float, bool]:
    direction = -1 if request.intent == "too_loud" else 1
    agrees = advice is not None and advice.gain_db * direction > 0 and advice.p_change >= WORTH_A_MOVE
    if agrees and advice is not None and not any(letter.isdigit() for letter in request.said):
        return clamped_db(advice.gain_db), True
    return direction * _size_db(request), agrees


def _size_db(request: Request) -> float:
    return PLAIN_MOVE_DB if request.amount_db is None else request.amount_db


def too_far(moves: dict[str, float], context: TurnContext) -> str | None:
    """The first stem whose fader does not go that far."""
    for stem, gain_db in moves.items():
        stands = context.faders.get(stem, 0.0) + gain_db
        if not all(GAIN_MIN_DB <= value <= GAIN_MAX_DB for value in (stands, gain_db)):
            return stem
    return None


def scaled(request: Request, context: TurnContext) -> dict[str, float]:
    """The shown moves made larger or smaller, never turned round; after they were applied, what is still missing.

    Where stems are named, only their moves change.
    """
    step_db = (request.direction or 1) * (A_BIT_DB if request.amount_db is None else request.amount_db)
    meant = set(request.stems)
    if context.shown:
        changed = {move.stem: _larger(move, request.factor, step_db) for move in context.shown}
        return {m.stem: changed[m.stem] if not meant or m.stem in meant else m.gain_db for m in context.shown}
    latest = [move for move in context.last_moves if not meant or move.stem in meant]
    if request.factor is None:
        return {move.stem: step_db if move.gain_db > 0 else -step_db for move in latest}
    applied = all(context.faders.get(move.stem) for move in context.last_moves)
    share = request.factor - 1.0 if applied else request.factor
    return {move.stem: clamped_db(move.gain_db * share) for move in latest}


def _larger(move: ProposedMove, factor: float | None, step_db: float) -> float:
    if factor is not None:
        return round(move.gain_db * factor, 1)
    wanted = max(abs(move.gain_db) + step_db, 0.0)
    return clamped_db(wanted if move.gain_db > 0 else -wanted)
