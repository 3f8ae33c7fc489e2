"""Measure songs and files without advising on them."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.levels import GroupLevel, MixLevels, StemLevel, measure_levels
from mixingbuddy.tools.multitrack import Multitrack, load_song

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SongSummary(BaseModel):
    """The song as it was measured, before any move."""

    model_config = _RESULT

    name: str
    duration_s: float
    sample_rate_hz: int
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    unmeasured: str | None
    stems: tuple[StemLevel, ...]
    groups: tuple[GroupLevel, ...]


class Measurement(BaseModel):
    """One path of `mixingbuddy measure`."""

    model_config = _RESULT

    path: str
    song: SongSummary
    findings: tuple[Finding, ...]


class Measurements(BaseModel):
    """The document of `mixingbuddy measure --json`."""

    model_config = _RESULT

    measurements: tuple[Measurement, ...]


def measure_song(path: Path) -> Measurement:
    """Measure a song or an audio file. Raises UserError for anything that cannot be read."""
    song = load_song(path, reference="none")
    return Measurement(
        path=str(path), song=summarise(song.multitrack, measure_levels(song.multitrack)), findings=song.findings
    )


def summarise(multitrack: Multitrack, levels: MixLevels) -> SongSummary:
    """The song's name and facts beside its levels."""
    return SongSummary(
        name=multitrack.name,
        duration_s=multitrack.duration_s,
        sample_rate_hz=multitrack.sample_rate_hz,
        loudness_lufs=levels.loudness_lufs,
        true_peak_dbtp=levels.true_peak_dbtp,
        unmeasured=levels.unmeasured,
        stems=levels.stems,
        groups=levels.groups,
    )
