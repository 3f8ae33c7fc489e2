"""Let the chat model choose the next tool, or speak; where it fails, the fallback goes on."""

import time
from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.runtime import Runtime

from mixingbuddy.agent.chat_models.asking import Asking, Patience
from mixingbuddy.agent.chat_models.assembling import MALFORMED, Answer
from mixingbuddy.agent.chat_models.breaker import Breaker
from mixingbuddy.agent.chat_models.llm_failures import in_words
from mixingbuddy.agent.chat_models.streaming import SentenceGate
from mixingbuddy.agent.conversation import MAX_STEPS, remembered, system_message
from mixingbuddy.agent.events import tell
from mixingbuddy.agent.guarding.ledger import turn_of
from mixingbuddy.agent.nodes import draft_objections
from mixingbuddy.agent.speech.planner import OfflinePlanner
from mixingbuddy.agent.state import State, proposal_of
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.prompts import load_table
from mixingbuddy.tools.errors import UserError, printable

CHANGING_TOOLS = frozenset({"ask_advisor", "try_moves", "apply_moves", "history"})
# Marks the fallback's messages, so that a turn that fell back stays with it, in another process too.
_FELL_BACK = "fell_back"


class Act:
    """The node that asks the chat model. One for all conversations of a graph."""

    def __init__(
        self,
        llm: BaseChatModel,
        tools: Sequence[BaseTool],
        fallback: BaseChatModel | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`fallback` speaks, and plans, where `llm` does not answer; without it that is a UserError.

        Raises UserError for a model that cannot call tools.
        """
        self._name = llm.name or getattr(llm, "model_name", None) or llm._llm_type
        self._offline = isinstance(llm, OfflinePlanner)
        try:
            self._bound = llm.bind_tools(tools)
        except NotImplementedError as error:
            raise UserError(f"the language model '{self._name}' cannot call tools; choose one that can") from error
        self._patience = patience or Patience()
        self._fallback = fallback.bind_tools(tools) if fallback is not None else None
        self._breaker = Breaker()

    def __call__(self, state: State, runtime: Runtime[Workbench]) -> dict[str, Any]:
        steps = state.get("steps", 0) + 1
        gate = _gate(state, runtime)
        answer = self._answer(state, runtime, gate)
        calls = [] if steps >= MAX_STEPS else _one_change(_matchable(answer.tool_calls, state["messages"]))
        # Built anew, so that no provider's own record of the calls that were left out is sent back to it.
        if calls != answer.tool_calls:
            text = answer.text if steps < MAX_STEPS else ""
            answer = AIMessage(text, tool_calls=calls, id=answer.id, response_metadata=answer.response_metadata)
        return {"messages": [answer], "steps": steps}

    def _answer(self, state: State, runtime: Runtime[Workbench], gate: SentenceGate) -> AIMessage:
        if self._offline:
            return self._planned(self._bound, state, runtime, gate, fell_back=False)
        if self._fallback is None:
            return self._asked(state, runtime, gate)
        if any(isinstance(m, AIMessage) and m.response_metadata.get(_FELL_BACK) for m in turn_of(state["messages"])):
            return self._fallen_back(state, runtime, gate)
        if state.get("steps", 0) == 0 and not self._breaker.allows():
            tell(runtime.stream_writer, "fallback", error=f"the language model '{self._name}' still does not answer")
            return self._fallen_back(state, runtime, gate)
        try:
            answer = self._asked(state, runtime, gate)
        except UserError as error:
            self._breaker.failed()
            tell(runtime.stream_writer, "fallback", error=str(error))
            # What the language model had begun to say is not the beginning of what is said now.
            return self._fallen_back(state, runtime, _gate(state, runtime))
        self._breaker.answered()
        return answer

    def _asked(self, state: State, runtime: Runtime[Workbench], gate: SentenceGate) -> AIMessage:
        """The language model's answer. Raises UserError with one line about any failure of it."""
        system = system_message(state, runtime.context, for_planner=False)
        asking = Asking(self._bound, self._patience)
        try:
            answer = asking.ask([system, *remembered(state["messages"])], gate.add, gate.restart)
        except Exception as error:
            if error is not asking.failure:
                raise  # a defect of ours, such as one in the check of a sentence
            line = in_words(error, str(self._name), asking.tries, self._patience.timeout_s)
            raise UserError(line) from error
        gate.end()
        _tell_model(runtime, str(self._name), answer)
        return answer.message

    def _planned(
        self, planner: Any, state: State, runtime: Runtime[Workbench], gate: SentenceGate, fell_back: bool
    ) -> AIMessage:
        """The offline planner's answer; an error in it is a defect of ours."""
        began = time.monotonic()
        system = system_message(state, runtime.context, for_planner=True)
        message = planner.invoke([system, *remembered(state["messages"])])
        assert isinstance(message, AIMessage)
        if fell_back:
            preface = "" if message.tool_calls else f"{load_table('progress')['no_model']}\n"
            marked = {_FELL_BACK: True}
            message = AIMessage(f"{preface}{message.text}", tool_calls=message.tool_calls, response_metadata=marked)
        gate.add(str(message.text))
        gate.end()
        _tell_model(runtime, "offline", Answer(message, time.monotonic() - began))
        return message

    def _fallen_back(self, state: State, runtime: Runtime[Workbench], gate: SentenceGate) -> AIMessage:
        return self._planned(self._fallback, state, runtime, gate, fell_back=True)


def refusal(call: ToolCall) -> ToolMessage | None:
    """The answer to a call whose arguments could not be read; None where they could."""
    if set(call["args"]) != {MALFORMED}:
        return None
    told = (
        f"Error: the arguments of {call['name']} are not a JSON object: {printable(str(call['args'][MALFORMED]), 200)} "
        "- call it again with complete, valid JSON"
    )
    return ToolMessage(told, tool_call_id=call["id"], name=call["name"], status="error")


def _gate(state: State, runtime: Runtime[Workbench]) -> SentenceGate:
    """Sentences get out as events while their draft is written, if this turn's measurements bear them out."""

    def out(sentence: str) -> None:
        space = sentence[: len(sentence) - len(sentence.lstrip())]
        tell(runtime.stream_writer, "sentence", text=printable(sentence, 2000), begins_line="\n" in space)

    gate = SentenceGate(lambda draft: draft_objections(draft, state, runtime.context), out)
    proposal = proposal_of(state)
    if proposal is not None and not proposal.proved and not proposal.withdrawn:
        gate.close()  # a draft on moves that broke their claims does not get past the guard
    return gate


def _tell_model(runtime: Runtime[Workbench], name: str, answer: Answer) -> None:
    usage = answer.message.usage_metadata
    tell(
        runtime.stream_writer,
        "model",
        name=name,
        seconds=round(answer.seconds, 3),
        tries=answer.tries,
        input_tokens=usage["input_tokens"] if usage else None,
        output_tokens=usage["output_tokens"] if usage else None,
        tool_calls=[call["name"] for call in answer.message.tool_calls],
        dropped_characters=answer.dropped_characters,
        dropped_calls=answer.dropped_calls,
    )


def _one_change(calls: list[ToolCall]) -> list[ToolCall]:
    """The calls that only read, and the first that changes something: two at once would mix their proofs up."""
    changing = [call for call in calls if call["name"] in CHANGING_TOOLS]
    return [call for call in calls if call not in changing[1:]]


def _matchable(calls: list[ToolCall], messages: Sequence[BaseMessage]) -> list[ToolCall]:
    """Calls with an id that no other call of the conversation has: some servers number them anew, or not at all."""
    used = {call["id"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls}
    named = []
    for call in calls:
        identity, number = call["id"] or "", 0
        while not identity or identity in used:
            number += 1
            identity = f"{call['id'] or 'call'}_{len(messages)}_{number}"
        used.add(identity)
        named.append(ToolCall(name=call["name"], args=call["args"], id=identity, type="tool_call"))
    return named
