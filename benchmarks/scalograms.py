"""Prints how fast and how exact our scalograms are, beside PyWavelets followed by torch's resize, all in one process.

Columns:
    conv      pywt.cwt as it comes (method="conv"), its magnitude, torch's bilinear interpolate; in float32
    fft       the same with method="fft"
    fast      celltype_cli.patch_clamp.scalograms.scalogram

Each makes a cell's image: from two windows of 1.2 s at 4 kHz (spikes of 1 ms, noise) to two channels. Times are
those of the one thread on the processor, which other processes disturb less than they do a clock on the wall.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version

import numpy as np
import pywt
import torch
from threadpoolctl import threadpool_limits
from torch.nn.functional import interpolate

from celltype_cli.patch_clamp.scalograms import scalogram
from celltype_cli.runs import environment

SCALES = 0.25 * 4000 / np.arange(20, 200)  # to PyWavelets, a Mexican hat of scale 1 has 0.25 periods a sample
CELLS_A_ROUND = 5


def cell(seed: int) -> np.ndarray:
    """Returns two windows in mV: 5 spikes at rheobase, 20 at the larger current."""
    draw, at = np.random.default_rng(seed), np.arange(4800) / 4000 - 0.1
    rows = []
    for count in (5, 20):
        since = at - draw.uniform(0, 1, (count, 1))
        spike = 100 * np.exp(-((since / 0.0004) ** 2)) - 15 * np.exp(-since / 0.02) * (since > 0)
        rows.append(spike.sum(axis=0) + draw.normal(0, 0.1, len(at)))
    return np.array(rows, dtype=np.float32)


def plain(windows: np.ndarray, size: tuple[int, int], method: str = "conv") -> np.ndarray:
    """Makes the image as one would write it, in the precision of the windows."""
    magnitude = np.abs(pywt.cwt(windows, SCALES, "mexh", method=method)[0])
    stack = torch.from_numpy(magnitude).movedim(0, 1)[None]
    resized = interpolate(stack, size=size, mode="bilinear", align_corners=False)[0]
    return resized.numpy()


def fast(windows: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return scalogram(windows, size=size)


def milliseconds(make: Callable, cells: list[np.ndarray]) -> float:
    started = time.process_time()
    for windows in cells:
        make(windows)
    return 1e3 * (time.process_time() - started) / len(cells)


def report(size: tuple[int, int], rounds: int) -> None:
    columns = {"conv": plain, "fft": partial(plain, method="fft"), "fast": fast}
    spent, errors = {name: [] for name in columns}, []
    for turn in range(1 + rounds):  # the first turn warms up
        cells = [cell(CELLS_A_ROUND * turn + k) for k in range(CELLS_A_ROUND)]
        took = {name: milliseconds(partial(make, size=size), cells) for name, make in columns.items()}
        if turn:
            [spent[name].append(value) for name, value in took.items()]
        exact = plain(cells[0].astype(np.float64), size)
        errors.append(np.abs(fast(cells[0], size) - exact).max() / np.abs(exact).max())
    print(f"{size[0]} x {size[1]}")
    for name, values in spent.items():
        print(f"  {name:12}{statistics.median(values):8.2f} ms a cell   {min(values):.2f} to {max(values):.2f}")
    for name in ("conv", "fft"):
        ratio = statistics.median(a / b for a, b in zip(spent[name], spent["fast"]))
        print(f"  {f'{name} / fast':12}{ratio:8.1f}             aim: at least 10")
    print(f"  error       {max(errors):8.1e}             aim: at most 1e-3")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="times each column is measured, in turn (default 9)")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{environment.describe()['processor']}, 1 thread, load average {load}")
    print(", ".join(f"{name} {version(name)}" for name in ("numpy", "pywavelets", "torch")))
    print(f"median of {rounds} rounds of {CELLS_A_ROUND} cells, range; error: max |a - b| / max |b|, the largest found")
    with threadpool_limits(1):
        for size in ((224, 224), (299, 299)):
            report(size, rounds)


if __name__ == "__main__":
    main()
