"""What should be done to the faders, as data and as text: labels are written out and read back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mixingbuddy.models.data.label_reading import read_moves
from mixingbuddy.models.data.label_templates import (
    Evidence,
    Kind,
    all_templates,
    choose_template,
    count_text,
    direction_words,
    fill,
    gain_text,
    instruction,
    interval_texts,
    level_text,
)

__all__ = [
    "Evidence",
    "Kind",
    "Label",
    "all_templates",
    "choose_template",
    "direction_words",
    "fill",
    "instruction",
    "move_values",
    "read_label_text",
    "write_label_text",
]


@dataclass(frozen=True)
class Label:
    """What should be done: fader moves in dB by stem name, largest first; empty = nothing to do."""

    moves: tuple[tuple[str, float], ...]


def write_label_text(
    label: Label,
    evidence: Evidence,
    rng: np.random.Generator,
    levels: Mapping[str, float] | None = None,
    targets: Mapping[str, float] | None = None,
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> str:
    """The label in words, one sentence a line: an opening and a sentence for each move, or that nothing is to do.

    `levels` and `targets` (LU re the mix) and `intervals` (dB, of the move) are by stem; a sentence that needs one
    which is not given is not chosen. Moves that print as 0.0 dB are left out. Stem names must not hold a newline.
    """
    moves = sorted((move for move in label.moves if round(abs(move[1]), 1)), key=lambda move: -abs(move[1]))
    if not moves:
        return choose_template("nothing", evidence, rng)
    opening: Kind = "opening_one" if len(moves) == 1 else "opening_several"
    lines = [fill(choose_template(opening, evidence, rng), count=count_text(len(moves)))]
    for stem, gain_db in moves:
        values = move_values(stem, gain_db, levels, targets, intervals)
        kind: Kind = "too_quiet" if gain_db > 0 else "too_loud"
        lines.append(fill(choose_template(kind, evidence, rng, known=values), **values))
    return "\n".join(lines)


def move_values(
    stem: str,
    gain_db: float,
    levels: Mapping[str, float] | None = None,
    targets: Mapping[str, float] | None = None,
    intervals: Mapping[str, tuple[float, float]] | None = None,
) -> dict[str, str]:
    """What fills the slots of a sentence about one move, by slot; only what is known of this stem."""
    values = {"stem": stem, "gain": gain_text(gain_db)}
    if levels and stem in levels:
        values["level"] = level_text(levels[stem])
    if targets and stem in targets:
        values["target"] = level_text(targets[stem])
    if intervals and stem in intervals:
        values |= interval_texts(intervals[stem], gain_db)
    return values


def read_label_text(text: str, stems: Sequence[str]) -> Label:
    """The label that `text` states, gains in dB; an empty one only where the text says that nothing is to do.

    Reads every text of `write_label_text` back, and free text as well: "raise the vocals by 3 dB", "bass -2.5 dB".
    Raises ValueError with the reason where the text cannot be read.
    """
    return Label(read_moves(text, stems))
