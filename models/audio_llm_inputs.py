"""From a prompt to the tensors of Qwen2-Audio or Audio Flamingo 3, one sample at a time.

The clips go through the processor's own feature extractor and the words through its own tokenizer, but the places of
the clips are counted out here: Audio Flamingo 3's processor takes one audio per text and its chat template keeps one
mark of several, although its model takes as many as there are marks. Samples are never batched: they differ in their
number of clips, and gradients are accumulated instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from mixingbuddy.models.audio_llm_model import OpenModel
from mixingbuddy.models.audio_llm_prompt import CLIP_RATE_HZ, CLIP_S, Mono, Prompt
from mixingbuddy.tools.errors import UserError

IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """What a model takes.

    `input_ids` (1, tokens); `input_features` (clips, mels, frames) and their `frames_mask` (clips, frames);
    `labels` (1, tokens), -100 everywhere but on the answer, or None where there is no answer.
    """

    input_ids: torch.Tensor
    input_features: torch.Tensor
    frames_mask: torch.Tensor
    labels: torch.Tensor | None

    def arguments(self, open_model: OpenModel) -> dict[str, torch.Tensor]:
        """Keyword arguments of the model's forward, on its device, without the labels."""
        qwen = open_model.model.config.model_type == "qwen2_audio"
        mask_name = "feature_attention_mask" if qwen else "input_features_mask"
        tensors = {"input_ids": self.input_ids, "attention_mask": torch.ones_like(self.input_ids)}
        if len(self.input_features):
            tensors |= {"input_features": self.input_features, mask_name: self.frames_mask}
        return {name: tensor.to(open_model.device) for name, tensor in tensors.items()}


def clip_seconds(processor: Any) -> float:
    """Length of a clip, seconds: ten, or what the model hears at most (longer audio is cut without a word)."""
    return min(CLIP_S, float(processor.feature_extractor.chunk_length))


def encode(open_model: OpenModel, prompt: Prompt, answer: str | None = None) -> Encoded:
    """The tensors of one question, and of its answer where the model is to learn it."""
    processor = open_model.processor
    features, mask = _features(processor, prompt.clips)
    places = [_audio_tokens(int(frames)) for frames in mask.sum(dim=1)]
    question, ending = _chat(processor, _with_places(processor, prompt.parts, places))
    ids = _tokens(processor, question)
    _check_places(processor, ids, sum(places))
    if answer is None:
        return Encoded(torch.tensor([ids]), features, mask, None)
    told = _tokens(processor, answer) + _tokens(processor, ending)
    labels = [IGNORED] * len(ids) + told
    return Encoded(torch.tensor([ids + told]), features, mask, torch.tensor([labels]))


def stop_tokens(processor: Any) -> list[int]:
    """Tokens that end an answer: the last one of a turn, and the tokenizer's own."""
    _, ending = _chat(processor, "")
    own = processor.tokenizer.eos_token_id
    return sorted({_tokens(processor, ending)[-1], *([] if own is None else [own])})


def answer_loss(open_model: OpenModel, encoded: Encoded) -> torch.Tensor:
    """Mean cross-entropy of the answer's tokens, nats. The output layer sees these positions only.

    Over all positions it would make 156,000 numbers for each of some thousand tokens, gigabytes for nothing.
    """
    if encoded.labels is None:
        raise ValueError("a sample without an answer has no loss")
    base = open_model.model.get_base_model() if hasattr(open_model.model, "get_base_model") else open_model.model
    hidden = base.model(**encoded.arguments(open_model), use_cache=False).last_hidden_state
    labels = encoded.labels.to(hidden.device)
    told = labels[0, 1:] != IGNORED
    logits = base.lm_head(hidden[0, :-1][told])
    return torch.nn.functional.cross_entropy(logits.float(), labels[0, 1:][told])


def _features(processor: Any, clips: Sequence[Mono]) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-mel features (clips, mels, frames) and which frames hold sound (clips, frames)."""
    extractor = processor.feature_extractor
    if not clips:
        return torch.zeros(0, extractor.feature_size, extractor.nb_max_frames), torch.zeros(0, extractor.nb_max_frames)
    made = extractor(
        list(clips),
        sampling_rate=CLIP_RATE_HZ,
        padding="max_length",
        return_attention_mask=True,
        do_normalize=False,
        return_tensors="pt",
    )
    return made["input_features"], made["attention_mask"]


def _audio_tokens(frames: int) -> int:
    """Positions that a clip takes: the encoder halves its frames by a convolution, then by pooling."""
    return ((frames - 1) // 2 + 1 - 2) // 2 + 1


def _with_places(processor: Any, parts: Sequence[str], places: Sequence[int]) -> str:
    before, after = getattr(processor, "audio_bos_token", ""), getattr(processor, "audio_eos_token", "")
    marks = [before + processor.audio_token * count + after for count in places]
    return "".join(text for pair in zip(parts, [*marks, ""], strict=True) for text in pair)


def _chat(processor: Any, words: str) -> tuple[str, str]:
    """The question as the model's chat template writes it, and what the template puts after an answer."""
    asked = [{"role": "user", "content": words}]
    question = processor.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    answered = processor.apply_chat_template([*asked, {"role": "assistant", "content": "?"}], tokenize=False)
    if not answered.startswith(question + "?"):
        raise UserError("this model's chat template does not put the answer after the question; it cannot be trained")
    ending = str(answered[len(question) + 1 :]).strip() or str(processor.tokenizer.eos_token)
    return str(question), ending


def _tokens(processor: Any, text: str) -> list[int]:
    return list(processor.tokenizer(text, add_special_tokens=False)["input_ids"])


def _check_places(processor: Any, ids: Sequence[int], expected: int) -> None:
    found = sum(token == processor.audio_token_id for token in ids)
    if found != expected:
        raise UserError(f"the clips take {expected} positions, but the text has {found}; its tokenizer does not fit")
