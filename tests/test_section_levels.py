"""Levels section by section follow from powers that were put in, and agree with the meters of the whole song."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.levels import cross_energies
from mixingbuddy.tools.multitrack import load_song
from mixingbuddy.tools.roles import Role
from mixingbuddy.tools.section_levels import DOES_NOT_SOUND, NOTHING_ELSE, TOO_SHORT, measure_section_levels

HALVES = [(0.0, 10.0, "verse"), (10.0, 20.0, "chorus")]


def unrelated(powers: Mapping[str, np.ndarray], roles: Mapping[str, Role] | None = None) -> CrossEnergies:
    """Stems that have nothing in common, from their mean square per 100 ms."""
    per_hop = np.zeros((len(next(iter(powers.values()))), len(powers), len(powers)), np.float32)
    for index, power in enumerate(powers.values()):
        per_hop[:, index, index] = power
    return CrossEnergies(tuple(powers), tuple((roles or {}).get(name, name) for name in powers), per_hop)


def halves(first_db: float, second_db: float, hops: int = 200) -> np.ndarray:
    return np.repeat(0.01 * 10 ** (np.array([first_db, second_db]) / 10), hops // 2)


def test_two_equal_unrelated_stems_are_3_lu_under_the_mix_and_level_with_the_rest() -> None:
    song = unrelated({"vocals": halves(0, -6), "bass": halves(0, 0)})
    verse, chorus = measure_section_levels(song, HALVES).sections
    vocals = verse.part("vocals")
    assert vocals is not None
    assert vocals.level_rel_mix_lu == pytest.approx(-3.01, abs=0.01)
    assert vocals.level_rel_rest_lu == pytest.approx(0, abs=0.01)
    sunk = chorus.part("vocals")
    assert sunk is not None
    assert sunk.level_rel_rest_lu == pytest.approx(-6, abs=0.01)
    assert sunk.level_rel_mix_lu == pytest.approx(10 * np.log10(10**-0.6 / (1 + 10**-0.6)), abs=0.01)
    assert (verse.label, chorus.label, chorus.start_s) == ("verse", "chorus", 10.0)


def test_two_stems_in_phase_are_6_lu_under_their_sum() -> None:
    song = CrossEnergies(("vocals", "bass"), ("vocals", "bass"), np.full((100, 2, 2), 0.01, np.float32))
    part = measure_section_levels(song).sections[0].part("bass")
    assert part is not None
    assert part.level_rel_mix_lu == pytest.approx(-6.02, abs=0.01)
    assert part.level_rel_rest_lu == pytest.approx(0, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(st.floats(-18, 12), st.lists(st.floats(-20, 0), min_size=3, max_size=3))
def test_a_fader_moves_the_level_against_the_rest_by_itself(fader_db: float, levels_db: list[float]) -> None:
    names = ("vocals", "drums", "bass")
    song = unrelated({name: halves(level, level) for name, level in zip(names, levels_db, strict=True)})
    before, after = (measure_section_levels(song, faders=faders).sections[1] for faders in ({}, {"bass": fader_db}))
    parts = [section.part("bass") for section in (before, after)]
    assert parts[0] is not None
    assert parts[1] is not None
    assert parts[0].level_rel_rest_lu is not None
    assert parts[1].level_rel_rest_lu == pytest.approx(parts[0].level_rel_rest_lu + fader_db, abs=0.01)
    # The shares of unrelated stems add up to the whole.
    stems = [part for part in after.parts if part.kind == "stem"]
    assert sum(10 ** (part.level_rel_mix_lu / 10) for part in stems if part.level_rel_mix_lu) == pytest.approx(1)


def test_a_stem_counts_only_while_it_sounds() -> None:
    sometimes = halves(0, 0)
    sometimes[120:] = 0
    late = measure_section_levels(unrelated({"vocals": sometimes, "bass": halves(0, 0)}), HALVES).sections[1]
    vocals = late.part("vocals")
    assert vocals is not None
    # A block of 400 ms sounds as a whole, so up to three silent hops count with it.
    assert vocals.sounding_share == pytest.approx(0.2, abs=0.031)
    assert vocals.level_rel_rest_lu == pytest.approx(0, abs=0.7)


def test_groups_hold_their_stems_together_and_the_rest_is_the_others() -> None:
    roles: dict[str, Role] = {"lead": "vocals", "choir": "backing_vocals", "keys": "keys", "gtr": "guitar"}
    song = unrelated({name: halves(0, 0) for name in roles}, roles)
    section = measure_section_levels(song).sections[0]
    levels = {part.name: part.level_rel_rest_lu for part in section.parts}
    assert section.part("vocals") is None
    assert section.part("vocals", "group") is not None
    assert levels["vocals"] == pytest.approx(0, abs=0.01)
    assert levels["instruments"] == pytest.approx(0, abs=0.01)
    assert levels["lead"] == pytest.approx(-4.77, abs=0.01)  # one against three
    assert {part.name for part in section.parts if part.kind == "group"} == {"vocals", "instruments"}


def test_what_cannot_be_measured_says_why() -> None:
    alone, silent = halves(0, 0), np.zeros(200)
    song = unrelated({"vocals": alone, "bass": silent})
    parts = {part.name: part for part in measure_section_levels(song).sections[0].parts if part.kind == "stem"}
    assert (parts["vocals"].level_rel_rest_lu, parts["vocals"].unmeasured) == (None, NOTHING_ELSE)
    assert (parts["bass"].level_rel_mix_lu, parts["bass"].unmeasured) == (None, DOES_NOT_SOUND)
    short = measure_section_levels(unrelated({"vocals": alone[:3], "bass": alone[:3]}))
    assert (short.sections, short.unmeasured) == ((), TOO_SHORT)


@pytest.mark.parametrize(("hops", "count"), [(4, 1), (100, 1), (200, 2), (2400, 30)])
def test_without_sections_passages_of_about_8_s_cover_the_song(hops: int, count: int) -> None:
    song = unrelated({"vocals": np.full(hops, 0.01), "bass": np.full(hops, 0.01)})
    sections = measure_section_levels(song).sections
    assert len(sections) == count
    assert (sections[0].start_s, sections[-1].end_s) == (0.0, pytest.approx(hops / 10))
    assert [one.end_s for one in sections[:-1]] == [other.start_s for other in sections[1:]]


def test_a_section_beyond_the_song_is_left_out_and_a_backward_one_is_an_error() -> None:
    song = unrelated({"vocals": halves(0, 0), "bass": halves(0, 0)})
    assert len(measure_section_levels(song, [*HALVES, (20.0, 30.0, "outro")]).sections) == 2
    with pytest.raises(ValueError, match="does not end after its start"):
        measure_section_levels(song, [(5.0, 5.0, "empty")])


def test_one_section_over_all_of_a_real_song_is_the_level_of_the_song(shared_data: Path) -> None:
    song = load_song(shared_data / "multitracks" / "falcon69", reference="none").multitrack
    energies = cross_energies(song)
    section = measure_section_levels(energies, [(0.0, song.duration_s, "all")]).sections[0]
    for index, name in enumerate(energies.names):
        part = section.part(name)
        assert part is not None
        assert part.level_rel_mix_lu == pytest.approx(energies.level_rel_mix_lu([index], {}), abs=0.01)
