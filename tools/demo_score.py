"""The score of the demo song: verse in bars 0 to 3, chorus in 4 to 7, a last chord in bar 8, as notes per instrument.

Beats are quarter notes, four to the bar, counted from 0.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

BEATS_PER_MINUTE = 92
FIRST_BEAT_S = 0.12
DURATION_S = 23.6
SWING_BEATS = 0.03  # every second sixteenth comes that much later
CHORUS_BAR, LAST_BAR = 4, 8


@dataclass(frozen=True)
class Note:
    """One note. `pitch` is a MIDI number (69 is A4, 440 Hz), `velocity` 0..1; of the hats, pitch 1 is an open one."""

    start_s: float
    length_s: float
    pitch: float
    velocity: float


@dataclass(frozen=True)
class SungNote(Note):
    """A note with its syllable: one consonant or none, then one of the vowels a e i o u."""

    syllable: str = "a"


@dataclass(frozen=True)
class Chord:
    """MIDI pitches: the bass's root, open strings low, the same higher up the neck, and the keys' voicing."""

    root: int
    low: tuple[int, ...]
    high: tuple[int, ...]
    keys: tuple[int, ...]


AM7 = Chord(33, (45, 52, 55, 60, 64), (57, 64, 67, 72), (57, 60, 64, 67))
FMAJ7 = Chord(29, (41, 48, 52, 57, 60), (53, 60, 64, 69), (53, 57, 60, 64))
C = Chord(36, (48, 52, 55, 60, 64), (60, 64, 67, 72), (55, 60, 62, 64))
G = Chord(31, (43, 50, 55, 59, 67), (55, 62, 67, 71), (55, 59, 62, 67))
EM7 = Chord(28, (40, 47, 52, 55, 62), (59, 64, 67, 74), (55, 59, 62, 64))
# First beat and number of beats.
CHORDS = (
    (0, 4, AM7), (4, 4, FMAJ7), (8, 4, C), (12, 4, G),
    (16, 4, FMAJ7), (20, 4, G), (24, 2, EM7), (26, 2, AM7), (28, 2, FMAJ7), (30, 2, G), (32, 4, C),
)  # fmt: skip
# First beat, beats, pitch, syllable.
MELODY = (
    (0.5, 0.5, 64, "ha"), (1, 0.5, 64, "li"), (1.5, 0.5, 67, "to"), (2, 1.4, 69, "na"),
    (4.5, 0.5, 72, "so"), (5, 0.5, 71, "la"), (5.5, 0.5, 69, "i"), (6, 0.5, 67, "to"), (6.5, 1.25, 69, "ma"),
    (8.5, 0.5, 67, "ka"), (9, 0.5, 64, "ne"), (9.5, 0.5, 62, "o"), (10, 1.5, 64, "lu"),
    (12, 0.5, 62, "si"), (12.5, 0.5, 64, "na"), (13, 1.1, 62, "do"), (14.5, 0.5, 67, "ha"), (15, 0.5, 69, "la"),
    (15.5, 0.5, 71, "to"),
    (16, 1.5, 72, "na"), (17.5, 0.5, 69, "o"), (18, 0.75, 72, "li"), (18.75, 1.0, 74, "a"),
    (20, 1.5, 74, "ta"), (21.5, 0.5, 71, "o"), (22, 1.0, 67, "mu"), (23, 0.5, 69, "ha"), (23.5, 0.5, 71, "la"),
    (24, 1.0, 76, "sa"), (25, 0.5, 74, "i"), (25.5, 0.5, 72, "na"), (26, 0.75, 72, "to"), (26.75, 1.0, 69, "a"),
    (28, 0.5, 69, "so"), (28.5, 0.5, 72, "li"), (29, 0.5, 72, "ne"), (29.5, 0.5, 74, "a"), (30, 1.0, 74, "da"),
    (31, 0.5, 71, "o"), (31.5, 0.5, 71, "la"), (32, 2.75, 72, "na"),
)  # fmt: skip
Pattern = tuple[tuple[float, float], ...]  # beat within the bar, velocity
KICKS: tuple[Pattern, Pattern] = (
    ((0, 1.0), (1.75, 0.6), (2.5, 0.9)),
    ((0, 1.0), (0.75, 0.65), (2, 0.9), (2.5, 0.85), (3.75, 0.5)),
)
SNARES: tuple[Pattern, Pattern] = (
    ((1, 0.85), (3, 0.9), (3.75, 0.18)),
    ((1, 1.0), (1.75, 0.18), (2.25, 0.16), (3, 1.0)),
)
FILL: Pattern = ((1, 0.85), (2.75, 0.3), (3, 0.6), (3.25, 0.55), (3.5, 0.8), (3.75, 0.95))
# Beat within the chord, beats, semitones above the root, velocity.
BASS_LINES = (
    ((0, 1.4, 0, 1.0), (1.75, 0.6, 0, 0.75), (2.5, 0.9, 7, 0.85), (3.5, 0.45, 12, 0.8)),
    tuple((beat / 2, 0.42, 12 if beat % 4 == 3 else 0, 1.0 - 0.15 * (beat % 2)) for beat in range(8)),
)
PICKING = (0, 2, 3, 1, 4, 2, 3, 2)
STRUMS = ((0, 0.95), (1, 0.7), (1.5, 0.55), (2.5, 0.8), (3, 0.75), (3.5, 0.6))  # those off the beat go upwards


def kick_notes(rng: np.random.Generator) -> list[Note]:
    return _played(_drum_hits(KICKS, fill=KICKS[1]), rng, 0.002)


def snare_notes(rng: np.random.Generator) -> list[Note]:
    return _played(_drum_hits(SNARES, fill=FILL), rng, 0.003)


def hat_notes(rng: np.random.Generator) -> list[Note]:
    """Eighths in the verse, sixteenths with an open hat per bar in the chorus."""
    return _played(_hat_hits(), rng, 0.003)


def bass_notes(rng: np.random.Generator) -> list[Note]:
    return _played(_bass_line(), rng, 0.003)


def guitar_notes(shape: Literal["low", "high"], rng: np.random.Generator) -> list[Note]:
    """Picked in the verse, strummed in the chorus; `shape` says where on the neck."""
    return _played(_guitar_part(shape), rng, 0.004)


def piano_notes(rng: np.random.Generator) -> list[Note]:
    """Each chord twice, the second time as a softer push."""
    return _played(_piano_part(), rng, 0.006)


def pad_notes() -> list[Note]:
    """Long chords under the chorus."""
    chorus = [chord for chord in CHORDS if chord[0] >= 4 * CHORUS_BAR]
    return [_note(beat, beats, pitch, 0.5) for beat, beats, chord in chorus for pitch in chord.keys]


def melody_notes(rng: np.random.Generator) -> list[SungNote]:
    """The lead line; stressed beats and the chorus are sung louder."""
    notes = []
    for beat, beats, pitch, syllable in MELODY:
        stress = 0.72 + 0.08 * (beat % 1 == 0) + 0.14 * (beat >= 4 * CHORUS_BAR) + float(rng.normal(0, 0.03))
        start_s = _at_s(beat) + float(rng.normal(0, 0.006))
        notes.append(SungNote(start_s, _at_s(beat + beats) - start_s - 0.02, pitch, stress, syllable))
    return notes


def _drum_hits(patterns: tuple[Pattern, Pattern], fill: Pattern) -> Iterator[Note]:
    for bar in range(LAST_BAR):
        chorus = bar >= CHORUS_BAR
        pattern = fill if bar == CHORUS_BAR - 1 else patterns[chorus]
        for beat, velocity in pattern:
            yield _note(4 * bar + beat, 0.25, 0, velocity)
    yield _note(4 * LAST_BAR, 0.25, 0, 1.0)


def _hat_hits() -> Iterator[Note]:
    for step in range(4 * 4 * LAST_BAR):
        beat, chorus = step / 4, step >= 16 * CHORUS_BAR
        if not chorus and step % 2:
            continue
        velocity = (0.9, 0.3, 0.6, 0.25)[step % 4]
        yield _note(beat, 0.25, float(chorus and step % 16 == 14), velocity)
    yield _note(4 * LAST_BAR, 1, 1, 1.0)


def _bass_line() -> Iterator[Note]:
    for first, beats, chord in CHORDS[:-1]:
        for beat, length, semitones, velocity in BASS_LINES[first >= 4 * CHORUS_BAR]:
            if beat < beats:
                yield _note(first + beat, length, chord.root + semitones, velocity)
    yield _note(4 * LAST_BAR, 3.2, CHORDS[-1][2].root, 0.95)


def _guitar_part(shape: Literal["low", "high"]) -> Iterator[Note]:
    for first, beats, chord in CHORDS:
        strings = chord.low if shape == "low" else chord.high
        if first == 4 * LAST_BAR:
            yield from _strum(first, 4, strings, 0.95)
        elif first >= 4 * CHORUS_BAR:
            for beat, velocity in STRUMS:
                if beat < beats:
                    yield from _strum(first + beat, 0.8, strings, velocity)
        else:
            for step, string in enumerate(PICKING if shape == "low" else PICKING[::-1]):
                yield _note(first + step / 2, 1.6, strings[string % len(strings)], 0.85 - 0.2 * (step % 2))


def _strum(beat: float, beats: float, strings: tuple[int, ...], velocity: float) -> Iterator[Note]:
    """Off the beat the hand goes upwards and misses the lowest string."""
    order = strings if beat % 1 == 0 else strings[:0:-1]
    for number, pitch in enumerate(order):
        note = _note(beat, beats, pitch, velocity * (1 - 0.05 * number))
        yield replace(note, start_s=note.start_s + 0.011 * number)


def _piano_part() -> Iterator[Note]:
    for first, beats, chord in CHORDS:
        whole = beats if beats == 2 or first == 4 * LAST_BAR else 2.4
        for pitch in chord.keys:
            yield _note(first, whole, pitch, 0.75)
            if whole < beats:
                yield _note(first + 2.5, 1.4, pitch, 0.5)


def _played(notes: Iterable[Note], rng: np.random.Generator, spread_s: float) -> list[Note]:
    """The notes as a person plays them: not quite on time, no two equally loud."""
    return [
        replace(
            note,
            start_s=max(note.start_s + float(rng.normal(0, spread_s)), 0.02),
            velocity=float(np.clip(note.velocity * rng.normal(1, 0.06), 0.05, 1.1)),
        )
        for note in notes
    ]


def _note(beat: float, beats: float, pitch: float, velocity: float) -> Note:
    start_s = _at_s(beat)
    return Note(start_s, beats * 60 / BEATS_PER_MINUTE, pitch, velocity)


def _at_s(beat: float) -> float:
    swung = beat + SWING_BEATS * (beat % 0.5 == 0.25)
    return FIRST_BEAT_S + swung * 60 / BEATS_PER_MINUTE
