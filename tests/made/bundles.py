"""The command line within the process, small labelled traces, and a bundle made of them."""

import sys

import numpy as np
import pytest

from celltype_cli import cli

RATE = 10.0
N = 24
FOREST = ("model=forest", "model.n_estimators=10", "split.n_folds=3", "prepare.timesteps=60", "logger=none",
          "figures=[]")  # fmt: skip


def command(*arguments):
    """Runs `celltype ...` and returns its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["celltype", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
    return end.value.code


def dff(n=36, timesteps=700, seed=0):
    """dF/F [cell, time] of two types in turn, one more active than the other."""
    rng = np.random.default_rng(seed)
    kernel = np.exp(-np.arange(30) / 8)
    spikes = rng.random((n, timesteps)) < np.where(np.arange(n) % 2, 0.08, 0.01)[:, None]
    active = np.stack([np.convolve(row, kernel)[:timesteps] for row in spikes.astype(float)])
    return active * rng.uniform(0.4, 0.6, (n, 1)) + rng.normal(0, 0.05, (n, timesteps))


def write_labelled(path, n=36, seed=0):
    """Writes labelled traces of animals with three cells each."""
    of = {"label": [("PV", "SOM")[k % 2] for k in range(n)], "cell_id": [f"c{k}" for k in range(n)]}
    np.savez(path, trace=dff(n, seed=seed), group=[f"s{seed}m{k // 3}" for k in range(n)], sampling_rate=RATE, **of)


def write_traces(path, n=N, timesteps=150, label=("PV", "SOM"), seed=0, **changes):
    """Writes noise of two amplitudes in turn, of animals with four cells each."""
    rng = np.random.default_rng(seed)
    columns = {
        "trace": rng.standard_normal((n, timesteps)) * (0.1 + 0.2 * (np.arange(n) % 2))[:, None],
        "label": [label[k % 2] for k in range(n)],
        "cell_id": [f"c{k}" for k in range(n)],
        "group": [f"m{k // 4}" for k in range(n)],
        "sampling_rate": 30.0,
    }
    np.savez(path, **{**columns, **changes})


def suite2p(folder, n=7, seed=1, iscell=None):
    """Writes a plane of suite2p's with such cells in it: F, Fneu, iscell and the frame rate in ops."""
    folder.mkdir(parents=True)
    neuropil = np.random.default_rng(seed).normal(100, 2, (n, 700))
    flags = np.ones(n) if iscell is None else np.asarray(iscell, float)
    arrays = {"F": 70 + 330 * (1 + dff(n, seed=seed)), "Fneu": neuropil, "iscell": np.c_[flags, np.full(n, 0.9)]}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array.astype("f4"))
    np.save(folder / "ops.npy", np.array({"fs": RATE}, dtype=object), allow_pickle=True)
    return folder


def make_bundle(folder):
    """Trains and exports in a folder; returns the bundle."""
    write_labelled(folder / "labelled.npz")
    settings = ("dataset=traces", f"dataset.path={folder / 'labelled.npz'}", "prepare=windows_64s", "model=forest")
    fast = ("model.n_estimators=20", "split.n_folds=3", "logger=none", "figures=[]", f"outputs={folder / 'outputs'}")
    assert command("train", *settings, *fast) == 0
    assert command("export", "run=traces", f"out={folder / 'my_model'}", f"outputs={folder / 'outputs'}") == 0
    return folder / "my_model"
