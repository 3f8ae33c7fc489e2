"""Is this machine fit for work? Versions, decoders, the advisor's weights, the workspace."""

import os
import platform
import shutil
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from mixingbuddy.agent.settings import Settings
from mixingbuddy.tools.audio import Audio, read_streams
from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import make_folder

PACKAGES = (
    "mixingbuddy",
    "numpy",
    "scipy",
    "soundfile",
    "av",
    "soxr",
    "pyloudnorm",
    "pedalboard",
    "langgraph",
    "langchain",
    "torch",
    "transformers",
    "peft",
)
LEAST_FREE_BYTES = 1_000_000_000


class Check(BaseModel):
    """One thing that was looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    status: Literal["ok", "problem"]
    detail: str


class Examination(BaseModel):
    """Everything that was looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checks: tuple[Check, ...]


def examine(settings: Settings) -> list[Check]:
    """Every check, in the order in which a person would want to read them."""
    return [
        _check(
            "python", sys.version_info >= (3, 11), f"{platform.python_version()} on {platform.platform(terse=True)}"
        ),
        *(_package(name) for name in PACKAGES),
        *(_round_trip(suffix) for suffix in ("wav", "flac", "ogg", "mp3", "m4a")),
        _weights(),
        _workspace(settings.workspace_root),
        _check("processors", True, f"{os.cpu_count()} cores"),
    ]


def _check(name: str, good: bool, detail: str) -> Check:
    return Check(name=name, status="ok" if good else "problem", detail=detail)


def _package(name: str) -> Check:
    try:
        return _check(name, True, version(name))
    except PackageNotFoundError:
        return _check(name, False, f"not installed; pip install {name}")


def _round_trip(suffix: str) -> Check:
    """Write half a second in the format and read it again."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"tone.{suffix}"
        try:
            (_write_m4a if suffix == "m4a" else _write_sound)(path)
            clip = read_streams(path)[0]
        except (UserError, OSError, RuntimeError, ValueError) as error:
            return _check(f"decode {suffix}", False, str(error))
    return _check(f"decode {suffix}", clip.duration_s > 0.4, f"{clip.duration_s:.2f} s at {clip.sample_rate_hz} Hz")


def _tone() -> Audio:
    import numpy as np

    return (0.1 * np.sin(2 * np.pi * 440 * np.arange(22050) / 44100)).astype(np.float32)[None]


def _write_sound(path: Path) -> None:
    import soundfile

    soundfile.write(path, _tone().T, 44100)


def _write_m4a(path: Path) -> None:
    import av

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(_tone(), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux([*stream.encode(frame), *stream.encode(None)])


def _weights() -> Check:
    """Load the default advisor's weights as a critique would."""
    from mixingbuddy.models.differential import weights
    from mixingbuddy.models.differential.configuration import FORMAT_VERSION

    started = time.monotonic()
    folder = weights.weights_folder()
    try:
        weights.load_model()
    except UserError as error:
        return _check("weights", False, str(error))
    except ImportError as error:
        return _check("weights", False, f"cannot be loaded: {error}")
    size_mb = sum(file.stat().st_size for file in folder.rglob("*.safetensors")) / 1e6
    seconds = time.monotonic() - started
    return _check("weights", True, f"{folder} ({size_mb:.1f} MB, format {FORMAT_VERSION}, loaded in {seconds:.1f} s)")


def _workspace(root: Path) -> Check:
    try:
        make_folder(root)
        with tempfile.NamedTemporaryFile(dir=root):
            pass
    except (UserError, OSError) as error:
        return _check("workspace", False, str(error))
    free = shutil.disk_usage(root).free
    return _check("workspace", free > LEAST_FREE_BYTES, f"{root} ({free / 1e9:.0f} GB free)")
