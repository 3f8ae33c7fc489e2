"""Answers about faders: wishes, opinions about levels, changes of what is on the table, and consent."""

from collections.abc import Sequence

from mixingbuddy.agent.locks import forbidding
from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import Applied, Comparison, Held, Levels, Proposed
from mixingbuddy.agent.speech import wording, wording_moves
from mixingbuddy.agent.speech.answers_levels import in_part
from mixingbuddy.agent.speech.asking_back import no_stem, no_such
from mixingbuddy.agent.speech.guiding import told_after_the_question
from mixingbuddy.agent.speech.proposing import advised, moved, tried
from mixingbuddy.agent.speech.turn import Turn
from mixingbuddy.agent.speech.voice import ASIDE, REASON, Line, as_words, be, spoken, the
from mixingbuddy.agent.speech.wishes import WORTH_A_MOVE, Wished, allowed, gather, is_judgement, only_as_group, scaled
from mixingbuddy.agent.state import Lock
from mixingbuddy.models.advisor import StemAdvice


def critique(turn: Turn, request: Request) -> list[Line]:
    return advised(turn)


def compare(turn: Turn, request: Request) -> list[Line]:
    if turn.context.reference is None:
        return [Line(turn.say("reference_none"))]
    compared: Comparison | None = None
    try:
        compared = turn.ask(Comparison, "compare_reference")
    finally:
        # Both tools are called in one step.
        lines = advised(turn, by_level=False)
    return wording.comparison(turn.voice, compared) + lines if compared else lines


def wishes(turn: Turn, wanted: Sequence[Request]) -> list[Line]:
    """Every wish of the message as one proposal."""
    named = [r for r in wanted if r.stems or r.intent == "scale"] or list(wanted)
    for request in named:
        unclear = _unclear(turn, request)
        if unclear:
            return [Line(unclear)]
    judged = [r for r in named if is_judgement(r)]
    stems = list(dict.fromkeys(stem for r in named for stem in r.stems))
    measured = turn.ask(Levels, "levels", stems=stems) if judged else None
    wished = gather(named, turn.context, measured)
    missing = [Line(no_such(turn, word)) for word in dict.fromkeys(w for r in wanted for w in r.missing)]
    if not wished.moves:
        return _nothing_wished(turn, named, wished) + missing
    lead = _opinions(turn, judged, wished) if measured else []
    why = _reasons(turn, judged, wished, measured) if measured else []
    if turn.context.help_level == "teach":
        up = sum(wished.moves.values()) > 0
        why.append(Line(turn.say("teach_up" if up else "teach_down"), ASIDE))
    lines = [*lead, *moved(turn, wished.moves, why), *left_out(turn, wished), *missing, *_set_aside(turn, wished)]
    return lines + ([Line(turn.say("whole_song"), REASON)] if any(r.section for r in named) else [])


def _set_aside(turn: Turn, wished: Wished) -> list[Line]:
    """What was on the table, is not applied, and is no part of what is proposed now."""
    left = [move for move in turn.context.shown if move.stem not in wished.moves]
    if not left or not turn.context.told or turn.latest(Proposed) is None:
        return []
    return [Line(turn.say("set_aside", stems=as_words([spoken(move.stem) for move in left])), ASIDE)]


def _unclear(turn: Turn, request: Request) -> str:
    """What has to be asked before a wish can be tried; '' where it is clear."""
    what = the(request.called, turn.groups)
    if not request.stems and request.intent != "scale":
        return no_stem(turn, request)
    if request.trouble:
        return turn.say("contradiction" if request.trouble == "contradiction" else "how_far")
    if request.intent == "same" and not (turn.context.shown or turn.context.last_moves or request.direction):
        return turn.say("same_as_what", what=what)
    if request.intent == "turn" and request.direction == 0 and request.fader_db is None:
        return turn.say("moves_nothing") if request.amount_db == 0.0 else turn.say("up_or_down", what=what)
    return ""


def _nothing_wished(turn: Turn, wanted: Sequence[Request], wished: Wished) -> list[Line]:
    if wished.held:
        return is_locked(turn, wished.held)
    if wished.limited:
        return [Line(turn.say("at_limit", stems=as_words([spoken(stem) for stem in wished.limited])))]
    there = next((r for r in wanted if r.fader_db is not None), None)
    key = "already_there" if there else "moves_nothing"
    return [Line(turn.say(key, what=the(there.called, turn.groups)) if there else turn.say(key))]


def _opinions(turn: Turn, judged: Sequence[Request], wished: Wished) -> list[Line]:
    """Whether the measurement shares the user's opinion, stem by stem."""
    lines = []
    for request in judged:
        if set(request.stems) <= set(wished.agreed):
            lines.append(_verdict(turn, "yes_loud" if request.intent == "too_loud" else "yes_quiet", request))
        else:
            lines.append(turn.say("by_ear", what=the(request.called, turn.groups)))
    return [Line(" ".join(lines))]


def _reasons(turn: Turn, judged: Sequence[Request], wished: Wished, measured: Levels) -> list[Line]:
    """What speaks for the opinions, and what was measured the other way round."""
    agreeing = [a for a in measured.advice if a.stem in wished.agreed and a.stem in wished.moves]
    lines = [Line(reason, REASON) for reason in dict.fromkeys(a.reason for a in agreeing)]
    against = []
    for request in judged:
        direction = -1 if request.intent == "too_loud" else 1
        group = only_as_group(measured, request.stems)
        for advice in measured.advice:
            apart = advice.gain_db * direction < 0 and advice.p_change >= WORTH_A_MOVE
            if apart and advice.stem in request.stems:
                told = {"reason": advice.reason, **({"group": group} if group else {})}
                against.append(turn.say("group_otherwise" if group else "measured_otherwise", **told))
    return lines + [Line(line, REASON) for line in dict.fromkeys(against)]


def left_out(turn: Turn, wished: Wished) -> list[Line]:
    """What was not moved, or not as far, because of a standing wish."""
    lines = []
    for lock in dict.fromkeys(lock.words for lock in wished.held.values()):
        stems = as_words([spoken(stem) for stem, held in wished.held.items() if held.words == lock])
        lines.append(Line(turn.say("left_out", stems=stems, what=the(lock, turn.groups))))
    if wished.limited:
        lines.append(Line(turn.say("limited", stems=as_words([spoken(stem) for stem in wished.limited])), REASON))
    return lines


def scale(turn: Turn, request: Request) -> list[Line]:
    """More or less of what is on the table."""
    if request.missing:
        return [Line(no_stem(turn, request))]
    if request.trouble:
        return [Line(turn.say("how_far"))]
    if not turn.context.shown and not turn.context.last_moves:
        return [Line(turn.say("nothing_to_scale"))]
    wished = allowed({s: g for s, g in scaled(request, turn.context).items() if g != 0.0}, turn.context)
    if not wished.moves:
        return (
            _nothing_wished(turn, [request], wished) if wished.held or wished.limited else [Line(turn.say("rejected"))]
        )
    return moved(turn, wished.moves) + left_out(turn, wished)


def level_question(turn: Turn, request: Request, may_move: bool = True) -> list[Line]:
    """'Is it too loud?': yes, no, or rather the other way, with a move where one is due."""
    if not request.stems:
        asks_back = request.missing or request.meant or not may_move
        return [Line(no_stem(turn, request))] if asks_back else advised(turn)
    if request.section:
        return in_part(turn, request, turn.say("whole_song"))
    measured = turn.ask(Levels, "levels", stems=list(request.stems))
    levels = Line(wording.levels(turn.voice, measured), REASON)
    advice = [a for a in measured.advice if a.stem in request.stems]
    what = the(request.called, turn.groups)
    if not advice:
        return [Line(turn.say("cannot_judge", what=what)), levels]
    group = only_as_group(measured, request.stems)
    if group:
        return [Line(turn.say("only_group", group=group, what=what, reason=advice[0].reason)), levels]
    side, direction = ("loud", -1) if request.intent == "too_loud" else ("quiet", 1)
    # "Is it loud enough?" asks the other way round: what is not too quiet is a yes.
    enough = "enough_" if "enough" in request.said.split() else ""
    moving = [a for a in advice if a.gain_db != 0.0 and a.p_change >= WORTH_A_MOVE]
    if not moving:
        return [Line(_verdict(turn, f"{enough}no_{side}", request, reason=advice[0].reason)), levels]
    agreeing = [a.gain_db * direction > 0 for a in moving]
    lead = []
    if all(agreeing) or not any(agreeing):
        key = f"{enough}yes_{side}" if all(agreeing) else f"{enough}other_way_{side}"
        lead = [Line(_verdict(turn, key, request))]
    held = _held(turn, moving)
    if held:
        return [*lead, *wording_moves.held(turn.voice, turn.naming, held), levels]
    reasons = [Line(a.reason, REASON) for a in moving]
    if not may_move:
        return [*lead, *reasons[:1], levels]
    wished = allowed({a.stem: a.gain_db for a in moving}, turn.context)
    return [*lead, *moved(turn, wished.moves, reasons[:1], by_level=False)]


def _held(turn: Turn, advice: Sequence[StemAdvice]) -> list[Held]:
    locks = [(a, forbidding(turn.context.locks, a.stem, a.gain_db, advised=True)) for a in advice]
    return [
        Held(stem=a.stem, gain_db=a.gain_db, kind=lock.kind, words=lock.words, reason=lock.reason)
        for a, lock in locks
        if lock is not None
    ]


def _verdict(turn: Turn, key: str, request: Request, **values: object) -> str:
    return turn.say(key, what=the(request.called, turn.groups), be=be(request.called, len(request.stems)), **values)


def apply(turn: Turn, request: Request) -> list[Line]:
    if not turn.context.shown:
        return [Line(turn.say("nothing_to_apply"))]
    if request.factor is not None or request.trouble:
        # "Apply at 50 %" is another proposal: it is proved first, and asked for again.
        return scale(turn, request)
    if not turn.context.told:
        return told_after_the_question(turn, tried(turn, "ask_advisor"))
    if not turn.context.interactive:
        return [Line(turn.say("unattended"))]
    return wording_moves.applied(turn.voice, turn.naming, turn.ask(Applied, "apply_moves"))


def wait(turn: Turn, request: Request) -> list[Line]:
    return [Line(turn.say("not_applied" if turn.context.shown else "nothing_waits"))]


def is_locked(turn: Turn, held: dict[str, Lock]) -> list[Line]:
    stem, lock = next(iter(held.items()))
    return [Line(turn.say("is_locked", what=the(lock.words, turn.groups), words=lock.words, stem=spoken(stem)))]
