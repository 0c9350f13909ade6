"""Seconds and memory that `celltype predict` takes for a made-up Kilosort folder: 500 units, one hour at 10 Hz.

    python benchmarks/kilosort_folder.py [folder for the bundle and the recording; else one that is deleted afterwards]

Training and export come first, and are not counted. On 2 cores it should take less than 60 s and 2 GB. Units are
simulated; the bundles are of simulated units, and label all of them, so that the stress test has all to do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

UNITS, SECONDS, HZ, RATE = 500, 3600, 10.0, 30_000
SAMPLES, CHANNELS = 82, 384
WITH_ACG = "inputs=[waveform,correlogram,isi,features,acg]"
MODELS = {  # the usual one, and the inputs that take longest
    "units_forest": (),
    "forest": ("model=forest", f"prepare.{WITH_ACG}", f"trainer.{WITH_ACG}"),
}


def write(folder: Path) -> None:
    """Writes gamma trains and templates on 384 channels, whitened by a matrix that mixes neighbours."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    n = int(SECONDS * HZ)
    times = (np.cumsum(rng.gamma(2, 1 / (2 * HZ), (UNITS, n)), axis=1).ravel() * RATE).astype(np.uint64)
    order = np.argsort(times, kind="stable")
    cluster = np.repeat(np.arange(UNITS, dtype=np.int32), n)[order]
    np.save(folder / "spike_times.npy", times[order])
    np.save(folder / "spike_clusters.npy", cluster)
    np.save(folder / "spike_templates.npy", cluster)
    np.save(folder / "amplitudes.npy", rng.normal(20, 2, len(times)).astype(np.float32))
    t, channel = np.arange(SAMPLES)[:, None], np.arange(CHANNELS)
    templates = np.zeros((UNITS, SAMPLES, CHANNELS), np.float32)
    for k in range(UNITS):
        wide = rng.uniform(2, 6)
        shape = 0.4 * np.exp(-(((t - 41 - 3 * wide) / (2 * wide)) ** 2)) - np.exp(-(((t - 41) / wide) ** 2))
        templates[k] = shape * np.exp(-(((channel - rng.integers(CHANNELS)) / 2) ** 2))
    mixing = np.eye(CHANNELS) + 0.2 * np.eye(CHANNELS, k=1)
    np.save(folder / "templates.npy", (templates @ mixing).astype(np.float32))
    np.save(folder / "whitening_mat_inv.npy", np.linalg.inv(mixing))
    (folder / "params.py").write_text(f"sample_rate = {RATE}.\n", encoding="utf-8")


def celltype(*arguments: str) -> tuple[float, float, float]:
    """Returns seconds, seconds of computing and GB that a command took."""
    begin = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "celltype_cli.cli", *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"celltype {' '.join(arguments)} failed")
    return time.perf_counter() - begin, used.ru_utime + used.ru_stime, 1024 * used.ru_maxrss / 1e9


def main(folder: Path) -> None:
    write(folder / "recording")
    place = f"outputs={folder / 'outputs'}"
    for name, settings in MODELS.items():
        bundle = f"{folder / name}"
        celltype("train", "dataset=units_sim", *settings, "logger=none", place)
        celltype("export", f"run=units_sim-{name}", f"out={bundle}", "overwrite=true", place)
        ask = [f"model={bundle}", f"input={folder / 'recording'}", f"out={folder / 'answer'}", "overwrite=true",
               "force=true", "accuracy=null", place]  # fmt: skip
        for stress in ("false", "true"):
            wall, computed, memory = celltype("predict", *ask, f"stress={stress}")
            said = f"{wall:.1f} s, {computed:.1f} s of computing, {memory:.2f} GB"
            print(f"{' '.join((name, *settings[2:]))}, stress={stress}: {said}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with TemporaryDirectory() as place:
            main(Path(place))
