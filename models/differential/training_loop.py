"""A training loop that can be killed at any moment and goes on to the same weights.

Everything random in step n follows from the seed and n, so that a checkpoint holds weights, their running average, the
optimiser's moments and the step, as safetensors and JSON.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import make_folder, written_beside

Report = Callable[[str], None]
EMA_DECAY = 0.999
SAVED_EVERY = 250
REPORTED_EVERY = 50
_POINTER, _LOG = "latest.json", "loss.jsonl"


@dataclass(frozen=True)
class Schedule:
    """One-cycle schedule: linear warm-up to `learning_rate`, then a cosine to a hundredth of it."""

    steps: int
    learning_rate: float
    warm_up: int = 200
    weight_decay: float = 0.02
    clip_norm: float = 1.0
    averaged: float = EMA_DECAY

    def rate(self, step: int) -> float:
        """Learning rate of a step."""
        if step < self.warm_up:
            return self.learning_rate * (step + 1) / self.warm_up
        share = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        return self.learning_rate * (0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * min(1.0, share)))))


@dataclass(frozen=True)
class Task:
    """What to learn: `batch(generator)` draws a batch, `loss(batch)` gives the loss and figures worth logging.

    `settings`: what else a checkpoint must agree in. `ahead`: whether the next batch is drawn beside the current step;
    for batches that the processors make.
    """

    name: str
    seed: int
    batch: Callable[[np.random.Generator], Any]
    loss: Callable[[Any], tuple[Tensor, dict[str, float]]]
    settings: str = ""
    ahead: bool = True


def train(
    model: nn.Module, task: Task, schedule: Schedule, folder: Path, *, resume: bool = True, report: Report = print
) -> dict[str, Tensor]:
    """Train the parameters of `model` that ask for it; gives the running average of its state.

    `folder` keeps checkpoints and `loss.jsonl`. With `resume` a run goes on from its last checkpoint. Raises UserError
    where that belongs to another run.
    """
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    optimiser = torch.optim.AdamW(list(trained.values()), lr=schedule.learning_rate, weight_decay=schedule.weight_decay)
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    make_folder(folder)
    first = _restore(folder, task, schedule, model, optimiser, trained, average) if resume else 0
    log = _kept_log(folder, first)
    with ThreadPoolExecutor(1) as ahead:
        for step, batch in enumerate(_batches(ahead, task, first, schedule.steps), start=first):
            torch.manual_seed(task.seed * 1_000_003 + step)
            for group in optimiser.param_groups:
                group["lr"] = schedule.rate(step)
            loss, figures = task.loss(batch)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(list(trained.values()), schedule.clip_norm)
            optimiser.step()
            _follow(average, model, min(schedule.averaged, (1 + step) / (10 + step)))
            log.append({"step": step, "loss": round(float(loss.detach()), 6), **figures})
            done = step + 1
            if done % REPORTED_EVERY == 0 or done == schedule.steps:
                report(_progress(task.name, log, done, schedule.steps))
            if done % SAVED_EVERY == 0 or done == schedule.steps:
                _save(folder, task, schedule, done, model, optimiser, trained, average, log)
    return average


def _batches(ahead: ThreadPoolExecutor, task: Task, first: int, steps: int) -> Iterator[Any]:
    """Batches, by default the next one drawn while the current one is learnt from."""

    def draw(step: int) -> Any:
        return task.batch(np.random.default_rng([task.seed, step]))

    if not task.ahead:
        yield from (draw(step) for step in range(first, steps))
        return
    waiting = ahead.submit(draw, first) if first < steps else None
    for step in range(first, steps):
        assert waiting is not None
        current, waiting = waiting.result(), ahead.submit(draw, step + 1) if step + 1 < steps else None
        yield current


def _follow(average: dict[str, Tensor], model: nn.Module, decay: float) -> None:
    state = model.state_dict()
    real = [name for name, value in state.items() if value.dtype.is_floating_point]
    torch._foreach_lerp_([average[name] for name in real], [state[name] for name in real], 1 - decay)
    for name in state.keys() - set(real):
        average[name].copy_(state[name])


def _progress(name: str, log: list[dict[str, Any]], done: int, steps: int) -> str:
    recent = log[-REPORTED_EVERY:]
    means = {key: float(np.mean([line[key] for line in recent])) for key in recent[-1] if key != "step"}
    return f"{name}: step {done} of {steps}, " + ", ".join(f"{key} {value:.3f}" for key, value in means.items())


def _save(
    folder: Path,
    task: Task,
    schedule: Schedule,
    done: int,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    trained: dict[str, nn.Parameter],
    average: dict[str, Tensor],
    log: list[dict[str, Any]],
) -> None:
    place = make_folder(folder / f"step-{done:06d}")
    moments = {f"{kind}.{name}": optimiser.state[value][kind] for name, value in trained.items() for kind in _MOMENTS}
    _save_tensors(model.state_dict(), place / "model.safetensors")
    _save_tensors(average, place / "average.safetensors")
    _save_tensors(moments, place / "moments.safetensors")
    _save_text("".join(json.dumps(line) + "\n" for line in log), folder / _LOG)
    _save_text(json.dumps({"step": done, **_identity(task, schedule)}), folder / _POINTER)
    for old in folder.glob("step-*"):
        if old != place:
            shutil.rmtree(old, ignore_errors=True)


_MOMENTS = ("exp_avg", "exp_avg_sq")


def _identity(task: Task, schedule: Schedule) -> dict[str, Any]:
    rate = schedule.learning_rate
    given = {"task": task.name, "seed": task.seed, "steps": schedule.steps, "learning_rate": rate}
    return {**given, "settings": task.settings}


def _save_tensors(tensors: dict[str, Tensor], target: Path) -> None:
    with written_beside(target) as beside:
        save_file({name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}, beside)


def _save_text(text: str, target: Path) -> None:
    with written_beside(target) as beside:
        beside.write_text(text, encoding="utf-8")


def _restore(
    folder: Path,
    task: Task,
    schedule: Schedule,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    trained: dict[str, nn.Parameter],
    average: dict[str, Tensor],
) -> int:
    pointer = folder / _POINTER
    if not pointer.exists():
        return 0
    kept = json.loads(pointer.read_text(encoding="utf-8"))
    step = int(kept.pop("step"))
    if kept != _identity(task, schedule):
        raise UserError(
            f"'{folder}' holds another run ({kept}), this one is {_identity(task, schedule)}; "
            "name another folder with --out, or start anew with --no-resume"
        )
    place = folder / f"step-{step:06d}"
    try:
        model.load_state_dict(load_file(place / "model.safetensors"))
        for name, value in load_file(place / "average.safetensors").items():
            average[name].copy_(value)
        moments = load_file(place / "moments.safetensors")
    except (OSError, SafetensorError) as error:
        raise UserError(f"the checkpoint '{place}' cannot be read ({error}); start anew with --no-resume") from error
    for name, value in trained.items():
        optimiser.state[value] = {
            "step": torch.tensor(float(step)),
            **{kind: moments[f"{kind}.{name}"].to(value.device) for kind in _MOMENTS},
        }
    return step


def _kept_log(folder: Path, steps: int) -> list[dict[str, Any]]:
    path = folder / _LOG
    if steps == 0 or not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["step"] < steps]
