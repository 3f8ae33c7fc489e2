"""The model's settings survive being written down."""

import json
from pathlib import Path

import pytest

from mixingbuddy.models.differential.bands import layout
from mixingbuddy.models.differential.configuration import FORMAT_VERSION, DifferentialConfig
from mixingbuddy.models.differential.words import template_vocabulary

COVARIANCE_DB = tuple(tuple(4.0 * (i == j) + 0.25 for j in range(4)) for i in range(4))


def settled() -> DifferentialConfig:
    return DifferentialConfig(
        channels=(4, 4, 8),
        width=16,
        balance_mean_db=(1.5, 0.25, -2.0, 0.25),
        balance_covariance_db=COVARIANCE_DB,
        hearing_scale=1.37,
        vocabulary=("<pad>", "<begin>", "<end>", "{stem}", "up"),
    )


def test_everything_that_a_model_knows_survives_a_file(tmp_path: Path) -> None:
    before = settled()
    before.save_pretrained(tmp_path)
    after = DifferentialConfig.from_pretrained(tmp_path)
    assert after.to_dict() == before.to_dict()
    assert after.balance_mean_db == [1.5, 0.25, -2.0, 0.25]
    assert after.balance_covariance_db == [list(row) for row in COVARIANCE_DB]
    assert after.vocabulary == before.vocabulary
    assert after.vocab_size == 5
    assert after.hearing_scale == 1.37
    assert json.loads((tmp_path / "config.json").read_text())["format_version"] == FORMAT_VERSION


def test_json_and_back_changes_nothing() -> None:
    once = settled()
    again = DifferentialConfig(**json.loads(once.to_json_string(use_diff=False)))
    assert json.loads(again.to_json_string(use_diff=False)) == json.loads(once.to_json_string(use_diff=False))


def test_a_new_model_has_all_words_hears_all_bands_and_expects_no_balance() -> None:
    config = DifferentialConfig()
    assert tuple(config.vocabulary) == template_vocabulary()
    assert config.bands == layout().count
    assert config.balance_mean_db == [0.0] * 4
    assert [config.balance_covariance_db[i][i] for i in range(4)] == [16.0] * 4
    assert (config.pad_token_id, config.bos_token_id, config.eos_token_id) == (0, 1, 2)


def test_special_words_are_found_wherever_they_stand() -> None:
    config = DifferentialConfig(vocabulary=("up", "<end>", "<begin>", "<pad>"))
    assert (config.pad_token_id, config.bos_token_id, config.eos_token_id) == (3, 2, 1)


def test_a_vocabulary_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        DifferentialConfig(vocabulary=("<pad>", "<begin>", "up"))
