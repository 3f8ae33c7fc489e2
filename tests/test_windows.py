"""Windows are chosen so that every stem is heard."""

import numpy as np

from mixingbuddy.models.windows import window_starts


def test_a_short_song_is_taken_whole() -> None:
    stem = np.ones((1, 1000), dtype=np.float32)
    assert window_starts([stem], 0, 1000, 400, 10) == [0, 400, 600]


def test_a_rare_stem_gets_its_window() -> None:
    rng = np.random.default_rng(0)
    steady = rng.standard_normal((2, 100_000)).astype(np.float32)
    rare = np.zeros((2, 100_000), dtype=np.float32)
    rare[:, 73_000:74_000] = 0.1 * rng.standard_normal((2, 1000))
    starts = window_starts([steady, rare], 0, 100_000, 1000, 5)
    assert len(starts) == 5
    assert 73_000 in starts


def test_silence_is_left_out() -> None:
    stem = np.zeros((1, 50_000), dtype=np.float32)
    stem[:, 20_000:23_000] = 1.0
    assert window_starts([stem], 0, 50_000, 1000, 10) == [20_000, 21_000, 22_000]


def test_only_the_common_part_is_used() -> None:
    stem = np.ones((1, 50_000), dtype=np.float32)
    starts = window_starts([stem], 10_000, 30_000, 1000, 5)
    assert all(10_000 <= start <= 29_000 for start in starts)
