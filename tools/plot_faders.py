"""Faders: how loud every stem is in the mix before and after, and what is usual."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mixingbuddy.tools.plot_style import (
    USUAL,
    USUAL_ALPHA,
    WIDE_PX,
    Entry,
    Ink,
    Picture,
    Scale,
    Sheet,
    draw_legend,
    legend_px,
    steps,
)
from mixingbuddy.tools.plot_words import SMALL_PX, fitted, number, signed, text_px

ROW_PX, GROUP_GAP_PX = 25.0, 9.0
LOWEST_SHOWN_LU = 42.0  # below the loudest; what is quieter lies on the edge, with its level beside it
LEVEL_STEPS = (1, 2, 3, 5, 6, 10, 12, 20, 30)
LEAST_MOVE_DB = 0.05
LEAST_TOLD_LU = 0.05
LONGEST_NAME_PX = 190.0
TWO_AXES_FROM_ROWS = 16
LEAST_SPAN_LU = 6.0
MOST_TOLD = 12


@dataclass(frozen=True)
class FaderRow:
    """One stem or group: its level re the mix before and after, and what its fader does. None: not measured.

    A group has no fader of its own.
    """

    name: str
    before_lu: float | None
    after_lu: float | None
    move_db: float = 0.0
    range_lu: tuple[float, float] | None = None
    is_group: bool = False

    @property
    def moves(self) -> bool:
        return abs(self.move_db) >= LEAST_MOVE_DB


def draw_faders(rows: Sequence[FaderRow], width_px: int = WIDE_PX) -> Picture:
    """Levels in the mix before and after, one row per stem, with the move written beside it."""
    anything_after = any(row.after_lu is not None for row in rows)
    entries: list[Entry] = [("ring", "slot", "before"), ("dot", "mark", "after")]
    if not anything_after:
        entries = [("ring", "slot", "level")]
    if any(row.range_lu for row in rows):
        entries.append(("band", "slot", USUAL))
    two_axes = len(rows) >= TWO_AXES_FROM_ROWS
    top = legend_px(entries, width_px) + (22 if two_axes else 8)
    groups = sum(row.is_group for row in rows)
    gap = GROUP_GAP_PX if 0 < groups < len(rows) else 0.0
    bottom = top + ROW_PX * len(rows) + gap

    def paint(sheet: Sheet) -> None:
        draw_legend(sheet, entries, 0, 0)
        name_px = min(max((text_px(row.name) for row in rows), default=0) + 8, min(0.32 * width_px, LONGEST_NAME_PX))
        move_px = 62.0
        level = Scale(*_level_ends(rows), name_px + 12, width_px - move_px - 12)
        for tick_lu in steps(level.low, level.high, level.to_px - level.from_px, 44, LEVEL_STEPS):
            x = level.at(tick_lu)
            sheet.line([x, x], [top, bottom], "line")
            for y in (bottom + 11, top - 8)[: 1 + two_axes]:
                sheet.text(x, y, number(tick_lu, 0), "soft", "center", SMALL_PX, mark="level")
        sheet.text((level.from_px + level.to_px) / 2, bottom + 28, "level in the mix, LU", "soft", "center", SMALL_PX)
        sheet.text(width_px, bottom + 11, "move", "soft", "right", SMALL_PX)
        for index, row in enumerate(rows):
            _fader(sheet, row, level, top + (index + 0.5) * ROW_PX + (0 if row.is_group else gap), name_px)
        if gap:
            y = top + groups * ROW_PX + gap / 2
            sheet.line([0, width_px], [y, y], "soft", mark="divider")

    moved = [row for row in rows if row.moves]
    told = [f"{row.name} {signed(row.move_db)} dB{_told_levels(row)}" for row in moved[:MOST_TOLD]]
    more = f"; and {len(moved) - MOST_TOLD} more" if len(moved) > MOST_TOLD else ""
    return Picture(
        "faders",
        _headline(rows, len(moved)),
        "; ".join(told) + more if told else "Every fader stays where it is.",
        width_px,
        bottom + 38,
        paint,
    )


def _headline(rows: Sequence[FaderRow], moved: int) -> str:
    """How many faders move, and what is out of its range in the end."""
    faders = sum(not row.is_group for row in rows)
    said = f"{moved} of {faders} faders move{'s' * (moved == 1)}" if moved else "No fader moves"
    ranged = [row for row in rows if row.range_lu is not None]
    outside = [words for row in ranged if (words := _outside(row))]
    if not ranged:
        return said
    return f"{said}; {' and '.join(outside) or 'everything with a usual range lies inside it'}"


def _outside(row: FaderRow) -> str:
    level_lu = row.after_lu if row.after_lu is not None else row.before_lu
    if level_lu is None or row.range_lu is None:
        return ""
    away_lu = level_lu - min(max(level_lu, row.range_lu[0]), row.range_lu[1])
    if abs(away_lu) < LEAST_TOLD_LU:
        return ""
    return f"{row.name} {number(abs(away_lu))} LU {'above' if away_lu > 0 else 'below'} the usual"


def _fader(sheet: Sheet, row: FaderRow, level: Scale, y: float, name_px: float) -> None:
    moves = row.moves
    mark = "group" if row.is_group else "stem"
    sheet.text(0, y, fitted(row.name, name_px), "ink" if moves or row.is_group else "soft", bold=moves, mark=mark)
    if not row.is_group:
        sheet.text(
            sheet.width_px, y, f"{signed(row.move_db)} dB" if moves else "0 dB", "mark" if moves else "soft", "right",
            bold=moves, mark="move",
        )  # fmt: skip
    if row.range_lu is not None:
        low, high = level(row.range_lu).tolist()
        sheet.bar((low, high), (y - 7, y + 7), "slot", USUAL_ALPHA, mark="usual")
    measured = [value for value in (row.before_lu, row.after_lu) if value is not None]
    if not measured:
        sheet.text(level.from_px, y, "silent", "soft", size=SMALL_PX)
        return
    if row.before_lu is not None and row.after_lu is not None:
        ends = level([row.before_lu, row.after_lu])
        if abs(ends[1] - ends[0]) > 9:
            away = math.copysign(5.0, ends[1] - ends[0])
            sheet.line([ends[0] + away, ends[1]], [y, y], "mark" if moves else "slot", 2.5 if moves else 1)
    shapes = [("before", row.before_lu), ("after", row.after_lu)]
    for mark, value in shapes:
        if value is not None:
            shape = "o" if level.holds(value) else "<"
            ink: Ink = "mark" if mark == "after" and moves else "slot"
            sheet.dot(level.at(value), y, ink, mark, shape, hollow=mark == "before")
    if not level.holds(measured[-1]):
        sheet.text(level.from_px + 10, y, f"{number(measured[-1])} LU", "soft", size=SMALL_PX)


def _level_ends(rows: Sequence[FaderRow]) -> tuple[float, float]:
    values = [
        value for row in rows for value in (row.before_lu, row.after_lu, *(row.range_lu or ())) if value is not None
    ] or [0.0]
    high = max(values)
    low = min([value for value in values if value > high - LOWEST_SHOWN_LU], default=high)
    return math.floor(min(low - 1, high + 1 - LEAST_SPAN_LU)), math.ceil(high + 1)


def _told_levels(row: FaderRow) -> str:
    if row.before_lu is None or row.after_lu is None:
        return ""
    return f" ({number(row.before_lu)} to {number(row.after_lu)} LU)"
