"""Are there more odd cells in a recording than in training recordings?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Shaped

from celltype_cli.bundles.departures import AS_ANIMALS, FEW, telling, variances
from celltype_cli.bundles.made import NOTED, Doubt, said_p, weight_of

# How alike cells of an animal are in being odd: 0.01 and 0.09 in the units of Beau et al. 2025 and of CellExplorer.
USUAL_ALIKE = 0.05
MANY = 0.3, 0.05  # of the cells are to be read with care at such a p, since few training cells are never surer


def many_odd(
    old: Bool[np.ndarray, " cell"], group: Shaped[np.ndarray, " cell"], new: Bool[np.ndarray, " new"], said: str
) -> Iterator[Doubt]:
    """Yields a doubt about a recording of five cells or more of which too many are odd.

    Args:
        old, group: whether each training cell is, as one that was not known, and its animal.
        said: what odd cells do: "are unlike ...".
    """
    if len(new) < FEW or not len(old):
        return
    p = too_many(old, group, new)
    if weight := max(weight_of(p), NOTED * int(new.mean() >= MANY[0] and p < MANY[1])):
        usual = f"of held-out training cells {100 * old.mean():.0f} % ({said_p(p)})"
        yield Doubt(f"{new.sum()} of {len(new)} cells {said}, {usual}", weight)


def too_many(
    old: Bool[np.ndarray, " cell"], group: Shaped[np.ndarray, " cell"], new: Bool[np.ndarray, " new"]
) -> float:
    """Returns the p value of so many odd cells in a new recording, or more.

    Odd cells come together, in some recordings and not in others: their number is beta-binomial (Skellam 1948, J R Stat
    Soc B 10:257), with the share of odd training cells and their likeness within animals, of which something is known
    beforehand, as in `departures`. That few training cells do not know the share well counts as more likeness.
    """
    from scipy.stats import betabinom

    tell = telling(group)
    share = (old.sum() + 0.5) / (len(old) + 1)
    alike = AS_ANIMALS * USUAL_ALIKE
    if tell and old.any():
        between, within = variances(old[:, None].astype(float), group, least=0.0)
        alike += tell * float(between[0] / (between[0] + within[0]))
    alike = alike / (AS_ANIMALS + tell) + 1 / (len(old) + 2)
    return float(betabinom.sf(new.sum() - 1, len(new), *(np.array([share, 1 - share]) * (1 / alike - 1))))
