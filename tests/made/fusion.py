"""A tiny network of sorted units, and units for it."""

from functools import partial

import numpy as np
import torch

from celltype_cli.cells.about import About, Input
from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.models.fusion import Fusion

SHAPES = {"waveform": (1, 30), "correlogram": (1, 20), "isi": (1, 20), "acg": (1, 10, 40), "layer": (4,)}
TINY = partial(Fusion, latent_dim=2, vector_widths=[12, 8], vector_dropout=0.1, image_filters=[2, 3], image_width=8,
               image_widths=[8, 12], image_dropout=0.2, head_width=10)  # fmt: skip
PLAIN = TINY.keywords


def inputs(names, rows, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return {name: torch.randn(rows, *SHAPES[name], generator=draw) for name in names}


def units(rows=36, unlabelled=0, names=("waveform", "isi"), seed=0):
    """Units of three classes, a bump at a place of its own each; those without a label come last."""
    draw = np.random.default_rng(seed)
    n = rows + unlabelled
    label = np.arange(n) % 3
    made = {}
    for name in names:
        x = np.linspace(0, 1, SHAPES[name][-1])
        bump = np.exp(-(((x - 0.25 * (label[:, None] + 1)) / 0.1) ** 2)) + 0.1 * draw.standard_normal((n, len(x)))
        made[name] = np.broadcast_to(bump.reshape(n, *[1] * (len(SHAPES[name]) - 1), -1), (n, *SHAPES[name]))
        made[name] = np.ascontiguousarray(made[name], dtype=np.float32)
    ids = np.array([f"u{k}" for k in range(n)])
    group = np.array([f"r{k // 6}" for k in range(n)])
    about = About("made", inputs={"layer": Input(columns=("a", "b", "c", "d"))} if "layer" in names else {})
    label = np.where(np.arange(n) < rows, label, UNLABELLED)
    counted = {name: values for name, values in made.items() if name not in ("waveform", "layer")}
    return Cells(made, label, ids, group, ("A", "B", "C"), about, altered=partial(altered, counted, ids.tolist()))


def altered(inputs, ids, cell_id, *, number, lost, added, jitter):
    """Copies that say which they are: the first is 1 more everywhere, the second 2 more."""
    row = ids.index(cell_id)
    return {name: np.stack([values[row] + k for k in range(1, number + 1)]) for name, values in inputs.items()}
