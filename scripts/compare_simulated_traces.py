"""Draws simulated calcium traces beside recorded ones and prints their statistics side by side.

    python scripts/compare_simulated_traces.py --real cascade_celltypes.h5 --out docs/images/simulated_beside_real.png

The recorded traces are CASCADE's ground truth (Rupprecht et al., Nat Neurosci 24:1324, 2021) in one HDF5 file:
/neurons/<id>/{dff, segment_start, spike_times_s, spike_segment}, attributes dataset and frame_rate_hz. Both sides go
through the same `measure`. Each class is judged against the group named in JUDGED, for these reasons:

* PY and PV have been recorded in vivo with GCaMP6f. PV's four cells are four times noisier than the simulated ones,
  which hides skewness: that one is judged against the fast-spiking cells of DS33.
* SOM in vivo exists with OGB-1 only. Spikes do not depend on the dye, so they are judged against it; kernel and
  trace are judged against GCaMP6f in slices, where puffs of KCl make events larger than in vivo.
* VIP exists in slices only; the same caveat holds for everything about it.
* Noise and drift belong to the microscope, and the simulated classes share one: all are judged against PY's group.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import yaml
from matplotlib.figure import Figure
from scipy.linalg import solve
from scipy.ndimage import percentile_filter
from scipy.optimize import curve_fit
from scipy.stats import skew

from celltype_cli.calcium.simulator.dataset import CLASSES, Cell, simulate
from celltype_cli.core import plots

CONFIG = Path(__file__).parents[1] / "conf" / "dataset" / "calcium_sim.yaml"
PY, PV, FS = "EXC in vivo GCaMP6f (DS09-11)", "PV in vivo GCaMP6f (DS27)", "FS putative PV in vivo (DS33)"
SST, SLICE, VIP = "SST in vivo OGB-1 (DS22)", "SST slice GCaMP6f (DS25)", "VIP slice GCaMP6f (DS26)"
DATASETS = {PY: ("DS09", "DS10", "DS11"), PV: ("DS27",), FS: ("DS33",), SST: ("DS22",), SLICE: ("DS25",)}
DATASETS[VIP] = ("DS26",)
SHOWN = {"PY": PY, "PV": PV, "SOM": SLICE, "VIP": VIP}
OF_SPIKES = ("rate_hz", "isi_cv", "isi_cv2_local", "frac_isi_below_10ms", "median_isi_s", "fano_10s")
OF_TRACE = ("dff_per_spike_FIR", "kernel_tau_decay_s_FIR", "trace_sd_dff", "trace_skew")
OF_MICROSCOPE = ("noise_nu_pct_per_sqrtHz", "drift_sd_dff")
JUDGED = {name: dict.fromkeys(OF_SPIKES + OF_TRACE, SHOWN[name]) | dict.fromkeys(OF_MICROSCOPE, PY) for name in CLASSES}
JUDGED["PV"]["trace_skew"] = FS
JUDGED["SOM"] |= dict.fromkeys(OF_SPIKES, SST)
KERNEL_S, BEFORE_S = 4.0, 0.2  # span of the fitted kernel after and before a spike


def measure(segments: Sequence[tuple[np.ndarray, np.ndarray]], sampling_rate: float) -> dict[str, float]:
    """Returns the statistics of one cell; names and units as the columns of the table of recorded cells.

    CV2 is Holt et al. (J Neurophysiol 75:1806, 1996); noise is CASCADE's; drift is the sd of the running 10th
    percentile over 60 s; the kernel is the least-squares finite impulse response of dF/F to spikes.

    Args:
        segments: dF/F and spike times in seconds from the first sample, of each uninterrupted stretch.
        sampling_rate: Hz.
    """
    dff = np.concatenate([trace for trace, _ in segments]).astype(float)
    isi = np.concatenate([np.diff(spikes) for _, spikes in segments])
    first = np.concatenate([np.diff(spikes)[:-1] for _, spikes in segments])
    second = np.concatenate([np.diff(spikes)[1:] for _, spikes in segments])
    edges = [np.arange(0, len(trace) / sampling_rate + 1e-9, 10) for trace, _ in segments]
    counts = np.concatenate(
        [np.histogram(spikes, edge)[0] for (_, spikes), edge in zip(segments, edges, strict=True) if len(edge) > 1]
    )
    found = len(isi) > 1
    peak, decay_s = kernel(segments, sampling_rate)
    return {
        "rate_hz": sum(len(spikes) for _, spikes in segments) * sampling_rate / len(dff),
        "isi_cv": isi.std() / isi.mean() if found else np.nan,
        "isi_cv2_local": np.mean(2 * abs(first - second) / (first + second)) if len(first) else np.nan,
        "frac_isi_below_10ms": np.mean(isi < 0.01) if found else np.nan,
        "median_isi_s": np.median(isi) if found else np.nan,
        "fano_10s": counts.var() / counts.mean() if counts.any() else np.nan,
        "dff_per_spike_FIR": peak,
        "kernel_tau_decay_s_FIR": decay_s,
        "noise_nu_pct_per_sqrtHz": 100 * np.median(abs(np.diff(dff))) / np.sqrt(sampling_rate),
        "drift_sd_dff": percentile_filter(dff, 10, int(60 * sampling_rate)).std(),
        "trace_sd_dff": dff.std(),
        "trace_skew": skew(dff),
    }


def kernel(segments: Sequence[tuple[np.ndarray, np.ndarray]], sampling_rate: float) -> tuple[float, float]:
    """Returns the peak in dF/F per spike and the decay time in s (at most 6) of the fitted impulse response."""
    after, before = int(KERNEL_S * sampling_rate), int(BEFORE_S * sampling_rate)
    lags = np.arange(-before, after)
    gram, moments = np.zeros((len(lags) + 1,) * 2), np.zeros(len(lags) + 1)
    for dff, spikes in segments:
        if len(dff) <= 2 * (after + before):
            continue
        counts = np.bincount((spikes * sampling_rate).astype(int), minlength=len(dff))[: len(dff)].astype(float)
        design = np.stack([*(np.roll(counts, lag) for lag in lags), np.ones(len(dff))])[:, after:-before]
        gram += design @ design.T
        moments += design @ dff[after:-before]
    gram[np.arange(len(lags)), np.arange(len(lags))] += 0.01 * gram[before, before] + 1e-9
    response = solve(gram + 1e-12 * np.eye(len(gram)), moments, assume_a="pos")[:-1]
    top = int(np.argmax(response[: before + int(sampling_rate)]))
    tail, seconds = response[top:], np.arange(len(response) - top) / sampling_rate
    start, bounds = (max(tail[0], 1e-3), 0.5), ((0, 0.02), (np.inf, 6))
    try:
        (_, decay_s), _ = curve_fit(lambda t, a, tau: a * np.exp(-t / tau), seconds, tail, p0=start, bounds=bounds)
    except RuntimeError:
        decay_s = np.nan
    return float(response[top]), float(decay_s)


def recorded(path: Path, datasets: Sequence[str]) -> list[tuple[list[tuple[np.ndarray, np.ndarray]], float]]:
    """Reads the cells of some datasets as (segments, sampling rate in Hz)."""
    cells = []
    with h5py.File(path) as file:
        for neuron in file["neurons"].values():
            if neuron.attrs["dataset"][:4] in datasets:
                starts = [*neuron["segment_start"][:], len(neuron["dff"])]
                spikes, where = neuron["spike_times_s"][:].astype(float), neuron["spike_segment"][:]
                pieces = [neuron["dff"][a:b] for a, b in pairwise(starts)]
                segments = [(piece, spikes[where == k]) for k, piece in enumerate(pieces)]
                cells.append((segments, float(neuron.attrs["frame_rate_hz"])))
    return cells


def simulated(name: str, n_cells: int, seconds: float, sampling_rate: float = 30.0) -> list:
    """Simulates cells of one class as the shipped config has them, each from another animal."""
    config = yaml.safe_load(CONFIG.read_text())
    for key in ("defaults", "_target_", "cells_per_class", "animals", "one_class_per_animal", "sessions"):
        config.pop(key)
    config |= {"timesteps": int(seconds * sampling_rate), "sampling_rate": sampling_rate}
    cells = [Cell(CLASSES.index(name), k, animal=k, session=0) for k in range(n_cells)]
    return [([pair], sampling_rate) for pair in zip(*simulate(cells, **config), strict=True)]


@plots.styled
def draw(path: Path, seconds: float = 60.0) -> Figure:
    """Draws, for each class, the cells at the 20th, 50th and 80th percentile of the traces' sd, on both sides."""
    figure = Figure(figsize=(11, 13.5), layout="constrained")
    axes = figure.subplots(12, 2, sharex=True)
    for block, (name, group) in enumerate(SHOWN.items()):
        sides = (simulated(name, 60, seconds), recorded(path, DATASETS[group]))
        for column, cells in enumerate(sides):
            longest = [(max((trace for trace, _ in segments), key=len), rate) for segments, rate in cells]
            shown = sorted((trace[: int(seconds * rate)].std(), k) for k, (trace, rate) in enumerate(longest))
            for row, part in enumerate((0.2, 0.5, 0.8)):
                trace, rate = longest[shown[round(part * (len(shown) - 1))][1]]
                trace = trace[: int(seconds * rate)]
                axis = axes[3 * block + row, column]
                axis.plot(np.arange(len(trace)) / rate, trace, color=plots.class_colour(name, CLASSES), linewidth=0.8)
                axis.locator_params(axis="y", nbins=2)
        for axis, title in zip(axes[3 * block], (f"{name} (simulated)", group)):
            axis.set_title(title, color=plots.class_colour(name, CLASSES), fontweight="bold", fontsize=15)
        axes[3 * block + 1, 0].set_ylabel("dF/F")
    for axis in axes[-1]:
        axis.set(xlabel="time (s)", xlim=(0, seconds))
    return figure


def table(path: Path) -> pd.DataFrame:
    """Returns medians of simulated and recorded cells and the recorded 5th to 95th percentile."""
    real = {group: pd.DataFrame([measure(*cell) for cell in recorded(path, ids)]) for group, ids in DATASETS.items()}
    rows = []
    for name, groups in JUDGED.items():
        ours = pd.DataFrame([measure(*cell) for cell in simulated(name, 60, 300.0)]).median()
        for statistic, group in groups.items():
            low, middle, high = real[group][statistic].quantile([0.05, 0.5, 0.95])
            rows.append((name, statistic, ours[statistic], middle, low, high, group, len(real[group])))
    columns = ["class", "statistic", "simulated", "real median", "real 5th", "real 95th", "judged against", "cells"]
    return pd.DataFrame(rows, columns=columns)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, required=True, help="cascade_celltypes.h5")
    parser.add_argument("--out", type=Path, required=True, help="PNG to write")
    parser.add_argument("--csv", type=Path, help="also write the table here")
    given = parser.parse_args()
    plots.save(draw(given.real), given.out.with_suffix(""), [given.out.suffix[1:]])
    rows = table(given.real)
    print("| " + " | ".join(rows.columns) + " |\n|" + "---|" * rows.shape[1])
    for row in rows.itertuples(index=False):
        print("| " + " | ".join(f"{value:.3g}" if isinstance(value, float) else str(value) for value in row) + " |")
    if given.csv:
        rows.to_csv(given.csv, index=False)


if __name__ == "__main__":
    main()
