"""Checkpoints of a LoRA training: adapter and AdamW's moments as safetensors, the rest as JSON. Nothing is pickled."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mixingbuddy.models.audio_llm_model import OpenModel, adapter_weights, save_adapter
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import make_folder, temporary_folder, write_text

PREFIX = "checkpoint-"
MOMENTS, STATE = "optimizer.safetensors", "training.json"
MOMENT_NAMES = ("exp_avg", "exp_avg_sq")


def latest_checkpoint(out: Path) -> Path | None:
    """The newest checkpoint in a training's folder. A checkpoint that was not finished never has that name."""
    return max(out.glob(f"{PREFIX}*"), default=None)


def save_checkpoint(
    out: Path, open_model: OpenModel, optimizer: torch.optim.Optimizer, state: Mapping[str, object]
) -> None:
    """Write everything that the next step depends on; older checkpoints go. `state` has the number of `steps_done`."""
    from safetensors.torch import save_file

    make_folder(out)
    with temporary_folder(out) as beside:
        save_adapter(open_model, beside)
        save_file(_moments(open_model, optimizer), beside / MOMENTS)
        write_text(beside / STATE, json.dumps(state, indent=1))
        target = out / f"{PREFIX}{state['steps_done']:08d}"
        if target.exists():
            shutil.rmtree(target)
        beside.rename(target)
    for older in out.glob(f"{PREFIX}*"):
        if older != target:
            shutil.rmtree(older)


def restore_optimizer(checkpoint: Path, open_model: OpenModel, optimizer: torch.optim.Optimizer) -> None:
    """Give AdamW the moments that it had. Raises UserError where they do not fit the adapter."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        moments = load_file(checkpoint / MOMENTS, device=str(open_model.device))
        for name, weights in adapter_weights(open_model.model).items():
            optimizer.state[weights] = {
                "step": moments[f"{name}.step"].cpu(),
                **{moment: moments[f"{name}.{moment}"] for moment in MOMENT_NAMES},
            }
    except (OSError, KeyError, SafetensorError) as error:
        raise UserError(f"the checkpoint '{checkpoint}' is damaged; delete it and train again") from error


def read_state(folder: Path) -> dict[str, Any]:
    """What a training wrote about itself. Raises UserError where it cannot be read."""
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"'{folder / STATE}' cannot be read; delete '{folder}' and train again") from error
    if not isinstance(state, dict):
        raise UserError(f"'{folder / STATE}' is no record of a training; delete '{folder}' and train again")
    return state


def _moments(open_model: OpenModel, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """AdamW's state by name of the weights; all of them have one, for every step changes all of them."""
    return {
        f"{name}.{key}": value.detach().clone().contiguous()
        for name, weights in adapter_weights(open_model.model).items()
        for key, value in optimizer.state[weights].items()
    }
