"""Answers to questions about the song as imported: who hides whom, parts, tone, dynamics, faults, stereo, time."""

from collections.abc import Callable, Mapping, Sequence

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import Inspection
from mixingbuddy.agent.speech.asking_back import no_stem
from mixingbuddy.agent.speech.turn import Turn
from mixingbuddy.agent.speech.voice import ANSWER, ASIDE, REASON, Line, number, sentence_case, spoken, the
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.findings import Finding

MOST_FINDINGS = 4
MOST_BESIDES = 2
MOST_STEMS = 3
MONO_DB = -59.0  # side re mid: below, left and right are the same
BANDS = ("sub", "low", "low_mid", "high_mid", "air")


def inspect(turn: Turn, request: Request) -> list[Line]:
    """One aspect of the song; of the stems that were named, where any were."""
    aspect = request.aspect or "spectrum"
    if request.missing and not request.stems:
        return [Line(no_stem(turn, request))]
    stems = {"stems": list(request.stems)} if request.stems else {}
    told = turn.ask(Inspection, "inspect", aspect=aspect, **stems)
    return _ANSWERS[aspect](turn, request, told) + as_imported(turn, aspect)


def as_imported(turn: Turn, aspect: str) -> list[Line]:
    """A reminder where the faders have moved since, and that matters."""
    moved = any(turn.context.faders.values()) and aspect not in {"time", "hygiene"}
    return [Line(turn.say("as_imported"), ASIDE)] if moved else []


def _found(findings: Sequence[Finding], first: int = ANSWER) -> list[Line]:
    return [Line(finding.text, REASON if index else first) for index, finding in enumerate(findings[:MOST_FINDINGS])]


def _masking(turn: Turn, request: Request, told: Inspection) -> list[Line]:
    """Who hides the stem that was asked about, or anybody; of two stems, whether one hides the other."""
    if len(request.stems) == 2 and " and " in request.called:
        between = [finding for finding in told.findings if set(request.stems) <= set(finding.stems)]
        if not between:
            clear = Line(turn.say("neither_hides", what=the(request.called, turn.groups)))
            return [clear, *(line._replace(rank=ASIDE) for line in _found(told.findings[:MOST_BESIDES]))]
        return _found(between)
    if told.findings:
        return _found(told.findings)
    if not request.stems:
        return [Line(turn.say("nothing_hidden"))]
    return [Line(turn.say("nothing_hides", what=the(request.called, turn.groups)))]


def _faults(turn: Turn, request: Request, told: Inspection) -> list[Line]:
    """What was asked about first, then what else was found."""
    words = _words(turn, request)
    topic = next((topic for topic in load_table("replies")["faults"] if words & set(topic["words"])), None)
    if topic is None:
        meant = [finding for finding in told.findings if finding.severity != "info"]
    else:
        meant = [finding for finding in told.findings if finding.kind in topic["kinds"]]
    besides = [finding for finding in told.findings if finding not in meant][:MOST_BESIDES]
    lines = _found(meant) or [Line(turn.say(topic["none"] if topic else "clean"))]
    return lines + [Line(finding.text, ASIDE) for finding in besides]


def _words(turn: Turn, request: Request) -> set[str]:
    text = (request.said or turn.text).casefold()
    return set("".join(letter if letter.isalnum() else " " for letter in text).split())


def _sections(turn: Turn, request: Request, told: Inspection) -> list[Line]:
    names = list(told.figures)
    lead = turn.say("sections", list=", ".join(names)) if len(names) > 1 else turn.say("no_sections")
    return [Line(lead), *_found(told.findings, REASON)]


def _time(turn: Turn, request: Request, told: Inspection) -> list[Line]:
    """Tempo and key, or the one of them that was asked for."""
    tempo = told.figures.get("tempo", {}).get("bpm")
    key = next((name.removeprefix("key: ") for name in told.figures if name.startswith("key: ")), "unsure")
    tempo_line = turn.say("tempo_unsure") if tempo is None else turn.say("tempo", bpm=f"{tempo:.0f}")
    key_line = turn.say("key_unsure") if key == "unsure" else turn.say("key", key=key)
    words = _words(turn, request)
    if words & {"key", "scale", "tonality"}:
        return [Line(key_line)]
    return (
        [Line(tempo_line)] if words & {"tempo", "bpm", "fast", "slow", "speed"} else [Line(f"{tempo_line} {key_line}")]
    )


def _dynamics(turn: Turn, request: Request, told: Inspection) -> list[Line]:
    lines = []
    for name in request.stems[:MOST_STEMS] or ("mix",):
        figures = told.figures.get(name, {})
        crest, plr = figures.get("crest_db"), figures.get("plr_db")
        what = "the mix" if name == "mix" else spoken(name)
        if crest is None or plr is None:
            lines.append(turn.say("dynamics_unmeasured", what=what))
        else:
            lines.append(turn.say("dynamics", what=what, crest=number(crest), plr=number(plr)))
    return [Line(" ".join(sentence_case(line) for line in lines)), *_found(told.findings, REASON)]


def stereo(turn: Turn, request: Request, told: Inspection) -> list[Line]:
    """How wide the mix is, what mono loses, and whether it leans to a side."""
    mix = told.figures.get("mix", {})
    side, balance, loss = mix.get("side_mid_db"), mix.get("balance_db"), mix.get("mono_loss_db")
    if side is None or balance is None or loss is None:
        return [Line(turn.say("stereo_unmeasured")), *_found(told.findings, REASON)]
    if side <= MONO_DB:
        return [Line(turn.say("stereo_mono")), *_found(told.findings, REASON)]
    lead = turn.say("stereo", side=number(abs(side)), how="above" if side > 0 else "below", loss=number(loss))
    leans = number(balance) != "0.0"
    way = "right" if balance > 0 else "left"
    told_balance = (
        turn.say("stereo_leans", balance=number(abs(balance)), way=way) if leans else turn.say("stereo_centred")
    )
    return [Line(f"{lead} {told_balance}"), *_found(told.findings, REASON)]


def _spectrum(turn: Turn, request: Request, told: Inspection) -> list[Line]:
    mix = told.figures.get("mix", {})
    levels = {band: mix.get(f"{band}_db") for band in BANDS}
    if any(level is None for level in levels.values()):
        return [Line(turn.say("spectrum_unmeasured")), *_found(told.findings, REASON)]
    figures = turn.say("spectrum", **{band: number(level or 0.0) for band, level in levels.items()})
    usual = [] if told.findings else [Line(turn.say("spectrum_usual"))]
    return [*usual, *_found(told.findings), Line(figures, REASON)]


_ANSWERS: Mapping[str, Callable[[Turn, Request, Inspection], list[Line]]] = {
    "masking": _masking,
    "hygiene": _faults,
    "sections": _sections,
    "time": _time,
    "dynamics": _dynamics,
    "stereo": stereo,
    "spectrum": _spectrum,
}
