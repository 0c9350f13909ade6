"""The last layer as a distribution: against direct formulas, autograd and draws."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from made.fusion import TINY, units
from made.training import CNN, TRAIN, fit, lightning
from torch import nn

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.trainers import kept
from celltype_cli.trainers.laplace import covariance, last_layer, prior, with_laplace
from celltype_cli.trainers.networks import Standardised

NONE = np.arange(0)


def logistic(rows=60, seed=0):
    """Rows with two features and a one, of three classes, and weights [class, feature]."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.cat([torch.randn(rows, 2, generator=draw, dtype=torch.double), torch.ones(rows, 1)], dim=1).double()
    return x, torch.randn(3, 3, generator=draw, dtype=torch.double)


def whole(x, weights, precision):
    """The covariance of all weights, by autograd of the log posterior; of softmax regression no label is in it."""
    label = torch.zeros(len(x), dtype=torch.long)

    def posterior(flat):
        loss = nn.functional.cross_entropy(x @ flat.reshape(3, 3).T, label, reduction="sum")
        return loss + precision / 2 * flat.square().sum()

    return torch.linalg.inv(torch.autograd.functional.hessian(posterior, weights.flatten()))


def eigenvalues(x, weights):
    hessian = torch.linalg.inv(whole(x, weights, 1e-6))
    return np.linalg.eigvalsh(hessian.numpy()).clip(min=0)


def test_the_covariance_is_that_of_the_log_posterior():
    x, weights = logistic()
    precision = prior(eigenvalues(x, weights), float(weights.square().sum()))
    all_weights = whole(x, weights, precision)
    found = covariance(x @ weights.T, x, weights)
    for k in range(3):
        expected = torch.zeros(3, 3, dtype=torch.double)
        for other in {0, 1, 2} - {k}:  # w_k - w_other, as a matrix over all nine weights
            difference = torch.zeros(3, 3, 3, dtype=torch.double)
            difference[:, k], difference[:, other] = torch.eye(3), -torch.eye(3)
            difference = difference.reshape(3, 9)
            expected += difference @ all_weights @ difference.T / 2 / 2  # half, and the mean of two
        torch.testing.assert_close(found[k], expected, rtol=1e-4, atol=1e-7)


def test_the_prior_makes_the_data_most_likely():
    x, weights = logistic()
    values, square = eigenvalues(x, weights), float(weights.square().sum())

    def evidence(precision):  # but for what does not depend on it
        determinant = np.log(values + precision).sum()
        return 0.5 * len(values) * math.log(precision) - 0.5 * precision * square - 0.5 * determinant

    best = prior(values, square)
    grid = np.geomspace(best / 100, best * 100, 2001)
    assert grid[np.argmax([evidence(p) for p in grid])] == pytest.approx(best, rel=0.01)
    assert best * square == pytest.approx((values / (values + best)).sum(), rel=1e-3)  # MacKay's fixed point


def test_probabilities_are_those_of_drawn_weights():
    x, weights = logistic()
    precision = prior(eigenvalues(x, weights), float(weights.square().sum()))
    drawn = np.random.default_rng(0).multivariate_normal(
        weights.flatten().numpy(), whole(x, weights, precision).numpy(), 4000
    )
    expected = torch.from_numpy(np.stack([(x @ torch.from_numpy(w.reshape(3, 3)).T).softmax(1) for w in drawn]))
    ids = np.arange(len(x)).astype(str)
    cells = Cells({"features": x[:, :2].float().numpy()}, np.arange(len(x)) % 3, ids, ids, ("A", "B", "C"))
    network = Standardised(Head(weights), {"features": (0.0, 1.0)})
    found = with_laplace(network, cells, 16)
    proba = found(features=x[:, :2].float()).softmax(1).double()
    off = (proba - expected.mean(0)).abs()
    assert off.max() < 0.03 and off.mean() < 0.008
    plain = (x @ weights.T).softmax(1)
    assert off.mean() < 0.5 * (plain - expected.mean(0)).abs().mean()


class Head(nn.Module):
    """A linear layer alone, bias last."""

    def __init__(self, weights):
        super().__init__()
        self.last = nn.Linear(2, 3)
        self.last.weight.data, self.last.bias.data = weights[:, :2].float(), weights[:, 2].float()

    def forward(self, features):
        return self.last(features)


def test_training_with_it_tempers_probabilities_and_is_kept(tmp_path):
    cells = units(36, names=("waveform", "isi", "layer"))
    train = partial(fit, model=TINY, train=cells, valid=cells[NONE])
    plain, tempered = train(lightning(), tmp_path / "a"), train(lightning(laplace=True), tmp_path / "b")
    unseen = units(18, names=("waveform", "isi", "layer"), seed=1)
    before, after = plain.predict(unseen), tempered.predict(unseen)
    assert after.max(1).mean() < before.max(1).mean() - 0.005
    assert kept.keep(tempered.predict, tmp_path / "model") == ""
    again = kept.load(tmp_path / "model")
    np.testing.assert_allclose(again(unseen), after, rtol=0, atol=1e-6)
    rows = np.array([4, 2])
    np.testing.assert_allclose(again(unseen[rows]), after[rows], rtol=0, atol=1e-6)


def test_what_has_no_small_linear_layer_at_its_end_is_refused_before_training(tmp_path):
    with pytest.raises(UserError, match="is linear and has at most 4,096 weights and biases; that of Conv1d has 0"):
        last_layer(nn.Conv1d(1, 2, 3))
    assert last_layer(CNN(TRAIN.shapes, 3)).out_features == 3
    large = nn.Linear(4096, 3)
    with pytest.raises(UserError, match="that of Linear has 12,291"):
        last_layer(large)


class Doubled(Head):
    """A network that does something to what its last layer makes."""

    def forward(self, features):
        return 2 * self.last(features)


def test_a_last_layer_that_does_not_make_the_logits_is_refused():
    x, weights = logistic()
    ids = np.arange(len(x)).astype(str)
    cells = Cells({"features": x[:, :2].float().numpy()}, np.arange(len(x)) % 3, ids, ids, ("A", "B", "C"))
    with pytest.raises(UserError, match="that of Doubled does not"):
        with_laplace(Standardised(Doubled(weights), {"features": (0.0, 1.0)}), cells, 16)
