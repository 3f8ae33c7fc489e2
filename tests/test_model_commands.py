"""The commands about models through the command line."""

import json
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from musdb_folder import write_musdb

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def musdb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_musdb(tmp_path_factory.mktemp("musdb"), valid=2)


def document(ran: Any) -> Any:
    assert ran.code == 0, ran.stderr
    return json.loads(ran.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


# --- evaluate ---------------------------------------------------------------------------------------------------------


def test_one_advisor_in_one_setting_is_one_document(run: Run, musdb: Path) -> None:
    ran = run(
        "evaluate", "--data", musdb, "--setting", "stems+mix", "--advisor", "level-difference",
        "--samples", 10, "--seed", 3, "--json",
    )  # fmt: skip
    result = document(ran)
    assert ran.stderr == ""
    assert result["data"] == str(musdb)
    assert [result[key] for key in ("split", "protocol", "setting", "advisor", "seed", "n", "songs")] == [
        "valid", "single", "stems+mix", "level-difference", 3, 10, 2,
    ]  # fmt: skip
    assert result["overall"]["joint"] == 1.0
    assert result["gain_error_db"]["p90"] < 0.1
    assert 0 < result["seconds_per_sample"] < 10


def test_several_are_a_list_with_the_table_on_stderr(run: Run, musdb: Path, tmp_path: Path) -> None:
    """`level-difference` has nothing to compare with in the setting `stems`; that is said, and the rest goes on."""
    table = tmp_path / "new" / "table.md"
    ran = run(
        "evaluate", "--data", musdb, "--protocol", "both", "--setting", "stems+mix", "--setting", "stems",
        "--advisor", "prior", "--advisor", "level-difference", "--samples", 5, "--json", "--markdown", table,
    )  # fmt: skip
    results = document(ran)
    assert [(one["protocol"], one["setting"], one["advisor"]) for one in results] == [
        ("single", "stems", "prior"),
        ("single", "stems+mix", "prior"),
        ("single", "stems+mix", "level-difference"),
        ("multi", "stems", "prior"),
        ("multi", "stems+mix", "prior"),
        ("multi", "stems+mix", "level-difference"),
    ]
    assert [one["n"] for one in results] == [5, 5, 5, 2, 2, 2]
    skipped = [line for line in ran.stderr.splitlines() if line.startswith("skipped: ")]
    assert len(skipped) == 2
    assert "level-difference cannot do 'stems': " in skipped[0]
    rows = [line for line in ran.stderr.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + len(results)
    written = table.read_text().splitlines()
    assert written[0].startswith("`mixingbuddy evaluate --data ")
    assert written[2:] == rows


def test_a_list_stays_a_list_where_only_one_can_be_done(run: Run, musdb: Path) -> None:
    results = document(
        run(
            "evaluate", "--data", musdb, "--setting", "stems", "--advisor", "level-difference", "--advisor", "prior",
            "--samples", 3, "--json",
        )
    )  # fmt: skip
    assert [one["advisor"] for one in results] == ["prior"]


def test_a_person_gets_the_table_on_stdout(run: Run, musdb: Path) -> None:
    ran = run("evaluate", "--data", musdb, "--setting", "stems", "--advisor", "prior", "--samples", 3)
    assert (ran.code, ran.stderr) == (0, "")
    assert ran.stdout.startswith("| advisor ")
    assert len(ran.stdout.splitlines()) == 3


def test_the_same_seed_gives_the_same_figures(run: Run, musdb: Path) -> None:
    def asked(seed: int) -> Any:
        arguments = ["--setting", "stems+other", "--advisor", "prior", "--samples", 12, "--seed", seed, "--json"]
        return {**document(run("evaluate", "--data", musdb, *arguments)), "seconds_per_sample": 0}

    assert asked(1) == asked(1)
    assert asked(1)["gain_error_db"] != asked(2)["gain_error_db"]


def test_all_settings_by_default(run: Run, musdb: Path) -> None:
    ran = run("evaluate", "--data", musdb, "--advisor", "prior", "--samples", 1, "--json")
    assert [one["setting"] for one in document(ran)] == [
        "stems", "stems+mix", "stems+master", "stems+stems", "stems+other", "stems+other-mix",
    ]  # fmt: skip
    assert "prior cannot do 'mix': " in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--setting", "stem", "--advisor", "prior"], "no setting 'stem'; there are: mix, stems, stems+mix"),
        (["--setting", "stems", "--advisor", "nobody"], "no advisor 'nobody'; there are: "),
        (["--advisor", "prior", "--split", "dev"], "'train', 'valid', 'test'"),
        (["--advisor", "prior", "--samples", "0"], "--samples"),
        (["--advisor", "prior", "--split", "test"], "no songs in"),
        (["--setting", "stems", "--advisor", "level-difference"], "level-difference cannot do 'stems': "),
        (["--advisor", "prior", "--markdown", "."], "is a folder; give --markdown a file"),
    ],
)
def test_wrong_usage_is_one_line(run: Run, musdb: Path, arguments: list[str], says: str) -> None:
    ran = run("evaluate", "--data", musdb, *arguments)
    assert (ran.code, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 1)
    assert says in ran.stderr


@pytest.mark.parametrize("command", [["evaluate", "--advisor", "prior"], ["train", "--recipe", "base", "--out", "OUT"]])
def test_data_that_is_not_there_is_one_line(run: Run, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    arguments = [str(tmp_path / "out") if word == "OUT" else word for word in command]
    for folder, says in ((tmp_path / "nowhere", "no folder"), (tmp_path / "empty", "no songs in")):
        ran = run(*arguments, "--data", folder)
        assert (ran.code, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 1)
        assert says in ran.stderr
    assert not (tmp_path / "out").exists()


def test_ctrl_c_leaves_no_table(tmp_path: Path, musdb: Path) -> None:
    table = tmp_path / "table.md"
    code = (
        "import sys, time\n"
        "from mixingbuddy.agent.commands import evaluating\n"
        "def never(*anything, **more):\n    print('begun', flush=True)\n    time.sleep(60)\n"
        "evaluating.evaluate = never\n"
        "from mixingbuddy.agent.cli import main\n"
        f"sys.argv = ['mixingbuddy', 'evaluate', '--data', {str(musdb)!r}, '--setting', 'stems', '--advisor', 'prior',"
        f" '--json', '--markdown', {str(table)!r}]\n"
        "main()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (2, "")
    assert stderr.splitlines()[-1].startswith("mixingbuddy: interrupted")
    assert list(tmp_path.iterdir()) == []


def test_real_songs(run: Run, shared_data: Path) -> None:
    """A mix of the same song gives the gains nearly exactly; without a reference the prior is right about half."""
    results = document(
        run(
            "evaluate", "--data", shared_data / "musdb18-7s", "--songs", 2, "--samples", 20, "--setting", "stems+mix",
            "--advisor", "prior", "--advisor", "level-difference", "--json",
        )
    )  # fmt: skip
    prior, measured = results
    assert (prior["n"], prior["songs"], prior["unanswered"]) == (20, 2, 0)
    assert measured["overall"]["joint"] == 1.0
    assert measured["gain_error_db"]["p90"] <= 0.1
    assert 0.2 < prior["overall"]["joint"] < 1.0
    assert prior["gain_error_db"]["p90"] > 1.0


# --- train ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `train` asks the trainers for; nothing is trained."""
    asked: dict[str, Any] = {}

    def recipe(recipe: str, data: Path, out: Path, **more: Any) -> Path:
        asked.update(more, recipe=recipe, data=data, out=out)
        more["progress"]("step 1 of 2")
        more["progress"]("step 2 of 2")
        return out

    def large(model: str, data: Path, out: Path, **more: Any) -> Path:
        asked.update(more, model=model, data=data, out=out)
        return out

    made_up: dict[str, Any] = {
        "mixingbuddy.models.differential.recipes": {"train": recipe},
        "mixingbuddy.models.audio_llm_train": {"train_audio_llm": large},
        "mixingbuddy.models.audio_llm_checkpoint": {
            "STATE": "training.json",
            "latest_checkpoint": lambda out: next(out.glob("checkpoint-*"), None),
        },
    }
    for name, members in made_up.items():
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)
    return asked


def test_a_recipe_is_trained_with_what_was_given(
    run: Run, musdb: Path, tmp_path: Path, asked_for: dict[str, Any]
) -> None:
    ran = run(
        "train", "--recipe", "single-mix", "--data", musdb, "--out", tmp_path, "--steps", 7, "--seed", 2, "--no-resume",
        "--device", "cpu",
    )  # fmt: skip
    assert (ran.code, ran.stdout) == (0, f"trained: {tmp_path}\n")
    assert ran.stderr == "step 1 of 2\n"  # in a log, not every step is told
    asked_for.pop("progress")
    assert asked_for == {
        "recipe": "single-mix", "data": musdb, "out": tmp_path, "steps": 7, "seed": 2, "resume": False, "device": "cpu",
    }  # fmt: skip


def test_a_large_model_goes_on_only_where_it_was_begun(
    run: Run, musdb: Path, tmp_path: Path, asked_for: dict[str, Any]
) -> None:
    arguments = ["train", "--model", "folder/of/model", "--data", musdb, "--out", tmp_path]
    assert run(*arguments).code == 0
    assert (asked_for["model"], asked_for["four_bit"], asked_for["resume"]) == ("folder/of/model", False, False)
    assert "steps" not in asked_for  # the trainer's own default holds
    (tmp_path / "checkpoint-5").mkdir()
    assert run(*arguments, "--steps", 3).code == 0
    assert (asked_for["steps"], asked_for["resume"]) == (3, True)
    assert run(*arguments, "--no-resume", "--four-bit", "--learning-rate", "2e-5").code == 0
    assert (asked_for["resume"], asked_for["four_bit"], asked_for["learning_rate"]) == (False, True, 2e-5)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give either --recipe"),
        (["--recipe", "base", "--model", "big"], "give either --recipe"),
        (["--recipe", "bass"], "'base', 'lora', 'single-mix'"),
        (["--model", "big", "--device", "cuda"], "--device is for --recipe"),
    ],
)
def test_train_what(
    run: Run, musdb: Path, tmp_path: Path, asked_for: dict[str, Any], arguments: list[str], says: str
) -> None:
    ran = run("train", "--data", musdb, "--out", tmp_path, *arguments)
    assert (ran.code, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 1)
    assert says in ran.stderr
    assert not asked_for


# --- credits ----------------------------------------------------------------------------------------------------------


def test_credits_name_artists_and_licences(run: Run) -> None:
    shown = document(run("credits", "--json"))
    named = {song["artist"] for part in (*shown["weights"], *shown["statistics"]) for song in part["recordings"]}
    assert "Actions" in named
    text = run("credits").stdout
    assert all(artist in " ".join(text.split()) for artist in named)
    assert "CC BY-NC-SA" in text


@pytest.mark.parametrize("command", ["train", "evaluate", "credits"])
def test_help_has_examples_and_is_quick(run: Run, command: str) -> None:
    before = time.monotonic()
    ran = run(command, "--help")
    assert ran.code == 0
    assert f"mixingbuddy {command}" in ran.stdout
    assert time.monotonic() - before < 5
