"""What of a song's measurements is worth saying, alone and against its reference."""

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
from mixingbuddy.tools.spectral_comparison import SpectralDifference, spectral_difference, spectrum_findings
from mixingbuddy.tools.spectrum import SpectralBalance
from mixingbuddy.tools.stem_pairs import StemPair
from mixingbuddy.tools.stereo import StereoImage, stereo_findings

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
SILENT_DBFS = -90.0
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
    against_reference: SpectralDifference | None
    findings: tuple[Finding, ...] = Field(description="what is worth saying, gravest first")


def analyse(measured: MeasuredSong, reference: SongFigures | None = None) -> Analysis:
    """Judge what was measured, against a reference mix where there is one."""
    song = measured.figures
    against = None if reference is None else spectral_difference(song.spectrum, reference.spectrum)
    return Analysis(
        spectrum=song.spectrum,
        stereo=song.stereo,
        dynamics=song.dynamics,
        stems=song.stems,
        masking=song.masking,
        pairs=song.pairs,
        against_reference=against,
        findings=tuple(sorted(_findings(song, against), key=lambda finding: _GRAVITY[finding.severity])),
    )


def analyse_multitrack(multitrack: Multitrack, reference: Multitrack | None = None) -> Analysis:
    """The same for a song (and a reference mix) in memory."""
    figures = None if reference is None else measure_heard(listen_to(reference)).figures
    return analyse(measure_heard(listen_to(multitrack)), figures)


def _findings(song: SongFigures, against: SpectralDifference | None) -> tuple[Finding, ...]:
    roles = {stem.name: stem.role for stem in song.levels.stems}
    alone = len(song.stems) == 1
    return (
        *(_silent_finding(stem.name) for stem in song.levels.stems if not alone and _silent(stem.sample_peak_dbfs)),
        *hygiene_findings({stem.name: stem.hygiene for stem in song.stems}),
        *stem_pair_findings(song.pairs, song.levels.duration_s),
        *(finding for stem in song.stems for finding in stereo_findings(stem.stereo, stem.name)),
        *(() if alone else stereo_findings(song.stereo)),
        *(() if song.masking is None else masking_findings(song.masking, roles)),
        *spectrum_findings(song.spectrum, against),
        *dynamics_findings({stem.name: stem.dynamics for stem in song.stems}, song.dynamics),
    )


def _silent_finding(name: str) -> Finding:
    text = f"'{name}' is silent (below -90 dBFS throughout)."
    return Finding(kind="silent_stem", stems=(name,), severity="minor", source="sample peak", text=text)


def _silent(sample_peak_dbfs: float | None) -> bool:
    return sample_peak_dbfs is None or sample_peak_dbfs < SILENT_DBFS
