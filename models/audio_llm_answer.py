"""Let a large audio-language model answer a prompt."""

import math

import torch

from mixingbuddy.models.audio_llm_inputs import encode, stop_tokens
from mixingbuddy.models.audio_llm_model import OpenModel
from mixingbuddy.models.audio_llm_prompt import Prompt


def most_likely_answer(open_model: OpenModel, prompt: Prompt, longest: int) -> tuple[str, float]:
    """The answer of at most `longest` tokens, each the likeliest, and the geometric mean of their probabilities."""
    encoded = encode(open_model, prompt)
    stops = stop_tokens(open_model.processor)
    with torch.inference_mode(), open_model.computing():
        made = open_model.model.generate(
            **encoded.arguments(open_model),
            do_sample=False,
            max_new_tokens=longest,
            eos_token_id=stops,
            pad_token_id=stops[0],
            return_dict_in_generate=True,
            output_logits=True,
        )
    told = made.sequences[0, encoded.input_ids.shape[1] :]
    logits = torch.stack([logits[0].float() for logits in made.logits])
    chosen = logits.log_softmax(dim=-1).gather(1, told[:, None].to(logits.device))
    text = open_model.processor.tokenizer.decode(told, skip_special_tokens=True)
    return str(text).strip(), min(1.0, math.exp(float(chosen.mean())))
