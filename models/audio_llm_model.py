"""Open a large audio-language model and its LoRA adapter. Weights are read from safetensors only."""

import json
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch

from mixingbuddy.tools.errors import UserError, printable

FAMILIES = {
    "qwen2_audio": "Qwen2AudioForConditionalGeneration",
    "audioflamingo3": "AudioFlamingo3ForConditionalGeneration",
}
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
# The same names of layers exist in the audio tower, which must stay as it is.
LORA_TARGETS = r".*language_model\..*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


@dataclass(frozen=True)
class OpenModel:
    """A model with the processor that belongs to it. `name` is the hub id, or the absolute path of its folder."""

    model: Any
    processor: Any
    name: str

    @property
    def device(self) -> torch.device:
        return torch.device(next(self.model.parameters()).device)

    @contextmanager
    def computing(self) -> Iterator[None]:
        """bfloat16 arithmetic where the device is good at it; trained weights stay float32."""
        device = self.device
        with torch.autocast(device.type, torch.bfloat16, enabled=number_format(device) is torch.bfloat16):
            yield


def number_format(device: torch.device) -> torch.dtype:
    """bfloat16 on GPUs that have it, else float32."""
    return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32


def best_device() -> torch.device:
    """The first GPU, or the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def is_adapter(path: Path) -> bool:
    """Whether this folder holds an adapter rather than a whole model."""
    return (path / ADAPTER_CONFIG).is_file()


def open_base(name: str, *, four_bit: bool = False) -> OpenModel:
    """Open a whole model: a folder, or a hub id that is in the local cache or can be fetched.

    Raises UserError for a model of an unknown kind, one that cannot be had, and 4 bits without a GPU.
    """
    import transformers

    library: Any = transformers  # typed in parts only
    folder = Path(name)
    name = str(folder.resolve()) if folder.is_dir() else name
    local = folder.is_dir() or not _hub_in_reach()
    device = best_device()
    with _explaining(name):
        config = library.AutoConfig.from_pretrained(name, local_files_only=local)
        family = FAMILIES.get(config.model_type)
        if family is None:
            known = ", ".join(FAMILIES)
            raise UserError(f"'{name}' is a '{config.model_type}' model; audio-llm knows: {known}")
        processor = library.AutoProcessor.from_pretrained(name, local_files_only=local)
        model = getattr(library, family).from_pretrained(
            name,
            local_files_only=local,
            use_safetensors=True,
            dtype=number_format(device),
            **({"device_map": {"": device}} if device.type == "cuda" else {}),
            **({"quantization_config": _four_bit(device)} if four_bit else {}),
        )
    # What the hub's generation settings say about sampling and repeats is made for chat.
    model.generation_config = library.GenerationConfig(eos_token_id=model.generation_config.eos_token_id)
    return OpenModel(model.eval(), processor, name)


def with_new_adapter(base: OpenModel, *, rank: int, alpha: int, dropout: float, train_lm_head: bool) -> OpenModel:
    """Put fresh LoRA matrices on the language model's linear layers; the projector is trained as a whole.

    With `train_lm_head` the output layer is too, which a model of random weights needs.
    """
    import peft

    config = peft.LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=LORA_TARGETS,
        modules_to_save=["multi_modal_projector", *(["lm_head"] if train_lm_head else [])],
        task_type="CAUSAL_LM",
        base_model_name_or_path=base.name,
    )
    with _old_names():
        model = peft.get_peft_model(base.model, config)
    for weights in adapter_weights(model).values():
        weights.data = weights.data.float()
    return OpenModel(model, base.processor, base.name)


def with_saved_adapter(base: OpenModel, folder: Path) -> OpenModel:
    """Put a saved adapter on its base. Raises UserError where its weights are missing or do not fit."""
    import peft
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    weights_file = folder / ADAPTER_WEIGHTS
    if not weights_file.is_file():
        raise UserError(f"'{folder}' has no {ADAPTER_WEIGHTS}; train it again, adapters are read from safetensors only")
    try:
        with _old_names():
            model = peft.PeftModel.from_pretrained(base.model, str(folder))
        saved = load_file(weights_file)
        # The copies made on loading have the base's number format; the adapter's own is float32.
        for weights in adapter_weights(model).values():
            weights.data = weights.data.float()
        told: Any = peft.set_peft_model_state_dict(model, saved)
    except (SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"the adapter '{folder}' does not fit '{base.name}': {printable(str(error))}") from error
    astray = [*told.unexpected_keys, *(name for name in told.missing_keys if name in adapter_weights(model))]
    if astray:
        raise UserError(f"the adapter '{folder}' does not fit '{base.name}': its '{astray[0]}' has no match")
    return OpenModel(model.eval(), base.processor, base.name)


def open_adapter(folder: Path, *, four_bit: bool = False) -> OpenModel:
    """Open an adapter folder with the base model that it names."""
    try:
        name = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"]
    except (ValueError, KeyError, OSError) as error:
        raise UserError(f"'{folder / ADAPTER_CONFIG}' names no base model; train the adapter again") from error
    return with_saved_adapter(open_base(str(name), four_bit=four_bit), folder)


def save_adapter(open_model: OpenModel, folder: Path) -> None:
    """Write the adapter into an existing folder: its weights as safetensors, its shape and its base's name as JSON."""
    open_model.model.save_pretrained(str(folder), save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # peft's empty form


def adapter_weights(model: Any) -> dict[str, torch.nn.Parameter]:
    """Everything that an adapter trains, by name."""
    return {
        name: weights for name, weights in model.named_parameters() if "lora_" in name or ".modules_to_save." in name
    }


@contextmanager
def _old_names() -> Iterator[None]:
    """peft asks transformers by a name that is on its way out, and every user would be told."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield


def _four_bit(device: torch.device) -> Any:
    """4-bit storage of the language model; what is trained or heard through stays as it is."""
    import importlib.util

    import transformers

    library: Any = transformers
    if device.type != "cuda":
        raise UserError("4 bits need an NVIDIA GPU, and none was found; take the model whole")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise UserError("4 bits need the package bitsandbytes; pip install bitsandbytes, or take the model whole")
    return library.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=number_format(device),
        llm_int8_skip_modules=["lm_head", "model.multi_modal_projector", "model.audio_tower"],
    )


def _hub_in_reach() -> bool:
    """Whether the hub's name can be found; without, its client would try for half a minute and say so each time."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    if getproxies():
        return True
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, None)
    except OSError:
        return False
    return True


@contextmanager
def _explaining(name: str) -> Iterator[None]:
    """One line for the user where transformers cannot open a model."""
    from safetensors import SafetensorError

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"'{name}' does not fit into this GPU's memory; take it in 4 bits, or a smaller model"
        ) from error
    except (OSError, ValueError, SafetensorError) as error:
        if Path(name).is_dir():
            raise UserError(
                f"the folder '{name}' holds no usable model ({printable(str(error), 160)}); it needs config.json, "
                "the processor's files and weights as safetensors"
            ) from error
        raise UserError(
            f"'{name}' is no folder, is not in the local cache and cannot be fetched; download it where there is a "
            f"network (hf download) and give its folder (the hub's client says: {printable(str(error), 120)})"
        ) from error
