"""Variational autoencoders of vectors and of images: each input becomes a few numbers, and is made of them again.

Paper: Beau et al. 2025, "A deep learning strategy to identify cell types across species from high-density extracellular
recordings" (Cell, doi 10.1016/j.cell.2025.01.041). A waveform of 90 samples: fully connected, 90-600-300-(10, 10),
GELU, dropout 0.1, the decoder its mirror. A 3D autocorrelogram of 10 x 101: convolutions, each with an average pool,
ReLU and batch norm, then 368-200-(10, 10), dropout 0.2; its decoder is fully connected, 10-250-500-1010. Variational
autoencoders: Kingma and Welling 2014 (arXiv:1312.6114).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

KERNELS = ((1, 10), (5, 1))  # of the two convolutions
POOLS = ((2, 2), (1, 2))  # after each


class Encoder(nn.Module):
    """Gives, of each row, mean and logarithm of the variance of a normal distribution of its latent numbers.

    Args:
        body: makes [row, width] of an input.
        width: what it makes.
        latent_dim: latent numbers.
    """

    def __init__(self, body: nn.Module, width: int, latent_dim: int) -> None:
        super().__init__()
        self.body, self.heads = body, nn.Linear(width, 2 * latent_dim)

    def forward(self, x: Float[Tensor, "row ..."]) -> tuple[Float[Tensor, "row latent"], Float[Tensor, "row latent"]]:
        """Returns means and logarithms of variances."""
        mean, log_variance = self.heads(self.body(x)).chunk(2, dim=1)
        return mean, log_variance


def vector_encoder(size: int, latent_dim: int, widths: Sequence[int], dropout: float) -> Encoder:
    """Makes the encoder of vectors of `size` values: fully connected blocks of `widths`, GELU and dropout in each."""
    return Encoder(nn.Sequential(nn.Flatten(), *_blocks([size, *widths], nn.GELU, dropout)), widths[-1], latent_dim)


def vector_decoder(size: int, latent_dim: int, widths: Sequence[int], dropout: float) -> nn.Sequential:
    """Makes the mirror of `vector_encoder`."""
    back = [*reversed(widths)]
    return nn.Sequential(*_blocks([latent_dim, *back], nn.GELU, dropout), nn.Linear(back[-1], size))


def image_encoder(shape: Sequence[int], latent_dim: int, filters: Sequence[int], width: int, dropout: float) -> Encoder:
    """Makes the encoder of images [channel, row, column]: convolutions of two `filters`, a fully connected block.

    Raises:
        ValueError: when an image is too small for the convolutions and pools.
    """
    channels, *size = shape
    body = []
    for out, kernel, pool in zip(filters, KERNELS, POOLS, strict=True):
        size = [(n - k + 1) // p for n, k, p in zip(size, kernel, pool, strict=True)]
        if min(size) < 1:
            raise ValueError(f"an image of {tuple(shape)} is too small for this network's convolutions and pools")
        body += [nn.Conv2d(channels, out, kernel), nn.AvgPool2d(pool), nn.ReLU(), nn.BatchNorm2d(out)]
        channels = out
    body += [nn.Flatten(), *_blocks([channels * size[0] * size[1], width], nn.ReLU, dropout)]
    return Encoder(nn.Sequential(*body), width, latent_dim)


def image_decoder(shape: Sequence[int], latent_dim: int, widths: Sequence[int], dropout: float) -> nn.Sequential:
    """Makes the decoder of images, fully connected; it gives the values of an image as a vector."""
    size = int(torch.Size(shape).numel())
    return nn.Sequential(*_blocks([latent_dim, *widths], nn.ReLU, dropout), nn.Linear(widths[-1], size))


def _blocks(widths: Sequence[int], activation: type[nn.Module], dropout: float) -> list[nn.Module]:
    pairs = zip(widths[:-1], widths[1:], strict=True)
    return [layer for a, b in pairs for layer in (nn.Linear(a, b), activation(), nn.Dropout(dropout))]
