"""How fast a model of Qwen2-Audio-7B's shape trains and answers on this GPU: speeds and memory, nothing else.

python benchmarks/audio_llm_speed.py [--clips 9] [--steps 10] [--accumulation 4] [--answers 3]

The weights are random, so nothing here says how good any advice is. What is measured is the training step and the
generation that `mixingbuddy train --model` and `--advisor audio-llm` run, on random clips and words; reading songs is
not part of it.
"""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

# The shape of Qwen2-Audio-7B-Instruct as its config.json gives it; the audio part is the library's default.
TEXT_CONFIG: dict[str, Any] = {
    "model_type": "qwen2",
    "vocab_size": 156032,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "max_position_embeddings": 8192,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
}
WORD_TOKENS, ANSWER_TOKENS, TOKENS_PER_CLIP, FRAMES, MELS = 120, 60, 250, 3000, 128
FIRST_WORD, WORDS = 1000, 100_000
GIB = 2**30


def main(arguments: list[str] | None = None) -> int:
    """Print one JSON object; exit code 2 with one line where there is no GPU."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--clips", type=int, default=9, help="clips of 10 s in each prompt")
    parser.add_argument("--steps", type=int, default=10, help="training steps that are timed, after two that are not")
    parser.add_argument("--accumulation", type=int, default=4, help="samples in each step")
    parser.add_argument("--answers", type=int, default=3, help="answers that are timed, after one that is not")
    chosen = parser.parse_args(arguments)
    if min(chosen.clips, chosen.steps, chosen.accumulation, chosen.answers) < 1:
        parser.error("all numbers must be at least 1")

    import torch

    if not torch.cuda.is_available():
        print(
            "this benchmark needs an NVIDIA GPU, and none was found; run it on a machine that has one", file=sys.stderr
        )
        return 2
    print(json.dumps(measured(chosen.clips, chosen.steps, chosen.accumulation, chosen.answers), indent=1))
    return 0


def measured(clips: int, steps: int, accumulation: int, answers: int) -> dict[str, Any]:
    """Everything that is measured, with what it was measured on."""
    import torch
    import transformers

    from mixingbuddy.models.audio_llm_model import OpenModel

    began = time.monotonic()
    config = transformers.Qwen2AudioConfig(text_config=TEXT_CONFIG)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device("cuda"):
            model: Any = transformers.Qwen2AudioForConditionalGeneration(config)
    finally:
        torch.set_default_dtype(torch.float32)
    model.name_or_path = "random weights"
    base = OpenModel(model.eval(), None, model.name_or_path)
    return {
        "device": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "weights": "random, bfloat16",
        "parameters_1e9": round(sum(weights.numel() for weights in model.parameters()) / 1e9, 2),
        "seconds_to_build": round(time.monotonic() - began, 1),
        "clips_per_prompt": clips,
        "answering": _answering(base, clips, answers),
        "training": _training(base, clips, steps, accumulation),
    }


def _answering(base: Any, clips: int, answers: int) -> dict[str, float]:
    """Greedy generation of a whole answer, prompt included."""
    import torch

    sample = next(_samples(base, clips))
    question = sample.input_ids[:, :-ANSWER_TOKENS]
    arguments = replace(sample, input_ids=question, labels=None).arguments(base)

    def seconds(tokens: int) -> float:
        torch.cuda.synchronize()
        began = time.monotonic()
        with torch.inference_mode(), base.computing():
            base.model.generate(
                **arguments, do_sample=False, max_new_tokens=tokens, min_new_tokens=tokens, pad_token_id=0
            )
        torch.cuda.synchronize()
        return time.monotonic() - began

    seconds(ANSWER_TOKENS)
    torch.cuda.reset_peak_memory_stats()
    whole = sum(seconds(ANSWER_TOKENS) for _ in range(answers)) / answers
    first = sum(seconds(1) for _ in range(answers)) / answers
    return {
        "prompt_tokens": question.shape[1],
        "answer_tokens": ANSWER_TOKENS,
        "seconds_per_answer": round(whole, 3),
        "seconds_to_first_token": round(first, 3),
        "tokens_per_s_after_the_first": round((ANSWER_TOKENS - 1) / (whole - first), 1),
        "peak_gib": round(torch.cuda.max_memory_allocated() / GIB, 1),
    }


def _training(base: Any, clips: int, steps: int, accumulation: int) -> dict[str, float]:
    """LoRA steps as `train` does them."""
    import torch

    from mixingbuddy.models.audio_llm_model import adapter_weights
    from mixingbuddy.models.audio_llm_options import Options
    from mixingbuddy.models.audio_llm_train import ready_to_learn, train_step

    options = Options(steps=steps + 2, gradient_accumulation=accumulation)
    training = ready_to_learn(base, None, options)
    weights = adapter_weights(training.model)
    optimizer = torch.optim.AdamW(weights.values(), lr=options.learning_rate, weight_decay=0.0)
    samples = _samples(training, clips)
    for step in range(2):
        train_step(training, optimizer, samples, step, options)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    began = time.monotonic()
    losses = [train_step(training, optimizer, samples, step, options) for step in range(2, steps + 2)]
    torch.cuda.synchronize()
    per_step = (time.monotonic() - began) / steps
    tokens = next(samples).input_ids.shape[1]
    return {
        "trained_parameters_1e6": round(sum(one.numel() for one in weights.values()) / 1e6, 1),
        "samples_per_step": accumulation,
        "tokens_per_sample": tokens,
        "steps_per_s": round(1 / per_step, 3),
        "samples_per_s": round(accumulation / per_step, 2),
        "tokens_per_s": round(accumulation * tokens / per_step),
        "peak_gib": round(torch.cuda.max_memory_allocated() / GIB, 1),
        "last_loss": round(losses[-1], 3),
    }


def _samples(model: Any, clips: int) -> Iterator[Any]:
    """Random words, random clips of 10 s in windows of 30, random answers."""
    import torch

    from mixingbuddy.models.audio_llm_inputs import IGNORED, Encoded

    generator = torch.Generator().manual_seed(0)
    place = model.model.config.audio_token_id
    mask = torch.zeros(clips, FRAMES, dtype=torch.long)
    mask[:, : 4 * TOKENS_PER_CLIP] = 1
    for _ in itertools.count():
        words = torch.randint(FIRST_WORD, WORDS, (WORD_TOKENS + ANSWER_TOKENS,), generator=generator)
        places = torch.full((clips * TOKENS_PER_CLIP,), place)
        ids = torch.cat([words[: WORD_TOKENS // 2], places, words[WORD_TOKENS // 2 :]])
        labels = torch.full_like(ids, IGNORED)
        labels[-ANSWER_TOKENS:] = ids[-ANSWER_TOKENS:]
        yield Encoded(ids[None], torch.randn(clips, MELS, FRAMES, generator=generator), mask, labels[None])


if __name__ == "__main__":
    sys.exit(main())
