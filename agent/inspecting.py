"""One aspect of an analysis, short enough for a language model: findings first, then the figures that matter."""

from collections.abc import Callable, Collection

import numpy as np

from mixingbuddy.agent.requests import Aspect
from mixingbuddy.agent.results import Inspection
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.tools.analysis import Analysis
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.masking import REGIONS_HZ, HiddenMap
from mixingbuddy.tools.masking_findings import hiding_findings
from mixingbuddy.tools.song_time import clock

MOST_FINDINGS = 8
MOST_SECTIONS = 16
LEAST_SHARE = 0.05  # of the loudness in a region: a stem with less everywhere is not listed
Figures = dict[str, dict[str, float | None]]
_PAIR_KINDS = ("duplicate", "inverted_duplicate", "delayed_duplicate", "polarity_conflict", "bleed", "shared_sound")
_KINDS: dict[Aspect, tuple[str, ...]] = {
    "masking": ("masked",),
    "spectrum": ("spectral_", "reference_band_"),
    "dynamics": ("low_crest", "clipping", "reference_dynamics"),
    "hygiene": ("clipping", "dc_offset", "hum", "noise_floor", *_PAIR_KINDS),
    "stereo": ("stereo_", "mono_loss_", "one_sided", "reference_width", "reference_balance"),
    "sections": ("buried_passage", "sticks_out_passage"),
    "time": (),
}


def inspect_song(bench: Workbench, aspect: Aspect, stems: Collection[str] = ()) -> Inspection:
    """What the analysis of a song says about one aspect; of these stems only, where any are named."""
    told = inspection(bench.analysis, aspect, bench.measured.hidden)
    if not stems:
        return told
    roles = {stem.name: stem.role for stem in bench.song.multitrack.stems}
    masking = bench.analysis.masking
    if aspect == "masking" and masking is not None:
        about = tuple(found for stem in stems for found in hiding_findings(masking, roles, stem))
    else:
        about = tuple(found for found in told.findings if set(found.stems) & set(stems))
    figures = {name: values for name, values in told.figures.items() if name in stems or name not in roles}
    return told.model_copy(update={"findings": about[:MOST_FINDINGS], "figures": figures})


def inspection(analysis: Analysis, aspect: Aspect, hidden: HiddenMap | None = None) -> Inspection:
    """What the analysis says about one aspect; with the map of what is hidden also who fills which part of the
    spectrum."""
    findings: tuple[Finding, ...] = tuple(f for f in analysis.findings if f.kind.startswith(_KINDS[aspect]))
    figures: dict[Aspect, Callable[[Analysis], Figures]] = {
        "sections": _sections,
        "time": _time,
        "masking": _masking,
        "spectrum": _spectrum,
        "dynamics": _dynamics,
        "hygiene": _hygiene,
        "stereo": _stereo,
    }
    told = figures[aspect](analysis)
    if aspect == "spectrum" and hidden is not None:
        told |= _shares([stem.name for stem in analysis.stems], hidden)
    return Inspection(aspect=aspect, findings=findings[:MOST_FINDINGS], figures=told)


def _shares(names: list[str], hidden: HiddenMap) -> Figures:
    """Each stem's share of the loudness in the regions of the spectrum that it has some part in."""
    edges = hidden.edges_hz
    centres_hz = np.sqrt(np.maximum(edges[:-1], 1.0) * edges[1:])
    shares: Figures = {}
    for region, low_hz, high_hz in REGIONS_HZ:
        inside = (centres_hz >= low_hz) & (centres_hz < high_hz)
        loudness = hidden.loudness[:, :, inside].sum(axis=(1, 2), dtype=float)
        total = float(loudness.sum())
        for name, part in zip(names, loudness.tolist(), strict=True):
            if total > 0 and part >= LEAST_SHARE * total:
                shares.setdefault(name, {})[f"{region.replace('-', '_')}_share"] = round(part / total, 2)
    return shares


def _masking(analysis: Analysis) -> Figures:
    stems = analysis.masking.stems if analysis.masking else ()
    return {stem.name: {"audible_share": stem.audible_energy_share} for stem in stems}


def _spectrum(analysis: Analysis) -> Figures:
    bands = {f"{band.name.replace('-', '_')}_db": band.level_db for band in analysis.spectrum.bands}
    return {"mix": {"tilt_db_per_octave": analysis.spectrum.tilt_db_per_octave, **bands}}


def _dynamics(analysis: Analysis) -> Figures:
    stems = {stem.name: stem.dynamics for stem in analysis.stems}
    return {
        name: {"crest_db": dynamics.block_crest_db, "plr_db": dynamics.plr_lu}
        for name, dynamics in {"mix": analysis.dynamics, **stems}.items()
    }


def _hygiene(analysis: Analysis) -> Figures:
    return {stem.name: {"noise_floor_dbfs": stem.hygiene.noise_floor_dbfs} for stem in analysis.stems}


def _stereo(analysis: Analysis) -> Figures:
    image = analysis.stereo
    return {
        "mix": {"balance_db": image.balance_db, "side_mid_db": image.side_mid_db, "mono_loss_db": image.mono_loss_db}
    }


def _sections(analysis: Analysis) -> Figures:
    """Groups only; a song has few sections but may have many stems."""
    return {
        f"{clock(section.start_s)}-{clock(section.end_s)}{f' ({section.label})' if section.label else ''}": {
            f"{part.name}_lu": part.level_rel_mix_lu for part in section.parts if part.kind == "group"
        }
        for section in analysis.sections.sections[:MOST_SECTIONS]
    }


def _time(analysis: Analysis) -> Figures:
    time = analysis.time
    if time is None:
        return {}
    return {
        "tempo": {"bpm": time.tempo_bpm, "confidence": time.tempo_confidence},
        f"key: {time.key or 'unsure'}": {"confidence": time.key_confidence},
    }
