"""Drops that were put into a balanced song are found, with their size and time; what is usual stays unsaid."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.findings import Finding
from mixingbuddy.tools.levels import cross_energies
from mixingbuddy.tools.multitrack import load_song
from mixingbuddy.tools.passage_findings import section_level_findings
from mixingbuddy.tools.professional_levels import LEVEL_GROUPS, load_levels
from mixingbuddy.tools.roles import Role

DURATION_S = 90
EVERYTHING = "vocals+drums+bass+instruments"
NAMES = ("LeadVox", "Kit", "Bass", "Guitars")
ROLES: tuple[Role, ...] = ("vocals", "drums", "bass", "guitar")


def gains(*moves: tuple[str, float, float, float]) -> np.ndarray:
    """Gains in dB of the four stems, (hops, 4), from moves (stem, start_s, end_s, gain_db)."""
    all_gains = np.zeros((DURATION_S * 10, 4))
    for name, start_s, end_s, gain_db in moves:
        all_gains[round(start_s * 10) : round(end_s * 10), NAMES.index(name)] += gain_db
    return all_gains


def band(gains_db: np.ndarray | None = None, roles: tuple[Role, ...] = ROLES) -> CrossEnergies:
    """Four unrelated stems near the median of professional mixes whose levels waver by 2 dB, under these gains."""
    expected = load_levels().sets[EVERYTHING]
    level = np.array([expected[group].level_rel_mix_lu.p50 for group in LEVEL_GROUPS])
    waver = 2 * np.random.default_rng(0).standard_normal((DURATION_S * 10, 4))
    powers = 0.01 * 10 ** ((level + waver + (gains() if gains_db is None else gains_db)) / 10)
    return CrossEnergies(NAMES, roles, (powers[:, :, None] * np.eye(4)).astype(np.float32))


def only(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def test_a_balanced_song_has_nothing_to_be_said_against_it() -> None:
    assert section_level_findings(band()) == ()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("gain_db", [-15, 15])
def test_a_fader_that_is_wrong_throughout_is_not_repeated_by_passage(name: str, gain_db: float) -> None:
    assert section_level_findings(band(gains((name, 0, DURATION_S, gain_db)))) == ()


def test_a_drowned_vocal_is_said_with_level_time_range_and_source() -> None:
    sunk = band(gains(("LeadVox", 42, 58, -10)))
    finding = only(section_level_findings(sunk, [(0.0, 42.0, "verse"), (42.0, 58.0, "chorus"), (58.0, 90.0, "end")]))
    assert (finding.kind, finding.stems, finding.severity) == ("buried_passage", ("LeadVox",), "major")
    assert finding.where == pytest.approx((42, 58), abs=0.5)
    inside = slice(420, 580)
    own, everything = sunk.per_hop[inside, 0, 0].sum(), sunk.per_hop[inside].sum()
    assert finding.value == pytest.approx(10 * np.log10(own / everything), abs=0.2)
    spread = load_levels().sets[EVERYTHING]["vocals"].level_rel_mix_lu
    assert finding.expected == (spread.p10, spread.p90)
    assert finding.value < finding.expected[0]
    assert "94 professionally mixed songs" in finding.source
    outside = np.delete(sunk.per_hop, inside, axis=0)
    elsewhere = 10 * np.log10(outside[:, 0, 0].sum() / outside.sum())
    assert "'LeadVox' sinks to" in finding.text
    assert "0:42-0:58 (chorus)" in finding.text
    assert f"elsewhere {elsewhere:.1f}" in finding.text


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 78), st.integers(5, 30), st.floats(-16, -9))
@example(0, 12, -10.0)
@example(78, 12, -10.0)
def test_a_drop_is_found_wherever_it_lies(start_s: int, length_s: int, gain_db: float) -> None:
    end_s = min(start_s + length_s, DURATION_S)
    finding = section_level_findings(band(gains(("LeadVox", start_s, end_s, gain_db))))[0]
    assert (finding.kind, finding.stems) == ("buried_passage", ("LeadVox",))
    assert finding.where == pytest.approx((start_s, end_s), abs=1.5)


def test_a_vocal_drowns_as_well_when_everything_else_gets_louder() -> None:
    finding = only(section_level_findings(band(gains(*((name, 42, 58, 10) for name in NAMES[1:])))))
    assert (finding.kind, finding.stems) == ("buried_passage", ("LeadVox",))
    assert finding.where == pytest.approx((42, 58), abs=0.5)


def test_a_vocal_that_sticks_out_is_said() -> None:
    finding = only(section_level_findings(band(gains(("LeadVox", 30, 40, 12)))))
    assert (finding.kind, finding.stems) == ("sticks_out_passage", ("LeadVox",))
    assert finding.value is not None
    assert finding.expected is not None
    assert finding.value > finding.expected[1]


@pytest.mark.parametrize("gain_db", [-3, 3])
def test_a_change_that_stays_within_professional_mixes_is_not_said(gain_db: float) -> None:
    assert section_level_findings(band(gains(("LeadVox", 42, 58, gain_db)))) == ()


def test_a_change_back_into_the_professional_range_is_not_said() -> None:
    """The rest of the song is too low throughout; where it is right it differs, but is no fault."""
    assert section_level_findings(band(gains(("LeadVox", 0, 42, -9), ("LeadVox", 58, 90, -9)))) == ()


def test_a_common_gain_changes_nothing() -> None:
    sunk = band(gains(("LeadVox", 42, 58, -10)))
    louder = CrossEnergies(sunk.names, sunk.roles, sunk.per_hop * np.float32(100))
    assert section_level_findings(louder) == section_level_findings(sunk)


def test_pauses_and_solos_are_no_faults() -> None:
    pause = gains(("LeadVox", 42, 58, -200))
    a_cappella = gains(*((name, 42, 58, -200) for name in NAMES[1:]))
    assert section_level_findings(band(pause)) == ()
    assert section_level_findings(band(a_cappella)) == ()


def test_a_breakdown_is_compared_with_passages_in_which_the_same_groups_play() -> None:
    """With fewer groups playing, every remaining level is higher against the rest; that is arithmetic, not a fault."""
    silent = [("LeadVox", 42.0, 58.0, -200.0), ("Kit", 42.0, 58.0, -200.0)]
    assert section_level_findings(band(gains(("Guitars", 0, DURATION_S, 2), *silent))) == ()
    expected = load_levels().sets[EVERYTHING]
    over_bass_lu = 2 + expected["instruments"].level_rel_mix_lu.p50 - expected["bass"].level_rel_mix_lu.p50
    highest_lu = expected["instruments"].level_rel_rest_lu.p95 + load_levels().taste["instruments"].sd_rel_mix_lu
    assert over_bass_lu > highest_lu  # where all four groups play, that would be a finding


def test_only_the_voice_can_be_a_major_fault() -> None:
    finding = only(section_level_findings(band(gains(("Kit", 42, 58, -18)))))
    assert (finding.stems, finding.severity) == (("Kit",), "minor")


def test_stems_of_unknown_role_are_not_judged() -> None:
    drowned = band(gains(("Guitars", 42, 58, -16)), ("vocals", "drums", "bass", "other"))
    assert only(section_level_findings(drowned)).stems == ("Guitars",)
    assert section_level_findings(drowned, unsure=("Guitars",)) == ()


def test_a_fader_that_repairs_the_passage_silences_the_finding() -> None:
    """A doubled part: one stem sings the verses, another the chorus, too low."""
    chorus = np.zeros(DURATION_S * 10, bool)
    chorus[420:580] = True
    one = band().per_hop
    per_hop = np.zeros((len(one), 5, 5), np.float32)
    per_hop[:, :4, :4] = one
    per_hop[chorus, 0, 0] = 0
    per_hop[chorus, 4, 4] = 0.1 * one[chorus, 0, 0]
    song = CrossEnergies((*NAMES, "ChorusVox"), (*ROLES, "vocals"), per_hop)
    finding = only(section_level_findings(song))
    assert finding.stems == ("LeadVox", "ChorusVox")
    assert finding.text.startswith("Vocals sink to")
    assert section_level_findings(song, faders={"ChorusVox": 10.0}) == ()


def test_at_most_five_and_the_worst_first() -> None:
    song = band(gains(*(("LeadVox", start_s, start_s + 5, -7.5 - start_s / 10) for start_s in range(0, 90, 13))))
    findings = section_level_findings(song)
    assert len(findings) == 5
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities)  # 'major' before 'minor'
    values = [finding.value or 0.0 for finding in findings]
    assert values == sorted(values)


@pytest.mark.parametrize("hops", [0, 3, 30, 100])
def test_too_little_of_a_song_says_nothing(hops: int) -> None:
    sunk = band(gains(("LeadVox", 5, 10, -12)))
    assert section_level_findings(CrossEnergies(sunk.names, sunk.roles, sunk.per_hop[:hops])) == ()


def test_silence_and_one_stem_say_nothing() -> None:
    silent = CrossEnergies(NAMES, ROLES, np.zeros((900, 4, 4), np.float32))
    assert section_level_findings(silent) == ()
    assert section_level_findings(CrossEnergies(("mix",), ("other",), np.full((900, 1, 1), 0.01, np.float32))) == ()


def test_a_drop_in_a_real_song_is_found_and_nothing_is_without_it(shared_data: Path) -> None:
    song = cross_energies(load_song(shared_data / "multitracks" / "waveform-playlist", reference="none").multitrack)
    assert section_level_findings(song) == ()
    drop = np.ones((len(song.per_hop), len(song.names)), np.float32)
    drop[100:180, song.names.index("Vocals30")] = 10 ** (-10 / 20)
    sunk = CrossEnergies(song.names, song.roles, song.per_hop * drop[:, :, None] * drop[:, None, :])
    finding = only(section_level_findings(sunk))
    assert (finding.kind, finding.stems, finding.severity) == ("buried_passage", ("Vocals30",), "major")
    assert finding.where == pytest.approx((10, 18), abs=1.5)
