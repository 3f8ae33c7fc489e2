"""Whatever moves are tried, no lock lets one through that the user does not want."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixingbuddy.agent.locks import check_locks, forbidding, limit_db, lock_words, within_limit
from mixingbuddy.agent.state import Lock
from mixingbuddy.tools.errors import ModelMistake
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB, GainMove, clamped_db

KEEP = Lock(stems=("drums",), words="drums")
LOW = Lock(kind="taste", stems=("vocals",), words="vocal", direction=-1)
NO_MORE = Lock(kind="limit", stems=(), words="every fader", limit_db=3.0)
REFUSED = Lock(kind="rejected", stems=("bass",), words="bass", direction=-1, reason="i like it fat")
gains = st.floats(GAIN_MIN_DB, GAIN_MAX_DB).map(clamped_db)


def move(stem: str, gain_db: float) -> GainMove:
    return GainMove(stem=stem, gain_db=gain_db)


@pytest.mark.parametrize(
    ("lock", "stem", "gain_db", "advised", "forbidden"),
    [
        (KEEP, "drums", 1.0, False, True),
        (KEEP, "drums", 1.0, True, True),
        (KEEP, "drums", 0.0, True, False),
        (KEEP, "bass", 1.0, True, False),
        (LOW, "vocals", 1.0, True, True),
        (LOW, "vocals", -1.0, True, False),
        (LOW, "vocals", 1.0, False, False),
        (REFUSED, "bass", -2.0, True, True),
        (REFUSED, "bass", 2.0, True, False),
        (REFUSED, "bass", -2.0, False, False),
        (NO_MORE, "bass", 12.0, True, False),
    ],
)
def test_what_a_lock_forbids(lock: Lock, stem: str, gain_db: float, advised: bool, forbidden: bool) -> None:
    assert (forbidding([lock], stem, gain_db, advised) is lock) is forbidden


@given(gain_db=gains, stands_db=gains, limit=st.floats(0.1, 12.0).map(lambda x: round(x, 1)))
def test_a_limit_holds_for_the_move_and_for_where_the_fader_ends(
    gain_db: float, stands_db: float, limit: float
) -> None:
    lock = NO_MORE.model_copy(update={"limit_db": limit})
    allowed = within_limit([lock], "vocals", gain_db, stands_db)
    assert abs(allowed) <= limit + 1e-6
    assert abs(stands_db + allowed) <= max(limit, abs(stands_db)) + 0.05 + 1e-6
    assert allowed * gain_db >= 0
    assert within_limit([lock], "vocals", allowed, stands_db) == pytest.approx(allowed, abs=0.051)


def test_the_tightest_limit_counts_and_none_means_none() -> None:
    own = Lock(kind="limit", stems=("bass",), words="bass", limit_db=1.0)
    assert limit_db([NO_MORE, own], "bass") == 1.0
    assert limit_db([NO_MORE, own], "drums") == 3.0
    assert limit_db([KEEP], "drums") is None
    assert within_limit([], "drums", 9.0, 0.0) == 9.0


def test_a_fader_beyond_the_limit_may_come_back() -> None:
    assert within_limit([NO_MORE], "bass", -2.0, 6.0) == -2.0
    assert within_limit([NO_MORE], "bass", 2.0, 6.0) == 0.0


def test_a_forbidden_move_says_what_the_user_wanted() -> None:
    with pytest.raises(ModelMistake, match="keep the drums"):
        check_locks([KEEP], [move("bass", 1.0), move("drums", -1.0)], {})
    with pytest.raises(ModelMistake, match=r"may move by \+3.0 dB at most"):
        check_locks([NO_MORE], [move("bass", 5.0)], {})
    with pytest.raises(ModelMistake, match="likes the vocal low"):
        check_locks([LOW], [move("vocals", 2.0)], {}, advised=True)
    check_locks([KEEP, LOW, NO_MORE, REFUSED], [move("vocals", 2.0), move("bass", -3.0)], {})


@given(st.lists(st.tuples(st.sampled_from(["drums", "bass", "vocals"]), gains), max_size=3), st.booleans())
def test_what_passes_breaks_no_lock(moves: list[tuple[str, float]], advised: bool) -> None:
    locks = [KEEP, LOW, NO_MORE, REFUSED]
    wanted = [move(stem, gain_db) for stem, gain_db in moves]
    try:
        check_locks(locks, wanted, {}, advised)
    except ModelMistake:
        return
    for one in wanted:
        assert one.stem != "drums" or one.gain_db == 0.0
        assert abs(one.gain_db) <= 3.0
        assert not advised or one.stem != "vocals" or one.gain_db <= 0.0
        assert not advised or one.stem != "bass" or one.gain_db >= 0.0


def test_locks_in_words() -> None:
    assert "3 dB" in lock_words(NO_MORE)
    assert "low" in lock_words(LOW)
    assert "refused a move of the bass down" in lock_words(REFUSED)
