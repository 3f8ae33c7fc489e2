"""The packaged levels: ordered, with named sources, and in agreement with what was published or put in."""

import importlib.util
from itertools import combinations
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mixingbuddy.tools.cross_energies import CrossEnergies
from mixingbuddy.tools.professional_levels import LEVEL_GROUPS, level_group, load_levels, set_name
from mixingbuddy.tools.roles import ROLES

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "professional_levels_script", ROOT / "benchmarks" / "professional_levels.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_set_of_groups_is_there_with_ordered_percentiles_and_named_sources() -> None:
    levels = load_levels()
    sets = [playing for size in (2, 3, 4) for playing in combinations(LEVEL_GROUPS, size)]
    assert set(levels.sets) == {set_name(playing) for playing in sets}
    assert "10.5281/zenodo.1117372" in levels.sources["sets"]
    assert "MixParams" in levels.sources["taste, roles"]
    for playing in sets:
        for group in playing:
            passage = levels.passage(group, playing)
            assert passage is not None
            assert (passage.songs, passage.passages) == (94, 188)
            for spread in (passage.level_rel_mix_lu, passage.level_rel_rest_lu):
                assert spread.p5 < spread.p10 < spread.p50 < spread.p90 < spread.p95
            # Of unrelated groups the share of the mix follows from the ratio to the rest.
            rest = 10 ** (passage.level_rel_rest_lu.p50 / 10)
            assert passage.level_rel_mix_lu.p50 == pytest.approx(10 * np.log10(rest / (1 + rest)), abs=0.5)
            assert passage.change_rel_rest_lu.p50 < passage.change_rel_rest_lu.p90 < passage.change_rel_rest_lu.p95


@pytest.mark.parametrize(
    ("group", "p10", "p50", "p90"),
    [("vocals", -6.4, -4.3, -3.0), ("drums", -13.4, -8.2, -5.3), ("bass", -12.9, -8.7, -3.9)],
)
def test_passages_lie_where_whole_previews_do(group: str, p10: float, p50: float, p90: float) -> None:
    """Level re the sum of all, whole 7 s, measured for the project's first findings by another program."""
    spread = load_levels().sets["vocals+drums+bass+instruments"][group].level_rel_mix_lu
    assert (spread.p10, spread.p50, spread.p90) == pytest.approx((p10, p50, p90), abs=0.6)


def test_a_group_alone_has_nothing_to_be_compared_with() -> None:
    assert load_levels().passage("vocals", ["vocals"]) is None
    assert load_levels().passage("vocals", ["drums", "bass"]) is None


def test_every_role_belongs_to_one_of_four_groups() -> None:
    assert {level_group(role) for role in ROLES} == set(LEVEL_GROUPS)
    assert [level_group(role) for role in ("backing_vocals", "kick", "bass", "keys")] == list(LEVEL_GROUPS)


def test_engineers_disagree_least_about_the_voice() -> None:
    taste = load_levels().taste
    assert min(taste, key=lambda group: taste[group].sd_rel_mix_lu) == "vocals"
    assert taste["vocals"].sd_rel_mix_lu == pytest.approx(1.8, abs=0.3)
    assert set(taste) == set(LEVEL_GROUPS)


def test_the_script_reproduces_the_spread_between_engineers(script: ModuleType, shared_data: Path) -> None:
    taste, roles = script._engineers(shared_data / script.MIXPARAMS)
    packaged = load_levels().model_dump()
    assert taste == packaged["taste"]
    assert roles == packaged["roles"]


def test_the_script_measures_levels_and_changes_that_were_put_in(script: ModuleType) -> None:
    """Vocals 3 dB over the bass in the first half, 1 dB in the second."""
    per_hop = np.zeros((60, 2, 2), np.float32)
    per_hop[:30, 0, 0], per_hop[30:, 0, 0], per_hop[:, 1, 1] = 10**0.3, 10**0.1, 1.0
    song = CrossEnergies(("vocals", "bass"), ("vocals", "bass"), per_hop)
    derived = script._passage_levels([song], "vocals", ("vocals", "bass"))
    assert derived["level_rel_rest_lu"]["p50"] == pytest.approx(2, abs=0.01)
    assert derived["change_rel_rest_lu"]["p90"] == pytest.approx(2, abs=0.01)
    assert derived["level_rel_mix_lu"]["p95"] < 10 * np.log10(10**0.3 / (1 + 10**0.3)) + 0.01
    assert (derived["songs"], derived["passages"]) == (1, 2)
    silent = CrossEnergies(song.names, song.roles, np.zeros((60, 2, 2), np.float32))
    assert list(script._halves(silent, "vocals", ("vocals", "bass"))) == [None, None]
