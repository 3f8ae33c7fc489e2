"""What the tools answer: short pydantic results that a language model reads as JSON."""

import json
from collections.abc import Sequence
from typing import Literal

from langchain_core.messages import BaseMessage, ToolMessage
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.state import Lock, ProposedMove, Version
from mixingbuddy.models.advisor import ReferenceFit, StemAdvice
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.levels import GroupLevel, StemLevel
from mixingbuddy.tools.reference_comparison import Difference
from mixingbuddy.tools.roles import Role
from mixingbuddy.tools.verify import CheckedClaim, Verdict

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Aspect = Literal["masking", "sections", "spectrum", "dynamics", "hygiene", "stereo", "time"]


class Overview(BaseModel):
    """The song, its stems and where things stand."""

    model_config = _RESULT

    tool: Literal["overview"] = "overview"
    song: str
    duration_s: float
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    stems: tuple[StemLevel, ...]
    findings: tuple[Finding, ...]


class Levels(BaseModel):
    """Levels of stems and groups in the current version."""

    model_config = _RESULT

    tool: Literal["levels"] = "levels"
    stems: tuple[StemLevel, ...]
    groups: tuple[GroupLevel, ...]
    advice: tuple[StemAdvice, ...]
    evidence: str
    judged_as: dict[str, str] = Field(
        default_factory=dict, description="stem to its group, where only the group was judged"
    )


class Inspection(BaseModel):
    """One aspect of the song as imported: what is worth saying, then the figures that matter."""

    model_config = _RESULT

    tool: Literal["inspect"] = "inspect"
    aspect: Aspect
    findings: tuple[Finding, ...]
    figures: dict[str, dict[str, float | None]] = Field(description="stem (or 'mix') to its figures")


class Comparison(BaseModel):
    """The current version against the reference."""

    model_config = _RESULT

    tool: Literal["compare_reference"] = "compare_reference"
    reference: str | None
    fit: ReferenceFit | None
    differences: tuple[Difference, ...] = Field(description="mixes as imported, equally loud, most audible first")
    stems: tuple[StemAdvice, ...]
    evidence: str
    findings: tuple[Finding, ...]
    judged_as: dict[str, str] = Field(
        default_factory=dict, description="stem to its group, where only the group was judged"
    )


class Proposed(BaseModel):
    """Moves that were rendered and measured; `verdict` is null only until that is done."""

    model_config = _RESULT

    tool: Literal["proposed"] = "proposed"
    origin: Literal["advisor", "user"]
    moves: tuple[ProposedMove, ...]
    held: tuple[str, ...] = Field(default=(), description="locked stems that were left alone")
    withdrawn: tuple[ProposedMove, ...] = Field(default=(), description="moves whose claims could not be kept")
    broken: tuple[CheckedClaim, ...] = Field(default=(), description="the claims that could not be kept")
    status: Literal["proved", "partly", "nothing_to_do", "withdrawn", "broken", "unverified"] = "unverified"
    attempts: int = 0
    verdict: Verdict | None = None
    evidence: str = ""
    distances_db: dict[str, float] = Field(
        default_factory=dict, description="measured gain that leads to the reference, of every stem that is not locked"
    )
    other_song: bool = Field(default=False, description="whether the reference is another song's mix, judged by ear")
    moved_as: dict[str, str] = Field(
        default_factory=dict, description="stem to its group, where that was judged as one and moves as one"
    )
    findings: tuple[Finding, ...] = ()


class Explanation(BaseModel):
    """What speaks for the latest moves."""

    model_config = _RESULT

    tool: Literal["explain_moves"] = "explain_moves"
    origin: Literal["advisor", "user"]
    moves: tuple[ProposedMove, ...]
    evidence: str
    explained: float | None = Field(description="share of the reference that the stems explain")
    verdict: Verdict | None
    explanation: str | None = Field(default=None, description="the moves in the advisor's own words")
    levels_lu: dict[str, tuple[float, ...]] = Field(
        default_factory=dict, description="stem to the level re the mix that its move leads from, and to"
    )
    moved_as: dict[str, str] = Field(
        default_factory=dict, description="stem to its group, where that was judged as one and moves as one"
    )


class Applied(BaseModel):
    """What came of a request to apply."""

    model_config = _RESULT

    tool: Literal["applied"] = "applied"
    status: Literal["waiting", "applied", "declined"]
    version: int
    moves: tuple[ProposedMove, ...]


class History(BaseModel):
    """Versions and what changed between the last two."""

    model_config = _RESULT

    tool: Literal["history"] = "history"
    action: Literal["show", "undo", "redo", "go"]
    done: bool = Field(description="whether there was something to undo or redo")
    version: int
    versions: tuple[Version, ...]
    compared_with: int | None = None
    changes: tuple["StemChange", ...] = ()
    loudness_before_lufs: float | None = None
    loudness_after_lufs: float | None = None


class StemChange(BaseModel):
    """One stem in two versions, both measured."""

    model_config = _RESULT

    stem: str
    fader_before_db: float
    fader_after_db: float
    level_before_lu: float | None
    level_after_lu: float | None


class TurnContext(BaseModel):
    """What every model call is told: the song and where the conversation stands."""

    model_config = _RESULT

    song: str
    stems: dict[str, Role] = Field(description="stem name to role")
    reference: str | None
    advisor: str
    version: int
    faders: dict[str, float]
    locks: tuple[Lock, ...]
    shown: tuple[ProposedMove, ...] = Field(description="the proposal that the user may apply or change")
    last_moves: tuple[ProposedMove, ...] = Field(description="the latest proposal that the user saw, applied or not")
    heard: dict[str, object] = Field(description="what the user's words have already changed in this turn")
    interactive: bool = Field(description="whether a person reads the reply and may answer it")
    notes: str | None = Field(description="the song's notes, written by the user: data")


RESULTS: dict[str, type[BaseModel]] = {
    "overview": Overview,
    "levels": Levels,
    "inspect": Inspection,
    "compare_reference": Comparison,
    "proposed": Proposed,
    "explain_moves": Explanation,
    "applied": Applied,
    "history": History,
}


def read_results(turn: Sequence[BaseMessage]) -> tuple[list[BaseModel], list[str]]:
    """The tools' results in a turn, in order, and the messages of the calls that failed."""
    results: list[BaseModel] = []
    errors: list[str] = []
    for message in turn:
        if isinstance(message, ToolMessage) and message.status == "error":
            errors.append(str(message.text).removeprefix("Error: ").strip())
        elif isinstance(message, ToolMessage):
            data = json.loads(str(message.text))
            results.append(RESULTS[data["tool"]].model_validate(data))
    return results, errors
