"""The tempo of made songs and clicks is known; where the beat has two readings, both are told and none is claimed."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soxr

from mixingbuddy.benchmarks.timed_songs import RATE_HZ, Plan, Truth, click_track, make_song
from mixingbuddy.tools import key
from mixingbuddy.tools.audio import read_clip
from mixingbuddy.tools.key import measure_chroma
from mixingbuddy.tools.tempo import NO_PULSE, TEMPO_CONFIDENCE, TOO_QUIET, TOO_SHORT, Mono, Tempo, measure_tempo
from mixingbuddy.tools.tempo import onset_strength as onsets_of

ROCK = Plan("rock", bpm=118.4, form="AB", seed=3)


@cache
def song(plan: Plan) -> tuple[Mono, Truth]:
    return make_song(plan)


def tempo_of(mono: Mono, rate_hz: float = RATE_HZ) -> Tempo:
    if rate_hz != RATE_HZ:
        mono = soxr.resample(mono, rate_hz, RATE_HZ)
    return measure_tempo(onsets_of(mono), measure_chroma(soxr.resample(mono, RATE_HZ, key.RATE_HZ)))


@cache
def of_plan(plan: Plan) -> Tempo:
    return tempo_of(song(plan)[0])


@pytest.mark.parametrize(
    "plan", [ROCK, replace(ROCK, style="waltz", bpm=112.0), replace(ROCK, style="shuffle", bpm=96.3)]
)
def test_tempo_and_beats_of_a_made_song(plan: Plan) -> None:
    tempo, truth = of_plan(plan), song(plan)[1]
    assert tempo.tempo_bpm == pytest.approx(plan.bpm, rel=0.003)
    assert tempo.confidence >= TEMPO_CONFIDENCE
    assert tempo.beats_s is not None
    away = np.abs(np.array(tempo.beats_s)[:, None] - truth.beats_s[None]).min(axis=0)
    assert np.median(away) < 0.02
    assert (away < 0.07).mean() > 0.9


def test_the_beat_is_the_kick_and_not_the_louder_off_beat() -> None:
    plan = replace(ROCK, style="four on the floor", bpm=124)
    beats, truth = np.array(of_plan(plan).beats_s), song(plan)[1]
    assert np.median(np.abs(beats[:, None] - truth.beats_s[None]).min(axis=1)) < 0.03


@pytest.mark.parametrize("bpm", [90.0, 120.0, 137.0])
def test_clicks_are_counted(bpm: float) -> None:
    tempo = tempo_of(click_track(bpm, beats=round(bpm / 2), accent_every=4))
    told = [tempo.tempo_bpm] if tempo.tempo_bpm else list(tempo.other_tempi_bpm)
    assert any(abs(value / bpm - 1) < 0.005 for value in told)


def test_a_faster_tape_has_a_faster_tempo() -> None:
    mono, _ = song(ROCK)
    plain, fast = of_plan(ROCK), tempo_of(mono, 1.06 * RATE_HZ)
    assert plain.tempo_bpm is not None
    assert fast.tempo_bpm == pytest.approx(1.06 * plain.tempo_bpm, rel=0.003)


def test_silence_before_the_song_shifts_the_beats() -> None:
    plain = of_plan(ROCK)
    late = tempo_of(np.concatenate([np.zeros(3 * RATE_HZ, np.float32), song(ROCK)[0]]))
    assert plain.beats_s is not None
    assert late.beats_s is not None
    assert late.tempo_bpm == pytest.approx(plain.tempo_bpm, rel=0.002)
    first = late.beats_s.index(min(late.beats_s, key=lambda beat: abs(beat - plain.beats_s[8] - 3.0)))
    middle = slice(8, 56)
    shift = np.array(late.beats_s[first : first + 48]) - np.array(plain.beats_s[middle])
    assert shift == pytest.approx(3.0, abs=0.03)


@pytest.mark.parametrize("gain", [2.0**-8, 2.0**5])
def test_a_gain_changes_nothing(gain: float) -> None:
    quiet = tempo_of(song(ROCK)[0] * np.float32(gain))
    assert quiet.tempo_bpm == of_plan(ROCK).tempo_bpm
    assert quiet.beats_s == of_plan(ROCK).beats_s


def test_an_ambiguous_level_is_told_and_not_claimed() -> None:
    tempo = of_plan(replace(ROCK, style="ballad", bpm=68))
    assert tempo.tempo_bpm is None
    assert tempo.beats_s is None
    assert "68 or 136 BPM" in (tempo.unmeasured or "")
    assert sorted(round(bpm) for bpm in tempo.other_tempi_bpm)[:2] == [68, 136]


def test_a_ramp_has_beats_and_no_single_tempo() -> None:
    plan = replace(ROCK, bpm=100, end_bpm=128)
    tempo = of_plan(plan)
    assert tempo.tempo_bpm is None
    assert tempo.spread_pct == pytest.approx(22, abs=6)
    assert "the tempo moves between 10" in (tempo.unmeasured or "")
    beats, truth = np.array(tempo.beats_s), song(plan)[1]
    assert (np.abs(beats[:, None] - truth.beats_s[None]).min(axis=1) < 0.07).mean() > 0.9


def test_what_has_no_pulse_gets_no_tempo() -> None:
    rng = np.random.default_rng(4)
    noise = rng.standard_normal(30 * RATE_HZ)
    tone = np.sin(np.arange(30 * RATE_HZ) * 0.1)
    for sound in (noise, tone):
        tempo = tempo_of((0.1 * sound).astype(np.float32))
        assert (tempo.tempo_bpm, tempo.beats_s, tempo.unmeasured) == (None, None, NO_PULSE)
    assert of_plan(replace(ROCK, style="pads", bpm=70)).tempo_bpm is None
    assert of_plan(replace(ROCK, style="pads", bpm=70, wander=0.12)).tempo_bpm is None


def test_short_and_silent() -> None:
    assert tempo_of(song(ROCK)[0][: 8 * RATE_HZ]).unmeasured == TOO_SHORT
    assert tempo_of(np.zeros(20 * RATE_HZ, np.float32)).unmeasured == TOO_QUIET
    padded = np.concatenate([song(ROCK)[0][: 8 * RATE_HZ], np.zeros(30 * RATE_HZ, np.float32)])
    assert tempo_of(padded).unmeasured == TOO_SHORT


def test_a_real_kick_a_real_snare_and_a_real_bass_agree(shared_data: Path) -> None:
    """Clingo: nobody wrote its tempo down, but stems recorded by different microphones have one pulse."""
    folder = shared_data / "multitracks" / "clingo"
    told = []
    for stem in ("kick", "snare", "bass", "hihat"):
        clip = read_clip(folder / f"{stem}.flac")
        tempo = tempo_of(clip.audio.mean(axis=0), clip.sample_rate_hz)
        told.append([tempo.tempo_bpm] if tempo.tempo_bpm else list(tempo.other_tempi_bpm))
    assert all(any(abs(bpm - 100) < 1 for bpm in tempi) for tempi in told), told
