"""Decode, check, resample and write audio. One array shape everywhere: float32 (channels, samples)."""

import re
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
    streams = _read_with_pyav(path) if path.suffix.lower() in PYAV_SUFFIXES else [_read_with_soundfile(path)]
    for clip in streams:
        _check(clip, path)
    return streams


def _read_with_soundfile(path: Path) -> Clip:
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            promised, sample_rate_hz, log = file.frames, file.samplerate, file.extra_info
            samples = file.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        reason = str(getattr(error, "error_string", "") or error).rstrip(".")
        raise UserError(f"cannot decode '{path.name}' ({reason}); export it again as WAV or FLAC") from error
    cut = _SHORTER_THAN_ITS_HEADER.search(log)
    if cut and int(cut[1]) not in _STREAMED_SIZES and int(cut[2]) < int(cut[1]):
        share = int(cut[2]) / int(cut[1])
        raise UserError(f"'{path.name}' is cut short: only {share:.0%} of the audio is there; copy or export it again")
    if len(samples) < 0.98 * promised:
        raise UserError(
            f"'{path.name}' is cut short: {len(samples)} of {promised} samples could be read; copy or export it again"
        )
    return Clip(np.ascontiguousarray(samples.T), int(sample_rate_hz))


def _read_with_pyav(path: Path) -> list[Clip]:
    import av

    try:
        with av.open(str(path)) as container:
            indices = [stream.index for stream in container.streams.audio]
        return [_read_one_stream(path, index) for index in indices] or _no_stream(path)
    except (av.FFmpegError, OSError) as error:
        raise UserError(f"cannot decode '{path.name}' ({error}); export it again as WAV or FLAC") from error


def _read_one_stream(path: Path, index: int) -> Clip:
    import av

    with av.open(str(path)) as container:
        stream = next(stream for stream in container.streams.audio if stream.index == index)
        sample_rate_hz = int(stream.codec_context.sample_rate)
        frames = [frame.to_ndarray() for frame in container.decode(stream) if isinstance(frame, av.AudioFrame)]
        channels = int(stream.codec_context.channels)
        planar = bool(stream.codec_context.format.is_planar)
    if not frames:
        return Clip(np.zeros((max(channels, 1), 0), np.float32), sample_rate_hz)
    data = np.concatenate(frames, axis=1)
    if not planar:
        data = data.reshape(-1, channels).T
    scale = 1.0 if data.dtype.kind == "f" else 1.0 / float(2 ** (8 * data.dtype.itemsize - 1))
    return Clip(np.ascontiguousarray(data, dtype=np.float32) * np.float32(scale), sample_rate_hz)


def _no_stream(path: Path) -> list[Clip]:
    raise UserError(f"'{path.name}' holds no audio; give a song with audio in it")


def _check(clip: Clip, path: Path) -> None:
    channels, samples = clip.audio.shape
    if clip.sample_rate_hz < LOWEST_RATE_HZ:
        raise UserError(f"'{path.name}' has {clip.sample_rate_hz} Hz; at least {LOWEST_RATE_HZ} Hz were expected")
    if channels > MAX_CHANNELS:
        raise UserError(f"'{path.name}' has {channels} channels; mono or stereo was expected: export it as stereo")
    if samples == 0:
        raise UserError(f"'{path.name}' is empty (0 samples); remove it or export it again")
    bad = ~np.isfinite(clip.audio)
    if bad.any():
        first_s = int(bad.any(axis=0).argmax()) / clip.sample_rate_hz
        raise UserError(
            f"'{path.name}' has {int(bad.sum())} samples that are no numbers (NaN or Inf), "
            f"the first at {first_s:.2f} s; export it again"
        )
    loudest = float(np.abs(clip.audio).max(initial=0.0))
    if loudest > LARGEST_SAMPLE:
        raise UserError(
            f"'{path.name}' holds samples up to {loudest:.3g}, where 1.0 is full scale; it is no audio or damaged: "
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
