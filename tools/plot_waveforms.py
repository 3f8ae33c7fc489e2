"""The waveforms before and after, with the true-peak ceiling and what is clipped."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.plot_style import (
    TIME_LEFT_PX,
    TIME_RIGHT_PX,
    WIDE_PX,
    Entry,
    Floats,
    Ink,
    Picture,
    Scale,
    Sheet,
    draw_legend,
    draw_time_axis,
    legend_px,
)
from mixingbuddy.tools.plot_words import SMALL_PX, number, signed, text_px

WAVE_PX, HEADING_PX = 110.0, 36.0
MOST_SLICES = 720
MOST_SHOWN = 2.0  # +6 dBFS; what is higher ends at the edge


@dataclass(frozen=True, eq=False)
class Wave:
    """Lowest and highest sample of equal slices of the song (slices,), from `wave_of`; clipped places in s."""

    lowest: Floats
    highest: Floats
    duration_s: float
    true_peak_dbtp: float | None
    clipped: tuple[tuple[float, float], ...] = ()


def wave_of(
    audio: Audio,
    sample_rate_hz: int,
    true_peak_dbtp: float | None,
    clipped: tuple[tuple[float, float], ...] = (),
) -> Wave:
    """The envelope of float32 (channels, samples), all channels together."""
    if audio.size == 0:
        return Wave(np.zeros(1), np.zeros(1), 0.0, true_peak_dbtp, clipped)
    starts = _starts(audio.shape[1], MOST_SLICES)
    lowest = np.minimum.reduceat(audio, starts, axis=1).min(axis=0).astype(np.float64)
    highest = np.maximum.reduceat(audio, starts, axis=1).max(axis=0).astype(np.float64)
    return Wave(lowest, highest, audio.shape[1] / sample_rate_hz, true_peak_dbtp, clipped)


def _starts(length: int, most: int) -> NDArray[np.int64]:
    """First places of at most so many slices that are equally long, but for one."""
    return np.linspace(0, length, min(most, length), endpoint=False, dtype=np.int64)


def draw_waveforms(before: Wave, after: Wave | None, ceiling_dbtp: float = -1.0, width_px: int = WIDE_PX) -> Picture:
    """Before above after, with the true-peak ceiling and the clipped places; `after` is None where nothing moved."""
    sides = [("mix", before)] if after is None else [("before", before), ("after", after)]
    each_px = WAVE_PX + HEADING_PX
    entries: list[Entry] = [("dash", "bad", f"ceiling {number(ceiling_dbtp)} dBTP")]
    if any(_reach(wave) > 10 ** (ceiling_dbtp / 20) for _, wave in sides):
        entries.append(("line", "bad", "over the ceiling"))
    if any(wave.clipped for _, wave in sides):
        entries.append(("clip", "bad", "clipped in a file"))
    first = legend_px(entries, width_px)
    end = first + each_px * len(sides)
    shown = 1.04 * min(max(1.0, *(_reach(wave) for _, wave in sides)), MOST_SHOWN)

    def paint(sheet: Sheet) -> None:
        draw_legend(sheet, entries, 0, 0)
        time = Scale(0, max(before.duration_s, 1e-3), TIME_LEFT_PX, width_px - TIME_RIGHT_PX)
        draw_time_axis(sheet, time, end, end + 4)
        for index, (side, wave) in enumerate(sides):
            top = first + index * each_px + HEADING_PX
            _draw_wave(sheet, side, wave, time, Scale(-shown, shown, top + WAVE_PX, top), ceiling_dbtp)

    told = "; ".join(f"{side}: {_wave_told(wave)}" for side, wave in sides)
    description = f"{told}. The ceiling is {number(ceiling_dbtp)} dBTP."
    return Picture("waveforms", _headline(before, after, ceiling_dbtp), description, width_px, end + 24, paint)


def _headline(before: Wave, after: Wave | None, ceiling_dbtp: float) -> str:
    if before.true_peak_dbtp is None:
        return "The mix is silent"
    over_db = before.true_peak_dbtp - ceiling_dbtp
    side = f"{number(abs(over_db))} dB {'over' if over_db > 0 else 'under'} the ceiling"
    said = f"The mix peaks at {signed(before.true_peak_dbtp)} dBTP, {side}"
    peak_dbtp = None if after is None else after.true_peak_dbtp
    return said if peak_dbtp is None else f"{said}, and at {signed(peak_dbtp)} dBTP after the moves"


def _draw_wave(sheet: Sheet, side: str, wave: Wave, time: Scale, level: Scale, ceiling_dbtp: float) -> None:
    sheet.text(0, level.to_px - 20, side, bold=True, mark="side")
    sheet.text(text_px(side) + 12, level.to_px - 20, _wave_told(wave), "soft", size=SMALL_PX, mark="wave-facts")
    for value, words in ((1, "0"), (0.5, "−6"), (0, "dBFS"), (-0.5, "−6"), (-1, "0")):
        y = level.at(value)
        sheet.line([time.from_px, time.to_px], [y, y], "line")
        sheet.text(time.from_px - 6, y, words, "soft", "right", SMALL_PX if words != "dBFS" else 10)
    ink: Ink = "mark" if side == "after" else "slot"
    starts = _starts(len(wave.lowest), int(time.to_px - time.from_px))
    lowest, highest = np.minimum.reduceat(wave.lowest, starts), np.maximum.reduceat(wave.highest, starts)
    x = time((starts + np.append(starts[1:], len(wave.lowest))) / 2 * wave.duration_s / len(wave.lowest))
    # To the ends of the song, and never thinner than a hair.
    under, over = (np.pad(values, 1, mode="edge") for values in (level(lowest) + 0.4, level(highest) - 0.4))
    sheet.area([time.at(0), *x, time.at(wave.duration_s)], under, over, ink, mark="wave")
    ceiling = 10 ** (ceiling_dbtp / 20)
    _draw_over(sheet, x[highest > ceiling], level(highest[highest > ceiling]), level.at(ceiling))
    _draw_over(sheet, x[-lowest > ceiling], level(lowest[-lowest > ceiling]), level.at(-ceiling))
    for sign in (-1, 1):
        y = level.at(sign * ceiling)
        sheet.line([time.from_px, time.to_px], [y, y], "bad", 1, "ceiling", dashes=(3, 3))
    for start_s, end_s in wave.clipped:
        left, right = time([start_s, end_s]).tolist()
        sheet.bar((left, max(right, left + 2)), (level.to_px, level.from_px), "bad", 0.35, mark="clipped")
        sheet.dot((left + right) / 2, level.to_px - 3, "bad", "clip-sign", "v")


def _wave_told(wave: Wave) -> str:
    if wave.true_peak_dbtp is None:
        return "silent"
    clips = len(wave.clipped)
    clipping = f", files clipped at {clips} place{'s' * (clips != 1)}" if clips else ""
    return f"true peak {signed(wave.true_peak_dbtp)} dBTP{clipping}"


def _draw_over(sheet: Sheet, x: Floats, y: Floats, ceiling_y: float) -> None:
    """One upright stroke per slice that is over the ceiling."""
    if len(x):
        ups = np.column_stack([np.full(len(x), ceiling_y), y, np.full(len(x), np.nan)])
        sheet.line(np.repeat(x, 3), ups.ravel(), "bad", 1.4, "over")


def _reach(wave: Wave) -> float:
    return float(max(-wave.lowest.min(), wave.highest.max()))
