"""Measure songs and files without advising on them."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.analysis import Analysis, analyse
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.levels import MixLevels, measure_levels
from mixingbuddy.tools.multitrack import Multitrack, load_song

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SongSummary(MixLevels):
    """The song as it was measured, before any move."""

    name: str


class Measurement(BaseModel):
    """One path of `mixingbuddy measure`."""

    model_config = _RESULT

    path: str
    song: SongSummary
    analysis: Analysis
    findings: tuple[Finding, ...] = Field(description="what loading and the analysis found")


class Measurements(BaseModel):
    """The document of `mixingbuddy measure --json`."""

    model_config = _RESULT

    measurements: tuple[Measurement, ...]


def measure_song(path: Path) -> Measurement:
    """Measure a song or an audio file. Raises UserError for anything that cannot be read."""
    song = load_song(path, reference="none")
    levels = measure_levels(song.multitrack)
    analysis = analyse(song.multitrack, levels)
    return Measurement(
        path=str(path),
        song=summarise(song.multitrack, levels),
        analysis=analysis,
        findings=(*song.findings, *analysis.findings),
    )


def summarise(multitrack: Multitrack, levels: MixLevels) -> SongSummary:
    """The song's name and facts beside its levels."""
    return SongSummary(name=multitrack.name, **{name: getattr(levels, name) for name in MixLevels.model_fields})
