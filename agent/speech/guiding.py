"""The help level 'teach': first a question for the user's own ears, without the answer; the answer a turn later."""

from collections.abc import Sequence

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import Proposed
from mixingbuddy.agent.speech.turn import Turn
from mixingbuddy.agent.speech.voice import ANSWER, HINT, REASON, Line
from mixingbuddy.agent.speech.wording_moves import proposed
from mixingbuddy.agent.state import ProposedMove

# What may be an answer to the question rather than a wish of its own.
ANSWERS = frozenset(
    {"unknown", "tell_me", "too_loud", "too_quiet", "apply", "wait", "why", "smalltalk", "how_loud", "taste"}
)
# Groups, the one whose part in the fault makes the question first.
_THEMES = (("vocals", "voice"), ("bass", "low_end"), ("drums", "drums"))


def waits_for_an_answer(turn: Turn) -> bool:
    """Whether the user has been asked where to listen, and says nothing that is a request of its own."""
    context = turn.context
    if context.help_level != "teach" or context.told or not context.shown:
        return False
    return all(request.intent in ANSWERS and not request.question for request in turn.requests)


def guiding_question(turn: Turn, result: Proposed) -> list[Line]:
    """Where to listen, with the stems of the largest fault; neither direction nor size of its move."""
    first = result.moves[0]
    theme = theme_of(turn, result.moves)
    moved = [move.stem for move in result.moves if (move.gain_db, move.reason) == (first.gain_db, first.reason)]
    about = turn.naming.short(moved)
    other = _contrast(turn, result, moved)
    against = turn.naming.short([other]) if other else turn.say("the_rest")
    return [Line(turn.say(f"listen_{theme}", about=about, against=against)), Line(turn.say("listen_hint"), HINT)]


def told_after_the_question(turn: Turn, result: Proposed) -> list[Line]:
    """Whether the user's ear agrees with what was measured, then the move, its reason and the concept behind it."""
    lines = _agreement(turn, result.moves)
    lines += proposed(
        turn.voice, turn.naming, result, turn.context.reference is not None, can_answer=turn.context.interactive
    )
    if result.moves:
        lines.insert(len(lines) - 1, Line(turn.say(f"concept_{theme_of(turn, result.moves)}"), REASON))
    return lines


def theme_of(turn: Turn, moves: Sequence[ProposedMove]) -> str:
    """What the fault is about: the voice, the low end, the drums, or the balance in general."""
    groups = {turn.groups.get(move.stem, "") for move in moves[:1]}
    kick = any(turn.context.stems.get(move.stem) == "kick" for move in moves[:1])
    return "low_end" if kick else next((theme for group, theme in _THEMES if group in groups), "balance")


def _contrast(turn: Turn, result: Proposed, moved: Sequence[str]) -> str:
    """The loudest stem of another group: what the ear can hold the moved ones against."""
    levels = result.verdict.levels_lu if result.verdict else {}
    groups = {turn.groups.get(stem) for stem in moved}
    others = {s: lu for s, lu in levels.items() if lu is not None and turn.groups.get(s) not in groups}
    return max(others, key=lambda stem: others[stem], default="")


def _agreement(turn: Turn, moves: Sequence[ProposedMove]) -> list[Line]:
    named = next((request for request in turn.requests if request.stems), None)
    if named is None or not moves:
        return []
    gains = {move.stem: move.gain_db for move in moves}
    direction = _heard_direction(named)
    mine = [gains[stem] for stem in named.stems if stem in gains]
    what = turn.naming.short(named.stems, named.called)
    if mine and (direction == 0 or mine[0] * direction > 0):
        return [Line(turn.say("ear_agrees", what=what), ANSWER)]
    if mine:
        return [Line(turn.say("ear_other_way", what=what), ANSWER)]
    return [Line(turn.say("ear_elsewhere", what=what), ANSWER)]


def _heard_direction(request: Request) -> int:
    return {"too_loud": -1, "too_quiet": 1}.get(request.intent, request.direction)
