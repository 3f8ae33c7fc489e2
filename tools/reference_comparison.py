"""The mix against its reference mix, both equally loud: what differs, and how plainly that is heard.

Every difference is divided by a step: about the least change that is heard of its kind. The steps, which of them were
published and which are our own cautious choice, are in `docs/section-levels.md`.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.dynamics import Dynamics
from mixingbuddy.tools.findings import Finding, Severity
from mixingbuddy.tools.loudness_meter import Loudness
from mixingbuddy.tools.spectral_comparison import SpectralDifference, spectral_difference
from mixingbuddy.tools.spectrum import BandName, SpectralBalance, spoken_band, spoken_hz
from mixingbuddy.tools.stereo import LIMIT_DB, StereoImage

Aspect = Literal["level", "dynamics", "spectrum", "width"]

LEVEL_STEP_LU = 1.0
RANGE_STEP_LU = 3.0
CREST_STEP_DB = 3.0
PLR_STEP_LU = 6.0  # one single peak decides it
BAND_STEP_DB = 1.5
TILT_STEP_DB_PER_OCTAVE = 0.5
BALANCE_STEP_DB = 1.5
SIDE_STEP_DB = 3.0
# Beyond, the sides are heard as equal (or as inverted): a correlation of 0.98 is just told from 1.
SIDE_LIMIT_DB = 20.0
FAINTEST_BAND_DB = -30.0  # re the whole; the width of a fainter band is not heard
AUDIBLE = 1.0
PLAIN = 2.0
MASTERED = "usual where the reference is mastered and the mix is not"

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class WholeMix:
    """What was measured of one mix."""

    loudness: Loudness
    spectrum: SpectralBalance
    stereo: StereoImage
    dynamics: Dynamics


class Difference(BaseModel):
    """One property of the mix against that of the reference."""

    model_config = _RESULT

    aspect: Aspect
    name: str = Field(description="snake_case name of the property, stable between releases")
    value: float = Field(description="of the mix, in `unit`; of a band: re the whole reference, equally loud")
    reference: float = Field(description="of the reference, in `unit`")
    difference: float = Field(description="value minus reference (between LUFS: LU)")
    unit: str
    audibility: float = Field(ge=0, description="difference in steps: 1 is just heard, 2 plainly")
    text: str = Field(description="the difference as one sentence")


class ReferenceComparison(BaseModel):
    """All differences that can be heard, most audible first."""

    model_config = _RESULT

    offset_db: float | None = Field(description="what makes the mix as loud as the reference, dB")
    differences: tuple[Difference, ...] = Field(description="of at least one step, most audible first")
    alike: tuple[Difference, ...] = Field(description="measured too, but of less than one step")
    unmeasured: str | None = Field(default=None, description="what could not be compared, and why")

    def of(self, aspect: Aspect) -> tuple[Difference, ...]:
        """The audible differences of one aspect, most audible first."""
        return tuple(difference for difference in self.differences if difference.aspect == aspect)


def compare_with_reference(mix: WholeMix, reference: WholeMix) -> ReferenceComparison:
    """Level, dynamics, spectrum and width of a mix against a reference mix, as if both were equally loud.

    No step hangs on which of the two is the reference, so swapping them only turns the signs.
    """
    loudness = (mix.loudness.loudness_lufs, reference.loudness.loudness_lufs)
    offset_db = None if loudness[0] is None or loudness[1] is None else loudness[1] - loudness[0]
    spectrum = spectral_difference(mix.spectrum, reference.spectrum, offset_db)
    everything = [
        *_level(mix.loudness, reference.loudness),
        *_dynamics(mix, reference),
        *_spectrum(mix.spectrum, reference.spectrum, spectrum),
        *_width(mix, reference),
    ]
    everything.sort(key=lambda difference: -difference.audibility)
    return ReferenceComparison(
        offset_db=spectrum.offset_db if offset_db is None else offset_db,
        differences=tuple(difference for difference in everything if difference.audibility >= AUDIBLE),
        alike=tuple(difference for difference in everything if difference.audibility < AUDIBLE),
        unmeasured=_unmeasured(mix, reference),
    )


def reference_findings(comparison: ReferenceComparison) -> tuple[Finding, ...]:
    """What is worth saying beside `spectrum_findings`, at most one for level, dynamics, width and balance each.

    Another loudness, or more dynamics than a mastered reference has, is no fault.
    """
    width = [difference for difference in comparison.of("width") if difference.name.startswith("side_mid")]
    balance = [difference for difference in comparison.of("width") if difference.name == "balance"]
    found = [
        *[_finding("reference_loudness", one, "info", LEVEL_STEP_LU) for one in comparison.of("level")[:1]],
        *[_dynamics_finding(one) for one in comparison.of("dynamics")[:1]],
        *[_finding("reference_width", one, _severity(one), SIDE_STEP_DB) for one in width[:1]],
        *[_finding("reference_balance", one, _severity(one), BALANCE_STEP_DB) for one in balance[:1]],
    ]
    return tuple(found)


def _level(mix: Loudness, reference: Loudness) -> Iterator[Difference]:
    def text(value: float, other: float) -> str:
        louder, sides = ("mix", "reference"), (value, other)
        if other > value:
            louder, sides = ("reference", "mix"), (other, value)
        return (
            f"The {louder[0]} is {abs(value - other):.1f} LU louder than the {louder[1]} ({sides[0]:.1f} against "
            f"{sides[1]:.1f} LUFS); everything else is compared equally loud."
        )

    yield from _difference("level", "loudness", mix.loudness_lufs, reference.loudness_lufs, "LUFS", LEVEL_STEP_LU, text)


def _dynamics(mix: WholeMix, reference: WholeMix) -> Iterator[Difference]:
    mine, theirs = (mix.dynamics, mix.loudness), (reference.dynamics, reference.loudness)
    rows: list[tuple[str, str, float | None, float | None, str, float]] = [
        ("loudness_range", "loudness range (LRA)", mine[1].loudness_range_lu, theirs[1].loudness_range_lu, "LU",
         RANGE_STEP_LU),
        ("level_range", "range of level from moment to moment", mine[0].level_range_db, theirs[0].level_range_db, "dB",
         RANGE_STEP_LU),
        ("crest", "crest factor in 400 ms", mine[0].block_crest_db, theirs[0].block_crest_db, "dB", CREST_STEP_DB),
        ("plr", "peak to loudness ratio (PLR)", mine[1].plr_lu, theirs[1].plr_lu, "LU", PLR_STEP_LU),
        ("psr", "lowest peak to short-term loudness ratio (PSR)", mine[1].psr_lu, theirs[1].psr_lu, "LU",
         CREST_STEP_DB),
    ]  # fmt: skip
    for name, spoken, value, other, unit, step in rows:
        yield from _difference("dynamics", name, value, other, unit, step, _plainly(spoken, unit))


def _spectrum(mix: SpectralBalance, reference: SpectralBalance, found: SpectralDifference) -> Iterator[Difference]:
    for band, theirs in zip(found.bands, reference.bands, strict=False):
        if band.difference_db is None or theirs.level_db is None or not band.audible:
            continue
        at = "" if band.strongest_hz is None else f", most at {spoken_hz(band.strongest_hz)}"
        text = _more_or_less(spoken_band(band.name), at)
        value = theirs.level_db + band.difference_db
        yield from _difference("spectrum", band.name, value, theirs.level_db, "dB", BAND_STEP_DB, text)

    def tilted(value: float, other: float) -> str:
        side = "brighter" if value > other else "darker"
        return f"The mix is {side}: it tilts {value:+.1f} dB per octave, the reference {other:+.1f}."

    tilts = (mix.tilt_db_per_octave, reference.tilt_db_per_octave)
    yield from _difference("spectrum", "tilt", *tilts, "dB/octave", TILT_STEP_DB_PER_OCTAVE, tilted)


def _width(mix: WholeMix, reference: WholeMix) -> Iterator[Difference]:
    if mix.spectrum.level_db is None or reference.spectrum.level_db is None:
        return
    mine, theirs = mix.stereo, reference.stereo
    sides = (_side_mid_db(mine), _side_mid_db(theirs))
    yield from _difference("width", "side_mid", *sides, "dB", SIDE_STEP_DB, _wider(""), _heard_side_db)
    their_bands = _sides_by_band(reference)
    for name, value in _sides_by_band(mix).items():
        text = _wider(f" in {spoken_band(name)}")
        other = their_bands.get(name)
        yield from _difference("width", f"side_mid_{name}", value, other, "dB", SIDE_STEP_DB, text, _heard_side_db)
    correlations = (_correlation(mine), _correlation(theirs))
    text = _plainly("correlation of left and right", "", digits=2)
    step = _correlation_step(*correlations)
    yield from _difference("width", "correlation", *correlations, "correlation", step, text, _signed_square)

    def leaning(value: float, other: float) -> str:
        return (
            f"The mix leans {abs(value - other):.1f} dB further {'right' if value > other else 'left'} than the "
            f"reference (right against left: {value:+.1f} dB, reference {other:+.1f} dB)."
        )

    yield from _difference("width", "balance", _balance_db(mine), _balance_db(theirs), "dB", BALANCE_STEP_DB, leaning)


def _difference(
    aspect: Aspect,
    name: str,
    value: float | None,
    reference: float | None,
    unit: str,
    step: float,
    text: Callable[[float, float], str],
    heard: Callable[[float], float] = float,
) -> Iterator[Difference]:
    """The difference, where both sides have a value. `heard` maps a value to the scale that `step` belongs to."""
    if value is not None and reference is not None:
        yield Difference(
            aspect=aspect,
            name=name,
            value=value,
            reference=reference,
            difference=value - reference,
            unit=unit,
            audibility=abs(heard(value) - heard(reference)) / step,
            text=text(value, reference),
        )


def _plainly(spoken: str, unit: str, digits: int = 1) -> Callable[[float, float], str]:
    space = f" {unit}" if unit else ""

    def text(value: float, other: float) -> str:
        return (
            f"{spoken[:1].upper()}{spoken[1:]}: {value:.{digits}f}{space}, reference {other:.{digits}f}{space} "
            f"({abs(value - other):.{digits}f}{space} {'more' if value > other else 'less'})."
        )

    return text


def _more_or_less(what: str, at: str) -> Callable[[float, float], str]:
    def text(value: float, other: float) -> str:
        more = "more" if value > other else "less"
        return f"Equally loud, the mix has {abs(value - other):.1f} dB {more} {what} than the reference{at}."

    return text


def _wider(where: str) -> Callable[[float, float], str]:
    def text(value: float, other: float) -> str:
        side = "wider" if value > other else "narrower"
        return f"The mix is {side}{where}: side {_signed(value)} dB re mid, the reference {_signed(other)} dB."

    return text


def _signed(level_db: float) -> str:
    """'-60 or less' where the arithmetic ends."""
    return f"{level_db:.0f} or less" if level_db <= -LIMIT_DB else f"{level_db:+.1f}"


def _side_mid_db(image: StereoImage) -> float | None:
    """Side over mid; one channel has no side."""
    return -LIMIT_DB if image.channels == 1 else image.side_mid_db


def _correlation(image: StereoImage) -> float | None:
    return 1.0 if image.channels == 1 else image.correlation


def _balance_db(image: StereoImage) -> float | None:
    return 0.0 if image.channels == 1 else image.balance_db


def _sides_by_band(mix: WholeMix) -> dict[BandName, float]:
    """Side over mid in the bands that are heard, from what they lose in mono: (mid + side) / mid."""
    if mix.stereo.channels == 1:
        levels = {band.name: band.level_db for band in mix.spectrum.bands if band.level_db is not None}
        return {name: -LIMIT_DB for name, level_db in levels.items() if level_db >= FAINTEST_BAND_DB}
    return {
        band.name: _side_of_loss_db(band.mono_loss_db)
        for band in mix.stereo.bands
        if band.level_db >= FAINTEST_BAND_DB
    }  # fmt: skip


def _side_of_loss_db(mono_loss_db: float) -> float:
    ratio = 10 ** (mono_loss_db / 10) - 1
    return max(-LIMIT_DB, 10 * math.log10(ratio)) if ratio > 0 else -LIMIT_DB


def _heard_side_db(side_mid_db: float) -> float:
    return min(SIDE_LIMIT_DB, max(-SIDE_LIMIT_DB, side_mid_db))


def _signed_square(correlation: float) -> float:
    return correlation * abs(correlation)


def _correlation_step(mine: float | None, theirs: float | None) -> float:
    """Least change of the squared correlation that is heard: 0.4 from 0, 0.04 from 1, in between by a straight line.

    Pollack and Trittipoe (1959), Binaural listening and interaural noise cross correlation, JASA 31, 1250, for noise
    over headphones.
    """
    squared = ((mine or 0.0) ** 2 + (theirs or 0.0) ** 2) / 2
    return 0.4 - 0.36 * squared


def _unmeasured(mix: WholeMix, reference: WholeMix) -> str | None:
    reasons: list[str] = []
    for whose, side in (("mix", mix), ("reference", reference)):
        parts = (side.loudness.unmeasured, side.spectrum.unmeasured, side.dynamics.unmeasured)
        stereo = side.stereo.unmeasured if side.stereo.channels > 1 else None
        reasons += [f"{whose}: {reason}" for reason in dict.fromkeys((*parts, stereo)) if reason]
    return "; ".join(reasons) or None


def _dynamics_finding(difference: Difference) -> Finding:
    """Less dynamics than the reference can be a fault; more is what a master takes away."""
    step = abs(difference.difference) / difference.audibility
    if difference.difference > 0:
        text = f"{difference.text.removesuffix('.')}; {MASTERED}."
        return _finding("reference_dynamics", difference.model_copy(update={"text": text}), "info", step)
    return _finding("reference_dynamics", difference, _severity(difference), step)


def _severity(difference: Difference) -> Severity:
    return "minor" if difference.audibility >= PLAIN else "info"


def _finding(kind: str, difference: Difference, severity: Severity, step: float) -> Finding:
    other = difference.reference
    return Finding(
        kind=kind,
        value=round(difference.value, 2),
        unit=difference.unit,
        expected=(round(other - step, 2), round(other + step, 2)),
        severity=severity,
        source="the mix against the reference, loudness-matched",
        text=difference.text,
    )
