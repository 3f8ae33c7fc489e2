"""What a message can ask for: the meaning that the parser reads from the user's words."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.agent.settings import HelpLevel

Intent = Literal[
    # faders
    "turn", "scale", "same", "too_loud", "too_quiet",
    # sound
    "complaint", "cannot",
    # questions of fact
    "how_loud", "inspect", "overview", "compare",
    # judgement and teaching
    "critique", "why", "explain", "tell_me",
    # approval
    "apply", "reject", "wait",
    # versions
    "undo", "redo", "go", "changed", "versions", "name_version", "notes",
    # standing wishes
    "lock", "unlock", "locks", "limit", "taste", "reference", "forget",
    # listening
    "listen", "blind_test",
    # the partner
    "help_level", "help", "greeting", "thanks", "goodbye", "smalltalk", "unknown",
]  # fmt: skip
Quality = Literal[
    "muddy", "boomy", "harsh", "boxy", "nasal", "sibilant", "tinny", "thin", "dull", "bright", "punch", "warm", "wide",
    "narrow", "squashed", "cluttered", "distorted", "noisy", "flat", "weak_low_end", "unclear_words", "uneven",
]  # fmt: skip
Aspect = Literal["masking", "sections", "spectrum", "dynamics", "hygiene", "stereo", "time"]
Effect = Literal[
    "eq", "compression", "reverb", "delay", "pan", "mute", "automation", "pitch", "timing", "mastering", "arrangement",
    "edit", "distortion",
]  # fmt: skip
Trouble = Literal["", "unreadable", "contradiction"]


# A reply's length, and that of one whose user asked for words.
MOST_WORDS, MOST_WORDS_ASKED = 120, 250
LONG_ANSWERS: frozenset[Intent] = frozenset(
    {"help", "explain", "why", "notes", "versions", "locks", "changed", "tell_me"}
)


class Request(BaseModel):
    """One thing the user wants."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    intent: Intent
    stems: tuple[str, ...] = Field(default=(), description="stems of the song it is about")
    called: str = Field(default="", description="what the user called them")
    direction: Literal[-1, 0, 1] = 0
    amount_db: float | None = Field(default=None, ge=0, description="size of a move, dB; None where no size was given")
    fader_db: float | None = Field(default=None, description="where the fader shall stand, dB")
    factor: float | None = Field(default=None, ge=0, description="multiple of the shown moves")
    trouble: Trouble = Field(default="", description="why the amount cannot be taken")
    question: bool = False
    version: int | str | None = Field(default=None, description="a version that was named, by number or name")
    other_version: int | str | None = Field(default=None, description="the version it is compared with")
    name: str = Field(default="", description="the name that a version shall get")
    quality: Quality | None = Field(default=None, description="how it sounds, or shall sound")
    aspect: Aspect | None = Field(default=None, description="what a question of fact is about")
    effect: Effect | None = Field(default=None, description="what was asked for and no fader can do")
    term: str = Field(default="", description="the concept to explain, in the user's words")
    level: HelpLevel | None = None
    limit_db: float | None = Field(default=None, ge=0, description="no move may be larger, dB")
    everywhere: bool = Field(default=False, description="whether a standing wish is meant for all songs")
    reference: str = Field(default="", description="what the mix shall sound like, in the user's words")
    section: str = Field(default="", description="the part of the song: 'chorus', 'B', '1:20'")
    reason: str = Field(default="", description="why something was turned down, in the user's words")
    missing: tuple[str, ...] = Field(default=(), description="what looks like an instrument that the song has not")
    meant: str = Field(default="", description="the stem that a word may be a misspelling of")
    spared: tuple[str, ...] = Field(default=(), description="stems that the user excepted")
    said: str = Field(default="", description="the words of the clause")


class Dialogue(BaseModel):
    """What the words of earlier turns leave behind for pronouns and follow-ups."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    focus: tuple[str, ...] = Field(default=(), description="stems that were last spoken of: 'it', 'them'")
    called: str = Field(default="", description="what the user called them")
    last: Request | None = Field(default=None, description="the last request that can be followed up")


def most_words(requests: Iterable[Request]) -> int:
    """How long the reply to these requests may be, in words."""
    return MOST_WORDS_ASKED if any(request.intent in LONG_ANSWERS for request in requests) else MOST_WORDS
