"""The space in which a network tells classes apart: what its last layer is given of each cell, seen from two sides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from omegaconf import DictConfig

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core.files import write_text
from celltype_cli.core.messages import UserError
from celltype_cli.studies.explain.again import made_again
from celltype_cli.trainers.protocol import Predictor


@dataclass(frozen=True)
class Map:
    """Cells on the plane that shows most of how the training cells differ in codes.

    Attributes:
        table: cell_id, side (train or test), label ("" where it has none), predicted, x, y and the codes, a line a row.
        shares: of the variance of the training cells' codes, along x and y.
    """

    table: pd.DataFrame
    shares: tuple[float, float]


def codes(cfg: DictConfig, *, labels: dict[str, str], make: str, fold: int) -> dict[str, Path]:
    """Maps the cells of a fold in the space of its network (`mapped`); returns the files, in `explain/`.

    Raises:
        UserError: as `made_again`, and when the model is no network.
    """
    from celltype_cli.core import plots
    from celltype_cli.studies.explain.draw_codes import draw

    made = made_again(cfg, labels, make, fold)
    train, test = made.cells[made.rows.train], made.cells[made.rows.test]
    found = mapped(made.predict, train, test)
    files = {"codes": made.place("codes.csv")}
    write_text(files["codes"], found.table.to_csv(index=False))
    title = f"{labels['model']} on {test.about.title}, fold {fold} of {len(made.parts.folds)}\n{made.tested(test)}"
    drawn = plots.save(draw(found, made.cells.classes, title), made.place("codes"), cfg.figures)
    files |= {f"picture, {file.suffix[1:]}": file for file in drawn}
    made.log(files.values())
    return files


def mapped(predict: Predictor, train: Cells, test: Cells) -> Map:
    """Projects codes, the inputs of the last fully connected layer, on two principal components of the training cells.

    Raises:
        UserError: when the model is no network, or has no such layer.
    """
    from sklearn.decomposition import PCA

    sides = {"train": train, "test": test}
    found = {name: _codes(predict, cells) for name, cells in sides.items()}
    plane = PCA(2, svd_solver="full").fit(found["train"])
    tables = []
    for name, cells in sides.items():
        classes = np.array([*cells.classes, ""])
        x, y = plane.transform(found[name]).T
        tables.append(
            pd.DataFrame(
                {
                    "cell_id": cells.cell_id.astype(str),
                    "side": name,
                    "label": classes[np.where(cells.label == UNLABELLED, len(cells.classes), cells.label)],
                    "predicted": classes[predict(cells).argmax(axis=1)],
                    "x": x,
                    "y": y,
                    **{f"code_{k}": values for k, values in enumerate(found[name].T, start=1)},
                }
            )
        )
    first, second = plane.explained_variance_ratio_
    return Map(pd.concat(tables, ignore_index=True), (float(first), float(second)))


def _codes(predict: Predictor, cells: Cells) -> Float[np.ndarray, "row code"]:
    state = predict.state()
    if state.kind != "network":
        raise UserError("method=codes shows what a network makes of cells; this model is none (method=auto)")
    from celltype_cli.trainers.networks import given_to, last_linear

    layer = last_linear(state.model)
    if layer is None:
        raise UserError("method=codes: this network has no fully connected layer")
    with given_to(layer) as pieces:
        predict(cells)
    return np.concatenate([piece.cpu().numpy() for piece in pieces]).astype(np.float64)
