"""Chunks: the pieces of songs, ten seconds long, that samples are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.models.data.songs import TARGETS
from mixingbuddy.models.reference_stems import summed
from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.multitrack import Multitrack, Stem

CHUNK_S = 10.0
FRAME_S = 0.05
STEM_FLOOR_DBFS, MIX_FLOOR_DBFS = -45.0, -35.0
SOUNDING_SHARE = 0.2


@dataclass(frozen=True)
class Chunk:
    """A piece of a song. `index` counts all pieces of the song, also those that do not count."""

    song: str
    index: int
    start_s: float
    stems: Multitrack


def chunks_of(song: Multitrack, length_s: float = CHUNK_S) -> list[Chunk]:
    """The pieces of a song that count (`sounds`), one after the other; the whole song where it is shorter.

    What is left at the end of a longer song is dropped. The samples are copies: the song itself can be let go.
    """
    length = min(round(length_s * song.sample_rate_hz), song.samples)
    starts = range(0, song.samples - length + 1, max(1, length))
    pieces = (_piece(song, start, length) for start in starts)
    return [
        Chunk(song.name, index, start / song.sample_rate_hz, piece)
        for index, (start, piece) in enumerate(zip(starts, pieces, strict=True))
        if sounds(piece)
    ]


def sounds(song: Multitrack) -> bool:
    """Vocals, drums and bass each sound in a fifth of the 50 ms frames (stem over -45 dBFS, mix over -35)."""
    stems = [song.stem(name) for name in TARGETS]
    frame = int(FRAME_S * song.sample_rate_hz)
    if song.samples < frame:
        return False
    loud = _frames_dbfs(mix_of(song.stems), frame) > MIX_FLOOR_DBFS
    return all(
        stem is not None and ((_frames_dbfs(stem.audio, frame) > STEM_FLOOR_DBFS) & loud).mean() >= SOUNDING_SHARE
        for stem in stems
    )


def mix_of(stems: Sequence[Stem]) -> Audio:
    """The plain sum of all stems, float32 (channels, samples), never clipped or normalised."""
    return summed(stems, range(len(stems)))


def _piece(song: Multitrack, start: int, length: int) -> Multitrack:
    def cut(audio: Audio) -> Audio:
        return audio if length == song.samples else audio[:, start : start + length].copy()

    return replace(song, stems=tuple(replace(stem, audio=cut(stem.audio)) for stem in song.stems))


def _frames_dbfs(audio: Audio, frame: int) -> NDArray[np.float64]:
    """RMS of every whole frame, dB re full scale."""
    frames = audio.shape[1] // frame
    parts = audio[:, : frames * frame].reshape(audio.shape[0], frames, frame).astype(np.float64)
    return np.asarray(10 * np.log10((parts**2).mean(axis=(0, 2)) + 1e-12))
