"""Recurrent networks: equal to their cells, written out step by step."""

import math

import pytest
import torch
from torch import nn

from celltype_cli.models.recurrent import Recurrent

STACKS = ["rnn", "lstm", "rnn rnn", "lstm dropout lstm", "rnn dropout", "rnn lstm"]


def test_recurrent_by_hand():
    network = Recurrent({"trace": (1, 7)}, 1, layers=["rnn"], steps=2, hidden=1, dropout=0.0, recurrent_dropout=0.0)
    weights = {"weight_ih_l0": [[0.01, 0.02, 0.04]], "weight_hh_l0": [[0.5]], "bias_ih_l0": [0.0], "bias_hh_l0": [0.0]}
    network.blocks[0].load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    network.head.load_state_dict({"weight": torch.tensor([[3.0]]), "bias": torch.tensor([1.0])})
    first = math.tanh(0.01 * 1 + 0.02 * 2 + 0.04 * 3)
    last = math.tanh(0.01 * 4 + 0.02 * 5 + 0.04 * 6 + 0.5 * first)
    for left_over in (7.0, 700.0):  # two steps of three samples
        trace = torch.tensor([1.0, 2, 3, 4, 5, 6, left_over]).reshape(1, 1, 7)
        assert network(trace).item() == pytest.approx(3 * last + 1, rel=1e-6)
    assert network(-trace).item() == pytest.approx(1)  # rectified


def by_cells(network: Recurrent, trace, mask=1.0):
    """Recurrent layers written out step by step, with the weights of `network`; `mask` multiplies what is handed on."""
    width = trace.shape[-1] // network.steps
    steps = [trace[:, 0, k * width : (k + 1) * width] for k in range(network.steps)]
    for block in network.blocks:
        if isinstance(block, nn.Dropout):
            continue
        kind = nn.RNNCell if isinstance(block, nn.RNN) else nn.LSTMCell
        cell = kind(block.input_size, block.hidden_size).double()
        cell.load_state_dict({name.removesuffix("_l0"): w for name, w in block.state_dict().items()})
        state, outputs = None, []
        for x in steps:
            state = cell(x, state)
            h, c = (state, None) if kind is nn.RNNCell else state
            outputs.append(torch.relu(h))
            state = h * mask if kind is nn.RNNCell else (h * mask, c)
        steps = outputs
    return network.head(steps[-1])


@pytest.mark.parametrize("layers", STACKS)
@pytest.mark.parametrize(("timesteps", "steps"), [(40, 2), (43, 5), (12, 12)])
def test_recurrent_equals_its_cells(layers, timesteps, steps):
    torch.manual_seed(0)
    options = {"layers": layers.split(), "hidden": 6, "dropout": 0.0, "recurrent_dropout": 0.0}
    network = Recurrent({"trace": (1, timesteps)}, 3, steps=steps, **options).double()
    trace = torch.randn(5, 1, timesteps, dtype=torch.float64)
    torch.testing.assert_close(network(trace), by_cells(network, trace), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layer", ["rnn", "lstm"])
def test_recurrent_dropout_is_one_mask_for_all_steps_of_training(layer):
    torch.manual_seed(0)
    options = {"layers": [layer], "hidden": 6, "dropout": 0.0, "recurrent_dropout": 0.5}
    network = Recurrent({"trace": (1, 40)}, 3, steps=5, **options).double()
    trace = torch.randn(4, 1, 40, dtype=torch.float64)
    torch.testing.assert_close(network.eval()(trace), by_cells(network, trace))
    torch.manual_seed(1)
    trained = network.train()(trace)
    torch.manual_seed(1)
    mask = torch.bernoulli(torch.full((1, 4, 6), 0.5))[0].double() / 0.5
    assert 0 < mask.mean() < 2
    torch.testing.assert_close(trained, by_cells(network, trace, mask))
