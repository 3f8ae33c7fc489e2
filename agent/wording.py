"""Turn tool results into sentences. Every figure comes from a result of this turn."""

import re
from collections.abc import Mapping, Sequence
from string import Template

from pydantic import BaseModel

from mixingbuddy.agent.intents import as_words
from mixingbuddy.agent.results import Applied, Comparison, Explanation, History, Levels, Overview, Proposed
from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.models.advisor import StemAdvice
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.verify import CheckedClaim, Verdict

MOST_FACTS = 3
# What a mix without stems gets in place of moves.
INSIDE_A_MIX = {"mix_without_stems", "role_in_mix"}
# Findings that change how far the advice can be trusted, and so belong into the reply itself.
UNTOLD = {"cannot_say", "absent_in_reference", "beyond_fader"}
CAVEATS = UNTOLD | {"poor_reference_fit", "reference_of_another_song", "not_judged", "hardly_plays"}
METRIC_WORDS = {
    "level_rel_mix_lu": "the level",
    "group_level_rel_known_lu": "the level",
    "gain_to_reference_db": "the distance to the reference",
    "spectral_distance_to_reference_db": "the spectral distance to the reference",
    "loudness_lufs": "the loudness",
    "true_peak_dbtp": "the true peak",
}


def say(sentence: str, **values: object) -> str:
    """One sentence of `prompts/replies.toml`; a missing or unused value raises KeyError."""
    template = Template(str(load_table("replies")[sentence]))
    unused = values.keys() - set(template.get_identifiers())
    if unused:
        raise KeyError(f"the sentence '{sentence}' has no variable {', '.join(sorted(unused))}")
    return template.substitute({key: str(value) for key, value in values.items()})


def spoken(name: str) -> str:
    """A stem's name as a word of a sentence: quoted where it is not plainly one."""
    return name if re.fullmatch(r"[^\W\d_][\w-]*", name) else f"'{name}'"


def number(value: float) -> str:
    """One decimal, and never '-0.0'."""
    return f"{value + 0.0:.1f}" if abs(value) >= 0.05 else "0.0"


def size(value: float) -> str:
    """The amount without its sign, one decimal."""
    return number(abs(value))


def sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def move_words(moves: Sequence[ProposedMove], groups: Mapping[str, str]) -> list[tuple[str, str]]:
    """Each fault as ('Bring vocals up 7.0 dB', reason); stems that share both are spoken of together."""
    faults: dict[tuple[float, str], list[str]] = {}
    for move in moves:
        faults.setdefault((move.gain_db, move.reason), []).append(move.stem)
    lines = []
    for (gain_db, reason), stems in faults.items():
        listed = as_words([spoken(stem) for stem in stems])
        shared = {groups.get(stem) for stem in stems}
        what = f"the {shared.pop()} ({listed})" if len(stems) > 1 and len(shared) == 1 else listed
        lines.append((say("up" if gain_db > 0 else "down", what=what, gain=size(gain_db)), reason))
    return lines


def facts(verdict: Verdict, moved_as: Mapping[str, str]) -> str:
    """What was measured on the render for the stems that moved, at most three of them.

    The stems of a group that moved as one (`moved_as`: stem to group) are one fact.
    """
    told: dict[str, str] = {}
    measured = {claim.stem for claim in verdict.claims if claim.metric == "group_level_rel_known_lu"}
    as_one = measured & set(moved_as.values())
    for claim in verdict.claims:
        if claim.stem is None or claim.after is None:
            continue
        group = moved_as[claim.stem] if moved_as.get(claim.stem) in as_one else None
        if claim.metric == "gain_to_reference_db":
            side = "from" if abs(claim.after) < 0.05 else "below" if claim.after > 0 else "above"
            what = f"the {group}" if group else spoken(claim.stem)
            told[f"reference {what}"] = say("fact_reference", stem=what, after=size(claim.after), side=side)
        elif claim.metric == "level_rel_mix_lu" and group is None:
            before, after = number(claim.before), number(claim.after)
            told[f"level {claim.stem}"] = say("fact_level", stem=spoken(claim.stem), before=before, after=after)
        elif claim.metric == "group_level_rel_known_lu" and claim.stem in as_one:
            before, after = number(claim.before), number(claim.after)
            told[f"level {claim.stem}"] = say("fact_group", group=claim.stem, before=before, after=after)
    levels = [fact for key, fact in told.items() if key.startswith("level ")]
    references = [fact for key, fact in told.items() if key.startswith("reference ")]
    return "; ".join((*levels[:MOST_FACTS], *references[:MOST_FACTS]))


def proof(verdict: Verdict, moved_as: Mapping[str, str]) -> list[str]:
    """The measured result in sentences."""
    measured = facts(verdict, moved_as)
    lines = [say("proof", facts=measured)] if measured else []
    if verdict.headroom_gain_db < 0:
        lines.append(say("headroom", gain=size(verdict.headroom_gain_db)))
    peak = next((claim.after for claim in verdict.claims if claim.metric == "true_peak_dbtp"), None)
    if peak is not None:
        lines.append(say("peak", peak=number(peak)))
    return lines


def proposed(result: Proposed, groups: Mapping[str, str], has_reference: bool, can_answer: bool = False) -> str:
    """The reply to a critique or to a wish; `can_answer` says whether somebody is there to take the next step."""
    if result.status == "broken":
        moves = as_words([line for line, _ in move_words(result.moves, groups)])
        why = "; ".join(_broken(claim) for claim in result.broken[:2] if claim.after is not None)
        return say("broken", moves=moves, why=why)
    lines: list[str] = []
    if not result.distances_db and result.origin == "advisor":
        lines.append(say("reference_unused" if has_reference else "no_reference"))
    if result.origin == "advisor":
        # "Cannot say" about the whole song is the answer itself, and said further down.
        lines += [f.text for f in result.findings if f.kind in CAVEATS and (f.stems or f.kind not in UNTOLD)]
    for move, reason in move_words(result.moves, groups):
        lines.append(
            say("because", move=move, reason=reason)
            if reason and result.origin == "advisor"
            else say("bare", move=move)
        )
    if result.status in {"proved", "partly"} and result.verdict:
        lines.append(" ".join(proof(result.verdict, result.moved_as)))
    if result.withdrawn:
        lines.append(_withdrawn(result, groups))
    if result.status == "nothing_to_do":
        lines.append(_nothing(result))
    if result.held:
        lines.append(sentence_case(say("held", stems=as_words([spoken(stem) for stem in result.held]))))
    if result.origin == "advisor":
        lines += [finding.text for finding in result.findings if finding.kind == "disagreement"]
    if can_answer and result.status in {"proved", "partly"}:
        lines.append(say("next_step" if result.origin == "advisor" else "next_step_user"))
    return "\n".join(lines)


def _nothing(result: Proposed) -> str:
    inside = [finding.text for finding in result.findings if finding.kind in INSIDE_A_MIX]
    if inside:
        inside += [finding.text for finding in result.findings if finding.kind == "cannot_say"]
        return " ".join(inside if len(inside) > 1 else [*inside, say("nothing_inside")])
    if result.other_song:
        return say("nothing_other_song", worst=number(_worst_db(result)))
    if result.distances_db:
        untold = any(finding.kind in UNTOLD for finding in result.findings)
        sentence = "nothing_else_reference" if result.held or untold else "nothing_reference"
        return say(sentence, worst=number(_worst_db(result)))
    if any(finding.kind == "group_balance" for finding in result.findings):
        return say("nothing_clear")
    judged = [finding for finding in result.findings if finding.kind == "group_level"]
    if not judged:
        unable = next((finding.text for finding in result.findings if finding.kind == "cannot_say"), None)
        return say("nothing_found") if unable is None else say("nothing_known", why=unable)
    return say("nothing_prior" if all(finding.severity == "info" for finding in judged) else "nothing_worth_it")


def _worst_db(result: Proposed) -> float:
    """Largest distance to the reference among the stems that are not held."""
    return max((abs(f) for f in result.distances_db.values()), default=0.0)


def _withdrawn(result: Proposed, groups: Mapping[str, str]) -> str:
    why = "; ".join(_broken(claim) for claim in result.broken[:2] if claim.after is not None)
    moves = as_words([line[:1].lower() + line[1:] for line, _ in move_words(result.withdrawn, groups)])
    return say("withdrawn", moves=moves, why=why or "it could not be measured")


def _broken(claim: CheckedClaim) -> str:
    return say(
        "broken_claim",
        metric=METRIC_WORDS[claim.metric],
        stem=spoken(claim.stem) if claim.stem else "the mix",
        predicted=number(claim.predicted),
        after=number(claim.after or 0.0),
        unit=claim.unit,
    )


def levels(result: Levels) -> str:
    """How loud each stem is, and how far the advisor would move it."""
    lines = []
    for stem in result.stems[:8]:
        if stem.level_rel_mix_lu is None or stem.loudness_lufs is None:
            lines.append(say("level_unmeasured", stem=spoken(stem.name), why=stem.unmeasured or "it never sounds"))
        else:
            lines.append(
                say(
                    "level",
                    stem=spoken(stem.name),
                    level=number(stem.level_rel_mix_lu),
                    loudness=number(stem.loudness_lufs),
                )
            )
    grouped = [g for g in result.groups if len(g.stems) > 1 and {s.name for s in result.stems} >= set(g.stems)]
    for group in grouped:
        if group.level_rel_mix_lu is not None and group.loudness_lufs is not None:
            together = say(
                "level",
                stem=f"the {group.group} together",
                level=number(group.level_rel_mix_lu),
                loudness=number(group.loudness_lufs),
            )
            lines.insert(0, together)
    if len(result.stems) > 8:
        lines.append(say("more_stems", count=len(result.stems) - 8))
    return sentence_case("; ".join(lines) + ".")


def overview(result: Overview) -> str:
    """Loudness and true peak of the whole mix."""
    if result.loudness_lufs is None or result.true_peak_dbtp is None:
        return say("mix_unmeasured")
    return say("mix_level", loudness=number(result.loudness_lufs), peak=number(result.true_peak_dbtp))


def comparison(result: Comparison) -> str:
    """Every stem, or every group that was compared as one, against the reference; the largest distance first."""
    lines = []
    if result.fit is not None and result.fit.explained is not None:
        lines.append(
            say("reference_fit", explained=f"{100 * result.fit.explained:.1f}", reference=result.reference or "")
        )
    together: dict[str, list[StemAdvice]] = {}
    for advice in sorted(result.stems, key=lambda a: -abs(a.measured_db)):
        together.setdefault(result.judged_as.get(advice.stem, advice.stem), []).append(advice)
    off = [
        say(
            "reference_stem_off" if len(members) == 1 else "reference_group_off",
            stem=as_words([spoken(member.stem) for member in members]),
            gain=size(members[0].measured_db),
            side="under" if members[0].measured_db > 0 else "above",
        )
        for members in list(together.values())[:5]
    ]
    return " ".join([*lines, sentence_case("; ".join(off)) + "."]) if off else " ".join(lines)


def explanation(result: Explanation, groups: Mapping[str, str]) -> str:
    """Why the latest moves."""
    told = move_words(result.moves, groups)
    if result.origin == "user":
        lines = [say("why_user", moves=as_words([move[:1].lower() + move[1:] for move, _ in told]))]
    else:
        lines = [say("why_move", move=move, reason=reason) for move, reason in told]
    if result.explanation:
        lines.append(say("in_own_words", words=result.explanation))
    lines.append(result.evidence)
    if result.verdict:
        lines.append(" ".join(proof(result.verdict, result.moved_as)))
    return "\n".join(lines)


def applied(result: Applied, groups: Mapping[str, str]) -> str:
    if result.status == "declined":
        return say("declined", version=result.version)
    moves = as_words([move[:1].lower() + move[1:] for move, _ in move_words(result.moves, groups)])
    return say("applied", moves=moves, version=result.version)


def history(result: History) -> str:
    lines = []
    if result.action != "show":
        done = {"undo": "undone", "redo": "redone", "go": "gone_to"}[result.action]
        if not result.done:
            return say(f"nothing_to_{result.action}")
        lines.append(say(done, version=result.version))
    if result.compared_with is None:
        return " ".join(lines) or say("nothing_changed", version=result.version)
    if not result.changes:
        return " ".join([*lines, say("same_faders", version=result.version, other=result.compared_with)])
    faders = "; ".join(
        say("change", stem=spoken(c.stem), before=number(c.fader_before_db), after=number(c.fader_after_db))
        for c in result.changes[:6]
    )
    lines.append(say("changes", version=result.version, other=result.compared_with, list=faders))
    measured = "; ".join(
        say("change_level", stem=spoken(c.stem), before=number(c.level_before_lu), after=number(c.level_after_lu))
        for c in result.changes[:MOST_FACTS]
        if c.level_before_lu is not None and c.level_after_lu is not None
    )
    if measured and result.loudness_before_lufs is not None and result.loudness_after_lufs is not None:
        lines.append(
            say(
                "changes_levels",
                list=measured,
                loudness_before=number(result.loudness_before_lufs),
                loudness_after=number(result.loudness_after_lufs),
            )
        )
    return " ".join(lines)


def own_words(results: Sequence[BaseModel], groups: Mapping[str, str], has_reference: bool) -> str:
    """A true reply from the latest result of each kind, for a model that could not write one."""
    latest = {type(result): result for result in results}
    lines: list[str] = []
    for result in latest.values():
        if isinstance(result, Proposed):
            lines.append(proposed(result, groups, has_reference))
        elif isinstance(result, Overview):
            lines.append(overview(result))
        elif isinstance(result, Levels):
            lines.append(levels(result))
        elif isinstance(result, Comparison):
            lines.append(comparison(result))
        elif isinstance(result, Explanation):
            lines.append(explanation(result, groups))
        elif isinstance(result, Applied):
            lines.append(applied(result, groups))
        elif isinstance(result, History):
            lines.append(history(result))
    return " ".join(line for line in lines if line) or say("nothing_measured")
