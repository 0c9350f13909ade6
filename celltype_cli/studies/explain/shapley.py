"""Shapley values of estimators on tables: exact for trees, by trying sets of columns for everything else."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from jaxtyping import Float

from celltype_cli.core.messages import UserError
from celltype_cli.trainers.sklearn import probabilities

LOG_ODDS = "log-odds against the mean of the classes"
PROBABILITY = "probability"
BACKGROUND = 20  # rows that stand for an average cell
COALITIONS = 512  # sets of columns that are tried, or 16 a column where that is more
TOLERANCE = 1e-3  # by which sums may miss the prediction


def shapley(
    pipeline: Any, table: Float[np.ndarray, "row column"], background: Float[np.ndarray, "other column"] | None
) -> tuple[Float[np.ndarray, "row class column"], str]:
    """Distributes what a fitted pipeline says of each class over the columns of its table.

    Trees get exact values (TreeSHAP: Lundberg et al. 2020, Nat Mach Intell 2:56), of probabilities for forests and of
    log-odds for boosting; soft votes of trees the weighted mean of their members' values. All else, and trees whose
    values do not sum to their predictions, get values of the probabilities by KernelSHAP (Lundberg and Lee 2017,
    NeurIPS), in which rows of the training cells stand for what is not known: exact up to 9 columns, else sampled.

    Returns:
        values that sum over columns to the difference from an average prediction, classes in the pipeline's order;
        and what they are amounts of. Log-odds sum to 0 over the classes, because a softmax leaves their level open.

    Raises:
        UserError: when such rows are needed and there are none.
    """
    exact = _of_trees(pipeline, table)
    if exact is None and background is None:
        raise UserError("SHAP values of this model need the inputs of training cells, and there are none")
    return exact if exact else (_of_anything(pipeline, table, background), PROBABILITY)


def _of_trees(model: Any, x: Float[np.ndarray, "row column"]) -> tuple[np.ndarray, str] | None:
    if hasattr(model, "steps"):
        for k, (_, step) in enumerate(model.steps[:-1], start=1):
            if picked := _picked(step):
                return _spread(_of_trees(model[k:], x[:, picked]), picked, x.shape[1])
            columns = x.shape[1]
            x = step.transform(x)
            if x.shape[1] != columns:  # columns of its own making have no names
                return None
        return _of_trees(model.steps[-1][1], x)
    if getattr(model, "voting", None) == "soft":
        members = [_of_trees(member, x) for member in model.estimators_]
        if not all(members) or len({quantity for _, quantity in members}) > 1:
            return None
        mean = np.average([values for values, _ in members], axis=0, weights=model.weights)
        return mean, f"{members[0][1]}, averaged over the members"
    return _of_one_tree(model, x)


def _picked(step: Any) -> list[int]:
    """Returns the columns that a step passes on as they are, where it does nothing else, as those of views do."""
    parts = getattr(step, "transformers", [])
    return list(parts[0][2]) if len(parts) == 1 and parts[0][1] == "passthrough" else []


def _spread(found: tuple[np.ndarray, str] | None, columns: list[int], n: int) -> tuple[np.ndarray, str] | None:
    """Puts values of some columns where they are among all; the others tell nothing."""
    if found is None:
        return None
    values = np.zeros((*found[0].shape[:-1], n))
    values[..., columns] = found[0]
    return values, found[1]


def _of_one_tree(model: Any, x: Float[np.ndarray, "row column"]) -> tuple[np.ndarray, str] | None:
    """TreeSHAP of one model, or None where shap does not know it or its values do not sum to the predictions."""
    import shap
    from scipy.special import softmax
    from shap.utils._exceptions import InvalidModelError

    try:
        explainer = shap.TreeExplainer(model)
    except InvalidModelError:
        return None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LightGBM binary classifier with TreeExplainer")  # of a layout it once had
        values = explainer.shap_values(x, check_additivity=False)
    base = np.asarray(explainer.expected_value, dtype=float)
    if values.ndim == 2:  # of two classes, the log-odds of the second
        base = base.ravel()[-1] * np.array([-0.5, 0.5])
        values = np.stack([-values / 2, values / 2], axis=-1)
    total, proba = base + values.sum(axis=1), model.predict_proba(x)
    by_class = np.moveaxis(values, -1, 1)
    if np.abs(total - proba).max(initial=0) < TOLERANCE:
        return by_class, PROBABILITY
    if np.abs(softmax(total, axis=1) - proba).max(initial=0) < TOLERANCE:
        return by_class - by_class.mean(axis=1, keepdims=True), LOG_ODDS
    return None


def _of_anything(
    pipeline: Any, table: Float[np.ndarray, "row column"], background: Float[np.ndarray, "other column"]
) -> Float[np.ndarray, "row class column"]:
    import shap

    chosen = np.linspace(0, len(background) - 1, min(BACKGROUND, len(background))).round().astype(int)
    explainer = shap.KernelExplainer(lambda x: probabilities(pipeline, x), background[chosen])
    coalitions = max(COALITIONS, 16 * table.shape[1])
    with _seeded():
        values = explainer.shap_values(table, nsamples=coalitions, l1_reg=False, silent=True)
    return np.moveaxis(values, -1, 1)


@contextmanager
def _seeded() -> Iterator[None]:
    """Starts numpy's global stream, which KernelExplainer draws from, at 0, and leaves it as it was."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)
