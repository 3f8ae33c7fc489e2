"""Questions back to the user, where a request names no stem that the song has."""

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.speech.turn import Turn


def no_stem(turn: Turn, request: Request) -> str:
    """The question that a wish without a stem leaves open."""
    if request.meant:
        return turn.say("did_you_mean", word=request.meant)
    return no_such(turn, request.missing[0]) if request.missing else turn.say("which_stem", stems=turn.stem_list())


def no_such(turn: Turn, word: str) -> str:
    return turn.say("no_such_stem", word=turn.said_back(word), stems=turn.stem_list())
