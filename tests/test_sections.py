"""Sections of made songs are known: where they begin, and which are alike."""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soxr

from mixingbuddy.benchmarks.timed_songs import RATE_HZ, Plan, Truth, make_song
from mixingbuddy.tools import key
from mixingbuddy.tools.audio import read_clip
from mixingbuddy.tools.key import TOO_QUIET, measure_chroma
from mixingbuddy.tools.sections import (
    ALL_ALIKE,
    SECTION_CONFIDENCE,
    TOO_SHORT,
    Cells,
    Section,
    labelled,
    measure_sections,
)
from mixingbuddy.tools.sections import partition as cut
from mixingbuddy.tools.tempo import Mono, onset_strength

BAND = Plan("rock", bpm=124, form="ABAB", bars_per_section=8, seed=2)
Found = tuple[tuple[Section, ...] | None, str | None]


@cache
def song(plan: Plan) -> tuple[Mono, Truth]:
    return make_song(plan)


def sections_of(mono: Mono, downbeats_s: tuple[float, ...] | None = None, rate_hz: int = RATE_HZ) -> Found:
    mono = soxr.resample(mono, rate_hz, RATE_HZ)
    chroma = measure_chroma(soxr.resample(mono, RATE_HZ, key.RATE_HZ))
    return measure_sections(onset_strength(mono), chroma, downbeats_s)


@pytest.mark.parametrize("form", ["ABAB", "AABB", "ABABCB"])
def test_sections_of_a_made_song_with_its_bars(form: str) -> None:
    mono, truth = song(replace(BAND, form=form))
    sections, unsure = sections_of(mono, tuple(truth.downbeats_s.tolist()))
    assert unsure is None
    assert sections is not None
    assert [s.label for s in sections] == [label for _, _, label in truth.sections]
    starts = [start for start, _, _ in truth.sections]
    assert [s.start_s for s in sections][1:] == pytest.approx(starts[1:], abs=0.01)
    assert all(s.confidence >= SECTION_CONFIDENCE for s in sections)


def test_without_bars_boundaries_lie_within_two_seconds() -> None:
    mono, truth = song(BAND)
    sections, _ = sections_of(mono)
    assert sections is not None
    assert [s.label for s in sections] == ["A", "B", "A", "B"]
    assert [s.start_s for s in sections][1:] == pytest.approx([s for s, _, _ in truth.sections][1:], abs=2.0)


def test_sections_follow_each_other_without_gaps() -> None:
    sections, _ = sections_of(song(replace(BAND, form="ABABCB"))[0])
    assert sections is not None
    assert [s.end_s for s in sections[:-1]] == [s.start_s for s in sections[1:]]
    assert all(a.label != b.label for a, b in pairwise(sections))


def test_silence_before_the_song_shifts_the_sections() -> None:
    mono, truth = song(BAND)
    late, _ = sections_of(np.concatenate([np.zeros(7 * RATE_HZ, np.float32), mono]))
    assert late is not None
    assert [s.label for s in late] == ["A", "B", "A", "B"]
    assert [s.start_s for s in late] == pytest.approx([start + 7 for start, _, _ in truth.sections], abs=2.0)


@pytest.mark.parametrize("style", ["rock", "four on the floor"])
def test_a_loop_has_no_sections(style: str) -> None:
    assert sections_of(song(replace(BAND, style=style, form="AAAA"))[0]) == (None, ALL_ALIKE)


def test_noise_a_tone_and_short_or_silent_sound_have_none() -> None:
    rng = np.random.default_rng(3)
    noise = 0.1 * rng.standard_normal(60 * RATE_HZ).astype(np.float32)
    tone = np.sin(np.arange(60 * RATE_HZ) * 0.1).astype(np.float32)
    assert sections_of(noise) == (None, ALL_ALIKE)
    assert sections_of(tone) == (None, ALL_ALIKE)
    assert sections_of(song(BAND)[0][: 40 * RATE_HZ]) == (None, TOO_SHORT)
    assert sections_of(np.zeros(60 * RATE_HZ, np.float32)) == (None, TOO_QUIET)


def test_partition_and_labels_of_steps_in_noise() -> None:
    """Three levels with unit noise: the cut is where they change, and the first and last are alike."""
    rng = np.random.default_rng(2)
    levels = np.repeat([0.0, 4.0, -4.0, 0.0], 10)
    cells = Cells(levels[:, None] + rng.standard_normal((40, 6)), np.arange(41.0), 3)
    cuts = cut(cells)
    assert cuts == [0, 10, 20, 30, 40]
    assert labelled(cells, cuts) == [0, 1, 2, 0]
    flat = Cells(rng.standard_normal((40, 6)), np.arange(41.0), 3)
    assert cut(flat) == [0, 40]


def test_a_real_mix_is_cut_where_its_drums_change(shared_data: Path) -> None:
    """trackswitch: most boundaries of the finished mix are boundaries of the drum stem, too."""
    folder = shared_data / "multitracks" / "trackswitch"
    heard = []
    for path in (folder / "reference" / "mix.mp3", folder / "drums.mp3"):
        clip = read_clip(path)
        heard.append([s.start_s for s in sections_of(clip.audio.mean(axis=0), rate_hz=clip.sample_rate_hz)[0] or ()])
    mix, drums = heard
    assert 3 <= len(mix) <= 12
    near = sum(any(abs(a - b) < 4.1 for b in drums) for a in mix[1:])
    assert near >= 0.5 * (len(mix) - 1)
