"""Stereo: correlation, width, balance, and what is lost when left and right are added to mono, whole and by band.

All of it follows from the long-term power of both sides and their mean product (`band_spectra`), between 20 Hz and
20 kHz. How the thresholds were set, and how often professional mixes reach them, is in `docs/spectrum-and-stereo.md`.
"""

import math

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.band_spectra import BandSpectra
from mixingbuddy.tools.findings import Finding, Severity
from mixingbuddy.tools.spectrum import BAND_EDGES_HZ, BAND_NAMES, BandName, spoken_hz, why_unmeasured

LIMIT_DB = 60.0  # beyond, ratios are noise of the arithmetic: they are given as this
MONO = "mono: one channel"
INVERTED_CORRELATION = -0.8
OUT_OF_PHASE_CORRELATION = -0.2
MONO_LOSS_DB = 5.0
MAJOR_MONO_LOSS_DB = 9.0
FAINTEST_BAND_DB = -20.0  # re the whole; what a fainter band loses in mono is not heard
IMBALANCE_DB = 3.0
MAJOR_IMBALANCE_DB = 6.0

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StereoBand(BaseModel):
    """Stereo of one of the five named bands."""

    model_config = _RESULT

    name: BandName
    level_db: float = Field(ge=-LIMIT_DB, description="level re the whole, dB")
    correlation: float | None = Field(ge=-1, le=1, description="null where one side is silent")
    mono_loss_db: float = Field(ge=0, le=LIMIT_DB, description="level lost in mono, dB")


class StereoImage(BaseModel):
    """Stereo of one signal, long-term."""

    model_config = _RESULT

    channels: int
    correlation: float | None = Field(
        ge=-1,
        le=1,
        description="mean product of the sides over the root of their powers; null if one is silent",
    )
    width: float | None = Field(ge=0, le=1, description="side / (mid + side) power: 0 mono, 0.5 unrelated, 1 inverted")
    side_mid_db: float | None = Field(ge=-LIMIT_DB, le=LIMIT_DB, description="side / mid power, dB")
    balance_db: float | None = Field(ge=-LIMIT_DB, le=LIMIT_DB, description="right / left power, dB; positive: right")
    mono_loss_db: float | None = Field(
        ge=0,
        le=LIMIT_DB,
        description="mean power of the sides over that of (left + right) / 2, dB; unrelated: 3",
    )
    bands: tuple[StereoBand, ...] = Field(description="bands that hold anything")
    unmeasured: str | None = Field(default=None, description="why values are null")


def measure_stereo(spectra: BandSpectra) -> StereoImage:
    """Correlation, width, balance and mono-compatibility of one signal."""
    edges = np.array(BAND_EDGES_HZ)
    total = float(spectra.power_between(edges[[0, -1]]).mean())
    reason = MONO if spectra.cross is None else why_unmeasured(spectra, total)
    if reason is not None:
        return StereoImage(
            channels=len(spectra.power), correlation=None, width=None, side_mid_db=None, balance_db=None,
            mono_loss_db=None, bands=(), unmeasured=reason,
        )  # fmt: skip
    powers, crosses = spectra.power_between(edges), spectra.cross_between(edges)
    (left, right), cross = powers.sum(axis=1).tolist(), float(crosses.sum())
    mid, side = _mid_side(left, right, cross)
    correlation = _correlation(left, right, cross)
    return StereoImage(
        channels=2,
        correlation=correlation,
        width=side / (mid + side),
        side_mid_db=_ratio_db(side, mid),
        balance_db=_ratio_db(right, left),
        mono_loss_db=max(0.0, _ratio_db(mid + side, mid)),
        bands=tuple(
            _band(name, left_band, right_band, cross_band, total)
            for name, left_band, right_band, cross_band in zip(
                BAND_NAMES, *powers.tolist(), crosses.tolist(), strict=True
            )
            if left_band + right_band > 2 * total * 10 ** (-LIMIT_DB / 10)
        ),
        unmeasured=None if correlation is not None else f"the {'right' if left > right else 'left'} side is silent",
    )


def stereo_findings(image: StereoImage, stem: str | None = None) -> tuple[Finding, ...]:
    """What is worth saying about the stereo of the mix, or of one stem (whose place in the panorama is free)."""
    phase = _phase_finding(image, stem)
    losses = () if phase else [_loss_finding(band, stem) for band in image.bands]
    found = (phase, *losses, _balance_finding(image, stem))
    return tuple(finding for finding in found if finding is not None)


def _band(name: BandName, left: float, right: float, cross: float, total: float) -> StereoBand:
    mid, side = _mid_side(left, right, cross)
    return StereoBand(
        name=name,
        level_db=_ratio_db((left + right) / 2, total),
        correlation=_correlation(left, right, cross),
        mono_loss_db=max(0.0, _ratio_db(mid + side, mid)),
    )


def _mid_side(left: float, right: float, cross: float) -> tuple[float, float]:
    """Power of (left + right) / 2 and (left - right) / 2."""
    return max(0.0, (left + right + 2 * cross) / 4), max(0.0, (left + right - 2 * cross) / 4)


def _correlation(left: float, right: float, cross: float) -> float | None:
    if min(left, right) <= max(left, right) * 10 ** (-LIMIT_DB / 10):
        return None
    return min(1.0, max(-1.0, cross / math.sqrt(left * right)))


def _ratio_db(power: float, other: float) -> float:
    """Power ratio within the limits of the arithmetic; 0 for nothing over nothing."""
    if power <= 0 or other <= 0:
        return 0.0 if power == other else math.copysign(LIMIT_DB, power - other)
    return min(LIMIT_DB, max(-LIMIT_DB, 10 * math.log10(power / other)))


def _phase_finding(image: StereoImage, stem: str | None) -> Finding | None:
    correlation = image.correlation
    if correlation is None or correlation > OUT_OF_PHASE_CORRELATION:
        return None
    inverted = correlation <= INVERTED_CORRELATION
    loss = f"{'at least ' if image.mono_loss_db == LIMIT_DB else ''}{image.mono_loss_db:.1f} dB"
    what = "are inverted against each other" if inverted else "are more out of phase than in phase"
    return Finding(
        kind="stereo_inverted" if inverted else "stereo_out_of_phase",
        stems=_stems(stem),
        value=round(correlation, 3),
        unit="correlation",
        expected=(OUT_OF_PHASE_CORRELATION, 1.0),
        severity="major" if inverted else "minor",
        source="correlation of left and right",
        text=f"The sides of {_subject(stem)} {what} (correlation {correlation:+.2f}): in mono it loses {loss}.",
    )


def _loss_finding(band: StereoBand, stem: str | None) -> Finding | None:
    if band.mono_loss_db < MONO_LOSS_DB or band.level_db < FAINTEST_BAND_DB:
        return None
    severity: Severity = "major" if band.mono_loss_db >= MAJOR_MONO_LOSS_DB else "minor"
    index = BAND_NAMES.index(band.name)
    low, high = spoken_hz(BAND_EDGES_HZ[index]), spoken_hz(BAND_EDGES_HZ[index + 1])
    return Finding(
        kind=f"mono_loss_{band.name}",
        stems=_stems(stem),
        value=round(band.mono_loss_db, 2),
        unit="dB",
        expected=(0.0, MONO_LOSS_DB),
        severity=severity,
        source="power of left and right against that of their sum",
        text=f"In mono {_subject(stem)} loses {band.mono_loss_db:.1f} dB between {low} and {high} "
        "(unrelated sides lose 3 dB).",
    )


def _balance_finding(image: StereoImage, stem: str | None) -> Finding | None:
    balance = image.balance_db
    if balance is None or (stem is not None and image.correlation is not None) or abs(balance) < IMBALANCE_DB:
        return None
    side = "right" if balance > 0 else "left"
    severity: Severity = "info" if stem else "major" if abs(balance) >= MAJOR_IMBALANCE_DB else "minor"
    text = f"{_subject(stem).capitalize()} leans {side}: {abs(balance):.1f} dB louder than the other side."
    if image.correlation is None:
        text = f"{'The mix' if stem is None else _subject(stem)} sounds on the {side} only; the other side is silent."
    return Finding(
        kind="one_sided" if image.correlation is None else "stereo_imbalance",
        stems=_stems(stem),
        value=round(balance, 2),
        unit="dB",
        expected=(-IMBALANCE_DB, IMBALANCE_DB),
        severity=severity,
        source="power of right against left",
        text=text,
    )


def _stems(stem: str | None) -> tuple[str, ...]:
    return () if stem is None else (stem,)


def _subject(stem: str | None) -> str:
    return "the mix" if stem is None else f"'{stem}'"
