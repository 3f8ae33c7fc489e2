"""Play a file at the terminal, through a player that this machine has."""

import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Literal

from mixingbuddy.tools.audio import read_clip

GRACE_S = 2.0  # for a player to start and end
PLAYERS = (
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("afplay",),
)
Played = Literal["played", "stopped", "no_player", "failed"]


def play(path: Path) -> Played:
    """Play an audio file to its end or until Ctrl-C, which stops only the playing. Raises UserError for no audio."""
    clip = read_clip(path)
    command = _player()
    if command is None:
        return _play_inside(path)
    try:
        running = subprocess.Popen(
            [*command, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError:
        return "failed"
    try:
        with _interruptible():
            return "played" if running.wait(clip.duration_s + GRACE_S) == 0 else "failed"
    except KeyboardInterrupt:
        return "stopped"
    except subprocess.TimeoutExpired:
        return "played"
    finally:
        _end(running)


def _player() -> list[str] | None:
    found = ([path, *options] for name, *options in PLAYERS if (path := shutil.which(name)) is not None)
    return next(found, None)


def _play_inside(path: Path) -> Played:
    """Through the `sounddevice` package, where that is installed."""
    from importlib import import_module
    from importlib.util import find_spec

    if find_spec("sounddevice") is None:
        return "no_player"
    clip = read_clip(path)
    try:
        device = import_module("sounddevice")
    except OSError:  # the package is there, the sound library that it needs is not
        return "no_player"
    try:
        with _interruptible():
            device.play(clip.audio.T, clip.sample_rate_hz)
            device.wait()
    except KeyboardInterrupt:
        device.stop()
        return "stopped"
    except device.PortAudioError:
        return "failed"
    return "played"


def _end(running: subprocess.Popen[bytes]) -> None:
    if running.poll() is None:
        running.terminate()
        with suppress(subprocess.TimeoutExpired):
            running.wait(1.0)
        if running.poll() is None:
            running.kill()
            running.wait()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt here, whatever it does to the program otherwise."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
