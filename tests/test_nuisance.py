"""What references go through: everything stays in its bounds, does what its numbers say, and draws nothing twice."""

from dataclasses import replace

import numpy as np
import pytest
from songs import make_stems

from mixingbuddy.models.data.chunks import mix_of
from mixingbuddy.models.data.nuisance import (
    Codec,
    Shelves,
    StemTreatment,
    Treatment,
    coded,
    draw_mastering,
    draw_stem_treatment,
    draw_treatment,
    mastered,
    shelved,
    treated_reference,
    treated_stem,
)
from mixingbuddy.tools.audio import Audio
from mixingbuddy.tools.multitrack import Multitrack, Stem
from mixingbuddy.tools.roles import Role

RATE_HZ = 44_100
FLAT = Shelves(low_hz=100, low_db=0, high_hz=5000, high_db=0)


@pytest.fixture(scope="module")
def song() -> Multitrack:
    roles: dict[str, Role] = {"vocals": "vocals", "drums": "drums", "bass": "bass", "guitar": "other"}
    stems = make_stems(2.0)
    return Multitrack("a song", RATE_HZ, tuple(Stem(roles[n], roles[n], audio) for n, audio in stems.items()))


def tone(frequency_hz: float, seconds: float = 1.0) -> Audio:
    wave = 0.25 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
    return np.tile(wave, (2, 1)).astype(np.float32)


def level_db(audio: Audio) -> float:
    return float(10 * np.log10((audio.astype(np.float64) ** 2).mean()))


def test_masterings_stay_in_their_bounds_and_half_of_them_are_coded() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_mastering(rng) for _ in range(2000)]
    assert all(m.shelves.low_db == -m.shelves.high_db for m in drawn)
    for low, high, values in (
        (-3, 3, [m.shelves.high_db for m in drawn]),
        (2, 4, [m.ratio for m in drawn]),
        (0, 9, [m.drive_db for m in drawn]),
    ):
        assert low <= min(values) < low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) < max(values) <= high
    # Four standard errors of a fair coin.
    assert np.mean([m.codec is not None for m in drawn]) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(2000))
    assert {m.codec for m in drawn} == {None, "MP3", "OGG"}


def test_stem_treatments_stay_in_their_bounds() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_stem_treatment(rng) for _ in range(1000)]
    delays_s = [treatment.delay_s for treatment in drawn]
    assert 0 <= min(delays_s) < 0.0005
    assert 0.0195 < max(delays_s) <= 0.02
    assert max(abs(t.shelves.low_db) for t in drawn) <= 2
    assert max(abs(t.shelves.high_db) for t in drawn) <= 2


def test_the_level_is_within_six_decibels() -> None:
    levels_db = [draw_treatment("stems+mix", 4, np.random.default_rng(seed)).level_db for seed in range(500)]
    assert -6 <= min(levels_db) < -5.8
    assert 5.8 < max(levels_db) <= 6


def test_a_shelf_changes_its_side_of_the_spectrum_by_its_gain() -> None:
    shelves = Shelves(low_hz=200, low_db=-3, high_hz=4000, high_db=3)
    for frequency_hz, gain_db in ((25, -3), (900, 0), (19_000, 3)):
        plain = tone(frequency_hz)
        assert level_db(shelved(plain, RATE_HZ, shelves)) - level_db(plain) == pytest.approx(gain_db, abs=0.3)


def test_a_delayed_stem_is_the_same_later() -> None:
    plain = tone(440)
    later = treated_stem(plain, RATE_HZ, StemTreatment(FLAT, delay_s=0.01))
    assert later.shape == (2, plain.shape[1] + 441)
    assert not later[:, :441].any()
    np.testing.assert_allclose(later[:, 441:], plain, atol=1e-5)


def test_more_drive_makes_a_louder_master_under_the_same_ceiling(song: Multitrack) -> None:
    mix = mix_of(song.stems)
    chain = replace(draw_mastering(np.random.default_rng(1)), codec=None)
    soft, hard = (mastered(mix, RATE_HZ, replace(chain, drive_db=drive_db)) for drive_db in (0.0, 9.0))
    for master in (soft, hard):
        assert master.shape == mix.shape
        assert master.dtype == np.float32
        assert float(np.abs(master).max()) <= 10 ** (-1 / 20) + 1e-4
    assert 3 < level_db(hard) - level_db(soft) <= 9


def test_a_silent_mix_stays_silent() -> None:
    chain = replace(draw_mastering(np.random.default_rng(1)), codec=None)
    assert not mastered(np.zeros((2, RATE_HZ), np.float32), RATE_HZ, chain).any()


@pytest.mark.parametrize("codec", ["MP3", "OGG"])
@pytest.mark.parametrize(("channels", "rate_hz"), [(1, 44_100), (2, 44_100), (2, 96_000)])
def test_a_codec_keeps_time_and_level_but_not_the_samples(codec: Codec, channels: int, rate_hz: int) -> None:
    noise = np.random.default_rng(0).standard_normal((channels, rate_hz)).astype(np.float32)
    plain = np.cumsum(noise, axis=1) - np.cumsum(noise, axis=1).mean(axis=1, keepdims=True)
    plain = np.asarray(1.5 * plain / np.abs(plain).max(), np.float32)
    decoded = coded(plain, rate_hz, codec)
    assert decoded.shape == plain.shape
    difference_db = level_db(decoded - plain) - level_db(plain)
    assert -80 < difference_db < -15


def test_the_reference_is_the_songs_own_mix_at_the_drawn_level(song: Multitrack) -> None:
    reference = treated_reference(song, Treatment(level_db=-6.0))
    assert (reference.kind, reference.same_song) == ("mix", None)
    assert [(stem.name, stem.role) for stem in reference.stems] == [("mix", "other")]
    np.testing.assert_allclose(reference.stems[0].audio, mix_of(song.stems) * 10 ** (-6 / 20), atol=1e-6)


def test_reference_stems_share_one_level_and_each_has_its_own_delay(song: Multitrack) -> None:
    treatment = draw_treatment("stems+stems", 4, np.random.default_rng(3))
    flat = replace(treatment, stems=tuple(replace(own, shelves=FLAT) for own in treatment.stems))
    reference = treated_reference(song, flat)
    assert (reference.kind, reference.same_song) == ("stems", None)
    delays = [stem.audio.shape[1] - song.samples for stem in reference.stems]
    assert len(set(delays)) == 4
    for stem, own, delay in zip(reference.stems, song.stems, delays, strict=True):
        assert (stem.name, stem.role) == (own.name, own.role)
        np.testing.assert_allclose(stem.audio[:, delay:], own.audio * 10 ** (treatment.level_db / 20), atol=1e-4)


def test_applying_draws_nothing_and_leaves_the_song_alone(song: Multitrack) -> None:
    before = [stem.audio.copy() for stem in song.stems]
    for setting in ("stems+mix", "stems+master", "stems+stems"):
        treatment = draw_treatment(setting, 4, np.random.default_rng(5))
        assert treatment == draw_treatment(setting, 4, np.random.default_rng(5))
        first, second = treated_reference(song, treatment), treated_reference(song, treatment)
        for one, other in zip(first.stems, second.stems, strict=True):
            np.testing.assert_array_equal(one.audio, other.audio)
    for stem, audio in zip(song.stems, before, strict=True):
        np.testing.assert_array_equal(stem.audio, audio)
