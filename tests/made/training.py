"""Traces, networks and settings so small that training takes a blink: for tests of trainers."""

from functools import partial

import numpy as np

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.models.cnn1d import CNN1d
from celltype_cli.models.recurrent import Recurrent
from celltype_cli.trainers.lightning import LightningTrainer
from celltype_cli.trainers.sklearn import SklearnTrainer
from celltype_cli.trainers.tasks import Supervised

CLASSES = ("PY", "PV", "SOM")
CNN = partial(CNN1d, layers=["conv", "pool", "conv", "dropout"], width_first=4, width=6, kernel_size=5, pool_size=2,
              dropout=0.5)  # fmt: skip
RNN = partial(Recurrent, layers=["rnn", "dropout", "rnn"], steps=3, hidden=8, dropout=0.3, recurrent_dropout=0.2)
LSTM = partial(Recurrent, layers=["lstm"], steps=3, hidden=8, dropout=0.0, recurrent_dropout=0.0)
STILL = partial(Recurrent, layers=["rnn"], steps=3, hidden=8, dropout=0.0, recurrent_dropout=0.0)


def make_cells(trace, label):
    ids = np.arange(len(trace)).astype(str)
    return Cells({"trace": np.asarray(trace, dtype=np.float32)}, np.asarray(label), ids, ids, CLASSES)


def noisy(rows, seed=0):
    """Traces whose level gives a hint of their class."""
    draw = np.random.default_rng(seed)
    label = np.arange(rows) % 3
    return make_cells(draw.standard_normal((rows, 1, 60)) + 0.3 * label[:, None, None], label)


TRAIN, VALID = noisy(42), noisy(18, seed=1)
NONE = TRAIN[np.arange(0)]


def lightning(**changes):
    usual = {"epochs": 6, "batch_size": 8, "lr": 0.003, "betas": (0.9, 0.99), "precision": "fp32", "accelerator": "cpu",
             "devices": 1, "patience": None, "min_improvement": 0.0, "keep": "last",
             "stages": {"supervised": {"task": Supervised}}}  # fmt: skip
    return LightningTrainer(**{**usual, **changes})


def fit(trainer, folder, model=CNN, train=TRAIN, valid=VALID, seed=0, watch=None):
    return trainer.fit(model, train, valid, seed=seed, folder=folder, watch=watch)


def losses(fitted, name="train_loss"):
    return [row[name] for row in fitted.history]


def curves(fitted):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in fitted.history]


def cross_entropy(fitted, cells):
    return -np.log(fitted.predict(cells)[np.arange(len(cells)), cells.label]).mean()


def without_labels(cells):
    """The same cells, and among them some wild ones without a label."""
    wild = np.full((9, 1, 60), 1e4) + np.arange(9)[:, None, None]
    trace, label = np.concatenate([cells.inputs["trace"], wild]), np.concatenate([cells.label, np.full(9, UNLABELLED)])
    mixed = make_cells(trace, label)
    return mixed[np.concatenate([np.arange(len(cells), len(mixed)), np.arange(len(cells))])]


def sklearn(**changes):
    """A trainer of estimators on the raw samples."""
    return SklearnTrainer(
        **{"inputs": ["trace"], "columns": None, "views": None, "scale": True, "grid": None, "grid_folds": 3} | changes
    )
