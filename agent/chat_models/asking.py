"""One question to a chat model: streamed, bounded in time, asked again where the service stumbles."""

import contextvars
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.chat_models.assembling import Answer, add_up, bounded
from mixingbuddy.agent.chat_models.llm_failures import AnswerCut, NoAnswerInTime, retry_after_s, worth_another_try


class Patience(BaseModel):
    """How long a chat model may take, and how often it is asked again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timeout_s: float = Field(default=60.0, gt=0, description="longest wait for the next piece of an answer")
    tries: int = Field(default=4, ge=1)
    backoff_s: float = Field(default=1.0, gt=0, description="first wait before asking again; doubled every time")
    longest_wait_s: float = Field(
        default=20.0, gt=0, description="longest wait before asking again, whoever asks for it"
    )

    @property
    def total_s(self) -> float:
        """All tries and waits for one answer."""
        return 5.0 * self.timeout_s


class Asking:
    """Asks a chat model. `on_text` gets the text as it comes; `on_restart` is told when an answer begins anew.

    A failure that another try cannot mend, or the last of all tries, is raised as it came; it is `failure` then.
    """

    def __init__(self, llm: Runnable[Any, AIMessage], patience: Patience) -> None:
        self._llm = llm
        self._patience = patience
        self.tries = 0
        self.failure: BaseException | None = None

    def ask(
        self, messages: Sequence[BaseMessage], on_text: Callable[[str], None], on_restart: Callable[[], None]
    ) -> Answer:
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_before_delay

        patience, began, self.tries = self._patience, time.monotonic(), 0

        def once() -> Answer:
            self.tries += 1
            if self.tries > 1:
                on_restart()
            try:
                whole = add_up(self._pieces(messages, began + patience.total_s), on_text)
            except AnswerCut as error:
                self.failure = error
                raise
            return bounded(whole, time.monotonic() - began, self.tries)

        retrying = Retrying(
            stop=stop_after_attempt(patience.tries) | stop_before_delay(patience.total_s),
            wait=lambda state: self._wait_s(state.attempt_number, _error_of(state)),
            retry=retry_if_exception(self._again),
            reraise=True,
        )
        return retrying(once)

    def _again(self, error: BaseException) -> bool:
        """A service that asks for more time than we have is not asked again."""
        return worth_another_try(error) and (retry_after_s(error) or 0.0) <= self._patience.longest_wait_s

    def _wait_s(self, tries: int, error: BaseException | None) -> float:
        """Doubled with every try, up to half of it left to chance, so that many clients do not come back at once."""
        import random

        longest_s = min(self._patience.longest_wait_s, self._patience.backoff_s * 2.0 ** (tries - 1))
        asked_s = (retry_after_s(error) if error is not None else None) or 0.0
        return max(asked_s, random.uniform(0.5, 1.0) * longest_s)

    def _pieces(self, messages: Sequence[BaseMessage], deadline_s: float) -> Iterator[AIMessage]:
        """The pieces of one answer, read in a thread: no provider's own timeout bounds a whole answer."""
        pieces: SimpleQueue[AIMessage | BaseException | None] = SimpleQueue()
        given_up = threading.Event()

        def read() -> None:
            try:
                for piece in self._llm.stream(list(messages)):
                    pieces.put(piece)
                    if given_up.is_set():
                        return
                pieces.put(None)
            except BaseException as error:  # noqa: BLE001 - raised again where the answer is waited for
                pieces.put(error)

        threading.Thread(target=contextvars.copy_context().run, args=(read,), daemon=True).start()
        try:
            while True:
                patience, left_s = self._patience, deadline_s - time.monotonic()
                try:
                    piece = pieces.get(timeout=max(0.0, min(patience.timeout_s, left_s)))
                except Empty:
                    silent = left_s > patience.timeout_s
                    piece = NoAnswerInTime(
                        f"sent nothing for {patience.timeout_s:g} s"
                        if silent
                        else f"did not finish its answer within {patience.total_s:g} s"
                    )
                if piece is None:
                    return
                if isinstance(piece, BaseException):
                    self.failure = piece
                    raise piece
                yield piece
        finally:
            given_up.set()


def _error_of(state: Any) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
