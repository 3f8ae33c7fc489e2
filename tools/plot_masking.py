"""The map of masking: for every stem a strip of time and frequency that shows where the others hide it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.erb import Power
from mixingbuddy.tools.findings import Severity
from mixingbuddy.tools.plot_style import (
    LEGEND_ROW_PX,
    NARROW_BELOW_PX,
    SEVERITY_INK,
    SEVERITY_SIGN,
    TIME_RIGHT_PX,
    WIDE_PX,
    Floats,
    Picture,
    Scale,
    Sheet,
    draw_time_axis,
)
from mixingbuddy.tools.plot_words import SMALL_PX, clock, fitted, text_px
from mixingbuddy.tools.spectrum import spoken_hz

MOST_COLUMNS = 760
MOST_CELLS = 160_000  # each takes less than a byte in the SVG
ROWS_PER_PX = 0.5
PITCHES_FROM_PX, ALL_PITCHES_FROM_PX = 30.0, 54.0
MOST_NAMED_SPOTS = 8
SPOT_ROW_PX, LONGEST_NAME_PX = 17.0, 170.0
STEPS = 6  # shades, so that the picture stays small
# Between blue and orange every kind of eye sees the difference, on white and on black.
AUDIBLE_RGB, HIDDEN_RGB = np.array([86.0, 132.0, 186.0]), np.array([230.0, 96.0, 20.0])


@dataclass(frozen=True)
class MaskedSpot:
    """A part of a stem that others hide, worth an outline."""

    stem: str
    maskers: tuple[str, ...]
    start_s: float
    end_s: float
    low_hz: float
    high_hz: float
    severity: Severity = "minor"


@dataclass(frozen=True, eq=False)
class MaskingMap:
    """What of every stem is hidden: two arrays (stems, bands, columns), bands from low to high.

    `loudness` of each cell in any unit, 0 where the stem is silent; `hidden_share` of it, 0 to 1.
    `edges_hz` (bands + 1). A column is `column_s` long.
    """

    names: tuple[str, ...]
    hidden_share: Power
    loudness: Power
    edges_hz: Floats
    column_s: float
    spots: tuple[MaskedSpot, ...] = ()


@dataclass(frozen=True)
class _Strips:
    """Where the strips lie, in pixels."""

    top: float
    height: float
    gap: float
    time: Scale

    def span(self, index: int) -> tuple[float, float]:
        upper = self.top + index * (self.height + self.gap)
        return upper, upper + self.height


def draw_masking(song: MaskingMap, width_px: int = WIDE_PX) -> Picture:
    """One strip per stem. Raises ValueError where arrays, names and edges do not fit together."""
    stems, bands, _ = shape = song.hidden_share.shape
    if 0 in shape or song.loudness.shape != shape or (len(song.names), len(song.edges_hz)) != (stems, bands + 1):
        raise ValueError(
            f"masking of shape {shape} and {song.loudness.shape} for {len(song.names)} stems and "
            f"{len(song.edges_hz)} edges; give (stems, bands, columns) twice and bands + 1 edges"
        )
    narrow = width_px < NARROW_BELOW_PX
    strips = _strips(song, width_px, LEGEND_ROW_PX * (1 + narrow) + 6)
    bottom = strips.span(stems - 1)[1]
    cells = _image(song, max(3, int(strips.height * ROWS_PER_PX)))
    told = [_spot_told(number, spot) for number, spot in enumerate(song.spots[:MOST_NAMED_SPOTS], 1)]
    more = len(song.spots) - len(told)

    def paint(sheet: Sheet) -> None:
        _draw_key(sheet, song, narrow)
        draw_time_axis(sheet, strips.time, strips.top, bottom)
        for index, name in enumerate(song.names):
            _draw_strip(sheet, name, cells[index], song.edges_hz, strips, strips.span(index))
        for number, spot in enumerate(song.spots, 1):
            if spot.stem in song.names:
                words = str(number) if number <= len(told) else ""
                _draw_spot(sheet, spot, words, strips.time, song.edges_hz, strips.span(song.names.index(spot.stem)))
        if not song.loudness.any():
            sheet.text(width_px / 2, (strips.top + bottom) / 2, "nothing sounds", "soft", "center", mark="note")
        _draw_spot_names(sheet, song.spots, told, more, bottom + 28, narrow)

    rows = (1 + narrow) * len(told) + bool(more)
    return Picture(
        "masking", *_told(song, told), width_px, bottom + 26 + (SPOT_ROW_PX * rows + 6 if rows else 0), paint
    )


def _strips(song: MaskingMap, width_px: float, top: float) -> _Strips:
    """Tall strips for few stems; many are thin, so that the picture stays on a screen or two."""
    height = float(min(84, max(15, 420 // len(song.names))))
    name_px = min(max(text_px(name, SMALL_PX) for name in song.names) + 8, min(0.28 * width_px, LONGEST_NAME_PX))
    left = max(name_px, 48.0) + (26 if height >= PITCHES_FROM_PX else 0)
    time = Scale(0, song.hidden_share.shape[2] * song.column_s, left, width_px - TIME_RIGHT_PX)
    return _Strips(top, height, 6.0 if height > 20 else 3.0, time)


def _draw_strip(
    sheet: Sheet,
    name: str,
    cells: NDArray[np.uint8],
    edges_hz: Floats,
    strips: _Strips,
    span: tuple[float, float],
) -> None:
    time = strips.time
    pitched = strips.height >= PITCHES_FROM_PX
    room_px = time.from_px - (32 if pitched else 6)
    sheet.text(0, sum(span) / 2, fitted(name, room_px, SMALL_PX), size=SMALL_PX, mark="stem")
    sheet.bar((time.from_px, time.to_px), span, "slot", 0.12, mark="strip")
    sheet.image(cells, (time.from_px, time.to_px), span, mark="cells")
    pitches = ((1000, "1 k"), (200, "200"), (5000, "5 k"))[: 3 if strips.height >= ALL_PITCHES_FROM_PX else 1]
    for at_hz, words in pitches if pitched else ():
        if edges_hz[0] < at_hz < edges_hz[-1]:
            y = _height(at_hz, edges_hz, span)
            sheet.line([time.from_px - 3, time.from_px], [y, y], "soft")
            sheet.text(time.from_px - 5, y, words, "soft", "right", 9)


def _image(song: MaskingMap, most_rows: int) -> list[NDArray[np.uint8]]:
    """One uint8 (rows, columns, 4) per stem, high bands on top: hue says how much is hidden, opacity how loud."""
    stems, bands, columns = song.hidden_share.shape
    rows = min(bands, most_rows)
    width = max(1, min(columns, MOST_COLUMNS, MOST_CELLS // max(1, stems * rows)))
    return [_cells(hidden, loud, rows, width) for hidden, loud in zip(song.hidden_share, song.loudness, strict=True)]


def _cells(hidden_share: Power, loudness: Power, rows: int, columns: int) -> NDArray[np.uint8]:
    loud = _pooled(loudness, rows, columns)
    hidden = _pooled(hidden_share * loudness, rows, columns) / np.maximum(loud, 1e-12)
    loudest = float(np.percentile(loud[loud > 0], 95)) if (loud > 0).any() else 1.0
    shade = np.round(np.clip(hidden, 0, 1) * STEPS)[..., None] / STEPS
    # The square root keeps soft passages visible; whatever sounds at all is a little opaque.
    opacity = np.ceil(np.sqrt(np.clip(loud / loudest, 0, 1)) * STEPS) / STEPS
    opacity[loud < 1e-3 * loudest] = 0
    rgb = AUDIBLE_RGB + shade * (HIDDEN_RGB - AUDIBLE_RGB)
    # What is not seen is black, which packs well.
    rgba = np.concatenate([rgb * (opacity[..., None] > 0), 255 * opacity[..., None]], axis=2)
    return np.ascontiguousarray(np.round(rgba[::-1]).astype(np.uint8))


def _pooled(given: Power, rows: int, columns: int) -> Floats:
    """Means over neighbours, (bands, columns) to the size asked for, which is not larger."""
    cells = given.astype(np.float64)
    for axis, count in ((0, rows), (1, columns)):
        starts = np.linspace(0, cells.shape[axis], count, endpoint=False, dtype=np.int64)
        lengths = np.diff(starts, append=cells.shape[axis])
        sums = np.add.reduceat(cells, starts, axis=axis)
        cells = sums / (lengths[:, None] if axis == 0 else lengths)
    return cells


def _draw_key(sheet: Sheet, song: MaskingMap, narrow: bool) -> None:
    y = LEGEND_ROW_PX / 2
    sheet.text(0, y, "audible", "soft", size=SMALL_PX)
    ramp = np.linspace(0, 1, STEPS + 1)[None, :, None] * (HIDDEN_RGB - AUDIBLE_RGB) + AUDIBLE_RGB
    key = np.concatenate([ramp, np.full((1, STEPS + 1, 1), 255.0)], axis=2)
    sheet.image(np.round(key).astype(np.uint8), (50, 120), (y - 5, y + 5), mark="key")
    sheet.text(126, y, "hidden by other stems", "soft", size=SMALL_PX)
    rest = f"pale: soft; each strip {_hz(song.edges_hz[0])} (bottom) to {_hz(song.edges_hz[-1])} (top)"
    sheet.text(0 if narrow else 268, y + LEGEND_ROW_PX * narrow, rest, "soft", size=SMALL_PX)


def _height(at_hz: float, edges_hz: Floats, span: tuple[float, float]) -> float:
    """Where a frequency lies in a strip whose bands are equally high."""
    share = np.interp(np.log(at_hz), np.log(np.maximum(edges_hz, 1.0)), np.linspace(0, 1, len(edges_hz)))
    return span[1] - (span[1] - span[0]) * float(share)


def _draw_spot(
    sheet: Sheet, spot: MaskedSpot, words: str, time: Scale, edges_hz: Floats, span: tuple[float, float]
) -> None:
    """An outline, with its number inside or, where it is too small, beside it."""
    left, right = time([spot.start_s, spot.end_s]).tolist()
    right = max(right, left + 4)
    upper, lower = (_height(max(edge, 1.0), edges_hz, span) for edge in (spot.high_hz, spot.low_hz))
    sheet.bar((left, right), (upper, lower), "ink", mark="spot", edge=1.6)
    if right - left > 16 and lower - upper > 13:
        sheet.text(left + 4, upper + 7, words, size=SMALL_PX, bold=True, mark="spot-number")
    else:
        x = right + 3 if right + 12 < time.to_px else left - 10 if left - 10 > time.from_px else left + 4
        sheet.text(x, (upper + lower) / 2, words, size=SMALL_PX, bold=True, mark="spot-number")


def _draw_spot_names(
    sheet: Sheet, spots: tuple[MaskedSpot, ...], told: list[tuple[str, str]], more: int, top: float, narrow: bool
) -> None:
    """One line each, on narrow paper two."""
    y = top + SPOT_ROW_PX / 2
    for spot, (where, by) in zip(spots, told, strict=False):
        ink = SEVERITY_INK[spot.severity]
        lines = [(0, where), (26, by)] if narrow else [(0, f"{where}, {by}")]
        for indent, line in lines:
            sheet.text(indent, y, fitted(line, sheet.width_px - indent, SMALL_PX), ink, size=SMALL_PX, mark="spot-name")
            y += SPOT_ROW_PX
    if more:
        sheet.text(0, y, f"and {more} more", "soft", size=SMALL_PX, mark="more")


def _spot_told(index: int, spot: MaskedSpot) -> tuple[str, str]:
    where = f"{clock(spot.start_s)}–{clock(spot.end_s)}, {_hz(spot.low_hz)} to {_hz(spot.high_hz)}"
    maskers = " and ".join(map(_brief, spot.maskers))
    return f"{SEVERITY_SIGN[spot.severity]} {index}  {_brief(spot.stem)}, {where}", f"hidden by {maskers}"


def _brief(name: str) -> str:
    return fitted(name, 120, SMALL_PX)


def _hz(frequency_hz: float) -> str:
    return spoken_hz(float(f"{frequency_hz:.2g}"))


def _told(song: MaskingMap, spots: list[tuple[str, str]]) -> tuple[str, str]:
    """The title names the first spot, or else the stem of which most is hidden."""
    loudness = song.loudness.sum(axis=(1, 2), dtype=np.float64)
    hidden = (song.loudness * song.hidden_share).sum(axis=(1, 2), dtype=np.float64) / np.maximum(loudness, 1e-12)
    if not loudness.any():
        return "Nothing sounds", "Every stem is silent."
    worst = int(np.argmax(hidden))
    most = f"most hidden is {song.names[worst]}, {100 * hidden[worst]:.0f} % of its loudness"
    if not song.spots:
        return f"No part is hidden more than usual; {most}", "No part is outlined."
    first, more = song.spots[0], len(song.spots) - 1
    title = f"{first.stem} is hidden by {' and '.join(first.maskers)} at {clock(first.start_s)}–{clock(first.end_s)}"
    rest = f", and {more} more {'part is' if more == 1 else 'parts are'} outlined" if more else ""
    return f"{title}{rest}; {most}", "; ".join(map(" ".join, spots))
