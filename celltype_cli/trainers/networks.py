"""A network between cells and probabilities: its scaling of the inputs, and its use as a predictor."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.trainers.protocol import State, taken

ROWS = 64  # looked at together: the inputs may be larger than the memory


def build(model: Callable[..., Any], cells: Cells) -> nn.Module:
    """Builds the network for the shapes and classes of `cells`.

    Raises:
        UserError: when the model is no network, does not fit the shapes, or lacks its weights or a library.
    """
    try:
        network = model(cells.shapes, len(cells.classes))
    except ValueError as error:
        raise UserError(f"the model does not fit inputs of shape {cells.shapes}: {error}") from error
    except KeyError as error:
        others = ", ".join(dict.fromkeys(model for name in cells.inputs for model in cells.about.of(name).models))
        raise UserError(
            f"the model takes the input {error}, the dataset has {', '.join(cells.inputs)}: choose another model"
            f"{f' ({others})' if others else ''}, or what is prepared (prepare.inputs, where it has that setting)"
        ) from error
    except (OSError, ImportError) as error:
        raise UserError(str(error)) from error
    except TypeError as error:
        raise UserError(f"this model is no network; leave out `trainer=`, its config chooses one ({error})") from error
    if not isinstance(network, nn.Module):
        raise UserError("this model is no network; leave out `trainer=`, its config chooses one")
    return network


def moments(inputs: dict[str, Shaped[np.ndarray, "row ..."]]) -> dict[str, tuple[float, float]]:
    """Returns mean and standard deviation over all values of each input.

    Raises:
        UserError: when an input has one value only, or NaN.
    """
    found = {}
    for name, values in inputs.items():
        mean = float(values.mean(dtype=np.float64))
        if math.isnan(mean):
            raise unmeasured(name, values)
        blocks = (values[start : start + ROWS].astype(np.float64) for start in range(0, len(values), ROWS))
        sd = math.sqrt(sum(float(np.square(block - mean).sum()) for block in blocks) / values.size)
        if not sd > 0:
            raise UserError(f"input {name}: every training value is {mean}; there is nothing to learn from")
        found[name] = (mean, sd)
    return found


def as_tensor(values: Shaped[np.ndarray, "row ..."]) -> Shaped[Tensor, "row ..."]:
    """Returns a tensor over the same memory, which is not to be written to: it may be a file opened for reading."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(values)


def unmeasured(name: str, values: Shaped[np.ndarray, "row ..."]) -> UserError:
    """Returns what to raise where an input holds NaN."""
    rows = int(np.isnan(values.reshape(len(values), -1)).any(axis=1).sum())
    return UserError(
        f"input {name} holds values that were not measured (NaN) in {rows} of {len(values)} rows, and a network takes "
        "none: choose other inputs, or a model that takes them (LightGBM)"
    )


def lstm_in_bf16() -> bool:
    """Says whether PyTorch computes an LSTM in bf16 on this processor; it has none where AVX-512 is missing."""
    try:
        with torch.autocast("cpu", torch.bfloat16):
            nn.LSTM(1, 1)(torch.zeros(1, 1, 1))
    except RuntimeError:
        return False
    return True


def normalises_batches(network: nn.Module) -> bool:
    """Whether a layer is a batch norm, which in training cannot take a single row."""
    return any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in network.modules())


def last_linear(network: nn.Module) -> nn.Linear | None:
    """Returns the last fully connected layer that a network holds, which of most makes the logits; None without one."""
    return next((layer for layer in reversed([*network.modules()]) if isinstance(layer, nn.Linear)), None)


@contextmanager
def given_to(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collects, in this block, what a layer is given each time it is used."""
    found: list[Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, given: found.append(given[0]))
    try:
        yield found
    finally:
        hook.remove()


class Standardised(nn.Module):
    """Z-scores each input with fixed moments before a network; the moments travel with its weights.

    Args:
        network: takes the inputs by name.
        moments: mean and standard deviation of each input over the training rows.
    """

    laplace = False  # whether its last layer is a distribution

    def __init__(self, network: nn.Module, moments: dict[str, tuple[float, float]]) -> None:
        super().__init__()
        self.inner, self.moments = network, moments
        for name, (mean, sd) in moments.items():
            self.register_buffer(f"{name}_mean", torch.tensor(mean))
            self.register_buffer(f"{name}_scale", torch.tensor(1 / sd))

    def forward(self, **inputs: Tensor) -> Float[Tensor, "row class"] | tuple[Float[Tensor, "row class"], ...]:
        """Returns logits, or what else the network returns in training."""
        return self.inner(**self.scaled(inputs))

    def scaled(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the inputs as the inner network gets them."""
        return {
            name: (x - getattr(self, f"{name}_mean")).mul_(getattr(self, f"{name}_scale")).float()
            for name, x in inputs.items()
        }


class NetworkPredictor:
    """Turns cells into probabilities in fp32, a batch of rows at a time, without dropout.

    Args:
        network: a `Standardised`, moved to the device; it gets the inputs that its inner network names.
        accelerator: "cpu", "cuda" or "auto", as in Lightning.
        batch_size: rows at a time; the result of a row does not depend on it.
        made: how the inner network is built again, as `kept.described` says; empty where that is not known.
    """

    def __init__(self, network: nn.Module, *, accelerator: str, batch_size: int, made: Mapping[str, Any] = {}) -> None:
        on_gpu = accelerator != "cpu" and torch.cuda.is_available()
        self.device = torch.device("cuda" if on_gpu else "cpu")
        self.network = network.to(self.device).eval()
        self.batch_size = batch_size
        self.made = {name: made[name] for name in ("model", "shapes", "n_classes") if name in made}

    @torch.inference_mode()
    def __call__(self, cells: Cells) -> Float[np.ndarray, "row class"]:
        proba = np.zeros((len(cells), len(cells.classes)))
        chosen = taken(self.network.inner.forward, cells.inputs)
        for start in range(0, len(cells), self.batch_size):
            rows = slice(start, start + self.batch_size)
            inputs = {name: as_tensor(values[rows]).to(self.device) for name, values in chosen.items()}
            proba[rows] = self.network(**inputs).double().softmax(1).cpu().numpy()
        return proba

    def state(self) -> State:
        own = {"inputs": list(self.network.moments), "moments": self.network.moments, "batch_size": self.batch_size}
        own["laplace"] = self.network.laplace
        return State("network", self.network, self._arrays, {**own, **self.made})

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: values.cpu().numpy() for name, values in self.network.state_dict().items()}
