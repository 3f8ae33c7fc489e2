"""Spectrum: how the mix is balanced from low to high, against its reference or professional mixes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.plot_style import (
    NARROW_BELOW_PX,
    USUAL,
    USUAL_ALPHA,
    WIDE_PX,
    Entry,
    Picture,
    Scale,
    Sheet,
    draw_legend,
    legend_px,
    steps,
)
from mixingbuddy.tools.plot_words import SMALL_PX, number, signed
from mixingbuddy.tools.spectral_curves import load_curves
from mixingbuddy.tools.spectrum import BAND_EDGES_HZ, BAND_NAMES, spoken_hz

SPECTRUM_PX, DIFFERENCE_PX, GAP_PX = 210.0, 92.0, 34.0
SPECTRUM_RANGE_DB = 45.0
MOST_DIFFERENCE_DB = 18.0
LEAST_TOLD_DB, LEAST_AUDIBLE_DB = 0.05, 1.0
COUNTED_RANGE_DB = 30.0  # what lies further under the strongest third octave is not told of
Levels = tuple[float, ...]


@dataclass(frozen=True)
class SpectrumLines:
    """Third-octave levels re the whole mix, dB, all as long as `third_octaves_hz`; `mix_db` is None for silence.

    `reference_db` is already as loud as the mix; `usual_db` holds the lower and upper edge of what is usual, and may
    end before the mix does.
    """

    third_octaves_hz: Levels
    mix_db: Levels | None
    reference_db: Levels | None = None
    usual_db: tuple[Levels, Levels] | None = None


def usual_spectrum() -> tuple[Levels, tuple[Levels, Levels]]:
    """Centres in Hz, and the 10th and 90th percentile of professional mixes (taken as normally distributed), dB."""
    curves = load_curves()
    mix = curves.groups["mix"]
    reach = NormalDist().inv_cdf(0.9) * np.array(mix.sd_db)
    low, high = (tuple((np.array(mix.mean_db) + sign * reach).tolist()) for sign in (-1, 1))
    return curves.third_octaves_hz, (low, high)


def draw_spectrum(lines: SpectrumLines, width_px: int = WIDE_PX) -> Picture:
    """Third octaves of the mix against the reference, or else against what is usual; below it the difference."""
    compared = lines.reference_db is not None or lines.usual_db is not None
    against = "reference, equally loud" if lines.reference_db is not None else USUAL
    entries: list[Entry] = [("line", "mark", "mix")]
    if lines.reference_db is not None:
        entries.append(("dash", "ink", against))
    if lines.usual_db is not None:
        entries.append(("band", "slot", USUAL))
    top = legend_px(entries, width_px) + 26
    bottom = top + SPECTRUM_PX
    shows_difference = compared and lines.mix_db is not None
    end = bottom + (DIFFERENCE_PX + GAP_PX if shows_difference else 0)
    difference = _difference_db(lines)

    def paint(sheet: Sheet) -> None:
        draw_legend(sheet, entries, 0, 0)
        pitch = Scale(BAND_EDGES_HZ[0], BAND_EDGES_HZ[-1], 44, width_px - 16, logarithmic=True)
        _draw_bands(sheet, pitch, top, end)
        if lines.mix_db is None:
            sheet.text((44 + width_px) / 2, (top + bottom) / 2, "silent: no spectrum", "soft", "center", mark="note")
            return
        _draw_levels(sheet, lines, pitch, Scale(*_spectrum_ends(lines), bottom, top))
        if difference is not None:
            _draw_difference(sheet, difference, lines, pitch, bottom + GAP_PX)

    return Picture("spectrum", *_spectrum_told(lines, difference, against), width_px, end + 36, paint)


def _draw_bands(sheet: Sheet, pitch: Scale, top: float, bottom: float) -> None:
    narrow = sheet.width_px < NARROW_BELOW_PX
    for index, name in enumerate(BAND_NAMES):
        left, right = pitch(BAND_EDGES_HZ[index : index + 2]).tolist()
        if index % 2 == 0:
            sheet.bar((left, right), (top, bottom), "slot", 0.1, mark="named-band")
        words = name.replace("_", "-")
        sheet.text((left + right) / 2, top - 9, words, "soft", "center", SMALL_PX if not narrow else 10)
    for at_hz in (
        (20, 60, 250, 2000, 6000, 20000) if narrow else (20, 60, 100, 250, 500, 1000, 2000, 6000, 10000, 20000)
    ):
        x = pitch.at(at_hz)
        sheet.line([x, x], [top, bottom], "line")
        words = f"{at_hz // 1000} k" if at_hz >= 1000 else str(at_hz)
        sheet.text(x, bottom + 11, words, "soft", "center", SMALL_PX)
    sheet.text((pitch.from_px + pitch.to_px) / 2, bottom + 27, "frequency, Hz", "soft", "center", SMALL_PX)


def _draw_levels(sheet: Sheet, lines: SpectrumLines, pitch: Scale, level: Scale) -> None:
    x = pitch(lines.third_octaves_hz)
    for tick_db in steps(level.low, level.high, level.from_px - level.to_px, 36, (5, 10, 20)):
        y = level.at(tick_db)
        sheet.line([pitch.from_px, pitch.to_px], [y, y], "line")
        sheet.text(pitch.from_px - 6, y, number(tick_db, 0), "soft", "right", SMALL_PX, mark="level")
    sheet.text(0, level.to_px - 9, "dB", "soft", size=SMALL_PX)
    if lines.usual_db is not None:
        low, high = lines.usual_db
        sheet.area(x[: len(low)], level(low), level(high), "slot", USUAL_ALPHA, mark="usual")
    if lines.reference_db is not None:
        sheet.line(x, level(lines.reference_db), "ink", 1.6, "reference", dashes=(4, 2))
    sheet.line(x, level(lines.mix_db or ()), "mark", 2.4, "mix")


def _draw_difference(
    sheet: Sheet, difference_db: Sequence[float], lines: SpectrumLines, pitch: Scale, top: float
) -> None:
    most = min(max(6.0, 3 * math.ceil(max(map(abs, difference_db)) / 3)), MOST_DIFFERENCE_DB)
    level = Scale(-most, most, top + DIFFERENCE_PX, top)
    for tick_db in (-most, 0, most):
        y = level.at(tick_db)
        sheet.line([pitch.from_px, pitch.to_px], [y, y], "soft" if tick_db == 0 else "line")
        sheet.text(pitch.from_px - 6, y, signed(tick_db, 0), "soft", "right", SMALL_PX)
    half = 0.4 * float(np.median(np.diff(pitch(lines.third_octaves_hz))))
    for at_hz, value in zip(lines.third_octaves_hz, difference_db, strict=False):
        x = pitch.at(at_hz)
        if value:
            sheet.bar(
                (x - half, min(x + half, pitch.to_px)),
                (level.at(0), level.at(value)),
                "warn" if value > 0 else "mark",
                1,
                "difference",
            )
    words = "mix − reference, dB" if lines.reference_db is not None else "outside the usual, dB"
    sheet.text(pitch.from_px + 6, top - 10, words, "soft", size=SMALL_PX)


def _difference_db(lines: SpectrumLines) -> list[float] | None:
    """Mix minus reference; without one, how far it lies above or below what is usual."""
    if lines.mix_db is None:
        return None
    mix = np.array(lines.mix_db)
    if lines.reference_db is not None:
        return list((mix - np.array(lines.reference_db)).tolist())
    if lines.usual_db is not None:
        low, high = map(np.array, lines.usual_db)
        return list((mix[: len(low)] - np.clip(mix[: len(low)], low, high)).tolist())
    return None


def _spectrum_ends(lines: SpectrumLines) -> tuple[float, float]:
    curves = [values for values in (lines.mix_db, lines.reference_db, *(lines.usual_db or ())) if values is not None]
    high = 5.0 * math.ceil((max(max(values) for values in curves) + 1) / 5)
    return max(high - SPECTRUM_RANGE_DB, 5.0 * math.floor(min(min(values) for values in curves) / 5)), high


def _spectrum_told(lines: SpectrumLines, difference: list[float] | None, against: str) -> tuple[str, str]:
    if lines.mix_db is None:
        return "Spectrum of the mix", "The mix is silent; there is no spectrum."
    if difference is None:
        return "Spectrum of the mix", "Third-octave levels re the whole mix, 20 Hz to 20 kHz."
    counted = _counted(lines, len(difference))
    at = int(np.argmax(np.where(counted, np.abs(difference), -1.0)))
    where, said = spoken_hz(lines.third_octaves_hz[at]), f"{number(abs(difference[at]))} dB"
    if lines.reference_db is not None:
        if abs(difference[at]) < LEAST_AUDIBLE_DB:
            return f"The mix has the spectrum of the reference, within {said}", f"Compared with {against}."
        more = "more" if difference[at] > 0 else "less"
        return (
            f"Against the reference, the mix differs most at {where}: {said} {more}",
            f"Compared with {against}, in third octaves from 20 Hz to 20 kHz.",
        )
    if abs(difference[at]) < LEAST_TOLD_DB:
        return f"The spectrum lies inside the range of {against}", "Nowhere outside."
    side = "above" if difference[at] > 0 else "below"
    return f"At {where} the mix is {said} {side} the range of {against}", f"Farthest outside at {where}: {said}."


def _counted(lines: SpectrumLines, count: int) -> NDArray[np.bool_]:
    """Third octaves that both have; one that a codec has cut off is no difference in taste."""
    both = [np.array(levels[:count]) for levels in (lines.mix_db, lines.reference_db) if levels is not None]
    return np.asarray(np.minimum.reduce(both) > max(map(np.max, both)) - COUNTED_RANGE_DB)
