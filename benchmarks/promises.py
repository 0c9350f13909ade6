"""Are labels as right as was asked for? Recordings of held-out animals, labelled as `celltype predict` does it.

    python benchmarks/promises.py [--sets calcium hull cellexplorer sts] [--data folder] [--trees 100]

Of each set of recorded cells every group is left out in turn (of the STS tables a third of the donors, who are one
input). A bundle is made of the others, as `celltype export` makes it, and labels the group without its labels. A line
says what was labelled: of a recording as it is, of its cells of each type alone (another mix of types than the models
were trained on), of one and of two of its cells, and of cells of a type that the models were not shown: without that
type, the bundle is made again of the other groups. Verdicts: of so many recordings read with care, and withheld. Some
minutes of one core.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_dir
from planted import where

from celltype_cli.bundles import predict as predicting
from celltype_cli.bundles.answer import Answer
from celltype_cli.bundles.bundle import Bundle
from celltype_cli.bundles.sure import HeldOut
from celltype_cli.bundles.training import Training
from celltype_cli.cells.assemble import Recordings
from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.intervals import effective_groups, jackknife
from celltype_cli.splits.folds import checked

ACCURACIES = (0.9, 0.95)


@dataclass
class Set:
    """Cells of a set, and what labels them."""

    cells: Cells
    model: Any
    trainer: Any
    split: Any
    dealt: int | None = None  # parts in which groups are left out and labelled together; None: one by one

    @classmethod
    def of(cls, *typed: str, sources: tuple[str, ...] = (), dealt: int | None = None) -> Set:
        with initialize_config_dir(version_base="1.3", config_dir=str(configs.folder())):
            cfg = compose("train", overrides=[*typed, "logger=none"])
        made = configs.build(cfg.dataset)
        cells = configs.build(cfg.prepare)(made)
        made = cls(cells, *(configs.build(cfg[part]) for part in ("model", "trainer", "split")), dealt)
        return made.of_known(where(cells, *sources) if sources else cells)

    def of_known(self, cells: Cells) -> Set:
        """Takes the cells of types that stand in two groups or more: others cannot be tested."""
        names = cells.label_names
        several = [name for name in cells.classes if len(np.unique(cells.group[names == name])) > 1]
        return replace(self, cells=cells).without(tuple(several))

    def without(self, classes: tuple[str, ...]) -> Set:
        """Takes only cells of some classes, the others being unknown to it."""
        names = self.cells.label_names
        kept = self.cells[np.flatnonzero(np.isin(names, classes))]
        label = np.array([classes.index(name) for name in kept.label_names])
        return replace(self, cells=replace(kept, label=label, classes=classes))

    def bundle(self) -> Bundle:
        """Makes a bundle of the cells, held in memory."""
        cells, split = self.cells, self.split
        try:
            folds = [fold.joined for fold in checked(cells, split(cells, seed=0))]
        except UserError:
            split = configs.build({"_target_": "celltype_cli.splits.grouped.leave_one_group_out", "_partial_": True,
                                   "valid_fraction": 0.0})  # fmt: skip
            folds = [fold.joined for fold in checked(cells, split(cells, seed=0))]
        proba, members = np.full((len(cells), len(cells.classes)), np.nan), []
        for k, fold in enumerate(folds):
            with TemporaryDirectory() as folder:
                none = cells[np.arange(0)]
                fitted = self.trainer.fit(self.model, cells[fold.train], none, seed=k, folder=Path(folder), watch=None)
            members.append(fitted.predict)
            proba[fold.test] = fitted.predict(cells[fold.test])
        table = pd.DataFrame(proba).assign(cell_id=cells.cell_id, group=cells.group, label=cells.label)
        table = table[table[0].notna()].groupby("cell_id", sort=True, as_index=False).agg(
            {**dict.fromkeys(range(proba.shape[1]), "mean"), "group": "first", "label": "first"}
        )  # fmt: skip
        inputs = {
            name: {**asdict(cells.about.of(name)), "shape": list(values.shape[1:])}
            for name, values in cells.inputs.items()
        }
        about = {"name": "promise", "classes": list(cells.classes), "inputs": inputs, "prepare": {}, "models": members}
        made = Bundle(Path(), about)
        columns = (table[name].to_numpy() for name in ("group", "cell_id"))
        held_out = HeldOut(table["label"].to_numpy(), table[list(range(proba.shape[1]))].to_numpy(), *columns)
        vars(made).update(members=tuple(members), training=Training.of(cells), held_out=held_out)
        return made


def answer(bundle: Bundle, cells: Cells, accuracy: float) -> Answer:
    """Labels cells that are prepared already, as `celltype predict` does."""
    ids, first = np.unique(cells.cell_id, return_index=True)
    of = {"file": "", "label": "", "source": ""}
    entries = [SimpleNamespace(cell_id=str(i), group=str(cells.group[k]), **of) for i, k in zip(ids, first)]

    def prepared(_: Any, recordings: Recordings, **__: Any) -> Cells:
        return cells[np.flatnonzero(np.isin(cells.cell_id, [entry.cell_id for entry in recordings.entries]))]

    with patch.object(predicting, "call", prepared):
        return predicting.predict(bundle, Recordings(entries, cells.about), accuracy=accuracy)


@dataclass
class Told:
    """What was said of the recordings of one situation."""

    cells: list[pd.DataFrame] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    classes: tuple[str, ...] = ()

    def add(self, found: Answer, cells: Cells, known: tuple[str, ...]) -> None:
        true = dict(zip(cells.cell_id.astype(str), cells.label_names))
        used = found.used.assign(true=found.used["cell_id"].map(true))
        verdict = found.verdict
        grade = "withheld" if verdict.withheld else "care" if verdict.noted else "like"
        self.cells.append(used.assign(grade=grade))
        self.verdicts.append(grade)
        self.classes = known

    def line(self) -> str:
        table = pd.concat(self.cells)
        given = (table["label"] != "").to_numpy()
        right = given & (table["label"] == table["true"]).to_numpy()
        held = {
            name: [name in said.split() for said in table.loc[table["true"] == name, "set"]] for name in self.classes
        }
        sets = " ".join(f"{name} {np.mean(of):.2f}/{len(of)}" for name, of in held.items() if of)
        grades = f"{self.verdicts.count('care')}, {self.verdicts.count('withheld')} of {len(self.verdicts)}"
        return f"{given.sum()} of {len(table)} | {_share(given, right, table['group'])} | {sets} | {grades}"


def _share(given: np.ndarray, right: np.ndarray, group: pd.Series) -> str:
    if not given.any():
        return "none labelled"
    code = pd.factorize(group)[0]
    n, hits = np.bincount(code, given), np.bincount(code, right)
    n, hits = n[n > 0], hits[n > 0]
    value = hits.sum() / n.sum()
    with np.errstate(invalid="ignore"):
        left = (hits.sum() - hits) / (n.sum() - n)
    low, high = jackknife(value, left, n > 0, effective_groups(n)) if len(n) > 1 else (0.0, 1.0)
    return f"{value:.3f} [{low:.2f}, {high:.2f}], {int(hits.sum())} of {int(n.sum())}"


def outer(of: Set) -> Iterator[np.ndarray]:
    """Yields the groups that are left out together."""
    groups = np.random.default_rng(0).permutation(np.unique(of.cells.group))
    yield from np.array_split(groups, of.dealt or len(groups))


def tried(of: Set, *, unknown: bool) -> dict[tuple[str, float], Told]:
    """Labels each group by a bundle of the others."""
    told: dict[tuple[str, float], Told] = defaultdict(Told)
    cells, rng = of.cells, np.random.default_rng(0)
    for names in outer(of):
        mine = np.isin(cells.group, names)
        left = of.of_known(cells[np.flatnonzero(~mine)])
        bundles = {(): left.bundle()}
        here = np.unique(cells.label_names[mine])
        if unknown:
            for name in here:
                others = tuple(other for other in left.cells.classes if other != name)
                if len(others) > 1:
                    bundles[name,] = left.without(others).bundle()
        for group in [names] if of.dealt else names[:, None]:
            own = cells[np.flatnonzero(np.isin(cells.group, group))]
            ids = np.unique(own.cell_id)
            situations = [("as they are", (), own)]
            for name in np.unique(own.label_names):
                alone = own[np.flatnonzero(own.label_names == name)]
                situations.append((f"{name} alone", (), alone))
                situations.append((f"{name}, which models do not know", (name,), alone))
            for n in (1, 2):
                some = rng.permutation(ids)[:n]
                situations.append((f"{n} of its cells", (), own[np.flatnonzero(np.isin(own.cell_id, some))]))
            for situation, lacking, some in situations:
                if lacking in bundles:
                    for accuracy in ACCURACIES:
                        known = bundles[lacking].classes
                        told[situation, accuracy].add(answer(bundles[lacking], some, accuracy), some, known)
    return told


def sets_of(data: Path, trees: int) -> dict[str, Any]:
    calcium = ("dataset=traces", f"dataset.path={data / 'calcium/cascade_celltypes.h5'}", "prepare=windows_64s")
    units, forest = data / "extracellular", ("model=forest", f"model.n_estimators={trees}")
    sources = ("DS28", "DS29", "DS30", "DS31", "DS32", "DS33")
    hull = f"dataset.path={units / 'c4_cerebellum/hull.npz'}"
    explorer = f"dataset.path={units / 'cellexplorer/cellexplorer_ground_truth.npz'}"
    tables = ("dataset=sts_features", f"dataset.path={data / 'patch_clamp/sts'}", "split=grouped_kfold")
    return {
        "calcium": lambda: Set.of(*calcium, *forest, sources=sources),
        "slices": lambda: Set.of(*calcium, *forest, sources=("DS24", "DS25", "DS26")),
        "hull": lambda: Set.of("dataset=units", hull, "model=units_forest", f"model.n_estimators={trees}"),
        "cellexplorer": lambda: Set.of("dataset=units", explorer, "model=units_logistic"),
        "sts": lambda: Set.of(*tables, *forest, dealt=3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=["calcium", "slices", "hull", "cellexplorer", "sts"])
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--known", action="store_true", help="leave out cells of types that models do not know")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("CELLTYPE_SHARED", "")) / "data")
    parser.add_argument("--out", type=Path, help="folder for the answers of each situation, csv")
    typed = parser.parse_args()
    makers = sets_of(typed.data, typed.trees)
    print("| cells | situation | accuracy= | labelled | right | sets hold | with care, withheld |")
    for name in typed.sets:
        found = tried(makers[name](), unknown=not typed.known)
        for (situation, accuracy), told in sorted(found.items()):
            print(f"| {name} | {situation} | {accuracy} | {told.line()} |", flush=True)
            if typed.out:
                pd.concat(told.cells).to_csv(typed.out / f"{name}-{situation}-{accuracy}.csv", index=False)


if __name__ == "__main__":
    main()
