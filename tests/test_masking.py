"""How much of every stem is heard, and how far each stands above the threshold that another one sets."""

import json
import math
import time

import numpy as np
import pytest
from masked_songs import FRAME_S, measure, noise_band, voice
from test_erb import FFT_SAMPLES, RATE_HZ, sine, spectra

from mixingbuddy.tools.erb import erb_bands
from mixingbuddy.tools.masking import measure_masking


def test_lone_stem_is_wholly_audible() -> None:
    masking = measure(vocals=sine(440, 75))
    assert masking.stems[0].audible_energy_share == pytest.approx(1, abs=1e-4)
    assert masking.pairs == masking.events == ()


def test_identical_stems_hear_each_other_as_the_ratio_says() -> None:
    tone = noise_band(800, 1500, 70, 2.0)
    masking = measure(left=tone, right=tone)
    # K is -3 dB at 1 kHz; the allowance for tones inside a band is 1.4 dB.
    assert masking.ratio_db("left", "right", "mid") == pytest.approx(4.3, abs=0.5)
    assert [stem.audible_energy_share for stem in masking.stems] == pytest.approx([1, 1], abs=0.01)


def test_ratio_of_a_pair_follows_the_gain_of_the_masker() -> None:
    target, masker = noise_band(800, 1500, 70, 2.0), noise_band(800, 1500, 75, 2.0, seed=2)
    loud, soft = (measure(a=target, b=masker * gain).ratio_db("b", "a", "mid") for gain in (1.0, 0.5))
    assert loud is not None
    assert soft is not None
    assert soft - loud == pytest.approx(6, abs=1)
    assert measure(a=target, b=masker).ratio_db("a", "b", "no such region") is None


@pytest.mark.parametrize("full_scale_db_spl", [None, 100.0])
def test_common_gain_changes_nothing_well_above_threshold(full_scale_db_spl: float | None) -> None:
    power, bands = spectra([voice(4.0), noise_band(500, 3000, 78, 4.0, seed=5)])
    as_is, softer = (
        measure_masking(
            ("vocals", "guitar"), power * np.float32(gain), FRAME_S, bands, full_scale_db_spl=full_scale_db_spl
        )[0]
        for gain in (1.0, 0.2)
    )
    for before, after in zip(as_is.stems, softer.stems, strict=True):
        assert after.audible_energy_share == pytest.approx(before.audible_energy_share, abs=0.02)
    worst, worst_softer = as_is.events[0], softer.events[0]
    assert (worst.maskers, worst.low_hz, worst.start_s) == (
        worst_softer.maskers,
        worst_softer.low_hz,
        worst_softer.start_s,
    )
    assert worst_softer.depth_db == pytest.approx(worst.depth_db, abs=0.5)


def test_silence_is_said_and_harms_nobody() -> None:
    masking = measure(vocals=sine(440, 75), guitar=np.zeros(RATE_HZ))
    silent = masking.stem("guitar")
    assert silent is not None
    assert (silent.audible_energy_share, silent.audible_loudness_share, silent.unmeasured) == (None, None, "silent")
    assert masking.ratio_db("vocals", "guitar", "mid") is None
    assert masking.ratio_db("guitar", "vocals", "low-mid") == 60
    all_silent = measure(vocals=np.zeros(RATE_HZ), guitar=np.zeros(RATE_HZ))
    assert all_silent.events == ()
    json.loads(all_silent.model_dump_json(), parse_constant=lambda text: pytest.fail(f"{text} in JSON"))


def test_what_lies_under_the_threshold_of_hearing_is_called_that() -> None:
    masking = measure(vocals=sine(1000, 80), hum=sine(60, 30))
    hum = masking.stem("hum")
    assert hum is not None
    assert (hum.audible_energy_share, hum.unmeasured) == (0, "below the threshold of hearing throughout")


@pytest.mark.parametrize("frames", [0, 1, 2, 3])
def test_very_short_songs(frames: int) -> None:
    bands = erb_bands(RATE_HZ, FFT_SAMPLES)
    power = np.full((2, frames, len(bands)), 1e-4, np.float32)
    masking, _ = measure_masking(("vocals", "guitar"), power, FRAME_S, bands)
    assert masking.stems[0].unmeasured == ("silent" if frames == 0 else None)
    assert masking.events == ()


def test_no_stem_at_all() -> None:
    bands = erb_bands(RATE_HZ, FFT_SAMPLES)
    assert measure_masking((), np.zeros((0, 5, len(bands)), np.float32), FRAME_S, bands)[0].stems == ()


@pytest.mark.parametrize(("rate_hz", "fft_samples", "regions"), [(8000, 1024, 4), (192000, 16384, 5)])
def test_other_sample_rates(rate_hz: int, fft_samples: int, regions: int) -> None:
    stems = [sine(500, 70, 2.0, rate_hz), sine(550, 95, 2.0, rate_hz)]
    power, bands = spectra(stems, rate_hz, fft_samples)
    masking, _ = measure_masking(("vocals", "guitar"), power, fft_samples / rate_hz, bands)
    assert len(masking.regions) == regions
    assert masking.regions[-1].high_hz <= 0.95 * rate_hz / 2
    assert masking.stems[0].audible_energy_share == pytest.approx(0, abs=0.05)
    assert masking.stems[1].audible_energy_share == pytest.approx(1, abs=0.01)


def test_wrong_shapes_and_broken_values_are_refused() -> None:
    bands = erb_bands(RATE_HZ, FFT_SAMPLES)
    with pytest.raises(ValueError, match="2 stems"):
        measure_masking(("vocals", "guitar"), np.zeros((3, 4, len(bands)), np.float32), FRAME_S, bands)
    with pytest.raises(ValueError, match="not finite"):
        measure_masking(("vocals",), np.full((1, 4, len(bands)), math.nan, np.float32), FRAME_S, bands)


def test_blocks_of_frames_do_not_show() -> None:
    """A long song is summed in parts; what is measured is the same as for one part of it repeated."""
    power, bands = spectra([voice(3.0), noise_band(500, 3000, 78, 3.0, seed=5)])
    short, long = (
        measure_masking(("vocals", "guitar"), np.tile(power, (1, times, 1)), FRAME_S, bands)[0] for times in (1, 120)
    )
    assert long.stems[0].audible_energy_share == pytest.approx(short.stems[0].audible_energy_share, abs=1e-3)
    assert long.pairs[0].signal_to_mask_db == pytest.approx(short.pairs[0].signal_to_mask_db, abs=0.01)
    assert long.events[0].depth_db == pytest.approx(short.events[0].depth_db, abs=0.2)


def test_eight_stems_of_four_minutes_take_a_moment() -> None:
    """The limit leaves room for a busy machine; `docs/masking.md` has the figures."""
    bands = erb_bands(RATE_HZ, FFT_SAMPLES)
    power = np.random.default_rng(0).random((8, 2580, len(bands)), np.float32) ** 8
    started_s = time.perf_counter()
    measure_masking([str(index) for index in range(8)], power, FRAME_S, bands)
    assert time.perf_counter() - started_s < 1.0
