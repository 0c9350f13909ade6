"""The last layer of a trained network as a distribution of weights: logits count less where training rows say little.

Laplace approximation of the last linear layer (Daxberger et al. 2021, "Laplace Redux", arXiv:2106.14806): a normal
distribution about the trained weights, its precision the Hessian of the cross-entropy over the training rows plus that
of a normal prior. The precision of the prior maximises the marginal likelihood (MacKay 1992, Neural Computation 4:415).
Probabilities are the softmax of logits over sqrt(1 + pi / 8 variance) (MacKay 1992, Neural Computation 4:720). What is
added to all logits alike changes no probability, and the data say nothing of it: logits count here from their mean, and
as their variance half the mean one of their differences from the others, which is the same where they are independent.
Beau et al. 2025 (Cell) use a Kronecker factored Hessian; of a layer of this size the whole one takes milliseconds.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.trainers.networks import Standardised, as_tensor, given_to, last_linear
from celltype_cli.trainers.protocol import taken

LARGEST = 4096  # weights and biases of the last layer, whose Hessian is a square of it
PRIORS = (-10.0, 20.0)  # natural logarithms of the precisions among which the prior's is searched


class Laplace(Standardised):
    """A `Standardised` network whose logits, in use, are divided by what their variance costs.

    Args:
        network, moments: as of `Standardised`.

    Raises:
        UserError: when the network does not end in a linear layer, or in one that is too large.
    """

    laplace = True

    def __init__(self, network: nn.Module, moments: dict[str, tuple[float, float]]) -> None:
        super().__init__(network, moments)
        last = last_layer(network)
        size = last.in_features + 1  # the bias comes last
        self.register_buffer("covariance", torch.zeros(last.out_features, size, size))

    def forward(self, **inputs: Tensor) -> Float[Tensor, "row class"]:
        """Returns logits."""
        logits, features = self.with_features(**inputs)
        variance = torch.einsum("rd,cde,re->rc", features, self.covariance, features)
        return (logits - logits.mean(dim=1, keepdim=True)) / torch.sqrt(1 + math.pi / 8 * variance)

    def with_features(self, **inputs: Tensor) -> tuple[Float[Tensor, "row class"], Float[Tensor, "row feature"]]:
        """Returns logits as trained, and what the last layer makes them of, with 1 for the bias."""
        with given_to(last_linear(self.inner)) as caught:
            logits = super().forward(**inputs)
        return logits, torch.cat([caught[-1], torch.ones_like(caught[-1][:, :1])], dim=1)


def last_layer(network: nn.Module) -> nn.Linear:
    """Returns the linear layer that makes the logits.

    Raises:
        UserError: when there is none, or it is too large.
    """
    last = last_linear(network)
    size = 0 if last is None else (last.in_features + 1) * last.out_features
    if last is None or last.bias is None or size > LARGEST:
        raise UserError(
            f"trainer.laplace=true takes a network whose last layer is linear and has at most {LARGEST:,} weights and "
            f"biases; that of {type(network).__name__} has {size:,}: leave it out"
        )
    return last


@torch.no_grad()
def with_laplace(network: Standardised, cells: Cells, batch_size: int) -> Laplace:
    """Returns a trained network with the distribution of its last layer, from the labelled rows it was trained on."""
    found = Laplace(network.inner, network.moments).eval()
    inputs, parts = taken(network.inner.forward, cells.inputs), []
    device = next(network.parameters()).device
    found.to(device)
    for start in range(0, len(cells), batch_size):
        rows = slice(start, start + batch_size)
        parts.append(found.with_features(**{name: as_tensor(x[rows]).to(device) for name, x in inputs.items()}))
    logits, features = (torch.cat(part).double().cpu() for part in zip(*parts, strict=True))
    last = last_linear(network.inner)
    weights = torch.cat([last.weight, last.bias[:, None]], dim=1).double().cpu()
    if not torch.allclose(features @ weights.T, logits, rtol=1e-3, atol=1e-3):
        raise UserError(
            f"trainer.laplace=true takes networks whose last linear layer makes the logits; that of "
            f"{type(network.inner).__name__} does not: leave it out"
        )
    found.covariance.copy_(covariance(logits, features, weights))
    return found


def covariance(
    logits: Float[Tensor, "row class"], features: Float[Tensor, "row feature"], weights: Float[Tensor, "class feature"]
) -> Float[Tensor, "class feature feature"]:
    """Returns, of the weights of each class, half the mean covariance of their differences from those of the others,
    under the prior that the data make most likely."""
    proba = logits.softmax(dim=1)
    inner = torch.diag_embed(proba) - proba[:, :, None] * proba[:, None, :]
    hessian = torch.einsum("rab,rd,re->adbe", inner, features, features).reshape(weights.numel(), weights.numel())
    values, vectors = np.linalg.eigh(hessian.numpy())
    values = values.clip(min=0)
    whole = (vectors / (values + prior(values, float(weights.square().sum())))) @ vectors.T
    n, size = weights.shape
    whole = torch.from_numpy(whole.reshape(n, size, n, size))
    whole = whole - whole.mean(dim=0, keepdim=True)
    from_mean = (whole - whole.mean(dim=2, keepdim=True)).diagonal(dim1=0, dim2=2).permute(2, 0, 1)
    return (n * from_mean + from_mean.sum(dim=0)) / (2 * (n - 1))


def prior(values: Float[np.ndarray, " weight"], square: float) -> float:
    """Returns the precision of the prior that maximises the marginal likelihood.

    Args:
        values: eigenvalues of the Hessian.
        square: sum of the squared weights.
    """
    from scipy.optimize import minimize_scalar

    def less_likely(log_precision: float) -> float:
        precision = math.exp(log_precision)
        return 0.5 * (precision * square + np.log(values + precision).sum() - len(values) * log_precision)

    return math.exp(minimize_scalar(less_likely, bounds=PRIORS, method="bounded").x)
