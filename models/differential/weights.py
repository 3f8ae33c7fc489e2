"""Load the model's weights: safetensors only, from a folder, never from a network."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mixingbuddy.models.differential.shape import FORMAT_VERSION, Shape
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import write_text

if TYPE_CHECKING:
    import torch

    from mixingbuddy.models.differential.compact import CompactModel
    from mixingbuddy.models.differential.single_mix_model import SingleMixModel

Model = TypeVar("Model", bound="CompactModel")

BASE, ADAPTER, SINGLE_MIX = "differential-base", "differential-lora", "single-mix"
_WEIGHTS, _ADAPTER_WEIGHTS, _CALIBRATION = "model.safetensors", "adapter_model.safetensors", "hearing.json"
_LORA = re.compile(r"\.lora_[AB]\.weight$")
_AGAIN = "install the package again, or make the weights with `mixingbuddy train`"


def weights_folder() -> Path:
    """Where the weights that ship with the package are."""
    return Path(str(files("mixingbuddy.models"))) / "weights"


def load_model(folder: Path | None = None, adapter: Path | None = None) -> "CompactModel":
    """The model in evaluation mode, float32, with its adapter merged. The shipped weights where nothing is named.

    Raises UserError with one line where a file is missing, damaged or of another version.
    """
    if folder is None:
        folder, adapter = weights_folder() / BASE, adapter or weights_folder() / ADAPTER
    from mixingbuddy.models.differential.compact import CompactModel

    model = _load(CompactModel, folder)
    if adapter is not None:
        merge_adapter(model, adapter)
        model.config = model.config.model_copy(update={"hearing_scale": _calibration(adapter)})
    return model


def load_single_mix(folder: Path | None = None) -> "SingleMixModel":
    """The single-mix baseline in evaluation mode; raises as `load_model` does."""
    from mixingbuddy.models.differential.single_mix_model import SingleMixModel

    return _load(SingleMixModel, folder or weights_folder() / SINGLE_MIX)


def _load(kind: type[Model], folder: Path) -> Model:
    """A model of this kind with the weights in `folder`, float32."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    model = kind(read_shape(folder))
    try:
        state = load_file(folder / _WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise UserError(f"the weights in '{folder}' cannot be read ({_first_line(error)}); {_AGAIN}") from error
    own = model.state_dict()
    wrong = sorted(own.keys() ^ state.keys()) or sorted(name for name in own if own[name].shape != state[name].shape)
    if wrong:
        raise UserError(f"the weights in '{folder}' do not fit their configuration ('{wrong[0]}'); {_AGAIN}")
    model.load_state_dict({name: value.to(own[name].dtype) for name, value in state.items()})
    return model.eval()


def read_shape(folder: Path) -> Shape:
    """The configuration beside the weights. Raises UserError where it is missing, damaged or of another version."""
    config = folder / "config.json"
    for wanted in (config, folder / _WEIGHTS):
        if not wanted.is_file():
            raise UserError(f"no '{wanted.name}' in '{folder}'; {_AGAIN}")
    try:
        given = json.loads(config.read_text(encoding="utf-8"))
        version = given.get("format_version")
        if version != FORMAT_VERSION:
            raise UserError(
                f"'{folder}' holds weights of format {version}, this version reads {FORMAT_VERSION}; {_AGAIN}"
            )
        return Shape(**given)
    except (ValueError, AttributeError, TypeError, UnicodeDecodeError) as error:
        raise UserError(f"'{config}' is damaged; {_AGAIN}") from error


def merge_adapter(model: "torch.nn.Module", folder: Path) -> None:
    """Add a LoRA adapter that peft has saved to the model's weights: W + (alpha / r) B A.

    The same as peft's own merging, without the seconds that importing peft takes.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        settings = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        tensors = load_file(folder / _ADAPTER_WEIGHTS)
        scale = settings["lora_alpha"] / settings["r"]
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError, SafetensorError) as error:
        raise UserError(f"the adapter in '{folder}' cannot be read ({_first_line(error)}); {_AGAIN}") from error
    modules, misfit = dict(model.named_modules()), f"the adapter in '{folder}' does not fit the base weights"
    names = sorted({_LORA.sub("", key) for key in tensors})
    if not names:
        raise UserError(f"{misfit} (it is empty); {_AGAIN}")
    for name in names:
        module = modules.get(name.removeprefix("base_model.model."))
        down, up = tensors.get(f"{name}.lora_A.weight"), tensors.get(f"{name}.lora_B.weight")
        if not isinstance(module, torch.nn.Linear) or down is None or up is None:
            raise UserError(f"{misfit} ('{name}'); {_AGAIN}")
        rank, (outputs, inputs) = settings["r"], module.weight.shape
        if (up.shape, down.shape) != ((outputs, rank), (rank, inputs)):
            raise UserError(f"{misfit} ('{name}'); {_AGAIN}")
        with torch.no_grad():
            module.weight += scale * (up.float() @ down.float())


def save_calibration(folder: Path, hearing_scale: float) -> None:
    """Keep beside an adapter how sure the ear may be with it."""
    write_text(folder / _CALIBRATION, json.dumps({"hearing_scale": hearing_scale}) + "\n")


def _calibration(folder: Path) -> float:
    try:
        scale = float(json.loads((folder / _CALIBRATION).read_text(encoding="utf-8"))["hearing_scale"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"'{folder / _CALIBRATION}' cannot be read ({_first_line(error)}); {_AGAIN}") from error
    if not 0 < scale < 100:
        raise UserError(f"'{folder / _CALIBRATION}' says {scale}; a factor between 0 and 100 was expected; {_AGAIN}")
    return scale


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
