"""Where and on how much `benchmarks/gpu.py` runs: networks, sizes, a device."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from loops import built, noise
from torch import nn

from celltype_cli.cells.cells import Cells
from celltype_cli.models.scalogram_cnn import HEADS
from celltype_cli.trainers.protocol import Trainer

PICTURES = ("model=scalogram_cnn", "model.pretrained=false")
NETWORKS = {
    **{name: (f"model={name}",) for name in ("cnn1d", "rnn", "lstm")},
    **{backbone: (*PICTURES, f"model.backbone={backbone}") for backbone in HEADS},
}


@dataclass(frozen=True)
class Sizes:
    """How much is measured.

    Attributes:
        traces, timesteps: rows, and samples of each.
        pictures, pixels, inception_pixels: rows, and side of each.
        epochs: that count.
        few: rows trained on, and as many others looked at, to compare devices.
        overrides: of `celltype train`, in all networks.
    """

    traces: int = 4096
    timesteps: int = 4000
    pictures: int = 512
    pixels: int = 224
    inception_pixels: int = 299
    epochs: int = 3
    few: int = 64
    overrides: tuple[str, ...] = ()

    def traced(self, rows: int) -> Cells:
        return noise(rows, {"trace": (1, self.timesteps)})

    def cells(self, name: str, rows: int | None = None) -> Cells:
        """Draws what the network takes; as many rows as are measured, or some."""
        if name not in HEADS:
            return self.traced(rows or self.traces)
        side = self.inception_pixels if name == "inception_v3" else self.pixels
        return noise(rows or self.pictures, {"scalogram": (2, side, side)})


SMALL = Sizes(
    traces=32, timesteps=100, pictures=4, pixels=32, inception_pixels=75, epochs=1, few=4,
    overrides=("trainer.batch_size=4",),
)  # fmt: skip


@dataclass(frozen=True)
class Setting:
    """A device, "cuda" or "cpu", and sizes."""

    device: str
    sizes: Sizes

    def made(self, name: str, *overrides: str, device: str = "") -> tuple[Trainer, Callable[..., nn.Module]]:
        """Builds trainer and network on this device, or another; small Inception has no second classifier."""
        small = ("model.auxiliary=false",) if name == "inception_v3" and self.sizes.inception_pixels < 299 else ()
        return built(*NETWORKS[name], f"trainer={device or self.device}", *small, *self.sizes.overrides, *overrides)

    def peak(self) -> Callable[[], float | None]:
        """Returns a function that says the most memory in MiB that tensors on the GPU took since now; None on a CPU."""
        if self.device == "cpu":
            return lambda: None
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        return lambda: (torch.cuda.max_memory_allocated() - before) / 2**20


@contextmanager
def cudnn(name: str, value: bool) -> Iterator[None]:
    """Sets a switch of cuDNN for a while: allow_tf32 or deterministic."""
    before = getattr(torch.backends.cudnn, name)
    setattr(torch.backends.cudnn, name, value)
    try:
        yield
    finally:
        setattr(torch.backends.cudnn, name, before)


def device_facts() -> dict[str, Any]:
    """Returns what is to be known of PyTorch's GPU and of its use of TF32, which rounds fp32 to 10 bits."""
    facts = {
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "tf32 in convolutions and recurrent layers (cuDNN)": torch.backends.cudnn.allow_tf32,
        "tf32 in matrix products (cuBLAS)": torch.backends.cuda.matmul.allow_tf32,
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
    }
    if torch.cuda.is_available():
        found = torch.cuda.get_device_properties(0)
        facts |= {"memory_gib": round(found.total_memory / 2**30, 1), "capability": f"{found.major}.{found.minor}",
                  "gpus": torch.cuda.device_count()}  # fmt: skip
    return facts
