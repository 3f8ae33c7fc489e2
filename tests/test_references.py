"""A reference is found by the name that the user gives it, and never outside the folders that are open to it."""

from pathlib import Path

import pytest

from mixingbuddy.agent.references import find_reference
from mixingbuddy.agent.workbench import Workbench
from mixingbuddy.models.advisors import open_advisor
from mixingbuddy.tools.multitrack import load_song


@pytest.fixture
def bench(song: Path, tmp_path: Path) -> Workbench:
    more = tmp_path / "records"
    more.mkdir()
    for name in ("Falcon 69.wav", "paper_lanterns.wav", ".hidden.wav"):
        (more / name).write_bytes((song / "reference" / "mix.wav").read_bytes())
    (more / "notes.txt").write_text("no audio")
    return Workbench(load_song(song), open_advisor("level-difference"), references=(more,))


@pytest.mark.parametrize(
    ("words", "stem"),
    [
        ("falcon 69", "Falcon 69"),
        ("the falcon 69 mix", "Falcon 69"),
        ("paper lanterns", "paper_lanterns"),
        ("mix", "mix"),
    ],
)
def test_a_name_finds_its_file(bench: Workbench, words: str, stem: str) -> None:
    found = find_reference(bench, words, f"this should sound like {words}")
    assert found.path is not None
    assert found.path.stem == stem


def test_an_unknown_name_gives_the_choices(bench: Workbench) -> None:
    found = find_reference(bench, "the record", "make it like the record")
    assert found.path is None
    assert set(found.choices) == {"mix", "Falcon 69", "paper_lanterns"}


def test_a_path_counts_at_the_terminal_only(bench: Workbench, tmp_path: Path, song: Path) -> None:
    elsewhere = tmp_path / "elsewhere hit.wav"
    elsewhere.write_bytes((song / "reference" / "mix.wav").read_bytes())
    text = f"this should sound like '{elsewhere}'"
    assert find_reference(bench, str(elsewhere).casefold(), text).path is None
    bench.paths_from_words = True
    assert find_reference(bench, str(elsewhere).casefold(), text).path == elsewhere
    assert find_reference(bench, "/etc/passwd", "like '/etc/passwd'").path is None


def test_another_reference_changes_what_is_compared(bench: Workbench) -> None:
    before = bench.fingerprint
    named = find_reference(bench, "falcon 69", "like falcon 69")
    assert named.path is not None
    assert bench.advice({}).fit is not None
    bench.use_reference(named.path)
    assert bench.reference is not None
    assert bench.reference.name == "Falcon 69"
    assert bench.fingerprint != before
    assert bench.advice({}).fit is not None
