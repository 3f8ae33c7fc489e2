"""The ear's arithmetic against BS.1770 loudness and against torch's own distributions."""

from pathlib import Path

import numpy as np
import pytest
import torch
from differential_inputs import noise_powers
from tiny_differential import tiny_model

from mixingbuddy.models.data.chunks import mix_of
from mixingbuddy.models.data.songs import find_songs
from mixingbuddy.models.differential.bands import band_powers
from mixingbuddy.models.differential.ear import Heard, gated_levels, level_loss, share_loss, to_cells
from mixingbuddy.models.differential.shape import ROLES
from mixingbuddy.models.reference_stems import level_lufs

COUNT = len(ROLES)


def cells_of(audio: np.ndarray) -> torch.Tensor:
    powers = band_powers(audio)
    return to_cells(torch.from_numpy(powers[None, ..., : powers.shape[2] // 4 * 4]))


def random_heard(seed: int, batch: int = 3, cells: int = 5, times: int = 6) -> Heard:
    rng = torch.Generator().manual_seed(seed)
    levels = 5 * torch.randn(batch, COUNT, generator=rng)
    factor = torch.randn(batch, COUNT, COUNT, generator=rng).tril()
    factor = factor + torch.diag_embed(1 + 3 * torch.rand(batch, COUNT, generator=rng))
    shares = torch.log_softmax(torch.randn(batch, COUNT, cells, times, generator=rng), 1)
    nothing = torch.zeros(batch, 1)
    return Heard(levels, factor, torch.zeros(batch, COUNT), shares, nothing, nothing)


def test_levels_of_real_stems_are_their_gated_loudness_re_the_mix(shared_data: Path) -> None:
    errors = []
    for source in find_songs(shared_data / "musdb18-7s", "valid")[::3]:
        song = source.load()
        mix = mix_of(song.stems)
        parts = torch.stack([cells_of(stem.audio)[0] for stem in song.stems])[None]
        ours = gated_levels(parts, cells_of(mix))[0].numpy()
        whole = level_lufs(mix, song.sample_rate_hz)
        for level, stem in zip(ours, song.stems, strict=True):
            alone = level_lufs(stem.audio, song.sample_rate_hz)
            if alone is not None and whole is not None and alone > whole - 30:
                errors.append(float(level) - (alone - whole))
    assert len(errors) >= 12
    assert np.abs(errors).max() < 0.7
    assert np.median(np.abs(errors)) < 0.15


def test_silence_before_a_stem_begins_does_not_lower_its_level() -> None:
    whole = torch.ones(1, 3, 160)
    half = whole.clone()[:, None]
    half[..., :80] = 0
    assert gated_levels(half, whole).item() == pytest.approx(0.0, abs=0.3)
    assert gated_levels(0.25 * whole[:, None], whole).item() == pytest.approx(-6.02, abs=0.01)


def test_cells_keep_the_power() -> None:
    powers = torch.rand(2, 2, 8, 12, dtype=torch.float64)
    cells = to_cells(powers)
    assert cells.shape == (2, 4, 6)
    assert cells.sum().item() == pytest.approx(powers.sum().item())
    assert cells[1, 2, 3].item() == pytest.approx(powers[1, :, 4:6, 6:8].sum().item())


def test_the_overall_level_says_nothing() -> None:
    model, powers = tiny_model(), torch.from_numpy(noise_powers(range(2)))
    with torch.inference_mode():
        heard, louder, softer = (model.hear(powers * factor) for factor in (1.0, 100.0, 1e-4))
    for name in Heard._fields:
        for other in (louder, softer):
            torch.testing.assert_close(getattr(other, name), getattr(heard, name), atol=2e-3, rtol=1e-3)


def test_a_change_of_balance_is_heard() -> None:
    model, powers = tiny_model(), torch.from_numpy(noise_powers(range(1)))
    tilted = powers * torch.linspace(0, 2, powers.shape[2])[:, None]
    with torch.inference_mode():
        difference = model.hear(tilted).levels - model.hear(powers).levels
    assert difference.abs().max() > 1e-2


def test_every_cell_is_shared_out_whole_and_levels_start_from_the_shares() -> None:
    model, powers = tiny_model(), torch.from_numpy(noise_powers(range(2)))
    with torch.inference_mode():
        heard = model.hear(powers)
        cells = to_cells(powers)
        told = gated_levels(heard.log_shares.exp() * cells[:, None], cells)
    torch.testing.assert_close(heard.log_shares.exp().sum(1), torch.ones_like(cells))
    assert (heard.levels - told).abs().max() < 2
    # Four roles with about a quarter each: 6 dB under the whole.
    assert told.mean().item() == pytest.approx(-6.0, abs=1.5)


@pytest.mark.parametrize("frames", [16, 20, 44, 300])
def test_any_number_of_frames_that_is_a_multiple_of_4(frames: int) -> None:
    model = tiny_model()
    config = model.config
    assert config.bands % 8 == 0
    with torch.inference_mode():
        heard = model.hear(torch.rand(1, 2, config.bands, frames))
    assert heard.tokens.shape == (1, frames // 4, config.width)
    assert heard.log_shares.shape == (1, COUNT, config.bands // 2, frames // 2)
    assert heard.pooled.shape == (1, COUNT, config.width)
    assert heard.levels.shape == heard.present_logits.shape == (1, COUNT)
    assert all(torch.isfinite(value).all() for value in heard)


def test_sounds_of_one_batch_do_not_hear_each_other() -> None:
    model, powers = tiny_model(), torch.from_numpy(noise_powers(range(3)))
    with torch.inference_mode():
        together, alone = model.hear(powers), model.hear(powers[1:2])
    for whole, one in zip(together, alone, strict=True):
        torch.testing.assert_close(whole[1:2], one, atol=1e-4, rtol=1e-4)


def test_silence_is_heard_without_nan() -> None:
    model = tiny_model()
    with torch.inference_mode():
        heard = model.hear(torch.zeros(1, 2, model.config.bands, 16))
    assert all(torch.isfinite(value).all() for value in heard)


def test_the_covariance_is_a_cholesky_factor_with_a_floor() -> None:
    with torch.inference_mode():
        factor = tiny_model().hear(torch.from_numpy(noise_powers(range(2)))).cholesky
    torch.testing.assert_close(factor, factor.tril())
    assert (factor.diagonal(dim1=1, dim2=2) > 0.2).all()


def test_level_loss_is_the_gaussian_log_likelihood_of_the_roles_that_are_there() -> None:
    heard = random_heard(1)
    levels = 5 * torch.randn(3, COUNT, generator=torch.Generator().manual_seed(2))
    present = torch.tensor([[1.0, 1, 1, 1], [1, 0, 1, 0], [0, 0, 0, 1]])
    expected = 0.0
    for i in range(3):
        there = present[i].bool()
        covariance = (heard.cholesky[i] @ heard.cholesky[i].T)[there][:, there]
        gaussian = torch.distributions.MultivariateNormal(heard.levels[i][there], covariance)
        # What does not depend on anything that is learnt is left out.
        constant = 0.5 * float(there.sum()) * np.log(2 * np.pi)
        expected += -float(gaussian.log_prob(levels[i][there])) - constant
    assert level_loss(heard, levels, present).item() == pytest.approx(expected / float(present.sum()), rel=1e-4)


def test_level_loss_does_not_see_a_role_that_is_absent() -> None:
    heard, levels = random_heard(1), torch.zeros(3, COUNT)
    present = torch.tensor([1.0, 1, 0, 1]).expand(3, -1)
    moved = levels.clone()
    moved[:, 2] = 80.0
    torch.testing.assert_close(level_loss(heard, levels, present), level_loss(heard, moved, present))
    assert level_loss(heard, moved, torch.ones(3, COUNT)) > level_loss(heard, levels, torch.ones(3, COUNT))


def test_share_loss_is_least_at_the_true_shares() -> None:
    parts = torch.rand(3, COUNT, 5, 6, generator=torch.Generator().manual_seed(3)) + 0.01
    truth = torch.log(parts / parts.sum(1, keepdim=True))
    logits = truth.clone().requires_grad_()
    best = share_loss(random_heard(0)._replace(log_shares=torch.log_softmax(logits, 1)), parts)
    best.backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6
    for seed in range(5):
        assert share_loss(random_heard(seed), parts) > best + 0.01


def test_share_loss_counts_a_cell_by_the_root_of_its_power() -> None:
    parts = torch.zeros(1, COUNT, 2, 1)
    parts[0, 0, 0, 0], parts[0, 1, 1, 0] = 9.0, 1.0
    shares = torch.full((1, COUNT, 2, 1), 0.25).log()
    heard = random_heard(0)._replace(log_shares=shares)
    assert share_loss(heard, parts).item() == pytest.approx(np.log(4), rel=1e-5)
    shares = shares.clone()
    shares[0, 0, 0, 0] = 0.0  # certain, and right, where three quarters of the weight are
    assert share_loss(heard._replace(log_shares=shares), parts).item() == pytest.approx(np.log(4) / 4, rel=1e-5)
