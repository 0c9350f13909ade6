"""What is done at random to training rows: by hand, and only to what it is for."""

import pytest
import torch

from celltype_cli.core.messages import UserError
from celltype_cli.trainers.augment import CHANGES, augmented, check_changes, noise, stretch


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


def test_noise_is_measured_in_training_values():
    torch.manual_seed(0)
    assert float((noise(rows(), 0.1, 5.0) - rows()).std()) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_nothing(change):
    x = rows(50)
    torch.testing.assert_close(CHANGES[change](x, 0.0, 1.0), x)


def test_only_the_inputs_that_are_named_change():
    given = {"a": rows(3), "b": rows(3)}
    found = augmented(given, {"a": {"noise": 0.5}, "absent": {"noise": 0.5}}, {"a": 1.0, "b": 1.0})
    assert torch.equal(found["b"], rows(3)) and torch.equal(given["a"], rows(3))
    assert not torch.equal(found["a"], rows(3))
    with pytest.raises(UserError, match="augment.a.noisy is no change; nearest: noise"):
        check_changes({"a": {"noisy": 0.1}})
