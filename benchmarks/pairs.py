"""Tries the paired tests of `evaluation/comparison.py` and `evaluation/paired.py` on simulated answers of classifiers.

Nothing is trained. A model answers a cell rightly where a sum of normal variables is large: how easy the cell is, how
well the model suits the cell, how well it suits the animal (the animal-by-model interaction), and noise of each
training. Random splits test a fifth of the cells; rates are of p < 0.05, after Holm where there are several pairs.

    equal models      how often any of the pairs is told apart: by the corrected t as it stands, and by `compare`
    repeats           two equal models trained three times on each split: trainings taken as splits, and by `compare`
    interaction       two models, equal over all animals that there are: ten random splits, and over the animals at hand
    intervals         how often the interval of a difference, over the animals at hand, holds that of all animals
"""

from __future__ import annotations

import argparse
from itertools import combinations

import numpy as np
from scipy.stats import norm

from celltype_cli.evaluation.comparison import FEWEST, corrected_t, holm
from celltype_cli.evaluation.paired import _difference, _jackknife, _swapped

LEVEL, SHARE = 0.05, 0.25  # of p; test cells to training cells
EQUAL = ((8, 2), (4, 2), (8, 3), (8, 5), (8, 10))  # models, splits
REPEATS = ((5, 3), (10, 3))  # splits, trainings on each
DESIGNS = tuple((n, cells, shift, 0.4) for shift in (0.0, 0.2, 0.4) for n, cells in ((10, 150), (10, 500), (5, 150)))
HELD = tuple((n, cells, even) for n, cells in ((5, 150), (10, 150), (20, 400)) for even in (True, False))
EASE, SUITS, NOISE = 0.7, 0.6, 0.25  # sd of how easy a cell is, how a model suits it, and of each training
MIDDLE = 0.6  # about seven of ten answers are right


def accuracies(
    rng: np.random.Generator, suits: np.ndarray, n_splits: int, repeats: int = 1
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Draws splits, each tested `repeats` times; returns the accuracy [model, training] and the test cells of each."""
    n_models, n = suits.shape
    tested = [test for test in rng.permuted(np.tile(np.arange(n), (n_splits, 1)), axis=1)[:, : n // 5]]
    tested = [test for test in tested for _ in range(repeats)]
    right = np.stack([suits[:, test] + NOISE * rng.normal(size=(n_models, len(test))) > -MIDDLE for test in tested], 1)
    return right.mean(axis=2), tested


def equal(rng: np.random.Generator, n_models: int, n_splits: int) -> tuple[bool, bool]:
    """Says whether any pair of equal models is told apart: by the t test as it stands, and as `compare` has it."""
    suits = EASE * rng.normal(size=600) + SUITS * rng.normal(size=(n_models, 600))
    score, _ = accuracies(rng, suits, n_splits)
    d = [score[a] - score[b] for a, b in combinations(range(n_models), 2)]
    return bool((holm(np.array([plain(x) for x in d])) < LEVEL).any()), told_apart(score)


def plain(difference: np.ndarray) -> float:
    """Returns p of the corrected t, 0 where the differences do not vary and are not 0."""
    return 0.0 if np.ptp(difference) < 1e-12 < abs(difference.mean()) else corrected_t(difference, SHARE)[1]


def told_apart(score: np.ndarray) -> bool:
    """Says whether any pair of models is told apart over these splits, as `compare` does it, without its tables."""
    if score.shape[1] < FEWEST:
        return False
    p = [corrected_t(score[a] - score[b], SHARE)[1] for a, b in combinations(range(len(score)), 2)]
    return bool((holm(np.array(p)) < LEVEL).any())


def repeated(rng: np.random.Generator, n_splits: int, times: int) -> tuple[bool, bool]:
    """Says whether two equal models are told apart with every training a split, and as `compare` has it."""
    suits = EASE * rng.normal(size=600) + SUITS * rng.normal(size=(2, 600))
    score, _ = accuracies(rng, suits, n_splits, times)
    return corrected_t(score[0] - score[1], SHARE)[1] < LEVEL, told_apart(
        score.reshape(2, n_splits, times).mean(axis=2)
    )


def interacting(
    rng: np.random.Generator, n_animals: int, n_cells: int, shift: float, better: float
) -> tuple[bool, bool]:
    """Says whether two models, `better` apart, are told apart over ten random splits, and over the animals."""
    animal = rng.choice(n_animals, n_cells, p=rng.dirichlet(np.full(n_animals, 5.0)))
    of_animal = shift * rng.normal(size=(2, n_animals))[:, animal]
    suits = EASE * rng.normal(size=n_cells) + SUITS * rng.normal(size=(2, n_cells)) + of_animal
    suits[0] += better
    score, _ = accuracies(rng, suits, 10)
    right = suits + NOISE * rng.normal(size=suits.shape) > -MIDDLE
    counts = counted(animal, np.arange(n_cells) % 2, right)
    p, _ = _swapped(counts, float(_difference(counts.sum(axis=1)[:, None], "accuracy")[0]), "accuracy", rng)
    return told_apart(score), p < LEVEL


def counted(animal: np.ndarray, label: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Counts [model, animal, true class, predicted class] of two classes, without animals that have no cell."""
    counts = np.zeros((2, animal.max() + 1, 2, 2))
    for model in (0, 1):
        np.add.at(counts[model], (animal, label, np.where(right[model], label, 1 - label)), 1)
    return counts[:, counts[0].sum(axis=(1, 2)) > 0]


def held(
    rng: np.random.Generator, n: int, cells: int, even: bool, one_class: bool, shift: float, better: float, score: str
) -> tuple[float, float]:
    """Says whether the interval holds the difference of all animals (nan: there is none), and how wide it is.

    Args:
        even: animals have as many cells each; else those of a Dirichlet distribution.
        one_class: animals hold one of two classes; else both.
    """
    animal = np.arange(cells) % n if even else rng.choice(n, cells, p=rng.dirichlet(np.full(n, 5.0)))
    of_animal = shift * rng.normal(size=(2, n))[:, animal]
    suits = EASE * rng.normal(size=cells) + SUITS * rng.normal(size=(2, cells)) + of_animal
    right = suits + [[better], [0]] + NOISE * rng.normal(size=suits.shape) > -MIDDLE
    counts = counted(animal, (animal if one_class else np.arange(cells) // n) % 2, right)
    low, high = _jackknife(counts, float(_difference(counts.sum(axis=1)[:, None], score)[0]), score)
    sd = np.sqrt(EASE**2 + SUITS**2 + NOISE**2 + shift**2)
    true = norm.cdf((MIDDLE + better) / sd) - norm.cdf(MIDDLE / sd)
    return (np.nan, np.nan) if np.isnan(low) else (float(low <= true <= high), high - low)


def rate(draw, *settings, times: int, seed: int = 0) -> np.ndarray:
    """Returns how often each of the two tests tells apart, or the means of what else is drawn, where there is any."""
    rng = np.random.default_rng(seed)
    return np.nanmean([draw(rng, *settings) for _ in range(times)], axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=2000, help="data sets for each line")
    times = parser.parse_args().times
    print(f"{times} simulated data sets a line; standard error of 0.05: {np.sqrt(0.05 * 0.95 / times):.3f}\n")
    print("equal models, 120 test cells: any pair told apart\nmodels  splits  t as it stands  compare")
    for n_models, n_splits in EQUAL:
        t, ours = rate(equal, n_models, n_splits, times=times)
        print(f"{n_models:>6}  {n_splits:>6}  {t:>14.3f}  {ours:>7.3f}", flush=True)
    print("\ntwo equal models, several trainings on each split\nsplits  trainings  as splits  compare")
    for n_splits, n in REPEATS:
        naive, ours = rate(repeated, n_splits, n, times=times)
        print(f"{n_splits:>6}  {n_splits * n:>9}  {naive:>9.3f}  {ours:>7.3f}", flush=True)
    print("\ntwo models on animals: false positives of equal ones, and power where one is better")
    print("animals  cells  interaction  false: splits  animals  power: splits  animals")
    for n_animals, n_cells, shift, better in DESIGNS:
        false, power = (rate(interacting, n_animals, n_cells, shift, b, times=times) for b in (0.0, better))
        shown = f"{false[0]:>13.3f}  {false[1]:>7.3f}  {power[0]:>13.3f}  {power[1]:>7.3f}"
        print(f"{n_animals:>7}  {n_cells:>5}  {shift:>11.1f}  {shown}", flush=True)
    print("\nintervals of a difference: how often they hold the true one, and mean width")
    print("animals  cells  each  classes of an animal  score              equal, interaction 0  0.4     better by 0.4")
    for n, cells, even in HELD:
        for one_class, score in ((False, "accuracy"), (False, "balanced_accuracy"), (True, "balanced_accuracy")):
            found = [
                rate(held, n, cells, even, one_class, *of, score, times=times) for of in ((0, 0), (0.4, 0), (0.4, 0.4))
            ]
            shown = "  ".join(f"{share:.3f} / {width:.2f}" for share, width in found)
            print(
                f"{n:>7}  {cells:>5}  {'even' if even else 'not '}  {1 if one_class else 2:>20}  {score:<17}  {shown}",
                flush=True,
            )


if __name__ == "__main__":
    main()
