"""How often a recording is found to be unlike the training cells: held-out animals as they are, and planted shifts.

    python benchmarks/verdicts.py [--times 20] [--cells 24] [--sets calcium_sim recorded_calcium ...] [--data folder]

A line is a set of cells and a shift (`planted`), a figure the share of recordings that are to be read with care or
withheld, and of those withheld; training animals are drawn anew each time, one other animal is the recording. Recorded
cells are looked for in `--data`. Models are forests of 50 trees on the features, one for each of up to five folds of
the training animals.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from planted import SETS

from celltype_cli.bundles.familiar import Verdict, compare
from celltype_cli.bundles.made import Doubt, Made, doubts
from celltype_cli.bundles.sure import HeldOut
from celltype_cli.bundles.training import Training
from celltype_cli.cells.cells import Cells

ANIMALS = (3, 5, 10, 40)
LEAST = 3  # cells of a recording
SAME = "as they are"


@dataclass
class Described:
    """Cells as a bundle keeps them, with what is known of new ones besides."""

    training: Training
    made: Made
    inputs: dict[str, Any]
    fitted: dict[bytes, Any] = field(default_factory=dict)  # by the cells that were trained on

    @classmethod
    def of(cls, cells: Cells) -> Described:
        first = np.sort(np.unique(cells.cell_id, return_index=True)[1])
        inputs = {name: {"unit": of.unit, "sampling_rate": of.sampling_rate} for name, of in cells.about.inputs.items()}
        return cls(Training.of(cells), Made.of(cells, first), inputs)

    def verdict(self, trained: np.ndarray, new: Described, chosen: np.ndarray) -> Verdict:
        """Compares chosen cells of `new` with those of these that were trained on."""
        of = self.training
        known, group = replace(_only(of, trained), made=_some(self.made, trained)), new.training.group[chosen]
        more = [*doubts(known.made, _some(new.made, chosen), self.inputs), *self.unsure(trained, new, chosen)]
        return compare(known, new.training.values[:, _same(of, new)][chosen], group, more)

    def unsure(self, trained: np.ndarray, new: Described, chosen: np.ndarray) -> list[Doubt]:
        """Returns what models that were trained on these cells say of how sure they are of the chosen ones."""
        if (known := trained.tobytes()) not in self.fitted:
            self.fitted[known] = fitted(_only(self.training, trained))
        held_out, models = self.fitted[known]
        if held_out is None:
            return []
        table = _table(_only(new.training, chosen))
        sureness = held_out.sureness(np.stack([model.predict_proba(table) for model in models]))
        return [*held_out.doubts(sureness, new.training.group[chosen])]


def fitted(training: Training) -> tuple[HeldOut | None, list[Any]]:
    """Returns forests, and what each says of the animals that it has not seen; nothing where there is but one type."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GroupKFold

    table, models = _table(training), []
    classes, label = np.unique(training.label, return_inverse=True)
    proba = np.zeros((len(label), len(classes)))
    for train, test in GroupKFold(min(5, len(np.unique(training.group)))).split(table, label, training.group):
        model = RandomForestClassifier(50, min_samples_leaf=2, class_weight="balanced", random_state=0)
        models.append(model.fit(table[train], label[train]))
        if len(model.classes_) < len(classes):
            return None, []
        proba[test] = model.predict_proba(table[test])
    several = len(classes) > 1
    return HeldOut(label, proba, training.group, training.cell_id) if several else None, models


def _table(training: Training) -> np.ndarray:
    return np.concatenate([*training.tables.values()], axis=1)


def _only(training: Training, cells: np.ndarray) -> Training:
    columns = {name: getattr(training, name)[cells] for name in ("values", "cell_id", "group", "source", "label")}
    tables = {name: rows[cells] for name, rows in training.tables.items()}
    return replace(training, **columns, examples={}, tables=tables)


def _same(training: Training, new: Described) -> list[int]:
    return [new.training.names.index(name) for name in training.names]


def _some(made: Made, cells: np.ndarray) -> Made:
    conditions = {name: values[cells] for name, values in made.conditions.items()}
    return replace(made, conditions=conditions, digest=made.digest[cells])


def recordings(of: Described, rng: np.random.Generator, cells: int | None = None) -> np.ndarray:
    """Returns the cells of one animal with three or more, or of as many as make twelve where animals have fewer.

    Args:
        cells: so many, of as many animals as it takes, in place of these.
    """
    group = of.training.group
    names, size = np.unique(group, return_counts=True)
    if cells:
        order = np.concatenate([np.flatnonzero(group == name) for name in rng.permutation(names)])
        return np.sort(order[:cells])
    fit = names[size >= LEAST]
    chosen = [rng.choice(fit)] if len(fit) else rng.permutation(names)[: int(np.ceil(12 / size.mean()))]
    return np.flatnonzero(np.isin(group, chosen))


def shares(
    known: Described, new: Described, animals: int, times: int, cells: int | None = None
) -> tuple[float, float] | None:
    """Returns the share of recordings that are flagged, and of those withheld; None with too few animals.

    Args:
        cells: of a recording, as `recordings` takes them.
    """
    names, size = np.unique(known.training.group, return_counts=True)
    if (size >= LEAST).sum() <= animals:
        return None
    found = []
    for seed in range(times):
        rng = np.random.default_rng(seed)
        shared = set(names) & set(new.training.group)
        chosen = recordings(new, rng, cells)
        left = [name for name in names[size >= LEAST] if name not in new.training.group[chosen] or not shared]
        if len(left) < animals:
            return None
        trained = np.flatnonzero(np.isin(known.training.group, rng.permutation(left)[:animals]))
        verdict = known.verdict(trained, new, chosen)
        found.append((verdict.noted, verdict.withheld))
    return tuple(np.mean(found, axis=0).tolist())


def right(known: Described, new: Described) -> str:
    """Says the accuracy of models of all animals, and how many labels at accuracy=0.95 are right, whatever the verdict.

    Cells of `known` itself are those that were held out; cells of unknown or other types do not count.
    """
    held_out, models = fitted(known.training)
    if held_out is None:
        return ""
    classes, label = np.unique(known.training.label), new.training.label
    proba = held_out.proba if new is known else np.mean([m.predict_proba(_table(new.training)) for m in models], axis=0)
    there = np.isin(label, classes)
    if not there.any():
        return ""
    proba, label = held_out.calibrated(proba[there]), label[there]
    given, true = proba.max(axis=1) >= held_out.threshold(0.95), classes[proba.argmax(axis=1)] == label
    return f"{true.mean():.3f}; {true[given].sum()} of {given.sum()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20, help="recordings for each figure")
    parser.add_argument("--cells", type=int, help="of a recording, of as many animals as it takes; else of one animal")
    parser.add_argument("--sets", nargs="*", default=[*SETS], choices=SETS)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("CELLTYPE_SHARED", "")) / "data")
    typed = parser.parse_args()
    print(f"{typed.times} recordings a figure: flagged (labels withheld)")
    print(f"{'':<66} " + " ".join(f"{f'{n} animals':>12}" for n in ANIMALS) + "   accuracy; labels right, all animals")
    for name in typed.sets:
        if not name.endswith("_sim") and not typed.data.is_dir():
            print(f"{name}: no recorded cells, see --data")
            continue
        cells, shifts = SETS[name](typed.data)
        known = Described.of(cells)
        for shift, other in {SAME: cells, **shifts}.items():
            new = known if shift == SAME else Described.of(other)
            found = [shares(known, new, animals, typed.times, typed.cells) for animals in ANIMALS]
            figures = [f"{both[0]:.2f} ({both[1]:.2f})" if both else "" for both in found]
            print(
                f"{f'{name}: {shift}':<66} " + " ".join(f"{figure:>12}" for figure in [*figures, right(known, new)]),
                flush=True,
            )


if __name__ == "__main__":
    main()
