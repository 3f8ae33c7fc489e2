"""A chat model that says its lines one after the other, whatever it is told; the last one for ever."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

Line = str | AIMessage | Callable[[list[BaseMessage]], AIMessage]
_numbers = count()


class Scripted(BaseChatModel):
    """`lines` are texts, messages, or functions from what the model was shown to a message."""

    lines: list[Any]
    _seen: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def seen(self) -> list[list[BaseMessage]]:
        """What the model was shown at each of its calls."""
        return self._seen

    def bind_tools(self, tools: Any, **kwargs: Any) -> "Scripted":
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self._seen.append(messages)
        line: Line = self.lines[min(len(self._seen), len(self.lines)) - 1]
        answer = line(messages) if callable(line) else AIMessage(line) if isinstance(line, str) else line
        return ChatResult(generations=[ChatGeneration(message=answer.model_copy(update={"id": None}))])


def call(name: str, **arguments: Any) -> AIMessage:
    """A message that calls one tool."""
    one = {"name": name, "args": arguments, "id": f"c{next(_numbers)}", "type": "tool_call"}
    return AIMessage("", tool_calls=[one])


def moving(**gains_db: float) -> AIMessage:
    """A call of try_moves: `moving(vocals=2.0)`."""
    return call("try_moves", moves=[{"stem": stem, "gain_db": gain_db} for stem, gain_db in gains_db.items()])


def told(model: Scripted) -> str:
    """Every word that the model was shown besides the instructions that all songs share."""
    shown: Sequence[BaseMessage] = [message for messages in model.seen for message in messages]
    return "\n".join(str(m.text).rsplit("\n", 1)[-1] if isinstance(m, SystemMessage) else str(m.text) for m in shown)
