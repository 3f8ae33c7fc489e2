"""Remixes made as a batch: the same sums and the same variety as those made one by one."""

import numpy as np
import torch

from mixingbuddy.models.differential.device_remixes import LONGEST_SMOOTHING, DeviceRemixes, smoothed
from mixingbuddy.models.differential.ear_training import EarBatch, draw_batch, true_levels
from mixingbuddy.models.differential.remixes import LOWEST_OF_SUM, PAIRS, ProductSong, RemixRules

STILL = RemixRules(0.0, 0.0, 0.0, 12.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0)
FRAMES, BANDS = 32, 6
OWN = [pair for pair, (i, j) in enumerate(PAIRS) if i == j]


def made_up_song(seed: int, frames: int) -> ProductSong:
    """Products of four random spectra, of which the second role is the loudest."""
    rng = np.random.default_rng(seed)
    shape = (4, 2, BANDS, frames, 2)
    spectra = rng.standard_normal(shape) * 10 ** (rng.normal(np.array([-10, -4, -12, -8]), 2, 4) / 20).reshape(
        4, 1, 1, 1, 1
    )
    return ProductSong(np.stack([(spectra[i] * spectra[j]).sum(-1) for i, j in PAIRS]).astype(np.float32))


def songs() -> list[list[ProductSong]]:
    return [[made_up_song(10 * song + speed, 40 + 7 * speed + song) for speed in range(3)] for song in range(12)]


def drawn(rules: RemixRules, size: int, seed: int = 5) -> EarBatch:
    return EarBatch(*DeviceRemixes(songs(), rules, "cpu").draw(np.random.default_rng(seed), size, FRAMES))


def test_with_every_rule_off_a_remix_is_a_piece_of_a_song_as_it_is() -> None:
    batch = drawn(STILL, 16)
    every = [version.products for song in songs() for version in song]
    for mix, parts in zip(batch.mix.numpy(), batch.parts.numpy(), strict=True):
        pieces = [one[..., at : at + FRAMES] for one in every for at in range(one.shape[3] - FRAMES + 1)]
        nearest = min(pieces, key=lambda piece: float(np.abs(piece[OWN] - parts).sum()))
        np.testing.assert_array_equal(nearest[OWN], parts)
        whole = sum(nearest[pair] * (1 if i == j else 2) for pair, (i, j) in enumerate(PAIRS))
        np.testing.assert_allclose(mix, whole, atol=1e-5)


def test_the_same_generator_gives_the_same_batch() -> None:
    assert torch.equal(drawn(RemixRules(), 8).mix, drawn(RemixRules(), 8).mix)
    assert not torch.equal(drawn(RemixRules(), 8).mix, drawn(RemixRules(), 8, seed=6).mix)


def test_sounds_of_unrelated_songs_neither_double_nor_cancel_on_average() -> None:
    batch = drawn(RemixRules(1.0, 1.0, 0.0, 12.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0), 256)
    power = batch.parts.sum(1)
    assert (batch.mix >= LOWEST_OF_SUM * power * 0.999).all()
    assert abs(float((batch.mix.sum((1, 2, 3)) / power.sum((1, 2, 3))).mean()) - 1) < 0.02


def test_levels_vary_as_those_of_single_remixes_do() -> None:
    for across_songs in (0.0, 0.4, 1.0):
        rules = RemixRules(across_songs=across_songs, dropped=0.0)
        one_by_one = draw_batch(songs(), np.random.default_rng(6), 800, FRAMES, rules)
        levels = []
        for batch in (drawn(rules, 800), one_by_one):
            _, found, there = true_levels(batch)
            heard = [found[:, role][there[:, role] > 0] for role in range(4)]
            side = batch.mix[:, 1].sum((1, 2)) / batch.mix.sum((1, 2, 3))
            levels.append(
                [*(float(x.mean()) for x in heard), *(float(x.std()) for x in heard), float(there.mean()) * 10]
            )
            levels[-1] += [float(side.mean()) * 10, float((side < 1e-6).float().mean()) * 10]
        np.testing.assert_allclose(levels[0], levels[1], atol=0.6)


def test_mono_and_dropped_roles_follow_their_chances() -> None:
    batch = drawn(RemixRules(mono=1.0, dropped=1.0), 64)
    assert float(batch.mix[:, 1].abs().max()) == 0.0
    sounding = (batch.parts.sum((2, 3, 4)) > 0).sum(1)
    assert (sounding == 1).all()


def test_smoothing_is_numpys_running_mean_with_the_ends_repeated() -> None:
    power = np.random.default_rng(3).random(50).astype(np.float32)
    for span in range(2, LONGEST_SMOOTHING):
        padded = np.pad(power, span, mode="edge")
        expected = np.convolve(padded, np.ones(span) / span, "same")[span:-span]
        found = smoothed(torch.from_numpy(power)[None], torch.tensor([[span]]))[0]
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)
