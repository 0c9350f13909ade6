"""One network over waveform, histograms, 3D autocorrelogram and layer of a sorted unit, whichever of them there are.

Paper: Beau et al. 2025 (Cell, doi 10.1016/j.cell.2025.01.041): the means of the encoders of two variational
autoencoders and the layer are joined: batch norm, 100 units with ReLU, the layer joined again, classes. The paper has
the waveform and the autocorrelogram by firing rate. Plain histograms, which are all that many public files hold of the
spikes, get the encoder of waveforms here, which is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
from annotated_types import Ge, Interval, Len
from jaxtyping import Float
from torch import Tensor, nn

from celltype_cli.models import autoencoders

CODED = ("waveform", "correlogram", "isi", "acg")  # inputs that an autoencoder codes, each its own
TABLE = "layer"  # joined as it is
Size = Annotated[int, Ge(1)]
Dropout = Annotated[float, Interval(ge=0, lt=1)]


class Fusion(nn.Module):
    """Joins the codes of all inputs that there are, and the layer where it is known, and classifies.

    Args:
        shapes: of some of "waveform", "correlogram", "isi" (1, values), "acg" (1, levels, lags) and "layer" (columns,);
            one of the first four at least. Other inputs are not taken.
        n_classes: number of logits.
        latent_dim: numbers that each input is coded in.
        vector_widths, vector_dropout: of the encoders of vectors and, in reverse order, of their decoders.
        image_filters, image_width: of the two convolutions of the encoder of images, and of the block after them.
        image_widths: of the decoder of images.
        image_dropout: of both.
        head_width: units between codes and classes.

    Raises:
        KeyError: when the shapes have none of the inputs that are coded.
        ValueError: when an image is too small.
    """

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        n_classes: int,
        *,
        latent_dim: Size,
        vector_widths: Annotated[Sequence[Size], Len(1)],
        vector_dropout: Dropout,
        image_filters: Annotated[Sequence[Size], Len(2, 2)],
        image_width: Size,
        image_widths: Annotated[Sequence[Size], Len(1)],
        image_dropout: Dropout,
        head_width: Size,
    ) -> None:
        super().__init__()
        coded = [name for name in CODED if name in shapes]
        if not coded:
            raise KeyError(" or ".join(CODED))
        self.encoders, self.decoders = nn.ModuleDict(), nn.ModuleDict()
        for name in coded:
            shape = shapes[name]
            if len(shape) == 3:
                self.encoders[name] = autoencoders.image_encoder(
                    shape, latent_dim, image_filters, image_width, image_dropout
                )
                self.decoders[name] = autoencoders.image_decoder(shape, latent_dim, image_widths, image_dropout)
            else:
                size = int(torch.Size(shape).numel())
                self.encoders[name] = autoencoders.vector_encoder(size, latent_dim, vector_widths, vector_dropout)
                self.decoders[name] = autoencoders.vector_decoder(size, latent_dim, vector_widths, vector_dropout)
        self.columns = shapes[TABLE][0] if TABLE in shapes else 0
        joined = latent_dim * len(coded) + self.columns
        self.head = nn.Sequential(nn.BatchNorm1d(joined), nn.Linear(joined, head_width), nn.ReLU())
        self.last = nn.Linear(head_width + self.columns, n_classes)

    def forward(
        self,
        waveform: Float[Tensor, "row 1 time"] | None = None,
        correlogram: Float[Tensor, "row 1 lag"] | None = None,
        isi: Float[Tensor, "row 1 interval"] | None = None,
        acg: Float[Tensor, "row 1 level log_lag"] | None = None,
        layer: Float[Tensor, "row column"] | None = None,
    ) -> Float[Tensor, "row class"]:
        """Returns logits, of the inputs that the network was built for."""
        given = {"waveform": waveform, "correlogram": correlogram, "isi": isi, "acg": acg}
        codes = [encoder(given[name])[0] for name, encoder in self.encoders.items()]
        table = [layer] if self.columns else []
        return self.last(torch.cat([self.head(torch.cat([*codes, *table], dim=1)), *table], dim=1))

    def autoencoded(self, inputs: Mapping[str, Tensor]) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
        """Returns, of each of the inputs that is coded, what is made of its code, and mean and log variance of it.

        In training the code is drawn from that distribution, else it is the mean. What is made has the shape of the
        input.
        """
        found = {}
        for name, encoder in self.encoders.items():
            if name not in inputs:
                continue
            mean, log_variance = encoder(inputs[name])
            code = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean) if self.training else mean
            found[name] = self.decoders[name](code).reshape(inputs[name].shape), mean, log_variance
        return found
