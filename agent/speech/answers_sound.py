"""How it sounds: measured first, then a cause and a fader that helps, or what was measured and a question."""

from collections.abc import Mapping, Sequence
from string import Template
from typing import Any

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import Inspection, Levels
from mixingbuddy.agent.speech.answers_facts import as_imported, stereo
from mixingbuddy.agent.speech.asking_back import no_such
from mixingbuddy.agent.speech.guiding import guiding_question
from mixingbuddy.agent.speech.proposing import moved, tried
from mixingbuddy.agent.speech.sound_causes import Cause, entry_of, find_cause
from mixingbuddy.agent.speech.turn import Turn
from mixingbuddy.agent.speech.voice import ANSWER, ASIDE, REASON, Line, any_of, as_words, spoken, the
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.roles import group_of

MOST_CHOICES = 3


def complaint(turn: Turn, request: Request) -> list[Line]:
    """What was measured for a quality of sound, beside another request that moves the faders."""
    if _asks_back(turn, request):
        return _asks_back(turn, request)
    entry, cause = _measured(turn, request)
    return _why(turn, entry, cause) if cause.findings else _not_borne_out(turn, [(request, entry, cause)], ANSWER)


def complaints(turn: Turn, requests: Sequence[Request]) -> list[Line]:
    """What was measured for every quality, one move that helps where one is justified, else one question."""
    clear = [request for request in requests if not _asks_back(turn, request)]
    if not clear:
        return _asks_back(turn, requests[0])
    if turn.context.help_level == "teach" and turn.context.interactive:
        result = tried(turn, "ask_advisor")
        if result.moves:
            return guiding_question(turn, result)
    found = [(request, *_measured(turn, request)) for request in clear]
    lines: list[Line] = []
    moving = next((cause for _, _, cause in found if cause.moves), None)
    for _, entry, cause in found:
        if cause is moving:
            lines = moved(turn, cause.moves, _why(turn, entry, cause)) + lines
        elif cause.findings:
            lines += _why(turn, entry, cause)
    lines += _not_borne_out(turn, found, REASON if moving else ANSWER)
    asks = turn.context.interactive and found[0][1]["roles"] and moving is None
    if asks and not any(cause.findings for _, _, cause in found):
        lines.append(Line(_next(turn, *found[0])))
    _, entry, _ = next((one for one in found if one[2] is moving), found[0])
    imported = as_imported(turn, entry["aspects"][0]) if any(cause.findings for _, _, cause in found) else []
    return [*lines, Line(turn.say("in_the_daw", daw=entry["daw"], term=entry["term"]), ASIDE), *imported]


def _not_borne_out(turn: Turn, found: Sequence[tuple[Request, dict[str, Any], Cause]], rank: int) -> list[Line]:
    """What was measured where nothing bears the complaints out; of the stereo image, its figures."""
    without = [one for one in found if not one[2].findings and not one[2].moves]
    width = next((one for one in without if one[1]["aspects"] == ["stereo"]), None)
    lines = []
    if width is not None:
        told = turn.ask(Inspection, "inspect", aspect="stereo")
        lines += [line._replace(rank=rank) for line in stereo(turn, width[0], told)]
    insides = list(dict.fromkeys(entry["inside"] for _, entry, _ in without if entry["aspects"] != ["stereo"]))
    if insides:
        lines.append(Line(turn.say("not_borne_out", inside=", and ".join(insides)), rank))
    return lines


def _asks_back(turn: Turn, request: Request) -> list[Line]:
    if request.missing and not request.stems:
        return [Line(no_such(turn, request.missing[0]))]
    return [Line(turn.say("which_quality"))] if request.quality is None else []


def _measured(turn: Turn, request: Request) -> tuple[dict[str, Any], Cause]:
    entry = entry_of(str(request.quality))
    asks = [(Inspection, "inspect", {"aspect": aspect}) for aspect in entry["aspects"]]
    *inspected, levels = turn.ask_all(*asks, (Levels, "levels", {}))
    assert isinstance(levels, Levels)
    shown = [one for one in inspected if isinstance(one, Inspection)]
    return entry, find_cause(entry, request, shown, levels, turn.context)


def _why(turn: Turn, entry: Mapping[str, Any], cause: Cause) -> list[Line]:
    lines = [Line(finding.text, REASON if index else 0) for index, finding in enumerate(cause.findings[:2])]
    if cause.reason:
        lines.append(Line(turn.say("its_level", stem=spoken(cause.judged), reason=cause.reason), REASON))
    if cause.holders and entry["region"]:
        region = turn.say(f"region_{entry['region']}")
        stems = as_words([the(stem, turn.groups) for stem in cause.holders[:2]])
        lines.append(Line(turn.say("holders", region=region, stems=stems), REASON))
    return lines


def _next(turn: Turn, request: Request, entry: Mapping[str, Any], cause: Cause) -> str:
    """One question, with parts of this song to choose from; of a part that was named, what its fader can try."""
    if request.stems:
        what = turn.naming.short(request.stems, "" if request.quality == "unclear_words" else request.called)
        if entry["move"] and "'" not in what:
            return turn.say("try_down" if entry["move"] == "down" else "try_up", what=what)
        return turn.say("where_is_it", what=what)
    roles = [stem for role in entry["roles"] for stem, own in turn.context.stems.items() if own == role]
    others = sorted(turn.context.stems, key=lambda stem: group_of(turn.context.stems[stem]))
    first = (*roles, *cause.holders) if entry["move"] == "up" else (*cause.holders, *roles)
    choices = list(dict.fromkeys((*first, *others)))[:MOST_CHOICES]
    if len(choices) < 2:
        return turn.say("where_is_it", what=turn.say("the_mix"))
    named = [the(stem, turn.groups) for stem in choices]
    return turn.say("which_part_is_it", choices=any_of(named))


def cannot(turn: Turn, request: Request) -> list[Line]:
    """Plainly no, and what a fader can do for this wish."""
    known = load_table("complaints")["effects"]
    if request.effect is None or request.effect not in known:
        return [Line(turn.say("only_faders"))]
    entry = known[request.effect]
    what = turn.naming.short(request.stems, request.called) if request.stems else turn.say("the_part")
    instead = Template(entry["instead"]).safe_substitute(what=what)
    hint = [Line(turn.say("explain_hint", term=entry["term"]), ASIDE)] if entry["term"] else []
    return [
        Line(turn.say("cannot_do", effect=entry["called"])),
        Line(turn.say("can_do_instead", instead=instead)),
        *hint,
    ]
