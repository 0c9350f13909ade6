"""Counts how often an audit flags a column that says nothing of the laboratory, and one that does, on simulated cells.

A line is a design; cells of one animal resemble each other (intraclass correlation). Shift is how far the first of five
columns of one laboratory lies from the other's, in sd of a cell; with 0 every flag is a false alarm. `before` is the
rule that took cells as independent: AUC three sd (Mann and Whitney 1947) above 0.5, and 0.8 or more. False alarms of
the present rule are counted on five times as many data sets: where p is above 0.05, no tree need be grown.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from celltype_cli.studies.audit.audit import SURE
from celltype_cli.studies.audit.chance import chance
from celltype_cli.studies.audit.told import Told

DESIGNS = {  # laboratories, animals of each, cells of an animal, classes (every animal has all), likeness
    "two laboratories of three animals": (2, 3, 12, 1, 0.5),
    "the same, two classes": (2, 3, 12, 2, 0.5),
    "two laboratories of five animals": (2, 5, 12, 1, 0.5),
    "two laboratories of ten animals": (2, 10, 12, 1, 0.5),
    "two of ten, cells independent": (2, 10, 12, 1, 0.0),
    "three laboratories of four animals": (3, 4, 12, 1, 0.5),
}
FLAG_AT = 0.8


def flagged(rng: np.random.Generator, design: str, shift: float, columns: int, old: bool = True) -> tuple[bool, bool]:
    """Audits one simulated data set; returns whether a column is flagged, now and, if `old`, by the rule before."""
    labs, animals, cells, classes, likeness = DESIGNS[design]
    animal = np.repeat(np.arange(labs * animals), cells)
    lab, label = animal % labs, np.tile(np.arange(cells) % classes, labs * animals)
    shared = rng.normal(size=(labs * animals, classes, columns))[animal, label]
    table = np.sqrt(likeness) * shared + np.sqrt(1 - likeness) * rng.normal(size=shared.shape)
    table[:, 0] += shift * (lab == 0)
    told = Told(label, lab, animal, 5, 0)
    p = chance(table, lab, animal, [*told.classes(np.ones(len(lab), bool))], 0).p
    within = np.array([told.by_column(column) if old or p[k] <= SURE else 0 for k, column in enumerate(table.T)])
    n = len(lab) / classes / labs
    m = n * (labs - 1)
    before = 0.5 + 3 * np.sqrt((n + m + 1) / (12 * n * m) / classes)
    return bool(((within >= FLAG_AT) & (p <= SURE)).any()), bool((within >= max(FLAG_AT, before)).any())


def both(design: str, *, shift: float, times: int, columns: int = 5, old: bool = True) -> np.ndarray:
    """Returns the shares of audits that flag a column, now and before."""
    return np.mean([flagged(np.random.default_rng(k), design, shift, columns, old) for k in range(times)], axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100, help="data sets for each figure")
    times = parser.parse_args().times
    print(f"{times} simulated data sets a figure ({5 * times} of false alarms now), now | before")
    print(f"{'':<36} {'false alarms':>15} {'shift 2':>15} {'shift 4':>15}")
    with ProcessPoolExecutor(2) as pool:
        alarms = pool.map(partial(both, shift=0.0, times=5 * times, old=False), DESIGNS)
        others = [pool.map(partial(both, shift=shift, times=times), DESIGNS) for shift in (0.0, 2.0, 4.0)]
        for design, (now, _), of in zip(DESIGNS, alarms, zip(*others)):
            shown = [(now, of[0][1]), *of[1:]]
            print(f"{design:<36} " + " ".join(f"{a:>7.3f} | {b:.2f}" for a, b in shown), flush=True)


if __name__ == "__main__":
    main()
