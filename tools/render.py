"""Render moves: a pure function from a multitrack and faders to a new mix that never clips."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.errors import ModelMistake
from mixingbuddy.tools.levels import mixdown
from mixingbuddy.tools.loudness import true_peak_dbtp
from mixingbuddy.tools.moves import GainMove, faders_db, gain_of
from mixingbuddy.tools.multitrack import Multitrack, with_gains

CEILING_DBTP = -1.0


@dataclass(frozen=True)
class Render:
    """A rendered mix. `audio` is float32 (channels, samples) and peaks at -1 dBTP or below."""

    audio: Audio
    sample_rate_hz: int
    faders: Mapping[str, float]
    headroom_gain_db: float
    true_peak_dbtp: float | None


def check_stems(multitrack: Multitrack, names: Iterable[str]) -> None:
    """Raises ModelMistake with the right names where one is not in the song."""
    for name in names:
        if name not in multitrack.names:
            raise ModelMistake(f"no stem '{name}'; this song has: {', '.join(multitrack.names)}")


def render(multitrack: Multitrack, moves: Iterable[GainMove]) -> Render:
    """Sum the stems under the moves in float32; where that exceeds -1 dBTP, all faders come down together.

    Raises ModelMistake for a stem that the song does not have or faders out of bounds.
    """
    faders = faders_db(moves)
    check_stems(multitrack, faders)
    audio = mixdown(multitrack, faders)
    peak_dbtp = true_peak_dbtp(audio)
    trim_db = 0.0 if peak_dbtp is None else headroom_trim_db(peak_dbtp)
    if trim_db < 0.0:
        audio = audio * np.float32(10 ** (trim_db / 20))
        peak_dbtp = true_peak_dbtp(audio)
    return Render(audio, multitrack.sample_rate_hz, faders, trim_db, peak_dbtp)


def headroom_trim_db(peak_dbtp: float) -> float:
    """Gain (0 or below, in steps of 0.1 dB) that brings a peak to -1 dBTP or under."""
    return min(0.0, math.floor((CEILING_DBTP - peak_dbtp) * 10) / 10)


def moved(multitrack: Multitrack, faders: Mapping[str, float], trim_db: float = 0.0) -> Multitrack:
    """The stems themselves under faders in dB and a common trim: what re-analysis listens to."""
    trim = 10 ** (trim_db / 20)
    return with_gains(multitrack, (gain_of(faders, stem.name) * trim for stem in multitrack.stems))
