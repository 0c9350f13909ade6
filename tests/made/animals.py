"""Traces of animals that differ a little, and of their cells, of no kind of recording."""

import numpy as np

from celltype_cli.cells.about import About, Input
from celltype_cli.cells.cells import Cells


def cells_of(animals, each=4, seed=0, change=lambda trace: trace, rows=2, spread=0.1):
    """Smoothed noise with a level and an amplitude of its own for each animal, and of each cell."""
    rng = np.random.default_rng(seed)
    n = animals * each
    of_animal = np.repeat(rng.normal(0, 0.1, (animals, 2)), each, axis=0)
    of_animal = of_animal + rng.normal(0, spread, (n, 2))
    noise = rng.standard_normal((n * rows, 1, 300))
    smooth = sum(np.roll(noise, k, axis=2) for k in range(5))
    level, amplitude = np.repeat(of_animal, rows, axis=0)[:, :, None, None].transpose(1, 0, 2, 3)
    trace = change(0.2 + level + smooth * np.exp(amplitude) * 0.1)
    ids = np.repeat([f"s{seed}c{k}" for k in range(n)], rows)
    group = np.repeat([f"s{seed}m{k // each}" for k in range(n)], rows)
    about = About("toy", inputs={"trace": Input("dF/F", 30.0)})
    return Cells({"trace": trace.astype("f4")}, np.zeros(n * rows, int), ids, group, ("A", "B"), about)
