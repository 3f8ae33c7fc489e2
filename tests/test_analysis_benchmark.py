"""The benchmark makes real songs, times every task in a process of its own, and writes what it measured."""

from pathlib import Path

import pytest
import soundfile

from mixingbuddy.benchmarks import analysis as benchmark
from mixingbuddy.benchmarks.analysis import TASKS, AnalysisBenchmark, Timing, make_song, run
from mixingbuddy.benchmarks.performance_page import PLOT, write_page
from mixingbuddy.tools.errors import UserError


def test_the_songs_are_what_they_are_said_to_be(shared_data: Path, tmp_path: Path) -> None:
    files = sorted(make_song(shared_data / "multitracks", tmp_path / "song", 10, 0.1).iterdir())
    assert len(files) == 10
    for file in files:
        info = soundfile.info(file)
        assert (info.samplerate, info.channels, info.subtype, info.frames) == (44100, 2, "PCM_24", 264600)
    assert len({file.read_bytes() for file in files}) == 10


def test_tasks_are_timed_in_processes_and_the_songs_are_removed(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ("decode", "cold", "warm")
    monkeypatch.setattr(benchmark, "TASKS", {name: TASKS[name] for name in wanted})
    monkeypatch.setattr(benchmark, "TRACKS", 2)
    monkeypatch.setattr(benchmark, "MINUTES", 0.2)
    told: list[str] = []
    result = run(shared_data / "multitracks", tmp_path, 1, False, told.append)
    assert [timing.task for timing in result.alternatives] == list(wanted)
    assert all(0 < timing.seconds < timing.process_s and timing.peak_mb > 10 for timing in result.alternatives)
    assert [timing.task for timing in result.as_flac] == ["decode", "cold"]
    assert len(told) >= 3
    assert not list(tmp_path.iterdir())


def test_no_material_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--data"):
        make_song(tmp_path, tmp_path / "song", 2, 1.0)


def test_the_page_holds_the_ratios_and_the_plot(tmp_path: Path) -> None:
    seconds = dict.fromkeys(TASKS, 1.0) | {"cold": 2.0, "usual pipeline": 20.0, "ffmpeg": 8.0, "warm": 0.1}
    alternatives = [
        Timing(task=name, tracks=8, minutes=4, seconds=s, process_s=s + 1, peak_mb=100) for name, s in seconds.items()
    ]
    growth = [
        Timing(task=task, tracks=tracks, minutes=minutes, seconds=minutes, process_s=minutes, peak_mb=100 + minutes)
        for tracks, minutes in ((8, 4.0), (16, 4.0), (8, 60.0))
        for task in ("decode, in blocks", "cold")
    ]
    packed = tuple(timing for timing in alternatives if timing.task in {"decode", "cold"})
    result = AnalysisBenchmark(
        machine="a machine", cores=2, repeats=3, alternatives=tuple(alternatives), as_flac=packed, growth=tuple(growth)
    )
    write_page(result, tmp_path)
    page = (tmp_path / "performance.md").read_text()
    assert "**2.00 times**" in page
    assert "**10.0 times faster**" in page
    assert "4.0 times faster" in page
    assert "1.54 times the memory" in page
    assert (tmp_path / PLOT).read_text().startswith("<?xml")
