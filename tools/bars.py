"""Bars: how many beats they have and on which beat they begin, and how sure that is.

Chords and bass notes change, and kick drums sound, on first beats more than on others. A conditional logit weighs how
much more, for every length of bar and every phase; it was fitted on made songs, see `docs/time-and-key.md`. The song is
taken to keep its bars: where its two halves disagree, nothing is said.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools import tempo
from mixingbuddy.tools.key import Chroma, has_notes, note_change
from mixingbuddy.tools.tempo import Onsets

Values = NDArray[np.float64]

BAR_CONFIDENCE = 0.75
BAR_LENGTHS = (3, 4, 5, 7)
USUAL_LENGTHS = (3, 4)
FEWEST_BEATS = 32
LEAST_CONTRAST = 0.3  # of the change of notes on first beats, in standard deviations
TOO_FEW = f"fewer than {FEWEST_BEATS} beats"
NO_CHANGES = "no chords or bass notes change that would tell first beats"
NO_BEATS = "no bars without beats"

# Per feature of `beat_features`: weight of its contrast between first and other beats; then of the share of variance
# that the bar explains, and of three and of four beats to the bar (against five and seven).
_WEIGHTS = (2.11, 0.57, 1.12, 0.08, -1.02, 1.62, -0.16, 0.76)


class Bars(BaseModel):
    """Bars of a song. Below the stated confidence they are null and `unmeasured` says why."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    beats_per_bar: int | None = Field(ge=2, le=12)
    confidence: float = Field(
        ge=0, le=1, description="share of songs like this in which bars and first beats are right"
    )
    downbeats_s: tuple[float, ...] | None = Field(description="time of every first beat, s")
    unmeasured: str | None = Field(default=None, description="why a value is null")


def measure_bars(beats_s: tuple[float, ...] | None, onsets: Onsets | None, chroma: Chroma) -> Bars:
    """Bars from the beats, the onsets and the notes, or why there are none."""
    if beats_s is None or onsets is None:
        return _unsure(NO_BEATS)
    if len(beats_s) < FEWEST_BEATS:
        return _unsure(TOO_FEW)
    if not has_notes(chroma):  # kick and snare alone are the same from the third beat as from the first
        return _unsure(NO_CHANGES)
    features = beat_features(np.array(beats_s), onsets, chroma)
    readings, shares = judge(features)
    best = int(shares.argmax())
    (length, phase), confidence = readings[best], float(shares[best])
    if confidence < BAR_CONFIDENCE:
        likely = sorted({readings[k][0] for k in np.flatnonzero(shares >= 0.15)} | {length})
        what = f"bars of {' or '.join(map(str, likely))} beats" if len(likely) > 1 else "where bars begin"
        return _unsure(f"unclear: {what}", confidence)
    if evidence(features, length, phase)[:2].max() < LEAST_CONTRAST:
        return _unsure(NO_CHANGES)
    if length not in USUAL_LENGTHS:
        return _unsure(f"unusual bars, perhaps of {length} beats", confidence)
    middle = len(features) // 2
    if not all(
        _agrees(part, readings[best], offset) for part, offset in ((features[:middle], 0), (features[middle:], middle))
    ):
        return _unsure("the first beats of one half of the song do not continue those of the other", confidence)
    return Bars(beats_per_bar=length, confidence=confidence, downbeats_s=beats_s[phase::length])


def beat_features(beats_s: Values, onsets: Onsets, chroma: Chroma) -> Values:
    """What happens at each beat, as (beats, 5) in standard scores: change of notes, change of the bass, and onsets in
    the low, middle and high band."""
    from scipy.ndimage import maximum_filter1d

    frames = np.clip(np.round(beats_s * tempo.FRAMES_PER_S).astype(int), 0, len(onsets.low) - 1)
    hits = [maximum_filter1d(curve, 7)[frames] for curve in (onsets.low, onsets.mid, onsets.high)]
    features = np.array([note_change(chroma.all, beats_s), note_change(chroma.bass, beats_s), *hits], np.float64).T
    deviation = features.std(axis=0)
    scores = (features - features.mean(axis=0)) / np.maximum(deviation, 1e-9)
    return np.asarray(np.clip(scores, -2.5, 2.5))


def judge(features: Values) -> tuple[list[tuple[int, int]], Values]:
    """Every (beats per bar, first beat) and its share of the judgement."""
    readings = [(length, phase) for length in BAR_LENGTHS for phase in range(length)]
    scores = np.array([evidence(features, *reading) for reading in readings]) @ np.array(_WEIGHTS)
    shares = np.exp(scores - scores.max())
    return readings, np.asarray(shares / shares.sum())


def evidence(features: Values, length: int, phase: int) -> Values:
    """What speaks for bars of this length that begin on this beat, (8,)."""
    position = (np.arange(len(features)) - phase) % length
    means = np.array([features[position == place].mean(axis=0) for place in range(length)])
    contrast = means[0] - means[1:].mean(axis=0)
    counts = np.bincount(position, minlength=length)
    explained = (counts[:, None] * means**2).sum(axis=0) / (np.square(features).sum(axis=0) + 1e-9)
    expected = (length - 1) / len(features)
    return np.array([*contrast, 4 * float((explained - expected).mean()), float(length == 3), float(length == 4)])


def _agrees(part: Values, reading: tuple[int, int], offset: int) -> bool:
    """Whether this part of the song, alone, begins its bars on the same beats."""
    length, phase = reading
    scores = [evidence(part, length, candidate) @ np.array(_WEIGHTS) for candidate in range(length)]
    return int(np.argmax(scores)) == (phase - offset) % length


def _unsure(reason: str, confidence: float = 0.0) -> Bars:
    return Bars(beats_per_bar=None, confidence=confidence, downbeats_s=None, unmeasured=reason)
