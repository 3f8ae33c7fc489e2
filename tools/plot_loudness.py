"""Loudness over the song, with its sections above and the findings under it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixingbuddy.tools.findings import Severity
from mixingbuddy.tools.loudness import MOMENTARY_S, SHORT_TERM_S, loudness_range_edges_lufs
from mixingbuddy.tools.plot_style import (
    SEVERITY_INK,
    SEVERITY_SIGN,
    TIME_LEFT_PX,
    TIME_RIGHT_PX,
    WIDE_PX,
    Entry,
    Floats,
    Picture,
    Scale,
    Sheet,
    draw_legend,
    draw_time_axis,
    legend_px,
    steps,
)
from mixingbuddy.tools.plot_words import SMALL_PX, clock, fitted, number, text_px

LOUDNESS_PX, BAR_ROW_PX = 180.0, 19.0
MOST_ROWS = 8
MOST_BELOW_LU, LEAST_BELOW_LU, ABOVE_LU = 24.0, 11.0, 6.0  # shown around the integrated loudness
_GRAVITY: dict[Severity, int] = {"major": 0, "minor": 1, "info": 2}


@dataclass(frozen=True)
class TimedFinding:
    """A finding in a few words, and where it is, s."""

    label: str
    start_s: float
    end_s: float
    severity: Severity = "info"


@dataclass(frozen=True)
class Section:
    """A part of the song, s."""

    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True, eq=False)
class LoudnessCurve:
    """Short-term loudness every `hop_s`, LUFS, -inf for silence; each window starts at its hop.

    `momentary_lufs` likewise, where it was measured.
    """

    duration_s: float
    hop_s: float
    short_term_lufs: Floats
    integrated_lufs: float | None
    momentary_lufs: Floats | None = None
    findings: tuple[TimedFinding, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True)
class _Bar:
    """Where a finding's bar and its label lie, in pixels, in which row."""

    finding: TimedFinding
    row: int
    ends_px: tuple[float, float]
    label_px: float
    words: str


def draw_loudness(curve: LoudnessCurve, width_px: int = WIDE_PX) -> Picture:
    """Loudness over the song; under it a labelled bar per finding, above it the sections."""
    edges = loudness_range_edges_lufs(curve.short_term_lufs)
    entries: list[Entry] = [("line", "mark", "short-term, 3 s")]
    if curve.momentary_lufs is not None:
        entries.append(("line", "slot", "momentary, 0.4 s"))
    if curve.integrated_lufs is not None:
        entries.append(("dash", "ink", f"integrated {number(curve.integrated_lufs)} LUFS"))
    if edges is not None:
        entries.append(("band", "mark", f"loudness range {number(edges[1] - edges[0])} LU"))
    time = Scale(0, max(curve.duration_s, 1e-3), TIME_LEFT_PX, width_px - TIME_RIGHT_PX)
    bars, left_out = _placed(curve.findings, time)
    rows = 1 + max((bar.row for bar in bars), default=-1) + bool(left_out)
    top = legend_px(entries, width_px) + (30 if curve.sections else 24)
    bottom = top + LOUDNESS_PX
    end = bottom + 24 + BAR_ROW_PX * rows

    def paint(sheet: Sheet) -> None:
        draw_legend(sheet, entries, 0, 0)
        draw_time_axis(sheet, time, top, bottom)
        _draw_sections(sheet, curve.sections, time, top, bottom)
        _draw_loudness_lines(sheet, curve, edges, time, top, bottom)
        _draw_bars(sheet, bars, left_out, time, bottom + 26)

    loudness = f"{number(curve.integrated_lufs)} LUFS" if curve.integrated_lufs is not None else "not measurable"
    spread = f", with a loudness range of {number(edges[1] - edges[0])} LU" if edges else ""
    told = [f"{f.label} ({f.severity}), {clock(f.start_s)} to {clock(f.end_s)}" for f in _gravest_first(curve.findings)]
    return Picture(
        "loudness",
        f"The integrated loudness is {loudness}{spread}",
        "; ".join(told[:MOST_ROWS]) or "No finding is bound to a time.",
        width_px,
        end + 4,
        paint,
    )


def _draw_loudness_lines(
    sheet: Sheet, curve: LoudnessCurve, edges: tuple[float, float] | None, time: Scale, top: float, bottom: float
) -> None:
    sheet.text(0, top - 13, "LUFS", "soft", size=SMALL_PX)
    momentary = curve.momentary_lufs if curve.momentary_lufs is not None else np.zeros(0)
    heard = curve.short_term_lufs[np.isfinite(curve.short_term_lufs)]
    heard = heard if len(heard) else momentary[np.isfinite(momentary)]
    if len(heard) == 0:
        words = "silent" if len(momentary) or len(curve.short_term_lufs) else "too short for loudness"
        sheet.text((time.from_px + time.to_px) / 2, (top + bottom) / 2, words, "soft", "center", mark="note")
        return
    middle = curve.integrated_lufs if curve.integrated_lufs is not None else float(heard.max())
    highest = max(middle + ABOVE_LU, float(heard.max()) + 1)
    lowest = min(middle - LEAST_BELOW_LU, max(middle - MOST_BELOW_LU, float(np.percentile(heard, 2)) - 2))
    level = Scale(5 * math.floor(lowest / 5), 5 * math.ceil(highest / 5), bottom, top)
    for tick_lufs in steps(level.low, level.high, bottom - top, 28, (5, 10)):
        y = level.at(tick_lufs)
        sheet.line([time.from_px, time.to_px], [y, y], "line")
        sheet.text(time.from_px - 6, y, number(tick_lufs, 0), "soft", "right", SMALL_PX, mark="level")
    if edges is not None:
        low, high = level(edges).tolist()
        sheet.bar((time.from_px, time.to_px), (low, high), "mark", 0.14, mark="range")
    _draw_series(sheet, momentary, curve.hop_s, MOMENTARY_S, time, level, faint=True)
    _draw_series(sheet, curve.short_term_lufs, curve.hop_s, SHORT_TERM_S, time, level, faint=False)
    if curve.integrated_lufs is not None:
        y = level.at(curve.integrated_lufs)
        sheet.line([time.from_px, time.to_px], [y, y], "ink", 1.2, "integrated", dashes=(4, 2))


def _draw_series(
    sheet: Sheet, series_lufs: Floats, hop_s: float, window_s: float, time: Scale, level: Scale, faint: bool
) -> None:
    """A value stands at the middle of its window; where there are more than pixels, lowest and highest of each."""
    if len(series_lufs) == 0:
        return
    size = -(-len(series_lufs) // max(1, int(time.to_px - time.from_px)))
    starts = np.arange(0, len(series_lufs), size)
    middles = (starts + np.minimum(starts + size, len(series_lufs)) - 1) / 2
    x = time(middles * hop_s + window_s / 2)
    floored = np.maximum(series_lufs, level.low)
    low, high = (level(each.reduceat(floored, starts)) for each in (np.minimum, np.maximum))
    if faint and size > 1:
        sheet.area(x, low, high, "slot", 0.4, "momentary")
    elif faint:
        sheet.line(x, low, "slot", 1, "momentary")
    else:
        sheet.line(x, (low + high) / 2, "mark", 2.2, "short-term")


def _draw_sections(sheet: Sheet, sections: Sequence[Section], time: Scale, top: float, bottom: float) -> None:
    for section in sections:
        left, right = time([section.start_s, section.end_s]).tolist()
        words = fitted(section.label, right - left - 8, SMALL_PX)
        # A section without room for its name is left out.
        if right - left >= 8 + text_px(words, SMALL_PX):
            sheet.line([left, left], [top - 18, bottom], "soft", 1, "section", alpha=0.6)
            sheet.text((left + right) / 2, top - 10, words, "ink", "center", SMALL_PX, bold=True, mark="section-name")


def _gravest_first(findings: Sequence[TimedFinding]) -> list[TimedFinding]:
    return sorted(findings, key=lambda finding: (_GRAVITY[finding.severity], finding.start_s))


def _placed(findings: Sequence[TimedFinding], time: Scale) -> tuple[list[_Bar], list[TimedFinding]]:
    """The gravest first, each in the first row where neither bar nor label meets another's; and what finds no room."""
    rows: list[list[tuple[float, float]]] = [[] for _ in range(MOST_ROWS)]
    placed, left_out = [], []
    for finding in _gravest_first(findings):
        left, right = time([finding.start_s, finding.end_s]).tolist()
        right = max(right, left + 3)
        sign = SEVERITY_SIGN[finding.severity]
        words = fitted(f"{sign} {finding.label}", 0.7 * (time.to_px - time.from_px), SMALL_PX)
        label_px = _label_px(left, right, text_px(words, SMALL_PX), time.to_px)
        room = (min(left, label_px) - 6, max(right, label_px + text_px(words, SMALL_PX)) + 6)
        row = next((i for i, taken in enumerate(rows) if all(room[1] <= a or room[0] >= b for a, b in taken)), None)
        if row is None:
            left_out.append(finding)
        else:
            rows[row].append(room)
            placed.append(_Bar(finding, row, (left, right), label_px, words))
    return placed, left_out


def _label_px(left: float, right: float, wide: float, end: float) -> float:
    """To the right of the bar, or to its left, or on it."""
    if right + 5 + wide <= end:
        return right + 5
    return left - 5 - wide if left - 5 - wide >= 0 else max(0.0, min(left + 7, end - wide))


def _draw_bars(sheet: Sheet, bars: Sequence[_Bar], left_out: Sequence[TimedFinding], time: Scale, top: float) -> None:
    for bar in bars:
        y, ink = top + (bar.row + 0.5) * BAR_ROW_PX, SEVERITY_INK[bar.finding.severity]
        left, right = bar.ends_px
        sheet.bar(bar.ends_px, (y - 7, y + 7), ink, 0.35, mark=f"finding {bar.finding.severity}")
        for end in (left, right - 3):
            sheet.bar((end, end + 3), (y - 7, y + 7), ink)
        beside = bar.label_px >= right or bar.label_px + text_px(bar.words, SMALL_PX) <= left
        sheet.text(bar.label_px, y, bar.words, ink if beside else "ink", size=SMALL_PX, mark="finding-name")
    if left_out:
        start_s, end_s = min(f.start_s for f in left_out), max(f.end_s for f in left_out)
        words = f"and {len(left_out)} more between {clock(start_s)} and {clock(end_s)}"
        y = top + (MOST_ROWS + 0.5) * BAR_ROW_PX
        sheet.text(time.from_px, y, words, "soft", size=SMALL_PX, mark="more")
