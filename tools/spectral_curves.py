"""The average spectra of professional mixes and stems, and a spectrum's shape against them.

`spectral_curves.json` is written by `benchmarks/spectral_curves.py` and names its sources; what was averaged, and why
there are two averages, is in `docs/spectrum-and-stereo.md`.
"""

from functools import lru_cache
from importlib.resources import files
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.roles import Role, group_of
from mixingbuddy.tools.spectrum import BandName, SpectralBalance

CurveGroup = Literal["mix", "vocals", "drums", "bass", "other"]
_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ShapeDifference(BaseModel):
    """A spectrum's shape against the mean shape of its group in professional mixes."""

    model_config = _RESULT

    group: CurveGroup
    third_octaves_hz: tuple[float, ...] = Field(description="centres up to 12.5 kHz, Hz")
    difference_db: tuple[float, ...] | None = Field(description="level re the whole minus the group's mean, dB")
    deviations: tuple[float, ...] | None = Field(description="the difference in standard deviations between songs")
    source: str
    unmeasured: str | None = None


class Spread(BaseModel):
    """Percentiles over professional songs."""

    model_config = _RESULT

    p1: float
    p10: float
    p50: float
    p90: float
    p99: float


class GroupCurve(BaseModel):
    """Mean shape of a group's spectrum over songs, and how far songs differ."""

    model_config = _RESULT

    songs: int = Field(ge=2)
    mean_db: tuple[float, ...] = Field(description="mean over songs of the third-octave levels re the whole, dB")
    sd_db: tuple[float, ...] = Field(description="standard deviation over songs, dB")
    published_average_db: tuple[float, ...] | None = Field(
        description="shape of the published average magnitude spectrum, dB; loud songs count most, hence above the mean"
    )
    tilt_db_per_octave: Spread
    bands_db: dict[BandName, Spread]


class SpectralCurves(BaseModel):
    """The shapes that ship with the package; `sources` names what they were derived from."""

    model_config = _RESULT

    source: str
    sources: dict[str, str]
    third_octaves_hz: tuple[float, ...]
    groups: dict[CurveGroup, GroupCurve]


@lru_cache(maxsize=1)
def load_curves() -> SpectralCurves:
    """The curves of the package."""
    text = (files("mixingbuddy.tools") / "spectral_curves.json").read_text(encoding="utf-8")
    return SpectralCurves.model_validate_json(text)


def curve_group(role: Role) -> CurveGroup:
    """MUSDB18's group for a role: what is not voice, drums or bass is `other`."""
    group = group_of(role)
    return group if group in ("vocals", "drums", "bass") else "other"


def shape_difference(
    balance: SpectralBalance, group: CurveGroup, curves: SpectralCurves | None = None
) -> ShapeDifference:
    """Third-octave shape against the mean of its group (`curve_group(role)`, or "mix") over professional songs."""
    curves = curves or load_curves()
    curve = curves.groups[group]
    count = min(len(curves.third_octaves_hz), len(balance.third_octaves_hz))
    difference = None
    if balance.third_octaves_db is not None:
        difference = np.array(balance.third_octaves_db[:count]) - np.array(curve.mean_db[:count])
    return ShapeDifference(
        group=group,
        third_octaves_hz=balance.third_octaves_hz[:count],
        difference_db=None if difference is None else tuple(difference.tolist()),
        deviations=None if difference is None else tuple((difference / np.array(curve.sd_db[:count])).tolist()),
        source=curves.source,
        unmeasured=balance.unmeasured,
    )
