"""Draws recorded sweeps, each above its scalogram as a network sees it.

    python scripts/draw_scalograms.py --sweeps allen_ctdb_long_square --out docs/images/scalograms_allen.png

The folder holds long squares of the Allen Cell Types Database (Gouwens et al., Nat Neurosci 22:1182, 2019):
sweeps_50kHz.npz with an array v_mV_<specimen_id>_<sweep_number> per sweep, and index.csv with the columns
specimen_id, sweep_number, label, cre_line, amp_pA, n_spikes, sampling_hz and stim_on_ms.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from celltype_cli.core import plots
from celltype_cli.patch_clamp.scalograms import frequencies, scalogram, stimulus_window

COLUMNS = 3
SIZE = (224, 224)
BEFORE, STEP, WINDOW = 100, 1000, 1200  # ms
EXPLANATION = """\
Mouse visual cortex: class (Cre line), current.

Above: membrane potential relative to its
level at both ends. Grey: the current step.

Below: the scalogram. A spike holds all
frequencies and draws a stroke, wide at 20 Hz
(50 ms), narrow at 200 Hz (5 ms). Equal spikes
look unequal, most at high frequencies,
as columns of the image lie 5.4 ms apart."""


def load(folder: Path) -> list[tuple[pd.Series, np.ndarray]]:
    """Returns each sweep's row of the index and its window (mV at 4 kHz), class by class."""
    index = pd.read_csv(folder / "index.csv").sort_values(["label", "cre_line", "specimen_id"])
    with np.load(folder / "sweeps_50kHz.npz") as sweeps:
        return [
            (
                row,
                stimulus_window(
                    sweeps[f"v_mV_{row['specimen_id']}_{row['sweep_number']}"],
                    float(row["sampling_hz"]),
                    row["stim_on_ms"] / 1000,
                ),
            )
            for _, row in index.iterrows()
        ]


@plots.styled
def draw(recorded: list[tuple[pd.Series, np.ndarray]]) -> Figure:
    """Draws a panel per sweep, traces on one scale, scalograms on one colour scale."""
    images = scalogram(np.stack([window for _, window in recorded]), size=SIZE)
    classes = sorted({row["label"] for row, _ in recorded})
    lines = -(-(len(recorded) + 1) // COLUMNS)
    figure = Figure(figsize=(13, 3.9 * lines), layout="constrained")
    panels = figure.subfigures(lines, COLUMNS, wspace=0.02, hspace=0.02).ravel()
    low, high = min(w.min() for _, w in recorded) - 5, max(w.max() for _, w in recorded) + 5
    for panel, (row, window), image in zip(panels, recorded, images):
        above, below = panel.subplots(2, 1, sharex=True, height_ratios=(2, 3))
        name = f"{row['label']} ({row['cre_line'].split('-')[0]})\n{row['amp_pA']:.0f} pA, {row['n_spikes']} spikes"
        panel.suptitle(name, color=plots.class_colour(row["label"], classes), fontweight="bold", fontsize=13)
        trace(above, window, plots.class_colour(row["label"], classes))
        above.set_ylim(low, high)
        shown = picture(below, image, images.max())
    note = panels[len(recorded)]
    scale = note.add_axes((0.1, 0.9, 0.84, 0.045))
    figure.colorbar(shown, cax=scale, orientation="horizontal", label="magnitude (mV times root of a sample)")
    note.text(0.1, 0.68, EXPLANATION, va="top", fontsize=13, linespacing=1.3)
    return figure


def trace(axes: Axes, window: np.ndarray, colour: str) -> None:
    axes.axvspan(0, STEP, color="0.92", lw=0)
    axes.plot(np.arange(len(window)) * WINDOW / len(window) - BEFORE, window, color=colour, lw=1)
    axes.set_ylabel("V (mV)")


def picture(axes: Axes, image: np.ndarray, brightest: float):
    first, last = frequencies()[[0, -1]]
    colours = {"cmap": "inferno", "interpolation": "nearest", "vmin": 0}
    extent = (-BEFORE, WINDOW - BEFORE, first - 0.5, last + 0.5)
    shown = axes.imshow(image, origin="lower", aspect="auto", extent=extent, **colours, vmax=brightest)
    axes.set(xlabel="time from stimulus onset (ms)", ylabel="frequency (Hz)", yticks=(20, 110, 200))
    axes.set_xticks(range(0, 1001, 500))
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=Path, required=True, help="folder with index.csv and sweeps_50kHz.npz")
    parser.add_argument("--out", type=Path, required=True, help="picture to write")
    given = parser.parse_args()
    plots.save(draw(load(given.sweeps)), given.out.with_suffix(""), [given.out.suffix[1:]])


if __name__ == "__main__":
    main()
