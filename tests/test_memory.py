"""What the user wants kept in mind outlives the conversation, and can be taken back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from mixingbuddy.agent.memory import Memory, forget_kept, open_memory, read_all, remembered_reference
from mixingbuddy.agent.state import Lock
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.roles import Role

ROLES: dict[str, Role] = {"Vox": "vocals", "Kick": "kick", "Snare": "snare", "Bass": "bass"}
OTHER: dict[str, Role] = {"Sänger": "vocals", "git": "guitar"}
LOW = Lock(kind="taste", stems=("Vox",), words="vocal", direction=-1)
LOUD = LOW.model_copy(update={"direction": 1})
KEEP = Lock(stems=("Kick", "Snare"), words="drums")
LIMIT = Lock(kind="limit", stems=(), words="every fader", limit_db=3.0)


@pytest.fixture(params=["in memory", "on disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BaseStore]:
    if request.param == "in memory":
        yield InMemoryStore()
        return
    with open_memory(tmp_path / "workspace") as opened:
        yield opened


def of(store: BaseStore, song: str = "/a/song", roles: dict[str, Role] = ROLES) -> Memory:
    return Memory(store, Path(song), "song", roles)


def test_a_lock_is_kept_listed_and_dropped(store: BaseStore) -> None:
    of(store).keep(KEEP)
    assert of(store).locks() == [KEEP]
    assert of(store, "/another/song").locks() == []
    assert of(store).drop(("Kick",), ("keep",)) == [KEEP]
    assert of(store).locks() == [KEEP.model_copy(update={"stems": ("Snare",)})]
    of(store).drop((), ("keep",))
    assert of(store).locks() == []


def test_a_new_taste_replaces_the_old_one(store: BaseStore) -> None:
    for lock in (LOW, LOUD, LIMIT, LIMIT.model_copy(update={"limit_db": 2.0})):
        of(store).keep(lock)
    assert of(store).locks() == [LOUD, LIMIT.model_copy(update={"limit_db": 2.0})]


def test_a_wish_for_all_songs_means_the_role_in_each(store: BaseStore) -> None:
    of(store).keep(LOW.model_copy(update={"scope": "all songs"}))
    there = of(store, "/another/song", OTHER).locks()
    assert [(lock.stems, lock.direction, lock.scope) for lock in there] == [(("Sänger",), -1, "all songs")]
    assert of(store, "/third", {"drums": "drums"}).locks() == []
    assert of(store, "/another/song", OTHER).drop(("Sänger",), ("taste",))
    assert of(store).locks() == []


def test_what_song_toml_says_stays_taken_back(store: BaseStore) -> None:
    of(store).seed([KEEP])
    assert of(store).locks() == [KEEP]
    of(store).drop((), ("keep",))
    of(store).seed([KEEP])
    assert of(store).locks() == []
    of(store).keep(KEEP)
    assert of(store).locks() == [KEEP]


def test_one_entry_is_forgotten_and_a_reference_kept(store: BaseStore) -> None:
    of(store).keep(LOW)
    of(store).keep_reference(Path("/refs/hit.wav"))
    assert remembered_reference(store, Path("/a/song")) == Path("/refs/hit.wav")
    kept = read_all(store)
    assert {one.memo.kind for one in kept} == {"lock", "reference"}
    assert read_all(store, Path("/a/song")) == kept
    forget_kept(store, [one for one in kept if one.memo.kind == "reference"])
    assert remembered_reference(store, Path("/a/song")) is None
    assert of(store).locks() == [LOW]


def test_it_is_there_in_another_process_while_the_first_has_it_open(tmp_path: Path) -> None:
    with open_memory(tmp_path) as first, open_memory(tmp_path) as second:
        of(first).keep(LIMIT)
        assert of(second).locks() == [LIMIT]
    with open_memory(tmp_path) as third:
        assert of(third).locks() == [LIMIT]


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "memory.sqlite").write_bytes(b"this is no database, it only has its name" * 40)
    with pytest.raises(UserError, match="move it away"), open_memory(tmp_path):
        pass


locks = st.builds(
    Lock,
    kind=st.sampled_from(["keep", "taste"]),
    stems=st.lists(st.sampled_from(sorted(ROLES)), min_size=1, unique=True).map(tuple),
    words=st.just("those"),
    direction=st.sampled_from([-1, 1]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(locks, st.sampled_from(sorted(ROLES))), max_size=8))
def test_the_last_word_counts(said: list[Lock | str]) -> None:
    memory = of(InMemoryStore())
    for word in said:
        if isinstance(word, Lock):
            memory.keep(word)
            assert any(lock.kind == word.kind and set(word.stems) <= set(lock.stems) for lock in memory.locks())
        else:
            memory.drop((word,), ("keep", "taste"))
            assert all(word not in lock.stems for lock in memory.locks())
    tastes: dict[str, int] = {}
    for lock in memory.locks():
        if lock.kind == "taste":
            for stem in lock.stems:
                assert tastes.setdefault(stem, lock.direction) == lock.direction
