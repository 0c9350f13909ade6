"""What it costs that the waveform is a sorter's template: held-out units labelled with waveforms as Kilosort has them.

    python benchmarks/template_waveforms.py bundle units.npz

The bundle is of the folds of a run on those units; each is labelled by the model that had not seen its group. Their
waveforms are real, what Kilosort does to them is simulated: a high-pass filter (300 Hz, Butterworth of order 3, forward
and backward), and templates that begin 20 samples before the trough and have 61 in all (Kilosort 2 to 4 at 30 kHz).
Whitening is undone by the reader and low rank changes nothing on one channel: neither is simulated. A minute.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.signal import butter, sosfiltfilt

from celltype_cli.bundles.bundle import HELD_OUT, Bundle, load_bundle
from celltype_cli.bundles.called import call
from celltype_cli.bundles.recordings import recordings_of
from celltype_cli.extracellular.recording import Recording

HIGH_PASS, ORDER = 300.0, 3  # Hz
BEFORE, SAMPLES = 20, 61  # of a template, before its trough and in all, at 30 kHz


def filtered(unit: Recording) -> Recording:
    n = unit.waveform.shape[1]
    steady = np.pad(unit.waveform, ((0, 0), (n, n)), mode="edge")
    high = sosfiltfilt(butter(ORDER, HIGH_PASS, "high", fs=unit.waveform_rate, output="sos"), steady)
    return replace(unit, waveform=high[:, n:-n].astype(np.float32) * 50)  # no more finished in its file


def cut(unit: Recording) -> Recording:
    channel = np.ptp(unit.waveform, axis=1).argmax()
    start = unit.waveform[channel].argmin() - BEFORE
    at = np.clip(np.arange(start, start + SAMPLES), 0, unit.waveform.shape[1] - 1)
    return replace(unit, waveform=np.ascontiguousarray(unit.waveform[:, at]) * 50)


WAYS = {
    "as recorded": lambda unit: unit,
    f"{SAMPLES} samples": cut,
    f"above {HIGH_PASS:g} Hz": filtered,
    "both": lambda unit: cut(filtered(unit)),
}


def main(bundle: Bundle, path: str) -> None:
    units = recordings_of(bundle, path)
    told = pd.read_csv(bundle.path / HELD_OUT, dtype={"cell_id": str}).set_index("cell_id")
    units = replace(units, entries=[unit for unit in units.entries if unit.cell_id in told.index])
    told = told.loc[[unit.cell_id for unit in units.entries]]
    label, least, first = told["label"].to_numpy(), bundle.held_out.threshold(0.95), None
    for name, way in WAYS.items():
        cells = bundle.aligned(
            call(bundle.about["prepare"], replace(units, entries=[way(unit) for unit in units.entries]))
        )
        proba = np.zeros((len(told), len(bundle.classes)))
        for model, predict in zip(bundle.about["models"], bundle.members):
            mine = np.flatnonzero(told["fold"] == int(model.removeprefix("fold_")))
            proba[mine] = predict(cells[mine])
        best = np.array(bundle.classes)[proba.argmax(axis=1)]
        sure, right = bundle.held_out.calibrated(proba).max(axis=1) >= least, best == label
        balanced = np.mean([right[label == kind].mean() for kind in np.unique(label)])
        first = best if first is None else first
        print(f"{name:14s} accuracy {right.mean():.3f}, balanced {balanced:.3f}; labelled {100 * sure.mean():.0f} %, "
              f"{100 * right[sure].mean():.1f} % right; {(best != first).sum()} best guesses changed")  # fmt: skip


if __name__ == "__main__":
    main(load_bundle(sys.argv[1]), sys.argv[2])
