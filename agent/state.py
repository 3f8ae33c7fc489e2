"""What the graph remembers: small, JSON-plain, never audio."""

from typing import Annotated, Any, Literal, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.moves import GainMove, faders_db
from mixingbuddy.tools.verify import Verdict

_PLAIN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ProposedMove(GainMove):
    """A move with what speaks for it."""

    interval_db: tuple[float, float] | None = Field(default=None, description="80 % credible interval, dB")
    confidence: float | None = Field(default=None, ge=0, le=1)
    reason: str = ""

    def plain(self) -> GainMove:
        return GainMove(stem=self.stem, gain_db=self.gain_db)


class Proposal(BaseModel):
    """Moves on top of a version, with their verdict once they were rendered and measured."""

    model_config = _PLAIN

    base: int = Field(description="version that the moves start from")
    moves: tuple[ProposedMove, ...]
    origin: Literal["advisor", "user"] = Field(description="who wanted these moves")
    tool_call_id: str = Field(description="the call that is answered with the verdict")
    attempts: int = 0
    verdict: Verdict | None = None
    withdrawn: bool = False

    @property
    def proved(self) -> bool:
        return self.verdict is not None and self.verdict.kept and not self.withdrawn

    def same_moves_as(self, other: "Proposal | None") -> bool:
        if other is None or other.base != self.base:
            return False
        return faders_db(m.plain() for m in self.moves) == faders_db(m.plain() for m in other.moves)


class Version(BaseModel):
    """One mix version: where every fader stands, and which version it came from."""

    model_config = _PLAIN

    id: int
    parent: int | None
    faders: dict[str, float] = Field(description="stem to dB; a stem that is absent stands at 0")
    label: str


class Lock(BaseModel):
    """The user's standing wish that some stems stay as they are."""

    model_config = _PLAIN

    stems: tuple[str, ...]
    words: str = Field(description="what the user called them")


def _latest(old: Any, new: Any) -> Any:
    return new


class State(TypedDict, total=False):
    """One conversation about one song. Everything but `messages` is what `model_dump` gives."""

    messages: Annotated[list[AnyMessage], add_messages]
    versions: Annotated[list[dict[str, Any]], _latest]
    current: Annotated[int, _latest]
    locks: Annotated[list[dict[str, Any]], _latest]
    proposal: Annotated[dict[str, Any] | None, _latest]  # what this turn tries
    shown: Annotated[dict[str, Any] | None, _latest]  # what the user has seen and may apply with a word
    fresh: bool  # whether `shown` is what the conversation is still about
    heard: dict[str, Any]  # what the user's own words changed in this turn
    apply_call: Annotated[str | None, _latest]  # id of the tool call that waits for approval
    steps: int  # model calls in this turn
    guard_strikes: int
    note: str  # what the guard tells the model about its last draft; empty where it had no objection
    judged_by: str  # advisor, anchor and reference behind `shown`


FIRST_VERSION = Version(id=1, parent=None, faders={}, label="as imported")


def versions_of(state: State) -> list[Version]:
    return [Version.model_validate(v) for v in state.get("versions") or [FIRST_VERSION.model_dump()]]


def current_version(state: State) -> Version:
    """The version that the user stands on."""
    current = state.get("current", FIRST_VERSION.id)
    return next(version for version in versions_of(state) if version.id == current)


def locks_of(state: State) -> list[Lock]:
    return [Lock.model_validate(lock) for lock in state.get("locks") or []]


def locked_stems(state: State) -> frozenset[str]:
    return frozenset(stem for lock in locks_of(state) for stem in lock.stems)


def proposal_of(state: State) -> Proposal | None:
    """What this turn tries, if anything."""
    data = state.get("proposal")
    return Proposal.model_validate(data) if data else None


def shown_proposal(state: State) -> Proposal | None:
    """What the user has seen and may still apply: proved, and on top of the version the user stands on."""
    data = state.get("shown")
    shown = Proposal.model_validate(data) if data else None
    return shown if shown is not None and shown.base == current_version(state).id else None
