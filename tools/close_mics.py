"""Whether two stems are two pickups of one instrument, as their names and roles tell."""

import re

from mixingbuddy.tools.roles import Role

ONE_SOURCE: frozenset[Role] = frozenset({"kick", "snare", "bass"})
_PLACES = re.compile(r"top|bottom|btm|bot|under|down|in|out|inside|outside|di|amp|mic|sub|up|close|line|direct|cab")
_SECOND_MIC = re.compile(r"bottom|btm|bot|under|down|out|outside|amp|mic|cab|sub")


def is_one_source(names: tuple[str, str], roles: tuple[Role, Role]) -> bool:
    """Whether two stems are likely two pickups of one instrument."""
    bases = [[word for word in _words(name) if not _PLACES.fullmatch(word)] for name in names]
    return roles[0] == roles[1] and (roles[0] in ONE_SOURCE or bases[0] == bases[1])


def stem_to_flip(early: str, late: str) -> str:
    """By custom the bottom, outer or amplifier microphone is turned; else the one that is later."""
    seconds = [name for name in (early, late) if any(_SECOND_MIC.fullmatch(word) for word in _words(name))]
    return seconds[0] if len(seconds) == 1 else late


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    spaced = re.sub(r"(?i)(?<=snare|.kick)(?=top|bottom|btm|bot|under|in|out)", " ", " " + spaced)
    return re.findall(r"[a-z]+|\d+", spaced.lower())
