"""The few seconds of a song in which most of its stems can be heard at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.audio import Audio

HOP_S = 0.5
SOUNDS_DBFS = -60.0


def loudest_common_window(stems: Sequence[Audio], sample_rate_hz: int, length_s: float) -> tuple[int, int]:
    """First sample and number of samples of the window in which most stems sound, the loudest of those.

    `stems` are float32 (channels, samples). A stem sounds in a window where its RMS is over -60 dBFS. A song
    shorter than `length_s` is taken whole.
    """
    hop, samples = max(1, round(HOP_S * sample_rate_hz)), max(stem.shape[1] for stem in stems)
    length = round(length_s * sample_rate_hz)
    if samples <= length:
        return 0, samples
    starts = np.arange(0, samples - length + 1, hop)
    energies = np.stack([_energies(stem, samples, hop, starts, length) for stem in stems])
    sounding = (energies / length > 10 ** (SOUNDS_DBFS / 10)).sum(axis=0)
    loudness = np.where(sounding == sounding.max(), energies.sum(axis=0), -1.0)
    return int(starts[int(loudness.argmax())]), length


def _energies(audio: Audio, samples: int, hop: int, starts: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """Mean over channels of the sum of squares in each window, in steps of one hop."""
    power = np.zeros(-(-samples // hop) * hop)
    power[: audio.shape[1]] = np.einsum("cs,cs->s", audio, audio) / audio.shape[0]
    cumulated = np.concatenate([[0.0], power.reshape(-1, hop).sum(axis=1).cumsum()])
    return np.asarray(cumulated[starts // hop + -(-length // hop)] - cumulated[starts // hop], dtype=np.float64)
