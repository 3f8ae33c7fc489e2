"""Bars of made songs are known: how long they are, where they begin, and what leaves them unsure."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import soxr

from mixingbuddy.benchmarks.timed_songs import RATE_HZ, Plan, Truth, make_song
from mixingbuddy.tools import key
from mixingbuddy.tools.bars import NO_BEATS, NO_CHANGES, TOO_FEW, Bars, measure_bars
from mixingbuddy.tools.key import Chroma, measure_chroma
from mixingbuddy.tools.tempo import Onsets, onset_strength

ROCK = Plan("rock", bpm=112, form="AB", seed=5)


@cache
def heard(plan: Plan) -> tuple[Onsets | None, Chroma, Truth]:
    audio, truth = make_song(plan)
    return onset_strength(audio), measure_chroma(soxr.resample(audio, RATE_HZ, key.RATE_HZ)), truth


def bars_of(plan: Plan, skip: int = 0) -> tuple[Bars, Truth]:
    """From the true beats without the first few, so that only the bars are judged."""
    onsets, chroma, truth = heard(plan)
    return measure_bars(tuple(truth.beats_s[skip:].tolist()), onsets, chroma), truth


@pytest.mark.parametrize("style", ["rock", "four on the floor", "ballad", "strummed guitar"])
@pytest.mark.parametrize("skip", [0, 1, 3])
def test_bars_begin_where_chords_change_whichever_beat_was_found_first(style: str, skip: int) -> None:
    bars, truth = bars_of(replace(ROCK, style=style), skip)
    assert bars.beats_per_bar == 4
    assert bars.downbeats_s is not None
    assert set(np.round(bars.downbeats_s, 6)) <= set(np.round(truth.downbeats_s, 6))


@pytest.mark.parametrize("style", ["waltz", "rock waltz"])
def test_three_beats(style: str) -> None:
    bars, truth = bars_of(replace(ROCK, style=style, bpm=120), skip=2)
    assert bars.beats_per_bar == 3
    assert set(np.round(bars.downbeats_s or (), 6)) <= set(np.round(truth.downbeats_s, 6))


def test_unusual_bars_are_not_claimed() -> None:
    bars, _ = bars_of(replace(ROCK, style="five four", bpm=120))
    assert bars.downbeats_s is None
    assert "unusual" in (bars.unmeasured or "")


def test_drums_alone_do_not_tell_the_first_beat() -> None:
    bars, _ = bars_of(replace(ROCK, style="drums alone"))
    assert bars.downbeats_s is None
    assert bars.unmeasured == NO_CHANGES


def test_a_beat_too_many_in_the_middle_is_noticed() -> None:
    """Halves that disagree: in the second, bars are read one beat late."""
    onsets, chroma, truth = heard(ROCK)
    middle = len(truth.beats_s) // 2
    extra = (truth.beats_s[middle] + truth.beats_s[middle + 1]) / 2
    beats = np.insert(truth.beats_s, middle + 1, extra)
    bars = measure_bars(tuple(beats.tolist()), onsets, chroma)
    assert bars.downbeats_s is None


def test_without_beats() -> None:
    onsets, chroma, truth = heard(ROCK)
    assert measure_bars(None, onsets, chroma).unmeasured == NO_BEATS
    assert measure_bars(tuple(truth.beats_s[:20].tolist()), onsets, chroma).unmeasured == TOO_FEW
    flat = Chroma(np.ones_like(chroma.all), np.ones_like(chroma.bass), None)
    assert measure_bars(tuple(truth.beats_s.tolist()), onsets, flat).unmeasured == NO_CHANGES
