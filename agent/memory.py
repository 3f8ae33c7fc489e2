"""What the user wants kept in mind across sessions: locks and intents, for one song or for all of them.

The records lie in a LangGraph store, beside the checkpoints and not in them: a conversation may end, a taste does not.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from langgraph.store.base import BaseStore
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.state import Lock
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import make_folder
from mixingbuddy.tools.roles import Role

Scope = Literal["song", "all songs"]
MOST_RECORDS = 500
_ALL_SONGS = ("mixingbuddy", "all songs")


class Memo(BaseModel):
    """One thing to keep in mind."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["lock", "reference"] = "lock"
    song: str = Field(description="name of the song it was said about")
    lock: Lock | None = None
    roles: tuple[Role, ...] = Field(default=(), description="roles it means, in a wish for all songs")
    reference: str | None = Field(default=None, description="path of the mix that this one shall sound like")
    source: Literal["words", "song.toml"] = "words"
    removed: bool = Field(default=False, description="a wish of song.toml that the user took back")
    since: str = Field(description="when it was said, UTC")


class Kept(BaseModel):
    """A memo with its place."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    space: tuple[str, ...] = Field(description="namespace in the store")
    scope: Scope
    memo: Memo


class MemoryShown(BaseModel):
    """The document of `mixingbuddy memory --json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kept: tuple[Kept, ...]
    forgotten: tuple[Kept, ...] = Field(description="what this call removed")


class Memory:
    """The wishes that hold for one song, its own and those for all songs."""

    def __init__(self, store: BaseStore, song: Path, name: str, roles: Mapping[str, Role]) -> None:
        self._store, self._name, self._roles = store, name, dict(roles)
        self._own = ("mixingbuddy", "song", song_key(song))

    def locks(self) -> list[Lock]:
        """Every lock that means a stem of this song, those for all songs as stems of it."""
        kept = [lock for one in self.all() if (lock := self._here(one)) is not None]
        return list({(lock.kind, lock.stems, lock.direction, lock.limit_db): lock for lock in kept}.values())

    def all(self) -> list[Kept]:
        """Every memo about this song or all songs that was not taken back, oldest first."""
        return [one for one in (*read(self._store, _ALL_SONGS), *read(self._store, self._own)) if not one.memo.removed]

    def keep(self, lock: Lock, source: Literal["words", "song.toml"] = "words") -> None:
        """Remember a lock; what says the same, or the opposite about the same stems, makes way."""
        for one in self.all():
            if one.memo.lock is not None and _makes_way(one.memo.lock, lock) and one.scope == lock.scope:
                self._store.delete(self._space(one.scope), one.key)
        roles = tuple(dict.fromkeys(self._roles[stem] for stem in lock.stems)) if lock.scope == "all songs" else ()
        memo = Memo(song=self._name, lock=lock, roles=roles, source=source, since=_now())
        self._store.put(self._space(lock.scope), _key(lock), memo.model_dump(mode="json"), index=False)

    def seed(self, locks: Sequence[Lock]) -> None:
        """Take over the locks of song.toml that are not known yet; one that the user took back stays so."""
        for lock in locks:
            if self._store.get(self._own, _key(lock)) is None:
                self.keep(lock, source="song.toml")

    def drop(self, stems: Sequence[str], kinds: Sequence[str]) -> list[Lock]:
        """Forget the locks of these kinds on these stems (all stems where none is given); gives what was dropped."""
        dropped = []
        for one in self.all():
            lock = self._here(one)
            if lock is None or lock.kind not in kinds or (stems and lock.stems and not set(lock.stems) & set(stems)):
                continue
            dropped.append(lock)
            forget_kept(self._store, [one])
            rest = tuple(stem for stem in lock.stems if stem not in stems) if stems else ()
            if rest:
                self.keep(lock.model_copy(update={"stems": rest}))
        return dropped

    def keep_reference(self, path: Path) -> None:
        """Remember what this song shall be compared with."""
        memo = Memo(kind="reference", song=self._name, reference=str(path), since=_now())
        self._store.put(self._own, "reference", memo.model_dump(mode="json"), index=False)

    def _here(self, one: Kept) -> Lock | None:
        """The lock in this song's stems; None where it means none of them."""
        lock = one.memo.lock
        if lock is None:
            return None
        if one.scope == "all songs" and one.memo.roles:
            stems = tuple(stem for stem, role in self._roles.items() if role in one.memo.roles)
        else:
            stems = tuple(stem for stem in lock.stems if stem in self._roles)
        return lock.model_copy(update={"stems": stems}) if stems or (lock.kind == "limit" and not lock.stems) else None

    def _space(self, scope: Scope) -> tuple[str, ...]:
        return _ALL_SONGS if scope == "all songs" else self._own


def read(store: BaseStore, space: tuple[str, ...]) -> list[Kept]:
    """What lies in one namespace, oldest first."""
    scope: Scope = "all songs" if space == _ALL_SONGS else "song"
    items = store.search(space, limit=MOST_RECORDS)
    kept = [Kept(key=i.key, space=space, scope=scope, memo=Memo.model_validate(i.value)) for i in items]
    return sorted(kept, key=lambda one: (one.memo.since, one.key))


def read_all(store: BaseStore, song: Path | None = None) -> list[Kept]:
    """What is kept about one song, or about all of them and each of them, and was not taken back."""
    own = ("mixingbuddy", "song")
    found = (
        [(*own, song_key(song))] if song is not None else [_ALL_SONGS, *store.list_namespaces(prefix=own, limit=10_000)]
    )
    return [one for space in found for one in read(store, space) if not one.memo.removed]


def forget_kept(store: BaseStore, gone: Sequence[Kept]) -> None:
    """Remove memos; one that stands in a song.toml is marked, or it would be there again at the next start."""
    for one in gone:
        if one.memo.source == "song.toml":
            marked = one.memo.model_copy(update={"removed": True})
            store.put(one.space, one.key, marked.model_dump(mode="json"), index=False)
        else:
            store.delete(one.space, one.key)


def remembered_reference(store: BaseStore, song: Path) -> Path | None:
    """The mix that the user wanted this song to sound like; None where nothing was said."""
    item = store.get(("mixingbuddy", "song", song_key(song)), "reference")
    memo = None if item is None else Memo.model_validate(item.value)
    return Path(memo.reference) if memo is not None and memo.reference and not memo.removed else None


def song_key(song: Path) -> str:
    """A key for the place of a song: its memory outlives re-bounced stems."""
    return hashlib.sha256(str(song.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]


@contextmanager
def open_memory(workspace_root: Path) -> Iterator[BaseStore]:
    """The memory in the workspace; several processes may have it open. Raises UserError where it cannot be used."""
    from langgraph.store.sqlite import SqliteStore

    target = make_folder(workspace_root) / "memory.sqlite"
    try:
        connection = sqlite3.connect(target, check_same_thread=False, isolation_level=None, timeout=10)
        try:
            store = SqliteStore(connection)
            store.setup()
            yield store
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise UserError(f"the memory file '{target}' cannot be used ({error}); move it away") from error


def _makes_way(old: Lock, new: Lock) -> bool:
    if old.kind == "limit" and new.kind == "limit":
        return old.stems == new.stems
    about_same = bool(set(old.stems) & set(new.stems))
    if {old.kind, new.kind} <= {"taste", "rejected"}:
        return about_same and old.kind == new.kind
    return old.kind == new.kind and set(old.stems) <= set(new.stems)


def _key(lock: Lock) -> str:
    about = repr((lock.kind, lock.stems, lock.direction if lock.kind == "rejected" else 0))
    return hashlib.sha256(about.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
