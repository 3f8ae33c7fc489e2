"""Claims in a reply: success, what was applied, which version, and what was heard."""

import re
from collections.abc import Iterator

from mixingbuddy.agent.guarding.reply_clauses import Clause
from mixingbuddy.agent.guarding.reply_directions import proposes, way_of
from mixingbuddy.agent.guarding.reply_evidence import Evidence
from mixingbuddy.agent.guarding.reply_words import away, metric, name

NEAR_DB = 1.0  # a stem this close to its place in the reference may be said to match it
_VERSION = re.compile(r"\bversion (\d{1,6})\b")
_STANDING = re.compile(r"\b(?:you are|you're|now|back|stand|standing) (?:on|at) version (\d{1,6})\b")


def success(clause: Clause, evidence: Evidence) -> Iterator[str]:
    """Proved, fixed or like the reference, where the render did not show it; and moves that were withdrawn."""
    if clause.denied or clause.question or clause.conditional:
        return
    proof, better, same = (clause.says("success", kind) for kind in ("proof", "better", "reference"))
    if same:
        yield from _matches(clause, evidence, same)
    elif (proof or better) and not evidence.proved and not (better and _nothing_to_do(evidence)):
        yield f"'{proof or better}' is not borne out: {_verdict(evidence)}"
    verdict = _verdict(evidence)
    if evidence.withdrawn:
        for stem in clause.stems:
            if stem in evidence.withdrawn and way_of(clause) and proposes(clause):
                yield f"the move of {name(stem)} did not do what it promised, so do not propose it: {verdict}"


def _matches(clause: Clause, evidence: Evidence, said: str) -> Iterator[str]:
    distances = {stem: evidence.to_reference_db(stem) for stem in clause.stems or tuple(evidence.roles)}
    known = {stem: d for stem, d in distances.items() if d is not None}
    far = max(known, key=lambda stem: abs(known[stem]), default=None)
    if not known and not any(fact.what == "distance" for fact in evidence.ledger.facts):
        yield f"'{said}' is not borne out: nothing was compared with a reference in this turn"
    elif evidence.withdrawn:
        yield f"'{said}' is not borne out: {_verdict(evidence)}"
    elif far is not None and abs(known[far]) > NEAR_DB and not (_rest(clause) or _nothing_to_do(evidence)):
        yield f"'{said}' is not borne out: {name(far)} is {away(known[far])}"


def _rest(clause: Clause) -> bool:
    """Whether the clause is about the stems that were not named."""
    return not clause.stems and bool(clause.says("mentions", "rest"))


def _nothing_to_do(evidence: Evidence) -> bool:
    proposal, compared = evidence.proposal, evidence.latest("compare_reference", "levels")
    if proposal is not None:
        return proposal.get("status") == "nothing_to_do"
    return compared is not None and not any(a.get("gain_db") for a in compared.get("stems", ()) if isinstance(a, dict))


def _verdict(evidence: Evidence) -> str:
    """What became of the latest moves."""
    proposal = evidence.proposal
    if proposal is None:
        return "nothing was rendered and measured in this turn"
    broken = [c for c in proposal.get("broken", ()) if c.get("after") is not None]
    told = [
        f"{metric(c['metric'])} of {name(c['stem'] or 'the mix')} came to {c['after']:.1f} {c['unit']}, not to "
        f"{c['predicted']:.1f}"
        for c in broken[:2]
    ]
    status = {"withdrawn": "the moves were withdrawn", "broken": "the moves broke their claims"}.get(
        str(proposal.get("status")), f"the status of the moves is '{proposal.get('status')}'"
    )
    return "; ".join([status, *told])


def applied(clause: Clause, evidence: Evidence) -> Iterator[str]:
    """Moves that were not applied, a step that was not taken, and effects that no tool has."""
    effect = clause.says("applied", "effects") if clause.says("applied", "effect_verbs") else ""
    if effect or clause.says("applied", "effects_done"):
        yield f"there are only fader moves here: no {effect or 'effect'} was added"
    if clause.question or clause.conditional or clause.denied:
        return
    said = clause.says("applied", "did") or (re.match(r"^\W*done\b", clause.text) and "done") or ""
    if said and not evidence.applied and not clause.says("moods", "trying") and not _done_otherwise(clause, evidence):
        declined = (evidence.latest("applied") or {}).get("status") == "declined"
        why = "the user declined" if declined else "nothing was applied in this turn"
        yield f"'{said}' is not true: {why}; a proposal waits for the user's 'apply'"
    undone = clause.says("applied", "undid")
    if undone and not evidence.stepped:
        yield f"'{undone}' is not true: the version did not change in this turn"


def _done_otherwise(clause: Clause, evidence: Evidence) -> bool:
    """Done by a tool that keeps something without applying moves, or told of an earlier version."""
    kept = evidence.latest("remember", "history", "listen", "check_notes") is not None
    heard = evidence.context is not None and bool(evidence.context.heard)
    return kept or (heard and not clause.stems)


def versions(clause: Clause, evidence: Evidence) -> Iterator[str]:
    """Versions that there are not, and the wrong one as the current."""
    known, current = _known_versions(evidence)
    if not known:
        return
    for match in _VERSION.finditer(clause.text):
        if int(match[1]) not in known and match[0] not in evidence.asked.casefold():
            yield f"there is no {match[0]}: the versions are 1 to {max(known)}"
    standing = _STANDING.search(clause.text)
    if standing and current is not None and int(standing[1]) in known and int(standing[1]) != current:
        yield f"the user stands on version {current}, not {standing[1]}"


def _known_versions(evidence: Evidence) -> tuple[set[int], int | None]:
    context = evidence.context
    known = set(range(1, max(context.last_version, context.version) + 1)) if context is not None else set()
    current = context.version if context is not None else None
    for answer in evidence.answers:
        if answer.get("tool") == "applied":
            known.add(answer["version"])
            current = answer["version"]
        elif answer.get("tool") == "history":
            known |= {version["id"] for version in answer.get("versions", ())}
            current = answer.get("current", current)
    return known, current


def heard(clause: Clause, evidence: Evidence) -> Iterator[str]:
    """Claims to have listened, or to know how it sounds, where nothing was measured."""
    if evidence.answers or clause.denied:
        return
    said = clause.says("hearing", "heard")
    if said:
        yield f"'{said}' is not true: no tool measured anything in this turn"
    sound = clause.says("hearing", "sounds")
    known = clause.question or clause.conditional or clause.text.startswith("you ")
    if sound and not known and sound not in evidence.asked.casefold():
        yield f"'{sound}' was not measured: no tool was asked in this turn"
