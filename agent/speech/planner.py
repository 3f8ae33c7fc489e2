"""The offline planner: a deterministic chat model that plans by vocabulary, calls tools, and speaks from their results.

It is no language model and does not pretend to be one. It sees what any chat model sees: the system message with the
song's data and the parsed requests, the conversation, and the tools' answers.
"""

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from mixingbuddy.agent.requests import Request, most_words
from mixingbuddy.agent.speech.answers_memory import SOFT, acknowledged
from mixingbuddy.agent.speech.turn import Pending, Refused, Turn, for_the_user
from mixingbuddy.agent.speech.turn_plan import Job, plan_of
from mixingbuddy.agent.speech.voice import ANSWER, HINT, REASON, Line, fitted, words_that_stay


class OfflinePlanner(BaseChatModel):
    """Chat model without a network and without weights; the same messages always give the same answer."""

    @property
    def _llm_type(self) -> str:
        return "mixingbuddy-offline"

    def bind_tools(
        self, tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """The planner knows the tools it calls; binding changes nothing."""
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=next_step(Turn(messages)))])


def next_step(turn: Turn) -> AIMessage:
    """The tools to call next, or the reply once every answer is there."""
    plan = plan_of(turn)
    told: list[tuple[Job, list[Line]]] = []
    for job in plan.jobs:
        try:
            told.append((job, job.answer()))
        except Pending:
            if job.moves_on:
                break
        except Refused as refused:
            told.append((job, [Line(turn.say("cannot", reason=for_the_user(str(refused))))]))
    if turn.wanted:
        return AIMessage("", tool_calls=turn.next_calls())
    most = most_words(turn.requests)
    lines, put_off = _within(acknowledged(turn), told, most)
    # The next step comes last, whatever was answered beside the proposal.
    lines = [*(line for line in lines if line.rank != HINT), *(line for line in lines if line.rank == HINT)]
    return AIMessage(fitted([*lines, *_left_over(turn, (*plan.later, *put_off))], most))


def _within(
    lines: Sequence[Line], told: Sequence[tuple[Job, list[Line]]], most: int
) -> tuple[list[Line], list[Request]]:
    """The answers that one reply has room for, and the requests that are put off for that."""
    kept = list(told)
    put_off: list[Request] = []
    while True:
        whole = [*lines, *(line for _, answer in kept for line in answer)]
        beside = [(index, job.request) for index, (job, _) in enumerate(kept) if job.request is not None]
        if len(kept) < 2 or not beside or words_that_stay(whole) <= most:
            return whole, put_off
        index, request = beside[-1]
        put_off.insert(0, request)
        del kept[index]


def _left_over(turn: Turn, later: Sequence[Request]) -> list[Line]:
    """What this turn did not do, and words that may have been misspelt."""
    lines = []
    if later:
        rest = "; ".join(words for request in later if (words := turn.said_back(request.said)))
        lines.append(Line(turn.say("later", rest=rest) if rest else turn.say("one_at_a_time"), REASON))
    hard = any(r.intent not in SOFT for r in turn.requests)
    unheard = [r for r in turn.requests if hard and r.intent == "unknown" and r.meant]
    return lines + [Line(turn.say("did_you_mean", word=r.meant), ANSWER) for r in unheard]
