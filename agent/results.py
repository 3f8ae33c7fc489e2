"""What the tools answer: short pydantic results that a language model reads as JSON."""

import json
from collections.abc import Sequence
from typing import Literal

from langchain_core.messages import BaseMessage, ToolMessage
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.requests import Aspect, Request
from mixingbuddy.agent.settings import APPLY_LIMIT_DB, HelpLevel
from mixingbuddy.agent.state import Lock, LockKind, ProposedMove, Version
from mixingbuddy.models.advisor import ReferenceFit, StemAdvice
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.levels import GroupLevel, StemLevel
from mixingbuddy.tools.reference_comparison import Difference
from mixingbuddy.tools.roles import Role
from mixingbuddy.tools.verify import CheckedClaim, Verdict

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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
    part: "Part | None" = Field(default=None, description="the part of the song that was asked for; null: all of it")


class Part(BaseModel):
    """A part of the song, and how every stem asked about stands in it. The other levels are of the whole song."""

    model_config = _RESULT

    label: str
    start_s: float
    end_s: float
    levels_lu: dict[str, float | None] = Field(description="stem or group to its level in the mix there")


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


class Held(BaseModel):
    """A move that would be needed, and the user's wish that speaks against it."""

    model_config = _RESULT

    stem: str
    gain_db: float = Field(description="what the advisor would move it by, dB")
    kind: LockKind
    words: str = Field(description="what the user called the stem")
    reason: str = Field(default="", description="why, in the user's words")


class Proposed(BaseModel):
    """Moves that were rendered and measured; `verdict` is null only until that is done."""

    model_config = _RESULT

    tool: Literal["proposed"] = "proposed"
    origin: Literal["advisor", "user"]
    moves: tuple[ProposedMove, ...]
    held: tuple[Held, ...] = Field(default=(), description="moves that were left out, because the user wished so")
    limited: tuple[str, ...] = Field(default=(), description="stems whose move was cut to the user's limit")
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
    status: Literal["waiting", "applied", "declined", "broken"]
    version: int
    moves: tuple[ProposedMove, ...]
    edited: bool = Field(default=False, description="whether the user changed the amounts while approving")
    reason: str = Field(default="", description="why it was declined, in the user's words; remembered")
    verdict: Verdict | None = Field(default=None, description="of edited moves: measured before they were applied")
    by_help_level: bool = Field(default=False, description="applied without asking, as the user chose")


HistoryAction = Literal["show", "undo", "redo", "go", "name"]


class History(BaseModel):
    """Versions of the mix, and what changed from `compared_with` to `version`."""

    model_config = _RESULT

    tool: Literal["history"] = "history"
    action: HistoryAction
    done: bool = Field(description="whether there was something to undo, redo, go to or name")
    version: int = Field(description="the version that the changes lead to")
    current: int = Field(description="the version that the user stands on")
    versions: tuple[Version, ...]
    compared_with: int | None = None
    changes: tuple["StemChange", ...] = ()
    loudness_before_lufs: float | None = None
    loudness_after_lufs: float | None = None
    distance_before_db: float | None = Field(
        default=None, description="mean distance of the faders from a reference of this very song, dB; null without one"
    )
    distance_after_db: float | None = None
    differs: bool = Field(
        default=False, description="whether the version renders to other samples now than when it was applied"
    )


class TermExplained(BaseModel):
    """A concept from the glossary. Its figures are the source's, not measurements of this song."""

    model_config = _RESULT

    tool: Literal["explain"] = "explain"
    slug: str
    title: str
    what_it_is: str
    how_it_sounds: str
    what_to_try: str
    typical_values: str
    source: str = Field(description="author and title")
    also: tuple[str, ...] = Field(default=(), description="titles of related terms, or of other guesses")
    guessed: bool = Field(default=False, description="whether it was found from a description of the problem")


class ListeningFile(BaseModel):
    """One audio file that was written for listening, matched in loudness to the other."""

    model_config = _RESULT

    label: str = Field(description="'A', 'B', or 'C' for a stem alone, as loud as it is inside B")
    what: str = Field(description="what plays: 'version 2', or 'version 2 without Keys'")
    path: str
    gain_db: float = Field(description="gain that made it as loud as the other, dB; 0 for the quieter one")
    loudness_lufs: float | None = Field(default=None, description="loudness of what was written, LUFS")
    true_peak_dbtp: float | None = Field(default=None, description="true peak of what was written, dBTP")


class Listening(BaseModel):
    """Files for listening, or a page for a blind test."""

    model_config = _RESULT

    tool: Literal["listen"] = "listen"
    what: Literal["files", "blind_test"]
    files: tuple[ListeningFile, ...] = ()
    page: str | None = Field(default=None, description="path of the blind test's page")
    loudness_lufs: float | None = Field(
        description="loudness of both, LUFS; null where it cannot be measured, so that they are not matched"
    )
    trim_db: float = Field(default=0.0, le=0, description="how far both came down to stay under -1 dBTP, dB")
    start_s: float
    duration_s: float
    whole_song: bool = Field(
        default=False, description="whether it is all of the song rather than its most telling part"
    )
    same: bool = Field(default=False, description="whether A and B are the same mix, so that there is nothing to hear")


NoteStatus = Literal["done", "partly", "not", "worse", "cannot_say"]


class NoteChecked(BaseModel):
    """One note of a client, and what was measured between two versions."""

    model_config = _RESULT

    note: str = Field(description="the client's words")
    stems: tuple[str, ...]
    status: NoteStatus
    asked: str = Field(description="what was checked: 'louder', 'quieter', 'unchanged', or why nothing could be")
    change_lu: float | None = Field(
        description="measured change of level in the mix, LU; of stems that were to stay, of their own level if smaller"
    )
    wanted_db: float | None = Field(
        default=None, description="fader move that the note names, dB; null where it names none"
    )
    wanted_lu: float | None = Field(
        default=None, description="change of level in the mix that a move of `wanted_db` alone makes, LU"
    )
    part: str = Field(default="", description="the part of the song that was measured; '' for all of it")


class NotesChecked(BaseModel):
    """A client's revision notes held against two versions."""

    model_config = _RESULT

    tool: Literal["check_notes"] = "check_notes"
    before: int
    after: int
    notes: tuple[NoteChecked, ...]


class Remembered(BaseModel):
    """The user's standing wishes after something was remembered."""

    model_config = _RESULT

    tool: Literal["remember"] = "remember"
    locks: tuple[Lock, ...]


class StemChange(BaseModel):
    """One stem in two versions, both measured."""

    model_config = _RESULT

    stem: str
    fader_before_db: float
    fader_after_db: float
    level_before_lu: float | None
    level_after_lu: float | None
    distance_before_db: float | None = Field(
        default=None, description="gain that leads to the reference of this very song, dB; null without one"
    )
    distance_after_db: float | None = None


class TurnContext(BaseModel):
    """What every model call is told: the song and where the conversation stands."""

    model_config = _RESULT

    song: str
    stems: dict[str, Role] = Field(description="stem name to role")
    reference: str | None
    advisor: str
    version: int
    faders: dict[str, float]
    version_names: dict[str, int] = Field(default_factory=dict, description="versions that the user gave a name")
    last_version: int = 1
    locks: tuple[Lock, ...]
    help_level: HelpLevel = "suggest"
    apply_limit_db: float = Field(
        default=APPLY_LIMIT_DB, description="what help level 'apply' may move without asking, dB"
    )
    requests: tuple[Request, ...] = Field(default=(), description="what the parser read; told to the planner only")
    shown: tuple[ProposedMove, ...] = Field(description="the proposal that the user may apply or change")
    told: bool = Field(default=True, description="whether the reply that `shown` came with named its moves")
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
    "explain": TermExplained,
    "listen": Listening,
    "check_notes": NotesChecked,
    "remember": Remembered,
}


def read_results(turn: Sequence[BaseMessage]) -> tuple[list[BaseModel], list[str]]:
    """The tools' results in a turn, in order, and the messages of the calls that failed."""
    results: list[BaseModel] = []
    errors: list[str] = []
    for message in turn:
        if isinstance(message, ToolMessage) and message.status == "error":
            errors.append(str(message.text).removeprefix("Error: ").strip())
        elif isinstance(message, ToolMessage) and (result := read_result(message)) is not None:
            results.append(result)
    return results, errors


def read_result(message: ToolMessage) -> BaseModel | None:
    """The result in a tool's message; None where the tool is none of ours."""
    try:
        data = json.loads(str(message.text))
    except json.JSONDecodeError:
        return None
    kind = RESULTS.get(str(data.get("tool"))) if isinstance(data, dict) else None
    return None if kind is None else kind.model_validate(data)
