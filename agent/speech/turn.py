"""One turn of the offline planner: the user's message, what it asks for, and what the tools have answered so far."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from zlib import crc32

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolCall, ToolMessage
from pydantic import BaseModel

from mixingbuddy.agent.guarding.ledger import Ledger, figures_in, turn_of
from mixingbuddy.agent.requests import Request
from mixingbuddy.agent.results import TurnContext, read_result, read_results
from mixingbuddy.agent.speech.voice import Naming, Voice, spoken
from mixingbuddy.tools.roles import group_of

_R = TypeVar("_R", bound=BaseModel)
MOST_WORDS_BACK = 12
_FOR_MODELS = ("call ", "leave it", "ask the user")
# Tools that change the state: asked again they answer again, while what was only measured stays true for the turn.
CHANGING = frozenset({"ask_advisor", "try_moves", "apply_moves", "history"})


class Pending(Exception):
    """An answer that somebody waits for is still to come: its tool is called next."""


class Refused(Exception):
    """A tool said that it cannot do what it was asked, and why."""


class Turn:
    """What a turn of the conversation holds. Handlers read it anew at every step, and stop at a missing answer."""

    def __init__(self, messages: Sequence[BaseMessage]) -> None:
        system = next(message for message in messages if isinstance(message, SystemMessage))
        self.context = TurnContext.model_validate_json(str(system.text).rsplit("\n", 1)[-1])
        turn = turn_of(messages)
        self.text = str(turn[0].text)
        self.requests = self.context.requests or (Request(intent="unknown", said=self.text),)
        self.number = sum(isinstance(message, HumanMessage) for message in messages)
        earlier = [m for m in messages[: len(messages) - len(turn)] if isinstance(m, AIMessage)]
        self.last_reply = str(earlier[-1].text) if earlier else ""
        self.voice = Voice(crc32(self.text.encode()) + self.number, self.last_reply)
        self.say = self.voice.say
        self.groups = {name: group_of(role) for name, role in self.context.stems.items()}
        named = [r for r in self.requests if r.stems and r.called and r.intent != "complaint"]
        called = {frozenset(request.stems): request.called for request in named}
        self.naming = Naming(self.groups, called)
        self.wanted: list[ToolCall] = []
        self._messages = messages
        self._answers = _answers(turn)
        self._results, _ = read_results(turn)
        self._step = sum(isinstance(message, AIMessage) for message in turn)
        self._asked: Counter[str] = Counter()

    def ask(self, kind: type[_R], tool: str, **arguments: Any) -> _R:
        """A tool's answer. Raises Pending where it is not there yet, Refused where the tool could not give one."""
        key = _key(tool, arguments)
        answers = self._answers.get(key, [])
        index = self._asked[key] if tool in CHANGING else 0
        self._asked[key] += 1
        if index < len(answers):
            answer = answers[index]
            if isinstance(answer, kind):
                return answer
            raise Refused(str(answer))
        if all(_key(call["name"], call["args"]) != key for call in self.wanted):
            identity = f"call_{self.number}_{self._step}_{len(self.wanted)}"
            self.wanted.append(ToolCall(name=tool, args=arguments, id=identity, type="tool_call"))
        raise Pending

    def latest(self, kind: type[_R]) -> _R | None:
        """The newest answer of a kind in this turn, whatever was asked."""
        return next((one for one in reversed(self._results) if isinstance(one, kind)), None)

    def ask_all(self, *asks: tuple[type[BaseModel], str, dict[str, Any]]) -> list[BaseModel]:
        """Several answers, for which the tools are called at once."""
        answers, pending = [], False
        for kind, tool, arguments in asks:
            try:
                answers.append(self.ask(kind, tool, **arguments))
            except Pending:
                pending = True
        if pending:
            raise Pending
        return answers

    def next_calls(self) -> list[ToolCall]:
        """The calls of this step: all that only read, and the first that changes something."""
        changing = [call for call in self.wanted if call["name"] in CHANGING]
        return [call for call in self.wanted if call not in changing[1:]]

    def asks_for(self, *intents: str) -> bool:
        return any(request.intent in intents for request in self.requests)

    def said_back(self, words: str) -> str:
        """The user's words again, without figures that the user did not write like that."""
        words = " ".join(words.replace("'", "’").split()[:MOST_WORDS_BACK])
        ledger = Ledger.of_turn(self._messages, tuple(self.context.stems))
        held = all(ledger.holds(figure) for figure in figures_in(words))
        return " ".join(word for word in words.split() if held or word.isalpha())

    def stem_list(self) -> str:
        return ", ".join(spoken(name) for name in self.context.stems)


def for_the_user(refusal: str) -> str:
    """A refusal without what it tells a language model to do."""
    parts = refusal.split("; ")
    kept = [part.removeprefix("tell the user that ") for part in parts if not part.startswith(_FOR_MODELS)]
    return "; ".join(kept or parts)


def texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else []


def _key(tool: str, arguments: Mapping[str, Any]) -> str:
    return json.dumps([tool, arguments], sort_keys=True)


def _answers(turn: Sequence[BaseMessage]) -> dict[str, list[BaseModel | str]]:
    """What every call of this turn was answered: a result, or the message of a failure."""
    calls = {str(c["id"]): _key(c["name"], c["args"]) for m in turn if isinstance(m, AIMessage) for c in m.tool_calls}
    answers: dict[str, list[BaseModel | str]] = {}
    for message in turn:
        if isinstance(message, ToolMessage) and message.tool_call_id in calls:
            answers.setdefault(calls[message.tool_call_id], []).append(_answer(message))
    return answers


def _answer(message: ToolMessage) -> BaseModel | str:
    if message.status == "error":
        return str(message.text).removeprefix("Error: ").strip()
    return read_result(message) or str(message.text)
