"""Shared fixtures: small songs made from a seed, real audio where it is at hand, and the command line in-process."""

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from songs import make_stems, write_song

ROOT = Path(__file__).resolve().parent.parent
# The tests themselves run side by side on all cores; threads of torch on top of that wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real audio beside the checkout; tests that need it skip without it, except in CI."""
    folder = Path(os.environ.get("MIXINGBUDDY_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        reason = f"needs real audio in '{folder}' (set MIXINGBUDDY_SHARED_DATA to where it lies)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return folder


@pytest.fixture(autouse=True)
def own_workspace(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test writes to the user's own workspace or reads the user's settings."""
    for name in [name for name in os.environ if name.startswith("MIXINGBUDDY_") and name != "MIXINGBUDDY_SHARED_DATA"]:
        monkeypatch.delenv(name)
    folder = tmp_path_factory.mktemp("workspace")
    monkeypatch.setenv("MIXINGBUDDY_WORKSPACE", str(folder))
    return folder


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """A song of four stems in balance with its own mix as reference."""
    stems = make_stems()
    folder = write_song(tmp_path / "song", stems)
    write_song(folder / "reference", {"mix": np.sum(list(stems.values()), axis=0)})
    return folder


@pytest.fixture
def quiet_vocals(tmp_path: Path) -> Path:
    """The same song with the vocals 7 dB too low; the reference is right."""
    stems = make_stems()
    folder = write_song(tmp_path / "quiet vocals", stems | {"vocals": stems["vocals"] * np.float32(10 ** (-7 / 20))})
    write_song(folder / "reference", {"mix": np.sum(list(stems.values()), axis=0)})
    return folder


@pytest.fixture
def falcon(shared_data: Path, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the real song 'Falcon 69' with some stems at other gains (dB): `falcon(vocals=-7)`."""

    def copy(**gains_db: float) -> Path:
        folder = tmp_path / f"falcon {len(list(tmp_path.iterdir()))}"
        shutil.copytree(shared_data / "multitracks" / "falcon69", folder)
        for stem, gain_db in gains_db.items():
            audio, rate_hz = soundfile.read(folder / f"{stem}.wav", dtype="float32")
            soundfile.write(folder / f"{stem}.wav", audio * 10 ** (gain_db / 20), rate_hz, subtype="FLOAT")
        return folder

    return copy


@pytest.fixture(scope="session")
def other_mix(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mix of a professional song that no test is about, as a WAV file of 7 s."""
    from mixingbuddy.tools.audio import read_streams, write_clip

    song = sorted((shared_data / "musdb18-7s" / "train").glob("*.stem.mp4"))[0]
    target = tmp_path_factory.mktemp("other") / "somebody else.wav"
    write_clip(read_streams(song)[0], target)
    return target


@dataclass(frozen=True)
class Ran:
    """What a command printed and how it ended."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run the command line in this process: `run("critique", path, "--json")`."""

    def call(*arguments: object) -> Ran:
        from mixingbuddy.agent.cli import main

        monkeypatch.setattr("sys.argv", ["mixingbuddy", *map(str, arguments)])
        capsys.readouterr()
        interrupt = signal.getsignal(signal.SIGINT)
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            signal.signal(signal.SIGINT, interrupt)
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    return call
