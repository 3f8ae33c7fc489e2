"""Where the samples of a stem come from: a file that is decoded piece by piece, or an array. Memory does not grow."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from mixingbuddy.tools.audio import PYAV_SUFFIXES, Audio, AudioFile, Clip, read_stream, resampled, window_of
from mixingbuddy.tools.files import temporary_folder


class Source(Protocol):
    """The samples of one stem at the song's sample rate, float32 (channels, samples)."""

    channels: int
    samples: int
    own_rate_hz: int

    def read(self, samples: int) -> tuple[Audio, Audio]:
        """The next samples, with zeros after the end, and what was read for them at the source's own rate."""

    def window(self, first: int, samples: int) -> Audio:
        """Any part, with zeros before the start and after the end; `read` goes on where it was."""


class ArraySource:
    """A stem in memory."""

    def __init__(self, audio: Audio, sample_rate_hz: int) -> None:
        self.channels, self.samples = int(audio.shape[0]), int(audio.shape[1])
        self.own_rate_hz = sample_rate_hz
        self._audio, self._at = audio, 0

    def read(self, samples: int) -> tuple[Audio, Audio]:
        block = self._audio[:, self._at : self._at + samples]
        self._at += samples
        return lengthened(block, samples), block

    def window(self, first: int, samples: int) -> Audio:
        return window_of(self._audio, first, samples)


class FileSource:
    """A stem in a file, resampled (soxr, high quality) where its rate is another than the song's."""

    def __init__(self, file: AudioFile, sample_rate_hz: int) -> None:
        self._file, self._rate_hz = file, sample_rate_hz
        self.channels, self.own_rate_hz = file.channels, file.sample_rate_hz
        self.samples = round(file.samples * sample_rate_hz / file.sample_rate_hz)
        self._resampler = None if file.sample_rate_hz == sample_rate_hz else _resampler(file, sample_rate_hz)
        self._waiting: Audio = np.zeros((file.channels, 0), np.float32)
        self._ended = False

    def read(self, samples: int) -> tuple[Audio, Audio]:
        if self._resampler is None:
            block = self._file.read(samples)
            return lengthened(block, samples), block
        own = []
        while self._waiting.shape[1] < samples and not self._ended:
            own.append(self._file.read(max(1, round(samples * self.own_rate_hz / self._rate_hz))))
            self._ended = own[-1].shape[1] == 0
            new = self._resampler.resample_chunk(np.ascontiguousarray(own[-1].T), last=self._ended)
            self._waiting = np.concatenate([self._waiting, new.reshape(-1, self.channels).T], axis=1)
        block, self._waiting = self._waiting[:, :samples], self._waiting[:, samples:]
        return lengthened(block, samples), np.concatenate([self._waiting[:, :0], *own], axis=1)

    def window(self, first: int, samples: int) -> Audio:
        if self._resampler is None:
            return _padded_window(self._file, first, samples)
        # Both rates have a sample at the same time only every so often; the window begins at such a place.
        shared = math.gcd(self.own_rate_hz, self._rate_hz)
        step, own_step = self._rate_hz // shared, self.own_rate_hz // shared
        before = first % step
        own = _padded_window(self._file, first // step * own_step, -(-(before + samples) // step) * own_step)
        return resampled(Clip(own, self.own_rate_hz), self._rate_hz).audio[:, before : before + samples]


def lengthened(block: Audio, samples: int) -> Audio:
    """`block` with zeros after it, up to `samples`."""
    missing = samples - block.shape[1]
    return np.ascontiguousarray(np.pad(block, ((0, 0), (0, missing))) if missing else block, np.float32)


@contextmanager
def opened(path: Path, stream: int, sample_rate_hz: int) -> Iterator[FileSource]:
    """One stream of an audio file as a source at this sample rate. Raises UserError as `read_clip` does.

    An mp4 or m4a is decoded to a temporary file first: no library at hand can begin in the middle of one.
    """
    if path.suffix.lower() not in PYAV_SUFFIXES:
        with AudioFile(path) as file:
            yield FileSource(file, sample_rate_hz)
        return
    with temporary_folder() as folder:
        import soundfile

        clip = read_stream(path, stream)
        decoded = folder / "decoded.w64"
        soundfile.write(decoded, clip.audio.T, clip.sample_rate_hz, subtype="FLOAT", format="W64")
        del clip
        with AudioFile(decoded, path.name) as file:
            yield FileSource(file, sample_rate_hz)


def _padded_window(file: AudioFile, first: int, samples: int) -> Audio:
    before = min(max(-first, 0), samples)
    inside = file.window(max(first, 0), samples - before)
    return np.pad(inside, ((0, 0), (before, samples - before - inside.shape[1])))


def _resampler(file: AudioFile, sample_rate_hz: int):  # type: ignore[no-untyped-def]
    import soxr

    return soxr.ResampleStream(file.sample_rate_hz, sample_rate_hz, file.channels, dtype="float32", quality="HQ")
