"""Answers about versions of the mix: steps along them, what changed, a client's notes, and listening."""

import re

from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import History, Listening, NotesChecked
from mixingbuddy.agent.speech import wording_versions
from mixingbuddy.agent.speech.turn import Turn
from mixingbuddy.agent.speech.voice import STRAY, Line, spoken
from mixingbuddy.agent.versions.client_notes import MOST_NOTES, split_notes

MOST_LEAD_WORDS = 12
_NUMBERING = re.compile(r"\s+(?=\d{1,2}[.)]\s)")
_NUMBERED = re.compile(r"[.\n]")
_ASKED = re.compile(
    r"(?:^|(?<=[.!?;\n]))\s*(?:did|have|has|is|are|was|were|what about)\b[^.!?;\n]*\?\s*$", re.IGNORECASE
)


def undo(turn: Turn, request: Request) -> list[Line]:
    return go(turn, request) if request.version is not None else _step(turn, "undo")


def redo(turn: Turn, request: Request) -> list[Line]:
    return _step(turn, "redo")


def go(turn: Turn, request: Request) -> list[Line]:
    if request.version is None:
        return versions(turn, request)
    return _step(turn, "go", version=request.version)


def _step(turn: Turn, action: str, **arguments: object) -> list[Line]:
    return wording_versions.history(turn.voice, turn.ask(History, "history", action=action, **arguments))


def changed(turn: Turn, request: Request) -> list[Line]:
    named = {"version": request.version, "other": request.other_version}
    wanted = {key: value for key, value in named.items() if value is not None}
    return wording_versions.history(turn.voice, turn.ask(History, "history", action="show", **wanted))


def versions(turn: Turn, request: Request) -> list[Line]:
    return wording_versions.versions(turn.voice, turn.ask(History, "history", action="show"))


def name_version(turn: Turn, request: Request) -> list[Line]:
    if not request.name:
        return [Line(turn.say("which_name"))]
    about = {"version": request.version} if request.version is not None else {}
    told = turn.ask(History, "history", action="name", name=request.name, **about)
    return wording_versions.history(turn.voice, told)


def notes(turn: Turn, request: Request) -> list[Line]:
    """The client's notes against what was heard before; the whole message holds them."""
    between = {"after": request.version, "before": request.other_version}
    wanted = {key: value for key, value in between.items() if value is not None}
    words = client_words(turn.text)
    if not words:
        return [Line(turn.say("which_notes"))]
    told = turn.ask(NotesChecked, "check_notes", notes=words, **wanted)
    return wording_versions.notes(turn.voice, told) if told.notes else [Line(turn.say("which_notes"))]


def client_words(text: str) -> list[str]:
    """The client's own words: without who says them, and without the user's question about them at the end."""
    lead, colon, rest = text.partition(":")
    body = rest if colon and len(lead.split()) <= MOST_LEAD_WORDS and not _NUMBERED.search(lead) else text
    asked = _ASKED.search(body)
    body = body[: asked.start()] if asked and asked.start() > 0 else body
    listed = _NUMBERING.sub("\n", body) if len(_NUMBERING.findall(f" {body}")) > 1 else body
    return [note.strip(STRAY) for note in split_notes(listed) if note.strip(STRAY)][:MOST_NOTES]


def listen(turn: Turn, request: Request) -> list[Line]:
    return _heard(turn, request, "files")


def blind_test(turn: Turn, request: Request) -> list[Line]:
    return _heard(turn, request, "blind_test")


def _heard(turn: Turn, request: Request, what: str) -> list[Line]:
    named = {"version": request.version, "other": request.other_version}
    wanted = {key: value for key, value in named.items() if value is not None}
    if request.stems:
        wanted["stem"] = request.stems[0]
    lines = wording_versions.listening(turn.voice, turn.ask(Listening, "listen", what=what, **wanted))
    one = [Line(turn.say("one_stem_at_a_time", stem=spoken(request.stems[0])))] if len(request.stems) > 1 else []
    return one + lines
