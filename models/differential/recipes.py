"""The recipes that make the shipped weights: `mixingbuddy train --recipe base|lora|single-mix`.

| recipe | learns | from |
|---|---|---|
| `base` | ear, then writer; then what professional balances are, and how well the ear hears | nothing |
| `lora` | an adapter on ear and writer, through the whole way from sound to answer | the base weights |
| `single-mix` | the baseline: the same ear, with a head that guesses from the flawed mix alone | the base weights |
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from mixingbuddy.models.data.chunks import Chunk, chunks_of
from mixingbuddy.models.data.songs import Split, find_songs
from mixingbuddy.models.differential.calibration import balance_of, hearing_errors, hearing_scale
from mixingbuddy.models.differential.compact import CompactModel
from mixingbuddy.models.differential.ear import Ear
from mixingbuddy.models.differential.ear_training import SPEEDS, Songs, ear_task, load_products
from mixingbuddy.models.differential.processing import DifferentialProcessor
from mixingbuddy.models.differential.remixes import RemixRules
from mixingbuddy.models.differential.shape import Shape
from mixingbuddy.models.differential.training_loop import Schedule, Task
from mixingbuddy.models.differential.training_loop import train as learn
from mixingbuddy.models.differential.weights import (
    ADAPTER,
    BASE,
    SINGLE_MIX,
    load_model,
    merge_adapter,
    save_calibration,
    weights_folder,
)
from mixingbuddy.models.differential.words import Words
from mixingbuddy.models.differential.writer import Writer
from mixingbuddy.models.differential.writer_training import writer_task
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import make_folder, write_text, written_beside

Report = Callable[[str], None]
RECIPES = ("base", "lora", "single-mix")
SHAPE = Shape()
EAR = Schedule(20000, 2e-3)
WRITER = Schedule(2400, 2e-3, warm_up=50)
LORA = Schedule(300, 3e-4, warm_up=50, weight_decay=0.0, averaged=0.99)
SINGLE = Schedule(500, 5e-4, warm_up=50, averaged=0.99)
EAR_BATCH, EAR_FRAMES = 64, 128
EAR_RULES = RemixRules(across_songs=0.6, moved=0.8, equaliser_db=6.0)
SENTENCES = 64
TASK_BATCH, TASK_FRAMES, TASK_SPEEDS = 16, 232, SPEEDS[:5]
RANK, ALPHA = 8, 16
ADAPTED = ("query_key_value", "attended", "feed_up", "feed_down", "into_tokens", "shares")
# The recipes are reproduced bit by bit only with the same number of threads.
CHECKPOINTS = "checkpoints"


def train(
    recipe: str,
    data: Path,
    out: Path,
    *,
    steps: int | None = None,
    seed: int = 0,
    resume: bool = True,
    device: str = "auto",
    progress: Report = print,
) -> Path:
    """Follow a recipe; gives the folder under `out` with the weights.

    Checkpoints are kept under `out`/checkpoints, from which a run goes on (`resume`). `lora` and `single-mix` start
    from the base weights in `out`, or from the shipped ones. `steps` shortens every stage, for trials. Raises
    UserError.
    """
    if recipe not in RECIPES:
        raise UserError(f"no recipe '{recipe}'; there are: {', '.join(RECIPES)}")
    place = _device(device)
    folder = make_folder(out.expanduser())
    run = {"base": _base, "lora": _lora, "single-mix": _single_mix}[recipe]
    return run(data, folder, steps, seed, resume, place, progress)


def _device(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("no CUDA device is there; use --device cpu")
    return device


def _base(data: Path, out: Path, steps: int | None, seed: int, resume: bool, device: str, report: Report) -> Path:
    songs = load_products(find_songs(data, "train"), seed, report)
    shape = SHAPE
    places = out / CHECKPOINTS
    ear = train_ear(shape, songs, places / "ear", _shorter(EAR, steps), seed, resume, device, report)
    writer = train_writer(shape, places / "writer", _shorter(WRITER, steps), seed, resume, device, report)
    mean, covariance = balance_of(_chunks(data, "train"))
    model = CompactModel(shape.model_copy(update={"balance_mean_db": mean, "balance_covariance_db": covariance}))
    model.ear.load_state_dict(ear)
    model.writer.load_state_dict(writer)
    _calibrate(model.eval(), data, report)
    return save_model(model, out / BASE)


def train_ear(
    shape: Shape,
    songs: Songs,
    folder: Path,
    schedule: Schedule,
    seed: int,
    resume: bool,
    device: str,
    report: Report,
) -> dict[str, Tensor]:
    """Teach a new ear; gives its averaged state."""
    torch.manual_seed(seed)
    ear = Ear(shape).to(device).train()
    batch, loss = ear_task(ear, songs, EAR_RULES, EAR_BATCH, EAR_FRAMES, device)
    return learn(
        ear,
        Task("ear", seed, batch, loss, _settings(shape, EAR_BATCH, EAR_FRAMES, EAR_RULES), device == "cpu"),
        schedule,
        folder,
        resume=resume,
        report=report,
    )


def train_writer(
    shape: Shape, folder: Path, schedule: Schedule, seed: int, resume: bool, device: str, report: Report
) -> dict[str, Tensor]:
    """Teach a new writer; gives its averaged state."""
    torch.manual_seed(seed)
    writer = Writer(shape).to(device).train()
    batch, loss = writer_task(writer, shape, SENTENCES, device)
    return learn(
        writer,
        Task("writer", seed, batch, loss, _settings(shape, SENTENCES)),
        schedule,
        folder,
        resume=resume,
        report=report,
    )


def _lora(data: Path, out: Path, steps: int | None, seed: int, resume: bool, device: str, report: Report) -> Path:
    from mixingbuddy.models.differential.modelling import as_transformers
    from mixingbuddy.models.differential.task_training import adapted, task

    model = as_transformers(_base_model(out)).to(device)  # type: ignore[arg-type]
    songs = load_products(find_songs(data, "train"), seed, report, TASK_SPEEDS)
    torch.manual_seed(seed)
    whole = adapted(model, RANK, ALPHA, ADAPTED)
    batch, loss = task(model, songs, TASK_BATCH, TASK_FRAMES, device)
    schedule, folder = _shorter(LORA, steps), out / CHECKPOINTS / "lora"
    state = learn(
        whole,
        Task("lora", seed, batch, loss, _settings(RANK, ALPHA, ADAPTED, TASK_BATCH, TASK_FRAMES)),
        schedule,
        folder,
        resume=resume,
        report=report,
    )
    whole.load_state_dict(state)
    adapter = save_adapter(whole.to("cpu"), out / ADAPTER)
    tuned = _base_model(out)
    merge_adapter(tuned, adapter)
    _calibrate(tuned.eval(), data, report)
    save_calibration(adapter, tuned.config.hearing_scale)
    return adapter


def _single_mix(data: Path, out: Path, steps: int | None, seed: int, resume: bool, device: str, report: Report) -> Path:
    from mixingbuddy.models.differential.single_mix_model import SingleMixModel, single_mix_task
    from mixingbuddy.models.differential.task_training import frozen_statistics

    base = _base_model(out)
    torch.manual_seed(seed)
    model = SingleMixModel(base.config)
    model.load_state_dict(base.state_dict(), strict=False)
    frozen_statistics(model.to(device))
    songs = load_products(find_songs(data, "train"), seed, report, TASK_SPEEDS)
    batch, loss = single_mix_task(model, songs, TASK_BATCH, TASK_FRAMES, device)
    schedule, folder = _shorter(SINGLE, steps), out / CHECKPOINTS / "single-mix"
    state = learn(
        model,
        Task("single-mix", seed, batch, loss, _settings(TASK_BATCH, TASK_FRAMES)),
        schedule,
        folder,
        resume=resume,
        report=report,
    )
    model.load_state_dict(state)
    return save_model(model.to("cpu").eval(), out / SINGLE_MIX)


def _base_model(out: Path) -> CompactModel:
    own = out / BASE
    return load_model(own if own.is_dir() else weights_folder() / BASE)


def _shorter(schedule: Schedule, steps: int | None) -> Schedule:
    return schedule if steps is None else replace(schedule, steps=steps, warm_up=min(schedule.warm_up, steps))


def _settings(*parts: object) -> str:
    """What a checkpoint must have in common with the run that goes on from it, as a digest."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _chunks(data: Path, split: Split) -> list[Chunk]:
    return [chunk for source in find_songs(data, split) for chunk in chunks_of(source.load())]


def _calibrate(model: CompactModel, data: Path, report: Report) -> None:
    """How sure the ear may be, from validation songs; without any it keeps its own word."""
    try:
        chunks = _chunks(data, "valid")
    except UserError as error:
        report(f"not calibrated: {error}")
        return
    model.config = model.config.model_copy(update={"hearing_scale": 1.0})
    errors, distances = hearing_errors(model, chunks)
    if len(distances) == 0:
        return
    model.config = model.config.model_copy(update={"hearing_scale": hearing_scale(distances)})
    rms = ", ".join(f"{value:.2f}" for value in (errors**2).mean(0) ** 0.5)
    report(f"hearing on {len(chunks)} validation chunks: rms {rms} dB, scale {model.config.hearing_scale}")


def save_model(model: CompactModel, folder: Path) -> Path:
    """Weights in float16, configuration and processor, each written beside and renamed."""
    make_folder(folder)
    state = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    small = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    with written_beside(folder / "model.safetensors") as beside:
        save_file(small, beside, metadata={"format": "pt"})
    DifferentialProcessor.of(Words(model.config.vocabulary)).save_pretrained(folder)
    config = {
        "architectures": ["DifferentialModel"],
        "model_type": "mixingbuddy-differential",
        **model.config.model_dump(),
    }
    write_text(folder / "config.json", json.dumps(config, indent=1) + "\n")
    return folder


def save_adapter(whole: torch.nn.Module, folder: Path) -> Path:
    """The adapter in peft's own format, float16."""
    whole.half().save_pretrained(str(make_folder(folder)), safe_serialization=True)  # type: ignore[operator]
    (folder / "README.md").unlink(missing_ok=True)
    return folder
