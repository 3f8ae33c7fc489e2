from pathlib import Path

import numpy as np
import pytest
from songs import RATE_HZ, make_stems

from mixingbuddy.tools.cross_energies import level_between_lu
from mixingbuddy.tools.levels import (
    cross_energies,
    k_weighted_hops,
    levels_under,
    measure_levels,
    mixdown,
)
from mixingbuddy.tools.loudness import integrated_lufs
from mixingbuddy.tools.multitrack import Multitrack, Stem, load_song
from mixingbuddy.tools.render import moved


def noise(seed: int, channels: int = 1, duration_s: float = 4.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (0.05 * rng.standard_normal((channels, int(duration_s * RATE_HZ)))).astype(np.float32)


def test_two_equal_unrelated_stems_are_3_lu_under_their_mix() -> None:
    song = Multitrack("noise", RATE_HZ, (Stem("a", "vocals", noise(1)), Stem("b", "drums", noise(2))))
    levels = measure_levels(song)
    assert [stem.level_rel_mix_lu for stem in levels.stems] == pytest.approx([-3.01, -3.01], abs=0.1)


def test_two_equal_stems_in_phase_are_6_lu_under_and_out_of_phase_cannot_be_measured() -> None:
    same = noise(1)
    song = Multitrack("twins", RATE_HZ, (Stem("a", "vocals", same), Stem("b", "drums", same)))
    assert measure_levels(song).stems[0].level_rel_mix_lu == pytest.approx(-6.02, abs=0.01)
    against = Multitrack("against", RATE_HZ, (Stem("a", "vocals", same), Stem("b", "drums", -same)))
    levels = measure_levels(against)
    assert levels.stems[0].level_rel_mix_lu is None
    assert levels.loudness_lufs is None
    assert levels.unmeasured == "silent"


def test_a_mono_stem_counts_on_both_sides_of_a_stereo_mix() -> None:
    mono, stereo = noise(1), noise(2, channels=2)
    song = Multitrack("wide", RATE_HZ, (Stem("m", "vocals", mono), Stem("s", "drums", stereo)))
    twice = Multitrack("wide", RATE_HZ, (Stem("m", "vocals", np.repeat(mono, 2, axis=0)), Stem("s", "drums", stereo)))
    assert measure_levels(song).stems[0] == measure_levels(twice).stems[0]


def test_a_stem_is_compared_with_the_mix_while_it_sounds() -> None:
    half = noise(1)
    half[:, half.shape[1] // 2 :] = 0
    song = Multitrack("half", RATE_HZ, (Stem("a", "vocals", half), Stem("b", "drums", noise(2))))
    level = measure_levels(song).stems[0]
    assert level.level_rel_mix_lu == pytest.approx(-3.01, abs=0.4)
    assert level.sounding_share == pytest.approx(0.5, abs=0.1)


def test_predictions_hold_on_the_rendered_audio(shared_data: Path) -> None:
    song = load_song(shared_data / "multitracks" / "falcon69").multitrack
    energies = cross_energies(song)
    faders = {"vocals": 4.0, "drums": -6.0, "bass": 1.5}
    rendered = k_weighted_hops(mixdown(song, faders), song.sample_rate_hz)
    assert integrated_lufs(energies.mix(faders)) == pytest.approx(integrated_lufs(rendered), abs=0.01)
    for index, stem in enumerate(song.stems):
        alone = k_weighted_hops(stem.audio, song.sample_rate_hz)
        part = alone * 10 ** (faders.get(stem.name, 0.0) / 10)
        assert energies.level_rel_mix_lu([index], faders) == pytest.approx(
            level_between_lu(alone, part, rendered), abs=0.01
        )


def test_levels_under_faders_are_those_of_the_moved_stems(shared_data: Path) -> None:
    song = load_song(shared_data / "multitracks" / "falcon69").multitrack
    faders, energies = {"vocals": 4.0, "drums": -6.0}, cross_energies(song)
    shifted = levels_under(measure_levels(song), song, energies, faders)
    anew = measure_levels(moved(song, faders))
    for ours, theirs in zip((shifted, *shifted.stems, *shifted.groups), (anew, *anew.stems, *anew.groups), strict=True):
        for name, value in ours:
            expected = getattr(theirs, name)
            if isinstance(value, float):
                assert value == pytest.approx(expected, abs=0.02), name
            elif name not in {"stems", "groups"}:
                assert value == expected, name


def test_groups_hold_their_stems_together() -> None:
    stems = make_stems(2.0)
    song = Multitrack(
        "kit",
        RATE_HZ,
        (
            Stem("kick", "kick", stems["bass"]),
            Stem("snare", "snare", stems["drums"]),
            Stem("v", "vocals", stems["vocals"]),
        ),
    )
    groups = {group.group: group for group in measure_levels(song).groups}
    assert groups["drums"].stems == ("kick", "snare")
    kit = k_weighted_hops(stems["bass"] + stems["drums"], RATE_HZ)
    assert groups["drums"].loudness_lufs == pytest.approx(integrated_lufs(kit), abs=0.01)


@pytest.mark.parametrize("samples", [1, 100, 4410, 17639])
def test_too_short_says_so(samples: int) -> None:
    song = Multitrack(
        "short", RATE_HZ, (Stem("a", "vocals", noise(1)[:, :samples]), Stem("b", "drums", noise(2)[:, :samples]))
    )
    levels = measure_levels(song)
    assert {stem.unmeasured for stem in levels.stems} == {"shorter than one 400 ms block"}
    assert all(stem.loudness_lufs is None for stem in levels.stems)


def test_a_silent_stem_says_so() -> None:
    silent = np.zeros((1, RATE_HZ), np.float32)
    song = Multitrack("silent", RATE_HZ, (Stem("a", "vocals", silent), Stem("b", "drums", noise(2)[:, :RATE_HZ])))
    assert measure_levels(song).stems[0].unmeasured == "silent"
    assert measure_levels(song).stems[0].true_peak_dbtp is None
