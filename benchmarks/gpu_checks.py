"""What `benchmarks/gpu.py` looks at, a function for each kind of check, which yields rows of a table.

Times end with the GPU's work and not with the last order given to it: an epoch ends when the trainer tells `watch` its
loss, a number that the GPU has to deliver first.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from unittest.mock import patch

import numpy as np
import torch
from gpu_setting import NETWORKS, Setting, cudnn
from loops import CLASSES, built, composed, fit, loop

from celltype_cli.trainers import history
from celltype_cli.trainers.protocol import Fitted

Rows = Iterator[dict[str, object]]
TOLERANCE = 1e-3  # of probabilities of the same weights on two devices in fp32 proper


def command(on: Setting, name: str) -> Rows:
    """Runs `celltype train` as a user would, and says how it ended.

    Raises:
        RuntimeError: with its last line, when it failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        typed = ["train", *NETWORKS[name], f"trainer={on.device}", *on.sizes.overrides, "dataset.cells_per_class=12",
                 "split.n_folds=2", "trainer.epochs=2", "logger=none", f"outputs={folder}"]  # fmt: skip
        program = [sys.executable, "-c", "from celltype_cli import cli; cli.main()", *typed]
        started = time.perf_counter()
        ended = subprocess.run(program, capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError((ended.stderr.strip() or ended.stdout.strip()).splitlines()[-1])
    yield {"typed": " ".join(typed[:3]), "seconds": time.perf_counter() - started, "exit code": ended.returncode}


class Stop(Exception):
    """Ends a run from outside, as Ctrl-C does."""


def speed(on: Setting, name: str, precision: str) -> Rows:
    """Compares the trainer with loops by hand; the first epoch warms up, the trainer's last, which saves, is left out.

    Raises:
        RuntimeError: when the trainer took no memory of the GPU.
    """
    cells, epochs, stamps = on.sizes.cells(name), on.sizes.epochs, []
    trainer, model = on.made(name, f"trainer.precision={precision}", f"trainer.epochs={epochs + 2}")
    trainer.check(model, cells, any_valid=False)
    peak = on.peak()
    told = [row["seconds"] for row in fit(trainer, model, cells, watch=_clock(stamps)).history]
    took, memory = stamps[-2] - stamps[0], {"trainer MiB": peak()}
    if on.device == "cuda" and not memory["trainer MiB"]:
        raise RuntimeError("the trainer took no memory of the GPU: it ran elsewhere")
    rates = {}
    for column in ("loop", "resident"):
        peak = on.peak()
        network = model(cells.shapes, len(CLASSES)).to(on.device)
        adam = torch.optim.Adam(network.parameters(), lr=trainer.lr, betas=tuple(trainer.betas), fused=True)
        train = partial(loop, network, adam, cells, batch_size=trainer.batch_size, precision=precision,
                        auxiliary_weight=trainer.auxiliary_weight, resident=column == "resident")  # fmt: skip
        train(epochs=1)
        rates[column] = train(epochs=epochs)
        memory[f"{column} MiB"] = peak()
        del network, adam, train
    ours = epochs * len(cells) / took
    ratios = {f"trainer / {column}": ours / rate for column, rate in rates.items()}
    yield {"network": name, "precision": precision, "batch": trainer.batch_size, "trainer": ours, **rates, **ratios,
           "seconds told / taken": (told[-2] - told[0]) / took, **memory}  # fmt: skip


def agreement(on: Setting, name: str) -> Rows:
    """Compares with the CPU in fp32: the same weights in use, and two epochs without dropout from the same seed.

    Raises:
        ArithmeticError: when the same weights say something else without TF32.
    """
    few = on.sizes.few
    cells, rows = on.sizes.cells(name, 2 * few), np.arange(few)
    train, valid = cells[rows], cells[rows + few]
    made = partial(on.made, name, "model.dropout=0", "trainer.epochs=2", f"trainer.batch_size={max(4, few // 4)}")
    same = {}
    with tempfile.TemporaryDirectory() as folder:
        reference = fit(*made(device="cpu"), train, folder=folder)
        expected = reference.predict(valid)
        for setting, precision, tf32 in (("fp32", "fp32", True), ("no TF32", "fp32", False), ("bf16", "bf16", True)):
            with cudnn("allow_tf32", tf32):
                moved = fit(*made(), train, folder=folder)  # nothing is left to train: the CPU's weights on the device
                same[setting] = _largest(moved.predict(valid) - expected)
                trained = fit(*made(f"trainer.precision={precision}"), train)
                yield {"network": name, "setting": setting, "same weights": same[setting],
                       "trained": _largest(trained.predict(valid) - expected),
                       "loss": _largest(_losses(trained) - _losses(reference))}  # fmt: skip
    if same["no TF32"] > TOLERANCE:
        raise ArithmeticError(f"the same weights: probabilities differ by {same['no TF32']:.1e} from the CPU's")


def resumed(on: Setting, name: str) -> Rows:
    """Compares a run that was interrupted with one that was not, and that one with its repetition.

    Raises:
        RuntimeError: when the run was not interrupted, or began anew.
    """
    cells = on.sizes.cells(name, 2 * on.sizes.few)
    run = partial(fit, *on.made(name, "trainer.epochs=4"), cells)

    def interrupt(done: int, *_: object) -> None:
        seen.append(done)
        if seen == [1, 2, 3]:
            raise Stop

    for deterministic in (False, True):
        seen: list[int] = []
        with cudnn("deterministic", deterministic), tempfile.TemporaryDirectory() as folder:
            whole, again = (run().predict(cells) for _ in range(2))
            with patch.object(history, "SAVE_EVERY_S", -1.0):  # after every epoch
                try:
                    run(folder=folder, watch=interrupt)
                except Stop:
                    parts = run(folder=folder, watch=interrupt).predict(cells)
        if seen != [1, 2, 3, 4]:
            raise RuntimeError(f"interrupted after 3 of 4 epochs, these were run: {seen}")
        yield {"network": name, "cuDNN": "deterministic" if deterministic else "as it is",
               "resumed": _largest(parts - whole), "repeated": _largest(again - whole),
               "equal to the bit": bool(np.array_equal(parts, whole))}  # fmt: skip


def table1(on: Setting, name: str, jobs: Sequence[tuple[str, ...]]) -> Rows:
    """Times epochs of a row of the calcium paper's Table 1, and says how long its fits on all splits would take.

    Args:
        jobs: overrides of the row's runs, one for each way to split.
    """
    cfgs = [composed(*overrides) for overrides in jobs]
    splits = [cfg.split.get("n_splits") or cfg.split.get("n_folds") for cfg in cfgs]
    counts = next((cfg.split.train, cfg.split.test) for cfg in cfgs if isinstance(cfg.split.get("train"), int))
    train, test = (on.sizes.traced(min(count, on.sizes.traces)) for count in counts)
    network = [override for override in jobs[0] if override.startswith(("model", "trainer"))]
    epochs, asked, stamps = on.sizes.epochs, cfgs[0].trainer.epochs, []
    trainer, model = built(*network, *on.sizes.overrides, f"trainer.epochs={epochs + 2}")
    started = time.perf_counter()
    fit(trainer, model, train, test, watch=_clock(stamps))
    whole, each = time.perf_counter() - started, (stamps[-2] - stamps[0]) / epochs
    beside = max(0.0, whole - (epochs + 2) * each)  # building, the first epoch's warming up, saving
    yield {"row": name, "cells": len(train), "seconds an epoch": each, "seconds beside": beside, "fits": sum(splits),
           "epochs": asked, "minutes": sum(splits) * (asked * each + beside) / 60}  # fmt: skip


def _clock(stamps: list[float]):
    return lambda *_: stamps.append(time.perf_counter())


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())


def _losses(fitted: Fitted) -> np.ndarray:
    return np.array([row["train_loss"] for row in fitted.history])
