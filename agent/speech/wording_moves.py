"""Fader moves in words: what is proposed, what was measured on the render, what was applied, and why."""

import math
from collections.abc import Mapping, Sequence

from mixingbuddy.agent.results import Applied, Explanation, Held, Proposed
from mixingbuddy.agent.speech.voice import (
    ANSWER,
    ASIDE,
    HINT,
    REASON,
    Line,
    Naming,
    Voice,
    as_words,
    number,
    quoted,
    size,
    spoken,
)
from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.tools.verify import CheckedClaim, Verdict

MOST_FACTS = 3
MOST_REASONS = 3  # in one reply; the largest faults come first, and "why?" tells all of them
# What a mix without stems gets in place of moves.
INSIDE_A_MIX = {"mix_without_stems", "role_in_mix"}
# Findings that change how far the advice can be trusted, and so belong into the reply itself.
UNTOLD = {"cannot_say", "absent_in_reference", "beyond_fader"}
CAVEATS = UNTOLD | {"poor_reference_fit", "reference_of_another_song", "not_judged", "hardly_plays"}
WHOLE = {"poor_reference_fit", "reference_of_another_song"}
METRIC_WORDS = {
    "level_rel_mix_lu": "the level",
    "group_level_rel_known_lu": "the level",
    "gain_to_reference_db": "the distance to the reference",
    "spectral_distance_to_reference_db": "the spectral distance to the reference",
    "loudness_lufs": "the loudness",
    "true_peak_dbtp": "the true peak",
}


def move_words(voice: Voice, naming: Naming, moves: Sequence[ProposedMove]) -> list[tuple[str, str]]:
    """Each fault as ('Bring vocals up 7.0 dB', reason); stems that share both are spoken of together."""
    faults: dict[tuple[float, str], list[str]] = {}
    for move in moves:
        faults.setdefault((move.gain_db, move.reason), []).append(move.stem)
    return [
        (voice.say("up" if gain_db > 0 else "down", what=naming.stems(stems), gain=size(gain_db)), reason)
        for (gain_db, reason), stems in faults.items()
    ]


def moves_in_a_row(voice: Voice, naming: Naming, moves: Sequence[ProposedMove]) -> str:
    """All moves inside a sentence: 'vocals up 7.0 dB and the drums (Kick and Snare) down 2.0 dB'."""
    together: dict[float, list[str]] = {}
    for move in moves:
        together.setdefault(move.gain_db, []).append(move.stem)
    return as_words(
        [
            voice.say("short_up" if gain_db > 0 else "short_down", what=naming.stems(stems), gain=size(gain_db))
            for gain_db, stems in together.items()
        ]
    )


def facts(voice: Voice, verdict: Verdict, moved_as: Mapping[str, str]) -> str:
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
            told[f"reference {what}"] = voice.say("fact_reference", stem=what, after=size(claim.after), side=side)
        elif claim.metric == "level_rel_mix_lu" and group is None:
            before, after = number(claim.before), number(claim.after)
            if before != after:  # all faders by the same amount change no level in the mix
                told[f"level {claim.stem}"] = voice.say(
                    "fact_level", stem=spoken(claim.stem), before=before, after=after
                )
        elif claim.metric == "group_level_rel_known_lu" and claim.stem in as_one:
            before, after = number(claim.before), number(claim.after)
            if before != after:
                told[f"level {claim.stem}"] = voice.say("fact_group", group=claim.stem, before=before, after=after)
    levels = [fact for key, fact in told.items() if key.startswith("level ")]
    references = [fact for key, fact in told.items() if key.startswith("reference ")]
    return "; ".join((*levels[:MOST_FACTS], *references[:MOST_FACTS]))


def proof(voice: Voice, verdict: Verdict, moved_as: Mapping[str, str]) -> str:
    """The measured result in sentences."""
    return " ".join(line.text for line in proof_lines(voice, verdict, moved_as))


def proof_lines(voice: Voice, verdict: Verdict, moved_as: Mapping[str, str]) -> list[Line]:
    """The measured result: levels, the headroom that was needed, then loudness and peak of the whole mix."""
    measured = facts(voice, verdict, moved_as)
    lines = [Line(voice.say("proof", facts=measured), REASON)] if measured else []
    if verdict.headroom_gain_db < 0:
        lines.append(Line(voice.say("headroom", gain=size(verdict.headroom_gain_db)), ASIDE))
    whole = {claim.metric: claim.after for claim in verdict.claims if claim.stem is None and claim.after is not None}
    loudness, peak = whole.get("loudness_lufs"), whole.get("true_peak_dbtp")
    if loudness is not None and peak is not None:
        lines.append(Line(voice.say("whole_mix", loudness=number(loudness), peak=number(peak)), REASON))
    elif peak is not None:
        lines.append(Line(voice.say("peak", peak=number(peak)), REASON))
    return lines


def proposed(
    voice: Voice, naming: Naming, result: Proposed, has_reference: bool, can_answer: bool = False
) -> list[Line]:
    """The reply to a critique or to a wish; `can_answer` says whether somebody is there to take the next step."""
    if result.status == "broken":
        moves = moves_in_a_row(voice, naming, result.moves)
        return [Line(voice.say("broken", moves=moves, why=_why_broken(voice, result)))]
    advised = result.origin == "advisor"
    faults = move_words(voice, naming, result.moves)
    most_reasons = len(faults) if len(faults) <= MOST_REASONS else MOST_REASONS - 1
    lines = [
        Line(
            voice.say("because", move=move, reason=reason)
            if reason and advised and index < most_reasons
            else voice.say("bare", move=move)
        )
        for index, (move, reason) in enumerate(faults)
    ]
    kept = held(voice, naming, result.held)
    if result.status == "nothing_to_do":
        # What speaks against a move that is due comes before "nothing else".
        lines += [*(line._replace(rank=ANSWER) for line in kept), Line(_nothing(voice, result))]
        kept = []
    if result.limited:
        stems = as_words([spoken(stem) for stem in result.limited])
        if result.moves or result.withdrawn:
            lines.append(Line(voice.say("limited", stems=stems), REASON))
        else:
            lines.insert(0, Line(voice.say("limit_keeps", stems=stems)))
    if result.status in {"proved", "partly"} and result.verdict:
        lines += proof_lines(voice, result.verdict, result.moved_as)
    if result.withdrawn:
        moves = moves_in_a_row(voice, naming, result.withdrawn)
        lines.append(Line(voice.say("withdrawn", moves=moves, why=_why_broken(voice, result))))
    lines += kept
    if advised:
        lines += _trust(voice, result, has_reference)
    if can_answer and result.status in {"proved", "partly"}:
        lines.append(Line(voice.say("next_step" if advised else "next_step_user"), HINT))
    return lines


def _trust(voice: Voice, result: Proposed, has_reference: bool) -> list[Line]:
    """How far the advice can be trusted."""
    # "Cannot say" about the whole song is the answer itself, and said before.
    found = [f for f in result.findings if f.kind in CAVEATS and (f.stems or f.kind not in UNTOLD)]
    # What the whole comparison rests on is said whatever else is left out.
    lines = [Line(f.text, ANSWER if f.kind in WHOLE else REASON if f.severity != "info" else ASIDE) for f in found]
    if not result.distances_db:
        lines.insert(0, Line(voice.say("reference_unused" if has_reference else "no_reference"), REASON))
    return lines + [Line(f.text, ASIDE) for f in result.findings if f.kind == "disagreement"]


def held(voice: Voice, naming: Naming, kept: Sequence[Held]) -> list[Line]:
    """Moves that would be needed and that the user does not want; stems with one reason in one sentence."""
    together: dict[tuple[object, ...], list[Held]] = {}
    for one in kept:
        together.setdefault((one.kind, one.gain_db, one.words, one.reason), []).append(one)
    lines = []
    for (kind, gain_db, _, reason), ones in together.items():
        way = "up" if float(str(gain_db)) > 0 else "down"
        stems = as_words([spoken(one.stem) for one in ones])
        told = {"stems": stems, "way": way, "gain": size(ones[0].gain_db)}
        if kind == "rejected":
            why = voice.say("because_you_said", words=quoted(str(reason))) if reason else ""
            lines.append(Line(voice.say("held_rejected", **told, why=why), REASON))
        elif kind == "taste":
            liked = "low" if way == "up" else "loud"
            lines.append(Line(voice.say("held_taste", **told, pronoun=_pronoun(ones), liked=liked), REASON))
        else:
            lines.append(Line(voice.say("held_keep", **told), REASON))
    return lines


def _pronoun(ones: Sequence[Held]) -> str:
    return "it" if len(ones) == 1 else "them"


def _nothing(voice: Voice, result: Proposed) -> str:
    inside = [finding.text for finding in result.findings if finding.kind in INSIDE_A_MIX]
    if inside:
        inside += [finding.text for finding in result.findings if finding.kind == "cannot_say"]
        return " ".join(inside if len(inside) > 1 else [*inside, voice.say("nothing_inside")])
    worst_db = _worst_db(result)
    if result.other_song and worst_db is not None:
        return voice.say("nothing_other_song", worst=number(worst_db))
    if worst_db is not None:
        untold = any(finding.kind in UNTOLD for finding in result.findings)
        key = "nothing_else_reference" if result.held or result.limited or untold else "nothing_reference"
        return voice.say(key, worst=number(worst_db))
    if result.held or result.limited:
        return voice.say("nothing_else")
    if any(finding.kind == "group_balance" for finding in result.findings):
        return voice.say("nothing_clear")
    judged = [finding for finding in result.findings if finding.kind == "group_level"]
    if not judged:
        unable = next((finding.text for finding in result.findings if finding.kind == "cannot_say"), None)
        return voice.say("nothing_found") if unable is None else voice.say("nothing_known", why=unable)
    inside_range = all(finding.severity == "info" for finding in judged)
    return voice.say("nothing_prior" if inside_range else "nothing_worth_it")


def _worst_db(result: Proposed) -> float | None:
    """Largest distance to the reference among the stems that no wish keeps there, rounded up as a bound."""
    kept = {*(one.stem for one in result.held), *result.limited}
    worst = max((abs(f) for stem, f in result.distances_db.items() if stem not in kept), default=None)
    return None if worst is None else math.ceil(worst * 10 - 1e-9) / 10


def _why_broken(voice: Voice, result: Proposed) -> str:
    told = [_broken(voice, claim) for claim in result.broken[:2] if claim.after is not None]
    return "; ".join(told) or voice.say("not_measured")


def _broken(voice: Voice, claim: CheckedClaim) -> str:
    return voice.say(
        "broken_claim",
        metric=METRIC_WORDS[claim.metric],
        stem=spoken(claim.stem) if claim.stem else "the mix",
        predicted=number(claim.predicted),
        after=number(claim.after or 0.0),
        unit=claim.unit,
    )


def applied(voice: Voice, naming: Naming, result: Applied) -> list[Line]:
    """What came of a request to apply."""
    moves = moves_in_a_row(voice, naming, result.moves)
    if result.status == "broken":
        return [Line(voice.say("apply_broken", moves=moves, reason=result.reason or voice.say("not_measured")))]
    if result.status != "applied":
        lines = [Line(voice.say("declined", version=result.version))]
        return lines + ([Line(voice.say("kept_in_mind", words=quoted(result.reason)))] if result.reason else [])
    key = "applied_by_level" if result.by_help_level else "applied_edited" if result.edited else "applied"
    lines = [Line(voice.say(key, moves=moves, version=result.version))]
    if result.edited and result.verdict:
        lines.append(Line(proof(voice, result.verdict, {}), REASON))
    return [*lines, Line(voice.say("undo_hint"), ASIDE)]


def explanation(voice: Voice, naming: Naming, result: Explanation) -> list[Line]:
    """Why the latest moves."""
    if result.origin == "user":
        lines = [Line(voice.say("why_user", moves=moves_in_a_row(voice, naming, result.moves)))]
    else:
        told = move_words(voice, naming, result.moves)
        lines = [Line(voice.say("why_move", move=move, reason=reason)) for move, reason in told]
    if result.explanation:
        lines.append(Line(voice.say("in_own_words", words=result.explanation), ASIDE))
    lines.append(Line(result.evidence, REASON))
    if result.verdict:
        lines.append(Line(proof(voice, result.verdict, result.moved_as), ANSWER))
    return lines
