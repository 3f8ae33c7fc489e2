"""A client's revision notes held against two versions: what each note asks for, and what was measured."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.agent.parts import find_part
from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import NoteChecked, NoteStatus
from mixingbuddy.agent.understanding.intents import read_requests
from mixingbuddy.agent.versions.client_notes import LONGEST_NOTE
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.errors import ModelMistake, printable
from mixingbuddy.tools.loudness import HOP_S, sounding

DONE_LU = 0.5  # a change that was asked for without a size
PARTLY_LU = 0.2
STILL_LU = 0.3  # what was to be left alone may change by less; the wrong way by as much is worse
DONE_SHARE = 0.8  # of a size that was named
PARTLY_SHARE = 0.2
LEAST_EFFECT_LU = 0.1  # a move that changes the level in the mix by less cannot be read from it
_SOCIAL = frozenset({"greeting", "thanks", "goodbye", "smalltalk"})
_ASKED = {-1: "quieter", 0: "unchanged", 1: "louder"}
_DECIBELS = re.compile(r"\b(?:db|decibels?)\b", re.IGNORECASE)
Direction = Literal[-1, 0, 1]
Mask = NDArray[np.bool_]


class _CannotSay(Exception):
    """Why a note cannot be held against levels."""


class _Place(NamedTuple):
    """Where in the song, and which stems together."""

    energies: CrossEnergies
    members: list[int]
    where: Mask

    def change_lu(self, before: Mapping[str, float], after: Mapping[str, float]) -> float:
        """Change of the level in the mix, LU. Raises _CannotSay where the stems do not sound."""
        return self.own_change_lu(before, after) - self._ratio_lu(before, after, None)

    def own_change_lu(self, before: Mapping[str, float], after: Mapping[str, float]) -> float:
        """Change of the stems' own level, whatever the rest of the mix does, LU."""
        return self._ratio_lu(before, after, self.members)

    def _ratio_lu(self, before: Mapping[str, float], after: Mapping[str, float], members: list[int] | None) -> float:
        sounds = sounding(self.energies.mix({}, self.members)) & self.where
        was, now = (float(self.energies.mix(faders, members)[sounds].sum()) for faders in (before, after))
        if was <= 0.0 or now <= 0.0:
            raise _CannotSay("it does not sound there")
        return 10 * math.log10(now / was)


def check_all(
    bench: Workbench, notes: Sequence[str], before: Mapping[str, float], after: Mapping[str, float]
) -> tuple[NoteChecked, ...]:
    """Every request in every note, in order; greetings and thanks are no notes. Faders are in dB."""
    roles = {stem.name: stem.role for stem in bench.song.multitrack.stems}
    checked = []
    for note in notes:
        requests = [request for request in read_requests(note, roles) if request.intent not in _SOCIAL]
        for request in requests:
            words = request.said if len(requests) > 1 and request.said else note
            checked.append(check_request(bench, words, request, before, after))
    return tuple(checked)


def check_request(
    bench: Workbench, note: str, request: Request, before: Mapping[str, float], after: Mapping[str, float]
) -> NoteChecked:
    """One request held against two versions; `note` is how the client put it."""
    words = printable(note, LONGEST_NOTE)
    try:
        direction = _direction(request)
        place, part = _place(bench, request)
        change_lu = place.change_lu(before, after)
        if direction == 0:  # a fader that was left alone is left alone, also where others moved around it
            change_lu = min(change_lu, place.own_change_lu(before, after), key=abs)
        wanted_db = _wanted_db(note, request)
        wanted_lu = None if wanted_db is None else _effect_lu(place, request, wanted_db, before)
    except _CannotSay as reason:
        return NoteChecked(note=words, stems=request.stems, status="cannot_say", asked=str(reason), change_lu=None)
    return NoteChecked(
        note=words,
        stems=request.stems,
        status=_status(direction, change_lu, wanted_lu),
        asked=_ASKED[direction],
        change_lu=change_lu,
        wanted_db=wanted_db,
        wanted_lu=wanted_lu,
        part=part,
    )


def _direction(request: Request) -> Direction:
    """Which way the stems shall go. Raises _CannotSay for what no level can answer."""
    if request.effect is not None or request.intent == "cannot":
        raise _CannotSay(
            f"{request.effect or 'that'} is nothing that a fader does, so no level tells whether it is done"
        )
    if request.intent == "complaint" or (request.quality is not None and request.intent not in {"turn", "lock"}):
        raise _CannotSay("that is about the sound, which levels alone do not tell; listen to both versions")
    if request.missing and not request.stems:
        raise _CannotSay(f"this song has no '{printable(request.missing[0], 60)}'")
    if request.intent == "lock":
        direction: Direction = 0
    elif request.intent == "turn" or (request.intent in {"too_loud", "too_quiet"} and not request.question):
        given: dict[str, Direction] = {"too_loud": -1, "too_quiet": 1}
        direction = given.get(request.intent, request.direction)
        if direction == 0:
            raise _CannotSay("it names no direction")
    else:
        raise _CannotSay("it asks for nothing that a level could answer")
    if not request.stems:
        raise _CannotSay("it names no stem of this song")
    return direction


def _place(bench: Workbench, request: Request) -> tuple[_Place, str]:
    energies = bench.energies
    members = [energies.names.index(stem) for stem in request.stems]
    if len(members) == len(energies.names):
        raise _CannotSay("that is the whole mix, which has no level in itself")
    times_s = (np.arange(len(energies.per_hop)) + 0.5) * HOP_S
    if not request.section:
        return _Place(energies, members, np.ones(len(times_s), dtype=bool)), ""
    try:
        start_s, end_s, label = find_part(bench, request.section)
    except ModelMistake as error:
        raise _CannotSay(str(error)) from error
    return _Place(energies, members, (times_s >= start_s) & (times_s < end_s)), label


def _wanted_db(note: str, request: Request) -> float | None:
    """The size that the client named, dB; a size in words ('a bit') is none."""
    size_db = request.amount_db
    if size_db is None or request.trouble or request.intent == "lock":
        return None
    told = f"{size_db:g}"
    named = _DECIBELS.search(note) is not None or told in note or told.replace(".", ",") in note
    return size_db * (request.direction or 1) if named and size_db > 0 else None


def _effect_lu(place: _Place, request: Request, wanted_db: float, before: Mapping[str, float]) -> float:
    """Change of level in the mix that a fader move of `wanted_db` alone makes."""
    moved = {**before, **{stem: before.get(stem, 0.0) + wanted_db for stem in request.stems}}
    effect_lu = place.change_lu(before, moved)
    if abs(effect_lu) < LEAST_EFFECT_LU:
        raise _CannotSay("it is nearly all that sounds there, so its level in the mix hardly changes")
    return effect_lu


def _status(direction: Direction, change_lu: float, wanted_lu: float | None) -> NoteStatus:
    if direction == 0:
        return "done" if abs(change_lu) < STILL_LU else "not"
    right_way_lu = change_lu * direction
    if right_way_lu <= -STILL_LU:
        return "worse"
    done_lu = DONE_LU if wanted_lu is None else DONE_SHARE * abs(wanted_lu)
    partly_lu = PARTLY_LU if wanted_lu is None else PARTLY_SHARE * abs(wanted_lu)
    return "done" if right_way_lu >= done_lu else "partly" if right_way_lu >= partly_lu else "not"
