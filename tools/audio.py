"""Decode, check, resample and write audio. One array shape everywhere: float32 (channels, samples)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.errors import UserError
from mixingbuddy.tools.files import written_beside

Audio = NDArray[np.float32]

SOUNDFILE_SUFFIXES = frozenset(
    {".wav", ".wave", ".flac", ".aif", ".aiff", ".aifc", ".ogg", ".oga", ".opus", ".mp3", ".w64", ".rf64", ".caf"}
)
PYAV_SUFFIXES = frozenset({".mp4", ".m4a"})
AUDIO_SUFFIXES = SOUNDFILE_SUFFIXES | PYAV_SUFFIXES
MAX_CHANNELS = 2
LOWEST_RATE_HZ = 8000
LARGEST_SAMPLE = 1e4
_SHORTER_THAN_ITS_HEADER = re.compile(r"^\s*(?:data|SSND)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
# After a jump a lossy decoder needs some frames until it gives what it would have given without.
_EXACT_FORMATS = {"WAV", "WAVEX", "AIFF", "FLAC", "W64", "RF64", "CAF"}
_RUN_UP = 8192
_STREAMED_SIZES = {0, 0xFFFFFFFF}


@dataclass(frozen=True)
class Clip:
    """Decoded audio: float32 (channels, samples) and its sample rate."""

    audio: Audio
    sample_rate_hz: int

    @property
    def duration_s(self) -> float:
        return float(self.audio.shape[1] / self.sample_rate_hz)


def read_clip(path: Path) -> Clip:
    """Decode a mono or stereo file (soundfile; PyAV for mp4 and m4a).

    Raises UserError for a file that is no audio, is cut short, is empty, has more than two channels, or has NaN or
    infinite samples.
    """
    streams = read_streams(path)
    if len(streams) > 1:
        raise UserError(
            f"'{path.name}' holds {len(streams)} audio streams, one was expected; open it as a song instead"
        )
    return streams[0]


def read_streams(path: Path) -> list[Clip]:
    """Every audio stream of a file, in order; one for anything but mp4. Raises UserError as `read_clip` does."""
    if not path.is_file():
        raise UserError(f"no file '{path}'")
    return [read_stream(path, stream) for stream in range(count_streams(path))]


def count_streams(path: Path) -> int:
    """Audio streams in a file. Raises UserError where there is none or it cannot be read."""
    if not path.is_file():
        raise UserError(f"no file '{path}'")
    if path.suffix.lower() not in PYAV_SUFFIXES:
        return 1
    import av

    with _decoding_with_pyav(path), av.open(str(path)) as container:
        count = len(container.streams.audio)
    if count == 0:
        raise UserError(f"'{path.name}' holds no audio; give a song with audio in it")
    return count


def read_stream(path: Path, stream: int) -> Clip:
    """One audio stream of a file, counted from 0. Raises UserError as `read_clip` does."""
    if path.suffix.lower() not in PYAV_SUFFIXES:
        return _read_with_soundfile(path)
    with _decoding_with_pyav(path):
        clip = _read_with_pyav(path, stream)
    check_format(path.name, clip.sample_rate_hz, *clip.audio.shape)
    check_samples(clip.audio, path.name, 0.0, clip.sample_rate_hz)
    return clip


def probe_stream(path: Path, stream: int) -> tuple[int, int, int]:
    """Sample rate, channels and (for mp4 and m4a about) the samples of one stream, from the file's header."""
    if path.suffix.lower() not in PYAV_SUFFIXES:
        with AudioFile(path) as file:
            return file.sample_rate_hz, file.channels, file.samples
    import av

    with _decoding_with_pyav(path), av.open(str(path)) as container:
        found = container.streams.audio[stream]
        rate_hz, channels = int(found.codec_context.sample_rate), int(found.codec_context.channels)
        duration_s = float(found.duration * found.time_base) if found.duration and found.time_base else 0.0
    samples = round(duration_s * rate_hz)
    check_format(path.name, rate_hz, channels, max(samples, 1))
    return rate_hz, channels, samples


def _read_with_soundfile(path: Path) -> Clip:
    with AudioFile(path) as file:
        return Clip(file.read(file.samples), file.sample_rate_hz)


class AudioFile:
    """An audio file that is decoded piece by piece (soundfile). Raises UserError as `read_clip` does."""

    def __init__(self, path: Path, name: str | None = None) -> None:
        import soundfile

        self._name = name or path.name
        with self._decoding():
            self._file = soundfile.SoundFile(path)
        self.sample_rate_hz, self.channels = int(self._file.samplerate), int(self._file.channels)
        self.samples = int(self._file.frames)
        self._read = 0
        self._room: Audio = np.empty((0, self.channels), np.float32)
        try:
            self._check_header()
        except UserError:
            self._file.close()
            raise

    def __enter__(self) -> "AudioFile":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """No more is read."""
        self._file.close()

    def read(self, samples: int) -> Audio:
        """The next samples, float32 (channels, samples); fewer at the end of the file."""
        with self._decoding():
            block = self._file.read(out=self._room_for(samples))
        ended = len(block) < min(samples, self.samples - self._read)
        if ended and self._read + len(block) < 0.98 * self.samples:
            raise UserError(
                f"'{self._name}' is cut short: {self._read + len(block)} of {self.samples} samples could be read; "
                "copy or export it again"
            )
        audio: Audio = block.T.copy(order="C")
        check_samples(audio, self._name, self._read / self.sample_rate_hz, self.sample_rate_hz)
        self._read += len(block)
        return audio

    def _room_for(self, samples: int) -> Audio:
        """The same place for every block: asking for memory anew takes time."""
        wanted = min(samples, self.samples - self._read)
        if len(self._room) < wanted:
            self._room = np.empty((wanted, self.channels), np.float32)
        return self._room[:wanted]

    def window(self, first: int, samples: int) -> Audio:
        """Any part of the file, float32 (channels, samples); fewer at its end. `read` goes on where it was."""
        with self._decoding():
            start = max(0, min(first, self.samples) - (0 if self._file.format in _EXACT_FORMATS else _RUN_UP))
            self._file.seek(start)
            audio: Audio = self._file.read(first - start + samples, dtype="float32", always_2d=True).T
            self._file.seek(min(self._read, self.samples))
        return np.ascontiguousarray(audio[:, first - start :])

    def _check_header(self) -> None:
        cut = _SHORTER_THAN_ITS_HEADER.search(self._file.extra_info)
        if cut and int(cut[1]) not in _STREAMED_SIZES and int(cut[2]) < int(cut[1]):
            share = int(cut[2]) / int(cut[1])
            raise UserError(
                f"'{self._name}' is cut short: only {share:.0%} of the audio is there; copy or export it again"
            )
        check_format(self._name, self.sample_rate_hz, self.channels, self.samples)

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        import soundfile

        try:
            yield
        except (soundfile.LibsndfileError, OSError) as error:
            reason = str(getattr(error, "error_string", "") or error).rstrip(".")
            raise UserError(f"cannot decode '{self._name}' ({reason}); export it again as WAV or FLAC") from error


@contextmanager
def _decoding_with_pyav(path: Path) -> Iterator[None]:
    import av

    try:
        yield
    except (av.FFmpegError, OSError) as error:
        raise UserError(f"cannot decode '{path.name}' ({error}); export it again as WAV or FLAC") from error


def _read_with_pyav(path: Path, number: int) -> Clip:
    import av

    with av.open(str(path)) as container:
        stream = container.streams.audio[number]
        sample_rate_hz = int(stream.codec_context.sample_rate)
        frames = [frame.to_ndarray() for frame in container.decode(stream)]
        channels = int(stream.codec_context.channels)
        planar = bool(stream.codec_context.format.is_planar)
    if not frames:
        return Clip(np.zeros((max(channels, 1), 0), np.float32), sample_rate_hz)
    data = np.concatenate(frames, axis=1)
    if not planar:
        data = data.reshape(-1, channels).T
    scale = 1.0 if data.dtype.kind == "f" else 1.0 / float(2 ** (8 * data.dtype.itemsize - 1))
    return Clip(np.ascontiguousarray(data, dtype=np.float32) * np.float32(scale), sample_rate_hz)


def check_format(name: str, sample_rate_hz: int, channels: int, samples: int) -> None:
    """Raises UserError for audio of a kind that cannot be mixed."""
    if sample_rate_hz < LOWEST_RATE_HZ:
        raise UserError(f"'{name}' has {sample_rate_hz} Hz; at least {LOWEST_RATE_HZ} Hz were expected")
    if channels > MAX_CHANNELS:
        raise UserError(f"'{name}' has {channels} channels; mono or stereo was expected: export it as stereo")
    if samples == 0:
        raise UserError(f"'{name}' is empty (0 samples); remove it or export it again")


def check_samples(audio: Audio, name: str, start_s: float, sample_rate_hz: int) -> None:
    """Raises UserError where samples are no numbers or no audio; the first of them is `start_s` into the file."""
    loudest = float(max(audio.max(initial=0.0), -audio.min(initial=0.0)))  # NaN if one is
    if loudest <= LARGEST_SAMPLE:
        return
    bad = ~np.isfinite(audio)
    if bad.any():
        first_s = start_s + int(bad.any(axis=0).argmax()) / sample_rate_hz
        raise UserError(
            f"'{name}' has {int(bad.sum())} samples that are no numbers (NaN or Inf), "
            f"the first at {first_s:.2f} s; export it again"
        )
    raise UserError(
        f"'{name}' holds samples up to {loudest:.3g}, where 1.0 is full scale; it is no audio or damaged: "
        "export it again"
    )


def resampled(clip: Clip, sample_rate_hz: int) -> Clip:
    """The clip at another sample rate (soxr, high quality)."""
    if clip.sample_rate_hz == sample_rate_hz:
        return clip
    import soxr

    audio = soxr.resample(clip.audio.T, clip.sample_rate_hz, sample_rate_hz, quality="HQ").T
    return Clip(np.ascontiguousarray(audio, dtype=np.float32), sample_rate_hz)


def padded(audio: Audio, samples: int) -> Audio:
    """`audio` with silence appended up to `samples`; longer audio stays as it is."""
    missing = samples - audio.shape[1]
    return audio if missing <= 0 else np.pad(audio, ((0, 0), (0, missing)))


def window_of(audio: Audio, first: int, count: int) -> Audio:
    """`count` samples from `first` on, with zeros before the start and after the end."""
    inside = audio[:, max(first, 0) : max(first + count, 0)]
    before = min(max(-first, 0), count)
    return np.pad(inside, ((0, 0), (before, count - before - inside.shape[1])))


def with_channels(audio: Audio, channels: int) -> Audio:
    """Mono on every channel at the same level (no pan law); stereo stays stereo. A view where that is possible."""
    return audio if audio.shape[0] == channels else np.broadcast_to(audio, (channels, audio.shape[1]))


def write_clip(clip: Clip, target: Path, subtype: str = "PCM_24") -> Path:
    """Write a WAV or FLAC file (24 bit unless told otherwise), whole or not at all.

    Raises UserError where the samples would clip, the name ends in something else, or the folder cannot be written.
    """
    import soundfile

    file_format = {".wav": "WAV", ".flac": "FLAC"}.get(target.suffix.lower())
    if file_format is None:
        raise UserError(f"'{target.name}' must end in .wav or .flac")
    peak = float(np.abs(clip.audio).max(initial=0.0))
    if peak > 1.0 and subtype != "FLOAT":
        raise UserError(f"'{target.name}' would clip: its peak is {20 * np.log10(peak):+.1f} dBFS")
    with written_beside(target) as beside:
        try:
            soundfile.write(beside, clip.audio.T, clip.sample_rate_hz, subtype=subtype, format=file_format)
        except soundfile.LibsndfileError as error:
            raise UserError(f"cannot write '{target}': {error.error_string}") from error
    return target
