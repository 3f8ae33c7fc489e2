"""Proposals of the offline planner: tried, revised until they hold, applied where the user chose so, then told."""

from typing import Any

from mixingbuddy.agent.locks import limit_db
from mixingbuddy.agent.results import Applied, Proposed
from mixingbuddy.agent.speech import wording_moves
from mixingbuddy.agent.speech.guiding import guiding_question
from mixingbuddy.agent.speech.turn import Turn
from mixingbuddy.agent.speech.voice import HINT, REASON, Line, as_words, spoken
from mixingbuddy.agent.speech.wishes import too_far
from mixingbuddy.tools.moves import clamped_db


def advised(turn: Turn, by_level: bool = True) -> list[Line]:
    """What the advisor would move; with help level 'teach' a question first.

    `by_level` is false where only a fact was asked for: it is told as it is, whatever the help level, and not applied.
    """
    result = tried(turn, "ask_advisor")
    if by_level and turn.context.help_level == "teach" and result.moves and turn.context.interactive:
        return guiding_question(turn, result)
    return told(turn, result, by_level=by_level)


def moved(turn: Turn, moves: dict[str, float], why: list[Line] | None = None, by_level: bool = True) -> list[Line]:
    """These moves, tried; `why` is said right after them."""
    stem = too_far(moves, turn.context)
    if stem is not None:
        return [Line(turn.say("too_far", stem=spoken(stem)))]
    wanted = [{"stem": stem, "gain_db": clamped_db(gain_db)} for stem, gain_db in moves.items()]
    return told(turn, tried(turn, "try_moves", moves=wanted), why, by_level)


def tried(turn: Turn, tool: str, **arguments: Any) -> Proposed:
    """A proposal that was rendered and measured, and revised while a claim of it was broken."""
    result = turn.ask(Proposed, tool, **arguments)
    while result.status == "broken":
        result = turn.ask(Proposed, "try_moves", moves=_revised(result))
    return result


def told(turn: Turn, result: Proposed, why: list[Line] | None = None, by_level: bool = True) -> list[Line]:
    """A proposal in words; applied before that where the user asked for it, or chose once that small moves may be."""
    context = turn.context
    proved = result.status == "proved" and bool(result.moves) and context.interactive
    applies = by_level and context.help_level == "apply"
    if proved and (turn.asks_for("apply") or (applies and _is_small(turn, result))):
        done = turn.ask(Applied, "apply_moves")
        return _applied(turn, result, done, why or [])
    lines = wording_moves.proposed(
        turn.voice, turn.naming, result, context.reference is not None, can_answer=context.interactive
    )
    count = sum(1 for line in lines if line.rank == 0 and result.moves)
    lines[count:count] = why or []
    if proved and applies:
        lines = [line for line in lines if line.rank != HINT]
        lines.append(Line(turn.say("too_large_to_apply"), HINT))
    return lines


def applied_already(turn: Turn) -> list[Line] | None:
    """What was applied earlier in this turn; from then on the song stands elsewhere, and nothing is worked out anew."""
    done, result = turn.latest(Applied), turn.latest(Proposed)
    if done is None:
        return None
    return _applied(turn, result, done, []) if result else wording_moves.applied(turn.voice, turn.naming, done)


def _applied(turn: Turn, result: Proposed, done: Applied, why: list[Line]) -> list[Line]:
    lines = wording_moves.applied(turn.voice, turn.naming, done)
    if done.status != "applied" or done.edited:
        return lines
    reasons = [Line(turn.say("applied_because", reason=reason), REASON) for reason in _reasons(result)]
    cut = [spoken(stem) for stem in dict.fromkeys((*result.limited, *_cut(turn, done)))]
    reasons += [Line(turn.say("limited", stems=as_words(cut)), REASON)] if cut else []
    measured = wording_moves.proof(turn.voice, result.verdict, result.moved_as) if result.verdict else ""
    return [lines[0], *why, *reasons, Line(measured, REASON), *lines[1:]]


def _cut(turn: Turn, done: Applied) -> list[str]:
    """Stems that the user wanted to go further than their limit lets them."""
    gains = {move.stem: abs(move.gain_db) for move in done.moves}
    wanted = [(stem, r.amount_db) for r in turn.requests if r.amount_db is not None for stem in r.stems]
    limited = {stem for stem in gains if limit_db(turn.context.locks, stem) is not None}
    return [stem for stem, size_db in wanted if stem in limited and gains[stem] < size_db - 0.05]


def _reasons(result: Proposed) -> list[str]:
    if result.origin != "advisor":
        return []
    return list(dict.fromkeys(move.reason for move in result.moves if move.reason))


def _is_small(turn: Turn, result: Proposed) -> bool:
    return all(abs(move.gain_db) <= turn.context.apply_limit_db for move in result.moves)


def _revised(result: Proposed) -> list[dict[str, Any]]:
    """The moves again, each by as much further as its broken claim says is missing."""
    missing = {
        c.stem: c.after - c.predicted
        for c in result.broken
        if c.metric == "gain_to_reference_db" and c.after is not None
    }
    return [
        {"stem": move.stem, "gain_db": clamped_db(move.gain_db + missing.get(move.stem, 0.0))} for move in result.moves
    ]
