"""What an advice comes down to, set beside the truth: the stem that most needs a change, its direction, its gain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mixingbuddy.models.advisor import GainAdvice
from mixingbuddy.models.data.labels import read_label_text
from mixingbuddy.models.data.songs import SONG_ROLES
from mixingbuddy.models.data.triplets import CATEGORY_RANGES_DB, TARGETS, SampleSpec
from mixingbuddy.models.protocols import category_of

Direction = Literal["up", "down", "none"]

# A text may say a gain this much coarser than the structured answer, dB.
TEXT_TOLERANCE_DB = 0.5
ROUNDING_DB = 1e-6


@dataclass(frozen=True)
class Answer:
    """The stem that most needs a change and its gain (dB); no stem where nothing is to do."""

    stem: str | None
    gain_db: float

    @property
    def direction(self) -> Direction:
        return "none" if self.stem is None else "up" if self.gain_db > 0 else "down"


@dataclass(frozen=True)
class Outcome:
    """One sample, and what the advisor said to it. Without an answer nothing is right."""

    spec: SampleSpec
    truth: Answer
    right_gains_db: Mapping[str, float]  # of every target
    answer: Answer | None  # None where the advisor could not answer
    gains_db: Mapping[str, float]  # proposed, of every target that was judged
    p_change: Mapping[str, float]  # of every target that was judged, the anchor left out
    text_agrees: bool | None  # None where it wrote no text

    @property
    def category(self) -> str:
        """The category that macro averages run over; protocol `multi` has but one, without a name."""
        return self.spec.category or ""

    @property
    def stem_right(self) -> bool:
        return self.answer is not None and self.answer.stem == self.truth.stem

    @property
    def direction_right(self) -> bool:
        return self.answer is not None and self.answer.direction == self.truth.direction

    @property
    def joint_right(self) -> bool:
        return self.stem_right and self.direction_right

    @property
    def magnitude_right(self) -> bool | None:
        """Whether the proposed gain undoes a flaw of the right category; None for a clean sample."""
        category = self.spec.category or category_of(-self.truth.gain_db)
        if self.truth.stem is None or category is None:
            return None
        low_db, high_db = CATEGORY_RANGES_DB[category]
        return self.answer is not None and low_db - ROUNDING_DB <= -self.answer.gain_db <= high_db + ROUNDING_DB


def largest(gains_db: Mapping[str, float]) -> Answer:
    """The target with the largest gain (dB) that is not 0, in size."""
    named = [stem for stem in TARGETS if gains_db.get(stem, 0.0) != 0.0]
    if not named:
        return Answer(None, 0.0)
    stem = max(named, key=lambda name: abs(gains_db[name]))
    return Answer(stem, gains_db[stem])


def reduced(advice: GainAdvice, anchor: str | None) -> Answer | None:
    """What an advice comes down to; None where it judges no target but the anchor, for that is no answer."""
    gains_db = {stem.stem: stem.gain_db for stem in advice.stems if stem.stem in TARGETS and stem.stem != anchor}
    return largest(gains_db) if gains_db else None


def outcome(spec: SampleSpec, anchor: str | None, flaws_db: Mapping[str, float], advice: GainAdvice | None) -> Outcome:
    """Set an advice (None where the advisor refused) beside the truth. `flaws_db`: gains put on the stems, dB."""
    right_gains_db = {stem: 0.0 - flaws_db.get(stem, 0.0) for stem in TARGETS}
    judged = [] if advice is None else [stem for stem in advice.stems if stem.stem in TARGETS]
    return Outcome(
        spec=spec,
        truth=largest(right_gains_db),
        right_gains_db=right_gains_db,
        answer=None if advice is None else reduced(advice, anchor),
        gains_db={stem.stem: stem.gain_db for stem in judged},
        p_change={stem.stem: stem.p_change for stem in judged if stem.stem != anchor},
        text_agrees=None if advice is None else text_agrees(advice),
    )


def text_agrees(advice: GainAdvice) -> bool | None:
    """Whether the text, read back, names the same stems, directions and gains (to 0.5 dB); None without a text."""
    if advice.text is None:
        return None
    meant = {stem.stem: stem.gain_db for stem in advice.stems if stem.gain_db != 0.0}
    try:
        said = dict(read_label_text(advice.text, tuple(dict.fromkeys((*SONG_ROLES, *meant)))).moves)
    except ValueError:
        return False
    return said.keys() == meant.keys() and all(
        said[stem] * gain_db > 0 and abs(said[stem] - gain_db) <= TEXT_TOLERANCE_DB + ROUNDING_DB
        for stem, gain_db in meant.items()
    )
