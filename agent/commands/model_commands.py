"""The commands about models: train, evaluate, credits. Heavy libraries are imported inside them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_ADVISOR = "differential"
LINE_EVERY_S = 10.0
EVALUATE_EXAMPLES = (
    "Examples: mixingbuddy evaluate --data musdb18/ --setting stems+mix --advisor level-difference  |  "
    "mixingbuddy evaluate --data musdb18/ --split test --setting all --advisor differential --advisor prior --json"
)
TRAIN_EXAMPLES = (
    "Examples: mixingbuddy train --recipe base --data musdb18/ --out weights/  |  "
    "mixingbuddy train --model Qwen/Qwen2-Audio-7B-Instruct --data musdb18/ --out adapter/"
)
CREDITS_EXAMPLES = "Examples: mixingbuddy credits  |  mixingbuddy credits --json"

DataOption = Annotated[
    Path, typer.Option(help="MUSDB18: a folder that holds train/ and test/, or the songs.", show_default=False)
]
SeedOption = Annotated[int, typer.Option(min=0, help="Everything random follows from it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def evaluate(
    data: DataOption,
    split: Annotated[Literal["train", "valid", "test"], typer.Option(help="valid is held out of train.")] = "valid",
    protocol: Annotated[
        Literal["single", "multi", "both"],
        typer.Option(help="single: one flaw, an anchor is named. multi: one to three flaws."),
    ] = "single",
    setting: Annotated[
        list[str] | None,
        typer.Option(
            help="What the advisor hears: mix, stems, stems+mix, stems+master, stems+stems, stems+other, "
            "stems+other-mix; can be repeated.",
            show_default="all",
        ),
    ] = None,
    advisor: Annotated[
        list[str] | None,
        typer.Option(
            help="differential, level-difference, prior, single-mix, audio-llm:PATH; can be repeated.",
            show_default=DEFAULT_ADVISOR,
        ),
    ] = None,
    seed: SeedOption = 0,
    songs: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many songs; one of four minutes takes 0.4 GB.")
    ] = None,
    samples: Annotated[int | None, typer.Option(min=1, help="Only so many samples, drawn by the seed.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="File for the table and the command that made it.")] = None,
    json: JsonOption = False,
) -> None:
    """Measure advisors on the balance benchmark: are stem, direction and gain of the advice right?"""
    from mixingbuddy.agent.commands.evaluating import advisors_named, evaluated, settings_named
    from mixingbuddy.agent.commands.printing import print_json
    from mixingbuddy.models.evaluation_table import markdown_table
    from mixingbuddy.models.protocols import PROTOCOLS

    settings = settings_named(setting or ["all"])
    protocols = PROTOCOLS if protocol == "both" else (protocol,)
    advisors = advisors_named(advisor or [DEFAULT_ADVISOR])
    target = None if markdown is None else _file_to_write(markdown.expanduser())
    combinations = [(name, one, kind) for kind in protocols for one in settings for name in advisors]
    results, refusals = evaluated(data.expanduser(), split, advisors, combinations, seed, songs, samples)
    for line in refusals:
        typer.echo(f"skipped: {line}", err=True)
    table = markdown_table(results)
    if target is not None:
        _write_table(target, table)
    if not json:
        typer.echo(table)
        return
    if len(combinations) > 1:
        typer.echo(table, err=True)
    print_json(results if len(combinations) > 1 else results[0])


def train(
    data: DataOption,
    out: Annotated[Path, typer.Option(help="Folder for the weights and checkpoints.", show_default=False)],
    recipe: Annotated[
        Literal["base", "lora", "single-mix"] | None,
        typer.Option(help="base: the differential model. lora: its adapter. single-mix: hears only the mix."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A large audio-language model instead: folder or hub name; LoRA.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of the optimiser; the recipe's own else.")] = None,
    seed: SeedOption = 0,
    resume: Annotated[bool, typer.Option(help="Go on from the checkpoint in --out, if any.")] = True,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where to compute (--recipe).")] = "auto",
    learning_rate: Annotated[float | None, typer.Option(help="Of AdamW (--model); 1e-4 else.")] = None,
    gradient_accumulation: Annotated[
        int | None, typer.Option(min=1, help="Samples per step of the optimiser (--model); 16 else.")
    ] = None,
    four_bit: Annotated[bool, typer.Option("--four-bit", help="Hold the large model in 4 bits.")] = False,
) -> None:
    """Train a model; an interrupted run goes on where it was."""
    from mixingbuddy.agent.commands.console import out as console
    from mixingbuddy.models.data.songs import find_songs
    from mixingbuddy.tools.errors import UserError

    if (recipe is None) == (model is None):
        raise UserError("give either --recipe (base, lora, single-mix) or --model with a large model")
    if model is not None and device != "auto":
        raise UserError("--device is for --recipe; a large model takes the GPU where there is one")
    if recipe is not None and (learning_rate or gradient_accumulation or four_bit):
        raise UserError(
            "--learning-rate, --gradient-accumulation and --four-bit are for --model; recipes have their own"
        )
    data, out = data.expanduser(), out.expanduser()
    if not data.is_file():
        find_songs(data, "train")  # before anything heavy is loaded
    with _telling("starting") as progress:
        if model is not None:
            chosen = {"steps": steps, "learning_rate": learning_rate, "gradient_accumulation": gradient_accumulation}
            written = _train_large(model, data, out, chosen, seed, four_bit, resume, progress)
        elif recipe is not None:
            from mixingbuddy.models.differential.recipes import train as train_recipe

            written = train_recipe(
                recipe, data, out, steps=steps, seed=seed, resume=resume, device=device, progress=progress
            )
    console.print(f"trained: {written}", soft_wrap=True, markup=False)


def credits(json: JsonOption = False) -> None:
    """Every recording and artist behind the models' weights and statistics, with licences."""
    from mixingbuddy.agent.commands.printing import print_json
    from mixingbuddy.models.credits import credits_text, load_credits

    if json:
        print_json(load_credits())
    else:
        typer.echo(credits_text(load_credits()), nl=False)


def _train_large(
    model: str,
    data: Path,
    out: Path,
    chosen: dict[str, Any],
    seed: int,
    four_bit: bool,
    resume: bool,
    progress: "Callable[[str], None]",
) -> Path:
    from mixingbuddy.models.audio_llm_checkpoint import STATE, latest_checkpoint
    from mixingbuddy.models.audio_llm_options import Progress
    from mixingbuddy.models.audio_llm_train import train_audio_llm

    def told(step: Progress) -> None:
        progress(f"step {step.step} of {step.steps}, loss {step.loss:.3f}, {step.seconds:.1f} s")

    begun = latest_checkpoint(out) is not None or (out / STATE).is_file()
    given = {name: value for name, value in chosen.items() if value is not None}
    return train_audio_llm(
        model,
        data,
        out,
        seed=seed,
        four_bit=four_bit,
        resume=resume and begun,
        on_song=lambda read, of: progress(f"read {read} of {of} songs"),
        on_step=told,
        **given,
    )


def _file_to_write(target: Path) -> Path:
    """The file, its folder made; said now rather than after hours of work. Raises UserError where it cannot be."""
    from mixingbuddy.tools.errors import UserError
    from mixingbuddy.tools.files import make_folder

    if target.is_dir():
        raise UserError(f"'{target}' is a folder; give --markdown a file to write")
    make_folder(target.parent)
    return target


def _write_table(target: Path, table: str) -> None:
    import shlex
    import sys

    from mixingbuddy.tools.files import write_text

    write_text(target, f"`{shlex.join(['mixingbuddy', *sys.argv[1:]])}`\n\n{table}\n")


@contextmanager
def _telling(first: str) -> Iterator["Callable[[str], None]"]:
    """Where a long training stands: a spinner on a terminal; in a log, a line every ten seconds at most."""
    import time

    from mixingbuddy.agent.commands.console import err, working

    last_s = -LINE_EVERY_S

    def line(step: str) -> None:
        nonlocal last_s
        if time.monotonic() - last_s >= LINE_EVERY_S:
            last_s = time.monotonic()
            typer.echo(step, err=True)

    with working(first) as update:
        yield update if err.is_terminal else line
