"""Keys of made songs are known; moving all notes moves the key; what has no notes has no key."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soxr

from mixingbuddy.benchmarks.timed_songs import KEY_NAMES, RATE_HZ, Plan, make_song
from mixingbuddy.tools import key
from mixingbuddy.tools.audio import read_clip
from mixingbuddy.tools.key import NO_KEY, PITCH_CLASSES, TOO_QUIET, TOO_SHORT, Chroma, Key, measure_chroma, measure_key
from mixingbuddy.tools.tempo import Mono

BAND = Plan("ballad", bpm=76, form="AB", bars_per_section=4, seed=8, tonic=2, mode="major")
SCALE_CHORDS = {
    "major": ((0, 4, 7), (5, 9, 0), (7, 11, 2), (0, 4, 7)),
    "minor": ((0, 3, 7), (5, 8, 0), (7, 11, 2), (0, 3, 7)),
}


@cache
def audio_of(plan: Plan) -> Mono:
    return make_song(plan)[0]


def key_of(mono: Mono, rate_hz: float = RATE_HZ) -> Key:
    return measure_key(measure_chroma(soxr.resample(mono, rate_hz, key.RATE_HZ)))


def name(found: Key) -> str | None:
    return None if found.tonic is None else f"{found.tonic} {found.mode}"


def cadences(tonic: int, mode: str, chords_per_s: float = 1.0, duration_s: float = 16.0) -> Mono:
    """Tonic, subdominant, dominant, tonic as harmonic tones with the root in the bass."""
    t = np.arange(int(RATE_HZ / chords_per_s)) / RATE_HZ
    parts = []
    for number in range(int(duration_s * chords_per_s)):
        chord = SCALE_CHORDS[mode][number % 4]
        pitches = [48 + (tonic + step) % 12 for step in chord] + [36 + (tonic + chord[0]) % 12]
        tones = [np.sin(2 * np.pi * k * 440 * 2 ** ((p - 69) / 12) * t) / k**1.5 for p in pitches for k in range(1, 6)]
        parts.append(np.sum(tones, axis=0) * np.exp(-t))
    return (0.1 * np.concatenate(parts)).astype(np.float32)


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_a_cadence_has_its_key(tonic: int, mode: str) -> None:
    assert name(key_of(cadences(tonic, mode))) == f"{PITCH_CLASSES[tonic]} {mode}"


@pytest.mark.parametrize("semitones", [1, -3, 5])
def test_a_faster_tape_moves_the_key_by_its_semitones(semitones: int) -> None:
    moved = key_of(audio_of(BAND), RATE_HZ * 2 ** (semitones / 12))
    assert name(key_of(audio_of(BAND))) == "D major"
    assert name(moved) == f"{KEY_NAMES[(2 + semitones) % 12]} major"


def test_tuning_is_measured_and_does_not_move_the_key() -> None:
    for cents in (-30.0, 0.0, 25.0):
        found = key_of(audio_of(replace(BAND, detune_cents=cents)))
        assert found.tuning_cents == pytest.approx(cents, abs=4)
        assert name(found) == "D major"


def test_a_gain_and_silence_change_nothing() -> None:
    plain = key_of(audio_of(BAND))
    assert key_of(audio_of(BAND) * np.float32(2.0**-9)).confidence == pytest.approx(plain.confidence, abs=0.01)
    padded = key_of(np.concatenate([np.zeros(5 * RATE_HZ, np.float32), audio_of(BAND)]))
    assert (padded.tonic, padded.mode) == (plain.tonic, plain.mode)
    assert padded.confidence == pytest.approx(plain.confidence, abs=0.08)


def test_notes_that_fit_two_keys_name_both_and_claim_none() -> None:
    """Every note of C major and A minor alike, without a bass: nothing tells which."""
    scale = np.zeros(12)
    scale[[0, 2, 4, 5, 7, 9, 11]] = 1
    frames = int(30 * key.FRAMES_PER_S)
    found = measure_key(Chroma(np.tile(scale, (frames, 1)), np.zeros((frames, 12)), 0.0))
    assert found.tonic is None
    assert found.other_keys
    assert "the key may be" in (found.unmeasured or "")


def test_drums_and_noise_have_no_key() -> None:
    drums = audio_of(replace(BAND, style="drums alone", bpm=110, form="ABAB"))
    noise = np.random.default_rng(1).standard_normal(20 * RATE_HZ).astype(np.float32)
    for sound in (drums, noise):
        found = key_of(sound)
        assert (found.tonic, found.mode, found.unmeasured) == (None, None, NO_KEY)


def test_short_and_silent() -> None:
    assert key_of(audio_of(BAND)[: 7 * RATE_HZ]).unmeasured == TOO_SHORT
    assert key_of(np.zeros(20 * RATE_HZ, np.float32)).unmeasured == TOO_QUIET


def test_real_stems_share_the_key_of_their_song(shared_data: Path) -> None:
    """waveform-playlist: piano, guitar and vocals were played apart; each finds B major likeliest or second."""
    for stem in ("PianoSynth30", "Guitar30", "Vocals30"):
        clip = read_clip(shared_data / "multitracks" / "waveform-playlist" / f"{stem}.mp3")
        found = key_of(clip.audio.mean(axis=0), clip.sample_rate_hz)
        assert "B major" in (name(found), *found.other_keys[:2])
