"""The offline planner: a deterministic chat model that plans by vocabulary, calls tools, and speaks from their results.

It is no language model and does not pretend to be one. It sees what any chat model sees: the system message with the
song's data, the conversation, and the tools' answers.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import BaseModel

from mixingbuddy.agent import wording
from mixingbuddy.agent.intents import Request, as_words, load_amounts, read_requests, roles_named
from mixingbuddy.agent.ledger import turn_of
from mixingbuddy.agent.results import (
    Applied,
    Comparison,
    Explanation,
    History,
    Levels,
    Proposed,
    TurnContext,
    read_results,
)
from mixingbuddy.agent.state import ProposedMove
from mixingbuddy.agent.wording import say, spoken
from mixingbuddy.tools.moves import GAIN_MAX_DB, GAIN_MIN_DB, clamped_db
from mixingbuddy.tools.roles import group_of

_R = TypeVar("_R", bound=BaseModel)


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
        return ChatResult(generations=[ChatGeneration(message=_Turn(messages).next_step())])


class _Turn:
    """One user message, what the tools have answered so far, and the next thing to do."""

    def __init__(self, messages: Sequence[BaseMessage]) -> None:
        system = next(message for message in messages if isinstance(message, SystemMessage))
        self.context = TurnContext.model_validate_json(str(system.text).rsplit("\n", 1)[-1])
        turn = turn_of(messages)
        self.text = str(turn[0].text)
        self.requests = read_requests(self.text, self.context.stems)
        self.turn_number = sum(isinstance(message, HumanMessage) for message in messages)
        self.calls = sum(len(message.tool_calls) for message in turn if isinstance(message, AIMessage))
        self.results, self.errors = read_results(turn)
        self.groups = {name: group_of(role) for name, role in self.context.stems.items()}

    def next_step(self) -> AIMessage:
        step = self._step()
        if isinstance(step, str):
            return AIMessage(wording.sentence_case(f"{self._preface()} {step}".strip()))
        return AIMessage("", tool_calls=step)

    def _step(self) -> str | list[ToolCall]:
        if self.errors:
            return say("cannot", reason=self.errors[-1])
        main = next((r for r in self.requests if r.intent not in {"lock", "unlock"}), None)
        if main is None:
            return ""
        handler: Callable[[Request], str | list[ToolCall]] = getattr(self, f"_on_{main.intent}", self._on_unknown)
        return handler(main)

    def _preface(self) -> str:
        """What the user's own words have already done in this turn."""
        heard = self.context.heard
        lines = [say("locked", what=f"the {words}") for words in _texts(heard.get("locked"))]
        lines += [say("unlocked", what=f"the {words}") for words in _texts(heard.get("unlocked"))]
        if heard.get("lock_without_stem"):
            lines.append(say("which_stem", stems=self._stem_list()))
        return " ".join(wording.sentence_case(line) for line in lines)

    # Each request: call tools until the result is there, then speak.

    def _on_critique(self, request: Request) -> str | list[ToolCall]:
        return self._after_proposal([self._call("ask_advisor")])

    def _on_compare(self, request: Request) -> str | list[ToolCall]:
        if self.context.reference is None:
            return say("reference_none")
        compared = self._result(Comparison)
        if compared is None:
            return [self._call("compare_reference"), self._call("ask_advisor")]
        reply = self._after_proposal([])
        return f"{wording.comparison(compared)}\n{reply}" if isinstance(reply, str) else reply

    def _on_turn(self, request: Request) -> str | list[ToolCall]:
        wanted = [r for r in self.requests if r.intent == "turn"]
        missing = next((r for r in wanted if not r.stems), None)
        if missing is not None:
            return self._no_stem()
        moves = []
        for r in wanted:
            held = self._locked(r.stems)
            if held is not None:
                return held
            gain_db = r.direction * (load_amounts()["default"] if r.amount_db is None else r.amount_db)
            moves += [{"stem": stem, "gain_db": gain_db} for stem in r.stems]
        return self._try(moves)

    def _try(self, moves: list[dict[str, Any]]) -> str | list[ToolCall]:
        """Try moves, unless one of the faders does not go that far."""
        standing = dict(self.context.faders)
        for move in moves:
            standing[move["stem"]] = standing.get(move["stem"], 0.0) + move["gain_db"]
            if not all(GAIN_MIN_DB <= gain_db <= GAIN_MAX_DB for gain_db in (standing[move["stem"]], move["gain_db"])):
                return say("too_far", stem=spoken(move["stem"]))
            move["gain_db"] = clamped_db(move["gain_db"])
        return self._after_proposal([self._call("try_moves", moves=moves)])

    def _on_scale(self, request: Request) -> str | list[ToolCall]:
        step_db = request.direction * (request.amount_db or load_amounts()["a bit"])
        if self.context.shown:
            moves = [_scaled(move, step_db) for move in self.context.shown]
            moves = [move for move in moves if move["gain_db"] != 0.0]
            if not moves:
                return say("rejected")
        elif self.context.last_moves:
            signs = {move.stem: 1 if move.gain_db > 0 else -1 for move in self.context.last_moves}
            moves = [{"stem": stem, "gain_db": sign * step_db} for stem, sign in signs.items()]
        else:
            return say("nothing_to_scale")
        held = self._locked([str(move["stem"]) for move in moves])
        return held or self._try(moves)

    def _on_too_loud(self, request: Request) -> str | list[ToolCall]:
        return self._judge_level(request, direction=-1)

    def _on_too_quiet(self, request: Request) -> str | list[ToolCall]:
        return self._judge_level(request, direction=1)

    def _judge_level(self, request: Request, direction: int) -> str | list[ToolCall]:
        if not request.stems:
            return self._no_stem() if roles_named(self.text) else self._on_critique(request)
        measured = self._result(Levels)
        if measured is None:
            return [self._call("levels", stems=list(request.stems))]
        what = f"the {request.called}"
        if not measured.advice:
            return f"{say('cannot_judge', what=what)} {wording.levels(measured)}"
        moving = [a for a in measured.advice if a.gain_db != 0.0 and a.p_change >= 0.5]
        sides = "loud" if direction < 0 else "quiet"
        if not moving:
            return f"{say(f'no_{sides}', what=what, reason=measured.advice[0].reason)} {wording.levels(measured)}"
        held = self._locked([a.stem for a in moving])
        if held is not None:
            return held
        moves = [{"stem": a.stem, "gain_db": clamped_db(a.gain_db)} for a in moving]
        reply = self._after_proposal([self._call("try_moves", moves=moves)])
        if not isinstance(reply, str):
            return reply
        agrees = all(a.gain_db * direction > 0 for a in moving)
        return f"{say(f'yes_{sides}' if agrees else f'other_way_{sides}', what=what)} {reply}"

    def _on_how_loud(self, request: Request) -> str | list[ToolCall]:
        if not request.stems and roles_named(self.text):
            return self._no_stem()
        measured = self._result(Levels)
        if measured is None:
            return [self._call("levels", **({"stems": list(request.stems)} if request.stems else {}))]
        return wording.levels(measured)

    def _on_apply(self, request: Request) -> str | list[ToolCall]:
        done = self._result(Applied)
        if done is not None:
            return wording.applied(done, self.groups)
        if not self.context.shown:
            return say("nothing_to_apply")
        return [self._call("apply_moves")]

    def _on_reject(self, request: Request) -> str | list[ToolCall]:
        return say("rejected" if self.context.heard.get("rejected") else "nothing_rejected")

    def _on_undo(self, request: Request) -> str | list[ToolCall]:
        return self._history("undo")

    def _on_redo(self, request: Request) -> str | list[ToolCall]:
        return self._history("redo")

    def _on_changed(self, request: Request) -> str | list[ToolCall]:
        return self._history("show")

    def _history(self, action: str) -> str | list[ToolCall]:
        told = self._result(History)
        return [self._call("history", action=action)] if told is None else wording.history(told)

    def _on_why(self, request: Request) -> str | list[ToolCall]:
        if not self.context.last_moves:
            return say("nothing_to_explain")
        told = self._result(Explanation)
        return [self._call("explain_moves")] if told is None else wording.explanation(told, self.groups)

    def _on_locks(self, request: Request) -> str | list[ToolCall]:
        words = [f"the {lock.words}" for lock in self.context.locks]
        return say("locks", list=as_words(words)) if words else say("no_locks")

    def _on_help(self, request: Request) -> str | list[ToolCall]:
        return say("help")

    def _on_unknown(self, request: Request) -> str | list[ToolCall]:
        return say("unknown")

    # Shared by several requests.

    def _after_proposal(self, first: list[ToolCall]) -> str | list[ToolCall]:
        """Propose; revise while claims are broken; apply if the user asked for that too; then speak."""
        result = self._result(Proposed)
        if result is None:
            return first
        if result.status == "broken":
            revised = _revised(result)
            return [self._call("try_moves", moves=revised)]
        done = self._result(Applied)
        if done is not None:
            return wording.applied(done, self.groups)
        asked_to_apply = any(r.intent == "apply" for r in self.requests)
        if asked_to_apply and result.status == "proved":
            return [self._call("apply_moves")]
        return wording.proposed(result, self.groups, self.context.reference is not None, self.context.interactive)

    def _call(self, name: str, **arguments: Any) -> ToolCall:
        self.calls += 1
        return ToolCall(name=name, args=arguments, id=f"call_{self.turn_number}_{self.calls}", type="tool_call")

    def _result(self, kind: type[_R]) -> _R | None:
        return next((result for result in reversed(self.results) if isinstance(result, kind)), None)

    def _locked(self, stems: Sequence[str]) -> str | None:
        for lock in self.context.locks:
            touched = [stem for stem in stems if stem in lock.stems]
            if touched:
                return say("is_locked", words=lock.words, stem=spoken(touched[0]))
        return None

    def _no_stem(self) -> str:
        named = roles_named(self.text)
        if named:
            return say("no_such_stem", word=named[0], stems=self._stem_list())
        return say("which_stem", stems=self._stem_list())

    def _stem_list(self) -> str:
        return ", ".join(spoken(name) for name in self.context.stems)


def _revised(result: Proposed) -> list[dict[str, Any]]:
    """The moves again, each by as much further as its broken claim says is missing."""
    missing = {
        c.stem: c.after - c.predicted
        for c in result.broken
        if c.metric == "gain_to_reference_db" and c.after is not None
    }
    return [
        {"stem": move.stem, "gain_db": clamped_db(move.gain_db + missing.get(move.stem, 0.0))} for move in result.moves
    ]


def _scaled(move: ProposedMove, step_db: float) -> dict[str, Any]:
    """The move made larger or smaller by `step_db`, never turned round."""
    wanted = max(abs(move.gain_db) + step_db, 0.0)
    return {"stem": move.stem, "gain_db": clamped_db(wanted if move.gain_db > 0 else -wanted)}


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
