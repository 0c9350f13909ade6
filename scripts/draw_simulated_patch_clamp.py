"""Draws simulated patch-clamp recordings: a cell of each class with its scalograms, and features beside recorded ones.

    python scripts/draw_simulated_patch_clamp.py --numbers 1 --out docs/images/simulated_patch_clamp.png
    python scripts/draw_simulated_patch_clamp.py --statistics class_stats.csv --cells 100 --out features.png

The first picture takes the cells of each class with the given numbers, counted from 0. The second needs a table of
recorded cells with the columns source, label, feature, p25, p50 and p75, and prints the medians of both.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_dir
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from omegaconf import DictConfig

from celltype_cli.core import configs, plots
from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.recording import CLASSES
from celltype_cli.patch_clamp.scalograms import frequencies, scalogram, stimulus_window
from celltype_cli.patch_clamp.simulator.protocol import Cell, record
from celltype_cli.runs.build import cells_of

PROTOCOL = ("donor_share", "step_pA", "sampling_rate", "noise_mV", "seed")
BEFORE, STEP, WINDOW = 100, 1000, 1200  # ms
V, T = "_long_square (mV)", "_long_square (ms from threshold)"
FEATURES = {  # column of the statistics: name, unit, and how to get it from the simulated features
    "rheobase_pA": ("rheobase", "pA", lambda f: f["threshold_i_long_square (pA)"]),
    "ri_MOhm": ("input resistance", "MOhm", lambda f: f["ri (MOhm)"]),
    "tau_ms": ("time constant", "ms", lambda f: f["tau (ms)"]),
    "sag": ("sag", "", lambda f: f["sag"]),
    "vrest_mV": ("resting potential", "mV", lambda f: f["vrest (mV)"]),
    "ap_thr_mV": ("threshold", "mV", lambda f: f["threshold_v" + V]),
    "ap_peak_mV": ("peak", "mV", lambda f: f["peak_v" + V]),
    "ap_rise_ms": ("threshold to peak", "ms", lambda f: f["peak_t" + T]),
    "ap_peak_to_fasttrough_ms": ("peak to fast trough", "ms", lambda f: f["fast_trough_t" + T] - f["peak_t" + T]),
    "up_down_ratio": ("upstroke to downstroke", "", lambda f: f["upstroke_downstroke_ratio_long_square"]),
    "fast_ahp_mV": ("threshold to fast trough", "mV", lambda f: f["threshold_v" + V] - f["fast_trough_v" + V]),
    "trough_mV": ("trough", "mV", lambda f: f["trough_v" + V]),
    "latency_ms": ("latency", "ms", lambda f: f["latency (ms)"]),
    "avg_isi_ms": ("mean interval", "ms", lambda f: f["avg_isi (ms)"]),
    "adaptation": ("adaptation index", "", lambda f: f["adaptation"]),
    "fi_slope_Hz_per_pA": ("f-I slope", "Hz/pA", lambda f: f["f_i_curve_slope (Hz/pA)"]),
}


def composed(*overrides: str) -> DictConfig:
    """Returns the shipped config of the simulated dataset and of how it is prepared, with changes."""
    with initialize_config_dir(str(configs.folder()), version_base="1.3"):
        return compose("data", overrides=["dataset=patch_sim", *overrides])


@plots.styled
def examples(numbers: tuple[int, ...]) -> Figure:
    """Draws cells of each class with these numbers: voltage at rheobase and 40 pA above, each over its scalogram."""
    settings = composed().dataset
    cells = [Cell(k, number, number % settings.donors) for k in range(len(CLASSES)) for number in numbers]
    squares = []
    for recorded in record(cells, **{name: settings[name] for name in PROTOCOL}):
        two = chosen(recorded.sweeps)
        squares += [two.rheobase, two.hero]
    windows = [stimulus_window(s.sweep.voltage, s.sweep.sampling_rate, s.step.onset_s) for s in squares]
    images = scalogram(np.stack(windows))
    low, high = min(w.min() for w in windows) - 5, max(w.max() for w in windows) + 5
    columns = 2 * len(numbers)
    figure = Figure(figsize=(5 * columns, 15.5), layout="constrained")
    panels = figure.subfigures(len(CLASSES), columns, wspace=0.02, hspace=0.02).ravel()
    for k, (panel, square, window, image) in enumerate(zip(panels, squares, windows, images)):
        label = CLASSES[k // columns]
        what = ("rheobase", "rheobase + 40 pA")[k % 2]
        title = f"{label}, {what}\n{square.step.amplitude_pA:.0f} pA, {len(square.spike_times_s)} spikes"
        colour = plots.class_colour(label, CLASSES)
        panel.suptitle(title, color=colour, fontweight="bold", fontsize=15)
        above, below = panel.subplots(2, 1, sharex=True, height_ratios=(2, 3))
        above.axvspan(0, STEP, color="0.92", lw=0)
        above.plot(np.arange(len(window)) * WINDOW / len(window) - BEFORE, window, color=colour, lw=1)
        above.set(ylabel="V (mV)", ylim=(low, high))
        first, last = frequencies()[[0, -1]]
        extent = (-BEFORE, WINDOW - BEFORE, first - 0.5, last + 0.5)
        look = {"cmap": "inferno", "interpolation": "nearest", "vmin": 0, "vmax": images.max(), "extent": extent}
        below.imshow(image, origin="lower", aspect="auto", **look)
        below.set(xlabel="time from stimulus onset (ms)", ylabel="frequency (Hz)", yticks=(20, 110, 200))
        below.set_xticks(range(0, 1001, 250))
    return figure


def measured(cells_per_class: int) -> pd.DataFrame:
    """Returns the simulated features, one row per cell, named as in the statistics, with a column label."""
    changes = (f"dataset.cells_per_class={cells_per_class}", "prepare.inputs=[features]")
    with tempfile.TemporaryDirectory() as cache:
        cells = cells_of(composed(*changes, "prepare.feature_set=long_square", f"prepare.cache='{cache}'"))
    found = pd.DataFrame(cells.inputs["features"], columns=cells.about.of("features").columns)
    table = pd.DataFrame({name: get(found) for name, (_, _, get) in FEATURES.items()})
    return table.assign(label=np.array(cells.classes)[cells.label])


@plots.styled
def beside(simulated: pd.DataFrame, recorded: pd.DataFrame) -> Figure:
    """Draws medians and quartiles of simulated (filled) beside recorded (open) cells, a panel per feature."""
    figure = Figure(figsize=(14, 13), layout="constrained")
    for axes, (name, (title, unit, _)) in zip(figure.subplots(4, 4).ravel(), FEATURES.items()):
        for k, label in enumerate(CLASSES):
            colour = plots.class_colour(label, CLASSES)
            real = recorded.loc[(label, name), ["p25", "p50", "p75"]].to_numpy(dtype=float)
            ours = np.nanpercentile(simulated.loc[simulated["label"] == label, name], [25, 50, 75])
            for x, (low, middle, high), face in ((k - 0.15, real, "white"), (k + 0.15, ours, colour)):
                axes.plot([x, x], [low, high], color=colour, lw=3, solid_capstyle="butt")
                axes.plot(x, middle, "o", ms=9, mec=colour, mfc=face, mew=2)
        axes.set_title(title)
        axes.set_ylabel(unit)
        axes.set_xticks(range(len(CLASSES)), ["Pvalb", "Exc.", "Vip/L5", "Sst"])
        axes.margins(x=0.1, y=0.12)
    marks = [
        Line2D([], [], marker="o", ms=9, mec="0.3", mfc=face, mew=2, color="0.3", lw=3) for face in ("white", "0.3")
    ]
    figure.legend(marks, ["recorded (Allen, 5,590 cells)", "simulated"], loc="outside upper center", ncols=2)
    return figure


def table(simulated: pd.DataFrame, recorded: pd.DataFrame) -> str:
    """Returns the medians of both, as Markdown."""
    lines = [f"| feature | {' | '.join(CLASSES)} |", "| --- | --- | --- | --- | --- |"]
    for name, (title, unit, _) in FEATURES.items():
        ours = simulated.groupby("label")[name].median()
        cells = [f"{ours[label]:.3g} / {recorded.loc[(label, name), 'p50']:.3g}" for label in CLASSES]
        lines.append(f"| {title}{', ' + unit if unit else ''} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--statistics", type=Path, help="csv of recorded features; without it, examples are drawn")
    parser.add_argument("--cells", type=int, default=100, help="simulated cells of each class, for the features")
    parser.add_argument("--numbers", type=int, nargs="+", default=[0], help="which cells of each class are examples")
    parser.add_argument("--out", type=Path, required=True, help="picture to write")
    given = parser.parse_args()
    if given.statistics is None:
        plots.save(examples(tuple(given.numbers)), given.out.with_suffix(""), [given.out.suffix[1:]])
        return
    recorded = pd.read_csv(given.statistics).query("source == 'all'").set_index(["label", "feature"])
    simulated = measured(given.cells)
    plots.save(beside(simulated, recorded), given.out.with_suffix(""), [given.out.suffix[1:]])
    print(table(simulated, recorded))


if __name__ == "__main__":
    main()
