"""The model as transformers sees it: saved and loaded, its loss, and writing word by word."""

from pathlib import Path

import numpy as np
import pytest
import torch
from differential_inputs import noise_powers, sentence_inputs
from tiny_differential import tiny

from mixingbuddy.models.differential.modelling import DifferentialModel
from mixingbuddy.models.differential.words import BEGIN, Words
from mixingbuddy.models.differential.writer import LONGEST


@torch.inference_mode()
def test_a_loaded_model_hears_and_writes_as_the_saved_one(tmp_path: Path) -> None:
    model = tiny(DifferentialModel, 3, hearing_scale=1.5)
    model.save_pretrained(tmp_path)
    assert sorted(path.suffix for path in tmp_path.iterdir()) in (
        [".json", ".safetensors"],
        [".json", ".json", ".safetensors"],
    )
    loaded = DifferentialModel.from_pretrained(tmp_path, local_files_only=True).eval()
    inputs, powers = sentence_inputs(model.config), torch.from_numpy(noise_powers(range(2), 0.5))
    torch.testing.assert_close(loaded(**inputs).logits, model(**inputs).logits)
    for once, again in zip(model.hear(powers), loaded.hear(powers), strict=True):
        torch.testing.assert_close(once, again)
    assert loaded.config.hearing_scale == 1.5


@torch.inference_mode()
def test_the_loss_is_the_mean_surprise_of_each_next_word() -> None:
    model = tiny(DifferentialModel)
    inputs = sentence_inputs(model.config, words=6)
    labels = inputs["input_ids"].clone()
    labels[0, 4:] = -100
    told = model(**inputs, labels=labels)
    logits = told.logits.double().numpy()
    surprise = []
    for row in range(2):
        for place in range(1, 6):
            if labels[row, place] != -100:
                before = logits[row, place - 1]
                surprise.append(np.logaddexp.reduce(before) - before[labels[row, place]])
    assert len(surprise) == 8
    assert told.loss.item() == pytest.approx(np.mean(surprise), rel=1e-5)


def test_without_labels_there_is_no_loss() -> None:
    model = tiny(DifferentialModel)
    assert model(**sentence_inputs(model.config)).loss is None


@torch.inference_mode()
def test_words_are_generated_one_after_the_other_each_the_likeliest() -> None:
    model = tiny(DifferentialModel)
    about = sentence_inputs(model.config, size=3)
    begin = torch.full((3, 1), Words(model.config.vocabulary).numbers[BEGIN])
    del about["input_ids"]
    written = model.generate(begin, **about, max_new_tokens=5, min_new_tokens=5, do_sample=False, use_cache=False)
    again = model.generate(begin, **about, max_new_tokens=5, min_new_tokens=5, do_sample=False, use_cache=False)
    assert torch.equal(written, again)
    assert written.shape == (3, 6)
    text = begin
    for _ in range(5):
        logits = model(text, **about).logits[:, -1]
        logits[:, model.config.eos_token_id] = -torch.inf
        text = torch.cat([text, logits.argmax(-1, keepdim=True)], dim=1)
    assert torch.equal(written, text)


@torch.inference_mode()
def test_a_text_can_grow_to_the_longest_that_the_writer_knows() -> None:
    model = tiny(DifferentialModel)
    about = sentence_inputs(model.config)
    begin = torch.full((2, 1), 1)
    del about["input_ids"]
    written = model.generate(
        begin, **about, max_new_tokens=LONGEST - 1, min_new_tokens=LONGEST - 1, do_sample=False, use_cache=False
    )
    assert written.shape == (2, LONGEST)


def test_weights_that_were_set_are_not_drawn_anew() -> None:
    torch.manual_seed(0)
    first = tiny(DifferentialModel, 1)
    # The corrections of the ear start small, as the ear itself made them.
    assert first.ear.beliefs[-1].bias.abs().max() == 0
    assert first.ear.beliefs[-1].weight.abs().max() < 0.1 / np.sqrt(first.config.width) + 1e-6
