"""A search whose model knows every label and writes down which cells it was given."""

import json
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import OmegaConf
from sklearn.base import BaseEstimator, ClassifierMixin

from celltype_cli.cells.about import About
from celltype_cli.cells.cells import Cells
from celltype_cli.studies.search import search
from made.configs import compose

LABELS = {"dataset": "toy", "model": "m", "split": "grouped_kfold", "trainer": "sklearn", "search": "s", "command": "c"}
CHOSEN = ["model=forest", "prepare=finished"]
SPACE = {"model": {"quality": {"low": 0.2, "high": 0.9}, "depth": {"low": 1, "high": 8, "log": True, "int": True}}}
SEARCH = {"_target_": "celltype_cli.studies.search.trials.Search", "space": SPACE, "n_trials": 6, "seed": 0, "folds": 3,
          "metric": "accuracy", "split": "grouped", "valid_fraction": 0.2, "sampler": "tpe"}  # fmt: skip


def load(*, animals: int) -> Cells:
    """Sixty cells whose traces are their number and their label."""
    number = np.arange(60)
    label = number // 2 % 2
    trace = np.stack([number, label], axis=1)[:, None].astype("f4")
    group = np.char.add("animal_", (number % animals).astype(str))
    return Cells({"trace": trace}, label, number.astype(str), group, ("A", "B"), About("toy", simulated=True))


class Recorder(ClassifierMixin, BaseEstimator):
    """Knows every label; `quality` is the share of cells it tells; writes down which cells it was given."""

    def __init__(self, quality=0.5, depth=1, broken=False):
        self.quality, self.depth, self.broken = quality, depth, broken

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        _write("fit", x)
        if self.broken:
            raise ValueError("this setting\ncannot be trained")
        if os.environ.get("STOP_AT") == str(len(records())):
            raise KeyboardInterrupt
        time.sleep(float(os.environ.get("PAUSE", 0)))
        return self

    def predict_proba(self, x):
        _write("predict", x)
        right = x[:, 0] * 0.6180339887 % 1 < self.quality
        return np.eye(2)[np.where(right, x[:, 1], 1 - x[:, 1]).astype(int)]


def _write(what, x):
    with Path(os.environ["RECORD"]).open("a") as file:
        file.write(json.dumps({"pid": os.getpid(), "what": what, "cells": x[:, 0].astype(int).tolist()}) + "\n")


def records():
    file = Path(os.environ["RECORD"])
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def config(outputs, **changes):
    cfg = OmegaConf.to_container(compose("train", *CHOSEN, "logger=none", f"outputs={outputs}", "threads=1"))
    cfg["dataset"] = {"_target_": "made.search.load", "animals": 10}
    cfg["model"] = {"_target_": "made.search.Recorder", "_partial_": True, "quality": 0.5, "broken": False}
    cfg["trainer"] |= {"scale": False, "inputs": ["trace"]}
    return OmegaConf.create({**cfg, "search": {**SEARCH, **changes}})


def run(outputs, **changes):
    return search.run(config(outputs, **changes), labels=LABELS, chosen=CHOSEN, base=compose("train", *CHOSEN))


def table(found):
    return pd.read_csv(found.files["trials"], keep_default_na=False)


def drawn(found):
    return [trial.values for trial in found.done]


def worker(outputs, **changes):
    """Another process that does the same search; a fork, because importing everything anew takes seconds."""
    process = multiprocessing.get_context("fork").Process(target=run, args=(outputs,), kwargs=changes)
    process.start()
    return process


def wait_for(condition, process, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert process.is_alive()
        assert time.monotonic() < end
        time.sleep(0.02)
