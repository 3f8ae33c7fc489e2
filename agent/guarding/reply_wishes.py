"""The user's wishes in a reply: no move that a lock forbids, no lock that is denied or invented."""

from collections.abc import Iterator

from mixingbuddy.agent.guarding.reply_clauses import Clause
from mixingbuddy.agent.guarding.reply_directions import compares, is_amount, proposes, way_of
from mixingbuddy.agent.guarding.reply_evidence import Evidence
from mixingbuddy.agent.guarding.reply_words import name, way
from mixingbuddy.agent.locks import forbidding, limit_db, lock_words


def wishes(clause: Clause, evidence: Evidence) -> Iterator[str]:
    """Locks that are denied or invented, and moves that the user's wishes do not allow."""
    locks = evidence.locks
    if evidence.context is None and not locks:
        return
    held = {stem for lock in locks if lock.kind == "keep" for stem in lock.stems}
    if clause.says("locks", "none"):
        wrong = [stem for stem in clause.stems if stem in held] if clause.stems else list(held)
        limits = [lock for lock in locks if lock.kind == "limit"] if "limit" in clause.text else []
        if wrong or limits:
            told = limits[0] if limits else next(one for one in locks if one.kind == "keep" and wrong[0] in one.stems)
            yield f"that is not true: {lock_words(told)}"
        return
    if clause.says("locks", "claims") and clause.stems and not clause.denied and not clause.question:
        free = [stem for stem in clause.stems if not any(stem in lock.stems for lock in locks)]
        if len(free) == len(clause.stems):
            yield f"{name(free[0])} is not locked"
    if clause.says("locks", "respected") or clause.denied or clause.question or clause.conditional:
        return
    yield from _forbidden(clause, evidence)


def _forbidden(clause: Clause, evidence: Evidence) -> Iterator[str]:
    """Moves that the user's wishes do not allow."""
    said = way_of(clause)
    if not said or compares(clause):
        return
    moving = proposes(clause) or bool(clause.figures)
    if evidence.explains or evidence.latest("explain_moves"):
        return  # what was proposed before the user said so may still be told, and what books advise
    own_wish = (evidence.proposal or {}).get("origin") == "user"
    for stem in clause.stems if moving else ():
        lock = forbidding(evidence.locks, stem, float(said), advised=not own_wish)
        if lock is not None and not (own_wish and stem in evidence.moves):
            yield f"{name(stem)} must not go {way(said)}: {lock_words(lock)}"
        limit = limit_db(evidence.locks, stem)
        amounts = [figure for figure in clause.figures if figure.unit == "dB" and is_amount(figure, clause)]
        if limit is not None and any(abs(f.value) - f.slack[0] > limit for f in amounts):
            yield f"{name(stem)} may not move that far: the user set a limit of {limit:g} dB"
