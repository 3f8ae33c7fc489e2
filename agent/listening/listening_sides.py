"""What is heard against what: two versions, a proposal, or the mix without and with one stem."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mixingbuddy.agent.state import Version
from mixingbuddy.agent.workbench import total_faders
from mixingbuddy.tools.errors import ModelMistake, printable
from mixingbuddy.tools.moves import GainMove
from mixingbuddy.tools.multitrack import Multitrack
from mixingbuddy.tools.render import check_stems


@dataclass(frozen=True)
class Side:
    """One mix to hear. `stems` are those that play, in the multitrack's order; empty for all of them."""

    what: str
    faders: dict[str, float]
    stems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sides:
    """Two mixes to hear against each other, and the one stem alone that makes them differ, if it is about one."""

    slug: str
    a: Side
    b: Side
    alone: Side | None = None


def version_sides(before: Version, after: Version) -> Sides:
    """Two versions."""
    return Sides(f"v{before.id}-v{after.id}", _of(before), _of(after))


def proposal_sides(base: Version, moves: Sequence[GainMove]) -> Sides:
    """A version, and the same with moves that are not applied yet."""
    after = Side(f"{_called(base)} with the proposed moves", total_faders(base.faders, moves))
    return Sides(f"v{base.id}-proposal", _of(base), after)


def stem_sides(multitrack: Multitrack, version: Version, name: str) -> Sides:
    """A version without and with one stem, and that stem alone. Raises ModelMistake where nothing else plays."""
    stem = multitrack.stem(name)
    check_stems(multitrack, [name if stem is None else stem.name])
    assert stem is not None
    others = tuple(one for one in multitrack.names if one != stem.name)
    if not others:
        raise ModelMistake(f"'{stem.name}' is all there is in this song; there is no mix to hear it in")
    shown = printable(stem.name, 60)
    return Sides(
        slug=f"v{version.id}-{multitrack.names.index(stem.name) + 1:02d}-{_slug(stem.name)}",
        a=Side(f"{_called(version)} without {shown}", version.faders, others),
        b=Side(f"{_called(version)} with {shown}", version.faders),
        alone=Side(f"{shown} alone", version.faders, (stem.name,)),
    )


def _of(version: Version) -> Side:
    return Side(_called(version), version.faders)


def _called(version: Version) -> str:
    return f"version {version.id}" + (f" '{printable(version.name, 60)}'" if version.name else "")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:30] or "stem"
