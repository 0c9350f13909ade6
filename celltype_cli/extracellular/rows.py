"""What a sorted unit becomes as a row: waveform, histograms, 3D autocorrelogram, layer and tables of quantities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Shaped

from celltype_cli.extracellular import acg, counts, features, waveforms
from celltype_cli.extracellular.recording import LAYERS, Recording

HISTOGRAMS = {
    "correlogram": counts.pairs,
    "isi": counts.gaps,
    "log_correlogram": counts.log_pairs,
    "log_isi": counts.log_gaps,
}
TABLES = ("features", "waveform_features", "firing_features")
INPUTS = ("waveform", *HISTOGRAMS, *TABLES, "acg", "layer")
COLUMNS = {
    "features": features.FEATURES,
    "waveform_features": features.OF_WAVEFORM,
    "firing_features": features.FIRING,
}


def row_of(unit: Recording, inputs: Sequence[str], before: float, min_spikes: int) -> dict[str, np.ndarray]:
    """Returns what was asked for of one unit.

    Raises:
        ValueError: with why an input cannot be made.
    """
    if unit.spikes is not None and len(unit.spikes) < min_spikes:
        raise ValueError(f"it has {len(unit.spikes)} spikes; expected {min_spikes} or more (prepare.min_spikes)")
    if unit.spikes is not None and not np.isfinite(unit.spikes).all():
        raise ValueError("its spike times are not all finite")
    wave = _waveform(unit, before, needed="waveform" in inputs)
    counted = {name: _histogram(unit, name, needed=name in inputs) for name in HISTOGRAMS if _is_counted(name, inputs)}
    row = {name: counts.scaled(values, name)[None] for name, values in counted.items() if name in inputs}
    row |= {"waveform": wave[None]} if "waveform" in inputs else {}
    row |= {name: values for name, values in _measured(unit, wave, counted).items() if name in inputs}
    if nothing := [name for name in COLUMNS if name in inputs and np.isnan(row[name]).all()]:
        raise ValueError(f"nothing of its {nothing[0]} can be measured")
    if "acg" in inputs:
        row["acg"] = of_spikes(unit, "acg")
    if "layer" in inputs:
        row["layer"] = np.eye(len(LAYERS))[LAYERS.index(unit.layer or "unknown")]
    return row


def of_spikes(unit: Recording, name: str) -> Shaped[np.ndarray, "1 ..."]:
    """Returns one input that is counted of spikes: of `HISTOGRAMS` or "acg".

    Raises:
        ValueError: with why it cannot be made.
    """
    if name != "acg":
        return counts.scaled(_histogram(unit, name, needed=True), name)[None]
    if unit.spikes is None:
        raise ValueError("its file holds no spike times, which acg is made of; leave acg out of prepare.inputs")
    return acg.acg_3d(unit.spikes)[None]


def _is_counted(name: str, inputs: Sequence[str]) -> bool:
    return name in inputs or not name.startswith("log_")  # of which nothing else is made


def _waveform(unit: Recording, before: float, needed: bool) -> Shaped[np.ndarray, " _"] | None:
    """Returns a waveform as it is used; None where there is none, and none is needed."""
    try:
        return waveforms.normalised(unit.waveform, unit.waveform_rate, before)
    except ValueError:
        if needed or unit.waveform.size:
            raise
        return None


def _histogram(unit: Recording, name: str, needed: bool) -> Shaped[np.ndarray, " _"] | None:
    """Returns a histogram as it was counted; None where it cannot be, and is not needed."""
    try:
        if unit.spikes is None and name not in unit.counts:
            raise ValueError(f"its file holds neither spike times nor a finished {name}")
        found = unit.counts[name] if unit.spikes is None else HISTOGRAMS[name](unit.spikes)
        counts.scaled(found, name)
        return found[: counts.BINS]
    except ValueError:
        if needed:
            raise
        return None


def _measured(unit: Recording, waveform: Any, counted: dict[str, Any]) -> dict[str, np.ndarray]:
    """Returns the tables of `COLUMNS` of one unit."""
    wave = features.of_waveform(waveform)
    firing = features.of_firing(unit.spikes, counted["correlogram"], counted["isi"])
    return {"features": np.concatenate([wave, firing]), "waveform_features": wave, "firing_features": firing}
