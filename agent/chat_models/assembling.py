"""The pieces of a chat model's answer become one message: whole, in bounds, and its tool calls readable or marked."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, ToolCall
from langchain_core.messages.ai import add_ai_message_chunks
from langchain_core.messages.utils import message_chunk_to_message

from mixingbuddy.agent.chat_models.llm_failures import AnswerCut

MOST_CHARACTERS = 8_000
MOST_TOOL_CALLS = 32
# All that the arguments of an answer's calls may hold together, characters.
MOST_ARGUMENTS = 32_000
LONGEST_NAME = 100
# A call whose arguments are no JSON object: the tools' node answers it with an error, so that the model mends it.
MALFORMED = "malformed_json"


@dataclass(frozen=True)
class Answer:
    """A whole answer, its tool calls in order and in bounds."""

    message: AIMessage
    seconds: float
    tries: int = 1
    dropped_characters: int = 0
    dropped_calls: int = 0


def add_up(pieces: Iterator[AIMessage], on_text: Callable[[str], None]) -> AIMessage:
    """The whole answer; `on_text` gets its text as it comes. What goes beyond the bounds is not waited for.

    Raises AnswerCut where the pieces end before the answer does.
    """
    got: list[AIMessageChunk] = []
    characters, arguments, half = 0, 0, ""
    for piece in pieces:
        text = half + str(piece.text)
        # Some servers cut between the two halves of a character beyond the first 65,536.
        half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        text = text[: len(text) - len(half)]
        on_text(whole_characters(text)[: max(0, MOST_CHARACTERS - characters)])
        characters += len(text)
        if not isinstance(piece, AIMessageChunk):
            return piece
        got.append(piece)
        arguments += sum(len(chunk["args"] or "") for chunk in piece.tool_call_chunks)
        if characters > MOST_CHARACTERS or arguments > MOST_ARGUMENTS:
            return add_ai_message_chunks(*got)
    if not got:
        raise AnswerCut("the answer has no piece")
    whole = add_ai_message_chunks(*got)
    told = whole.response_metadata
    # Over plain HTTP a cut connection looks like the end; OpenAI's protocol always says why an answer ended.
    if told.get("model_provider") == "openai" and not told.get("finish_reason") and not told.get("status"):
        raise AnswerCut("the answer has no end")
    return whole


def bounded(whole: AIMessage, seconds: float, tries: int) -> Answer:
    """The answer with what can be worked with, and how much was dropped."""
    text, calls = whole_characters(str(whole.text)), _calls(whole)
    kept = calls[:MOST_TOOL_CALLS]
    message = message_chunk_to_message(whole) if isinstance(whole, AIMessageChunk) else whole
    assert isinstance(message, AIMessage)
    # Built anew where it changes, so that no provider's own record of what was left out is sent back to it.
    changed = text[:MOST_CHARACTERS] != str(message.text) or kept != message.tool_calls
    if changed or message.invalid_tool_calls:
        message = AIMessage(
            text[:MOST_CHARACTERS],
            tool_calls=kept,
            id=message.id,
            response_metadata=message.response_metadata,
            usage_metadata=message.usage_metadata,
        )
    return Answer(message, seconds, tries, max(0, len(text) - MOST_CHARACTERS), len(calls) - len(kept))


def whole_characters(text: str) -> str:
    """`text` with halves of characters joined, and lone halves replaced: they cannot be sent or stored."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _calls(whole: AIMessage) -> list[ToolCall]:
    """The tool calls. Arguments must be a JSON object as it stands: a truncated one is not guessed to its end."""
    if isinstance(whole, AIMessageChunk):
        return [_call(chunk["name"], chunk["args"], chunk["id"]) for chunk in whole.tool_call_chunks]
    read = [_call(call["name"], json.dumps(call["args"], default=str), call["id"]) for call in whole.tool_calls]
    return read + [_call(call["name"], call["args"], call["id"]) for call in whole.invalid_tool_calls]


def _call(name: str | None, arguments: str | None, identity: str | None) -> ToolCall:
    text = whole_characters((arguments or "").strip() or "{}")
    args: Any
    try:
        args = json.loads(text)
        # Half characters may be written as escapes, too.
        args = json.loads(whole_characters(json.dumps(args, ensure_ascii=False)))
    except (ValueError, RecursionError):
        args = None
    if not isinstance(args, dict):
        args = {MALFORMED: text[:300]}
    named = whole_characters(name or "unnamed")[:LONGEST_NAME]
    return ToolCall(name=named, args=args, id=whole_characters(identity or "")[:LONGEST_NAME], type="tool_call")
