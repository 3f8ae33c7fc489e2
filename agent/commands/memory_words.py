"""A memo in words, for the command line."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixingbuddy.agent.memory import Memo


def memo_words(memo: "Memo") -> str:
    """What the user wanted, in one line."""
    lock = memo.lock
    if lock is None:
        return f"sound like {memo.reference}"
    if lock.kind == "limit":
        return f"never move {lock.words} by more than {lock.limit_db:g} dB"
    if lock.kind == "taste":
        return f"likes the {lock.words} {'loud' if lock.direction > 0 else 'low'}"
    if lock.kind == "rejected":
        why = f" ('{lock.reason}')" if lock.reason else ""
        return f"refused to move {lock.words} {'up' if lock.direction > 0 else 'down'}{why}"
    return f"keep the {lock.words} as it is"
