"""The spectrum of a mix against its reference and against professional mixes, and what of it is worth saying.

How the thresholds were set, and how often professional mixes reach them, is in `docs/spectrum-and-stereo.md`.
"""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.band_spectra import Spectrum, measure_band_spectra
from mixingbuddy.tools.findings import Finding, Severity
from mixingbuddy.tools.spectral_curves import SpectralCurves, Spread, load_curves
from mixingbuddy.tools.spectrum import BandName, NamedBand, SpectralBalance, measure_spectrum, spoken_band, spoken_hz

# How far outside the 10th to 90th percentile of professional mixes a value must lie to be worth saying.
BAND_MARGIN_DB = 2.0
TILT_MARGIN_DB_PER_OCTAVE = 0.5
MARGIN_SHARE = 0.3  # of the distance between those percentiles, where that is more
# Between two mixes, equally loud; a band of some octaves changed by 3 dB is plainly heard.
AUDIBLE_BAND_DB = 3.0
MAJOR_BAND_DB = 6.0
COUNTED_RANGE_DB = 40.0  # third octaves further down do not count for the distance
FAINTEST_BAND_DB = -30.0  # re the total; below, a band's difference is not heard for the others

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class BandDifference(BaseModel):
    """How much more one of the five bands holds than in the reference, and at which third octave most."""

    model_config = _RESULT

    name: BandName
    difference_db: float | None = Field(description="this minus reference at equal loudness, dB; null if one lacks it")
    audible: bool = Field(description="whether the band is within 30 dB of the whole in one of the two")
    strongest_hz: float | None = Field(description="centre of the third octave in the band that differs most, Hz")
    strongest_db: float | None = Field(description="its difference, dB")


class SpectralDifference(BaseModel):
    """Spectrum against a reference, both equally loud."""

    model_config = _RESULT

    offset_db: float | None = Field(description="what was added to this signal to make it as loud as the reference, dB")
    third_octaves_hz: tuple[float, ...] = Field(description="centres that both have, Hz")
    third_octaves_db: tuple[float, ...] | None = Field(description="this minus reference at equal loudness, dB")
    tilt_db_per_octave: float | None = Field(description="tilt of this minus tilt of the reference")
    bands: tuple[BandDifference, ...]
    unmeasured: str | None = None


def spectral_difference(
    this: SpectralBalance, reference: SpectralBalance, offset_db: float | None = None
) -> SpectralDifference:
    """`this` minus `reference` at equal loudness.

    `offset_db` is the gated loudness of the reference minus that of this, if known; otherwise ungated K-weighted power
    is matched.
    """
    centres = min(this.third_octaves_hz, reference.third_octaves_hz, key=len)
    mine, theirs = this.third_octaves_db, reference.third_octaves_db
    levels = (this.level_db, reference.level_db, this.k_weighted_db, reference.k_weighted_db)
    if mine is None or theirs is None or None in levels:
        reason = this.unmeasured or f"reference: {reference.unmeasured}"
        return SpectralDifference(
            offset_db=None, third_octaves_hz=centres, third_octaves_db=None, tilt_db_per_octave=None, bands=(),
            unmeasured=reason,
        )  # fmt: skip
    level, reference_level, weighted, reference_weighted = (value or 0.0 for value in levels)
    offset = reference_weighted - weighted if offset_db is None else offset_db
    shift = offset + level - reference_level
    differences = np.array(mine[: len(centres)]) - np.array(theirs[: len(centres)]) + shift
    tilts = (this.tilt_db_per_octave, reference.tilt_db_per_octave)
    return SpectralDifference(
        offset_db=offset,
        third_octaves_hz=centres,
        third_octaves_db=tuple(differences.tolist()),
        tilt_db_per_octave=None if tilts[0] is None or tilts[1] is None else tilts[0] - tilts[1],
        bands=tuple(
            _band_difference(mine_band, their_band, shift, np.array(centres), differences)
            for mine_band, their_band in zip(this.bands, reference.bands, strict=True)
        ),
    )


def spectral_distance_db(audio: Audio, reference: Audio, sample_rate_hz: int) -> float | None:
    """Mean difference of the long-term third-octave spectra at equal loudness, dB; None where it cannot be measured.

    Both are float32 (channels, samples). Third octaves more than 40 dB under the reference's strongest are left out.
    """
    mix, other = (measure_spectrum(measure_band_spectra(signal, sample_rate_hz)) for signal in (audio, reference))
    difference = spectral_difference(mix, other)
    if difference.third_octaves_db is None or other.third_octaves_db is None:
        return None
    levels = np.array(other.third_octaves_db[: len(difference.third_octaves_db)])
    counted = np.array(difference.third_octaves_db)[levels > levels.max() - COUNTED_RANGE_DB]
    return float(np.abs(counted).mean())


def spectrum_findings(
    mix: SpectralBalance, difference: SpectralDifference | None = None, curves: SpectralCurves | None = None
) -> tuple[Finding, ...]:
    """What is worth saying about a mix: against professional mixes, and against the reference if there is one."""
    curves = curves or load_curves()
    expected = curves.groups["mix"]
    found = [_against_mixes(band, expected.bands_db[band.name], curves.source) for band in mix.bands]
    found.insert(0, _tilt_finding(mix, expected.tilt_db_per_octave, curves.source))
    found += [_against_reference(band) for band in (difference.bands if difference else ())]
    return tuple(finding for finding in found if finding is not None)


def _tilt_finding(mix: SpectralBalance, expected: Spread, source: str) -> Finding | None:
    tilt = mix.tilt_db_per_octave
    severity = _severity(tilt, expected, TILT_MARGIN_DB_PER_OCTAVE)
    if tilt is None or severity is None:
        return None
    side = "brighter" if tilt > expected.p90 else "darker"
    text = (
        f"The mix is {side} than most: its spectrum tilts {tilt:+.1f} dB per octave, "
        f"8 in 10 professional mixes {expected.p10:+.1f} to {expected.p90:+.1f}."
    )
    return _finding("spectral_tilt", tilt, "dB/octave", expected, severity, source, text)


def _against_mixes(band: NamedBand, expected: Spread, source: str) -> Finding | None:
    severity = _severity(band.level_db, expected, BAND_MARGIN_DB)
    if band.level_db is None or severity is None:
        return None
    side = "more" if band.level_db > expected.p90 else "less"
    text = (
        f"The mix has {side} {spoken_band(band.name)} than most: {band.level_db:.1f} dB re the whole, "
        f"8 in 10 professional mixes {expected.p10:.1f} to {expected.p90:.1f}."
    )
    return _finding(f"spectral_band_{band.name}", band.level_db, "dB", expected, severity, source, text)


def _finding(
    kind: str, value: float, unit: str, expected: Spread, severity: Severity, source: str, text: str
) -> Finding:
    return Finding(
        kind=kind,
        value=round(value, 2),
        unit=unit,
        expected=(expected.p10, expected.p90),
        severity=severity,
        source=f"{source}, 10th to 90th percentile",
        text=text,
    )


def _severity(value: float | None, expected: Spread, margin: float) -> Severity | None:
    """None within the margin round the 10th to 90th percentile; major as far outside the 1st to 99th."""
    margin = max(margin, MARGIN_SHARE * (expected.p90 - expected.p10))
    if value is None or expected.p10 - margin <= value <= expected.p90 + margin:
        return None
    return "minor" if expected.p1 - margin <= value <= expected.p99 + margin else "major"


def _against_reference(band: BandDifference) -> Finding | None:
    difference = band.difference_db
    if difference is None or not band.audible or abs(difference) < AUDIBLE_BAND_DB:
        return None
    at = f", most at {spoken_hz(band.strongest_hz)}" if band.strongest_hz is not None else ""
    return Finding(
        kind=f"reference_band_{band.name}",
        value=round(difference, 2),
        unit="dB",
        expected=(-AUDIBLE_BAND_DB, AUDIBLE_BAND_DB),
        severity="major" if abs(difference) >= MAJOR_BAND_DB else "minor",
        source="long-term spectrum against the reference, loudness-matched",
        text=f"Against the reference, equally loud, the mix has {abs(difference):.1f} dB "
        f"{'more' if difference > 0 else 'less'} {spoken_band(band.name)}{at}.",
    )


def _band_difference(
    mine: NamedBand, theirs: NamedBand, shift: float, centres: Spectrum, differences: Spectrum
) -> BandDifference:
    if mine.level_db is None or theirs.level_db is None:
        return BandDifference(
            name=mine.name, difference_db=None, audible=False, strongest_hz=None, strongest_db=None
        )  # fmt: skip
    inside = np.flatnonzero((centres >= mine.low_hz) & (centres < mine.high_hz))
    strongest = int(inside[np.abs(differences[inside]).argmax()])
    return BandDifference(
        name=mine.name,
        difference_db=mine.level_db - theirs.level_db + shift,
        audible=max(mine.level_db, theirs.level_db) >= FAINTEST_BAND_DB,
        strongest_hz=float(centres[strongest]),
        strongest_db=float(differences[strongest]),
    )
