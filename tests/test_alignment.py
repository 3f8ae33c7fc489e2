"""Delays put into noise are found again, whatever else was done to it."""

import numpy as np
import pytest

from mixingbuddy.models.alignment import as_mono, coarse_delay, coarse_step, fine_delay

RATE_HZ = 44_100


def song(seconds: float = 3.0) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(int(seconds * RATE_HZ)).astype(np.float32)
    return np.cumsum(noise - noise.mean(), dtype=np.float32) * np.float32(0.01)


@pytest.mark.parametrize("delay", [0, 1, 441, 13_230, -22_050])
@pytest.mark.parametrize("gain", [1.0, -0.3])
def test_coarse_then_fine_is_exact(delay: int, gain: float) -> None:
    early = song()
    late = np.float32(gain) * (np.pad(early, (delay, 0)) if delay >= 0 else early[-delay:])
    coarse = coarse_delay(early, late, RATE_HZ)
    assert abs(coarse - delay) <= 2 * coarse_step(RATE_HZ)
    assert fine_delay(early, late, [RATE_HZ], RATE_HZ // 2, coarse, 200) == delay


def test_a_reference_of_another_length_with_other_sound_around_it() -> None:
    early = song()
    rng = np.random.default_rng(1)
    before, after = (rng.standard_normal(n).astype(np.float32) * early.std() for n in (90_000, 40_000))
    late = np.concatenate([before, early[20_000:], after])
    assert abs(coarse_delay(early, late, RATE_HZ) - 70_000) <= 2 * coarse_step(RATE_HZ)


def test_a_part_out_of_phase_between_left_and_right_does_not_vanish() -> None:
    early = song(0.5)
    assert np.abs(as_mono(np.stack([early, -early]))).max() > 0.3 * np.abs(early).max()
