"""1D convolutional network for raw traces.

Paper: Troullinou et al., "Artificial Neural Networks in Action for an Automated Cell-Type Classification of Biological
Neural Networks", IEEE TETCI, preprint arXiv:1911.09977, sections 3.3 and 4.2, Table 1. The best of its eight
variants is conv, conv, pool, conv, dropout. The text gives 62 filters for the later layers in one place and 64 in
another (64 is used); it states no dropout rate (0.5 is used).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from annotated_types import Ge, Interval
from jaxtyping import Float
from torch import Tensor, nn


class CNN1d(nn.Module):
    """Convolves a trace with a list of layers and classifies with one fully connected layer.

    The convolutions run as 1 x `kernel_size` images with the channels last in memory, which is the same arithmetic
    and faster on a CPU, as are the pool and the dropout below (`python benchmarks/training.py` measures it).

    Args:
        shapes: {"trace": (1, timesteps)}.
        n_classes: number of logits.
        layers: from "conv", "pool" and "dropout", in order.
        width_first: filters of the first convolution.
        width: filters of all later convolutions.
        kernel_size: time samples of each convolution, stride 1, no padding.
        pool_size: time samples of each max pool, which is also its stride.
        dropout: probability of each "dropout" layer.

    Raises:
        ValueError: for an unknown layer, a size below 1, or a trace that is too short for the layers.
    """

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        n_classes: int,
        *,
        layers: Sequence[str],
        width_first: Annotated[int, Ge(1)],
        width: Annotated[int, Ge(1)],
        kernel_size: Annotated[int, Ge(1)],
        pool_size: Annotated[int, Ge(1)],
        dropout: Annotated[float, Interval(ge=0, lt=1)],
    ) -> None:
        super().__init__()
        for name, size in {"width_first": width_first, "width": width, "kernel_size": kernel_size}.items():
            if size < 1:
                raise ValueError(f"model.{name}: {size} is less than 1")
        channels, length = shapes["trace"]
        layers, timesteps, blocks = list(layers), length, []
        for position, layer in enumerate(layers):
            if layer == "conv":
                filters = width if "conv" in layers[:position] else width_first
                blocks.append(nn.Conv2d(channels, filters, (1, kernel_size)))
                channels, length = filters, length - kernel_size + 1
                # max(relu(x)) = relu(max(x)): after a pool there is less left to rectify.
                if layers[position + 1 : position + 2] != ["pool"]:
                    blocks.append(nn.ReLU(inplace=True))
            elif layer == "pool":
                blocks.append(MaxPoolTime(pool_size))
                length //= pool_size
                if layers[max(0, position - 1) : position] == ["conv"]:
                    blocks.append(nn.ReLU(inplace=True))
            elif layer == "dropout":
                blocks.append(ByteDropout(dropout))
            else:
                raise ValueError(f"model.layers: {layer!r} is none of conv, pool, dropout")
            if length < 1:
                raise ValueError(f"model.layers: a trace of {timesteps} samples is too short for {layers}")
        self.blocks = nn.Sequential(*blocks).to(memory_format=torch.channels_last)
        self.head = nn.Linear(channels * length, n_classes)

    def forward(self, trace: Float[Tensor, "row 1 time"]) -> Float[Tensor, "row class"]:
        """Returns logits."""
        features = self.blocks(trace.unsqueeze(2))
        return self.head(features.permute(0, 3, 2, 1).flatten(1))  # time, then channel: as it lies in memory


class MaxPoolTime(nn.Module):
    """Takes the maximum of each `size` consecutive time samples, dropping an incomplete last piece.

    Equal to `nn.MaxPool1d(size)`, from strided views: on a CPU the backward pass is several times faster than
    PyTorch's own with channels last.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        if not 1 <= size <= 256:  # one byte remembers where the maximum was
            raise ValueError(f"model.pool_size: {size} is not between 1 and 256")
        self.size = size

    def forward(self, x: Float[Tensor, "row channel 1 time"]) -> Float[Tensor, "row channel 1 pooled"]:
        return _MaxPoolTime.apply(x, self.size) if self.size > 1 else x


class _MaxPoolTime(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, size: int) -> Tensor:
        end = x.shape[-1] // size * size
        pooled = x[..., 0:end:size]
        winner = torch.zeros_like(pooled, dtype=torch.uint8)
        for offset in range(1, size):
            candidate = x[..., offset:end:size]
            better = (candidate > pooled).view(torch.uint8)
            winner = torch.maximum(winner, better * offset)  # a later winner has a larger offset
            pooled = torch.maximum(pooled, candidate)
        ctx.save_for_backward(winner)
        ctx.size, ctx.shape, ctx.strides = size, x.shape, x.stride()
        return pooled

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        (winner,) = ctx.saved_tensors
        end = winner.shape[-1] * ctx.size
        grad_x = torch.empty_strided(ctx.shape, ctx.strides, dtype=grad.dtype, device=grad.device)
        grad_x[..., end:] = 0
        for offset in range(ctx.size):
            torch.mul(grad, winner == offset, out=grad_x[..., offset : end : ctx.size])
        return grad_x, None


class ByteDropout(nn.Module):
    """Drops each value with a probability given in steps of 1/256 and rescales the rest by what is kept.

    One random byte a value instead of one Bernoulli draw: on a CPU PyTorch's own dropout takes a fifth of a training
    step of this network.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.kept = round((1 - p) * 256)  # of 256 equally likely bytes
        if not 1 <= self.kept <= 256:
            raise ValueError(f"model.dropout: {p} is not between 0 and 255/256")

    def forward(self, x: Float[Tensor, "row channel 1 time"]) -> Float[Tensor, "row channel 1 time"]:
        if not self.training or self.kept == 256:
            return x
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device).random_(-(2**63), None)
        last = x.permute(0, 2, 3, 1)  # channels last, as x lies in memory
        keep = words.view(torch.uint8)[: x.numel()].reshape(last.shape).permute(0, 3, 1, 2) < self.kept
        return x * (keep.to(x.dtype) * (256 / self.kept))
