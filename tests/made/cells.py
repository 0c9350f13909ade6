"""Cells with chosen labels and groups and random values: for tests of splits."""

import numpy as np
from hypothesis import assume, settings
from hypothesis import strategies as st

from celltype_cli.cells.about import About
from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core.messages import UserError
from celltype_cli.splits.folds import LeakageError, checked

MODEST = settings(max_examples=60, deadline=None)


def make_cells(label, group, windows=1, seed=0):
    """Cells c0, c1, ... with the given labels and groups, each cut into `windows` rows of random values."""
    label, group = np.repeat(np.array(label, int), windows), np.repeat(np.array(list(group)).astype(str), windows)
    values = np.random.default_rng(seed).normal(size=(len(label), 1, 3)).astype("f4")
    cell_id = np.repeat([f"c{i}" for i in range(len(label) // windows)], windows)
    classes = tuple("ABC"[: max(label.max() + 1, 2)])
    return Cells({"trace": values}, label, cell_id, group, classes, About("toy", simulated=True))


@st.composite
def layouts(draw):
    """Arguments of `make_cells`: 2 or 3 classes, some cells without a label, up to 12 groups that may mix classes."""
    n = draw(st.integers(6, 40))
    label = draw(st.lists(st.integers(UNLABELLED, draw(st.integers(1, 2))), min_size=n, max_size=n))
    assume(max(label) >= 1)
    group = draw(st.lists(st.integers(0, draw(st.integers(1, 11))), min_size=n, max_size=n))
    return label, group, draw(st.integers(1, 2))


def folds_or_reject(cells, split, **settings):
    """What the split gives; layouts that it refuses with a clear error are no examples."""
    try:
        return checked(cells, split(cells, **settings))
    except LeakageError:
        raise
    except UserError:
        assume(False)
