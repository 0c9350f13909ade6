"""Tables of predictions, certain ones and random ones: for tests of scores."""

import numpy as np
import pandas as pd

from celltype_cli.cells.cells import Cells
from celltype_cli.evaluation import predictions


def table_of(label, predicted, classes="AB", group=None, fold=0, cell_id=None):
    """Predictions that are certain, one cell a line unless told."""
    n = len(label)
    proba = np.array([[float(name == guess) for name in classes] for guess in predicted])
    columns = {
        "fold": fold,
        "row": np.arange(n),
        "cell_id": [f"c{i}" for i in range(n)] if cell_id is None else cell_id,
        "group": [f"g{i}" for i in range(n)] if group is None else list(group),
        "label": list(label),
        "predicted": list(predicted),
    }
    return pd.DataFrame({**columns, **{f"p_{name}": proba[:, c] for c, name in enumerate(classes)}})


def random_table(seed, n=200, classes="ABC", n_groups=12):
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.ones(len(classes)), size=n)
    label = rng.integers(len(classes), size=n)
    group = np.array([f"g{g}" for g in rng.integers(n_groups, size=n)])
    cells = Cells({"x": rng.normal(size=(n, 2))}, label, np.array([f"c{i}" for i in range(n)]), group, tuple(classes))
    fold = rng.integers(3, size=n)
    parts = [
        predictions.predictions_table(cells[rows], proba[rows], fold=k, rows=rows)
        for k in range(3)
        for rows in [np.flatnonzero(fold == k)]
    ]
    return pd.concat(parts, ignore_index=True)
