"""The pictures of a critique: what was measured, proved and found, turned into what the plots need.

All show the song as it was imported, before any move, but for what is called "after".
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from mixingbuddy.agent.outputs import MatchedMixes
from mixingbuddy.models.prior import HARDLY_PLAYS_LU, load_statistics
from mixingbuddy.tools.cross_energies import CrossEnergies, level_between_lu
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.loudness import HOP_S
from mixingbuddy.tools.masking import HiddenMap, Masking
from mixingbuddy.tools.measured_song import MeasuredSong
from mixingbuddy.tools.plot_faders import FaderRow, draw_faders
from mixingbuddy.tools.plot_loudness import LoudnessCurve, Section, TimedFinding, draw_loudness
from mixingbuddy.tools.plot_masking import MaskedSpot, MaskingMap, draw_masking
from mixingbuddy.tools.plot_spectrum import SpectrumLines, draw_spectrum, usual_spectrum
from mixingbuddy.tools.plot_style import WIDE_PX, Picture
from mixingbuddy.tools.plot_svg import page_svg
from mixingbuddy.tools.plot_waveforms import Wave, draw_waveforms, wave_of
from mixingbuddy.tools.professional_levels import LEVEL_GROUPS, level_group
from mixingbuddy.tools.render import CEILING_DBTP
from mixingbuddy.tools.spectral_comparison import spectral_difference
from mixingbuddy.tools.spectrum import SpectralBalance

if TYPE_CHECKING:
    from mixingbuddy.agent.critique import CritiqueResult

MOST_STEMS = 24  # in one picture; more are no help
WHOLE_SONG = 0.9  # of it: a finding that long has no place in time
JOINED_S = 0.5
MOST_PLACES = 20  # that are kept per file
LABELS = {
    "masked": "masked",
    "clipping": "clipped",
    "hum": "hum",
    "buried_passage": "buried",
    "sticks_out_passage": "too loud",
    "peak_over_ceiling": "highest peak",
}
Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ReportPicture:
    """One picture of the page. `svg` is ready markup; it is empty where `caption` says why there is no picture."""

    name: str
    heading: str
    caption: str
    note: str = ""
    svg: str = ""


def draw_pictures(
    result: "CritiqueResult",
    mixes: MatchedMixes,
    measured: MeasuredSong,
    reference: MeasuredSong | None = None,
    sections: Sequence[tuple[float, float, str]] = (),
) -> tuple[ReportPicture, ...]:
    """All five, the faders first. `sections` are (start_s, end_s, label)."""
    return (
        _faders(result, measured.energies),
        _waveforms(result, mixes, measured),
        _spectrum(measured, reference),
        _masking(result, measured),
        _loudness(result, measured, sections),
    )


def _shown(name: str, heading: str, note: str, draw: Callable[[int], Picture]) -> ReportPicture:
    return ReportPicture(name, heading, f"{draw(WIDE_PX).title}.", note, page_svg(draw))


def _faders(result: "CritiqueResult", energies: CrossEnergies) -> ReportPicture:
    heading = "Balance before and after" if result.moves else "Balance"
    if len(result.song.stems) < 2:
        return ReportPicture("faders", heading, "One file has no balance between stems to show.")
    unsure = {stem for finding in result.findings if finding.kind == "role_unsure" for stem in finding.stems}
    groups = group_rows(energies, _faders_db(result), unsure)
    # A stem that is its group needs no row for it, unless the group's level leaves stems of unknown role out.
    alone = {} if unsure else {members[0]: row.range_lu for members, row in groups.items() if len(members) == 1}
    rows = stem_rows(result, alone)
    notes = ["LU re the whole mix, while the stem sounds."]
    if len(rows) < len(result.song.stems):
        notes.append(f"The {len(rows)} of {len(result.song.stems)} stems that move or are loudest.")
    if unsure and groups:
        notes.append("Groups leave out stems whose names do not say what they are.")
    whole = [row for members, row in groups.items() if members[0] not in alone]
    return _shown("faders", heading, " ".join(notes), lambda width: draw_faders([*whole, *rows], width))


def group_rows(
    energies: CrossEnergies, faders_db: Mapping[str, float], unsure: set[str]
) -> dict[tuple[str, ...], FaderRow]:
    """The groups that professional mixes are known of, by their stems: levels re all stems of known role.

    The range is the one of whole songs, which the balance prior's findings quote too.
    """
    known = [index for index, name in enumerate(energies.names) if name not in unsure]
    members = {group: [i for i in known if level_group(energies.roles[i]) == group] for group in LEVEL_GROUPS}

    def levels(faders: Mapping[str, float]) -> dict[str, float | None]:
        whole = energies.mix(faders, known)
        return {
            group: level_between_lu(energies.mix({}, inside), energies.mix(faders, inside), whole)
            for group, inside in members.items()
            if inside
        }

    before = levels({})
    playing = [group for group, level_lu in before.items() if level_lu is not None and level_lu >= HARDLY_PLAYS_LU]
    usual = load_statistics().sets.get("+".join(playing), {})
    after = levels(faders_db) if faders_db else {}
    return {
        tuple(energies.names[i] for i in members[group]): FaderRow(
            f"all {group}", before[group], after.get(group), 0.0, (usual[group].p10_lu, usual[group].p90_lu), True
        )
        for group in LEVEL_GROUPS
        if group in playing and group in usual
    }


def stem_rows(result: "CritiqueResult", usual_lu: Mapping[str, tuple[float, float] | None]) -> list[FaderRow]:
    """In the song's order; of many, those that move and the loudest. `usual_lu` are ranges of stems by name."""
    moves, stems = _faders_db(result), result.song.stems
    after = result.verification.levels_lu if result.moves else {}
    order = sorted(stems, key=lambda s: (s.name not in moves, -_or_lowest(s.level_rel_mix_lu)))
    kept = {stem.name for stem in order[:MOST_STEMS]}
    return [
        FaderRow(s.name, s.level_rel_mix_lu, after.get(s.name), moves.get(s.name, 0.0), usual_lu.get(s.name))
        for s in stems
        if s.name in kept
    ]


def _or_lowest(level_lu: float | None) -> float:
    return -math.inf if level_lu is None else level_lu


def _faders_db(result: "CritiqueResult") -> dict[str, float]:
    moved = dict.fromkeys((move.stem for move in result.moves), 0.0)
    for move in result.moves:
        moved[move.stem] += move.gain_db
    return moved


def _waveforms(result: "CritiqueResult", mixes: MatchedMixes, measured: MeasuredSong) -> ReportPicture:
    if mixes.before.audio.shape[1] < 2:
        return ReportPicture("waveforms", "Waveform", "The song is too short for a waveform.")
    clipped = clipped_places(measured)
    before, after = waves(result, mixes, clipped)
    note = "At the levels the faders give, not matched in loudness as in the player."
    if after is None:
        note = "The plain sum of the stems." if len(result.song.stems) > 1 else "The file as it is."
    if any(len(stem.hygiene.clipping.where) >= MOST_PLACES for stem in measured.figures.stems):
        note += f" Of every file, only the first {MOST_PLACES} clipped places are marked."
    return _shown(
        "waveforms", "Waveform and peaks", note, lambda width: draw_waveforms(before, after, CEILING_DBTP, width)
    )


def waves(result: "CritiqueResult", mixes: MatchedMixes, clipped: Spans) -> tuple[Wave, Wave | None]:
    """The plain sum, and the mix with the moves and what all faders come down; None where nothing moved."""
    sides = [(mixes.before, mixes.before_true_peak_dbtp, -mixes.before_gain_db)]
    if result.moves:
        own_gain_db = mixes.after_headroom_gain_db - mixes.after_gain_db
        sides.append((mixes.after, mixes.after_true_peak_dbtp, own_gain_db))
    drawn = []
    for clip, peak_dbtp, gain_db in sides:
        wave = wave_of(clip.audio, clip.sample_rate_hz, None if peak_dbtp is None else peak_dbtp + gain_db, clipped)
        gain = 10 ** (gain_db / 20)
        drawn.append(replace(wave, lowest=wave.lowest * gain, highest=wave.highest * gain))
    return drawn[0], drawn[1] if len(drawn) > 1 else None


def clipped_places(measured: MeasuredSong) -> Spans:
    """Where any file is clipped, s; places near each other are one."""
    joined: list[tuple[float, float]] = []
    for start_s, end_s in sorted(chain.from_iterable(s.hygiene.clipping.where for s in measured.figures.stems)):
        if joined and start_s <= joined[-1][1] + JOINED_S:
            joined[-1] = (joined[-1][0], max(end_s, joined[-1][1]))
        else:
            joined.append((start_s, end_s))
    return tuple(joined)


def _spectrum(measured: MeasuredSong, reference: MeasuredSong | None) -> ReportPicture:
    mix, heading = measured.figures.spectrum, "Spectrum"
    if mix.third_octaves_db is None:
        return ReportPicture("spectrum", heading, f"No spectrum: {mix.unmeasured or 'not measured'}.")
    lines = spectrum_lines(mix, reference.figures.spectrum if reference else None)
    note = "Third octaves re the whole mix, before any move."
    return _shown("spectrum", heading, note, lambda width: draw_spectrum(lines, width))


def spectrum_lines(mix: SpectralBalance, reference: SpectralBalance | None) -> SpectrumLines:
    """Against the reference at equal loudness where there is one, else against professional mixes."""
    centres_hz, mix_db = mix.third_octaves_hz, mix.third_octaves_db
    against = spectral_difference(mix, reference).third_octaves_db if reference is not None else None
    if against is not None and mix_db is not None:
        count = len(against)
        theirs = tuple((np.array(mix_db[:count]) - np.array(against)).tolist())
        return SpectrumLines(centres_hz[:count], mix_db[:count], theirs)
    usual_hz, (low, high) = usual_spectrum()
    count = min(len(usual_hz), len(centres_hz))
    return SpectrumLines(centres_hz, mix_db, None, (low[:count], high[:count]))


def _masking(result: "CritiqueResult", measured: MeasuredSong) -> ReportPicture:
    heading, hidden, masking = "Masking: who hides whom, and where", measured.hidden, measured.figures.masking
    names = [stem.name for stem in measured.figures.stems]
    if len(names) < 2:
        return ReportPicture("masking", heading, "One file: stems are needed to tell what hides what.")
    if hidden is None or masking is None or 0 in hidden.loudness.shape:
        return ReportPicture("masking", heading, "The song is too short to tell what hides what.")
    song = masking_map(names, hidden, masked_spots(result.findings, masking))
    note = "Before any move; the louder a part, the less pale it is."
    if len(song.names) < len(names):
        note += f" The {len(song.names)} of {len(names)} stems of which most is hidden."
    return _shown("masking", heading, note, lambda width: draw_masking(song, width))


def masking_map(names: Sequence[str], hidden: HiddenMap, spots: tuple[MaskedSpot, ...]) -> MaskingMap:
    """The map; of many stems, those that have a finding and those of which most loudness is hidden."""
    lost = (hidden.hidden_share * hidden.loudness).sum(axis=(1, 2), dtype=np.float64)
    targets = {spot.stem for spot in spots}
    order = sorted(range(len(names)), key=lambda index: (names[index] not in targets, -lost[index]))
    kept = sorted(order[:MOST_STEMS])
    share, loudness = (each[kept].transpose(0, 2, 1) for each in (hidden.hidden_share, hidden.loudness))
    return MaskingMap(tuple(names[i] for i in kept), share, loudness, hidden.edges_hz, hidden.column_s, spots)


def masked_spots(findings: Sequence[Finding], masking: Masking) -> tuple[MaskedSpot, ...]:
    """The masked findings with the bands that their events tell."""
    events = {(event.target, (event.start_s, event.end_s)): event for event in masking.events}
    found = [f for f in findings if f.kind == "masked" and f.where and (f.stems[0], f.where) in events]
    return tuple(
        MaskedSpot(f.stems[0], f.stems[1:], event.start_s, event.end_s, event.low_hz, event.high_hz, f.severity)
        for f in found
        if f.where
        for event in [events[f.stems[0], f.where]]
    )


def _loudness(
    result: "CritiqueResult", measured: MeasuredSong, sections: Sequence[tuple[float, float, str]]
) -> ReportPicture:
    heading, levels = "Loudness over time", measured.figures.levels
    if len(measured.short_term_lufs) < 2:
        return ReportPicture("loudness", heading, "The song is too short for a curve of its 3 s loudness.")
    curve = LoudnessCurve(
        levels.duration_s, HOP_S, measured.short_term_lufs.astype(np.float64), levels.loudness_lufs,
        findings=timed_findings(result.findings, levels.duration_s),
        sections=tuple(Section(label, start_s, end_s) for start_s, end_s, label in sections),
    )  # fmt: skip
    note = "Before any move."
    if curve.findings:
        note += " The bars show where findings are."
    return _shown("loudness", heading, note, lambda width: draw_loudness(curve, width))


def timed_findings(findings: Sequence[Finding], duration_s: float) -> tuple[TimedFinding, ...]:
    """Findings that are bound to a part of the song."""
    return tuple(
        TimedFinding(_label(finding), *finding.where, finding.severity)
        for finding in findings
        if finding.where and finding.where[1] - finding.where[0] < WHOLE_SONG * duration_s
    )


def _label(finding: Finding) -> str:
    what = LABELS.get(finding.kind, finding.kind.replace("_", " "))
    # Of a masked finding the first stem is the one that is hidden; the rest hide it.
    stems = finding.stems[:1] if finding.kind == "masked" else finding.stems
    more = f" +{len(stems) - 1}" if len(stems) > 1 else ""
    return f"{what}: {stems[0]}{more}" if stems else what
