"""Answers that explain: why, concepts, the answer to a guiding question, help, and small talk."""

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import Explanation, Levels, TermExplained
from mixingbuddy.agent.speech import wording, wording_moves
from mixingbuddy.agent.speech.guiding import told_after_the_question
from mixingbuddy.agent.speech.proposing import advised, tried
from mixingbuddy.agent.speech.turn import Turn
from mixingbuddy.agent.speech.voice import ASIDE, Line, sentence, spoken, the, variants_of, was_said
from mixingbuddy.prompts import load_table

WITH_EARS = ("differential", "single-mix", "audio-llm")  # advisors that are models of sound


def why(turn: Turn, request: Request) -> list[Line]:
    """What speaks for the latest moves; for a stem that was not moved, where it stands."""
    if request.stems and not {move.stem for move in turn.context.last_moves} & set(request.stems):
        return _not_moved(turn, request)
    if not turn.context.last_moves:
        return [Line(turn.say("nothing_to_explain"))]
    return wording_moves.explanation(turn.voice, turn.naming, turn.ask(Explanation, "explain"))


def _not_moved(turn: Turn, request: Request) -> list[Line]:
    measured = turn.ask(Levels, "levels", stems=list(request.stems))
    reasons = dict.fromkeys(
        sentence(f"{spoken(a.stem)}: {a.reason}") for a in measured.advice if a.stem not in measured.judged_as
    )
    levels = wording.levels(turn.voice, measured)
    return [
        Line(turn.say("not_moved_lately", what=the(request.called, turn.groups), levels=levels)),
        *(Line(reason, ASIDE) for reason in reasons),
    ]


def explain(turn: Turn, request: Request) -> list[Line]:
    if not request.term:
        return [Line(turn.say("which_term"))]
    return wording.term(turn.voice, turn.ask(TermExplained, "explain", term=request.term))


def tell(turn: Turn, request: Request) -> list[Line]:
    """The answer itself: to the question that was asked last, or to what the mix needs."""
    context = turn.context
    if context.shown and not context.told:
        return told_after_the_question(turn, tried(turn, "ask_advisor"))
    if context.shown:
        return wording_moves.explanation(turn.voice, turn.naming, turn.ask(Explanation, "explain"))
    return advised(turn, by_level=False)


def help_(turn: Turn, request: Request) -> list[Line]:
    return [Line(turn.say("help")), Line(turn.say(f"help_level_{turn.context.help_level}"), ASIDE)]


def greeting(turn: Turn, request: Request) -> list[Line]:
    return [Line(turn.say("greeting"))]


def thanks(turn: Turn, request: Request) -> list[Line]:
    return [Line(turn.say("thanks"))]


def goodbye(turn: Turn, request: Request) -> list[Line]:
    waits = [Line(turn.say("goodbye_waiting"))] if turn.context.shown else []
    return [Line(turn.say("goodbye", version=turn.context.version)), *waits]


def smalltalk(turn: Turn, request: Request) -> list[Line]:
    """An honest answer about the assistant itself."""
    words = set((request.said or turn.text).casefold().replace("?", " ").replace(",", " ").split())
    for topic in load_table("replies")["smalltalk"]:
        if words & set(topic["words"]):
            deaf = topic["say"] == "smalltalk_hear" and not turn.context.advisor.startswith(WITH_EARS)
            return [Line(turn.say("smalltalk_deaf" if deaf else topic["say"]))]
    return [Line(turn.say("smalltalk_other"))]


def unknown(turn: Turn, request: Request) -> list[Line]:
    if request.meant:
        return [Line(turn.say("did_you_mean", word=request.meant))]
    again = any(was_said(v, turn.last_reply) for key in ("unknown", "unknown_again") for v in variants_of(key))
    return [Line(turn.say("unknown_again" if again else "unknown"))]
