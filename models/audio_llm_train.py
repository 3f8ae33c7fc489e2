"""Teach a large audio-language model to read balance: LoRA, one sample at a time, gradients accumulated.

Everything random follows from the seed and the number of the step, so a training that was interrupted goes on from
its last checkpoint as if nothing had happened. A plain loop rather than transformers' Trainer, whose checkpoints
hold pickled files.
"""

import json
import math
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from mixingbuddy.models.audio_llm_checkpoint import (
    PREFIX,
    STATE,
    latest_checkpoint,
    read_state,
    restore_optimizer,
    save_checkpoint,
)
from mixingbuddy.models.audio_llm_inputs import Encoded, answer_loss, clip_seconds, encode
from mixingbuddy.models.audio_llm_lessons import Lesson, Lessons, answer_of, lessons_from
from mixingbuddy.models.audio_llm_model import (
    OpenModel,
    adapter_weights,
    open_base,
    save_adapter,
    with_new_adapter,
    with_saved_adapter,
)
from mixingbuddy.models.audio_llm_options import Options, Progress, order_at, rate_at
from mixingbuddy.models.audio_llm_prompt import make_prompt
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import make_folder, write_text

MOST_GRADIENT = 1.0
PREPARED_AHEAD = 4


def train_audio_llm(
    model: str,
    data: Path,
    out: Path,
    *,
    steps: int = Options.steps,
    seed: int = Options.seed,
    learning_rate: float = Options.learning_rate,
    gradient_accumulation: int = Options.gradient_accumulation,
    four_bit: bool = False,
    resume: bool = False,
    checkpoint_every: int = 100,
    chunks_per_song: int = 2,
    on_song: Callable[[int, int], None] | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> Path:
    """Fine-tune `model` (a folder or hub id) on `data` (MUSDB18, or a JSONL file of pairs); the adapter lands in `out`.

    `on_song` is told how many of how many songs were read, `on_step` how each step went. `out` then opens as the
    advisor `audio-llm:OUT`. Raises UserError where model or data cannot be used, where `out` holds a training already
    and `resume` is not given, and where a resumed training was begun with other options.
    """
    options = Options(
        steps=steps,
        seed=seed,
        learning_rate=learning_rate,
        gradient_accumulation=gradient_accumulation,
        four_bit=four_bit,
    )
    check_place(out, resume)
    lessons = lessons_from(data, seed=seed, chunks_per_song=chunks_per_song, on_song=on_song)
    return fit(model, lessons, out, options, resume=resume, checkpoint_every=checkpoint_every, on_step=on_step)


def fit(
    model: str,
    lessons: Lessons,
    out: Path,
    options: Options,
    *,
    resume: bool = False,
    checkpoint_every: int = 100,
    on_step: Callable[[Progress], None] | None = None,
) -> Path:
    """The same with lessons at hand. Interrupted, it leaves its last checkpoint in `out`."""
    check_place(out, resume)
    options.check()
    if len(lessons) == 0:
        raise UserError("there is nothing to learn from; give --data with songs that have vocals, drums and bass")
    checkpoint = latest_checkpoint(out) if resume else None
    base = open_base(model, four_bit=options.four_bit)
    state = _first_state(base, lessons, options)
    if checkpoint is not None:
        state = _resumed_state(checkpoint, state)
    training = ready_to_learn(base, checkpoint, options)
    optimizer = torch.optim.AdamW(adapter_weights(training.model).values(), lr=options.learning_rate, weight_decay=0.0)
    if checkpoint is not None:
        restore_optimizer(checkpoint, training, optimizer)
    first = int(state["steps_done"]) * options.gradient_accumulation
    with closing(_ahead(training, lessons, options, first)) as samples:
        for step in range(int(state["steps_done"]), options.steps):
            began = time.monotonic()
            loss = train_step(training, optimizer, samples, step, options)
            state = {**state, "steps_done": step + 1, "losses": [*state["losses"], round(loss, 6)]}
            if (step + 1) % checkpoint_every == 0:
                save_checkpoint(out, training, optimizer, state)
            if on_step is not None:
                on_step(Progress(step + 1, options.steps, loss, time.monotonic() - began))
    return _finished(out, training, state)


def check_place(out: Path, resume: bool) -> None:
    """Raise UserError where a training would overwrite another, or has nothing to resume."""
    finished, begun = (out / STATE).is_file(), latest_checkpoint(out) is not None
    if finished and resume:
        raise UserError(f"the training in '{out}' is finished; use it as audio-llm:{out}, or name another with --out")
    if (finished or begun) and not resume:
        raise UserError(f"'{out}' holds a training already; add --resume to go on with it, or name another with --out")
    if resume and not begun:
        raise UserError(f"'{out}' holds no checkpoint to resume; leave --resume out, or name another with --out")


def _first_state(base: OpenModel, lessons: Lessons, options: Options) -> dict[str, Any]:
    return {
        "model": base.name,
        "lessons": len(lessons),
        "options": asdict(options),
        "steps_done": 0,
        "losses": [],
    }


def _resumed_state(checkpoint: Path, wanted: dict[str, Any]) -> dict[str, Any]:
    """The checkpoint's own state, if it was begun as this training is."""
    state = read_state(checkpoint)
    began = {**state.get("options", {}), "model": state.get("model"), "lessons": state.get("lessons")}
    for name, value in {**wanted["options"], "model": wanted["model"], "lessons": wanted["lessons"]}.items():
        if began.get(name) != value:
            raise UserError(
                f"this training was begun with {name} = {began.get(name)}, not {value}; resume it with the same, "
                "or name another --out"
            )
    return state


def ready_to_learn(base: OpenModel, checkpoint: Path | None, options: Options) -> OpenModel:
    """The base with an adapter that can be trained; what is frozen stays in evaluation mode."""
    if checkpoint is not None:
        training = with_saved_adapter(base, checkpoint)
    else:
        with torch.random.fork_rng():
            torch.manual_seed(options.seed)
            training = with_new_adapter(
                base,
                rank=options.rank,
                alpha=options.alpha,
                dropout=options.dropout,
                train_lm_head=options.train_lm_head,
            )
    for weights in adapter_weights(training.model).values():
        weights.requires_grad_(True)
    training.model.train()
    training.model.get_base_model().model.audio_tower.eval()
    if training.device.type == "cuda":
        compute_again(training)
    return training


def compute_again(training: OpenModel) -> None:
    """Keep no activations inside the layers: those of some thousand positions in 32 layers would fill a card."""
    base = training.model.get_base_model()
    # transformers 5.24 calls it by the new name and warns of the old one, which is all that earlier ones have.
    enable = getattr(base, "activation_checkpointing_enable", None) or base.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def train_step(
    training: OpenModel, optimizer: torch.optim.Optimizer, samples: Iterator[Encoded], step: int, options: Options
) -> float:
    """One update of the weights from `gradient_accumulation` samples; gives their mean loss."""
    for group in optimizer.param_groups:
        group["lr"] = options.learning_rate * rate_at(step, options)
    total = 0.0
    with torch.random.fork_rng():
        torch.manual_seed(options.seed * 1_000_003 + step)
        for _ in range(options.gradient_accumulation):
            with training.computing():
                loss = answer_loss(training, next(samples)) / options.gradient_accumulation
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
    if not math.isfinite(total):
        raise UserError(f"the loss is {total} at step {step + 1}; begin again with a smaller learning rate")
    torch.nn.utils.clip_grad_norm_(adapter_weights(training.model).values(), MOST_GRADIENT)
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    return total


def _ahead(training: OpenModel, lessons: Lessons, options: Options, first: int) -> Generator[Encoded, None, None]:
    """Samples in their order, some of them prepared while the model is busy."""

    def prepare(index: int) -> Encoded:
        lesson: Lesson = lessons[order_at(index, len(lessons), options.seed)]
        prompt = make_prompt(lesson.flawed, lesson.reference, lesson.anchor, clip_seconds(training.processor))
        return encode(training, prompt, answer_of(lesson, prompt))

    with ThreadPoolExecutor(1) as pool:
        last = options.steps * options.gradient_accumulation
        waiting = [pool.submit(prepare, index) for index in range(first, min(first + PREPARED_AHEAD, last))]
        try:
            for index in range(first, last):
                if index + PREPARED_AHEAD < last:
                    waiting.append(pool.submit(prepare, index + PREPARED_AHEAD))
                yield waiting.pop(0).result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _finished(out: Path, training: OpenModel, state: dict[str, Any]) -> Path:
    """Write the adapter; its record comes last and says that all of it is there. Checkpoints are no longer needed."""
    make_folder(out)
    training.model.eval()
    save_adapter(training, out)
    write_text(out / STATE, json.dumps(state, indent=1))
    for checkpoint in out.glob(f"{PREFIX}*"):
        shutil.rmtree(checkpoint)
    return out
