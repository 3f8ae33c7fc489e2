"""What the user's standing wishes allow a move to do. Every advisor, tool and verification asks here."""

from collections.abc import Mapping, Sequence

from mixingbuddy.agent.state import Lock
from mixingbuddy.tools.errors import ModelMistake
from mixingbuddy.tools.moves import GainMove, clamped_db

_ROUNDING_DB = 1e-6


def forbidding(locks: Sequence[Lock], stem: str, gain_db: float, advised: bool) -> Lock | None:
    """The lock that forbids moving a stem at all in this direction; None where it may move.

    Tastes and rejections bind advice; the user's own wish for a move goes before them. A kept stem stays for both.
    """
    for lock in locks:
        if stem not in lock.stems or gain_db == 0.0:
            continue
        if lock.kind == "keep":
            return lock
        if advised and lock.kind == "taste" and gain_db * lock.direction < 0:
            return lock
        if advised and lock.kind == "rejected" and gain_db * lock.direction > 0:
            return lock
    return None


def limit_db(locks: Sequence[Lock], stem: str) -> float | None:
    """How far a fader may move, dB; None without a limit."""
    own = [lock.limit_db for lock in locks if lock.kind == "limit" and (not lock.stems or stem in lock.stems)]
    return min((limit for limit in own if limit is not None), default=None)


def within_limit(locks: Sequence[Lock], stem: str, gain_db: float, stands_db: float) -> float:
    """The move cut to the user's limit, which holds for the move and for where the fader ends, re its import."""
    limit = limit_db(locks, stem)
    if limit is None:
        return gain_db
    # A fader that already stands further out may stay there or come back.
    reach = max(limit, abs(stands_db))
    cut = min(max(gain_db, -limit), limit)
    return clamped_db(min(max(stands_db + cut, -reach), reach) - stands_db)


def check_locks(
    locks: Sequence[Lock], moves: Sequence[GainMove], faders: Mapping[str, float], advised: bool = False
) -> None:
    """Raise ModelMistake for the first move that a lock forbids."""
    for move in moves:
        lock = forbidding(locks, move.stem, move.gain_db, advised)
        if lock is not None:
            raise ModelMistake(f"'{move.stem}' is locked: {lock_words(lock)}; leave it, or ask the user to unlock it")
        allowed_db = within_limit(locks, move.stem, move.gain_db, faders.get(move.stem, 0.0))
        if abs(allowed_db - move.gain_db) > _ROUNDING_DB:
            raise ModelMistake(
                f"'{move.stem}' may move by {allowed_db:+.1f} dB at most: the user set a limit of "
                f"{limit_db(locks, move.stem):g} dB"
            )


def lock_words(lock: Lock) -> str:
    """A lock for a language model: what the user wants."""
    if lock.kind == "limit":
        return f"the user wants no fader moved by more than {lock.limit_db:g} dB"
    if lock.kind == "taste":
        return f"the user likes the {lock.words} {'loud' if lock.direction > 0 else 'low'}"
    if lock.kind == "rejected":
        return f"the user refused a move of the {lock.words} {'up' if lock.direction > 0 else 'down'}"
    return f"the user said to keep the {lock.words}"
