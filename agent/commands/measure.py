"""Measure songs and files without advising on them."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.analysis import Analysis, analyse
from mixingbuddy.tools.cache import Cache
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.found_song import find_song
from mixingbuddy.tools.levels import MixLevels
from mixingbuddy.tools.listening import Progress
from mixingbuddy.tools.measuring import measure_found

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


def measure_song(path: Path, cache: Cache | None = None, progress: Progress = lambda share: None) -> Measurement:
    """Measure a song or an audio file. Raises UserError for anything that cannot be read."""
    found = find_song(path, reference="none")
    if cache is not None:
        found.keep_off(cache.folder.parent)
    measured = measure_found(found, cache, progress)
    analysis = analyse(measured, unsure=found.unsure)
    return Measurement(
        path=str(path),
        song=summarise(found.name, measured.figures.levels),
        analysis=analysis,
        findings=(*found.findings, *analysis.findings),
    )


def summarise(name: str, levels: MixLevels) -> SongSummary:
    """The song's name and facts beside its levels."""
    return SongSummary(name=name, **{field: getattr(levels, field) for field in MixLevels.model_fields})
