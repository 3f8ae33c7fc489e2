"""Everything that is measured on a song besides its levels, and what of it is worth saying."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.band_spectra import BandSpectra, fft_size, measure_band_spectra
from mixingbuddy.tools.dynamics import Dynamics, dynamics_findings, hops_of, measure_dynamics
from mixingbuddy.tools.erb import ErbBands, erb_bands
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.hygiene import Hygiene, hygiene_findings, measure_hygiene
from mixingbuddy.tools.levels import WORKERS, MixLevels, mixdown
from mixingbuddy.tools.masking import MaskingEvent, StemMasking, measure_masking
from mixingbuddy.tools.masking_findings import masking_findings
from mixingbuddy.tools.multitrack import Multitrack
from mixingbuddy.tools.pair_findings import stem_pair_findings
from mixingbuddy.tools.spectral_comparison import SpectralDifference, spectral_difference, spectrum_findings
from mixingbuddy.tools.spectrum import SpectralBalance, measure_spectrum
from mixingbuddy.tools.stem_pairs import StemPair, measure_stem_pairs
from mixingbuddy.tools.stereo import StereoImage, measure_stereo, stereo_findings

_RESULT = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
_GRAVITY = {"major": 0, "minor": 1, "info": 2}


class StemAnalysis(BaseModel):
    """What was measured on one stem."""

    model_config = _RESULT

    name: str
    dynamics: Dynamics
    hygiene: Hygiene
    stereo: StereoImage


class Analysis(BaseModel):
    """What was measured on a song as it is, besides its levels."""

    model_config = _RESULT

    spectrum: SpectralBalance = Field(description="long-term spectrum of the plain sum")
    stereo: StereoImage
    dynamics: Dynamics
    stems: tuple[StemAnalysis, ...]
    audible: tuple[StemMasking, ...] = Field(description="share of each stem that can be heard")
    masking: tuple[MaskingEvent, ...] = Field(description="where a stem is hidden, most important first")
    pairs: tuple[StemPair, ...] = Field(description="stems that hold the same sound")
    against_reference: SpectralDifference | None
    findings: tuple[Finding, ...] = Field(description="what is worth saying, gravest first")


def analyse(multitrack: Multitrack, levels: MixLevels, reference_mix: Audio | None = None) -> Analysis:
    """Analyse a song as it is. `levels` are its own; `reference_mix` is float32 (channels, samples) at its rate."""
    rate_hz, mix = multitrack.sample_rate_hz, mixdown(multitrack, {})
    bands = _hearing_bands(rate_hz)
    weights = bands.weights if bands is not None and len(multitrack.stems) > 1 else None
    with ThreadPoolExecutor(WORKERS) as pool:
        spectra = list(pool.map(lambda stem: measure_band_spectra(stem.audio, rate_hz, weights), multitrack.stems))
        hygiene = list(pool.map(lambda stem: measure_hygiene(stem.audio, rate_hz), multitrack.stems))
    mix_spectra = measure_band_spectra(mix, rate_hz)
    spectrum, image = measure_spectrum(mix_spectra), measure_stereo(mix_spectra)
    against = None
    if reference_mix is not None:
        against = spectral_difference(spectrum, measure_spectrum(measure_band_spectra(reference_mix, rate_hz)))
    dynamics = measure_dynamics(hops_of(mix, rate_hz), levels.loudness_lufs, levels.true_peak_dbtp)
    stems = tuple(
        StemAnalysis(
            name=stem.name,
            dynamics=measure_dynamics(hops_of(stem.audio, rate_hz), level.loudness_lufs, level.true_peak_dbtp),
            hygiene=of_stem,
            stereo=measure_stereo(spectrum_of_stem),
        )
        for stem, level, spectrum_of_stem, of_stem in zip(multitrack.stems, levels.stems, spectra, hygiene, strict=True)
    )
    pairs = measure_stem_pairs(multitrack) if len(multitrack.stems) > 1 else ()
    audible, events, hidden = _masking(multitrack, spectra, bands)
    findings = (
        *hygiene_findings({stem.name: stem.hygiene for stem in stems}),
        *stem_pair_findings(pairs, multitrack.duration_s),
        *(finding for stem in stems for finding in stereo_findings(stem.stereo, stem.name)),
        *(() if multitrack.mix_only else stereo_findings(image)),
        *hidden,
        *spectrum_findings(spectrum, against),
        *dynamics_findings({stem.name: stem.dynamics for stem in stems}, dynamics),
    )
    return Analysis(
        spectrum=spectrum,
        stereo=image,
        dynamics=dynamics,
        stems=stems,
        audible=audible,
        masking=events,
        pairs=pairs,
        against_reference=against,
        findings=tuple(sorted(findings, key=lambda finding: _GRAVITY[finding.severity])),
    )


def _hearing_bands(rate_hz: int) -> ErbBands | None:
    try:
        return erb_bands(rate_hz, fft_size(rate_hz))
    except ValueError:
        return None


def _masking(
    multitrack: Multitrack, spectra: list[BandSpectra], bands: ErbBands | None
) -> tuple[tuple[StemMasking, ...], tuple[MaskingEvent, ...], tuple[Finding, ...]]:
    frames = [of_stem.frame_bands for of_stem in spectra if of_stem.frame_bands is not None]
    if bands is None or len(frames) < max(2, len(spectra)) or not len(frames[0]):
        return (), (), ()
    # The frames overlap by half; every second one is enough to place a masked passage.
    power = np.stack([of_stem[::2] for of_stem in frames])
    masking = measure_masking(multitrack.names, power, 2 * spectra[0].hop_s, bands)
    roles = {stem.name: stem.role for stem in multitrack.stems}
    findings = tuple(_within(f, multitrack.duration_s) for f in masking_findings(masking, roles))
    return masking.stems, masking.events, findings


def _within(finding: Finding, duration_s: float) -> Finding:
    """The last frame may reach past the end of the song; a time range does not."""
    if finding.where is None:
        return finding
    return finding.model_copy(update={"where": (finding.where[0], min(finding.where[1], duration_s))})
