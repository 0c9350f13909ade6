"""What an ensemble looked at in one cell: the mean over its models, of the type that they call together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from celltype_cli.cells.cells import Cells
from celltype_cli.studies.explain.attributions import attributions
from celltype_cli.studies.explain.saved import Explanation, Part, summary
from celltype_cli.trainers.protocol import Predictor

USUAL = {"network": "integrated_gradients", "estimator": "shap"}


def explain_cell(models: Sequence[Predictor], cells: Cells, target: int, *, background: Cells | None) -> Explanation:
    """Attributes what models say of one type to the inputs of one cell.

    Args:
        cells: its rows. Of tables the mean over all of them is taken, of traces and pictures the first.
        target: index of the type.
        background: training cells, for models whose SHAP values need them.

    Returns:
        an explanation of a single row; amounts are means over the models.

    Raises:
        UserError: when captum or shap is missing, or training cells are needed and there are none.
    """
    found = [
        attributions(model, cells, USUAL[model.state().kind], background=background, target=target) for model in models
    ]
    parts = {}
    for name, part in found[0].parts.items():
        amounts = np.mean([one.parts[name].attribution for one in found], axis=0)
        parts[name] = _one_row(part, amounts)
    notes = [note for one in found for note in one.notes]
    if len(cells) > 1:
        notes.append(f"the cell has {len(cells)} rows: of traces and pictures the first is shown, of tables the mean")
    first = found[0]
    one = {name: getattr(first, name)[:1] for name in ("cell_id", "label", "predicted")}
    quantity = first.quantity.replace("the largest logit", f"the logit of {cells.classes[target]}")
    return replace(first, **one, quantity=quantity, parts=parts, notes=tuple(dict.fromkeys(notes)))


def _one_row(part: Part, amounts: np.ndarray) -> Part:
    """Returns the first row of a trace or picture, and the mean row of a table."""
    if not part.columns:
        return replace(part, values=part.values[:1], attribution=amounts[:1])
    values, amounts = (pd.DataFrame(of).mean().to_numpy(np.float32)[None] for of in (part.values, amounts))
    return replace(part, values=values, attribution=amounts, by_class=None)


def numbers(explanation: Explanation) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yields each part as a small table: columns, those that count most first; samples of traces; of pictures where
    on the axes they count."""
    for name, part in explanation.parts.items():
        if part.columns:
            table = pd.DataFrame({"column": part.columns, "value": part.values[0], "amount": part.attribution[0]})
            yield name, table.sort_values("amount", key=np.abs, ascending=False, ignore_index=True)
        elif len(part.axes) == 1:
            (axis,), values, amounts = part.axes, part.channels("values")[0], part.channels("attribution")[0]
            at = np.linspace(axis.first, axis.last, values.shape[-1])
            channels = [
                pd.DataFrame({"channel": part.name_of(k), axis.label: at, "value": v, "amount": amount})
                for k, (v, amount) in enumerate(zip(values, amounts))
            ]
            yield name, pd.concat(channels, ignore_index=True)
        else:
            yield name, summary(explanation, part)
