"""The light model and its transformers form are one model."""

from pathlib import Path

import torch
from differential_inputs import noise_powers, sentence_inputs
from tiny_differential import tiny

from mixingbuddy.models.differential.compact import CompactModel
from mixingbuddy.models.differential.modelling import DifferentialModel
from mixingbuddy.models.differential.weights import load_model
from mixingbuddy.models.differential.writer import About


@torch.inference_mode()
def test_weights_that_transformers_saved_are_heard_and_written_with_alike_without_it(tmp_path: Path) -> None:
    saved = tiny(DifferentialModel, 5, hearing_scale=1.25)
    for module in saved.modules():  # as after training, when they are no longer 0 and 1
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-1, 1)
            module.running_var.uniform_(0.5, 2)
    saved.save_pretrained(tmp_path)
    light = load_model(tmp_path)
    assert isinstance(light, CompactModel)
    assert light.config.hearing_scale == 1.25
    assert list(light.config.vocabulary) == saved.config.vocabulary
    powers = torch.from_numpy(noise_powers(range(2), 0.5))
    for once, again in zip(saved.hear(powers), light.hear(powers), strict=True):
        torch.testing.assert_close(once, again)
    inputs = sentence_inputs(saved.config)
    words = inputs.pop("input_ids")
    torch.testing.assert_close(light.writer(words, About(**inputs)), saved(words, **inputs).logits)


@torch.inference_mode()
def test_a_loaded_model_answers_the_same_twice(tmp_path: Path) -> None:
    tiny(DifferentialModel, 5).save_pretrained(tmp_path)
    light = load_model(tmp_path)
    powers = torch.from_numpy(noise_powers(range(1), 0.5))
    assert not light.training
    assert torch.equal(light.hear(powers).levels, light.hear(powers).levels)


def test_both_forms_have_the_same_weights_by_the_same_names() -> None:
    saved, light = (tiny(kind, 5).state_dict() for kind in (DifferentialModel, CompactModel))
    assert list(saved) == list(light)
    assert all(torch.equal(saved[name], light[name]) for name in saved)
