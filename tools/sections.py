"""Sections of a song: where who plays or what is played changes for longer, and which parts are alike.

A song is cut into cells (bars where they are known, else 2 s). The cut into sections is the one that leaves least
variance within them at a fixed price per section (Jackson et al. 2005, "An algorithm for optimal partitioning of data
on an interval"); sections are then joined under one letter while that costs little variance (Ward 1963). Both prices
are in units of the noise from one cell to the next, which holds the chords' coming and going.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools import key, tempo
from mixingbuddy.tools.key import Chroma, has_notes
from mixingbuddy.tools.tempo import Onsets

Values = NDArray[np.float64]

SHORTEST_S = 45.0
CELL_S = 2.0
SHORTEST_SECTION_S = 6.0
FEWEST_CELLS = 4  # in a section of bars
PRICE = 7.0  # of a section
LETTER_PRICE = 5.0
SECTION_CONFIDENCE = 0.5
TOO_SHORT = f"shorter than {SHORTEST_S:.0f} s"
_LEAST_NOISE = 0.1  # 2 dB of level: nobody hears a section in less
ALL_ALIKE = "no clear change of who plays or what is played"


class Section(BaseModel):
    """One part of the song. Parts that are alike share a label."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    start_s: float = Field(ge=0)
    end_s: float = Field(ge=0)
    label: str = Field(description="A, B, C, ... in the order of first appearance")
    confidence: float = Field(
        ge=0, le=1, description="how clear the change at its start (or, of the first, its end) is"
    )


@dataclass(frozen=True)
class Cells:
    """Features per cell in units of the noise, (cells, features), and the edges of the cells (cells + 1,), s."""

    features: Values
    edges_s: Values
    fewest: int


def measure_sections(
    onsets: Onsets | None, chroma: Chroma, downbeats_s: tuple[float, ...] | None
) -> tuple[tuple[Section, ...] | None, str | None]:
    """The sections, or None and the reason. Boundaries lie on first beats where these are known."""
    if onsets is None:
        return None, key.TOO_QUIET
    if onsets.sounding_s < SHORTEST_S:
        return None, TOO_SHORT
    cells = cells_of(onsets, chroma, downbeats_s)
    cuts = partition(cells)
    if len(cuts) < 3:
        return None, ALL_ALIKE
    labels = labelled(cells, cuts)
    changes = [k for k in range(1, len(cuts) - 1) if labels[k] != labels[k - 1]]
    clear = _clearness(cells, [0, *(cuts[k] for k in changes), cuts[-1]])
    kept = [k for k, confidence in zip(changes, clear, strict=True) if confidence >= SECTION_CONFIDENCE]
    if not kept:
        return None, ALL_ALIKE
    starts = [0, *kept]
    edges = [float(cells.edges_s[cuts[k]]) for k in starts] + [float(cells.edges_s[-1])]
    confidences = _clearness(cells, [0, *(cuts[k] for k in kept), cuts[-1]])
    names = list(dict.fromkeys(labels[k] for k in starts))
    return tuple(
        Section(
            start_s=round(edges[k], 3), end_s=round(edges[k + 1], 3),
            label=_letter(names.index(labels[starts[k]])), confidence=confidences[max(0, k - 1)],
        )
        for k in range(len(starts))
    ), None  # fmt: skip


def cells_of(onsets: Onsets, chroma: Chroma, downbeats_s: tuple[float, ...] | None) -> Cells:
    """What sounds in every bar (or 2 s): level per band, density of onsets per band, shares of the pitch classes."""
    start_s, end_s = (frame / tempo.FRAMES_PER_S for frame in onsets.sounding)
    edges_s, fewest = _edges(start_s, end_s, downbeats_s)
    levels = _averaged(onsets.level.astype(np.float64), edges_s, tempo.FRAMES_PER_S)
    grouped = np.array([part.mean(axis=1) for part in np.array_split(levels, 11, axis=1)]).T
    rises = np.stack([onsets.low, onsets.mid, onsets.high], axis=1).astype(np.float64)
    density = 60 * _averaged(rises, edges_s, tempo.FRAMES_PER_S)
    notes = _averaged(chroma.all, edges_s, key.FRAMES_PER_S)
    notes = 2 * np.sqrt(notes / (notes.sum(axis=1, keepdims=True) + 1e-9))
    if not has_notes(chroma):  # the lines of a click or a drum
        notes = np.zeros_like(notes)
    features = np.concatenate([grouped, density, notes], axis=1)
    noise = np.sqrt(np.median(np.square(np.diff(features, axis=0)), axis=0) / 2 / 0.455)  # 0.455: median of chi-squared
    return Cells(features / np.maximum(noise, _LEAST_NOISE), edges_s, fewest)


def _edges(start_s: float, end_s: float, downbeats_s: tuple[float, ...] | None) -> tuple[Values, int]:
    if downbeats_s is None or len(downbeats_s) < 2:
        cells = max(2, round((end_s - start_s) / CELL_S))
        return np.linspace(start_s, end_s, cells + 1), max(1, round(SHORTEST_SECTION_S / CELL_S))
    inner = np.array(downbeats_s)
    gap_s = float(np.median(np.diff(inner)))
    before = np.arange(inner[0], start_s - 0.5 * gap_s, -gap_s)[:0:-1]
    after = np.arange(inner[-1] + gap_s, end_s + 0.5 * gap_s, gap_s)
    edges = np.concatenate([before, inner, after])
    return np.asarray(np.maximum(edges, 0.0)), FEWEST_CELLS


def _averaged(values: Values, edges_s: Values, frames_per_s: float) -> Values:
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    at = np.clip(np.round(edges_s * frames_per_s).astype(int), 0, len(values))
    return np.asarray(np.diff(sums[at], axis=0) / np.maximum(np.diff(at), 1)[:, None])


def partition(cells: Cells, price: float = PRICE) -> list[int]:
    """Cell numbers at which sections begin, and the end: least variance within, at a price per section."""
    count, dimensions = cells.features.shape
    sums = np.concatenate([np.zeros((1, dimensions)), np.cumsum(cells.features, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum(np.square(cells.features).sum(axis=1))])
    cost, origin = np.full(count + 1, np.inf), np.zeros(count + 1, int)
    cost[0] = 0
    for end in range(cells.fewest, count + 1):
        begin = np.arange(0, end - cells.fewest + 1)
        within = squares[end] - squares[begin] - np.square(sums[end] - sums[begin]).sum(axis=1) / (end - begin)
        totals = cost[begin] + within + price * dimensions
        origin[end], cost[end] = int(totals.argmin()), float(totals.min())
    cuts = [count]
    while cuts[-1] > 0:
        cuts.append(int(origin[cuts[-1]]))
    return cuts[::-1]


def labelled(cells: Cells, cuts: list[int], price: float = LETTER_PRICE) -> list[int]:
    """A number per section, 0 first; sections are joined while that adds less variance than the price."""
    groups = [[k] for k in range(len(cuts) - 1)]
    sizes = [float(b - a) for a, b in pairwise(cuts)]
    means = [cells.features[a:b].mean(axis=0) for a, b in pairwise(cuts)]
    while len(groups) > 1:
        added, left, right = min(
            (sizes[i] * sizes[j] / (sizes[i] + sizes[j]) * float(np.square(means[i] - means[j]).sum()), i, j)
            for i in range(len(groups)) for j in range(i)
        )  # fmt: skip
        if added > price * cells.features.shape[1]:
            break
        means[right] = (sizes[left] * means[left] + sizes[right] * means[right]) / (sizes[left] + sizes[right])
        sizes[right] += sizes[left]
        groups[right] += groups[left]
        del groups[left], sizes[left], means[left]
    number = {section: group for group in map(tuple, groups) for section in group}
    order = list(dict.fromkeys(number[section] for section in range(len(cuts) - 1)))
    return [order.index(number[section]) for section in range(len(cuts) - 1)]


def _clearness(cells: Cells, edges: list[int]) -> list[float]:
    """How much of the change at each inner edge is more than the noise, 0..1."""
    clear = []
    for before, here, after in zip(edges, edges[1:], edges[2:], strict=False):
        step = cells.features[here:after].mean(axis=0) - cells.features[before:here].mean(axis=0)
        noise = len(step) * (1 / (here - before) + 1 / (after - here))
        clear.append(max(0.0, 1 - PRICE * noise / 2 / (float(np.square(step).sum()) + 1e-9)))
    return clear


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"{chr(ord('A') + number // 26 - 1)}{chr(ord('A') + number % 26)}"
