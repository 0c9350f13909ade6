"""Prints how often 95 % intervals hold the true score in simulated animals, and which of these figures lie outside 0.93
to 0.97: of the jackknife of `evaluation.intervals`, or, with --bootstrap, of percentiles of resampled animals. Four
classes; the true score is that of 20,000 animals.

Likeness is the part of the variance that lies between animals. Designs: alike (20 cells an animal), rare (classes of
55, 25, 15 and 5 %), unequal (2 to 80 cells), repeated (each cell in five splits), one (one class an animal, the same
number of animals of each class in every data set). Classes that are alike by design make one figure together.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

from celltype_cli.evaluation import intervals
from celltype_cli.evaluation.rates import PER_CLASS, rates, tally
from celltype_cli.evaluation.scores import limits

DESIGNS, ANIMALS, LIKENESS = ("alike", "rare", "unequal", "repeated", "one"), (5, 8, 10, 20, 40), (0, 0.1, 0.23, 0.5)
SHARES = {"rare": [0.55, 0.25, 0.15, 0.05]}
WANTED = (0.93, 0.97)
MANY = 20_000  # animals that tell the true score
FEW, CELLS = 5, 4  # animals of a class, and its cells in each, of which fewer hardly tell how much they vary


@dataclass(frozen=True)
class Figure:
    """How often intervals of a score held the true one.

    Attributes:
        classes: those that are alike by design; empty for a score of all together.
        held: share of the data sets with an interval, n of them; nan without any.
        width: their mean width.
        holding: animals that hold such a class, on average.
    """

    design: str
    animals: int
    likeness: float
    score: str
    classes: tuple[int, ...]
    held: float
    n: int
    width: float
    holding: float

    @property
    def name(self) -> str:
        only = f" of {SHARES[self.design][self.classes[0]]:.0%}" if self.classes and self.design in SHARES else ""
        some = f" of {self.holding:.0f} animals" if self.classes and self.design == "one" else ""
        return f"{self.score}{only}{some}"

    @property
    def cells(self) -> float:
        """Cells of such a class in each animal."""
        return 20 * SHARES[self.design][self.classes[0]] if self.classes and self.design in SHARES else 20.0

    @property
    def error(self) -> float:
        return float(np.sqrt(0.95 * 0.05 / self.n))

    @property
    def reason(self) -> str:
        """Says why it lies where it does; empty within the limits."""
        low, high = WANTED
        if not (self.held < low or self.held > high):
            return ""
        if self.held > high and self.design == "unequal":
            return "animals of unequal size count as fewer"
        if self.held > high and self.design == "one" and self.score in ("macro_f1", "weighted_f1"):
            return "the mix of classes, which was chosen, counts as chance"
        if self.classes and round(self.holding) < FEW:
            return f"the class lives in fewer than {FEW} animals"
        if self.held > high and self.cells < CELLS:
            return f"fewer than {CELLS} cells of the class an animal: right or wrong vary less than t supposes"
        if low - 2 * self.error <= self.held <= high + 2 * self.error:
            return "within two errors of the simulation"
        return "no reason known"


def draw(rng: np.random.Generator, design: str, n: int, likeness: float, of: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Draws confusions and losses of n animals, as `tally` has them; of: animals after which classes begin anew."""
    sizes = 2 + np.minimum(rng.geometric(0.06, n), 80) if design == "unequal" else np.full(n, 20)
    animal = np.repeat(np.arange(n), sizes)
    label = animal % of % 4 if design == "one" else rng.choice(4, size=len(animal), p=SHARES.get(design, [0.25] * 4))
    times = 5 if design == "repeated" else 1
    own, animal, label = rng.normal(size=(len(animal), 4)), np.tile(animal, times), np.tile(label, times)
    own = np.tile(own, (times, 1))
    if times > 1:
        own = np.sqrt(0.7) * own + np.sqrt(0.3) * rng.normal(size=own.shape)
    bias, quality = (np.sqrt(likeness / 2) * rng.normal(size=(n, k))[animal] for k in (4, 1))
    z = bias + np.sqrt(1 - likeness) * own + np.eye(4)[label] * (1 + np.sqrt(2) * quality)
    proba = np.exp(1.5 * z)
    return tally(animal, label, proba / proba.sum(axis=1, keepdims=True))


def drawn(counts: np.ndarray, losses: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Returns the limits of 400 resamples, as `scores.limits` does those of the jackknife."""
    resampled = rates(*intervals.resample(counts, losses, 400, rng))
    return {name: np.apply_along_axis(intervals.percentiles, 0, values) for name, values in resampled.items()}


def tried(design: str, n: int, likeness: float, times: int, bootstrap: bool = False) -> list[Figure]:
    """Draws data sets; returns a figure for each score, and for each kind of class."""
    rng = np.random.default_rng(0)
    true = rates(*(part.sum(axis=0)[None] for part in draw(rng, design, MANY, likeness, of=n)))
    ends, holding = {name: [] for name in true}, np.zeros(4)
    for _ in range(times):
        counts, losses = draw(rng, design, n, likeness, of=n)
        found = drawn(counts, losses, rng) if bootstrap else limits(counts, losses)
        holding += (counts.sum(axis=2) > 0).sum(axis=0) / times
        for name in true:
            ends[name].append(found[name])
    kinds = [(0,), (1,), (2,), (3,)] if design == "rare" else [(0, 1, 2, 3)]
    if design == "one":
        of_class = np.bincount(np.arange(n) % 4)
        kinds = [tuple(np.flatnonzero(of_class == count)) for count in np.unique(of_class)]
    figures = []
    for name, classes in product(true, kinds):
        if name not in PER_CLASS and classes != kinds[0]:
            continue
        of = classes if name in PER_CLASS else ()
        low, high = np.moveaxis(np.array(ends[name]), 1, 0)[(..., [*of])] if of else np.array(ends[name]).T
        aim = true[name][(0, [*of])] if of else true[name][0]
        known = ~np.isnan(low)
        held = ((low <= aim) & (aim <= high))[known]
        mean = (held.mean(), (high - low)[known].mean()) if known.any() else (np.nan, np.nan)
        of_kind = float(holding[[*of]].mean()) if of else float(n)
        figures.append(Figure(design, n, likeness, name, of, float(mean[0]), len(held), float(mean[1]), of_kind))
    return figures


def said(figures: list[Figure]) -> str:
    """Counts the figures within the limits, and says where the others lie."""
    known = [figure for figure in figures if figure.n]
    low, high = ([f for f in known if at(f.held)] for at in (lambda x: x < WANTED[0], lambda x: x > WANTED[1]))
    lines = [f"\n{len(known) - len(low) - len(high)} of {len(known)} figures within {WANTED[0]} to {WANTED[1]}"]
    for word, side, worst in (("below", low, min), ("above", high, max)):
        if side:
            lines.append(f"{len(side)} {word}, {worst(f.held for f in side):.3f} the farthest:")
        for reason in sorted({f.reason for f in side}):
            of = [f for f in side if f.reason == reason]
            where = sorted({(DESIGNS.index(f.design), f.animals, f"{f.design} {f.animals} {f.name}") for f in of})
            ends = f"{min(f.held for f in of):.3f} to {max(f.held for f in of):.3f}"
            lines.append(f"  {len(of)}, {ends}: {reason} ({', '.join(words for *_, words in where)})")
    return "\n".join(lines)


def table(figures: list[Figure]) -> str:
    """Sets the lowest and highest of all likenesses and kinds of class side by side, a line for a design."""
    scores = list(dict.fromkeys(f.score for f in figures))
    lines = ["| design | animals | " + " | ".join(scores) + " |", "| --- " * (2 + len(scores)) + "|"]
    for design, n in dict.fromkeys((f.design, f.animals) for f in figures):
        cells = []
        for score in scores:
            held = [f.held for f in figures if (f.design, f.animals, f.score) == (design, n, score) and f.n]
            ends = list(dict.fromkeys(f"{end(held):.2f}" for end in (min, max))) if held else ["none"]
            cells.append(" – ".join(ends))
        lines.append(f"| {design} | {n} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=1000, help="data sets for each line")
    parser.add_argument("--designs", nargs="+", default=DESIGNS, choices=DESIGNS)
    parser.add_argument("--animals", nargs="+", type=int, default=ANIMALS)
    parser.add_argument("--bootstrap", action="store_true", help="of percentiles of resampled animals, as papers do")
    chosen = parser.parse_args()
    lines = [*zip(*product(chosen.designs, chosen.animals, LIKENESS))]
    figures: list[Figure] = []
    with ProcessPoolExecutor(2) as pool:
        more = ([chosen.times] * len(lines[0]), [chosen.bootstrap] * len(lines[0]))
        for found in pool.map(tried, *lines, *more):
            figures += found
            print(f"{found[0].design}, {found[0].animals} animals, likeness {found[0].likeness}: coverage / mean width")
            for figure in found:
                print(f"  {figure.name:<28} {figure.held:.3f} / {figure.width:.2f}", flush=True)
    print("\n" + table(figures) + "\n" + said(figures))


if __name__ == "__main__":
    main()
