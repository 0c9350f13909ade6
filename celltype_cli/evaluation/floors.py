"""What probabilities score that know the frequency of the classes and nothing of a cell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from jaxtyping import Int


def loss_floors(support: Int[np.ndarray, " classes"]) -> dict[str, float]:
    """Returns log loss and Brier score of predicting, for every example, the shares p of the classes among them.

    No probabilities that are alike for all examples score lower on these: the log loss is the entropy -sum p ln p, the
    Brier score 1 - sum p^2 (both scores are proper: Gneiting and Raftery 2007, J Am Stat Assoc 102:359). Shares of
    other examples, such as those that trained, score higher.

    Args:
        support: examples of each class, one at least in all.
    """
    share = support[support > 0] / support.sum()
    return {"log_loss": float(-(share * np.log(share)).sum()), "brier": float(1 - (share**2).sum())}


def nested(cells: pd.DataFrame) -> Iterator[str]:
    """Tells where every group holds one class and folds lack classes: the floor may be above an uninformed score.

    Where few groups hold a class, training has less of what is tested, so that guesses by frequency lean away from it.

    Args:
        cells: predictions, one line per cell, all with a label.
    """
    n, of_fold = cells["label"].nunique(), cells.groupby("fold")["label"].nunique()
    held = cells.drop_duplicates("group")["label"].value_counts()
    if n > 1 and (cells.groupby("group")["label"].nunique() == 1).all() and (lacking := (of_fold < n).sum()):
        mend = (
            f"; split=grouped_kfold split.n_folds={held.min()} can test all of them in each" if held.min() > 1 else ""
        )
        yield (
            f"each group holds one class, and {lacking} of {len(of_fold)} folds do not test every class: there a model "
            f"that learnt nothing may score below the floor, because training has less of what is tested{mend}"
        )
