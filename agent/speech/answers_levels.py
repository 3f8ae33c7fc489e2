"""Answers to how loud something is: stems, groups, parts of the song, and the whole mix."""

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import Levels, Overview
from mixingbuddy.agent.speech import wording
from mixingbuddy.agent.speech.asking_back import no_stem
from mixingbuddy.agent.speech.turn import Refused, Turn
from mixingbuddy.agent.speech.voice import ASIDE, REASON, Line, number, spoken

MOST_FINDINGS = 4
BANDS = ("sub", "low", "low_mid", "high_mid", "air")


def how_loud(turn: Turn, request: Request) -> list[Line]:
    if not request.stems and (request.missing or request.meant):
        return [Line(no_stem(turn, request))]
    arguments = {"stems": list(request.stems)} if request.stems else {}
    if not request.section:
        told = turn.ask(Levels, "levels", **arguments)
        return [*_louder_of_two(turn, told), Line(wording.levels(turn.voice, told)), *_judged(turn, told)]
    return in_part(turn, request)


def in_part(turn: Turn, request: Request, remark: str = "") -> list[Line]:
    """How loud it is in one part of the song, with a remark; where no part is called that, which part is meant."""
    arguments = {"stems": list(request.stems)} if request.stems else {}
    try:
        told = turn.ask(Levels, "levels", part=request.section, **arguments)
    except Refused as refused:
        return [Line(turn.say("which_part", section=turn.said_back(request.section), reason=str(refused)))]
    return [Line(wording.levels(turn.voice, told)), Line(remark, REASON)]


def _louder_of_two(turn: Turn, told: Levels) -> list[Line]:
    levels = {stem.name: stem.level_rel_mix_lu for stem in told.stems if stem.level_rel_mix_lu is not None}
    if len(told.stems) != 2 or len(levels) != 2:
        return []
    louder, quieter = sorted(levels, key=lambda stem: -levels[stem])
    if number(levels[louder]) == number(levels[quieter]):
        return [Line(turn.say("equally_loud", one=spoken(louder), other=spoken(quieter)))]
    return [Line(turn.say("louder", louder=spoken(louder), quieter=spoken(quieter)))]


def _judged(turn: Turn, told: Levels) -> list[Line]:
    """Whether that is usual, of one stem that was judged by itself."""
    if len(told.stems) != 1 or not told.advice or told.judged_as.get(told.advice[0].stem):
        return []
    return [Line(told.advice[0].reason, ASIDE)]


def overview(turn: Turn, request: Request) -> list[Line]:
    return [Line(wording.overview(turn.voice, turn.ask(Overview, "overview")))]
