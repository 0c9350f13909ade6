"""Class weights: as they are computed, in the loss of a step, and in what a network then predicts."""

from unittest.mock import Mock

import numpy as np
import pytest
import torch
from made.training import STILL, VALID, fit, lightning, make_cells
from torch import nn

from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.trainers.tasks import Supervised, balanced


class OneWeight(nn.Module):
    """Logits (w, 0) of every row."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(()))

    def forward(self, trace):
        return torch.stack([self.w.expand(len(trace)), torch.zeros(len(trace))], dim=1)


def test_balanced_weights_are_rows_over_classes_times_rows_of_the_class():
    label = np.array([0, 0, 0, 2, UNLABELLED])
    assert balanced(label, 4).tolist() == pytest.approx([4 / (2 * 3), 0, 4 / (2 * 1), 0])
    assert balanced(np.array([0, 1, 1, 0]), 2).tolist() == [1, 1]


def test_the_loss_of_a_row_counts_by_the_weight_of_its_class():
    network, weights = OneWeight(), torch.tensor([2.0, 0.5])
    task = Supervised(network, lr=0.1, betas=(0.9, 0.99), lr_decay=0.0, period=1, auxiliary_weight=0.0,
                      precision="fp32", class_weights=weights)  # fmt: skip
    task.trainer = Mock(world_size=1)
    task.optimizers = lambda use_pl_optimizer: torch.optim.SGD(network.parameters(), lr=1.0)
    trace, label = torch.ones(2, 1, 1), torch.tensor([0, 1])
    # Logits of both rows are (w, 0) with w = 0: p = 1/2. The mean counts 2.0 and 0.5 of 2.5; d loss / d w is p - 1 of
    # the first and p of the second: (2.0 * -0.5 + 0.5 * 0.5) / 2.5 = -0.3.
    assert task.validation_step([({"trace": trace}, label)], 0)["loss"].item() == pytest.approx(2.5 * np.log(2))
    task.training_step([({"trace": trace}, label)], 0)
    assert network.w.item() == pytest.approx(0.3)
    assert "class_weights" not in task.state_dict()  # so that checkpoints without them are read


def test_balanced_classes_are_predicted_where_one_is_rare(tmp_path):
    label = np.where(np.arange(60) % 10 == 0, 1, 0)
    trace = np.random.default_rng(0).standard_normal((60, 1, 60)) + 0.3 * label[:, None, None]
    rare = make_cells(trace, label)
    plain, weighted = (
        fit(lightning(class_weights=value), tmp_path / str(value), STILL, rare, VALID).predict(rare)[:, 1].mean()
        for value in (None, "balanced")
    )
    assert weighted > plain + 0.1
