"""Prints what a model of sorted units gains when the tested recordings' units are looked at, without their labels.

Data: public units, not part of this repository, in --folder: c4_cerebellum/hull.npz and lisberger_macaque.npz,
cellexplorer/cellexplorer_ground_truth.npz. The three views of units_forest (200 trees) and units_logistic, on their
inputs, balanced; missing values are medians of the training units.

    plain        the model as it is
    prior        class frequencies of the tested recording by EM (Saerens et al. 2002, Neural Computation 14:21)
    z-scores     quantities z-scored within training and within tested units (of recordings of 8 units or more)
    halfway      mean and sd of tested units drawn to those of the training units, the more the fewer they are
    coral        training units brought to the covariance of tested ones (Sun et al. 2016, arXiv:1511.05547; 20 or more)
    importance   training units weighted by how like tested ones they are (logistic regression; 20 or more)
    self         half of the tested units, the surest of each class, train as they were called; 3 times (20 or more)
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hydra import compose, initialize_config_dir
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from celltype_cli.core import configs
from celltype_cli.runs.build import build

HULL, MACAQUE = "c4_cerebellum/hull.npz", "c4_cerebellum/lisberger_macaque.npz"
EXPLORER = "cellexplorer/cellexplorer_ground_truth.npz"
ALONE = ("split=leave_one_group_out",)
PAIRS = {  # dataset, files, model, split
    "hull by recording": ("units", (HULL,), "units_forest", ALONE),
    "macaque to hull": ("units", (HULL, MACAQUE), "units_forest", ("split=other_source", "split.source=hull")),
    "hull to macaque": (
        "units",
        (HULL, MACAQUE),
        "units_forest",
        ("split=other_source", "split.source=lisberger_macaque"),
    ),
    "CellExplorer by animal": ("cellexplorer", (EXPLORER,), "units_logistic", ALONE),
}
WAYS = ("plain", "prior", "z-scores", "halfway", "coral", "importance", "self")


class Pair:
    """Units of a pair: the columns of each view, labels, folds."""

    def __init__(self, folder: Path, name: str) -> None:
        dataset, files, self.model, split = PAIRS[name]
        with TemporaryDirectory() as temporary:
            for file in files:
                (Path(temporary) / Path(file).name).symlink_to((folder / file).resolve())
            path = f"dataset.path={Path(temporary) / Path(files[0]).name if len(files) == 1 else temporary}"
            with initialize_config_dir(version_base="1.3", config_dir=str(configs.folder())):
                cfg = compose("train", overrides=[f"dataset={dataset}", path, f"model={self.model}", *split])
            built = build(cfg)
        rows = {name: built.cells.inputs[name].reshape(len(built.cells), -1) for name in cfg.trainer.inputs}
        self.views = [np.concatenate([rows[name] for name in view], axis=1).astype(float) for view in cfg.trainer.views]
        self.label, self.n = built.cells.label, len(built.cells.classes)
        self.folds = [(fold.train[self.label[fold.train] >= 0], fold.test) for fold in built.folds]

    def vote(self, train: np.ndarray, test: np.ndarray, label: np.ndarray, way: str) -> np.ndarray:
        """Returns probabilities of tested units, the mean over the views."""
        found = []
        for x in self.views:
            a, b = alike(*filled(x[train], x[test]), way)
            weight = balanced(label[train]) * (like(a, b) if way == "importance" and len(b) >= 20 else 1.0)
            forest = RandomForestClassifier(200, min_samples_leaf=2, random_state=0)
            model = forest if self.model == "units_forest" else LogisticRegression(C=0.03, max_iter=5000)
            model.fit(a, label[train], weight)
            proba = np.zeros((len(b), self.n))
            proba[:, model.classes_] = model.predict_proba(b)
            found.append(proba)
        return np.mean(found, axis=0)

    def proba(self, way: str) -> np.ndarray:
        found = np.zeros((len(self.label), self.n))
        for train, test in self.folds:
            proba = self.vote(train, test, self.label, way)
            if way == "prior" and len(test) >= 5:
                proba = with_prior(proba)
            for _ in range(3 if way == "self" and len(test) >= 20 else 0):
                label, sure = self.label.copy(), sure_of(proba)
                label[test] = proba.argmax(axis=1)
                proba = self.vote(np.r_[train, test[sure]], test, label, way)
            found[test] = proba
        return found


def filled(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    median = np.nan_to_num(np.nanmedian(a, axis=0))
    return np.where(np.isnan(a), median, a), np.where(np.isnan(b), median, b)


def alike(a: np.ndarray, b: np.ndarray, way: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns training and tested units on one scale, that of the training units but for what the way does."""
    mean, sd = a.mean(axis=0), a.std(axis=0) + 1e-9
    of_b, own = (mean, sd), (b.mean(axis=0), b.std(axis=0) + 1e-9)
    if way == "z-scores" and len(b) >= 8:
        of_b = own
    if way == "halfway" and len(b) > 3:
        w = len(b) / (len(b) + 100)
        of_b = (1 - w) * mean + w * own[0], np.exp((1 - w) * np.log(sd) + w * np.log(own[1] + 1e-3 * sd))
    a, b = (a - mean) / sd, (b - of_b[0]) / of_b[1]
    if way == "coral" and len(b) >= 20:
        a = a @ power(a, -0.5) @ power(b, 0.5)
    return a, b


def power(x: np.ndarray, exponent: float) -> np.ndarray:
    values, vectors = np.linalg.eigh(np.cov(x.T) + np.eye(x.shape[1]))
    return (vectors * values.clip(1e-6) ** exponent) @ vectors.T


def balanced(label: np.ndarray) -> np.ndarray:
    count = np.bincount(label)
    return (len(label) / np.maximum(count, 1) / (count > 0).sum())[label]


def like(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns how many times as likely a training unit is among the tested ones, 1 on average."""
    told = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000))
    told.fit(np.concatenate([a, b]), np.repeat([0, 1], [len(a), len(b)]))
    share = told.predict_proba(a)[:, 1].clip(0.1, 0.9)
    return share / (1 - share) / np.mean(share / (1 - share))


def with_prior(proba: np.ndarray) -> np.ndarray:
    """Returns probabilities under class frequencies that make the tested units most likely, one of each added."""
    proba = proba.clip(1e-4) / proba.clip(1e-4).sum(axis=1, keepdims=True)
    prior = np.full(proba.shape[1], 1 / proba.shape[1])
    for _ in range(200):
        found = proba * prior
        found /= found.sum(axis=1, keepdims=True)
        prior = (found.sum(axis=0) + 1) / (len(proba) + len(prior))
    return found


def sure_of(proba: np.ndarray) -> np.ndarray:
    """Returns the surer half of the units called each class."""
    best, second = np.sort(proba, axis=1)[:, -1], np.sort(proba, axis=1)[:, -2]
    called, ratio = proba.argmax(axis=1), best / second.clip(1e-6)
    rows = (np.flatnonzero(called == k) for k in np.unique(called))
    return np.concatenate([own[np.argsort(-ratio[own])[: max(1, len(own) // 2)]] for own in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--pairs", nargs="+", default=[*PAIRS], choices=PAIRS)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", "All-NaN slice encountered")  # of columns that no training unit has
    print("pair                    way          balanced  accuracy  log loss")
    for name in chosen.pairs:
        pair = Pair(chosen.folder, name)
        tested = np.concatenate([test for _, test in pair.folds])
        label = pair.label[tested]
        for way in WAYS:
            proba = pair.proba(way)[tested][label >= 0]
            right, of = proba.argmax(axis=1) == label[label >= 0], label[label >= 0]
            recall = np.mean([right[of == k].mean() for k in np.unique(of)])
            loss = -np.log(proba[np.arange(len(of)), of].clip(1e-4)).mean()
            print(f"{name:23} {way:11}  {recall:8.3f}  {right.mean():8.3f}  {loss:8.3f}", flush=True)


if __name__ == "__main__":
    main()
