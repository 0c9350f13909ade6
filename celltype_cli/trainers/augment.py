"""Changes that make further training examples of one: of a mini-batch, at random, anew each time it is seen.

What happens to a recording before it is measured, such as spikes lost, its kind makes (`Cells.altered`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from celltype_cli.core.messages import UserError, nearest

STRETCHED = 0.3  # of the rows; as published


def augmented(
    inputs: Mapping[str, Tensor], changes: Mapping[str, Mapping[str, float]], sd: Mapping[str, float]
) -> dict[str, Tensor]:
    """Returns inputs, changed as `changes` says by the name of an input: what is done in CHANGES, and how much.

    Args:
        inputs: [row, ...] each, as they come from the cells.
        sd: of all training values of each input, in which noise is measured.
    """
    found = dict(inputs)
    for name, of_input in changes.items():
        for change, amount in of_input.items() if name in inputs else ():
            found[name] = CHANGES[change](found[name], amount, sd[name])
    return found


def check_changes(changes: Mapping[str, Mapping[str, float]]) -> None:
    """Raises a UserError for a change that is none."""
    for name, of_input in changes.items():
        for change in of_input:
            if change not in CHANGES:
                raise UserError(f"augment.{name}.{change} is no change{nearest(change, CHANGES)}; known: "
                                f"{', '.join(CHANGES)}")  # fmt: skip


def stretch(x: Float[Tensor, "row ..."], most: float, _: float) -> Float[Tensor, "row ..."]:
    """Stretches or shrinks a share of the rows in time by a factor of up to 1 + most, about their largest value."""
    last = x.shape[-1]
    flat = x.reshape(len(x), -1, last)
    peak = flat.abs().amax(dim=1).argmax(dim=1, keepdim=True)
    factor = torch.exp((2 * torch.rand(len(x), 1, device=x.device) - 1) * math.log1p(most))
    factor = torch.where(torch.rand(len(x), 1, device=x.device) < STRETCHED, factor, torch.ones_like(factor))
    at = (peak + (torch.arange(last, device=x.device) - peak) / factor).clamp(0, last - 1)
    left = at.floor().long().clamp(max=max(0, last - 2))
    right = (left + 1).clamp(max=last - 1)
    weight = (at - left)[:, None].to(x.dtype)
    low, high = (flat.gather(2, index[:, None].expand_as(flat)) for index in (left, right))
    return (low + weight * (high - low)).reshape(x.shape)


def noise(x: Float[Tensor, "row ..."], amount: float, sd: float) -> Float[Tensor, "row ..."]:
    """Adds Gaussian noise of `amount` standard deviations of the training values."""
    return x + amount * sd * torch.randn_like(x)


CHANGES: dict[str, Callable[[Tensor, float, float], Tensor]] = {
    function.__name__: function for function in (stretch, noise)
}
