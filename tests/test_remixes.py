"""Remixes made from band products against remixes of waveforms, and the physics of what is drawn."""

from dataclasses import replace

import numpy as np
import pytest
from differential_inputs import noise
from songs import make_stems

from mixingbuddy.models.differential.bands import band_powers, band_products
from mixingbuddy.models.differential.remixes import ProductSong, RemixRules, independence, remix
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.tools.audio import Audio

CALM = RemixRules(across_songs=0.0, equalised=0.0, mastered=0.0, narrowed=0.0, mono=0.0, dropped=0.0)
ACROSS = replace(CALM, across_songs=1.0)
GAINS_DB = np.array([3.0, -6.0, 0.0, 9.5], np.float32)
LEVEL = np.zeros(len(ROLES), np.float32)


def waveforms(seed: int) -> list[Audio]:
    """Vocals, drums, bass and other, a little wider than mono."""
    stems = list(make_stems(2.0, seed).values())
    return [stem + 0.1 * noise(10 * seed + i, 2.0)[:, : stem.shape[1]] for i, stem in enumerate(stems)]


@pytest.fixture(scope="module")
def songs() -> list[list[ProductSong]]:
    return [[ProductSong(band_products(waveforms(seed)))] for seed in (1, 2, 3)]


def frames(songs: list[list[ProductSong]]) -> int:
    return min(versions[0].products.shape[3] for versions in songs)


def test_a_remix_of_one_song_is_that_of_its_waveforms(songs: list[list[ProductSong]]) -> None:
    stems = waveforms(1)
    gains = 10 ** (GAINS_DB / 20)
    moved = [gain * stem for gain, stem in zip(gains, stems, strict=True)]
    drawn = remix(songs[:1], np.random.default_rng(0), frames(songs), CALM, GAINS_DB)
    exact = band_powers(np.sum(moved, axis=0))
    np.testing.assert_allclose(drawn.mix, exact, rtol=1e-3, atol=1e-6 * exact.max())
    for part, stem in zip(drawn.parts, moved, strict=True):
        np.testing.assert_allclose(part, band_powers(stem), rtol=1e-4, atol=1e-9)


def test_a_shorter_remix_is_a_piece_of_the_song(songs: list[list[ProductSong]]) -> None:
    whole = songs[0][0].products[0]
    drawn = remix(songs[:1], np.random.default_rng(4), 20, CALM, LEVEL)
    fits = [np.allclose(drawn.parts[0], whole[..., t : t + 20]) for t in range(whole.shape[-1] - 19)]
    assert drawn.mix.shape[-1] == 20
    assert sum(fits) == 1


def test_levels_of_a_song_are_the_mean_powers_of_its_roles(songs: list[list[ProductSong]]) -> None:
    powers = [band_powers(stem).sum((0, 1)).mean() for stem in waveforms(2)]
    np.testing.assert_allclose(songs[1][0].levels_db, 10 * np.log10(powers), atol=1e-3)


def test_roles_of_different_songs_add_up_on_average(songs: list[list[ProductSong]]) -> None:
    rng = np.random.default_rng(0)
    drawn = [remix(songs, rng, frames(songs), ACROSS, LEVEL) for _ in range(40)]
    surplus_db = [10 * np.log10(one.mix.sum() / one.parts.sum()) for one in drawn]
    assert np.mean(surplus_db) == pytest.approx(0.0, abs=0.1)
    assert np.std([one.mix / one.parts.sum(0).clip(1e-12) for one in drawn]) > 0.05


def test_roles_of_different_songs_are_at_the_levels_of_one_song(songs: list[list[ProductSong]]) -> None:
    balances = np.array([versions[0].levels_db for versions in songs])
    for seed in range(5):
        drawn = remix(songs, np.random.default_rng(seed), frames(songs), ACROSS, GAINS_DB)
        levels_db = 10 * np.log10(drawn.parts.sum((1, 2)).mean(-1)) - GAINS_DB
        assert np.abs(balances - levels_db).max(1).min() < 0.05


def test_what_unrelated_sounds_do_to_each_other_is_as_large_as_drawn() -> None:
    products = band_products([noise(1, 6.0), noise(2, 6.0)])
    alone = np.sqrt(products[0] * products[2])
    measured = (products[1] / alone)[..., 4:-4].std((0, 2))
    ratio = measured / independence(products.shape[2])[0, :, 0]
    assert 0.5 < np.median(ratio) < 2
    assert measured[:10].mean() > 2 * measured[-10:].mean()


@pytest.mark.parametrize("rules", [replace(CALM, dropped=1.0), replace(ACROSS, dropped=1.0)])
def test_a_dropped_role_is_silent(songs: list[list[ProductSong]], rules: RemixRules) -> None:
    for seed in range(5):
        drawn = remix(songs, np.random.default_rng(seed), 40, rules)
        sounding = [role for role in range(len(ROLES)) if drawn.parts[role].any()]
        assert len(sounding) == 1
        np.testing.assert_allclose(drawn.mix, drawn.parts[sounding[0]], rtol=1e-5)


def test_the_generator_alone_decides(songs: list[list[ProductSong]]) -> None:
    once, again, other = (remix(songs, np.random.default_rng(seed), 40, RemixRules()) for seed in (7, 7, 8))
    np.testing.assert_array_equal(once.mix, again.mix)
    np.testing.assert_array_equal(once.parts, again.parts)
    assert not np.array_equal(once.mix, other.mix)


def test_nothing_drawn_is_negative_or_undefined(songs: list[list[ProductSong]]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        drawn = remix(songs, rng, 40, RemixRules(dropped=0.3))
        assert np.isfinite(drawn.mix).all()
        assert drawn.mix.min() >= 0
        assert drawn.parts.min() >= 0
        assert drawn.mix.dtype == drawn.parts.dtype == np.float32


def test_mastering_turns_whole_frames_down_and_loud_ones_most() -> None:
    quiet_then_loud = [stem * np.linspace(0.05, 1, stem.shape[1], dtype=np.float32) for stem in waveforms(1)]
    song = [[ProductSong(band_products(quiet_then_loud))]]
    whole = frames(song)
    plain = remix(song, np.random.default_rng(0), whole, CALM, LEVEL)
    # The tilt that goes with mastering is set to nothing, so that only the compressor is left.
    mastered = remix(song, np.random.default_rng(0), whole, replace(CALM, mastered=1.0, equaliser_db=0.0), LEVEL)
    heard = plain.mix > 1e-6 * plain.mix.max()
    gain = np.where(heard, mastered.mix / np.where(heard, plain.mix, 1), np.nan)
    per_frame = np.nanmedian(gain, axis=(0, 1))
    np.testing.assert_allclose(np.nanmax(np.abs(gain / per_frame - 1)), 0, atol=1e-3)
    np.testing.assert_allclose(mastered.parts, plain.parts * per_frame, rtol=1e-3, atol=1e-9)
    assert per_frame.max() <= 1 + 1e-6
    assert per_frame[:10].min() == pytest.approx(1.0, abs=1e-6)
    assert per_frame[-20:].mean() < 0.8


def test_a_mono_remix_has_no_side_and_a_narrowed_one_less_or_more_of_it(songs: list[list[ProductSong]]) -> None:
    plain, mono, narrowed = (
        remix(songs[:1], np.random.default_rng(0), frames(songs), rules, LEVEL)
        for rules in (CALM, replace(CALM, mono=1.0), replace(CALM, narrowed=1.0))
    )
    assert not mono.mix[1].any()
    factor = narrowed.mix[1].sum() / plain.mix[1].sum()
    assert 0.3 <= factor <= 2.0
    np.testing.assert_allclose(narrowed.parts[:, 1], factor * plain.parts[:, 1], rtol=1e-3, atol=1e-9)
    for one in (mono, narrowed):
        np.testing.assert_array_equal(one.mix[0], plain.mix[0])
