"""Where a stem is hidden is found in time and frequency, and so is who hides it."""

import numpy as np
import pytest
from masked_songs import measure, noise_band, planted, voice
from test_erb import FFT_SAMPLES, RATE_HZ

from mixingbuddy.tools.erb import erb_bands
from mixingbuddy.tools.masking_events import find_events
from mixingbuddy.tools.masking_sums import MaskingSums


def test_masking_planted_in_one_section_is_found_with_stem_time_band_and_depth() -> None:
    event = planted().events[0]
    assert (event.target, event.maskers) == ("vocals", ("guitar",))
    assert (event.start_s, event.end_s) == (pytest.approx(7, abs=0.3), pytest.approx(14, abs=0.3))
    assert event.low_hz == pytest.approx(2000, rel=0.15)
    assert event.high_hz == pytest.approx(4600, rel=0.15)  # upward spread reaches beyond the masker
    assert event.depth_db == pytest.approx(15 - 4.4, abs=2)  # 15 dB louder, and equal sounds are 4.4 dB over threshold


def test_two_maskers_share_the_blame() -> None:
    stems = {"guitar": noise_band(200, 9000, 85, 4.0, seed=2), "pad": noise_band(200, 9000, 84, 4.0, seed=3)}
    assert measure(vocals=voice(4.0), **stems).events[0].maskers == ("guitar", "pad")


def test_the_hidden_rectangle_is_found_exactly_with_its_share() -> None:
    bands = erb_bands(RATE_HZ, FFT_SAMPLES)
    loudness = np.ones((2, 50, len(bands)), np.float32)
    hidden = np.zeros_like(loudness)
    hidden[0, 10:30, 5:9] = 0.9
    excitation = np.ones_like(loudness)
    none = np.zeros((2, 0)), np.zeros((2, 2, 0))
    sums = MaskingSums(np.ones((2, 2)), *none, loudness, hidden, -6 * loudness, excitation)
    (event,) = find_events(("vocals", "guitar"), 0, sums, bands, block_s=0.2)
    assert (event.target, event.maskers) == ("vocals", ("guitar",))
    assert (event.start_s, event.end_s) == pytest.approx((2.0, 6.0))
    assert (event.low_hz, event.high_hz) == pytest.approx((bands.edges_hz[5], bands.edges_hz[9]))
    assert (event.hidden_share, event.depth_db) == pytest.approx((0.9, 6.0))
    assert event.lost_share == pytest.approx(0.9 * 4 / len(bands))
    assert event.importance == pytest.approx(0.9 * 4 * 20 / (50 * len(bands)))
    assert find_events(("vocals", "guitar"), 1, sums, bands, block_s=0.2) == []
