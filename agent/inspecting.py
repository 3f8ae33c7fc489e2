"""One aspect of an analysis, short enough for a language model: findings first, then the figures that matter."""

from collections.abc import Callable

from mixingbuddy.agent.results import Aspect, Inspection
from mixingbuddy.tools.analysis import Analysis
from mixingbuddy.tools.song_time import clock

MOST_FINDINGS = 8
MOST_SECTIONS = 16
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


def inspection(analysis: Analysis, aspect: Aspect) -> Inspection:
    """What the analysis says about one aspect."""
    findings = tuple(f for f in analysis.findings if f.kind.startswith(_KINDS[aspect]))[:MOST_FINDINGS]
    figures: dict[Aspect, Callable[[Analysis], Figures]] = {
        "sections": _sections,
        "time": _time,
        "masking": _masking,
        "spectrum": _spectrum,
        "dynamics": _dynamics,
        "hygiene": _hygiene,
        "stereo": _stereo,
    }
    return Inspection(aspect=aspect, findings=findings, figures=figures[aspect](analysis))


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
