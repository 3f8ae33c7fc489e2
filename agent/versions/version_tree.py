"""The tree of mix versions: applying grows it, undo and redo walk along its branches, and versions can be named."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mixingbuddy.agent.state import FIRST_VERSION, State, Version, versions_of
from mixingbuddy.tools.errors import ModelMistake, printable

LONGEST_NAME = 60
MOST_LISTED = 12
_NUMBER = re.compile(r"(?:v|ver|version)?[\s._#-]*(\d+(?:[.,]\d+)?)", re.IGNORECASE)
_CURRENT = frozenset({"current", "this", "this one", "now", "here"})
_FIRST = frozenset({"original", "the original", "imported", "as imported", "import", "first"})
_LATEST = frozenset({"latest", "newest", "last"})
_PARENT = frozenset({"previous", "parent", "before"})
_RESERVED = _CURRENT | _FIRST | _LATEST | _PARENT


@dataclass(frozen=True)
class VersionTree:
    """All versions, the one the user stands on, and the one left last, towards which redo leads."""

    versions: tuple[Version, ...] = (FIRST_VERSION,)
    current: int = FIRST_VERSION.id
    last_left: int = FIRST_VERSION.id

    @property
    def here(self) -> Version:
        return self.version(self.current)

    def version(self, number: int) -> Version:
        """The version of this number, which must exist."""
        return next(version for version in self.versions if version.id == number)

    def parent(self, version: Version) -> Version | None:
        return None if version.parent is None else self.version(version.parent)

    def applied(self, faders: Mapping[str, float], label: str, audio_digest: str = "") -> "VersionTree":
        """A new version on top of the current one; it becomes the current one."""
        new = Version(
            id=max(version.id for version in self.versions) + 1,
            parent=self.current,
            faders=dict(faders),
            label=label,
            audio_digest=audio_digest,
        )
        return replace(self, versions=(*self.versions, new), current=new.id)

    def undone(self) -> "VersionTree | None":
        """Standing on the parent; None on the version that was imported."""
        parent = self.here.parent
        return None if parent is None else self.gone(parent)

    def redone(self) -> "VersionTree | None":
        """One step back towards the version left last, else to the newest version on top of this one; None if none."""
        way = self._way(self.last_left)
        if self.current in way[:-1]:
            return replace(self, current=way[way.index(self.current) + 1])
        newest = max((version.id for version in self.versions if version.parent == self.current), default=None)
        return None if newest is None else replace(self, current=newest)

    def gone(self, number: int) -> "VersionTree":
        """Standing on any version. What was left is remembered, unless it lies on the way that redo goes anyway."""
        left = self.last_left if self.current in self._way(self.last_left) else self.current
        return replace(self, current=number, last_left=left)

    def named(self, number: int, name: str) -> "VersionTree":
        """The version called `name`. Raises ModelMistake for a name that cannot be told from a number or another's."""
        clean = clean_name(name)
        other = next((v for v in self.versions if v.id != number and v.name.casefold() == clean.casefold()), None)
        if other is not None:
            raise ModelMistake(f"version {other.id} is called '{clean}' already; choose another name")
        renamed = (v.model_copy(update={"name": clean}) if v.id == number else v for v in self.versions)
        return replace(self, versions=tuple(renamed))

    def find(self, wanted: int | str) -> Version:
        """The version of this number or name (upper or lower case). Raises ModelMistake that lists the versions."""
        number = _number(wanted)
        name = "" if isinstance(wanted, int) else _plain(wanted).casefold()
        for version in self.versions:
            if version.id == number or (name and version.name.casefold() == name):
                return version
        by_word = self._called(name)
        if by_word is None:
            raise ModelMistake(f"no version '{printable(str(wanted), LONGEST_NAME)}'; there are: {self.listed()}")
        return by_word

    def listed(self) -> str:
        """The versions in a line, the newest of many."""
        listed = [f"{v.id} '{v.name}'" if v.name else str(v.id) for v in self.versions[-MOST_LISTED:]]
        more = len(self.versions) - len(listed)
        return ", ".join([f"{more} older ones"] * (more > 0) + listed)

    def _called(self, name: str) -> Version | None:
        if name in _CURRENT:
            return self.here
        if name in _FIRST:
            return self.versions[0]
        if name in _LATEST:
            return max(self.versions, key=lambda version: version.id)
        return self.parent(self.here) if name in _PARENT else None

    def _way(self, number: int) -> list[int]:
        """Numbers from the imported version to this one."""
        parents = {version.id: version.parent for version in self.versions}
        way = [number] if number in parents else [FIRST_VERSION.id]
        while (parent := parents[way[-1]]) is not None:
            way.append(parent)
        return way[::-1]


def tree_of(state: State) -> VersionTree:
    """The versions of a conversation."""
    current = state.get("current", FIRST_VERSION.id)
    return VersionTree(tuple(versions_of(state)), current, state.get("last_left") or current)


def clean_name(name: str) -> str:
    """A name as it is kept: one printable line. Raises ModelMistake where it is empty, a number or a reserved word."""
    clean = _plain(name)
    if not any(letter.isalnum() for letter in clean):
        raise ModelMistake("a version's name needs at least one letter; ask the user what to call it")
    if _NUMBER.fullmatch(clean) or _is_number(clean):
        raise ModelMistake(f"'{clean}' would be mistaken for a version's number; choose a name with a word in it")
    if clean.casefold() in _RESERVED:
        raise ModelMistake(f"'{clean}' already means a version; choose another name")
    return clean


def version_tree(versions: Sequence[Version], current: int, here: str = "you are here") -> str:
    """The tree as text, a version a line; only what branches off is indented."""
    children: dict[int | None, list[Version]] = {}
    for version in versions:
        children.setdefault(version.parent, []).append(version)
    lines: list[str] = []
    todo = [(version, "", "") for version in reversed(children.get(None, []))]
    while todo:
        version, lead, rest = todo.pop()
        lines.append(f"{lead}{_line(version)}{f'  <- {here}' if version.id == current else ''}")
        below = children.get(version.id, [])
        if len(below) == 1:
            todo.append((below[0], rest, rest))
        else:
            last = [("└─ ", "   ")] * bool(below)
            marks = [*[("├─ ", "│  ")] * (len(below) - 1), *last]
            todo += [(child, rest + a, rest + b) for child, (a, b) in reversed(list(zip(below, marks, strict=True)))]
    return "\n".join(lines)


def _line(version: Version) -> str:
    name = f" '{printable(version.name, LONGEST_NAME)}'" if version.name else ""
    return f"{version.id}{name}  {printable(version.label, 100)}".rstrip()


def _plain(name: str) -> str:
    return printable(name, LONGEST_NAME).strip("'\"“”‘’ ")


def _number(wanted: int | str) -> int | None:
    if isinstance(wanted, int):
        return wanted
    match = _NUMBER.fullmatch(wanted.strip())
    return int(match[1]) if match and match[1].isdecimal() and len(match[1]) <= 9 else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
