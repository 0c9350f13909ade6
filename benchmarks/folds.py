"""Counts in how many ways animals fall into folds over seeds, and how evenly, beside StratifiedGroupKFold.

Columns, of simulated designs and of any table of counts:
    ways          different partitions over the seeds; which fold is called the first does not matter
    departure     mean and largest, over seeds, of the sum over folds and classes of (share held - share wanted)^2 /
                  share wanted; 0 where every fold holds the same share of every class
    missing       mean number of classes that a fold does not test, over all folds together
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from celltype_cli.splits.groups import deal

RNG = np.random.default_rng(5)


def _mixed(animals: int, mean: float, spread: float, classes: int) -> np.ndarray:
    """Draws cells of each class in each animal, whose sizes are lognormal; every animal may hold every class."""
    size = RNG.lognormal(np.log(mean), spread, (animals, 1))
    counts = RNG.poisson(size * RNG.dirichlet(np.full(classes, 2.0), animals))
    return counts[counts.sum(axis=1) > 0]


def _nested(animals: int, classes: int) -> np.ndarray:
    """Draws animals of unequal size that hold one class each."""
    size = RNG.poisson(RNG.lognormal(3, 0.8, animals)) + 1
    return size[:, None] * np.eye(classes, dtype=int)[np.arange(animals) % classes]


DESIGNS = {
    "12 animals of unequal size, classes mixed": (_mixed(12, 12, 0.8, 3), 5),
    "12 animals of unequal size, one class each": (_nested(12, 3), 4),
    "9 animals of unequal size, one class each": (_nested(9, 3), 3),
    "9 such animals, more folds than animals of a class": (_nested(9, 3), 5),
    "10 animals of like size, classes mixed": (RNG.poisson(10, (10, 4)), 5),
    "40 animals of unequal size, classes mixed": (_mixed(40, 12, 0.8, 4), 5),
    "CASCADE slice3: PV 2 2 4, SST 4 3 6, VIP 2 3 3": (
        np.array([[2, 0, 0], [2, 0, 0], [4, 0, 0], [0, 4, 0], [0, 3, 0], [0, 6, 0], [0, 0, 2], [0, 0, 3], [0, 0, 3]]),
        5,
    ),
}


def partitions(counts: np.ndarray, n_folds: int, n_seeds: int) -> list[np.ndarray]:
    """Returns the fold of each animal under each seed."""
    shares = np.full(n_folds, 1 / n_folds)
    return [deal(counts, shares, np.random.default_rng(seed)) for seed in range(n_seeds)]


def theirs(counts: np.ndarray, n_folds: int, n_seeds: int) -> list[np.ndarray]:
    """Returns the same of StratifiedGroupKFold."""
    group = np.repeat(np.arange(len(counts)), counts.sum(axis=1))
    label = np.concatenate([np.repeat(np.arange(counts.shape[1]), of_group) for of_group in counts])
    found = []
    for seed in range(n_seeds):
        part = np.empty(len(counts), int)
        folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed).split(label, label, group)
        for k, (_, test) in enumerate(folds):
            part[group[test]] = k
        found.append(part)
    return found


def named_alike(part: np.ndarray) -> tuple[int, ...]:
    """Names the folds in the order in which animals meet them."""
    names: dict[int, int] = {}
    return tuple(names.setdefault(int(fold), len(names)) for fold in part)


def held(counts: np.ndarray, part: np.ndarray, n_folds: int) -> np.ndarray:
    """Returns the share of each class that each fold holds [fold, class]."""
    shares = np.zeros((n_folds, counts.shape[1]))
    np.add.at(shares, part, counts / np.maximum(counts.sum(axis=0), 1))
    return shares


def departure(counts: np.ndarray, part: np.ndarray, n_folds: int) -> float:
    return float(((held(counts, part, n_folds) - 1 / n_folds) ** 2 * n_folds).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=400)
    seeds = parser.parse_args().seeds
    print(f"{seeds} seeds; ours | StratifiedGroupKFold of scikit-learn")
    print(f"{'':<52} {'ways':>11} {'departure, mean':>17} {'largest':>15} missing")
    for name, (counts, n_folds) in DESIGNS.items():
        both = [deals(counts, n_folds, seeds) for deals in (partitions, theirs)]
        ways = [len({*map(named_alike, parts)}) for parts in both]
        departures = [np.array([departure(counts, part, n_folds) for part in parts]) for parts in both]
        missing = [np.mean([(held(counts, part, n_folds) == 0).sum() for part in parts]) for parts in both]
        print(
            f"{name:<52} {ways[0]:>4} | {ways[1]:>4} {departures[0].mean():>7.3f} | {departures[1].mean():>7.3f} "
            f"{departures[0].max():>6.3f} | {departures[1].max():>6.3f} {missing[0]:.1f} | {missing[1]:.1f}"
        )


if __name__ == "__main__":
    main()
