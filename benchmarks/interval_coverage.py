"""Prints how often 95 % intervals hold the true score in simulated animals, and how wide they are: the jackknife of
`evaluation.intervals` and the bootstrap over animals. Four classes; the true score is that of 20,000 animals.

Likeness is the part of the variance that lies between animals. Designs: alike (20 cells an animal), rare (classes of
55, 25, 15 and 5 %), unequal (2 to 80 cells), repeated (each cell in five splits), one (one class an animal).
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np

from celltype_cli.evaluation import intervals
from celltype_cli.evaluation.scores import HIGHEST, rates, tally

DESIGNS, ANIMALS, LIKENESS = ("alike", "rare", "unequal", "repeated", "one"), (5, 8, 10, 20, 40), (0, 0.1, 0.23, 0.5)
SHARES = {"rare": [0.55, 0.25, 0.15, 0.05]}


def draw(rng: np.random.Generator, design: str, n: int, likeness: float) -> tuple[np.ndarray, np.ndarray]:
    """Draws confusions and losses of n animals, as `tally` has them."""
    sizes = 2 + np.minimum(rng.geometric(0.06, n), 80) if design == "unequal" else np.full(n, 20)
    animal = np.repeat(np.arange(n), sizes)
    label = animal % 4 if design == "one" else rng.choice(4, size=len(animal), p=SHARES.get(design, [0.25] * 4))
    times = 5 if design == "repeated" else 1
    own, animal, label = rng.normal(size=(len(animal), 4)), np.tile(animal, times), np.tile(label, times)
    own = np.tile(own, (times, 1))
    if times > 1:
        own = np.sqrt(0.7) * own + np.sqrt(0.3) * rng.normal(size=own.shape)
    bias, quality = (np.sqrt(likeness / 2) * rng.normal(size=(n, k))[animal] for k in (4, 1))
    z = bias + np.sqrt(1 - likeness) * own + np.eye(4)[label] * (1 + np.sqrt(2) * quality)
    proba = np.exp(1.5 * z)
    return tally(animal, label, proba / proba.sum(axis=1, keepdims=True))


def tried(design: str, n: int, likeness: float, times: int) -> dict[str, np.ndarray]:
    """Returns by score the coverage and mean width of the jackknife, then of the bootstrap; of all classes together."""
    rng = np.random.default_rng(0)
    true = rates(*(part.sum(axis=0)[None] for part in draw(rng, design, 20_000, likeness)))
    found: dict[str, list] = {name: [] for name in true}
    for _ in range(times):
        counts, losses = draw(rng, design, n, likeness)
        whole = rates(counts.sum(axis=0)[None], losses.sum(axis=0)[None])
        left = rates(counts.sum(axis=0) - counts, losses.sum(axis=0) - losses)
        drawn = rates(*intervals.resample(counts, losses, 400, rng))
        holding, effective = intervals.groups_with(counts), intervals.effective_groups(counts.sum(axis=(1, 2)))
        for name in true:
            for at in [(c,) for c in range(4)] if true[name].ndim == 2 else [()]:
                where, top = (..., *at), HIGHEST.get(name, 1.0)
                value = float(whole[name][(0, *at)])
                ends = [intervals.jackknife(value, left[name][where], holding[name][where], effective, top)]
                ends.append(intervals.percentiles(drawn[name][where]))
                aim = true[name][(0, *at)]
                found[name].append([x for a, b in ends for x in (np.nan if a != a else a <= aim <= b, b - a)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no interval: nan
        return {name: np.nanmean(lines, axis=0) for name, lines in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=300, help="data sets for each line")
    parser.add_argument("--designs", nargs="+", default=DESIGNS, choices=DESIGNS)
    parser.add_argument("--animals", nargs="+", type=int, default=ANIMALS)
    chosen = parser.parse_args()
    print("coverage / mean width of the jackknife, then of the bootstrap")
    for design in chosen.designs:
        for n in chosen.animals:
            for likeness in LIKENESS:
                print(f"{design}, {n} animals, likeness {likeness}", flush=True)
                for name, (held, width, old, old_width) in tried(design, n, likeness, chosen.times).items():
                    print(f"  {name:<18} {held:.3f} / {width:.2f}   {old:.3f} / {old_width:.2f}", flush=True)


if __name__ == "__main__":
    main()
