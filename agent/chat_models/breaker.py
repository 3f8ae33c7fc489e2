"""A chat model that keeps failing is left alone for a while, so that not every turn waits for it."""

import time
from collections.abc import Callable

FAILURES = 2
TURNS = 5
SECONDS = 60.0


class Breaker:
    """After two failures in a row only every fifth turn gets through, or one a minute after the last try."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._turns = 0
        self._tried_s = 0.0

    def allows(self) -> bool:
        """Whether the model is asked in the turn that begins. Call it once a turn."""
        self._turns += 1
        allowed = self._failures < FAILURES or self._turns >= TURNS or self._clock() - self._tried_s >= SECONDS
        if allowed:
            self._turns = 0
        return allowed

    def failed(self) -> None:
        self._failures += 1
        self._tried_s = self._clock()

    def answered(self) -> None:
        self._failures = 0
