"""One turn of the offline planner: the user's message, what it asks for, and what the tools have answered so far."""

from collections.abc import Sequence
from typing import Any, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolCall
from pydantic import BaseModel

from mixingbuddy.agent.intents import Request, read_requests
from mixingbuddy.agent.ledger import Ledger, figures_in, turn_of
from mixingbuddy.agent.results import Levels, Proposed, TurnContext, read_results
from mixingbuddy.agent.wishes import is_wish
from mixingbuddy.models.advisor import StemAdvice
from mixingbuddy.tools.moves import clamped_db
from mixingbuddy.tools.roles import group_of

_R = TypeVar("_R", bound=BaseModel)
# Spoken for by the preface, or said by the way: they give way to any other request.
SOFT = {"lock", "unlock", "reject", "wait", "greeting", "thanks", "unknown"}
MOST_WORDS_BACK = 12
MOST_CLAUSES_BACK = 4


class Turn:
    """What a turn of the conversation holds. It speaks no word."""

    def __init__(self, messages: Sequence[BaseMessage]) -> None:
        system = next(message for message in messages if isinstance(message, SystemMessage))
        self.context = TurnContext.model_validate_json(str(system.text).rsplit("\n", 1)[-1])
        turn = turn_of(messages)
        self.text = str(turn[0].text)
        self.requests = read_requests(self.text, self.context.stems)
        self.turn_number = sum(isinstance(message, HumanMessage) for message in messages)
        self.calls = sum(len(message.tool_calls) for message in turn if isinstance(message, AIMessage))
        self.results, self.errors = read_results(turn)
        earlier = [m for m in messages[: len(messages) - len(turn)] if isinstance(m, AIMessage)]
        self.last_reply = str(earlier[-1].text) if earlier else ""
        self.messages = messages
        self.groups = {name: group_of(role) for name, role in self.context.stems.items()}

    def main(self) -> Request | None:
        """The request that this turn answers."""
        hard = next((r for r in self.requests if r.intent not in SOFT), None)
        return hard or next((r for r in self.requests if r.intent not in {"lock", "unlock"}), None)

    def left_over(self) -> list[Request]:
        """Requests that one turn cannot take up beside its main one."""
        main = self.main()
        if main is None or self.errors:
            return []
        done = {"apply", "critique", "compare"} if main.intent in {"critique", "compare"} else {"apply"}
        rest = [r for r in self.requests if r is not main and r.intent not in SOFT | done]
        rest = [r for r in rest if r.intent != "only_faders"]
        return [r for r in rest if not (is_wish(main) and is_wish(r))][:MOST_CLAUSES_BACK]

    def said_back(self, request: Request) -> str:
        """The user's words again, without figures that the user did not write like that."""
        words = request.said.replace("'", "’").split()[:MOST_WORDS_BACK]
        ledger = Ledger.of_turn(self.messages, tuple(self.context.stems))
        held = all(ledger.holds(figure) for figure in figures_in(" ".join(words)))
        return " ".join(word for word in words if held or word.isalpha())

    def call(self, name: str, **arguments: Any) -> ToolCall:
        self.calls += 1
        return ToolCall(name=name, args=arguments, id=f"call_{self.turn_number}_{self.calls}", type="tool_call")

    def result(self, kind: type[_R]) -> _R | None:
        return next((result for result in reversed(self.results) if isinstance(result, kind)), None)

    def group_of_reason(self, advice: StemAdvice) -> str:
        """The group that was judged in place of the stem, where that is more than the stem itself."""
        measured = self.result(Levels)
        return measured.judged_as.get(advice.stem, "") if measured is not None else ""


def revised(result: Proposed) -> list[dict[str, Any]]:
    """The moves again, each by as much further as its broken claim says is missing."""
    missing = {
        c.stem: c.after - c.predicted
        for c in result.broken
        if c.metric == "gain_to_reference_db" and c.after is not None
    }
    return [
        {"stem": move.stem, "gain_db": clamped_db(move.gain_db + missing.get(move.stem, 0.0))} for move in result.moves
    ]


def the(words: str) -> str:
    """'the drums', but 'everything' and 'the rest'."""
    return words if words.startswith(("every", "any", "all ", "the ")) else f"the {words}"


def texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
