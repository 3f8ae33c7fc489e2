"""Verification: promised effects of moves, judged by measuring the rendered result."""

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.levels import CrossEnergies, k_weighted_hops, level_between_lu
from mixingbuddy.tools.loudness import integrated_lufs
from mixingbuddy.tools.moves import gain_of
from mixingbuddy.tools.multitrack import Multitrack
from mixingbuddy.tools.render import CEILING_DBTP, Render, headroom_trim_db

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

Metric = Literal["level_rel_mix_lu", "gain_to_reference_db", "loudness_lufs", "true_peak_dbtp"]
LEVEL_TOLERANCE_LU = 0.2
LOUDNESS_TOLERANCE_LU = 0.2
PEAK_TOLERANCE_DB = 0.05
_CEILINGS = {"true_peak_dbtp"}


class Claim(BaseModel):
    """One promised, checkable effect: `metric` of `stem` (of the mix where null) goes from `before` to `predicted`."""

    model_config = _RESULT

    metric: Metric
    stem: str | None = Field(description="stem, or null for the whole mix")
    unit: str
    before: float
    predicted: float = Field(description="promised value; for true_peak_dbtp a ceiling")
    tolerance: float = Field(ge=0)


class CheckedClaim(Claim):
    """A claim with the value measured on the render."""

    after: float | None
    kept: bool


class Verdict(BaseModel):
    """Every claim with what was measured."""

    model_config = _RESULT

    claims: tuple[CheckedClaim, ...]
    headroom_gain_db: float = Field(le=0, description="how far all faders came down together to stay under -1 dBTP")

    @property
    def kept(self) -> bool:
        return bool(self.claims) and all(claim.kept for claim in self.claims)

    @property
    def broken(self) -> tuple[CheckedClaim, ...]:
        return tuple(claim for claim in self.claims if not claim.kept)


Measured = Mapping[tuple[str, str | None], float | None]


def level_claims(energies: CrossEnergies, before: Mapping[str, float], after: Mapping[str, float]) -> list[Claim]:
    """Promise the level in the mix of every stem whose fader changes, predicted from the cross energies."""
    claims = []
    for index, name in enumerate(energies.names):
        if before.get(name, 0.0) == after.get(name, 0.0):
            continue
        was = energies.level_rel_mix_lu([index], before)
        will_be = energies.level_rel_mix_lu([index], after)
        if was is not None and will_be is not None:
            claims.append(
                Claim(
                    metric="level_rel_mix_lu",
                    stem=name,
                    unit="LU",
                    before=was,
                    predicted=will_be,
                    tolerance=LEVEL_TOLERANCE_LU,
                )
            )
    return claims


def mix_claims(
    energies: CrossEnergies,
    before: Mapping[str, float],
    after: Mapping[str, float],
    peak_before_dbtp: float | None,
    headroom_gain_db: float,
) -> list[Claim]:
    """Promise the mix's loudness (as rendered, headroom included) and a true peak under the ceiling."""
    claims = []
    was, will_be = integrated_lufs(energies.mix(before)), integrated_lufs(energies.mix(after))
    if was is not None and will_be is not None:
        claims.append(
            Claim(
                metric="loudness_lufs",
                stem=None,
                unit="LUFS",
                before=was + (headroom_trim_db(peak_before_dbtp) if peak_before_dbtp is not None else 0.0),
                predicted=will_be + headroom_gain_db,
                tolerance=LOUDNESS_TOLERANCE_LU,
            )
        )
    if peak_before_dbtp is not None:
        claims.append(
            Claim(
                metric="true_peak_dbtp",
                stem=None,
                unit="dBTP",
                before=peak_before_dbtp,
                predicted=CEILING_DBTP,
                tolerance=PEAK_TOLERANCE_DB,
            )
        )
    return claims


def measure_render(
    multitrack: Multitrack, rendered: Render, stems: Iterable[str]
) -> dict[tuple[str, str | None], float | None]:
    """Measure the rendered audio anew: its loudness and true peak, and the level of the named stems inside it."""
    rate_hz = rendered.sample_rate_hz
    mix_hops = k_weighted_hops(rendered.audio, rate_hz)
    measured: dict[tuple[str, str | None], float | None] = {
        ("loudness_lufs", None): integrated_lufs(mix_hops),
        ("true_peak_dbtp", None): rendered.true_peak_dbtp,
    }
    for stem in multitrack.stems:
        if stem.name in set(stems):
            gain = gain_of(rendered.faders, stem.name) * 10 ** (rendered.headroom_gain_db / 20)
            alone = k_weighted_hops(stem.audio, rate_hz, multitrack.channels)
            measured["level_rel_mix_lu", stem.name] = level_between_lu(alone, alone * gain**2, mix_hops)
    return measured


def judge(claims: Iterable[Claim], measured: Measured, headroom_gain_db: float) -> Verdict:
    """Hold every claim against what was measured; a claim without a measurement is broken."""
    return Verdict(claims=tuple(_check(claim, measured) for claim in claims), headroom_gain_db=headroom_gain_db)


def _check(claim: Claim, measured: Measured) -> CheckedClaim:
    after = measured.get((claim.metric, claim.stem))
    if after is None:
        kept = False
    elif claim.metric in _CEILINGS:
        kept = after <= claim.predicted + claim.tolerance
    else:
        kept = abs(after - claim.predicted) <= claim.tolerance
    return CheckedClaim(**claim.model_dump(), after=after, kept=kept)
