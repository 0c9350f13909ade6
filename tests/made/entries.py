"""Entries of a dataset of made-up recordings, and the cells that are assembled of them."""

from dataclasses import dataclass

import numpy as np

from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings, assemble

ABOUT = About("made up", notes=("given",), group="donor")


@dataclass(frozen=True)
class Made:
    cell_id: str
    label: str
    group: str
    source: str
    file: str


def entry(cell="a", label="PV", group="d1", source="", file=""):
    return Made(cell, label, group, source, file)


def made_of(*entries, classes=None, about=ABOUT):
    return Recordings(entries, about, classes)


def cells_of(*entries, counts=None, **settings):
    rows = np.arange(float(sum(counts or [1] * len(entries))))[:, None]
    return assemble(made_of(*entries, **settings), entries, {"x": rows}, counts)
