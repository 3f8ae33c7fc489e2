"""What a complaint about the sound rests on: findings that bear it out, who fills the region, which fader may help."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import Inspection, Levels, TurnContext
from mixingbuddy.agent.speech.wishes import PLAIN_MOVE_DB, WORTH_A_MOVE, allowed
from mixingbuddy.models.advisor import StemAdvice
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.roles import group_of

MOST_HOLDERS = 3
LEAST_HOLDER = 0.1
_VOCALS = frozenset({"vocals", "backing_vocals"})


@dataclass(frozen=True)
class Cause:
    """What was measured for a complaint: the findings that bear it out, the stems that fill the region (largest share
    first), and moves that help, with the stem and the reason of the first."""

    findings: tuple[Finding, ...]
    holders: tuple[str, ...]
    moves: dict[str, float]
    judged: str
    reason: str


def entry_of(quality: str) -> dict[str, Any]:
    """What `prompts/complaints.toml` says of a quality."""
    return dict(load_table("complaints")[quality])


def find_cause(
    entry: Mapping[str, Any], request: Request, inspected: Sequence[Inspection], levels: Levels, context: TurnContext
) -> Cause:
    """Hold the complaint against what was measured."""
    found = [finding for one in inspected for finding in one.findings if _bears_out(finding, entry["evidence"])]
    about = set(request.stems)
    found = [finding for finding in found if not about or not finding.stems or about & set(finding.stems)]
    if entry["evidence"] == ["masked"] and not about and "vocals" in entry["roles"]:
        found = [f for f in found if context.stems.get(f.stems[0]) in _VOCALS]
    holders = _holders(inspected, f"{entry['region']}_share")
    moves, reason = _helpful(entry, request, found, holders, levels, context)
    return Cause(tuple(found), holders, allowed(moves, context).moves, next(iter(moves), ""), reason)


def _bears_out(finding: Finding, evidence: Collection[str]) -> bool:
    """Whether a finding is of one of these kinds, above (+), below (-) or outside what was expected."""
    for kind in evidence:
        name, side = (kind[:-1], kind[-1]) if kind[-1] in "+-" else (kind, "")
        if not finding.kind.startswith(name):
            continue
        if not side or finding.value is None or finding.expected is None:
            return True
        low, high = finding.expected
        if (finding.value > high) if side == "+" else (finding.value < low):
            return True
    return False


def _holders(inspected: Sequence[Inspection], key: str) -> tuple[str, ...]:
    shares = {
        name: share
        for one in inspected
        for name, figures in one.figures.items()
        if (share := figures.get(key)) is not None and share >= LEAST_HOLDER
    }
    return tuple(sorted(shares, key=lambda name: -shares[name])[:MOST_HOLDERS])


def _helpful(
    entry: Mapping[str, Any],
    request: Request,
    found: Sequence[Finding],
    holders: Sequence[str],
    levels: Levels,
    context: TurnContext,
) -> tuple[dict[str, float], str]:
    """Moves that a measurement speaks for: the advisor's own first, else the part that fills or hides most."""
    advice = {a.stem: a for a in levels.advice}
    roles = [stem for role in entry["roles"] for stem, own in context.stems.items() if own == role]
    direction = {"up": 1, "down": -1}.get(entry["move"], 0)
    if direction == 0:
        return {}, ""
    meant = list(request.stems) or (roles if direction > 0 else list(dict.fromkeys((*holders, *roles))))
    agreeing = [advice[s] for s in meant if s in advice and _wants(advice[s], direction)]
    if agreeing:
        return _with_their_group(agreeing[0], levels), agreeing[0].reason
    if not found or context.reference is not None:
        # With a reference the advisor has measured where every part belongs; nothing else is justified.
        return {}, ""
    masker = _masker(found, advice, context)
    if masker:
        return {masker: -PLAIN_MOVE_DB}, ""
    filling = [s for s in holders[:1] if _fills(s, advice, context) and (not request.stems or s in request.stems)]
    return ({filling[0]: -PLAIN_MOVE_DB}, "") if filling and direction < 0 else ({}, "")


def _wants(advice: StemAdvice, direction: int) -> bool:
    return advice.gain_db * direction > 0 and advice.p_change >= WORTH_A_MOVE


def _with_their_group(advice: StemAdvice, levels: Levels) -> dict[str, float]:
    """The advised move; of all stems that were judged as one with it."""
    group = levels.judged_as.get(advice.stem)
    stems = [s for s, name in levels.judged_as.items() if name == group] if group else [advice.stem]
    return dict.fromkeys(stems, advice.gain_db)


def _masker(found: Sequence[Finding], advice: Mapping[str, StemAdvice], context: TurnContext) -> str:
    """What hides most, where lowering it goes against no advice."""
    for finding in found:
        if finding.kind != "masked" or finding.severity == "info":
            continue
        target = group_of(context.stems[finding.stems[0]])
        for stem in finding.stems[1:]:
            if group_of(context.stems[stem]) != target and _may_fall(stem, advice):
                return stem
    return ""


def _fills(stem: str, advice: Mapping[str, StemAdvice], context: TurnContext) -> bool:
    return context.stems.get(stem) not in _VOCALS and _may_fall(stem, advice)


def _may_fall(stem: str, advice: Mapping[str, StemAdvice]) -> bool:
    return stem not in advice or not _wants(advice[stem], 1)
