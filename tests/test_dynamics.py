from pathlib import Path

import numpy as np
import pytest

from mixingbuddy.tools.dynamics import HopMeter, dynamics_findings, hops_of, measure_dynamics
from mixingbuddy.tools.multitrack import load_song

RATE_HZ = 44100
T = np.arange(9 * RATE_HZ) / RATE_HZ
SINE = (0.5 * np.sin(2 * np.pi * 997 * T)).astype(np.float32)[None]


def test_a_sine_has_a_crest_of_3_db_and_no_dynamics() -> None:
    dynamics = measure_dynamics(hops_of(SINE, RATE_HZ))
    assert dynamics.crest_db == pytest.approx(3.01, abs=0.01)
    assert dynamics.block_crest_db == pytest.approx(3.01, abs=0.01)
    assert dynamics.dr_db == pytest.approx(0.0, abs=0.01)
    assert dynamics.level_range_db == pytest.approx(0.0, abs=0.01)


def test_a_square_has_a_crest_of_0_db_and_gaussian_noise_of_about_13_db() -> None:
    square = np.sign(SINE + 1e-6) * np.float32(0.3)
    assert measure_dynamics(hops_of(square, RATE_HZ)).crest_db == pytest.approx(0.0, abs=0.01)
    noise = np.random.default_rng(1).standard_normal((1, len(T))).astype(np.float32) * 0.05
    # The largest of 17640 independent normal samples is about 4.1 sigma.
    assert measure_dynamics(hops_of(noise, RATE_HZ)).block_crest_db == pytest.approx(20 * np.log10(4.1), abs=0.4)


def test_the_median_block_does_not_hear_one_click_and_the_whole_does() -> None:
    click = SINE.copy()
    click[0, 1000] = 1.0
    dynamics = measure_dynamics(hops_of(click, RATE_HZ))
    assert dynamics.crest_db == pytest.approx(9.03, abs=0.02)
    assert dynamics.block_crest_db == pytest.approx(3.01, abs=0.01)


def test_level_range_is_the_difference_of_two_levels() -> None:
    two = SINE.copy()
    two[:, : len(T) // 2] *= np.float32(10 ** (-18 / 20))
    assert measure_dynamics(hops_of(two, RATE_HZ)).level_range_db == pytest.approx(18.0, abs=0.1)


def test_plr_needs_loudness_and_true_peak() -> None:
    assert measure_dynamics(hops_of(SINE, RATE_HZ), -14.0, -1.0).plr_lu == pytest.approx(13.0)
    without = measure_dynamics(hops_of(SINE, RATE_HZ), -14.0)
    assert without.plr_lu is None
    assert "no PLR" in (without.unmeasured or "")


def test_gain_changes_nothing_and_blocks_of_any_size_agree(shared_data: Path) -> None:
    stem = load_song(shared_data / "multitracks" / "falcon69", "none").multitrack.stems[0]
    whole = measure_dynamics(hops_of(stem.audio, RATE_HZ))
    quieter = measure_dynamics(hops_of(stem.audio * np.float32(0.5), RATE_HZ))
    assert quieter.crest_db == pytest.approx(whole.crest_db, abs=1e-3)
    assert quieter.dr_db == pytest.approx(whole.dr_db, abs=1e-3)
    meter = HopMeter(RATE_HZ)
    for block in np.split(stem.audio, [1, 700, 9000, 9001, 200_000], axis=1):
        meter.update(block)
    assert measure_dynamics(meter.result()).crest_db == pytest.approx(whole.crest_db, abs=1e-4)


@pytest.mark.parametrize("rate_hz", [8000, 44100, 192000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples", [0, 1, 1000])
def test_short_and_silent_audio_gives_a_result(rate_hz: int, channels: int, samples: int) -> None:
    for audio in (np.zeros((channels, samples), np.float32), np.full((channels, samples), 0.5, np.float32)):
        dynamics = measure_dynamics(hops_of(audio, rate_hz))
        assert dynamics.dr_db is None
        assert dynamics.unmeasured
    assert measure_dynamics(hops_of(np.zeros((2, rate_hz), np.float32), rate_hz)).unmeasured == "silent"


def test_only_a_flattened_mix_is_a_finding() -> None:
    music = np.random.default_rng(2).standard_normal((1, len(T))).astype(np.float32) * 0.1
    loud = measure_dynamics(hops_of(np.clip(10 * music, -0.9, 0.9), RATE_HZ))
    (finding,) = dynamics_findings({"drums": loud}, loud)
    assert (finding.kind, finding.stems, finding.severity) == ("low_crest", ("drums",), "minor")
    assert dynamics_findings({"drums": loud}, measure_dynamics(hops_of(music, RATE_HZ))) == ()
    assert dynamics_findings({"drums": loud}) == ()
