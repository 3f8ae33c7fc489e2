"""What the graph remembers: small, JSON-plain, never audio."""

from typing import Annotated, Any, Literal, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.settings import HelpLevel
from mixingbuddy.tools.moves import GainMove, faders_db
from mixingbuddy.tools.verify import Verdict

LockKind = Literal["keep", "taste", "limit", "rejected"]

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
    name: str = Field(default="", description="what the user calls it; '' where it has no name")
    audio_digest: str = Field(default="", description="BLAKE2b of the rendered samples; '' until it was rendered")


class Lock(BaseModel):
    """The user's standing wish, which every move must respect.

    `keep`: the stems stay as they are. `taste`: the user wants them low (direction -1) or loud (1), so no advice moves
    them the other way. `limit`: no fader moves, or ends, further than `limit_db` from where it was. `rejected`: the
    user turned a move in this direction down, so no advice repeats it.
    """

    model_config = _PLAIN

    kind: LockKind = "keep"
    stems: tuple[str, ...] = Field(description="stems of this song; empty in a limit: all of them")
    words: str = Field(description="what the user called them")
    direction: Literal[-1, 0, 1] = 0
    limit_db: float | None = Field(default=None, ge=0)
    reason: str = Field(default="", description="why, in the user's words")
    scope: Literal["song", "all songs"] = "song"


def _latest(old: Any, new: Any) -> Any:
    return new


class State(TypedDict, total=False):
    """One conversation about one song. Everything but `messages` is what `model_dump` gives."""

    messages: Annotated[list[AnyMessage], add_messages]
    versions: Annotated[list[dict[str, Any]], _latest]
    current: Annotated[int, _latest]
    last_left: Annotated[int, _latest]  # the version that was left last; redo leads back towards it
    locks: Annotated[list[dict[str, Any]], _latest]
    proposal: Annotated[dict[str, Any] | None, _latest]  # what this turn tries
    shown: Annotated[dict[str, Any] | None, _latest]  # what the user has seen and may apply with a word
    fresh: bool  # whether `shown` is what the conversation is still about
    told: bool  # whether the reply that `shown` came with named its moves
    help_level: HelpLevel
    requests: list[dict[str, Any]]  # what the user's words ask for in this turn
    dialogue: dict[str, Any]  # what they leave behind for pronouns and follow-ups
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
    current = state.get("current") or FIRST_VERSION.id  # a new conversation's channel holds 0
    return next(version for version in versions_of(state) if version.id == current)


def locks_of(state: State) -> list[Lock]:
    return [Lock.model_validate(lock) for lock in state.get("locks") or []]


def proposal_of(state: State) -> Proposal | None:
    """What this turn tries, if anything."""
    data = state.get("proposal")
    return Proposal.model_validate(data) if data else None


def shown_proposal(state: State) -> Proposal | None:
    """What the user has seen and may still apply: proved, and on top of the version the user stands on."""
    data = state.get("shown")
    shown = Proposal.model_validate(data) if data else None
    return shown if shown is not None and shown.base == current_version(state).id else None
