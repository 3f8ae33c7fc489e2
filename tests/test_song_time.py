"""The joint result on made, real and impossible sounds, and how a stretch of time is spoken."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from mixingbuddy.benchmarks.timed_songs import RATE_HZ, Plan, Truth, make_song
from mixingbuddy.tools import demo_score
from mixingbuddy.tools.audio import read_streams
from mixingbuddy.tools.demo_song import balanced_song
from mixingbuddy.tools.levels import mixdown
from mixingbuddy.tools.sections import Section
from mixingbuddy.tools.song_time import TOO_LONG, SongTime, clock, measure_song_time, spoken

BAND = Plan("rock", bpm=124, form="ABAB", seed=2, tonic=4, mode="minor")


@cache
def song() -> tuple[np.ndarray, Truth]:
    return make_song(BAND)


@cache
def measured() -> SongTime:
    return measure_song_time(song()[0], RATE_HZ)


def test_a_made_song_is_known_in_its_own_terms() -> None:
    result, truth = measured(), song()[1]
    assert result.tempo_bpm == pytest.approx(124, rel=0.003)
    assert result.beats_per_bar == 4
    assert result.key == "E minor"
    assert [s.label for s in result.sections or ()] == ["A", "B", "A", "B"]
    reasons = (result.tempo_unsure, result.bars_unsure, result.key_unsure, result.sections_unsure)
    assert reasons == (None, None, None, None)
    start_s, end_s, _ = truth.sections[1]
    assert spoken((start_s, end_s), result) == "bars 9 to 16, section B"
    assert spoken((truth.downbeats_s[16] + 0.3, truth.downbeats_s[17] - 0.1), result) == "bar 17, section A"
    assert spoken((truth.downbeats_s[20], truth.downbeats_s[26]), result) == "bars 21 to 26, sections A and B"


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 48000])
def test_other_sample_rates_tell_the_same(rate_hz: int) -> None:
    result = measure_song_time(soxr.resample(song()[0], RATE_HZ, rate_hz), rate_hz)
    assert result.tempo_bpm == pytest.approx(124, rel=0.003)
    assert result.key == "E minor"


def test_twice_the_same() -> None:
    assert measure_song_time(song()[0], RATE_HZ) == measured()


def test_the_demo_song(tmp_path: Path) -> None:
    """92 BPM; A minor in the verse, F to C in the chorus: A minor, C major or both named, nothing else claimed."""
    mono = mixdown(balanced_song(seed=7), {}).mean(axis=0)
    result = measure_song_time(mono, 44100)
    told = (result.tempo_bpm, *result.other_tempi_bpm)
    assert any(bpm is not None and abs(bpm / demo_score.BEATS_PER_MINUTE - 1) < 0.01 for bpm in told)
    assert result.tempo_bpm is None or abs(result.tempo_bpm / demo_score.BEATS_PER_MINUTE - 1) < 0.01
    assert result.key in (None, "A minor", "C major")


@pytest.mark.parametrize("samples", [0, 1, 660, 40000])
def test_too_short_for_anything(samples: int) -> None:
    result = measure_song_time(np.full(samples, 0.1, np.float32), RATE_HZ)
    assert (result.tempo_bpm, result.downbeats_s, result.key, result.sections) == (None, None, None, None)
    assert all((result.tempo_unsure, result.bars_unsure, result.key_unsure, result.sections_unsure))


def test_too_long_and_not_finite() -> None:
    result = measure_song_time(np.zeros(1201 * 8000, np.float32), 8000)
    assert result.tempo_unsure == result.sections_unsure == TOO_LONG
    assert measure_song_time(np.array([0.1, np.nan] * 9000, np.float32), 8000).key is None


@settings(max_examples=12, deadline=None)
@given(
    kind=st.sampled_from(["noise", "tone", "clicks", "square", "dc"]),
    seconds=st.floats(0.01, 35), gain=st.sampled_from([1e-6, 1e-3, 1.0, 1e4]), seed=st.integers(0, 99),
)  # fmt: skip
def test_any_sound_has_a_result_with_reasons(kind: str, seconds: float, gain: float, seed: int) -> None:
    rng, n = np.random.default_rng(seed), max(1, int(seconds * RATE_HZ))
    t = np.arange(n) / RATE_HZ
    sound = {
        "noise": rng.standard_normal(n),
        "tone": np.sin(2 * np.pi * rng.uniform(30, 9000) * t),
        "clicks": (rng.random(n) < 1e-4).astype(float),
        "square": np.sign(np.sin(2 * np.pi * rng.uniform(0.1, 300) * t)),
        "dc": np.ones(n),
    }[kind]
    result = measure_song_time((gain * sound).astype(np.float32), RATE_HZ)
    assert (result.tempo_bpm is None) <= (result.tempo_unsure is not None)
    assert (result.downbeats_s is None) <= (result.bars_unsure is not None)
    assert (result.key is None) == (result.key_unsure is not None)
    assert (result.sections is None) == (result.sections_unsure is not None)
    if kind in ("noise", "dc"):
        assert (result.tempo_bpm, result.key) == (None, None)


def test_previews_of_seven_seconds_claim_nothing(shared_data: Path) -> None:
    for path in sorted((shared_data / "musdb18-7s" / "train").glob("*.mp4"))[::12]:
        clip = read_streams(path)[0]
        result = measure_song_time(clip.audio.mean(axis=0), clip.sample_rate_hz)
        assert (result.tempo_bpm, result.downbeats_s, result.key, result.sections) == (None, None, None, None)


def _known(**values: object) -> SongTime:
    return measure_song_time(np.zeros(9, np.float32), RATE_HZ).model_copy(update=values)


def test_speaking_without_bars_or_sections() -> None:
    sections = (
        Section(start_s=0, end_s=42, label="A", confidence=0.9),
        Section(start_s=42, end_s=58, label="B", confidence=0.9),
    )
    bars = tuple(2.0 * k for k in range(30))
    assert spoken((42.0, 58.0), _known()) is None
    assert spoken((42.0, 58.0), _known(sections=sections)) == "section B"
    assert spoken((42.0, 58.0), _known(downbeats_s=bars)) == "bars 22 to 29"
    assert spoken((43.1, 43.1), _known(downbeats_s=bars, sections=sections)) == "bar 22, section B"
    assert spoken((41.9, 57.0), _known(sections=sections)) == "section B"
    assert spoken((300.0, 310.0), _known(downbeats_s=bars, sections=sections)) is None
    assert clock(62.4) == "1:02"
