"""Says how much each value of the inputs counted for a prediction, by whatever means the predictor allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float32

from celltype_cli.cells.about import Axis
from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.studies.explain.saved import Explanation, Part
from celltype_cli.trainers.protocol import Predictor, State, taken

if TYPE_CHECKING:
    from torch import nn

ROWS = 16  # at a time; gradients need several times the memory of a prediction
STEPS = 64  # of the path from baseline to input
INCOMPLETE = 0.05  # share of the logits' differences that integrated gradients may miss without a note


def attributions(
    predict: Predictor, cells: Cells, method: str, *, background: Cells | None, target: int | None = None
) -> Explanation:
    """Attributes the output for a class to the inputs; the name of the model is left to the caller.

    Args:
        predict: a network's or an estimator's predictor.
        cells: to explain.
        method: "saliency", "integrated_gradients", "shap", or "auto" for what suits the predictor.
        background: training cells, which stand for an average cell where the method needs one; None where none are
            at hand.
        target: the class; None for what is predicted of each row.

    Raises:
        UserError: when the method does not go with the predictor, or its library is missing.
    """
    state = predict.state()
    networks = {"saliency": _saliency, "integrated_gradients": _integrated_gradients}
    methods = {"network": networks, "estimator": {"shap": _shap_values}}[state.kind]  # the usual one first
    method = next(iter(methods)) if method == "auto" else method
    if method not in methods:
        can = " or ".join(methods)
        raise UserError(f"method={method} does not go with this model; it can be explained by {can} (method=auto)")
    try:
        found = methods[method](state, cells, background, target)
    except ImportError as error:
        raise UserError(f"captum or shap is missing ({error}): pip install 'celltype[explain]'") from error
    about = {"title": cells.about.title, "model": "", "method": method, "classes": cells.classes}
    return Explanation(**about, cell_id=cells.cell_id.astype(str), label=cells.label, **found)


def _saliency(state: State, cells: Cells, _: Cells | None, target: int | None) -> dict[str, Any]:
    """Takes the absolute gradient of the largest logit with respect to the z-scored inputs (Simonyan et al. 2013,
    arXiv:1312.6034), as the scalogram paper does (Amprimo et al. 2025, Fig. 5)."""
    from captum.attr import Saliency

    def of_batch(forward, inputs, target):
        return Saliency(forward).attribute(inputs, target=target), ()

    predicted, parts, _ = _by_gradients(state.model, cells, of_batch, target)
    quantity = "|gradient| of the largest logit, per sd of the input"
    return {"quantity": quantity, "predicted": predicted, "parts": parts}


def _integrated_gradients(state: State, cells: Cells, _: Cells | None, target: int | None) -> dict[str, Any]:
    """Integrates gradients from the training mean, 0 after z-scoring, to each input (Sundararajan et al. 2017,
    arXiv:1703.01365), so that the attributions of a row sum to the difference of its largest logit from the mean's."""
    from captum.attr import IntegratedGradients

    def of_batch(forward, inputs, target):
        given = {"target": target, "n_steps": STEPS, "internal_batch_size": ROWS, "return_convergence_delta": True}
        values, missed = IntegratedGradients(forward).attribute(inputs, **given)
        total = sum(v.flatten(1).sum(1) for v in values) - missed
        return values, (missed.abs().sum(), total.abs().sum())

    predicted, parts, sums = _by_gradients(state.model, cells, of_batch, target)
    missed, total = np.sum(sums, axis=0)
    notes = ()
    if missed > INCOMPLETE * total:
        notes = (f"integrated gradients of {STEPS} steps miss {missed / total:.0%} of the logits: take them as rough",)
    quantity = "contribution to the largest logit"
    return {"quantity": quantity, "predicted": predicted, "parts": parts, "notes": notes}


def _shap_values(state: State, cells: Cells, background: Cells | None, target: int | None) -> dict[str, Any]:
    """Distributes each class's output over the columns by Shapley values (Lundberg and Lee 2017, NeurIPS)."""
    from celltype_cli.studies.explain.shapley import shapley
    from celltype_cli.trainers.sklearn import probabilities

    names, table = state.table(cells)
    others = None if background is None else state.table(background)[1]
    trained, quantity = shapley(state.model, table, others)
    known = state.model.classes_
    by_class = np.zeros((len(cells), len(cells.classes), table.shape[1]), np.float32)
    by_class[:, known] = trained
    predicted = known[probabilities(state.model, table).argmax(axis=1)]
    predicted = predicted if target is None else np.full_like(predicted, target)
    chosen = by_class[np.arange(len(cells)), predicted]
    part = Part(table.astype(np.float32), chosen, columns=tuple(names), by_class=by_class)
    return {"quantity": f"SHAP value ({quantity})", "predicted": predicted, "parts": {"table": part}}


def _by_gradients(network: nn.Module, cells: Cells, of_batch: Callable, chosen: int | None) -> tuple:
    """Runs a method of captum over small batches; returns the classes that are explained (predicted, unless one was
    chosen), parts and what else each batch gave."""
    import torch

    from celltype_cli.trainers.networks import as_tensor

    device = next(values.device for values in (*network.buffers(), *network.parameters()))
    given = {name: np.asarray(v, np.float32) for name, v in taken(network.inner.forward, cells.inputs).items()}
    predicted, sums, pieces = [], [], {name: [] for name in given}

    def forward(*scaled: torch.Tensor) -> torch.Tensor:
        return network.inner(**dict(zip(given, scaled)))

    for start in range(0, len(cells), ROWS):
        batch = {name: as_tensor(v[start : start + ROWS]).to(device) for name, v in given.items()}
        scaled = tuple(v.detach().requires_grad_() for v in network.scaled(batch).values())
        # A recurrent network on a GPU has gradients in evaluation mode only without cuDNN.
        with torch.backends.cudnn.flags(enabled=False):
            target = forward(*scaled).argmax(1)
            target = target if chosen is None else target.new_full(target.shape, chosen)
            values, extra = of_batch(forward, scaled, target)
        predicted.append(target.cpu().numpy())
        sums.append([float(e.detach()) for e in extra])
        for name, piece in zip(given, values):
            pieces[name].append(piece.detach().float().cpu().numpy())
    parts = {name: _part(name, given[name], np.concatenate(pieces[name]), cells) for name in given}
    return np.concatenate(predicted), parts, sums


def _part(
    name: str, values: Float32[np.ndarray, "row ..."], attribution: Float32[np.ndarray, "row ..."], cells: Cells
) -> Part:
    about = cells.about.of(name)
    if values.ndim == 2:
        columns = about.columns or tuple(f"{name} {k}" for k in range(1, values.shape[1] + 1))
        return Part(values, attribution, columns=columns)
    axes = about.axes or tuple(Axis("pixel", "", 0.0, n - 1.0) for n in values.shape[2:])
    return Part(values, attribution, axes=axes, unit=about.unit, channel_names=about.channels)
