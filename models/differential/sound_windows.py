"""Which seconds of a song to look at: the loudest ones in which most parts sound, not a random piece."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mixingbuddy.tools.audio import Audio

Real = NDArray[np.float64]

WINDOW_S = 7.0
MOST_WINDOWS = 6
# A song up to this long is heard whole.
WHOLE_S = 12.0
STEP_S = 0.5
# A part within so many dB of the whole takes part; each one counts like so many dB of loudness.
TAKING_PART_DB, WORTH_DB = 20.0, 3.0

Window = tuple[float, float]


def contested_windows(parts: Sequence[Audio], sample_rate_hz: int, most: int = MOST_WINDOWS) -> list[Window]:
    """Start and end (s) of windows that do not overlap, in order of time.

    `parts` are float32 (channels, samples) of equal length; each counts against the window in which it is loudest, so
    that faders change nothing about the choice. A window's rank is the level of all parts together plus 3 dB for every
    part that is within 20 dB of it.
    """
    samples = parts[0].shape[1]
    duration_s = samples / sample_rate_hz
    if duration_s <= WHOLE_S:
        return [(0.0, duration_s)]
    step = round(STEP_S * sample_rate_hz)
    powers = np.array([_step_powers(part, step) for part in parts])
    length = round(WINDOW_S / STEP_S)
    summed = np.cumsum(np.pad(powers, ((0, 0), (1, 0))), axis=1)
    windows = summed[:, length:] - summed[:, :-length]
    windows /= np.maximum(windows.max(axis=1, keepdims=True), 1e-20)
    whole = np.maximum(windows.sum(0), 1e-20)
    share_db = 10 * np.log10(np.maximum(windows, 1e-20) / whole)
    rank = 10 * np.log10(whole) + WORTH_DB * (share_db > -TAKING_PART_DB).sum(0)
    starts = _best(rank, length, most)
    return [(start * STEP_S, start * STEP_S + WINDOW_S) for start in sorted(starts)]


def cut(audio: Audio, windows: Sequence[Window], sample_rate_hz: int) -> Audio:
    """The windows of a sound, one after the other."""
    pieces = [audio[:, slice(*samples_of(window, sample_rate_hz))] for window in windows]
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)


def samples_of(window: Window, sample_rate_hz: int) -> tuple[int, int]:
    """First and one past the last sample of a window."""
    return round(window[0] * sample_rate_hz), round(window[1] * sample_rate_hz)


def _step_powers(audio: Audio, step: int) -> Real:
    steps = audio.shape[1] // step
    parts = audio[:, : steps * step].reshape(audio.shape[0], steps, step)
    return np.asarray(np.einsum("cns,cns->n", parts, parts), dtype=np.float64)


def _best(rank: Real, length: int, most: int) -> list[int]:
    left = rank.copy()
    chosen: list[int] = []
    while len(chosen) < most and np.isfinite(left).any():
        start = int(left.argmax())
        chosen.append(start)
        left[max(0, start - length + 1) : start + length] = -np.inf
    # Windows far below the best one are silence or fades.
    return [start for start in chosen if rank[start] > rank.max() - 15.0]
