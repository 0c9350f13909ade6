"""Seconds and memory that `celltype predict` takes for made-up traces of 480 samples, with a forest's bundle.

    python benchmarks/labelling.py [--cells 1000 10000 50000] [--folder for the bundle and the traces, which are kept]

Training and export come first, and are not counted. On 2 cores 10,000 cells should take less than 30 s and 1 GB.
Linux only, which says what memory a process has.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

CELLS, SAMPLES, RATE = (1_000, 10_000, 50_000), 480, 7.5


def write(path: Path, n: int, seed: int, **columns: list[str]) -> None:
    """Writes dF/F of two types in turn, one more active than the other."""
    rng = np.random.default_rng(seed)
    spikes = (rng.random((n, SAMPLES)) < np.where(np.arange(n) % 2, 0.08, 0.02)[:, None]).astype("f4")
    trace = sum(np.roll(spikes, k, axis=1) * np.exp(-k / 8) for k in range(30)) * 0.5
    noise = rng.normal(0, 0.05, trace.shape)
    group = [f"s{seed}m{k // 50}" for k in range(n)]
    ids = [f"c{k}" for k in range(n)]
    np.savez(path, trace=trace + noise, cell_id=ids, group=group, sampling_rate=RATE, **columns)


def celltype(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "celltype_cli.cli", *arguments], check=True, stdout=subprocess.DEVNULL)


def own_memory(process: int) -> float:
    """Returns the GB that a process holds now and that are no pages of a file, which Linux takes back as it needs."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) / 1e9 for line in lines if line.startswith("RssAnon"))


def main(folder: Path, sizes: list[int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "labelled.npz", 1000, 0, label=[("PV", "SOM")[k % 2] for k in range(1000)])
    place = f"outputs={folder / 'outputs'}"
    celltype("train", "dataset=traces", f"dataset.path={folder / 'labelled.npz'}", "model=forest", "logger=none", place)
    celltype("export", "run=traces-forest", f"out={folder / 'bundle'}", "overwrite=true", place)
    ask = [f"model={folder / 'bundle'}", f"input={folder / 'new.npz'}", f"out={folder / 'answer'}", "overwrite=true"]
    for cells in sizes:
        write(folder / "new.npz", cells, 1)
        begin = time.perf_counter()
        command = [sys.executable, "-m", "celltype_cli.cli", "predict", *ask, place]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        own = 0.0
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            own = max(own, own_memory(process.pid))
            time.sleep(0.02)
        used, wall = ended[2], time.perf_counter() - begin
        computed, memory = used.ru_utime + used.ru_stime, 1024 * used.ru_maxrss / 1e9
        said = f"{memory:.2f} GB, of which {own:.2f} are no pages of a file"
        print(f"{cells} cells: {wall:.1f} s, {computed:.1f} s of computing, {said}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=CELLS)
    parser.add_argument("--folder", type=Path)
    typed = parser.parse_args()
    with TemporaryDirectory() as place:
        main(typed.folder or Path(place), typed.cells)
