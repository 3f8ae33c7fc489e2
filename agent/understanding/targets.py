"""Which stems of the song a clause is about: named, 'everything', 'the rest', 'except', 'not these but those'."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mixingbuddy.agent.understanding.tokens import Token, first, has
from mixingbuddy.tools.roles import Role

WIDE = "all|rest|not=nothing|except=all_but"


@dataclass(frozen=True)
class Targets:
    """What a clause names. `missing`: instruments that this song has not; `spared`: stems that were excepted."""

    stems: tuple[str, ...] = ()
    called: str = ""
    missing: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    everything: bool = False


def find_targets(tokens: Sequence[Token], roles: Mapping[str, Role], mentioned: Sequence[str] = ()) -> Targets:
    """The stems in the tokens of a clause; 'the rest' is what the message has not `mentioned`."""
    named, spared = _sorted_out(tokens)
    stems = tuple(dict.fromkeys(stem for token in named for stem in token.stems))
    left_out = tuple(dict.fromkeys(stem for token in spared for stem in token.stems))
    missing = tuple(" ".join(token.words) for token in named if token.kind == "missing")
    called = " and ".join(dict.fromkeys(" ".join(token.words) for token in named if token.kind == "stems"))
    excepted = " and ".join(dict.fromkeys(" ".join(token.words) for token in spared))
    wide = next((token for token in (*named, *tokens) if token.is_a(WIDE)), None)
    if wide is not None and (not stems or wide.kind == "except"):
        but = (*left_out, *(mentioned if wide.kind == "rest" else ()))
        words = "everything" if wide.is_a("not|except") else " ".join(wide.words)
        called = f"{words} except the {excepted}" if left_out else words
        return Targets(
            tuple(n for n in roles if n not in but), called, missing, left_out, wide.kind != "rest" and not but
        )
    kept = tuple(stem for stem in stems if stem not in left_out)
    if set(left_out) & set(stems):
        called = f"{called} except the {excepted}"
    return Targets(kept, called, missing, left_out)


def _sorted_out(tokens: Sequence[Token]) -> tuple[list[Token], list[Token]]:
    """The tokens that name what is meant, and those that name what is not."""
    named: list[Token] = []
    spared: list[Token] = []
    out = ""  # what ends the exception: "" for none, "comma", or "end"
    excepting = has(tokens, "except|but")
    for index, token in enumerate(tokens):
        if token.is_a("except|but"):
            out = "end"
        elif token.is_a("than|rather|landmark|compare"):
            out = "comma"
        elif token.is_a("rather_said") and has(tokens[index:], "named"):
            named.clear()
        elif token.is_a("comma") and out == "comma":
            out = ""
        elif token.is_a("not=not|not=is_not") and names_next(tokens[index + 1 :]):
            out = "comma"
        elif token.is_a("named") or (token.is_a("not=nothing") and excepting):
            (spared if out else named).append(_one_sided(token, tokens[:index], tokens[index + 1 :]))
    if not named and not has(tokens, "except=all_but"):
        return spared, []
    return named, spared


def names_next(tokens: Sequence[Token]) -> bool:
    """Whether the next word of weight names a stem."""
    following = next((token for token in tokens if not token.is_a("small|side")), None)
    return following is not None and following.is_a("stems|missing")


def _one_sided(token: Token, before: Sequence[Token], after: Sequence[Token]) -> Token:
    """'The left guitar' is the one whose name says left."""
    if len(token.stems) < 2:
        return token
    behind = first(after, "stems|missing")
    nearby = (*before[-1:], *(t for t in after[:behind] if t.kind == "side"))
    if after and after[0].words == ("right",) and any(t.is_a("be|way|sign|number|too|raise") for t in after[1:2]):
        nearby = (*nearby, after[0])
    for side in ("left", "right"):
        if any(side in near.words for near in nearby):
            kept = tuple(stem for stem in token.stems if on_side(stem, side))
            if kept:
                return replace(token, words=(side, *token.words), stems=kept)
    return token


def on_side(name: str, side: str) -> bool:
    """Whether a stem's name says that it is on that side: 'GtrL', 'Guitar Left', 'gtr_l'."""
    letter = side[0].upper()
    end = re.search(rf"(?:[a-z\d_\W]{letter}|[_\W\d]{letter.lower()}|^{letter})$", name)
    return end is not None or side in name.casefold()
