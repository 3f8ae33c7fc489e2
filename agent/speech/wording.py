"""Turn tool results into sentences. Every figure comes from a result of this turn."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from mixingbuddy.agent.requests import MOST_WORDS
from mixingbuddy.agent.results import (
    Applied,
    Comparison,
    Explanation,
    History,
    Inspection,
    Levels,
    Listening,
    NotesChecked,
    Overview,
    Proposed,
    TermExplained,
)
from mixingbuddy.agent.speech import wording_moves, wording_versions
from mixingbuddy.agent.speech.voice import (
    ASIDE,
    REASON,
    Line,
    Naming,
    Voice,
    any_of,
    as_words,
    be,
    fitted,
    lower_start,
    number,
    sentence_case,
    size,
    spoken,
)
from mixingbuddy.models.advisor import StemAdvice
from mixingbuddy.tools.levels import StemLevel

__all__ = ["comparison", "levels", "overview", "own_words", "sentence_case", "term"]
MOST_LEVELS = 8
MOST_DISTANCES = 5
MOST_FINDINGS = 4
MOST_OTHERS = 2


def levels(voice: Voice, result: Levels) -> str:
    """How loud each stem is, and groups whose stems are all among them."""
    if result.part is not None:
        return _part_levels(voice, result)
    lines = [_level(voice, stem) for stem in result.stems[:MOST_LEVELS]]
    names = {stem.name for stem in result.stems}
    for group in result.groups:
        whole = len(group.stems) > 1 and names >= set(group.stems)
        if whole and group.level_rel_mix_lu is not None and group.loudness_lufs is not None:
            lines.insert(
                0,
                voice.say(
                    "level",
                    stem=f"the {group.group} together",
                    level=number(group.level_rel_mix_lu),
                    loudness=number(group.loudness_lufs),
                ),
            )
    if len(result.stems) > MOST_LEVELS:
        lines.append(voice.say("more_stems", count=len(result.stems) - MOST_LEVELS))
    return sentence_case("; ".join(lines) + ".") if lines else voice.say("mix_unmeasured")


def _level(voice: Voice, stem: StemLevel) -> str:
    if stem.level_rel_mix_lu is None or stem.loudness_lufs is None:
        return voice.say("level_unmeasured", stem=spoken(stem.name), why=stem.unmeasured or "it never sounds")
    level, loudness = number(stem.level_rel_mix_lu), number(stem.loudness_lufs)
    return voice.say("level", stem=spoken(stem.name), level=level, loudness=loudness)


def _part_levels(voice: Voice, result: Levels) -> str:
    part = result.part
    assert part is not None
    lines = []
    for stem in result.stems[:MOST_LEVELS]:
        there, whole = part.levels_lu.get(stem.name), stem.level_rel_mix_lu
        if there is None:
            lines.append(voice.say("part_silent", stem=spoken(stem.name)))
        elif whole is None:
            lines.append(voice.say("part_level_alone", stem=spoken(stem.name), level=number(there)))
        else:
            said = {"stem": spoken(stem.name), "level": number(there), "whole": number(whole)}
            lines.append(voice.say("part_level", **said))
    return voice.say(
        "from_to" if part.label[:1].isdigit() else "in_part",
        part=part.label,
        levels="; ".join(lines) or voice.say("part_nothing"),
    )


def overview(voice: Voice, result: Overview) -> str:
    """Loudness and true peak of the whole mix."""
    if result.loudness_lufs is None or result.true_peak_dbtp is None:
        return voice.say("mix_unmeasured")
    return voice.say("mix_level", loudness=number(result.loudness_lufs), peak=number(result.true_peak_dbtp))


def comparison(voice: Voice, result: Comparison) -> list[Line]:
    """Every stem, or every group that was compared as one, against the reference; the largest distance first."""
    lines = []
    if result.fit is not None and result.fit.explained is not None:
        explained = f"{100 * result.fit.explained:.1f}"
        lines.append(voice.say("reference_fit", explained=explained, reference=result.reference or ""))
    together: dict[str, list[StemAdvice]] = {}
    for advice in sorted(result.stems, key=lambda a: -abs(a.measured_db)):
        together.setdefault(result.judged_as.get(advice.stem, advice.stem), []).append(advice)
    apart = [members for members in together.values() if size(members[0].measured_db) != "0.0"][:MOST_DISTANCES]
    if apart:
        lines.append(sentence_case("; ".join(_off(voice, members) for members in apart)) + ".")
    if together and len(apart) < len(together):
        lines.append(voice.say("reference_others_fit" if apart else "reference_all_fit"))
    return [Line(" ".join(lines))] if lines else []


def _off(voice: Voice, members: Sequence[StemAdvice]) -> str:
    stem = as_words([spoken(member.stem) for member in members])
    gain, side = size(members[0].measured_db), "under" if members[0].measured_db > 0 else "above"
    if len(members) > 1:
        return voice.say("reference_group_off", stem=stem, gain=gain, side=side)
    return voice.say("reference_stem_off", stem=stem, sit="sit" if be(stem) == "are" else "sits", gain=gain, side=side)


def findings(result: Inspection) -> list[Line]:
    """What an inspection found, gravest first."""
    return [Line(finding.text, REASON) for finding in result.findings[:MOST_FINDINGS]]


def term(voice: Voice, result: TermExplained) -> list[Line]:
    """A concept, with its source."""
    lead = [Line(voice.say("term_guessed", title=lower_start(result.title)))] if result.guessed else []
    others = [lower_start(title) for title in result.also[:MOST_OTHERS]] if result.guessed else []
    lines = [
        *lead,
        Line(voice.say("term", title=result.title, text=result.what_it_is)),
        Line(voice.say("term_sounds", text=result.how_it_sounds), REASON),
        Line(voice.say("term_try", text=result.what_to_try), REASON),
        Line(voice.say("term_values", text=result.typical_values), ASIDE) if result.typical_values else Line(""),
        Line(voice.say("term_source", source=result.source)),
        Line(voice.say("term_others", titles=any_of(others)), ASIDE) if others else Line(""),
    ]
    return [Line(" ".join(line.text.split()), line.rank) for line in lines]


def own_words(results: Sequence[BaseModel], groups: Mapping[str, str], has_reference: bool) -> str:
    """A true reply from the latest result of each kind, for a model that could not write one."""
    latest = {type(result): result for result in results}
    lines = [line for result in latest.values() for line in _told(result, groups, has_reference)]
    return fitted(lines or [Line(Voice().say("nothing_measured"))], MOST_WORDS)


def _told(result: BaseModel, groups: Mapping[str, str], has_reference: bool) -> list[Line]:
    voice, naming = Voice(), Naming(groups)
    match result:
        case Proposed():
            return wording_moves.proposed(voice, naming, result, has_reference)
        case Explanation():
            return wording_moves.explanation(voice, naming, result)
        case Applied():
            return wording_moves.applied(voice, naming, result)
        case History():
            return wording_versions.history(voice, result)
        case NotesChecked():
            return wording_versions.notes(voice, result)
        case Listening():
            return wording_versions.listening(voice, result)
        case Overview():
            return [Line(overview(voice, result))]
        case Levels():
            return [Line(levels(voice, result))]
        case Comparison():
            return comparison(voice, result)
        case Inspection():
            return findings(result)
        case TermExplained():
            return term(voice, result)
        case _:
            return []
