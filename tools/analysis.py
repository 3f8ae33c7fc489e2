"""What of a song's measurements is worth saying, alone and against its reference."""

from collections.abc import Collection

from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.dynamics import Dynamics, dynamics_findings
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.hygiene import hygiene_findings
from mixingbuddy.tools.listening import listen_to
from mixingbuddy.tools.masking import Masking
from mixingbuddy.tools.masking_findings import masking_findings
from mixingbuddy.tools.measured_song import MeasuredSong, SongFigures, StemAnalysis, measure_heard
from mixingbuddy.tools.multitrack import Multitrack
from mixingbuddy.tools.pair_findings import stem_pair_findings
from mixingbuddy.tools.passage_findings import section_level_findings
from mixingbuddy.tools.reference_comparison import (
    ReferenceComparison,
    WholeMix,
    compare_with_reference,
    reference_findings,
)
from mixingbuddy.tools.section_levels import SectionLevels, measure_section_levels
from mixingbuddy.tools.song_time import SongTime, spoken
from mixingbuddy.tools.spectral_comparison import SpectralDifference, spectral_difference, spectrum_findings
from mixingbuddy.tools.spectrum import SpectralBalance
from mixingbuddy.tools.stem_pairs import StemPair
from mixingbuddy.tools.stereo import StereoImage, stereo_findings

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
SILENT_DBFS = -90.0
LARGE_PART = 0.5  # of the song: more than that is no place in it
_GRAVITY = {"major": 0, "minor": 1, "info": 2}


class Analysis(BaseModel):
    """What was measured on a song as it is, besides its levels."""

    model_config = _RESULT

    spectrum: SpectralBalance = Field(description="long-term spectrum of the plain sum")
    stereo: StereoImage
    dynamics: Dynamics
    stems: tuple[StemAnalysis, ...]
    masking: Masking | None = Field(description="which stem hides which; null for one stem")
    pairs: tuple[StemPair, ...] = Field(description="stems that hold the same sound")
    time: SongTime | None = Field(description="tempo, bars, key and sections, where they are sure")
    sections: SectionLevels = Field(description="the balance section by section")
    against_reference: SpectralDifference | None = Field(description="spectrum against the reference mix")
    reference: ReferenceComparison | None = Field(description="everything against the reference mix, equally loud")
    findings: tuple[Finding, ...] = Field(description="what is worth saying, gravest first")


def analyse(measured: MeasuredSong, reference: SongFigures | None = None, unsure: Collection[str] = ()) -> Analysis:
    """Judge what was measured, against a reference mix where there is one.

    Stems in `unsure`, whose names do not say what they are, are not judged by their role's level.
    """
    song, sections = measured.figures, known_sections(measured.figures)
    against, compared = None, None
    if reference is not None:
        compared = compare_with_reference(_whole_mix(song), _whole_mix(reference))
        against = spectral_difference(song.spectrum, reference.spectrum, compared.offset_db)
    findings = [
        *_findings(song),
        *(() if alone(song) else section_level_findings(measured.energies, unsure=unsure)),
        *spectrum_findings(song.spectrum, against),
        *(() if compared is None else reference_findings(compared)),
    ]
    findings.sort(key=lambda finding: _GRAVITY[finding.severity])
    return Analysis(
        spectrum=song.spectrum,
        stereo=song.stereo,
        dynamics=song.dynamics,
        stems=song.stems,
        masking=song.masking,
        pairs=song.pairs,
        time=song.time,
        sections=measure_section_levels(measured.energies, sections or None),
        against_reference=against,
        reference=compared,
        findings=tuple(in_the_songs_terms(finding, song.time) for finding in findings),
    )


def analyse_multitrack(multitrack: Multitrack, reference: Multitrack | None = None) -> Analysis:
    """The same for a song (and a reference mix) in memory."""
    figures = None if reference is None else measure_heard(listen_to(reference)).figures
    return analyse(measure_heard(listen_to(multitrack)), figures)


def known_sections(song: SongFigures) -> tuple[tuple[float, float, str], ...]:
    """The song's sections as (start_s, end_s, label); none where they are not sure."""
    sections = song.time.sections if song.time is not None else None
    return tuple((section.start_s, section.end_s, section.label) for section in sections or ())


def alone(song: SongFigures) -> bool:
    """Whether there is but one stem, so that nothing can be compared within the song."""
    return len(song.stems) == 1


def _findings(song: SongFigures) -> tuple[Finding, ...]:
    """What is worth saying without regard to a reference."""
    roles = {stem.name: stem.role for stem in song.levels.stems}
    several = not alone(song)
    return (
        *(_silent_finding(stem.name) for stem in song.levels.stems if several and _silent(stem.sample_peak_dbfs)),
        *hygiene_findings({stem.name: stem.hygiene for stem in song.stems}),
        *stem_pair_findings(song.pairs, song.levels.duration_s),
        *(finding for stem in song.stems for finding in stereo_findings(stem.stereo, stem.name)),
        *(stereo_findings(song.stereo) if several else ()),
        *(() if song.masking is None else masking_findings(song.masking, roles)),
        *dynamics_findings({stem.name: stem.dynamics for stem in song.stems}, song.dynamics),
    )


def in_the_songs_terms(finding: Finding, time: SongTime | None) -> Finding:
    """A finding that concerns a part of the song also says which bars and section, where these are sure."""
    if finding.where is None or time is None or finding.where[1] - finding.where[0] > LARGE_PART * time.duration_s:
        return finding
    terms = spoken(finding.where, time)
    return (
        finding
        if terms is None
        else finding.model_copy(update={"text": f"{finding.text.removesuffix('.')} ({terms})."})
    )


def _whole_mix(song: SongFigures) -> WholeMix:
    return WholeMix(song.levels, song.spectrum, song.stereo, song.dynamics)


def _silent_finding(name: str) -> Finding:
    text = f"'{name}' is silent (below -90 dBFS throughout)."
    return Finding(kind="silent_stem", stems=(name,), severity="minor", source="sample peak", text=text)


def _silent(sample_peak_dbfs: float | None) -> bool:
    return sample_peak_dbfs is None or sample_peak_dbfs < SILENT_DBFS
