"""Directions in a reply: up and down, too loud and too quiet, above and below, louder than."""

import re
from collections.abc import Iterator
from functools import lru_cache

from mixingbuddy.agent.guarding.figures import BARE, Figure
from mixingbuddy.agent.guarding.reply_clauses import Clause, phrases
from mixingbuddy.agent.guarding.reply_evidence import Evidence
from mixingbuddy.agent.guarding.reply_words import amount, distance, name, way
from mixingbuddy.prompts import load_table

SAME_LEVEL_LU = 0.05
_SPLIT_DOWN = re.compile(r"\b(?:pull|push|ease|dial|hold|turn|roll|sit)\w* (?:\S+ ){0,5}?back\b(?! up)")
_LOUDER_THAN = re.compile(r"§.*\b(louder|higher|quieter|softer|lower) (?:in the mix )?than (?:the )?§")
_MOST = re.compile(r"\b(loudest|quietest|softest)\b")
# Words of a clause that tells where something stands, not how far it goes.
_STANDING = re.compile(r"\b(?:from|to|at|between) [-+−–]?[\d.]|\b(?:sits?|stands?|lies|level|peaks?)\b")
_MORE_OR_LESS = re.compile(r"(?:db|decibels?|\d) (more|less)\b|\b(more|less) (?:of the |of )?§")
_USERS_WORDS = ("you said", "you asked", "you find", "your ear")


def way_of(clause: Clause) -> int:
    """1 for a clause that says only up, -1 for one that says only down, else 0."""
    text = phrases("directions", "idioms").sub(" ", clause.text)
    text = _SPLIT_DOWN.sub("down", text)
    amounts = {match[1] or match[2] for match in _MORE_OR_LESS.finditer(text)}
    ups = "more" in amounts or phrases("directions", "up").search(text) is not None
    downs = "less" in amounts or phrases("directions", "down").search(text) is not None
    return (ups > downs) - (downs > ups)


def proposes(clause: Clause) -> bool:
    """Whether the clause tells the user to move something: 'bring ...', 'I would raise ...'."""
    return _imperative().search(clause.text) is not None


def is_amount(figure: Figure, clause: Clause) -> bool:
    """Whether a figure says how far something goes or is off, not where it stands."""
    if figure.unit not in {BARE, "dB"} or " lu" in figure.text.casefold():
        return False
    if figure.signed and figure.value > 0:
        return True
    said = re.escape(" ".join(figure.text.casefold().split()))
    before, after = ("|".join(load_table("claims")["bare"][f"amount_{side}"]) for side in ("before", "after"))
    beside = rf"\b(?:{before}) (?:\S+ )?{said}|{said}(?: db)? (?:{after})\b(?! the mix| the whole)"
    return re.search(beside, clause.text) is not None or (bool(way_of(clause)) and not _STANDING.search(clause.text))


def compares(clause: Clause) -> bool:
    """Whether the clause says how stems stand to each other or to the reference, not where they go."""
    return " than " in clause.text or bool(clause.says("state", "loud", "quiet", "over_reference", "under_reference"))


@lru_cache(maxsize=1)
def _imperative() -> re.Pattern[str]:
    table = load_table("claims")["proposing"]
    leads, verbs = ("|".join(map(re.escape, table[kind])) for kind in ("leads", "verbs"))
    return re.compile(rf"^\W*(?:\d+[.)]\s*)?(?:(?:{leads}) )*(?:{verbs})\b")


def moves(clause: Clause, evidence: Evidence) -> Iterator[str]:
    """Up where it goes down, and the other way round; and moves that nothing in the turn speaks for."""
    said = way_of(clause)
    if not said or not clause.stems or clause.denied or clause.question or compares(clause) or evidence.only_explains:
        return
    known = {stem: evidence.direction(stem) for stem in clause.stems}
    wrong = [stem for stem, goes in known.items() if goes == -said]
    if wrong and said not in known.values():
        yield f"{name(wrong[0])} goes {way(-said)}, not {way(said)}{amount(wrong[0], evidence)}"
    elif not any(known.values()) and _unproved(clause, evidence):
        yield (
            f"nothing was measured in this turn that speaks for moving {name(clause.stems[0])}; "
            "call try_moves before you propose it"
        )


def _unproved(clause: Clause, evidence: Evidence) -> bool:
    if clause.conditional or clause.text.startswith(_USERS_WORDS):
        return False
    return proposes(clause) or not evidence.answers


def states(clause: Clause, evidence: Evidence) -> Iterator[str]:
    """Too loud where it is too quiet, and above the reference where it is below."""
    if not clause.stems or clause.denied or clause.question or clause.conditional or " than the §" in clause.text:
        return
    if evidence.only_explains:
        return
    if clause.says("state", "over_reference", "under_reference"):
        yield from _beside_reference(clause, evidence)
        return
    loud, quiet = clause.says("state", "loud"), clause.says("state", "quiet")
    if not (loud or quiet):
        return
    said = -1 if loud else 1
    needs = {stem: evidence.need(stem) for stem in clause.stems}
    wrong = [stem for stem, need in needs.items() if need == -said]
    if wrong and said not in needs.values():
        goes = f"it has to go {way(-said)}{amount(wrong[0], evidence)}"
        yield f"{name(wrong[0])} is not {loud or quiet}: measured, {goes}"
    elif not evidence.answers and not clause.text.startswith(("you ", "your ear")):
        yield f"nothing was measured in this turn about {name(clause.stems[0])}; call a tool before you judge it"


def _beside_reference(clause: Clause, evidence: Evidence) -> Iterator[str]:
    stem, above = clause.stems[0], bool(clause.says("state", "over_reference"))
    facts = evidence.ledger.of((stem,), "distance")
    sides = {fact.value < 0 for fact in facts if abs(fact.value) >= SAME_LEVEL_LU}
    if sides and above not in sides:
        true, false = ("below", "above") if above else ("above", "below")
        yield f"{name(stem)} is {true} the reference, not {false} it{distance(stem, evidence)}"
        return
    sizes = [figure for figure in clause.figures if figure.unit in {BARE, "dB"}]
    standing = evidence.to_reference_db(stem)
    if sizes and standing is not None and not any(s.rounds(f.value) for s in sizes for f in facts):
        yield f"the size is wrong for {name(stem)}{distance(stem, evidence)}"


def comparisons(clause: Clause, evidence: Evidence) -> Iterator[str]:
    """'The bass is louder than the vocals', 'the loudest is the bass': the levels are measured."""
    if clause.denied or clause.question:
        return
    match = _LOUDER_THAN.search(clause.text)
    if match is not None and len(clause.mentions) == 2:
        yield from _compared(clause, match[1] in {"louder", "higher"}, match[1], evidence)
    most = _MOST.search(clause.text)
    if most is not None and len(clause.stems) == 1 and "alone" not in clause.text:
        yield from _extreme(clause.stems[0], most[1], evidence)


def _compared(clause: Clause, louder: bool, said: str, evidence: Evidence) -> Iterator[str]:
    one, other = clause.mentions
    levels = evidence.level_lu(one.owners), evidence.level_lu(other.owners)
    if levels[0] is None or levels[1] is None or abs(levels[0] - levels[1]) < SAME_LEVEL_LU:
        return
    if (levels[0] > levels[1]) != louder:
        yield (
            f"{name(one.words)} is at {levels[0]:.1f} LU and {name(other.words)} at {levels[1]:.1f} LU in the mix, "
            f"so it is not {said}"
        )


def _extreme(stem: str, said: str, evidence: Evidence) -> Iterator[str]:
    levels = {one: level for one in evidence.roles if (level := evidence.level_lu((one,))) is not None}
    if stem not in levels or len(levels) < len(evidence.roles):
        return
    right = (max if said == "loudest" else min)(levels, key=lambda one: levels[one])
    if abs(levels[right] - levels[stem]) >= SAME_LEVEL_LU:
        yield f"{name(right)} is the {said} at {levels[right]:.1f} LU in the mix, not {name(stem)}"
