"""What `config.json` beside the weights may hold."""

import pytest
from pydantic import ValidationError

from mixingbuddy.models.differential.bands import layout
from mixingbuddy.models.differential.configuration import DifferentialConfig
from mixingbuddy.models.differential.shape import Shape
from mixingbuddy.models.differential.words import template_vocabulary


def test_a_new_shape_hears_all_bands_has_all_words_and_expects_no_balance() -> None:
    shape = Shape()
    assert shape.bands == layout().count
    assert shape.vocabulary == template_vocabulary()
    assert shape.vocab_size == len(template_vocabulary())
    assert shape.balance_mean_db == (0.0,) * 4
    assert [shape.balance_covariance_db[i][j] for i in range(4) for j in range(4)] == [
        16.0 * (i == j) for i in range(4) for j in range(4)
    ]


def test_what_transformers_writes_is_read_and_its_own_fields_are_passed_over() -> None:
    config = DifferentialConfig(width=16, hearing_scale=1.25, balance_mean_db=(1.0, 0.0, -2.0, 1.0))
    shape = Shape.model_validate_json(config.to_json_string(use_diff=False))
    assert (shape.width, shape.hearing_scale, shape.balance_mean_db) == (16, 1.25, (1.0, 0.0, -2.0, 1.0))
    assert shape == Shape(width=16, hearing_scale=1.25, balance_mean_db=(1.0, 0.0, -2.0, 1.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"bands": 70},
        {"hearing_scale": 0},
        {"hearing_scale": float("nan")},
        {"balance_mean_db": (0.0, 0.0)},
        {"channels": (4, 4)},
        {"dropout": 1.0},
    ],
)
def test_a_shape_that_no_model_can_have_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Shape(**wrong)
