"""Which samples the benchmark asks for."""

from pathlib import Path

import pytest
from musdb_folder import write_musdb

from mixingbuddy.models.data.triplets import Category
from mixingbuddy.models.evaluate import load_material
from mixingbuddy.models.protocols import category_of, specs_of, subsample


def test_every_setting_is_asked_for_the_same_samples(tmp_path: Path) -> None:
    chunks = load_material(write_musdb(tmp_path, valid=2, duration_s=2.0), "valid").chunks
    drawn = [subsample(specs_of(chunks, "single", setting, 3), 10, 3) for setting in ("mix", "stems+other")]
    assert [spec.id for spec in drawn[0]] == [spec.id for spec in drawn[1]]
    assert {spec.setting for spec in drawn[1]} == {"stems+other"}
    everything = specs_of(chunks, "single", "mix", 3)
    order = [everything.index(spec) for spec in drawn[0]]
    assert (len(order), order) == (10, sorted(set(order)))
    assert subsample(everything, 10, 4) != drawn[0]
    assert subsample(everything, 60, 3) == subsample(everything, None, 3) == everything


@pytest.mark.parametrize(
    ("flaw_db", "category"),
    [(-12.0, "very_quiet"), (-3.5, "quiet"), (0.0, "no_error"), (5.9, "loud"), (6.1, "very_loud"), (1.0, None)],
)
def test_the_category_of_a_flaw(flaw_db: float, category: Category | None) -> None:
    assert category_of(flaw_db) == category
