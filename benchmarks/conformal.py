"""Tries the promise of prediction sets on simulated cells of animals: how often the true type is in the set.

Columns, each a share of the cells of new animals, all animals weighing the same:
    animals       thresholds as `evaluation.sets` makes them, from probabilities that are drawn
    cells         the same thresholds from the same cells, as if each were an animal of its own
    folds         two classes told apart by linear discriminants: thresholds from the out-of-fold predictions of five
                  folds, new animals predicted by the mean of the five models; one class
    size          mean number of classes in those sets

Likeness is the intraclass correlation: which part of the variance lies between animals. Animals have 1 to 40 cells, and
those with few do worse.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from celltype_cli.evaluation import sets

PROMISE = 0.9
NEW = 40  # animals, on which every data set is judged
FEATURES, APART = 3, 1.2  # and how far apart the classes are, in sd
ANIMALS, LIKENESS = (4, 5, 9, 10, 20, 40), (0.0, 0.3, 0.7)


def scores(rng: np.random.Generator, n_animals: int, likeness: float) -> tuple[np.ndarray, np.ndarray]:
    """Draws the probability that a model gives to the true type of each cell, and the cells' animals."""
    n = np.minimum(rng.geometric(0.12, n_animals), 40)
    animal = np.repeat(np.arange(n_animals), n)
    effect = 0.8 * rng.normal(size=n_animals) + 0.6 * (np.log(n) - 1.6) / 1.05  # of sd 1, larger with more cells
    score = np.sqrt(likeness) * effect[animal] + np.sqrt(1 - likeness) * rng.normal(size=len(animal))
    return stats.norm.cdf(1 + score), animal


def covered(inside: np.ndarray, animal: np.ndarray) -> float:
    return float(sets.covered(inside, animal)[0])


def of_scores(rng: np.random.Generator, n_animals: int, likeness: float) -> tuple[float, float]:
    (own, animal), (new, its_animal) = (scores(rng, n, likeness) for n in (n_animals, NEW))
    by_group = [sets.threshold(own, group, PROMISE) for group in (animal, np.arange(len(own)))]
    return tuple(covered(new >= at, its_animal) for at in by_group)


def cells(rng: np.random.Generator, n_animals: int, likeness: float) -> tuple[np.ndarray, ...]:
    """Draws features and classes of cells, and the cells' animals, which have cells of both classes."""
    animal = np.repeat(np.arange(n_animals), 2 + np.minimum(rng.geometric(0.12, n_animals), 40))
    label = np.concatenate([np.arange(n) % 2 for n in np.bincount(animal)])
    own, shared = rng.normal(size=(len(animal), FEATURES)), rng.normal(size=(n_animals, 2, FEATURES))[animal, label]
    means = np.array([0, APART])[label][:, None]
    return np.sqrt(1 - likeness) * own + np.sqrt(likeness) * shared + means, label, animal


def of_folds(rng: np.random.Generator, n_animals: int, likeness: float) -> tuple[float, float]:
    x, label, animal = cells(rng, n_animals, likeness)
    new, its_label, its_animal = cells(rng, NEW, likeness)
    proba, mean = np.zeros((len(x), 2)), np.zeros((len(new), 2))
    folds = min(5, n_animals)
    for k in range(folds):
        here = animal % folds == k
        model = LinearDiscriminantAnalysis().fit(x[~here], label[~here])
        proba[here] = model.predict_proba(x[here])
        mean += model.predict_proba(new) / folds
    inside = mean >= sets.thresholds(label, proba, animal, PROMISE)
    of_class = [covered(inside[its_label == c, c], its_animal[its_label == c]) for c in (0, 1)]
    return of_class[rng.integers(2)], float(inside.sum(axis=1).mean())


def table(times: int, animals: tuple[int, ...] = ANIMALS) -> dict[tuple[int, float], np.ndarray]:
    """Returns the means of the four columns over `times` simulated data sets, by animals and likeness."""
    rng = np.random.default_rng(0)
    return {
        (n, likeness): np.mean([[*of_scores(rng, n, likeness), *of_folds(rng, n, likeness)] for _ in range(times)], 0)
        for n in animals
        for likeness in LIKENESS
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=500, help="data sets for each line")
    times = parser.parse_args().times
    print(f"{times} simulated data sets a line")
    print(f"{'animals':>8} {'likeness':>9} {'promise':>8} {'animals':>9} {'cells':>7} {'folds':>7} {'size':>6}")
    for (n, likeness), found in table(times).items():
        shown = [f"{value:.3f}" for value in found]
        promise = sets.promise_of(n, PROMISE)
        print(f"{n:>8} {likeness:>9.1f} {promise:>8.3f} {shown[0]:>9} {shown[1]:>7} {shown[2]:>7} {shown[3]:>6}")


if __name__ == "__main__":
    main()
