"""Tiny Qwen2-Audio and Audio Flamingo 3 of random weights, complete on disk: config, processor, weights."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# Exact figures are those of the CPU: on a GPU the arithmetic is bfloat16.
os.environ["CUDA_VISIBLE_DEVICES"] = ""
MELS, HEARD_S = 32, 1
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
QWEN_AUDIO = ("<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>")
FLAMINGO_AUDIO = ("<sound>",)
# As the published model has it: of several audios in a list of parts it would keep one mark, at the front.
FLAMINGO_TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}<sound>{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tiny_qwen(folder: Path, texts: Iterable[str]) -> Path:
    """Qwen2-Audio that hears one second per clip in 25 positions; its tokenizer is trained on `texts`."""
    from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

    tokenizer = _tokenizer(texts, QWEN_AUDIO)
    config = Qwen2AudioConfig(
        audio_config=_ear(),
        text_config=_mind(tokenizer),
        audio_token_index=tokenizer.convert_tokens_to_ids("<|AUDIO|>"),
    )
    processor = Qwen2AudioProcessor(_extractor(), tokenizer)
    return _saved(folder, Qwen2AudioForConditionalGeneration, config, processor)


def make_tiny_flamingo(folder: Path, texts: Iterable[str]) -> Path:
    """The same with the classes of Audio Flamingo 3."""
    from transformers import AudioFlamingo3Config, AudioFlamingo3ForConditionalGeneration, AudioFlamingo3Processor

    tokenizer = _tokenizer(texts, FLAMINGO_AUDIO)
    config = AudioFlamingo3Config(
        audio_config=_ear(),
        text_config=_mind(tokenizer),
        audio_token_id=tokenizer.convert_tokens_to_ids("<sound>"),
    )
    processor = AudioFlamingo3Processor(_extractor(), tokenizer, chat_template=FLAMINGO_TEMPLATE)
    return _saved(folder, AudioFlamingo3ForConditionalGeneration, config, processor)


def _ear() -> dict[str, Any]:
    return {
        "num_mel_bins": MELS,
        "d_model": 48,
        "encoder_layers": 1,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 96,
        "initializer_range": 0.1,
        "max_source_positions": 50 * HEARD_S,
    }


def _mind(tokenizer: Any) -> dict[str, Any]:
    return {
        "model_type": "qwen2",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 128,
        "initializer_range": 0.1,
        "vocab_size": len(tokenizer),
        "tie_word_embeddings": False,
    }


def _extractor() -> Any:
    from transformers import WhisperFeatureExtractor

    return WhisperFeatureExtractor(feature_size=MELS, chunk_length=HEARD_S)


def _tokenizer(texts: Iterable[str], audio_tokens: tuple[str, ...]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=[*CONTROL, *audio_tokens],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")


def _saved(folder: Path, model_class: Any, config: Any, processor: Any) -> Path:
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = model_class(config)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
