"""The offline planner: a deterministic chat model that plans by vocabulary, calls tools, and speaks from their results.

It is no language model and does not pretend to be one. It sees what any chat model sees: the system message with the
song's data, the conversation, and the tools' answers.
"""

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from mixingbuddy.agent import wording
from mixingbuddy.agent.intents import Request, as_words
from mixingbuddy.agent.results import (
    Applied,
    Comparison,
    Explanation,
    History,
    Levels,
    Overview,
    Proposed,
)
from mixingbuddy.agent.turn import Turn, revised, texts, the
from mixingbuddy.agent.wishes import WORTH_A_MOVE, Wished, gather, is_judgement, is_wish, scaled, too_far
from mixingbuddy.agent.wording import say, spoken
from mixingbuddy.tools.moves import clamped_db


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


class _Turn(Turn):
    """The next thing to do in a turn: tools to call, or what to say."""

    def next_step(self) -> AIMessage:
        step = self._step()
        if isinstance(step, str):
            lines = [f"{self._preface()} {step}".strip(), *self._left_over()]
            return AIMessage(wording.sentence_case("\n".join(line for line in lines if line)))
        return AIMessage("", tool_calls=step)

    def _step(self) -> str | list[ToolCall]:
        main = self.main()
        if self.errors:
            return say("cannot", reason=self.errors[-1])
        if main is None:
            return ""
        intent = "turn" if is_judgement(main) else main.intent
        handler: Callable[[Request], str | list[ToolCall]] = getattr(self, f"_on_{intent}", self._on_unknown)
        return handler(main)

    def _left_over(self) -> list[str]:
        """What this turn did not do, and words that may have been misspelt."""
        rest = [self.said_back(request) for request in self.left_over()]
        lines = [say("first_only", rest="; ".join(rest))] if rest else []
        main = self.main()
        if any(r.intent == "only_faders" and r is not main for r in self.requests):
            lines.append(say("only_faders"))
        return lines + [say("did_you_mean", word=r.meant) for r in self.requests if r.meant and r is not main]

    def _preface(self) -> str:
        """What the user's own words have already done in this turn."""
        heard = self.context.heard
        lines = [say("locked", what=the(words)) for words in texts(heard.get("locked"))]
        lines += [say("unlocked", what=the(words)) for words in texts(heard.get("unlocked"))]
        if heard.get("lock_without_stem"):
            lines.append(say("which_stem", stems=self._stem_list()))
        return " ".join(wording.sentence_case(line) for line in lines)

    # Each request: call tools until the result is there, then speak.

    def _on_critique(self, request: Request) -> str | list[ToolCall]:
        return self._after_proposal([self.call("ask_advisor")])

    def _on_compare(self, request: Request) -> str | list[ToolCall]:
        if self.context.reference is None:
            return say("reference_none")
        compared = self.result(Comparison)
        if compared is None:
            return [self.call("compare_reference"), self.call("ask_advisor")]
        reply = self._after_proposal([])
        return f"{wording.comparison(compared)}\n{reply}" if isinstance(reply, str) else reply

    def _on_turn(self, request: Request) -> str | list[ToolCall]:
        wanted = [r for r in self.requests if is_wish(r)]
        named = [r for r in wanted if r.stems] or wanted
        unclear = next((line for r in named if (line := self._unclear(r))), None)
        if unclear is not None:
            return unclear
        measured = self.result(Levels)
        if measured is None and any(is_judgement(r) for r in wanted):
            return [self.call("levels", stems=list(dict.fromkeys(s for r in wanted for s in r.stems)))]
        wished = gather(wanted, self.context, measured.advice if measured else ())
        if not wished.moves:
            if wished.held:
                return self._locked(wished.held)
            there = [r for r in wanted if r.fader_db is not None]
            return say("already_there", what=the(there[0].called)) if there else say("moves_nothing")
        reply = self._try(wished.moves)
        return reply if not isinstance(reply, str) else self._told(reply, wanted, wished, measured)

    def _told(self, reply: str, wanted: Sequence[Request], wished: Wished, measured: Levels | None) -> str:
        """The proposal with what speaks for or against it, and what was left out."""
        lines = [reply]
        judged = [r for r in wanted if is_judgement(r)]
        if judged and measured is not None:
            lines.insert(0, say("by_ear", levels=wording.levels(measured)))
            moved = [a for a in measured.advice if a.stem in judged[0].stems]
            if len(judged) == 1 and wished.agreed and not any(self.group_of_reason(a) for a in moved):
                side = "loud" if judged[0].intent == "too_loud" else "quiet"
                lines[0] = f"{self._verdict(f'yes_{side}', judged[0])} {wording.levels(measured)}"
        for lock in self.context.locks:
            kept = [spoken(stem) for stem in wished.held if stem in lock.stems]
            if kept:
                lines.append(say("left_out", stems=as_words(kept), what=the(lock.words)))
        missing = [word for r in wanted for word in r.missing]
        return "\n".join([*lines, *([self._no_such(missing[0])] if missing else [])])

    def _unclear(self, request: Request) -> str | None:
        """What has to be asked before a wish can be tried."""
        if not request.stems:
            return self._no_stem(request)
        if request.trouble == "contradiction":
            return say("contradiction")
        if request.trouble == "unreadable":
            return say("how_far")
        if request.intent == "turn" and request.direction == 0 and request.fader_db is None:
            return say("moves_nothing") if request.amount_db == 0.0 else say("up_or_down", what=the(request.called))
        return None

    def _try(self, moves: dict[str, float]) -> str | list[ToolCall]:
        """Try moves, unless one of the faders does not go that far."""
        stem = too_far(moves, self.context)
        if stem is not None:
            return say("too_far", stem=spoken(stem))
        wanted = [{"stem": stem, "gain_db": clamped_db(gain_db)} for stem, gain_db in moves.items()]
        return self._after_proposal([self.call("try_moves", moves=wanted)])

    def _on_scale(self, request: Request) -> str | list[ToolCall]:
        if request.missing:
            return self._no_stem(request)
        if request.trouble:
            return say("how_far")
        if not self.context.shown and not self.context.last_moves:
            return say("nothing_to_scale")
        moves = {stem: gain_db for stem, gain_db in scaled(request, self.context).items() if gain_db != 0.0}
        held = [stem for stem in moves if any(stem in lock.stems for lock in self.context.locks)]
        if held:
            return self._locked(held)
        return self._try(moves) if moves else say("rejected")

    def _on_too_loud(self, request: Request) -> str | list[ToolCall]:
        return self._judge_level(request, direction=-1)

    def _on_too_quiet(self, request: Request) -> str | list[ToolCall]:
        return self._judge_level(request, direction=1)

    def _judge_level(self, request: Request, direction: int) -> str | list[ToolCall]:
        if not request.stems:
            return self._no_stem(request) if request.missing else self._on_critique(request)
        measured = self.result(Levels)
        if measured is None:
            return [self.call("levels", stems=list(request.stems))]
        what, levels = the(request.called), wording.levels(measured)
        advice = [a for a in measured.advice if a.stem in request.stems]
        if not advice:
            return f"{say('cannot_judge', what=what)} {levels}"
        group = self.group_of_reason(advice[0])
        if group:
            return " ".join((say("only_group", group=group, what=what, reason=advice[0].reason), levels))
        moving = [a for a in advice if a.gain_db != 0.0 and a.p_change >= WORTH_A_MOVE]
        side = "loud" if direction < 0 else "quiet"
        if not moving:
            return f"{self._verdict(f'no_{side}', request, reason=advice[0].reason)} {levels}"
        if any(a.stem in lock.stems for lock in self.context.locks for a in moving):
            return self._locked([a.stem for a in moving])
        reply = self._try({a.stem: a.gain_db for a in moving})
        if not isinstance(reply, str):
            return reply
        agreeing = [a.gain_db * direction > 0 for a in moving]
        if any(agreeing) and not all(agreeing):
            return reply
        return f"{self._verdict(f'yes_{side}' if all(agreeing) else f'other_way_{side}', request)} {reply}"

    def _verdict(self, sentence: str, request: Request, **values: object) -> str:
        several = " and " in request.called or (request.called.endswith("s") and not request.called.endswith("ss"))
        return say(sentence, what=the(request.called), be="are" if several else "is", **values)

    def _on_how_loud(self, request: Request) -> str | list[ToolCall]:
        if not request.stems and request.missing:
            return self._no_stem(request)
        measured = self.result(Levels)
        if measured is None:
            return [self.call("levels", **({"stems": list(request.stems)} if request.stems else {}))]
        return wording.levels(measured)

    def _on_overview(self, request: Request) -> str | list[ToolCall]:
        told = self.result(Overview)
        return [self.call("overview")] if told is None else wording.overview(told)

    def _on_apply(self, request: Request) -> str | list[ToolCall]:
        done = self.result(Applied)
        if done is not None:
            return wording.applied(done, self.groups)
        if not self.context.shown:
            return say("nothing_to_apply")
        if not self.context.interactive:
            return say("unattended")
        return [self.call("apply_moves")]

    def _on_reject(self, request: Request) -> str | list[ToolCall]:
        return say("rejected" if self.context.heard.get("rejected") else "nothing_rejected")

    def _on_wait(self, request: Request) -> str | list[ToolCall]:
        return say("not_applied" if self.context.shown else "nothing_to_apply")

    def _on_undo(self, request: Request) -> str | list[ToolCall]:
        return self._history("undo") if request.version is None else self._history("go", version=request.version)

    def _on_redo(self, request: Request) -> str | list[ToolCall]:
        return self._history("redo")

    def _on_changed(self, request: Request) -> str | list[ToolCall]:
        return self._history("show")

    def _history(self, action: str, **arguments: Any) -> str | list[ToolCall]:
        told = self.result(History)
        return [self.call("history", action=action, **arguments)] if told is None else wording.history(told)

    def _on_why(self, request: Request) -> str | list[ToolCall]:
        if request.stems and not {move.stem for move in self.context.last_moves} & set(request.stems):
            measured = self.result(Levels)
            if measured is None:
                return [self.call("levels", stems=list(request.stems))]
            reasons = dict.fromkeys(f"{a.stem}: {a.reason}." for a in measured.advice if not self.group_of_reason(a))
            told_levels = " ".join([wording.levels(measured), *reasons])
            return say("not_moved_lately", what=the(request.called), levels=told_levels)
        if not self.context.last_moves:
            return say("nothing_to_explain")
        told = self.result(Explanation)
        return [self.call("explain_moves")] if told is None else wording.explanation(told, self.groups)

    def _on_locks(self, request: Request) -> str | list[ToolCall]:
        words = [the(lock.words) for lock in self.context.locks]
        return say("locks", list=as_words(words)) if words else say("no_locks")

    def _on_help(self, request: Request) -> str | list[ToolCall]:
        return say("help")

    def _on_only_faders(self, request: Request) -> str | list[ToolCall]:
        return say("only_faders")

    def _on_greeting(self, request: Request) -> str | list[ToolCall]:
        return say("greeting")

    def _on_thanks(self, request: Request) -> str | list[ToolCall]:
        return say("thanks")

    def _on_unknown(self, request: Request) -> str | list[ToolCall]:
        if request.meant:
            return say("did_you_mean", word=request.meant)
        again = {say("unknown"), say("unknown_again")}
        return say("unknown_again" if self.last_reply in again else "unknown")

    # Shared by several requests.

    def _after_proposal(self, first: list[ToolCall]) -> str | list[ToolCall]:
        """Propose; revise while claims are broken; apply if the user asked for that too; then speak."""
        result = self.result(Proposed)
        if result is None:
            return first
        if result.status == "broken":
            return [self.call("try_moves", moves=revised(result))]
        done = self.result(Applied)
        if done is not None:
            return wording.applied(done, self.groups)
        asked_to_apply = any(r.intent == "apply" for r in self.requests)
        if asked_to_apply and result.status == "proved" and self.context.interactive:
            return [self.call("apply_moves")]
        return wording.proposed(result, self.groups, self.context.reference is not None, self.context.interactive)

    def _locked(self, stems: Sequence[str]) -> str:
        lock = next(lock for lock in self.context.locks if set(lock.stems) & set(stems))
        touched = next(stem for stem in stems if stem in lock.stems)
        return say("is_locked", what=the(lock.words), words=lock.words, stem=spoken(touched))

    def _no_stem(self, request: Request) -> str:
        if request.meant:
            return say("did_you_mean", word=request.meant)
        return self._no_such(request.missing[0]) if request.missing else say("which_stem", stems=self._stem_list())

    def _no_such(self, word: str) -> str:
        return say("no_such_stem", word=word, stems=self._stem_list())

    def _stem_list(self) -> str:
        return ", ".join(spoken(name) for name in self.context.stems)
