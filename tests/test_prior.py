"""The prior against the statistics that it is made of, and against planted faults in professional mixes."""

from pathlib import Path

import numpy as np
import pytest
from songs import RATE_HZ

from mixingbuddy.models.prior import Prior, load_statistics
from mixingbuddy.models.prior_fit import fit
from mixingbuddy.tools.levels import cross_energies
from mixingbuddy.tools.multitrack import Multitrack, Stem, load_song
from mixingbuddy.tools.professional_levels import LEVEL_GROUPS
from mixingbuddy.tools.render import moved
from mixingbuddy.tools.roles import Role

ROLES: dict[str, Role] = {"vocals": "vocals", "drums": "drums", "bass": "bass", "other": "other"}


def noise_song(levels_db: dict[str, float]) -> Multitrack:
    """Unrelated noises: their levels re the mix follow from their powers alone."""
    rng = np.random.default_rng(3)
    return Multitrack(
        "noise",
        RATE_HZ,
        tuple(
            Stem(name, ROLES[name], (10 ** (level / 20) * 0.05 * rng.standard_normal((1, 4 * RATE_HZ))).astype("f4"))
            for name, level in levels_db.items()
        ),
    )


BALANCED = {"vocals": -4.3, "drums": -8.0, "bass": -8.0, "other": -5.2}


def test_statistics_agree_with_the_published_table() -> None:
    # Percentiles of the same 94 songs, measured independently (K-weighted power of each stem re the sum of all).
    published = {
        "vocals": (-6.4, -4.3, -3.0),
        "drums": (-13.4, -8.2, -5.3),
        "bass": (-12.9, -8.7, -3.9),
        "instruments": (-9.0, -5.6, -3.7),
    }
    shipped = load_statistics().sets["+".join(LEVEL_GROUPS)]
    for group, values in published.items():
        of_group = shipped[group]
        assert (of_group.p10_lu, of_group.median_lu, of_group.p90_lu) == pytest.approx(values, abs=0.15)
        assert of_group.n == 94


def test_a_balance_inside_the_ranges_gets_no_advice() -> None:
    advice = Prior().advise(noise_song(BALANCED))
    assert all(stem.gain_db == 0 for stem in advice.stems)
    assert {finding.severity for finding in advice.findings} == {"info"}
    for stem in advice.stems:
        assert stem.interval_db[0] <= 0 <= stem.interval_db[1]


@pytest.mark.parametrize(("stem", "fault_db"), [("vocals", -9.0), ("vocals", 9.0), ("bass", 12.0), ("drums", -14.0)])
def test_one_fault_gives_one_move_that_leads_into_the_range(stem: str, fault_db: float) -> None:
    song = moved(noise_song(BALANCED), {stem: fault_db})
    advice = Prior().advise(song)
    moves = {a.stem: a.gain_db for a in advice.stems if a.gain_db != 0}
    assert list(moves) == [stem]
    assert moves[stem] * fault_db < 0
    assert abs(moves[stem]) <= abs(fault_db)
    after = cross_energies(moved(song, moves))
    levels = {name: after.level_rel_mix_lu([i], {}) for i, name in enumerate(after.names)}
    expected = load_statistics().sets["+".join(LEVEL_GROUPS)]["instruments" if stem == "other" else stem]
    assert levels[stem] is not None
    assert expected.p10_lu - 0.1 <= levels[stem] <= expected.p90_lu + 0.1


def test_stems_of_a_group_move_together_and_locks_hold_the_group() -> None:
    kit = noise_song({"vocals": -4.3, "drums": -22.0, "bass": -8.0, "other": -5.2})
    drums = kit.stems[1]
    halves = (Stem("kick", "kick", drums.audio), Stem("snare", "snare", drums.audio[:, ::-1].copy()))
    song = Multitrack("kit", RATE_HZ, (kit.stems[0], *halves, *kit.stems[2:]))
    gains = {a.stem: a.gain_db for a in Prior().advise(song).stems}
    assert gains["kick"] == gains["snare"] > 0
    locked = {a.stem: a.gain_db for a in Prior().advise(song, locks=["kick"]).stems}
    assert locked["kick"] == locked["snare"] == 0


def test_it_says_whose_range_and_which() -> None:
    finding = next(f for f in Prior().advise(noise_song(BALANCED)).findings if f.stems == ("vocals",))
    assert finding.expected == (-6.41, -2.98)
    assert finding.unit == "LU"
    assert "MUSDB18" in finding.source
    assert "94 professional mixes" in finding.text


@pytest.mark.parametrize("stems", [{"vocals": -3.0}, {"other": -3.0}])
def test_one_group_alone_cannot_be_judged(stems: dict[str, float]) -> None:
    advice = Prior().advise(noise_song(stems))
    assert advice.stems == ()
    assert [finding.kind for finding in advice.findings] == ["cannot_say"]


def test_missing_groups_are_compared_with_mixes_of_the_same_groups() -> None:
    advice = Prior().advise(noise_song({"drums": -6.0, "bass": -6.4, "other": -3.4}))
    assert all(stem.gain_db == 0 for stem in advice.stems)
    assert len(advice.findings) == 3


def test_fitting_recovers_the_levels_it_is_given() -> None:
    rng = np.random.default_rng(1)
    songs = [noise_song({name: level + rng.normal(0, 2) for name, level in BALANCED.items()}) for _ in range(12)]
    fitted = fit([cross_energies(song) for song in songs], "made")
    vocals = fitted.sets["vocals+drums+bass+instruments"]["vocals"]
    true = [10 * np.log10((s.stems[0].audio ** 2).sum() / sum((x.audio**2).sum() for x in s.stems)) for s in songs]
    assert vocals.median_lu == pytest.approx(np.median(true), abs=0.2)
    assert vocals.p10_lu <= vocals.median_lu <= vocals.p90_lu


def test_professional_mixes_mostly_stay_untouched(shared_data: Path) -> None:
    songs = sorted((shared_data / "musdb18-7s" / "train").glob("*.stem.mp4"))[::8]
    moves = [[a for a in Prior().advise(load_song(path).multitrack).stems if a.gain_db] for path in songs]
    # Four ranges of 80 % each: about half of all songs have no group outside.
    assert sum(not found for found in moves) >= len(songs) * 0.4
