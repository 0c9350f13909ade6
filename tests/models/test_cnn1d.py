"""The 1D-CNN: equal to the plain network it stands for, its pooling and dropout too."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from celltype_cli.models.cnn1d import ByteDropout, CNN1d, MaxPoolTime

SIZES = {"width_first": 3, "width": 5, "kernel_size": 4, "pool_size": 2, "dropout": 0.0}
PAPER = [  # Troullinou et al., Table 1
    "conv", "conv conv", "conv conv pool conv", "conv conv pool conv conv", "conv conv pool conv dropout",
    "conv conv pool conv dropout conv", "conv conv dropout conv conv", "conv conv conv",
]  # fmt: skip
ODD = ["pool", "pool conv", "dropout pool conv", "conv dropout pool", "conv pool pool conv", "dropout"]


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
