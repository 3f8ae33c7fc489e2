"""The seconds that are looked at: where most parts play, whatever the faders say."""

from itertools import pairwise

import numpy as np
import pytest

from mixingbuddy.models.differential.sound_windows import (
    MOST_WINDOWS,
    WHOLE_S,
    WINDOW_S,
    contested_windows,
    cut,
    samples_of,
)
from mixingbuddy.tools.audio import Audio

RATE_HZ = 2000


def part(seed: int, start_s: float, end_s: float, duration_s: float = 60.0) -> Audio:
    """Noise between two times, silence around it."""
    sound = 0.1 * np.random.default_rng(seed).standard_normal((1, round(duration_s * RATE_HZ)))
    t = np.arange(sound.shape[1]) / RATE_HZ
    return (sound * ((t >= start_s) & (t < end_s))).astype(np.float32)


@pytest.mark.parametrize("duration_s", [0.01, 7.0, WHOLE_S])
def test_a_short_song_is_heard_whole(duration_s: float) -> None:
    assert contested_windows([part(1, 0, 60, duration_s)], RATE_HZ) == [(0.0, pytest.approx(duration_s))]


@pytest.mark.parametrize("rate_hz", [2000, 22_050])
def test_windows_are_7_s_long_inside_the_song_and_do_not_overlap(rate_hz: int) -> None:
    song = np.random.default_rng(1).standard_normal((2, 2, 100 * rate_hz)).astype(np.float32)
    windows = contested_windows(list(song), rate_hz)
    assert len(windows) == MOST_WINDOWS
    assert all(end - start == WINDOW_S for start, end in windows)
    assert windows[0][0] >= 0
    assert windows[-1][1] <= 100
    assert all(end <= start for (_, end), (start, _) in pairwise(windows))


def test_the_window_in_which_all_parts_play_comes_first() -> None:
    parts = [part(1, 0, 60), part(2, 0, 60), part(3, 30, 41)]
    (window,) = contested_windows(parts, RATE_HZ, most=1)
    assert window[0] >= 30
    assert window[1] <= 41


def test_a_window_in_which_parts_meet_is_worth_more_than_a_louder_one_of_each_alone() -> None:
    softly = np.float32(10 ** (-4 / 20))
    lead, other = part(1, 0, 15) + softly * part(2, 25, 40), part(3, 50, 60) + softly * part(4, 25, 40)
    (window,) = contested_windows([lead, other], RATE_HZ, most=1)
    assert window[0] >= 25
    assert window[1] <= 40


def test_faders_do_not_change_the_choice() -> None:
    parts = [part(1, 0, 40), part(2, 10, 60), part(3, 30, 45)]
    loud = [gain * sound for gain, sound in zip((0.25, 8.0, 1.0), parts, strict=True)]
    assert contested_windows(loud, RATE_HZ) == contested_windows(parts, RATE_HZ)


def test_silence_is_not_listened_to() -> None:
    windows = contested_windows([part(1, 10, 24), part(2, 10, 24)], RATE_HZ)
    assert windows
    assert all(start < 24 and end > 10 for start, end in windows)


def test_a_song_of_silence_still_has_a_window() -> None:
    assert contested_windows([np.zeros((2, 20 * RATE_HZ), np.float32)], RATE_HZ)


def test_a_silent_part_among_others_does_not_matter() -> None:
    parts = [part(1, 0, 40), part(2, 10, 60)]
    silent = np.zeros_like(parts[0])
    assert contested_windows([*parts, silent], RATE_HZ) == contested_windows(parts, RATE_HZ)


def test_a_cut_is_the_windows_one_after_the_other() -> None:
    ramp = np.arange(10 * RATE_HZ, dtype=np.float32)[None]
    pieces = cut(ramp, [(1.0, 2.0), (5.5, 6.0)], RATE_HZ)
    np.testing.assert_array_equal(pieces[0], np.r_[ramp[0, 2000:4000], ramp[0, 11_000:12_000]])
    assert samples_of((1.0, 2.0), 44_100) == (44_100, 88_200)
