"""Fine-tuning's differentiable weighing against the advisor's own, and the flaws it learns from."""

import numpy as np
import pytest
import torch
from differential_inputs import noise, noise_powers
from tiny_differential import tiny, tiny_model

from mixingbuddy.models.data.label_templates import slots_of
from mixingbuddy.models.data.songs import TARGETS
from mixingbuddy.models.differential.bands import band_products
from mixingbuddy.models.differential.ear import Heard
from mixingbuddy.models.differential.ear_training import EarBatch, true_levels
from mixingbuddy.models.differential.modelling import DifferentialModel
from mixingbuddy.models.differential.posterior import Belief, FlawPrior, answer, hypotheses, weigh
from mixingbuddy.models.differential.remixes import ProductSong
from mixingbuddy.models.differential.task_training import (
    TaskBatch,
    class_log_probabilities,
    class_of,
    draw_flaw,
    draw_task_batch,
    frozen_statistics,
    sentences,
    task_loss,
)
from mixingbuddy.models.differential.words import Words

MEAN_DB = (2.0, 1.0, -3.0, 0.5)
COVARIANCE_DB = tuple(tuple(9.0 * (i == j) + 1.0 for j in range(4)) for i in range(4))
COUNTS = (0.2, 0.8)
SIZE = 6


@pytest.fixture(scope="module")
def songs() -> list[list[ProductSong]]:
    return [[ProductSong(band_products([noise(4 * song + i, 1.5) for i in range(4)]))] for song in range(2)]


def heard_at_random(seed: int) -> Heard:
    rng = torch.Generator().manual_seed(seed)
    factor = torch.randn(SIZE, 4, 4, generator=rng).tril(-1) + torch.diag_embed(
        0.5 + 2 * torch.rand(SIZE, 4, generator=rng)
    )
    nothing = torch.zeros(SIZE, 4)
    return Heard(4 * torch.randn(SIZE, 4, generator=rng), factor, nothing, nothing, nothing, nothing)


def batch_of(flaws_db: np.ndarray, anchors: tuple[int, ...], as_reference: list[bool]) -> TaskBatch:
    silence = torch.zeros(len(anchors), 4, 2, 2, 16)
    classes = torch.tensor([class_of(flaw) for flaw in flaws_db])
    return TaskBatch(
        EarBatch(silence[:, 0], silence), torch.from_numpy(flaws_db), anchors, torch.tensor(as_reference), classes
    )


@pytest.mark.parametrize("as_reference", [True, False])
def test_class_probabilities_are_those_of_the_advisors_weighing(as_reference: bool) -> None:
    model = tiny(DifferentialModel, balance_mean_db=MEAN_DB, balance_covariance_db=COVARIANCE_DB)
    prior = Belief(np.array(MEAN_DB), np.array(COVARIANCE_DB))
    rng, heard = np.random.default_rng(1), heard_at_random(1)
    flaws = np.array([draw_flaw(rng)[0] for _ in range(SIZE)])
    anchors = tuple(int(number) for number in rng.integers(0, 3, SIZE))
    levels = torch.from_numpy(3 * rng.standard_normal((SIZE, 4))).float()
    batch = batch_of(flaws, anchors, [as_reference] * SIZE)
    ours = class_log_probabilities(model, heard, levels, batch).exp().numpy()
    np.testing.assert_allclose(ours.sum(1), 1, atol=1e-5)
    for i, anchor in enumerate(anchors):
        factor = heard.cholesky[i].double().numpy()
        ear = Belief(heard.levels[i].double().numpy(), factor @ factor.T)
        if as_reference:
            aim = ear.combined(prior)
            excess, covariance = levels[i].numpy() + flaws[i] - aim.mean_db, aim.covariance_db
        else:
            excess, covariance = ear.mean_db - prior.mean_db, ear.covariance_db + prior.covariance_db
        candidates = tuple(role != anchor and role < 3 for role in range(4))
        gains = hypotheses(candidates, COUNTS).gains_db
        weights = weigh(excess, covariance, hypotheses(candidates, COUNTS))
        expected = [weights[~gains.any(1)].sum()]
        for role in range(3):
            expected += [weights[gains[:, role] < 0].sum(), weights[gains[:, role] > 0].sum()]
        np.testing.assert_allclose(ours[i], expected, atol=2e-4)
        found = answer(excess, covariance, candidates, FlawPrior(COUNTS, 1.0))
        assert found.p_answer == pytest.approx(ours[i].max(), abs=2e-4)
        assert class_of(-found.moves_db) == ours[i].argmax()


def test_the_answer_teaches_the_ear() -> None:
    heard = heard_at_random(2)._replace(levels=torch.zeros(SIZE, 4, requires_grad=True))
    flaws = np.zeros((SIZE, 4), np.float32)
    flaws[:, 0] = 6.0
    batch = batch_of(flaws, (1,) * SIZE, [False] * SIZE)
    class_log_probabilities(tiny_model(), heard, torch.zeros(SIZE, 4), batch)[:, 2].sum().backward()
    assert heard.levels.grad is not None
    # To find the vocals too loud, they would have to be heard louder, whatever else is.
    assert (heard.levels.grad[:, 0] > 0).all()
    torch.testing.assert_close(heard.levels.grad.sum(1), torch.zeros(SIZE), atol=1e-4, rtol=0)


def test_classes_number_no_flaw_then_quiet_and_loud_of_each_role() -> None:
    assert class_of(np.zeros(4)) == 0
    assert [class_of(sign * 5 * np.eye(4)[role]) for role in range(3) for sign in (-1, 1)] == [1, 2, 3, 4, 5, 6]


def test_flaws_are_those_of_the_single_protocol() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_flaw(rng) for _ in range(3000)]
    flaws, anchors = np.array([flaw for flaw, _ in drawn]), np.array([anchor for _, anchor in drawn])
    sizes = np.abs(flaws[flaws != 0])
    assert ((flaws != 0).sum(1) <= 1).all()
    assert not flaws[:, len(TARGETS) :].any()
    assert not flaws[np.arange(len(flaws)), anchors].any()
    assert len(sizes) / len(flaws) == pytest.approx(0.8, abs=0.03)
    assert (sizes < 6).mean() == pytest.approx(0.5, abs=0.04)
    assert sizes.min() >= 3
    assert sizes.max() <= 12
    assert (flaws[flaws != 0] > 0).mean() == pytest.approx(0.5, abs=0.04)
    assert np.bincount(anchors).tolist() == pytest.approx([1000] * 3, rel=0.1)


def test_a_flaw_is_heard_in_the_mix_and_a_reference_is_without_it(songs: list[list[ProductSong]]) -> None:
    flawed, clean = (draw_task_batch(songs, np.random.default_rng(4), 12, 40, share) for share in (0.0, 1.0))
    assert not flawed.as_reference.any()
    assert clean.as_reference.all()
    assert flawed.heard.mix.shape == (12, 2, songs[0][0].products.shape[2], 40)
    assert flawed.classes.tolist() == [class_of(flaw) for flaw in flawed.flaws_db.numpy()]
    # All roles are noise of one level: what remains after its gain is mild equalising.
    for batch, gain in ((flawed, 1.0), (clean, 0.0)):
        levels = true_levels(batch.heard)[1]
        rest = levels - gain * batch.flaws_db
        assert (rest - rest.mean(1, keepdim=True)).abs().max() < 3.5


def test_a_sentence_says_the_move_that_undoes_the_flaw() -> None:
    rng = np.random.default_rng(0)
    flaws = np.array([[6, 0, 0, 0], [0, -4, 0, 0], [0, 0, 0, 0], [0, 0, 9, 0], [0, 0, -11, 0], [3.5, 0, 0, 0]])
    batch = batch_of(flaws.astype(np.float32), (1, 2, 0, 0, 1, 2), [True, False] * 3)
    model = tiny_model()
    with torch.inference_mode():
        heard = model.hear(torch.from_numpy(noise_powers(range(SIZE), 0.5)))
    words = Words(model.config.vocabulary)
    ids, _, about = sentences(batch, torch.zeros(SIZE, 4), heard, rng, words)
    for row, flaw in enumerate(flaws):
        template = words.decode(ids[row].tolist())
        tokens = set(ids[row].tolist())
        assert ({"stem", "gain"} <= slots_of(template)) == bool(flaw.any())
        if not flaw.any():
            continue
        wrong = "up" if flaw.sum() > 0 else "down"
        assert not tokens & set(words.pointing[wrong])
        assert about.role[row] == np.abs(flaw).argmax()
        assert about.figures[row, 0] == pytest.approx(-flaw.sum() / 12)
    assert not about.own[1::2].any()  # a mix alone has no stems to know the levels of
    assert about.own[::2].any()


def test_everything_is_learnt_from_at_once(songs: list[list[ProductSong]]) -> None:
    model = tiny(DifferentialModel)
    frozen_statistics(model)
    running = {name: value.clone() for name, value in model.named_buffers()}
    batch = draw_task_batch(songs, np.random.default_rng(0), 4, 32)
    loss, figures = task_loss(model, batch, np.random.default_rng(1))
    loss.backward()
    assert {"answer", "right", "words", "shares", "levels"} <= set(figures)
    for name in ("ear.shares.weight", "ear.beliefs.0.weight", "writer.words.weight"):
        gradient = model.get_parameter(name).grad
        assert gradient is not None
        assert gradient.abs().max() > 0, name
    assert all(torch.equal(value, running[name]) for name, value in model.named_buffers())
