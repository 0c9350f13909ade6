"""A folder of simulated current-clamp files, a cell in each, with a table of labels beside it."""

import numpy as np

from celltype_cli.patch_clamp.recording import CLASSES
from celltype_cli.patch_clamp.simulator.protocol import Cell, record

SETTINGS = {"donor_share": 0.15, "step_pA": 10.0, "sampling_rate": 20_000.0, "noise_mV": 0.05}


def write(folder, labels, per_class=4):
    """Writes cell_0.npz ..., as many of each class, the same number of animals, and the table `labels` of them."""
    folder.mkdir()
    cells = [Cell(label, number, number) for label in range(len(CLASSES)) for number in range(per_class)]
    lines = ["file,label,group"]
    for k, (cell, recorded) in enumerate(zip(cells, record(cells, seed=0, **SETTINGS))):
        sweeps = {name: np.stack([getattr(s, name) for s in recorded.sweeps]) for name in ("voltage", "current")}
        np.savez(folder / f"cell_{k}.npz", **sweeps, sampling_rate=SETTINGS["sampling_rate"])
        lines.append(f"cell_{k}.npz,{CLASSES[cell.label]},mouse_{cell.donor}")
    labels.write_text("\n".join(lines) + "\n")
