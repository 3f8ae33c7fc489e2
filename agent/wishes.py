"""From wishes to fader moves: what the user asked for, stem by stem, before anybody speaks or renders."""

from collections.abc import Sequence
from typing import NamedTuple

from mixingbuddy.agent.amounts import load_amounts
from mixingbuddy.agent.intents import Request
from mixingbuddy.agent.results import TurnContext
from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.models.advisor import StemAdvice
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB, clamped_db

WORTH_A_MOVE = 0.5  # probability that a stem needs a change


class Wished(NamedTuple):
    """Moves that were asked for, the stems that a lock keeps, and whether the advisor agreed with every opinion."""

    moves: dict[str, float]
    held: tuple[str, ...]
    agreed: bool


def is_judgement(request: Request) -> bool:
    """Whether a request states that a stem is too loud or too quiet."""
    return request.intent in {"too_loud", "too_quiet"} and not request.question and bool(request.stems)


def is_wish(request: Request) -> bool:
    """Whether a request wants faders moved."""
    return request.intent == "turn" or is_judgement(request)


def gather(requests: Sequence[Request], context: TurnContext, advice: Sequence[StemAdvice]) -> Wished:
    """All wishes as one set of moves. Named moves add up, and go before opinions about the same stem."""
    locked = {stem for lock in context.locks for stem in lock.stems}
    named: dict[str, float] = {}
    judged: dict[str, float] = {}
    agreed = True
    for request in requests:
        for stem in request.stems:
            if request.fader_db is not None:
                named[stem] = request.fader_db - context.faders.get(stem, 0.0)
            elif request.intent == "turn":
                named[stem] = named.get(stem, 0.0) + request.direction * _size_db(request)
            else:
                judged[stem], agrees = _judged_db(request, next((a for a in advice if a.stem == stem), None))
                agreed = agreed and agrees
    moves = judged | named
    held = tuple(stem for stem in moves if stem in locked)
    return Wished({s: round(g, 6) for s, g in moves.items() if s not in locked and abs(g) > 1e-6}, held, agreed)


def _judged_db(request: Request, advice: StemAdvice | None) -> tuple[float, bool]:
    direction = -1 if request.intent == "too_loud" else 1
    agrees = advice is not None and advice.gain_db * direction > 0 and advice.p_change >= WORTH_A_MOVE
    if agrees and advice is not None and not any(letter.isdigit() for letter in request.said):
        return clamped_db(advice.gain_db), True
    return direction * _size_db(request), agrees


def _size_db(request: Request) -> float:
    return load_amounts()["default"] if request.amount_db is None else request.amount_db


def too_far(moves: dict[str, float], context: TurnContext) -> str | None:
    """The first stem whose fader does not go that far."""
    for stem, gain_db in moves.items():
        stands = context.faders.get(stem, 0.0) + gain_db
        if not all(GAIN_MIN_DB <= value <= GAIN_MAX_DB for value in (stands, gain_db)):
            return stem
    return None


def scaled(request: Request, context: TurnContext) -> dict[str, float]:
    """The shown moves made larger or smaller, never turned round; after they were applied, what is still missing."""
    step_db = request.direction * (request.amount_db or load_amounts()["a bit"])
    if context.shown:
        return {move.stem: _larger(move, request.factor, step_db) for move in context.shown}
    if request.factor is None:
        return {move.stem: step_db if move.gain_db > 0 else -step_db for move in context.last_moves}
    applied = all(context.faders.get(move.stem) for move in context.last_moves)
    share = request.factor - 1.0 if applied else request.factor
    return {move.stem: clamped_db(move.gain_db * share) for move in context.last_moves}


def _larger(move: ProposedMove, factor: float | None, step_db: float) -> float:
    if factor is not None:
        return round(move.gain_db * factor, 1)
    wanted = max(abs(move.gain_db) + step_db, 0.0)
    return clamped_db(wanted if move.gain_db > 0 else -wanted)
