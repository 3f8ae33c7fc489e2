"""What `mixingbuddy measure --json` says of a path, read strictly, and real stems to plant faults in."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

Audio = NDArray[np.floating]
ALARMS = {
    "clipping", "dc_offset", "hum", "noise_floor",
    "duplicate", "inverted_duplicate", "delayed_duplicate", "polarity_conflict",
    "stereo_inverted", "stereo_out_of_phase",
}  # fmt: skip


def measured(run: Callable[..., Any], path: Path) -> dict[str, Any]:
    """The one measurement of `path`."""
    ran = run("measure", path, "--json")
    assert (ran.code, ran.stderr) == (0, ""), ran.stderr
    (measurement,) = strict_json(ran.stdout)["measurements"]
    return dict(measurement)


def findings(run: Callable[..., Any], path: Path) -> list[dict[str, Any]]:
    """Its findings."""
    return list(measured(run, path)["findings"])


def strict_json(text: str) -> dict[str, Any]:
    """JSON without NaN and Infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in the JSON")

    return dict(json.loads(text, parse_constant=refuse))


def copy_song(shared_data: Path, song: str, to: Path) -> Path:
    """A copy of a shared multitrack without its reference."""
    source = shared_data / "multitracks" / song
    return Path(shutil.copytree(source, to / song, ignore=shutil.ignore_patterns("reference")))


def read(path: Path) -> tuple[Audio, int]:
    """float64 (channels, samples) and the rate."""
    audio, rate_hz = soundfile.read(path, always_2d=True)
    return audio.T.copy(), int(rate_hz)


def write(path: Path, audio: Audio, rate_hz: int, subtype: str = "FLOAT") -> None:
    """Write (channels, samples) as WAV."""
    soundfile.write(path, np.atleast_2d(audio).T, rate_hz, subtype=subtype)


def later(audio: Audio, samples: int) -> Audio:
    """The same, delayed, at the same length."""
    return np.pad(audio, ((0, 0), (samples, 0)))[:, : audio.shape[1]]
