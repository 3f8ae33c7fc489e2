"""Figures in a reply: measured, of the stem that the clause is about, of the right quantity, and in the right order."""

import re
from collections.abc import Iterator
from itertools import pairwise

from mixingbuddy.agent.guarding.figures import BARE, LEVEL_UNITS, TIME, Figure
from mixingbuddy.agent.guarding.ledger import Fact
from mixingbuddy.agent.guarding.reply_clauses import Clause
from mixingbuddy.agent.guarding.reply_directions import is_amount
from mixingbuddy.agent.guarding.reply_evidence import Evidence
from mixingbuddy.tools.errors import printable

MOST_TOLD = 4
_STANDINGS = frozenset({"level", "loudness", "peak", "range", "spectrum"})
_AMOUNTS = frozenset({"move", "distance", "interval", "change"})
# A clause about the mix, not about a stem.
_WHOLE = re.compile(r"(?:the |your |overall |whole |integrated )*(?:mix|loudness|master|sum)\b")
_TO = re.compile(r"\bto\b|→|->")
_COUNTED = re.compile(r"(?<![\w.-])(\d{1,4}) (?:stems|tracks|faders|channels)\b")


def figures(clause: Clause, evidence: Evidence) -> Iterator[str]:
    """Figures that were not measured, or not of the stem that the clause is about."""
    for figure in clause.figures:
        yield from _figure(figure, clause, evidence)
    yield from _order(clause, evidence)
    for count in _COUNTED.findall(clause.text):
        if int(count) > len(evidence.roles):
            yield f"'{count}' is not true: the song has {len(evidence.roles)} stems"


def _figure(figure: Figure, clause: Clause, evidence: Evidence) -> Iterator[str]:
    alike = evidence.ledger.holding(figure)
    holding = [fact for fact in alike if _counts(fact, figure, clause)]
    others = dict.fromkeys(
        owner for f in alike if f.source == "measured" and not set(f.of) & clause.owners for owner in f.of[:1]
    )
    if not holding and clause.stems and others:
        whose = ", ".join(f"'{owner}'" for owner in others)
        yield f"'{figure.text}' was measured of {whose}, not of {_named(clause)}{_told(clause, figure, evidence)}"
    elif not holding:
        yield f"'{figure.text}' was not measured{_told(clause, figure, evidence)}"
    elif clause.listed and len(clause.figures) == 1:
        of_all = any(not fact.of for fact in holding)
        owned = {owner for fact in holding for owner in fact.of}
        lacking = [m for m in clause.mentions if m.owners and not owned & set(m.owners)]
        if lacking and not of_all:
            yield f"'{figure.text}' was not measured of '{lacking[0].words}'{_told(clause, figure, evidence)}"


def _counts(fact: Fact, figure: Figure, clause: Clause) -> bool:
    """Whether a fact may stand behind a figure in this clause."""
    if figure.unit == TIME and clause.says("moods", "example"):
        return True  # how a time is written, not when something is
    if fact.source == "known":
        return bool(clause.says("known", fact.said))
    if fact.source == "literature":
        special = clause.stems and not clause.carried and figure.unit in {BARE, *LEVEL_UNITS}
        general = not special or bool(clause.says("moods", "literature"))
        return general and not clause.says("moods", "measured")
    if clause.owners and fact.of and not set(fact.of) & clause.owners:
        return False
    if fact.what == "spectrum" and not clause.says("moods", "spectral"):
        return False
    if not clause.owners and fact.of and _WHOLE.match(clause.text):
        return False
    if clause.owners and not fact.of and fact.source == "measured" and figure.unit in {BARE, *LEVEL_UNITS}:
        return bool(clause.says("moods", "whole"))
    # A level is no amount: 'bring it up 12.9 dB' is not borne out by a level of -12.9 LU. Nor is a change a level.
    if fact.what in _STANDINGS:
        return not is_amount(figure, clause)
    return fact.what not in _AMOUNTS or not _is_level(figure, clause)


def _is_level(figure: Figure, clause: Clause) -> bool:
    """Whether a figure says where something stands: 'at -6 LU'."""
    before = clause.marked[: figure.at].casefold().rstrip("-+−– ")
    return " lu" in figure.text.casefold() and before.endswith((" at", " to", " from"))


def _order(clause: Clause, evidence: Evidence) -> Iterator[str]:
    """'From -3.3 to -9.3 LU' where it went from -9.3 to -3.3 LU."""
    facts = evidence.ledger.of(clause.owners)
    for first, second in pairwise(sorted(clause.figures, key=lambda figure: figure.at)):
        if not _TO.search(clause.marked[first.at : second.at]):
            continue
        went = [(b, a) for b in facts for a in facts if (b.when, a.when) == ("before", "after") and b.what == a.what]
        forth = any(first.rounds(b.value) and second.rounds(a.value) for b, a in went)
        back = [(b, a) for b, a in went if first.rounds(a.value) and second.rounds(b.value)]
        if back and not forth:
            before, after = back[0]
            yield f"{_named(clause)} went from {before.value:.1f} to {after.value:.1f} {_unit(after)}, not back"


def _named(clause: Clause) -> str:
    return ", ".join(f"'{printable(mention.words, 40)}'" for mention in clause.mentions[:3])


def _told(clause: Clause, figure: Figure, evidence: Evidence) -> str:
    """What is true instead: the figures of that unit that were measured of the stems."""
    facts = evidence.ledger.of(clause.owners) if clause.owners else ()
    alike = [fact for fact in facts if fact.unit == figure.unit or figure.unit == BARE]
    alike = [fact for fact in alike if fact.what not in {"interval", "other"}] or alike
    told = list(dict.fromkeys(f"{fact.value + 0.0:.1f} {_unit(fact)}" for fact in alike))[:MOST_TOLD]
    return f"; measured of {_named(clause)}: {', '.join(told)}" if told else ""


def _unit(fact: Fact) -> str:
    return "LU in the mix" if fact.what == "level" else fact.unit
