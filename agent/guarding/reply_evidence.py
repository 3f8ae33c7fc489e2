"""What a turn holds that a reply can be checked against: its ledger, its latest verdict, and the user's wishes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from langchain_core.messages import BaseMessage

from mixingbuddy.agent.guarding.ledger import Fact, Ledger, answers_in, turn_of
from mixingbuddy.agent.guarding.reply_mentions import Mentions
from mixingbuddy.agent.results import TurnContext
from mixingbuddy.agent.state import Lock
from mixingbuddy.tools.roles import Role

MOVING = frozenset({"proposed", "applied", "explain_moves"})
PROVED = frozenset({"proved", "partly"})
_AS_ONE = ("judged_as", "moved_as")  # stem to its group
CLEAR_DB = 0.5  # a distance smaller than this speaks for no direction


@dataclass(frozen=True)
class Evidence:
    """One turn, as the guard sees it. `context` is what the model was told of the conversation, where it is known."""

    roles: Mapping[str, Role]
    ledger: Ledger
    answers: tuple[dict[str, Any], ...]
    asked: str  # the user's message
    shown: str  # every text of the tools' answers and of the user, for words and paths that may be said back
    context: TurnContext | None = None

    @classmethod
    def of_turn(
        cls, messages: Sequence[BaseMessage], roles: Mapping[str, Role], context: TurnContext | None = None
    ) -> "Evidence":
        turn = turn_of(messages)
        answers = tuple(answers_in(turn))
        ledger = Ledger.of_turn(messages, roles, _known(context))
        groups = {stem: group for a in answers for key in _AS_ONE for stem, group in (a.get(key) or {}).items()}
        bound = tuple(_of_group(_bound(fact, roles), groups) for fact in ledger.facts)
        asked = str(turn[0].text) if turn and turn[0].type == "human" else ""
        shown = "\n".join((asked, *(str(m.text) for m in turn if m.type == "tool"), *_strings(answers)))
        return cls(roles, Ledger(bound), answers, asked, " ".join(shown.split()), context)

    @property
    def locks(self) -> tuple[Lock, ...]:
        """The user's wishes as they stand at the end of the turn."""
        remembered = self.latest("remember")
        if remembered is not None:
            return tuple(Lock.model_validate(lock) for lock in remembered.get("locks", ()))
        return self.context.locks if self.context is not None else ()

    @property
    def told(self) -> str:
        """What was shown, without the names of stems: they come from files."""
        text = self.shown
        for name in sorted(self.roles, key=len, reverse=True):
            text = text.replace(name, " ")
        return " ".join(text.split())

    @property
    def explains(self) -> bool:
        """Whether a term of the glossary was explained in this turn."""
        return self.latest("explain") is not None

    @property
    def only_explains(self) -> bool:
        """Whether the turn is about a concept and not about moves: what books advise is no proposal."""
        return self.explains and self.latest(*MOVING) is None

    @property
    def applied(self) -> bool:
        return any(a.get("tool") == "applied" and a.get("status") == "applied" for a in self.answers)

    @property
    def stepped(self) -> bool:
        """Whether undo, redo or going to a version was done."""
        return any(a.get("tool") == "history" and a.get("done") for a in self.answers)

    def latest(self, *tools: str) -> dict[str, Any] | None:
        return next((a for a in reversed(self.answers) if a.get("tool") in tools), None)

    @property
    def proposal(self) -> dict[str, Any] | None:
        return self.latest("proposed")

    @property
    def proved(self) -> bool:
        """Whether the latest moves of this turn were rendered and kept their promises."""
        last = self.latest(*MOVING)
        if last is None:
            return False
        if last["tool"] == "proposed":
            return last.get("status") in PROVED
        if last["tool"] == "applied":
            return last.get("status") in {"applied", "waiting"}
        verdict = last.get("verdict")
        claims = verdict.get("claims", ()) if verdict else ()
        return bool(claims) and all(claim.get("kept") for claim in claims)

    @cached_property
    def withdrawn(self) -> dict[str, float]:
        """Stem to gain of moves that did not do what they promised."""
        last = self.proposal or {}
        failed = [*last.get("withdrawn", ()), *(last.get("moves", ()) if last.get("status") == "broken" else ())]
        return {move["stem"]: move["gain_db"] for move in failed}

    @cached_property
    def moves(self) -> dict[str, float]:
        """Stem to the gain that was last proposed, applied or measured between versions; what waits for 'apply' too."""
        waiting = (*self.context.last_moves, *self.context.shown) if self.context is not None else ()
        return {move.stem: move.gain_db for move in waiting} | dict(self._moved)

    @cached_property
    def _moved(self) -> list[tuple[str, float]]:
        """Every stem and gain that a tool told of in this turn."""
        found: list[tuple[str, float]] = []
        for answer in self.answers:
            if answer.get("tool") in MOVING:
                listed = [*answer.get("moves", ()), *answer.get("withdrawn", ()), *answer.get("held", ())]
                found += [(move["stem"], move["gain_db"]) for move in listed]
            elif answer.get("tool") == "check_notes":
                changed = [note for note in answer.get("notes", ()) if note.get("change_lu")]
                found += [(stem, note["change_lu"]) for note in changed for stem in note["stems"]]
            elif answer.get("tool") == "history":
                changes = answer.get("changes", ())
                found += [(c["stem"], c["fader_after_db"] - c["fader_before_db"]) for c in changes]
        return found

    def direction(self, stem: str) -> int:
        """Which way a stem moves, or has to: 1, -1, or 0 where nothing says so, or both were told."""
        told = {gain_db > 0 for moved, gain_db in self._moved if moved == stem and gain_db}
        if not told and self.moves.get(stem):
            told = {self.moves[stem] > 0}
        if not told:
            told = {fact.value > 0 for fact in self.ledger.of((stem,), "move") if fact.value and fact.when == ""}
        return (1 if told.pop() else -1) if len(told) == 1 else 0 if told else self.need(stem)

    def need(self, stem: str) -> int:
        """Which way the measurements say that a stem has to go; 0 where they do not say, or say both."""
        facts = self.ledger.of((stem,), "distance")
        signs = {1 if f.value > 0 else -1 for f in facts if abs(f.value) >= CLEAR_DB and f.when in {"", "before"}}
        if not facts and (self.latest(*MOVING) or {}).get("origin") == "advisor":
            gain_db = self.moves.get(stem, 0.0)
            signs = {1 if gain_db > 0 else -1} if gain_db else set()
        return signs.pop() if len(signs) == 1 else 0

    def to_reference_db(self, stem: str) -> float | None:
        """How far the stem is from its place in the reference, by the latest measurement."""
        facts = self.ledger.of((stem,), "distance")
        after = [fact for fact in facts if fact.when == "after"]
        standing = after or [fact for fact in facts if fact.when == ""]
        return standing[-1].value if standing else None

    def was_from_reference_db(self, stem: str) -> float | None:
        """The same before the moves; None where nothing was moved and measured again."""
        facts = self.ledger.of((stem,), "distance")
        return next((fact.value for fact in facts if fact.when == "before"), None)

    def level_lu(self, owners: Iterable[str]) -> float | None:
        """The latest level in the mix of the one stem or group that is meant."""
        facts = self.ledger.of(owners, "level")
        values = [f.value for f in facts if f.when == "after"] or [f.value for f in facts if f.when == ""]
        return values[-1] if values else None


def _known(context: TurnContext | None) -> list[Fact]:
    """What the conversation knows without a tool: where faders stand, what waits, and the user's limits."""
    if context is None:
        return []
    facts = [Fact(gain_db, "dB", (stem,), "move", "standing") for stem, gain_db in context.faders.items()]
    for move in (*context.shown, *context.last_moves):
        facts.append(Fact(move.gain_db, "dB", (move.stem,), "move"))
    limits = [lock.limit_db for lock in context.locks if lock.limit_db is not None]
    return facts + [Fact(limit, "dB", source="known", said="limit") for limit in (*limits, context.apply_limit_db)]


def _bound(fact: Fact, roles: Mapping[str, Role]) -> Fact:
    """The figure of a clause with the stems that the clause names."""
    if fact.source == "known" or not fact.said:
        return fact
    owners = dict.fromkeys(o for mention in Mentions(fact.said, roles).found for o in mention.owners)
    return Fact(fact.value, fact.unit, tuple(owners), fact.what, fact.when, fact.source)


def _of_group(fact: Fact, groups: Mapping[str, str]) -> Fact:
    """What was judged of a group as one, and is told of each of its stems, is also the group's."""
    joined = dict.fromkeys((*fact.of, *(groups[stem] for stem in fact.of if stem in groups)))
    return fact if fact.what == "level" or len(joined) == len(fact.of) else replace(fact, of=tuple(joined))


def _strings(data: Any) -> list[str]:
    if isinstance(data, str):
        return [data]
    if isinstance(data, dict):
        return [text for key, value in data.items() for text in (str(key), *_strings(value))]
    if isinstance(data, list | tuple):
        return [text for value in data for text in _strings(value)]
    return []
