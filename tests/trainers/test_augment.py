"""What is done at random to training rows: by hand, and only to what it is for."""

import numpy as np
import pytest
import torch

from celltype_cli.core.messages import UserError
from celltype_cli.trainers.augment import CHANGES, added, augmented, check_changes, flat, lost, noise, stretch


def rows(n=2000):
    return torch.arange(1.0, 7.0).repeat(n, 1, 1)  # mean 3.5


def test_a_share_of_the_rows_is_stretched_about_the_peak():
    torch.manual_seed(0)
    x = torch.zeros(4000, 1, 61)
    x[:, 0, 20:41] = -(1 - (torch.arange(20, 41) - 30).abs() / 10)  # a triangle from 20 to 40, -1 at 30
    y = stretch(x, 0.6, 1.0)
    same = (y == x).all(dim=2)[:, 0]
    assert float(same.float().mean()) == pytest.approx(0.7, abs=0.04)
    assert torch.equal(y[:, 0].argmin(1), torch.full((4000,), 30)) and torch.equal(y[:, 0, 30], x[:, 0, 30])
    width = 2 * y.abs().sum(dim=2)[~same[:, None]] / 2  # of a triangle: its area is half its width
    assert 10 / 1.65 < width.min() < 6.6 and 15.5 < width.max() < 16.5
    assert float(torch.log(width / 10).mean()) == pytest.approx(0, abs=0.03)


def test_spikes_lost_and_added():
    torch.manual_seed(0)
    x = rows()
    ratio = lost(x, 0.2, 1.0) / x
    assert 0.8 <= ratio.min() < 0.81 and 0.99 < ratio.max() <= 1
    assert torch.allclose(ratio, ratio[:, :, :1])  # one share a row
    more = added(x, 0.1, 1.0) - x
    assert 0 <= more.min() < 0.01 and 0.34 < more.max() <= 0.35
    torch.testing.assert_close(more, more[:, :, :1].expand_as(more), rtol=0, atol=1e-5)


def test_a_flat_share_keeps_the_sum():
    torch.manual_seed(0)
    x = rows()
    y = flat(x, 0.5, 1.0)
    torch.testing.assert_close(y.sum(2), x.sum(2))
    torch.testing.assert_close((y[:, 0, 5] - 3.5) / 2.5, (y[:, 0, 0] - 3.5) / -2.5)
    assert 0.5 <= ((y - 3.5) / (x - 3.5)).min() < 0.51


def test_added_spikes_flatten_a_correlogram_as_said():
    """A share of 10 % foreign spikes, simulated: a histogram of lags is drawn to its mean by (2f + f^2) / (1 + f)^2."""
    rng = np.random.default_rng(0)
    train = np.cumsum(rng.gamma(20, 1 / 20, 400_000))  # regular, about 1 a second, so that the correlogram has waves
    foreign = rng.uniform(0, train[-1], len(train) // 10)
    edges = np.linspace(0.05, 10.05, 51)

    def histogram(spikes):
        spikes = np.sort(spikes)
        found = sum(np.histogram(spikes[k:] - spikes[:-k], edges)[0] for k in range(1, 25))
        return found / found.sum()

    clean, dirty = histogram(train), histogram(np.concatenate([train, foreign]))
    share = np.polyfit(clean - clean.mean(), dirty - dirty.mean(), 1)[0]
    assert 1 - share == pytest.approx((0.2 + 0.01) / 1.21, abs=0.01)


def test_noise_is_measured_in_training_values():
    torch.manual_seed(0)
    assert float((noise(rows(), 0.1, 5.0) - rows()).std()) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_nothing(change):
    x = rows(50)
    torch.testing.assert_close(CHANGES[change](x, 0.0, 1.0), x)


def test_only_the_inputs_that_are_named_change():
    given = {"a": rows(3), "b": rows(3)}
    found = augmented(given, {"a": {"lost": 0.5}, "absent": {"flat": 0.5}}, {"a": 1.0, "b": 1.0})
    assert torch.equal(found["b"], rows(3)) and torch.equal(given["a"], rows(3))
    assert not torch.equal(found["a"], rows(3))
    with pytest.raises(UserError, match="augment.a.losst is no change; nearest: lost"):
        check_changes({"a": {"losst": 0.1}})
