"""Networks: equal to the plain ones they stand for, sized as worked out by hand, able to learn, each cell alone."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from made.configs import compose
from torch import nn

from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs
from celltype_cli.models.cnn1d import ByteDropout, CNN1d, MaxPoolTime
from celltype_cli.models.recurrent import Recurrent

SIZES = {"width_first": 3, "width": 5, "kernel_size": 4, "pool_size": 2, "dropout": 0.0}
PAPER = [  # Troullinou et al., Table 1
    "conv", "conv conv", "conv conv pool conv", "conv conv pool conv conv", "conv conv pool conv dropout",
    "conv conv pool conv dropout conv", "conv conv dropout conv conv", "conv conv conv",
]  # fmt: skip
ODD = ["pool", "pool conv", "dropout pool conv", "conv dropout pool", "conv pool pool conv", "dropout"]
STACKS = ["rnn", "lstm", "rnn rnn", "lstm dropout lstm", "rnn dropout", "rnn lstm"]


def plain_cnn1d(ours: CNN1d, layers: list[str], pool_size: int) -> nn.Sequential:
    """The network as the paper describes it, channels first, with the weights of ours."""
    blocks, channels, convolutions = [], 1, [b for b in ours.blocks if isinstance(b, nn.Conv2d)]
    for layer in layers:
        if layer == "conv":
            theirs = convolutions.pop(0)
            conv = nn.Conv1d(theirs.in_channels, theirs.out_channels, theirs.kernel_size[1]).to(theirs.weight.dtype)
            conv.weight.data, conv.bias.data = theirs.weight.data[:, :, 0].clone(), theirs.bias.data.clone()
            blocks += [conv, nn.ReLU()]
            channels = conv.out_channels
        elif layer == "pool":
            blocks.append(nn.MaxPool1d(pool_size))
    head = nn.Linear(ours.head.in_features, ours.head.out_features).to(ours.head.weight.dtype)
    head.weight.data, head.bias.data = time_first_to_channel_first(ours.head.weight.data, channels), ours.head.bias.data
    return nn.Sequential(*blocks, nn.Flatten(), head)


def time_first_to_channel_first(weight, channels):
    return weight.reshape(len(weight), -1, channels).transpose(1, 2).reshape(len(weight), -1).clone()


@pytest.mark.parametrize("layers", PAPER + ODD)
@pytest.mark.parametrize(
    ("timesteps", "pool_size", "dtype"),
    [(40, 2, torch.float64), (47, 3, torch.float64), (41, 2, torch.float32), (40, 1, torch.float32)],
)
def test_cnn1d_equals_the_plain_network(layers, timesteps, pool_size, dtype):
    torch.manual_seed(0)
    layers = layers.split()
    ours = CNN1d({"trace": (1, timesteps)}, 4, layers=layers, **{**SIZES, "pool_size": pool_size}).to(dtype)
    plain = plain_cnn1d(ours, layers, pool_size)
    trace, weight = torch.randn(6, 1, timesteps, dtype=dtype), torch.randn(6, 4, dtype=dtype)
    close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-5 if dtype is torch.float32 else 1e-12)

    logits, expected = ours(trace), plain(trace)
    close(logits, expected)
    (logits * weight).sum().backward()
    (expected * weight).sum().backward()
    convolutions = [b for b in ours.blocks if isinstance(b, nn.Conv2d)]
    for conv, other in zip(convolutions, [b for b in plain if isinstance(b, nn.Conv1d)], strict=True):
        close(conv.weight.grad[:, :, 0], other.weight.grad)
        close(conv.bias.grad, other.bias.grad)
    channels = convolutions[-1].out_channels if convolutions else 1
    close(time_first_to_channel_first(ours.head.weight.grad, channels), plain[-1].weight.grad)
    close(ours.head.bias.grad, plain[-1].bias.grad)


def test_the_first_convolution_is_the_first_in_the_list():
    network = CNN1d({"trace": (1, 30)}, 2, layers=["dropout", "conv", "conv", "conv"], **{**SIZES, "width_first": 1})
    assert [b.out_channels for b in network.blocks if isinstance(b, nn.Conv2d)] == [1, 5, 5]


def test_max_pool_by_hand():
    x = torch.tensor([1.0, 3, 2, 2, -5, -4, 9]).reshape(1, 1, 1, 7).requires_grad_()
    pooled = MaxPoolTime(2)(x)
    assert pooled.flatten().tolist() == [3, 2, -4]  # the seventh sample has no partner
    (pooled * torch.tensor([10.0, 20, 30])).sum().backward()
    assert x.grad.flatten().tolist() == [0, 10, 20, 0, 0, 30, 0]  # the first of equals


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("length", [6, 7, 11])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_max_pool_equals_pytorchs(size, length, layout):
    torch.manual_seed(0)
    x = torch.randint(-2, 3, (4, 5, 1, length)).float().to(memory_format=layout).requires_grad_()  # many equal values
    other = x.detach().clone().requires_grad_()
    pooled, expected = MaxPoolTime(size)(x), nn.MaxPool2d((1, size))(other)
    assert torch.equal(pooled, expected)
    weight = torch.randn_like(expected)
    (pooled * weight).sum().backward()
    (expected * weight).sum().backward()
    assert torch.equal(x.grad, other.grad)


@pytest.mark.parametrize(("p", "kept"), [(0.5, 128), (0.25, 192), (0.1, 230)])  # 0.9 * 256 = 230.4
def test_byte_dropout_keeps_the_promised_fraction(p, kept):
    torch.manual_seed(0)
    x = torch.rand(7, 5, 1, 2001) + 1  # no multiple of eight values
    y = ByteDropout(p).train()(x)
    torch.testing.assert_close(y[y != 0], (x * 256 / kept)[y != 0])  # so that the mean is kept
    share = kept / 256
    bytes_of_a_word = (y != 0).permute(0, 2, 3, 1).flatten()[: y.numel() // 8 * 8].reshape(-1, 8).double()
    spread = 5 * math.sqrt(share * (1 - share) / len(bytes_of_a_word))
    assert (bytes_of_a_word.mean(0) - share).abs().max() < spread
    neighbours = (bytes_of_a_word[:, 1:] * bytes_of_a_word[:, :-1]).mean(0)  # independent: both kept with share ** 2
    assert (neighbours - share**2).abs().max() < spread


def test_byte_dropout_does_nothing_in_use_or_at_probability_zero():
    x = torch.randn(3, 4, 1, 50)
    assert torch.equal(ByteDropout(0.5).eval()(x), x)
    assert torch.equal(ByteDropout(0.0).train()(x), x)


def test_byte_dropout_passes_gradients_of_kept_values_only():
    x = torch.randn(2, 3, 1, 40, requires_grad=True)
    y = ByteDropout(0.5).train()(x)
    y.sum().backward()
    assert torch.equal(x.grad, 2.0 * (y != 0))


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


CNN = partial(CNN1d, {"trace": (1, 20)}, 2)
RNN = partial(Recurrent, {"trace": (1, 20)}, 2, hidden=4)
CHOICES = {"steps": 2, "dropout": 0.5, "recurrent_dropout": 0.0}


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (lambda: CNN(layers=["conv", "cnov"], **SIZES), "model.layers: 'cnov'"),
        (lambda: CNN(layers=["conv"] * 7, **SIZES), "model.layers: a trace of 20 samples is too short"),
        (lambda: CNN(layers=["pool"] * 5, **SIZES), "model.layers: a trace of 20 samples is too short"),
        (lambda: CNN(layers=["dropout"], **{**SIZES, "dropout": 1.0}), "model.dropout: 1.0"),
        (lambda: CNN(layers=["dropout"], **{**SIZES, "dropout": -0.1}), "model.dropout: -0.1"),
        (lambda: CNN(layers=["conv"], **{**SIZES, "kernel_size": 0}), "model.kernel_size: 0"),
        (lambda: CNN(layers=["pool"], **{**SIZES, "pool_size": 0}), "model.pool_size: 0"),
        (lambda: CNN(layers=["pool"], **{**SIZES, "pool_size": 257}), "model.pool_size: 257"),
        (lambda: CNN(layers=["conv"], **{**SIZES, "width_first": 0}), "model.width_first: 0"),
        (lambda: RNN(layers=["gru"], **CHOICES), "model.layers: 'gru'"),
        (lambda: RNN(layers=["rnn"], **{**CHOICES, "steps": 21}), "model.steps: 21 steps"),
        (lambda: RNN(layers=["rnn"], **{**CHOICES, "steps": 0}), "model.steps: 0 steps"),
        (lambda: RNN(layers=["rnn"], **{**CHOICES, "dropout": 1.0}), "model.dropout: 1.0"),
        (lambda: RNN(layers=["rnn"], **{**CHOICES, "recurrent_dropout": 1.5}), "model.recurrent_dropout: 1.5"),
    ],
)
def test_what_cannot_be_built_is_said_by_the_name_of_the_setting(network, said):
    with pytest.raises(ValueError, match="model") as error:
        network()
    assert str(error.value).startswith(said)


NETWORKS = [
    file.stem
    for file in sorted((configs.folder() / "model").glob("*.yaml"))
    if file.stem not in ("scalogram_cnn", "fusion")  # which take no traces
    and compose("train", f"model={file.stem}").trainer["_target_"].endswith("LightningTrainer")
]


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        # 32 x 10 + 32; 64 x 32 x 10 + 64; 64 x 64 x 10 + 64; 4 x 64 x 1982 + 4,
        # where 4000 samples become 3991, 3982, 1991 and 1982
        ("cnn1d", 352 + 20_544 + 41_024 + 507_396),
        # 100 x 2000 + 100 x 100 + two biases of 100; 4 x 100 + 4
        ("rnn", 210_200 + 404),
        # four gates of 100 x 2000 + 100 x 100 + 200, then four of 100 x 100 + 100 x 100 + 200; 4 x 100 + 4
        ("lstm", 840_800 + 80_800 + 404),
    ],
)
def test_the_papers_best_networks_have_the_size_worked_out_by_hand(model, parameters):
    with torch.device("meta"):
        network = configs.build(compose("train", f"model={model}").model)({"trace": (1, 4000)}, 4)
    assert sum(p.numel() for p in network.parameters()) == parameters


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_overfit_eight_cells_and_see_each_cell_alone(name, tmp_path):
    cfg = compose("train", f"model={name}")
    cfg.trainer.update(epochs=40, batch_size=4)
    draw = np.random.default_rng(0)
    ids = np.arange(8).astype(str)
    trace = draw.standard_normal((8, 1, 120), dtype=np.float32)
    cells = Cells({"trace": trace}, np.arange(8) % 4, ids, ids, ("PY", "PV", "SOM", "VIP"))
    trainer, model = configs.build(cfg.trainer), configs.build(cfg.model)
    fitted = trainer.fit(model, cells, cells[np.arange(0)], seed=0, folder=tmp_path, watch=None)
    proba = fitted.predict(cells)
    assert (proba.argmax(1) == cells.label).all()
    assert fitted.history[-1]["train_loss"] < 0.5 * math.log(4) < fitted.history[0]["train_loss"]
    for rows in ([3], [7, 3], [3, 0, 1, 2, 6]):
        np.testing.assert_allclose(fitted.predict(cells[np.array(rows)]), proba[rows], rtol=0, atol=1e-6)
