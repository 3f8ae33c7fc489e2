"""Tensors of a prompt: every clip has its places, in order, as the model's own processor would lay them out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from audio_llm_lessons import eight_lessons, texts_of
from tiny_audio_llm import FLAMINGO_AUDIO, QWEN_AUDIO, make_tiny_flamingo, make_tiny_qwen

from mixingbuddy.models.audio_llm_inputs import answer_loss, encode
from mixingbuddy.models.audio_llm_model import OpenModel, open_base
from mixingbuddy.models.audio_llm_prompt import Prompt, make_prompt

MAKERS = {"qwen": make_tiny_qwen, "flamingo": make_tiny_flamingo}


@pytest.fixture(scope="module", params=MAKERS)
def tiny(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> OpenModel:
    folder = MAKERS[request.param](tmp_path_factory.mktemp(request.param), texts_of(eight_lessons()))
    return open_base(str(folder))


@pytest.fixture(scope="module")
def prompt() -> Prompt:
    return make_prompt(eight_lessons()[0].flawed, clip_s=1.0)


def logits_of(tiny: OpenModel, prompt: Prompt) -> torch.Tensor:
    with torch.inference_mode():
        return torch.as_tensor(tiny.model(**encode(tiny, prompt).arguments(tiny)).logits)


def test_a_second_of_sound_takes_25_places(tiny: OpenModel, prompt: Prompt) -> None:
    encoded = encode(tiny, prompt)
    assert int((encoded.input_ids == tiny.processor.audio_token_id).sum()) == 4 * 25
    half = replace(prompt, clips=tuple(clip[:8000] for clip in prompt.clips))
    assert int((encode(tiny, half).input_ids == tiny.processor.audio_token_id).sum()) == 4 * 12


def test_a_gain_shifts_the_features_by_a_fortieth_per_decibel(tiny: OpenModel, prompt: Prompt) -> None:
    louder = replace(prompt, clips=tuple(clip * np.float32(10 ** (6 / 20)) for clip in prompt.clips))
    shift = encode(tiny, louder).input_features - encode(tiny, prompt).input_features
    assert float(shift[0].median()) == pytest.approx(6 / 40, abs=1e-3)


def test_clips_arrive_in_order(tiny: OpenModel, prompt: Prompt) -> None:
    first, second, *rest = prompt.clips
    swapped = replace(prompt, clips=(second, first, *rest))
    as_is, other_way = encode(tiny, prompt), encode(tiny, swapped)
    assert torch.equal(as_is.input_ids, other_way.input_ids)
    assert torch.equal(as_is.input_features[[1, 0, 2, 3]], other_way.input_features)
    before, after = logits_of(tiny, prompt), logits_of(tiny, swapped)
    assert float((before - after)[0, -1].abs().max()) > 1e-4
    # What stands before the first clip cannot know of it.
    start = int((as_is.input_ids[0] == tiny.processor.audio_token_id).nonzero()[0])
    assert torch.equal(before[0, :start], after[0, :start])


def test_only_the_answer_is_learned(tiny: OpenModel, prompt: Prompt) -> None:
    encoded = encode(tiny, prompt, "I find one fault.")
    question = encode(tiny, prompt)
    assert encoded.labels is not None
    told = encoded.labels[0] != -100
    assert int(told.sum()) == encoded.input_ids.shape[1] - question.input_ids.shape[1]
    assert torch.equal(encoded.input_ids[0, told], encoded.labels[0, told])
    assert tiny.processor.tokenizer.decode(encoded.labels[0, told]) == "I find one fault.<|im_end|>"


def test_the_loss_is_the_models_own(tiny: OpenModel, prompt: Prompt) -> None:
    encoded = encode(tiny, prompt, "I find one fault.")
    with torch.inference_mode():
        whole = tiny.model(**encoded.arguments(tiny), labels=encoded.labels).loss
        assert float(answer_loss(tiny, encoded)) == pytest.approx(float(whole), rel=1e-5)


def test_qwens_own_processor_lays_it_out_alike(tmp_path: Path, prompt: Prompt) -> None:
    tiny = open_base(str(make_tiny_qwen(tmp_path, texts_of(eight_lessons()))))
    place, before, after = QWEN_AUDIO
    words = f"{before}{place}{after}".join(prompt.parts)
    chat = tiny.processor.apply_chat_template(
        [{"role": "user", "content": words}], tokenize=False, add_generation_prompt=True
    )
    theirs = tiny.processor(text=chat, audio=list(prompt.clips), sampling_rate=16000, return_tensors="pt")
    ours = encode(tiny, prompt)
    assert torch.equal(theirs["input_ids"], ours.input_ids)
    assert torch.allclose(theirs["input_features"], ours.input_features)
    assert torch.equal(theirs["feature_attention_mask"], ours.frames_mask)


def test_flamingos_own_processor_refuses_several_audios_but_lays_out_one_alike(tmp_path: Path, prompt: Prompt) -> None:
    tiny = open_base(str(make_tiny_flamingo(tmp_path, texts_of(eight_lessons()))))
    one = replace(prompt, parts=(prompt.parts[0], prompt.parts[-1]), clips=prompt.clips[:1])

    def theirs(asked: Prompt) -> dict[str, torch.Tensor]:
        words = FLAMINGO_AUDIO[0].join(asked.parts)
        chat = tiny.processor.apply_chat_template(
            [{"role": "user", "content": words}], tokenize=False, add_generation_prompt=True
        )
        return dict(tiny.processor(text=[chat], audio=list(asked.clips)))

    with pytest.raises(ValueError, match="they must match 1:1"):
        theirs(prompt)
    assert torch.equal(theirs(one)["input_ids"], encode(tiny, one).input_ids)
    assert torch.allclose(theirs(one)["input_features"], encode(tiny, one).input_features)
