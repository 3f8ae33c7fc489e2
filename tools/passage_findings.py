"""Where a group sinks or sticks out for a while.

A fader that is wrong throughout is the balance advisor's business. What is said here changed within the song: a passage
must lie outside what professional mixes do *and* apart from the same group's level in the rest of the song. How the
limits were set, and how often professional mixes reach them, is in `docs/section-levels.md`.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.findings import Finding, Severity
from mixingbuddy.tools.loudness import HOP_S, Energies
from mixingbuddy.tools.professional_levels import (
    LevelGroup,
    LevelSpread,
    PassageLevels,
    ProfessionalLevels,
    level_group,
    load_levels,
)
from mixingbuddy.tools.section_levels import Levels, Mask, Part, Section, group_parts, levels_lu

WINDOW_S = 4.0
STEP_S = 0.5
LEAST_SOUNDING = 0.5  # of a window, for a group to count as playing in it
SHORTEST_FINDING_S = 3.0
# What is usual can be told only from at least this much of the rest of the song.
SHORTEST_ELSEWHERE_S = 8.0
LONGEST_PAUSE_S = 4.0  # of a group within one passage
MOST_FINDINGS = 5
# Against the same group in the rest of the song, re everything else: what a fader would have to undo.
LEAST_CHANGE_LU = 5.0
SEVERE_CHANGE_LU = 9.0
# A passage must lie outside the 5th to 95th percentile by as much as engineers of one song disagree.
MARGIN_SHARE_OF_TASTE = 1.0
SEVERE_MARGIN_LU = 2.0
# A stretch's edges are sought in the level over 1 s; further from the middle than this is not more certain.
_SMOOTH_HOPS = 10
_CLEAR_LU = 2.0

SEVERITIES: tuple[Severity, ...] = ("major", "minor", "info")
Side = Literal[-1, 1]
SIDES: tuple[Side, Side] = (-1, 1)


@dataclass(frozen=True)
class _Windows:
    """Sliding windows over one group. Arrays have one value per window; what cannot be judged is NaN."""

    starts: NDArray[np.intp]
    size: int
    deviation_lu: Energies  # re the rest, from the median of professional mixes in which the same groups play
    too_low_lu: Energies  # how far outside the professional range and its margin
    too_high_lu: Energies


class _Passage(NamedTuple):
    """A stretch of hops in which a group lies too low (-1) or too high (+1)."""

    start: int
    end: int
    side: Side


class _Judged(NamedTuple):
    """A passage worth saying. `change_lu` is against the rest of the song, `beyond_lu` outside the percentiles."""

    group: LevelGroup
    severity: Severity
    passage: _Passage
    here: Levels
    elsewhere: Levels
    change_lu: float
    beyond_lu: float
    expected: PassageLevels


def section_level_findings(
    energies: CrossEnergies,
    sections: Sequence[tuple[float, float, str]] | None = None,
    faders: Mapping[str, float] | None = None,
    unsure: Collection[str] = (),
    levels: ProfessionalLevels | None = None,
) -> tuple[Finding, ...]:
    """Passages in which a group sinks or sticks out; worst first, at most five.

    Passages are found by themselves; `sections` only name them. Stems in `unsure` (whose names do not say what they
    are) sound in the mix but are not judged.
    """
    levels = levels or load_levels()
    groups = group_parts(energies, faders or {})
    unknown = {level_group(role) for name, role in zip(energies.names, energies.roles, strict=True) if name in unsure}
    judged = [verdict for group in groups if group not in unknown for verdict in _judge(group, groups, levels)]
    # What sinks makes the others stick out. The voice is what a balance is built around, so it is named first.
    judged.sort(key=lambda verdict: (SEVERITIES.index(verdict.severity), verdict.group != "vocals", -verdict.beyond_lu))
    named = [Section(*section) for section in sections or ()]
    return tuple(_finding(energies, verdict, named, levels) for verdict in _apart(judged)[:MOST_FINDINGS])


def _apart(judged: Sequence[_Judged]) -> list[_Judged]:
    """Only the first of those that hold much the same stretch of time."""
    kept: list[_Judged] = []
    for verdict in judged:
        if not any(_overlap(verdict.passage, other.passage) > 0.5 for other in kept):
            kept.append(verdict)
    return kept


def _overlap(one: _Passage, other: _Passage) -> float:
    """What two passages have in common, as a share of the shorter."""
    common = min(one.end, other.end) - max(one.start, other.start)
    return common / min(one.end - one.start, other.end - other.start)


def _judge(group: LevelGroup, groups: Mapping[LevelGroup, Part], levels: ProfessionalLevels) -> list[_Judged]:
    """Every passage of one group that is worth saying."""
    windows = _windows(group, groups, levels)
    usual = _usual_lu(windows)
    if usual is None:
        return []
    change = windows.deviation_lu - usual
    found = []
    for side in SIDES:
        beyond = windows.too_low_lu if side < 0 else windows.too_high_lu
        odd = (side * change >= LEAST_CHANGE_LU) & (beyond >= 0)  # NaN compares as false
        for first, last in _runs(odd, np.isfinite(change)):
            start, end = int(windows.starts[first]), int(windows.starts[last]) + windows.size
            passage = _refined(groups[group], _Passage(start, end, side))
            verdict = _verdict(group, groups, windows, passage, levels)
            if verdict is not None:
                found.append(verdict)
    return found


def _windows(group: LevelGroup, groups: Mapping[LevelGroup, Part], levels: ProfessionalLevels) -> _Windows:
    part = groups[group]
    size, step = round(WINDOW_S / HOP_S), round(STEP_S / HOP_S)
    starts = np.arange(0, max(0, len(part.own) - size) + 1, step)
    rows: list[tuple[float, float, float]] = []
    for start in starts:
        where = np.zeros(len(part.own), dtype=bool)
        where[start : start + size] = part.sounds[start : start + size]
        expected = _expected(group, groups, where, levels) if where.sum() >= LEAST_SOUNDING * size else None
        here = levels_lu(part, where)
        if expected is None or here is None:
            rows.append((math.nan, math.nan, math.nan))
            continue
        spread, margin_lu = expected.level_rel_rest_lu, MARGIN_SHARE_OF_TASTE * levels.taste[group].sd_rel_mix_lu
        too_low, too_high = (_beyond_lu(here.rel_rest_lu, spread, side) - margin_lu for side in SIDES)
        rows.append((here.rel_rest_lu - spread.p50, too_low, too_high))
    return _Windows(starts, size, *np.array(rows).T)


def _expected(
    group: LevelGroup, groups: Mapping[LevelGroup, Part], where: Mask, levels: ProfessionalLevels
) -> PassageLevels | None:
    """Levels of professional mixes in which the same groups play; None where the group plays alone."""
    playing = [other for other, part in groups.items() if part.sounds[where].mean() >= LEAST_SOUNDING]
    return levels.passage(group, playing)


def _usual_lu(windows: _Windows, without: _Passage | None = None) -> float | None:
    """The group's usual deviation from professional mixes: the median over all windows, or those outside a passage."""
    counted = np.isfinite(windows.deviation_lu)
    if without is not None:
        counted &= (windows.starts + windows.size <= without.start) | (windows.starts >= without.end)
    known = windows.deviation_lu[counted]
    return float(np.median(known)) if len(known) else None


def _runs(odd: Mask, judged: Mask) -> list[tuple[int, int]]:
    """First and last index of runs of odd windows; what cannot be judged parts them only if it lasts."""
    longest = round(LONGEST_PAUSE_S / STEP_S)
    runs: list[tuple[int, int]] = []
    for index in np.flatnonzero(odd):
        between = judged[runs[-1][1] + 1 : index] if runs else judged[:0]
        if runs and not between.any() and len(between) <= longest:
            runs[-1] = (runs[-1][0], int(index))
        else:
            runs.append((int(index), int(index)))
    return runs


def _refined(part: Part, passage: _Passage) -> _Passage:
    """The edges where the level changes: the stretch near the passage that parts best from what surrounds it."""
    size = round(WINDOW_S / HOP_S)
    low, high = max(0, passage.start - size), min(len(part.own), passage.end + size)
    near = np.zeros(len(part.own), dtype=bool)
    near[low:high] = True
    inside = np.zeros_like(near)
    inside[passage.start : passage.end] = True
    here, around = levels_lu(part, part.sounds & inside), levels_lu(part, part.sounds & ~inside)
    if here is None or around is None:
        return passage
    middle_lu = (here.rel_rest_lu + around.rel_rest_lu) / 2
    score = passage.side * np.clip(_local_rel_rest_lu(part) - middle_lu, -_CLEAR_LU, _CLEAR_LU)
    start, end = _heaviest_stretch(np.where(part.sounds & near, score, 0.0)[low:high])
    return _Passage(low + start, low + end, passage.side) if end > start else passage


def _local_rel_rest_lu(part: Part) -> Energies:
    kernel = np.ones(min(_SMOOTH_HOPS, len(part.own)))
    own, rest = (np.convolve(energy * part.sounds, kernel, mode="same") for energy in (part.own, part.rest))
    return np.asarray(10 * np.log10(np.maximum(own, 1e-15) / np.maximum(rest, 1e-15)))


def _heaviest_stretch(score: Energies) -> tuple[int, int]:
    """Start and end of the stretch with the largest sum, without idle ends (Kadane's algorithm)."""
    total = np.concatenate([[0.0], np.cumsum(score)])
    lowest = np.minimum.accumulate(total)
    end = int((total - lowest).argmax())
    start = int(np.flatnonzero(total[: end + 1] == total[: end + 1].min())[-1])
    return start, end


def _verdict(
    group: LevelGroup,
    groups: Mapping[LevelGroup, Part],
    windows: _Windows,
    passage: _Passage,
    levels: ProfessionalLevels,
) -> _Judged | None:
    """Measure the passage with its final edges, and judge it again; None if it is not worth saying."""
    part, side = groups[group], passage.side
    inside = np.zeros(len(part.own), dtype=bool)
    inside[passage.start : passage.end] = True
    within, outside = part.sounds & inside, part.sounds & ~inside
    if min(within.sum() / SHORTEST_FINDING_S, outside.sum() / SHORTEST_ELSEWHERE_S) < 1 / HOP_S:
        return None
    expected = _expected(group, groups, within, levels)
    usual_lu = _usual_lu(windows, passage)
    here, elsewhere = levels_lu(part, within), levels_lu(part, outside)
    if expected is None or usual_lu is None or here is None or elsewhere is None:
        return None
    change_lu = side * (here.rel_rest_lu - expected.level_rel_rest_lu.p50 - usual_lu)
    beyond_lu = _beyond_lu(here.rel_rest_lu, expected.level_rel_rest_lu, side)
    margin_lu = MARGIN_SHARE_OF_TASTE * levels.taste[group].sd_rel_mix_lu
    if change_lu < LEAST_CHANGE_LU or beyond_lu < margin_lu:
        return None
    severe = change_lu >= SEVERE_CHANGE_LU and beyond_lu >= margin_lu + SEVERE_MARGIN_LU
    return _Judged(group, _severity(group, severe), passage, here, elsewhere, change_lu, beyond_lu, expected)


def _severity(group: LevelGroup, severe: bool) -> Severity:
    """A voice that sings is meant to be heard; drums, bass and instruments may step back by arrangement."""
    if group == "vocals":
        return "major" if severe else "minor"
    return "minor" if severe else "info"


def _beyond_lu(level_lu: float, spread: LevelSpread, side: int) -> float:
    """How far below the 5th (side -1) or above the 95th percentile; negative inside."""
    return spread.p5 - level_lu if side < 0 else level_lu - spread.p95


def _finding(
    energies: CrossEnergies,
    judged: _Judged,
    sections: Sequence[Section],
    levels: ProfessionalLevels,
) -> Finding:
    start_s, end_s = judged.passage.start * HOP_S, judged.passage.end * HOP_S
    stems = tuple(
        name for name, role in zip(energies.names, energies.roles, strict=True) if level_group(role) == judged.group
    )
    spread = judged.expected.level_rel_mix_lu
    label = _label(start_s, end_s, sections)
    text = (
        f"{_subject(judged.group, stems, judged.passage.side)} {judged.here.rel_mix_lu:.1f} LU re the mix at "
        f"{_clock(start_s)}-{_clock(end_s)}{f' ({label})' if label else ''}, elsewhere "
        f"{judged.elsewhere.rel_mix_lu:.1f}; 8 in 10 passages of {judged.expected.songs} professional mixes lie "
        f"between {spread.p10:.1f} and {spread.p90:.1f}."
    )
    return Finding(
        kind="buried_passage" if judged.passage.side < 0 else "sticks_out_passage",
        stems=stems,
        value=round(judged.here.rel_mix_lu, 2),
        unit="LU",
        expected=(spread.p10, spread.p90),
        where=(round(start_s, 1), round(end_s, 1)),
        severity=judged.severity,
        source=f"{levels.source}, 10th to 90th percentile",
        text=text,
    )


def _subject(group: LevelGroup, stems: Sequence[str], side: Side) -> str:
    """'Vocals sink to', "'LeadVox' sticks out with"."""
    if len(stems) == 1:
        return f"'{stems[0]}' {'sinks to' if side < 0 else 'sticks out with'}"
    one = "s" if group == "bass" else ""
    return f"{group.capitalize()} {f'sink{one} to' if side < 0 else f'stick{one} out with'}"


def _label(start_s: float, end_s: float, sections: Sequence[Section]) -> str | None:
    """Name of the section that holds most of the passage, if one holds more than half of it."""
    shares = [min(end_s, section.end_s) - max(start_s, section.start_s) for section in sections]
    if not shares or max(shares) < (end_s - start_s) / 2:
        return None
    return sections[int(np.argmax(shares))].label or None


def _clock(time_s: float) -> str:
    minutes, seconds = divmod(round(time_s), 60)
    return f"{minutes}:{seconds:02d}"
