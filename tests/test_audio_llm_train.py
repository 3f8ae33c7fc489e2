"""Training of the large audio model: what is trained, that it resumes as if nothing had happened, what it refuses."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch
from audio_llm_lessons import eight_lessons, small_song, texts_of
from tiny_audio_llm import make_tiny_qwen

from mixingbuddy.models.audio_llm_inputs import answer_loss, encode
from mixingbuddy.models.audio_llm_lessons import lessons_from, song_lessons, spread
from mixingbuddy.models.audio_llm_model import (
    adapter_weights,
    open_adapter,
    open_base,
    save_adapter,
    with_new_adapter,
)
from mixingbuddy.models.audio_llm_options import Options, Progress, order_at, rate_at
from mixingbuddy.models.audio_llm_prompt import make_prompt
from mixingbuddy.models.audio_llm_train import compute_again, fit, ready_to_learn, train_audio_llm
from mixingbuddy.models.data.chunks import Chunk
from mixingbuddy.models.data.triplets import SETTINGS
from mixingbuddy.tools.errors import UserError

SHORT = Options(steps=4, gradient_accumulation=2, learning_rate=1e-2, rank=4, dropout=0.1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_qwen(tmp_path_factory.mktemp("tiny"), texts_of(eight_lessons()))


def interrupt_at(step: int) -> Callable[[Progress], None]:
    def on_step(progress: Progress) -> None:
        if progress.step == step:
            raise KeyboardInterrupt

    return on_step


def test_lora_is_on_the_language_model_alone_and_the_projector_is_whole(tiny: Path) -> None:
    model = with_new_adapter(open_base(str(tiny)), rank=4, alpha=8, dropout=0.0, train_lm_head=False).model
    trained = {name for name, weights in model.named_parameters() if weights.requires_grad}
    assert trained == set(adapter_weights(model))
    lora = {name for name in trained if "lora_" in name}
    assert len(lora) == 2 * 7 * 2  # layers, linear layers in each, matrices A and B
    assert all("language_model" in name for name in lora)
    assert all("multi_modal_projector" in name for name in trained - lora)
    assert not any("audio_tower" in name for name in trained)


def test_an_adapter_comes_back_with_equal_logits(tiny: Path, tmp_path: Path) -> None:
    prompt = make_prompt(eight_lessons()[0].flawed, clip_s=1.0)
    base = open_base(str(tiny))
    encoded = encode(base, prompt)

    def logits(model: Any) -> torch.Tensor:
        with torch.inference_mode():
            return torch.as_tensor(model(**encoded.arguments(base)).logits)

    before = logits(base.model)
    ours = with_new_adapter(base, rank=4, alpha=8, dropout=0.0, train_lm_head=True)
    generator = torch.Generator().manual_seed(1)
    for weights in adapter_weights(ours.model).values():
        weights.data += 0.05 * torch.randn(weights.shape, generator=generator)
    ours.model.eval()
    after = logits(ours.model)
    assert not torch.allclose(before, after, atol=1e-2)
    save_adapter(ours, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert torch.equal(logits(open_adapter(tmp_path).model), after)


def test_computing_activations_again_changes_no_gradient(tiny: Path) -> None:
    training = ready_to_learn(open_base(str(tiny)), None, replace(SHORT, dropout=0.0))
    encoded = encode(training, make_prompt(eight_lessons()[0].flawed, clip_s=1.0), "I find one fault.")
    gradients = []
    for again in (False, True):
        if again:
            compute_again(training)
        training.model.zero_grad()
        answer_loss(training, encoded).backward()
        weights = adapter_weights(training.model)
        gradients.append({name: w.grad.clone() for name, w in weights.items() if w.grad is not None})
        assert len(gradients[-1]) == len(weights)
    assert any(layer.gradient_checkpointing for layer in training.model.get_base_model().model.language_model.layers)
    assert all(torch.allclose(gradients[0][name], gradients[1][name], atol=1e-6) for name in gradients[0])


def test_an_interrupted_training_ends_as_one_that_was_not(tiny: Path, tmp_path: Path) -> None:
    lessons = eight_lessons()
    whole = fit(str(tiny), lessons, tmp_path / "whole", SHORT)
    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        fit(str(tiny), lessons, broken, SHORT, checkpoint_every=1, on_step=interrupt_at(3))
    assert [path.name for path in broken.iterdir()] == ["checkpoint-00000003"]
    kept = {path.suffix for path in (broken / "checkpoint-00000003").iterdir()}
    assert kept == {".json", ".safetensors"}
    fit(str(tiny), lessons, broken, SHORT, resume=True)
    files = ["adapter_config.json", "adapter_model.safetensors", "training.json"]
    assert sorted(path.name for path in broken.iterdir()) == files
    for name in files[1:]:
        assert (broken / name).read_bytes() == (whole / name).read_bytes()


def test_a_training_is_neither_overwritten_nor_continued_as_another(tiny: Path, tmp_path: Path) -> None:
    lessons = eight_lessons()
    with pytest.raises(UserError, match="no checkpoint to resume"):
        fit(str(tiny), lessons, tmp_path, SHORT, resume=True)
    with pytest.raises(KeyboardInterrupt):
        fit(str(tiny), lessons, tmp_path, SHORT, checkpoint_every=1, on_step=interrupt_at(1))
    with pytest.raises(UserError, match="add --resume"):
        fit(str(tiny), lessons, tmp_path, SHORT)
    with pytest.raises(UserError, match=r"begun with learning_rate = 0\.01, not 0\.001"):
        fit(str(tiny), lessons, tmp_path, replace(SHORT, learning_rate=1e-3), resume=True)
    (tmp_path / "checkpoint-00000001" / "optimizer.safetensors").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="damaged"):
        fit(str(tiny), lessons, tmp_path, SHORT, resume=True)


def test_numbers_that_make_no_training_are_refused(tiny: Path, tmp_path: Path) -> None:
    for options, text in [
        (replace(SHORT, steps=0), "steps is 0"),
        (replace(SHORT, gradient_accumulation=0), "gradient_accumulation is 0"),
        (replace(SHORT, learning_rate=0.0), "learning rate is 0.0"),
    ]:
        with pytest.raises(UserError, match=text):
            fit(str(tiny), eight_lessons(), tmp_path, options)
    with pytest.raises(UserError, match="nothing to learn from"):
        fit(str(tiny), [], tmp_path, SHORT)


@pytest.mark.skipif(torch.cuda.is_available(), reason="about machines without a GPU")
def test_four_bits_need_a_gpu(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="4 bits need an NVIDIA GPU"):
        fit(str(tiny), eight_lessons(), tmp_path, replace(SHORT, four_bit=True))


def test_pairs_of_other_people_are_learned_from(tiny: Path, tmp_path: Path) -> None:
    song = small_song()
    for stem in song.stems:
        soundfile.write(tmp_path / f"{stem.name}.wav", stem.audio.T, song.sample_rate_hz, subtype="FLOAT")
    line = {"id": "one", "stems": {name: f"{name}.wav" for name in song.names}, "moves": {"bass": -3.0}}
    (tmp_path / "pairs.jsonl").write_text(json.dumps(line))
    steps: list[Progress] = []
    out = train_audio_llm(
        str(tiny), tmp_path / "pairs.jsonl", tmp_path / "out", steps=2, gradient_accumulation=1, on_step=steps.append
    )
    assert [progress.step for progress in steps] == [1, 2]
    assert json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"] == str(tiny.resolve())


def test_songs_give_lessons_of_every_setting(tmp_path: Path) -> None:
    chunks = [Chunk(f"song {seed}", 0, 0.0, small_song(seed)) for seed in (1, 2)]
    two, one = song_lessons(chunks, seed=0), song_lessons(chunks[:1], seed=0)
    assert {spec.setting for spec in two.specs} == set(SETTINGS)
    assert {spec.setting for spec in one.specs} == {setting for setting in SETTINGS if "other" not in setting}
    assert sum(spec.protocol == "single" for spec in two.specs) * 2 == len(two)
    assert two[3].label == two[3].label
    with pytest.raises(UserError):
        lessons_from(tmp_path, seed=0, chunks_per_song=1)


def test_chunks_are_spread_over_a_song() -> None:
    chunks = [Chunk("song", index, 10.0 * index, small_song(duration_s=0.1)) for index in range(9)]
    assert [chunk.index for chunk in spread(chunks, 3)] == [1, 4, 7]
    assert spread(chunks[:2], 3) == chunks[:2]


def test_every_round_has_all_lessons_and_the_rate_rises_then_falls() -> None:
    rounds = [[order_at(index, 8, seed=3) for index in range(8 * n, 8 * n + 8)] for n in range(2)]
    assert sorted(rounds[0]) == sorted(rounds[1]) == list(range(8))
    assert rounds[0] != rounds[1]
    rates = [rate_at(step, Options(steps=100, warm_up=0.1)) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == 1.0
    assert rates == sorted(rates[:10]) + sorted(rates[10:], reverse=True)
