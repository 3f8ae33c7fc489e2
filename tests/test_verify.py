import numpy as np
import pytest
from songs import RATE_HZ, make_stems

from mixingbuddy.tools.levels import cross_energies
from mixingbuddy.tools.moves import GainMove
from mixingbuddy.tools.multitrack import Multitrack, Stem
from mixingbuddy.tools.render import moved, render
from mixingbuddy.tools.verify import (
    Claim,
    Verdict,
    group_claims,
    judge,
    level_claims,
    measure_groups,
    measure_render,
    mix_claims,
)


def song() -> Multitrack:
    return Multitrack("song", RATE_HZ, tuple(Stem(name, "other", audio) for name, audio in make_stems(3.0).items()))


def verdict_of(promised: dict[str, float], done: dict[str, float]) -> Verdict:
    """Promise one set of faders, render another."""
    multitrack, energies = song(), cross_energies(song())
    rendered = render(multitrack, [GainMove(stem=s, gain_db=g) for s, g in done.items()])
    claims = [
        *level_claims(energies, {}, promised),
        *mix_claims(energies, {}, promised, -3.0, rendered.headroom_gain_db),
    ]
    return judge(claims, measure_render(energies, rendered), rendered.headroom_gain_db)


def test_what_is_done_as_promised_is_kept() -> None:
    verdict = verdict_of({"vocals": 5.0, "bass": -3.0}, {"vocals": 5.0, "bass": -3.0})
    assert verdict.kept
    assert {(claim.metric, claim.stem) for claim in verdict.claims} == {
        ("level_rel_mix_lu", "vocals"),
        ("level_rel_mix_lu", "bass"),
        ("loudness_lufs", None),
        ("true_peak_dbtp", None),
    }


@pytest.mark.parametrize("done_db", [4.0, 6.0, -5.0])
def test_what_is_done_otherwise_is_broken(done_db: float) -> None:
    verdict = verdict_of({"vocals": 5.0}, {"vocals": done_db})
    assert ("level_rel_mix_lu", "vocals") in {(claim.metric, claim.stem) for claim in verdict.broken}


def test_the_measured_level_is_that_of_the_stem_in_the_rendered_sum() -> None:
    # Two unrelated noises of equal level; one is turned up by 6.02 dB: 10 log10(4 / (4 + 1)) = -0.97 LU re the mix.
    rng = np.random.default_rng(0)
    stems = [(0.05 * rng.standard_normal((1, 4 * RATE_HZ))).astype(np.float32) for _ in range(2)]
    pair = Multitrack("pair", RATE_HZ, (Stem("a", "other", stems[0]), Stem("b", "other", stems[1])))
    measured = measure_render(cross_energies(pair), render(pair, [GainMove(stem="a", gain_db=6.02)]))
    assert measured["level_rel_mix_lu", "a"] == pytest.approx(-0.97, abs=0.05)


def test_the_peak_is_a_ceiling_and_a_missing_measurement_breaks() -> None:
    ceiling = Claim(metric="true_peak_dbtp", stem=None, unit="dBTP", before=0.5, predicted=-1.0, tolerance=0.05)
    level = Claim(metric="level_rel_mix_lu", stem="a", unit="LU", before=-9, predicted=-5, tolerance=0.2)
    for peak, kept in ((-7.0, True), (-1.0, True), (-0.9, False)):
        assert judge([ceiling], {("true_peak_dbtp", None): peak}, 0.0).kept is kept
    assert not judge([level], {("level_rel_mix_lu", "a"): None}, 0.0).kept
    assert not judge([level], {}, 0.0).kept
    assert not judge([], {}, 0.0).kept


def test_headroom_is_part_of_the_promise() -> None:
    hot = Multitrack("hot", RATE_HZ, moved(song(), dict.fromkeys(song().names, 12.0)).stems)
    energies = cross_energies(hot)
    rendered = render(hot, [GainMove(stem="vocals", gain_db=6.0)])
    assert rendered.headroom_gain_db < -5
    claims = mix_claims(energies, {}, {"vocals": 6.0}, 8.0, rendered.headroom_gain_db)
    assert judge(claims, measure_render(energies, rendered), rendered.headroom_gain_db).kept


def test_a_groups_level_is_promised_and_measured_on_its_own_sum() -> None:
    multitrack, energies = song(), cross_energies(song())
    groups = {"singers": ("vocals",), "band": ("drums", "bass", "guitar")}
    after = {"drums": -6.0, "bass": -6.0, "guitar": -6.0}
    claims = group_claims(energies, groups, {}, after)
    assert [claim.stem for claim in claims] == ["band"]
    assert judge(claims, measure_groups(multitrack, groups, after, ["band"]), 0.0).kept
    assert not judge(claims, measure_groups(multitrack, groups, {}, ["band"]), 0.0).kept


def test_groups_are_compared_among_the_stems_that_are_known() -> None:
    # Three unrelated noises of equal power; the third is left out of the groups: -3.01 LU, not -4.77.
    rng = np.random.default_rng(1)
    stems = [(0.05 * rng.standard_normal((1, 4 * RATE_HZ))).astype(np.float32) for _ in range(3)]
    trio = Multitrack("trio", RATE_HZ, tuple(Stem(n, "other", a) for n, a in zip("abc", stems, strict=True)))
    measured = measure_groups(trio, {"x": ("a",), "y": ("b",)}, {}, ["x"])
    assert measured["group_level_rel_known_lu", "x"] == pytest.approx(-3.01, abs=0.05)
