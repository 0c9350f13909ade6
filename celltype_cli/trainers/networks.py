"""A network between cells and probabilities: its scaling of the inputs, and its use as a predictor."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from celltype_cli.cells import Cells
from celltype_cli.errors import UserError


def moments(inputs: dict[str, Shaped[np.ndarray, "row ..."]]) -> dict[str, tuple[float, float]]:
    """Returns mean and standard deviation over all values of each input.

    Raises:
        UserError: when an input has one value only.
    """
    found = {}
    for name, values in inputs.items():
        mean, sd = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
        if not sd > 0:
            raise UserError(f"input {name}: every training value is {mean}; there is nothing to learn from")
        found[name] = (mean, sd)
    return found


class Standardised(nn.Module):
    """Z-scores each input with fixed moments before a network; the moments travel with its weights.

    Args:
        network: takes the inputs by name.
        moments: mean and standard deviation of each input over the training rows.
    """

    def __init__(self, network: nn.Module, moments: dict[str, tuple[float, float]]) -> None:
        super().__init__()
        self.inner = network
        for name, (mean, sd) in moments.items():
            self.register_buffer(f"{name}_mean", torch.tensor(mean))
            self.register_buffer(f"{name}_scale", torch.tensor(1 / sd))

    def forward(self, **inputs: Tensor) -> Float[Tensor, "row class"]:
        """Returns logits."""
        scaled = {
            name: (x - getattr(self, f"{name}_mean")).mul_(getattr(self, f"{name}_scale")).float()
            for name, x in inputs.items()
        }
        return self.inner(**scaled)


class NetworkPredictor:
    """Turns cells into probabilities in fp32, a batch of rows at a time, without dropout.

    Args:
        network: returns logits; it is moved to the device.
        accelerator: "cpu", "cuda" or "auto", as in Lightning.
        batch_size: rows at a time; the result of a row does not depend on it.
    """

    def __init__(self, network: nn.Module, *, accelerator: str, batch_size: int) -> None:
        on_gpu = accelerator != "cpu" and torch.cuda.is_available()
        self.device = torch.device("cuda" if on_gpu else "cpu")
        self.network = network.to(self.device).eval()
        self.batch_size = batch_size

    @torch.inference_mode()
    def __call__(self, cells: Cells) -> Float[np.ndarray, "row class"]:
        proba = np.zeros((len(cells), len(cells.classes)))
        for start in range(0, len(cells), self.batch_size):
            rows = slice(start, start + self.batch_size)
            inputs = {name: torch.from_numpy(values[rows]).to(self.device) for name, values in cells.inputs.items()}
            proba[rows] = self.network(**inputs).double().softmax(1).cpu().numpy()
        return proba
