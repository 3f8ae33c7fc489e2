"""The recipes: from songs to weights that load, twice the same, and on after a kill -9."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from musdb_folder import write_musdb

from mixingbuddy.models.differential import recipes
from mixingbuddy.models.differential.recipes import train
from mixingbuddy.models.differential.shape import Shape
from mixingbuddy.models.differential.speaking import Sets, Speech, SpokenMove, speak
from mixingbuddy.models.differential.weights import ADAPTER, BASE, SINGLE_MIX, load_model, load_single_mix
from mixingbuddy.tools.errors import UserError

SMALL = Shape(channels=(4, 6, 8), width=16, layers=1, heads=2, text_width=16, text_layers=1)


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_musdb(tmp_path_factory.mktemp("musdb"), valid=1, train=2, duration_s=4.0)


@pytest.fixture(autouse=True)
def small_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch.setattr)


def make_small(set_to: object) -> None:
    """Small models and batches; `set_to(module, name, value)` is setattr or its undoable form."""
    given = {"SHAPE": SMALL, "EAR_BATCH": 4, "EAR_FRAMES": 32, "SENTENCES": 8, "TASK_BATCH": 4, "TASK_FRAMES": 64}
    for name, value in given.items():
        set_to(recipes, name, value)  # type: ignore[operator]


def quiet(line: str) -> None:
    """No progress."""


def follow(songs: Path, out: Path, *names: str, steps: int = 3, seed: int = 0) -> None:
    for name in names:
        train(name, songs, out, steps=steps, seed=seed, device="cpu", progress=quiet)


def tensors(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("*.safetensors")))


def test_the_three_recipes_make_weights_that_load_and_speak(songs: Path, tmp_path: Path) -> None:
    follow(songs, tmp_path, "base", "lora", "single-mix")
    model = load_model(tmp_path / BASE, tmp_path / ADAPTER)
    heard = model.hear(torch.rand(1, 2, model.config.bands, 32))
    assert torch.isfinite(heard.levels).all()
    move = SpokenMove(("Vox",), -3.0, (-4.0, -2.0))
    assert "3.0 dB" in speak(model, [Speech("none", (move,), Sets.empty(model.config.width))])[0]
    guess = load_single_mix(tmp_path / SINGLE_MIX).guess_flaw(torch.rand(1, 2, 72, 32), torch.tensor([1]))
    assert torch.softmax(guess.logits, 1)[0, 3:5].sum() == 0  # the anchor's own classes


def test_the_adapter_changes_what_is_heard_and_nothing_is_a_pickle(songs: Path, tmp_path: Path) -> None:
    follow(songs, tmp_path, "base", "lora", steps=4)
    powers = torch.rand(1, 2, SMALL.bands, 32)
    plain, tuned = load_model(tmp_path / BASE), load_model(tmp_path / BASE, tmp_path / ADAPTER)
    assert not torch.equal(plain.hear(powers).log_shares, tuned.hear(powers).log_shares)
    suffixes = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert suffixes <= {".safetensors", ".json", ".jsonl"}


def test_two_songs_say_nothing_about_what_is_usual(songs: Path, tmp_path: Path) -> None:
    follow(songs, tmp_path, "base", steps=1)
    shape = load_model(tmp_path / BASE).config
    assert shape.balance_mean_db == Shape().balance_mean_db
    assert shape.balance_covariance_db == Shape().balance_covariance_db


def test_the_shipped_balance_is_that_of_professional_mixes() -> None:
    shape = load_model().config
    assert sum(shape.balance_mean_db) == pytest.approx(0.0, abs=0.2)
    assert max(shape.balance_mean_db) == shape.balance_mean_db[0]  # the voice leads
    assert np.linalg.eigvalsh(np.array(shape.balance_covariance_db))[1] > 0.5


def test_one_seed_gives_the_same_bytes_and_another_seed_others(songs: Path, tmp_path: Path) -> None:
    follow(songs, tmp_path / "a", "base", "lora")
    follow(songs, tmp_path / "b", "base", "lora")
    follow(songs, tmp_path / "c", "base", seed=1)
    for part in (BASE, ADAPTER):
        assert tensors(tmp_path / "a" / part) == tensors(tmp_path / "b" / part)
    assert tensors(tmp_path / "a" / BASE) != tensors(tmp_path / "c" / BASE)


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_recipes as here
from mixingbuddy.models.differential import training_loop
training_loop.SAVED_EVERY = 4
here.make_small(setattr)
here.follow(Path(sys.argv[2]), Path(sys.argv[3]), "base", steps=int(sys.argv[4]))
"""


def test_kill_9_in_the_middle_of_a_recipe_costs_nothing(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 40
    out = tmp_path / "killed"
    arguments = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(songs), str(out), str(steps)]
    running = subprocess.Popen(arguments, env={**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())})
    pointer, patience = out / "checkpoints" / "ear" / "latest.json", time.monotonic() + 120
    while not pointer.exists() and running.poll() is None and time.monotonic() < patience:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    assert not (out / BASE).exists()
    follow(songs, out, "base", steps=steps)
    follow(songs, tmp_path / "whole", "base", steps=steps)
    assert tensors(out / BASE) == tensors(tmp_path / "whole" / BASE)
    curves = [(folder / "checkpoints" / "ear" / "loss.jsonl").read_text() for folder in (out, tmp_path / "whole")]
    assert curves[0] == curves[1]


def test_lora_without_base_weights_starts_from_the_shipped_ones(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(songs, tmp_path / "made", "base", steps=1)
    monkeypatch.setattr(recipes, "weights_folder", lambda: tmp_path / "made")
    follow(songs, tmp_path / "other", "lora", steps=1)
    assert (tmp_path / "other" / ADAPTER / "adapter_model.safetensors").is_file()


def test_wrong_use_is_one_clear_line(songs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no recipe 'tiny'; there are: base, lora, single-mix"):
        train("tiny", songs, tmp_path)
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="no CUDA device"):
            train("base", songs, tmp_path, device="cuda")


def test_another_schedule_is_another_run(songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    follow(songs, tmp_path, "base", steps=2)
    monkeypatch.setattr(recipes, "EAR_RULES", replace(recipes.EAR_RULES, equaliser_db=1.0))
    with pytest.raises(UserError, match="holds another run"):
        follow(songs, tmp_path, "base", steps=2)
