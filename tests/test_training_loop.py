"""The training loop: killed at any moment it goes on to the same weights."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mixingbuddy.models.differential import training_loop
from mixingbuddy.models.differential.training_loop import Schedule, Task, train
from mixingbuddy.tools.errors import UserError

STEPS = 24
SCHEDULE = Schedule(STEPS, 1e-2, warm_up=4, averaged=0.9)


class Interrupted(Exception):
    """The moment at which a run breaks off."""


@pytest.fixture(autouse=True)
def saved_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_loop, "SAVED_EVERY", 5)


def small_model() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1))


def lesson(model: nn.Module, seed: int = 0, breaks_at: int | None = None, **given: Any) -> Task:
    """Learn a fixed linear map from noise; breaks off at a step if told to."""
    steps = iter(range(1000))
    weights = torch.arange(6.0)

    def batch(rng: np.random.Generator) -> Tensor:
        return torch.from_numpy(rng.normal(size=(16, 6)).astype(np.float32))

    def loss(drawn: Tensor) -> tuple[Tensor, dict[str, float]]:
        if next(steps) == breaks_at:
            raise Interrupted
        error = (model(drawn)[:, 0] - drawn @ weights).square().mean()
        return error, {"error": round(float(error.detach()), 5)}

    return Task("small", seed, batch, loss, **given)


def run(folder: Path, seed: int = 0, breaks_at: int | None = None, **given: Any) -> dict[str, Tensor]:
    model = small_model()
    return train(model, lesson(model, seed, breaks_at, **given), SCHEDULE, folder, report=lambda line: None)


def losses(folder: Path) -> list[Any]:
    return [json.loads(line) for line in (folder / "loss.jsonl").read_text().splitlines()]


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def test_it_learns(tmp_path: Path) -> None:
    run(tmp_path)
    curve = [line["loss"] for line in losses(tmp_path)]
    assert len(curve) == STEPS
    assert np.mean(curve[-5:]) < 0.95 * np.mean(curve[:5])


def test_two_runs_with_one_seed_give_the_same_weights_and_another_seed_others(tmp_path: Path) -> None:
    first, second, other = run(tmp_path / "a"), run(tmp_path / "b"), run(tmp_path / "c", seed=1)
    assert same(first, second)
    assert not same(first, other)
    assert losses(tmp_path / "a") == losses(tmp_path / "b")


@pytest.mark.parametrize("breaks_at", [3, 5, 13, 23])
def test_a_run_that_breaks_off_goes_on_to_the_same_weights_and_curve(tmp_path: Path, breaks_at: int) -> None:
    whole = run(tmp_path / "whole")
    with pytest.raises(Interrupted):
        run(tmp_path / "broken", breaks_at=breaks_at)
    assert same(run(tmp_path / "broken"), whole)
    assert losses(tmp_path / "broken") == losses(tmp_path / "whole")


def test_batches_drawn_ahead_are_the_same_batches(tmp_path: Path) -> None:
    assert same(run(tmp_path / "ahead", ahead=True), run(tmp_path / "now", ahead=False))


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    whole = run(tmp_path)
    assert same(run(tmp_path, breaks_at=0), whole)


@pytest.mark.parametrize("given", [{"seed": 1}, {"settings": "other remixes"}])
def test_the_checkpoint_of_another_run_is_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    run(tmp_path)
    with pytest.raises(UserError, match="holds another run .*--no-resume"):
        run(tmp_path, **given)


@pytest.mark.parametrize("name", ["model.safetensors", "average.safetensors", "moments.safetensors"])
def test_a_damaged_checkpoint_is_one_clear_line(tmp_path: Path, name: str) -> None:
    run(tmp_path)
    file = next(tmp_path.glob("step-*")) / name
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(UserError, match="cannot be read .*--no-resume") as caught:
        run(tmp_path)
    assert "\n" not in str(caught.value)


def test_only_the_last_checkpoint_is_kept_and_none_is_a_pickle(tmp_path: Path) -> None:
    run(tmp_path)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert files == [
        "latest.json",
        "loss.jsonl",
        "step-000024/average.safetensors",
        "step-000024/model.safetensors",
        "step-000024/moments.safetensors",
    ]


def test_the_learning_rate_warms_up_and_ends_at_a_hundredth() -> None:
    schedule = Schedule(100, 0.5, warm_up=10)
    rates = [schedule.rate(step) for step in range(101)]
    assert rates[4] == pytest.approx(0.25)
    assert max(rates) == rates[10] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0.005)
    assert (np.diff(rates[10:]) <= 0).all()


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_training_loop as here
from mixingbuddy.models.differential import training_loop
training_loop.SAVED_EVERY = 5
save = training_loop._save_tensors
def dies(tensors, target):
    if target.name == sys.argv[3] and target.parent.name == "step-000015":
        os.kill(os.getpid(), signal.SIGKILL)
    save(tensors, target)
training_loop._save_tensors = dies
here.run(Path(sys.argv[2]))
"""


@pytest.mark.parametrize("while_writing", ["model.safetensors", "moments.safetensors"])
def test_kill_9_in_the_middle_of_saving_leaves_the_last_whole_checkpoint(tmp_path: Path, while_writing: str) -> None:
    arguments = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(tmp_path / "killed"), while_writing]
    died = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert json.loads((tmp_path / "killed" / "latest.json").read_text())["step"] == 10
    assert same(run(tmp_path / "killed"), run(tmp_path / "whole"))
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
