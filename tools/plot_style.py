"""What all pictures share: the sheet of paper they are drawn on, its colours, scales, legends and time axis.

A picture is laid out once, in CSS pixels from its top left corner, and drawn with named inks. The same drawing becomes
an SVG whose inks are the page's own CSS variables (`mixingbuddy.tools.plot_svg`), or a PNG for light or dark pages.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mixingbuddy.tools.findings import Severity
from mixingbuddy.tools.plot_words import SMALL_PX, TEXT_PX, clock, number, text_px

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Ink = Literal["ink", "soft", "line", "slot", "mark", "warn", "bad"]
Align = Literal["left", "center", "right"]
Entry = tuple[Literal["ring", "dot", "clip", "band", "line", "dash"], Ink, str]  # of a legend

WIDE_PX, NARROW_PX = 860, 340
NARROW_BELOW_PX = 560
USUAL_ALPHA = 0.38  # of bands that other things lie on
LEGEND_ROW_PX = 20.0
TIME_LEFT_PX, TIME_RIGHT_PX = 38.0, 18.0  # beside a time axis, so that its labels have room
SEVERITY_INK: dict[Severity, Ink] = {"major": "bad", "minor": "warn", "info": "soft"}
SEVERITY_SIGN: dict[Severity, str] = {"major": "▲", "minor": "◆", "info": "○"}
USUAL = "8 in 10 professional mixes"


@dataclass(frozen=True)
class Palette:
    """One colour per ink, '#rrggbb'. The names are those of the report page's CSS variables."""

    ink: str
    soft: str
    line: str
    slot: str
    mark: str
    warn: str
    bad: str
    paper: str

    def by_ink(self) -> dict[str, str]:
        return dict(zip([field.name for field in fields(self)], astuple(self), strict=True))


LIGHT = Palette("#23262b", "#5b6068", "#dad6cc", "#98938a", "#0d6661", "#845000", "#a3271a", "#fffefb")
DARK = Palette("#e8e4db", "#a5a39c", "#32363c", "#6a7078", "#69cec4", "#e6b466", "#f19286", "#1b1e22")


@dataclass(frozen=True)
class Scale:
    """Maps values to pixels; what lies beyond an end is put on it."""

    low: float
    high: float
    from_px: float
    to_px: float
    logarithmic: bool = False

    def __call__(self, values: ArrayLike) -> Floats:
        low, high, given = self.low, self.high, np.asarray(values, np.float64)
        if self.logarithmic:
            low, high, given = math.log(low), math.log(high), np.log(np.maximum(given, 1e-9))
        return self.from_px + (np.clip(given, low, high) - low) / (high - low) * (self.to_px - self.from_px)

    def at(self, value: float) -> float:
        return float(self(value))

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


class Sheet:
    """Paper of a given size, in pixels from the top left.

    What is drawn may bear a `mark`, which becomes a CSS class `plot-…` in the SVG.
    """

    def __init__(self, width_px: float, height_px: float, palette: Palette, margin_px: float = 0) -> None:
        from matplotlib.figure import Figure

        self.width_px, self.height_px = width_px, height_px
        whole_px = width_px + 2 * margin_px, height_px + 2 * margin_px
        self.figure: Figure = Figure(figsize=(whole_px[0] / 72, whole_px[1] / 72), dpi=72)
        self.figure.patch.set_visible(False)
        self._inks, self._drawn = palette.by_ink(), 0
        self._axes = self.figure.add_axes((0, 0, 1, 1), frameon=False)
        self._axes.set_axis_off()
        self._axes.set_autoscale_on(False)
        self._axes.set_xlim(-margin_px, width_px + margin_px)
        self._axes.set_ylim(height_px + margin_px, -margin_px)

    def line(self, x: ArrayLike, y: ArrayLike, ink: Ink, width: float = 1, mark: str = "", **more: Any) -> None:
        """A line through the points; gaps where a value is not finite."""
        from matplotlib.lines import Line2D

        points = (np.atleast_1d(np.asarray(values, np.float64)) for values in (x, y))
        style = {"solid_joinstyle": "round", "solid_capstyle": "butt"} | more
        line = Line2D(*points, color=self._inks[ink], linewidth=width, zorder=self._next(), **style)
        self._axes.add_line(line).set_gid(_gid(mark))

    def bar(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        ink: Ink,
        alpha: float = 1,
        mark: str = "",
        edge: float = 0,
    ) -> None:
        """A filled rectangle, or only its outline of `edge` pixels."""
        from matplotlib.patches import Rectangle

        colour = self._inks[ink]
        patch = Rectangle((min(x), min(y)), abs(x[1] - x[0]), abs(y[1] - y[0]), linewidth=edge, gid=_gid(mark))
        patch.set_zorder(self._next())
        patch.set_facecolor("none" if edge else colour)
        patch.set_edgecolor(colour if edge else "none")
        patch.set_alpha(None if edge else alpha)
        self._axes.add_patch(patch)

    def area(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, ink: Ink, alpha: float = 1, mark: str = "") -> None:
        """The area between two curves."""
        from matplotlib.patches import Polygon

        across, lower, upper = (np.asarray(values, np.float64) for values in (x, low, high))
        outline = np.column_stack([np.concatenate([across, across[::-1]]), np.concatenate([upper, lower[::-1]])])
        patch = Polygon(outline, facecolor=self._inks[ink], edgecolor="none", alpha=alpha, gid=_gid(mark))
        patch.set_zorder(self._next())
        self._axes.add_patch(patch)

    def dot(self, x: float, y: float, ink: Ink, mark: str = "", shape: str = "o", hollow: bool = False) -> None:
        self.line(
            x, y, ink, 0, mark, linestyle="none", marker=shape, markersize=8 if hollow else 9,
            markeredgewidth=1.8 if hollow else 0, markeredgecolor=self._inks[ink],
            markerfacecolor="none" if hollow else self._inks[ink],
        )  # fmt: skip

    def text(
        self, x: float, y: float, words: str, ink: Ink = "ink", align: Align = "left", size: float = TEXT_PX,
        bold: bool = False, mark: str = "",
    ) -> None:  # fmt: skip
        """Words whose middle line is at `y`. A dollar sign is a dollar sign."""
        self._axes.text(
            x, y + 0.35 * size, words, color=self._inks[ink], ha=align, va="baseline", fontsize=size,
            fontweight="bold" if bold else "normal", parse_math=False, gid=_gid(mark),
            zorder=self._next(),
        )  # fmt: skip

    def image(self, rgba: NDArray[np.uint8], x: tuple[float, float], y: tuple[float, float], mark: str = "") -> None:
        """Cells of uint8 (rows, columns, 4) from the top left, not smoothed."""
        extent = (x[0], x[1], y[1], y[0])
        cells = self._axes.imshow(rgba, extent=extent, aspect="auto", interpolation="none", gid=_gid(mark))
        cells.set_zorder(self._next())

    def _next(self) -> int:
        """What is drawn later lies on top."""
        self._drawn += 1
        return self._drawn


@dataclass(frozen=True)
class Picture:
    """One drawing of fixed size. `title` and `description` say its main fact in words."""

    name: str
    title: str
    description: str
    width_px: float
    height_px: float
    paint: Callable[[Sheet], None]

    def drawn(self, palette: Palette, margin_px: float = 0) -> "Figure":
        """A figure of 72 pixels per inch with the drawing on it."""
        sheet = Sheet(self.width_px, self.height_px, palette, margin_px)
        self.paint(sheet)
        return sheet.figure


def legend_places(entries: Sequence[Entry], width_px: float) -> list[tuple[float, int]]:
    """Left end and row of every entry of a legend that is as wide as `width_px`."""
    places, x, row = [], 0.0, 0
    for _, _, words in entries:
        wanted = 28 + text_px(words, SMALL_PX)
        if x > 0 and x + wanted > width_px:
            x, row = 0.0, row + 1
        places.append((x, row))
        x += wanted + 14
    return places


def legend_px(entries: Sequence[Entry], width_px: float) -> float:
    """Height of a legend."""
    return LEGEND_ROW_PX * (1 + max((row for _, row in legend_places(entries, width_px)), default=-1))


def draw_legend(sheet: Sheet, entries: Sequence[Entry], left: float, top: float) -> None:
    """Entries side by side, in as many rows as they need."""
    for (swatch, ink, words), (x, row) in zip(entries, legend_places(entries, sheet.width_px - left), strict=True):
        x, y = left + x, top + (row + 0.5) * LEGEND_ROW_PX
        if swatch in ("ring", "dot", "clip"):
            sheet.dot(x + 11, y, ink, shape="v" if swatch == "clip" else "o", hollow=swatch == "ring")
        elif swatch == "band":
            sheet.bar((x, x + 22), (y - 5, y + 5), ink, USUAL_ALPHA)
        else:
            sheet.line([x, x + 22], [y, y], ink, 2, dashes=(4, 2) if swatch == "dash" else (None, None))
        sheet.text(x + 28, y, words, "soft", size=SMALL_PX)


def steps(low: float, high: float, room_px: float, apart_px: float, sizes: Sequence[float]) -> list[float]:
    """Round values between two others, as near to each other as `apart_px` allows."""
    most = max(1.0, room_px / apart_px)
    size = next((size for size in sizes if (high - low) / size <= most), sizes[-1])
    first = math.ceil(low / size - 1e-9)
    return [index * size for index in range(first, math.floor(high / size + 1e-9) + 1)]


def draw_time_axis(sheet: Sheet, time: Scale, top: float, bottom: float) -> None:
    """Vertical lines at round times, named below `bottom`; 20 pixels high."""
    tick_sizes = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
    ticks_s = steps(time.low, time.high, time.to_px - time.from_px, 52, tick_sizes)
    fine = len(ticks_s) > 1 and ticks_s[1] - ticks_s[0] < 1
    for at_s in ticks_s:
        x = time.at(at_s)
        sheet.line([x, x], [top, bottom], "line", mark="time-line")
        words = f"{number(at_s)} s" if fine else clock(at_s)
        sheet.text(x, bottom + 11, words, "soft", "center", SMALL_PX, mark="time")


def _gid(mark: str) -> str | None:
    return " ".join(f"plot-{word}" for word in mark.split()) if mark else None
