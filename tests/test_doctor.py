import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mixingbuddy.agent.commands.doctor import examine
from mixingbuddy.agent.settings import read_settings


def test_this_machine_decodes_every_format() -> None:
    checks = {check.name: check for check in examine(read_settings())}
    for suffix in ("wav", "flac", "ogg", "mp3", "m4a"):
        assert checks[f"decode {suffix}"].status == "ok", checks[f"decode {suffix}"].detail
    assert checks["workspace"].status == "ok"


def test_an_unusable_workspace_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    checks = {check.name: check for check in examine(read_settings(workspace=tmp_path / "file"))}
    assert checks["workspace"].status == "problem"


def test_weights_are_loaded_and_described() -> None:
    check = next(check for check in examine(read_settings()) if check.name == "weights")
    assert check.status == "ok"
    for words in ("weights (", " MB, format 1, loaded in "):
        assert words in check.detail


def test_missing_weights_are_a_problem_and_no_failure(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mixingbuddy.models.differential.weights.weights_folder", lambda: tmp_path / "nowhere")
    ran = run("doctor", "--json")
    assert ran.code == 0
    (check,) = [check for check in json.loads(ran.stdout)["checks"] if check["name"] == "weights"]
    assert check["status"] == "problem"
    assert "nowhere" in check["detail"]
    assert run("doctor", "--check").code == 1
