"""Electrophysiological features of the cells of the STS paper, as its repository publishes them.

Paper, cells and licence: see `sts_tables`.
Files: Split/PatchClamp_EP_features.csv and Split/PatchSeq_EP_features.csv, with the columns of the Allen feature tables
    (made with IPFX): the first spike of the rheobase sweep (*_long_square); the first spikes in ramps and after short
    squares, averaged over sweeps; adaptation, latency and avg_isi of the sweep about 40 pA above rheobase.
Times there are absolute. The stimulus begins at 1.02 s in Clamp and at 0.5 s in Seq, ramps (25 pA/s) too, and most
    Excitatory cells are Clamp: such times give part of the label away. Here, but for `recipe`, thresholds are timed
    from the onset and all else from the threshold.
Left out of `all`: slow_trough_*_short_square, which 99 % of Seq and 64 % of Clamp lack; trough_t_short_square, which
    ends with the sweep, 1.0 s after the threshold in Clamp and 1.1 s in Seq; threshold_t_ramp, which is
    threshold_i_ramp over 25 pA/s; has_burst, has_pause and has_delay, which only Clamp has.
Used by the paper: `recipe`, which lost avg_isi and the three has_* by a renaming.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.cells.about import About, Input
from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import check_choice, counted, raise_faults
from celltype_cli.patch_clamp.datasets import sts_tables
from celltype_cli.patch_clamp.features.cell import STIMULI, UNUSED, from_rest
from celltype_cli.patch_clamp.features.first_spike import LATER
from celltype_cli.patch_clamp.prepare import TREES
from celltype_cli.patch_clamp.recording import CLASSES

# Of each source: file, its column of ids, onset of all stimuli (s).
TABLES = {
    "Clamp": ("PatchClamp_EP_features.csv", "specimen_id", 1.02),
    "Seq": ("PatchSeq_EP_features.csv", "cell_specimen_id", 0.5),
}
POINTS = ("threshold", *LATER)
TRAIN = {"adaptation": "", "latency": " (s)", "avg_isi": " (ms)"}
PASSIVE = {
    "vrest": " (mV)",
    "ri": " (MOhm)",
    "sag": "",
    "tau": " (ms)",
    "vm_for_sag": " (mV)",
    "f_i_curve_slope": " (Hz/pA)",
}
FEATURE_SETS = ("recipe", "two_sweep", "long_square", "all")


def load(*, path: str | Path, feature_set: str, cells: str) -> Cells:
    """Reads both tables; the groups are donors where `sts_tables.DONORS` names them.

    Args:
        path: the folder that holds Split and `sts_tables.LABELS`.
        feature_set: "recipe": what the paper used, absolute times included; "two_sweep": what the sweeps at rheobase
            and about 40 pA above it show; "long_square": all that long squares show; "all": ramps and short squares
            too.
        cells: "listed": those of the published lists; "labelled": others that have a label as well.

    Raises:
        UserError: when a file is missing or broken, with all faults of it at once.
    """
    check_choice("dataset.feature_set", feature_set, FEATURE_SETS)
    folder = sts_tables.folder(path)
    tables = {source: _read(folder / "Split" / file, key) for source, (file, key, _) in TABLES.items()}
    twice = sorted(set(tables["Clamp"].index) & set(tables["Seq"].index))
    raise_faults(f"{folder / 'Split'}", (f"cell {cell} is in both tables" for cell in twice))
    found = pd.concat([_columns(table, source, feature_set) for source, table in tables.items()])
    measured = found.notna().any(axis=1)
    source_of = {cell: source for source, table in tables.items() for cell in table.index if measured[cell]}
    chosen = sts_tables.choose(folder, source_of, cells, "the tables")
    notes = list(chosen.notes)
    if unmeasured := int((~measured).sum()):
        notes.append(f"{counted(unmeasured, 'cell')} left out: none of their features was measured")
    if feature_set == "recipe":
        notes.append("times are absolute, as in the paper: columns *_t_long_square tell Clamp from Seq")
    return Cells(
        inputs={"features": found.loc[chosen.cell_id].to_numpy(np.float32)},
        label=chosen.label,
        cell_id=np.array(chosen.cell_id),
        group=chosen.group,
        source=chosen.source,
        classes=CLASSES,
        about=About(
            name=f"sts_features {feature_set}",
            citation=sts_tables.CITATION,
            notes=tuple(notes),
            group="donor",
            inputs={"features": Input(columns=tuple(found.columns), models=TREES)},
        ),
    )


def _read(file: Path, key: str) -> pd.DataFrame:
    """Returns the numbers of one table, by id."""
    names = [*TRAIN, *PASSIVE, *(name for stimulus in STIMULI for name in _published(stimulus))]
    text = sts_tables.read_csv(file, [key, *names]).set_index(key).replace("", np.nan)
    raise_faults(str(file), _faults(text[names], text[names].apply(pd.to_numeric, errors="coerce")))
    return text[names].astype(float)  # to the last digit, which pandas 2's to_numeric misses in one of 300 values


def _faults(text: pd.DataFrame, table: pd.DataFrame) -> Iterator[str]:
    if unnamed := int((text.index == "").sum()):
        yield f"{unnamed} rows have no id"
    for cell in sorted({*text.index[text.index.duplicated()]} - {""}):
        yield f"cell {cell} has several rows"
    for name in text:
        wrong = text.loc[(text[name].notna() & ~np.isfinite(table[name])).to_numpy(), name]
        if len(wrong):
            first = f"{wrong.iloc[0]!r} of cell {wrong.index[0]}"
            yield f"column {name}: {len(wrong)} values are no numbers, the first {first}"


def _published(stimulus: str) -> dict[str, str]:
    """Returns the columns of one stimulus in the tables, and their units there."""
    kinds = {"v": " (mV)", "t": " (s)"}
    points = {f"{point}_{kind}_{stimulus}": unit for kind, unit in kinds.items() for point in POINTS}
    return points | {f"threshold_i_{stimulus}": " (pA)", f"upstroke_downstroke_ratio_{stimulus}": ""}


def _columns(table: pd.DataFrame, source: str, feature_set: str) -> pd.DataFrame:
    if feature_set == "recipe":
        units = {name: TRAIN[name] for name in ("adaptation", "latency")}
        units |= {"f_i_curve_slope": PASSIVE["f_i_curve_slope"]} | _published("long_square")
        return table[[*units]].rename(columns={name: name + unit for name, unit in units.items()})
    onset = TABLES[source][2]
    found = {
        "adaptation": table["adaptation"],
        "latency (ms)": 1e3 * table["latency"],
        "avg_isi (ms)": table["avg_isi"],
    }
    spikes: dict[str, pd.Series] = {}
    for stimulus in STIMULI if feature_set == "all" else STIMULI[:1]:
        spikes |= _spike(table, stimulus, onset)
    if feature_set != "two_sweep":
        found |= {name + unit: table[name] for name, unit in PASSIVE.items()}
        found |= from_rest(found | spikes)
    found |= spikes
    return pd.DataFrame({name: values for name, values in found.items() if not name.startswith(UNUSED)})


def _spike(table: pd.DataFrame, stimulus: str, onset: float) -> dict[str, pd.Series]:
    """Returns the columns of one stimulus, times made relative, and differences of voltage, which a tree cannot form.

    Some times in ramps and after short squares lie before the onset or the threshold, because each was averaged over
    other sweeps: they count as not measured.
    """
    v, t = ({point: table[f"{point}_{kind}_{stimulus}"] for point in POINTS} for kind in "vt")
    times = {f"threshold_t_{stimulus} (ms from onset)": t["threshold"] - onset}
    times |= {f"{point}_t_{stimulus} (ms from threshold)": t[point] - t["threshold"] for point in LATER}
    return {
        **{f"{point}_v_{stimulus} (mV)": v[point] for point in POINTS},
        **{name: 1e3 * time.where(time >= 0) for name, time in times.items()},
        f"threshold_i_{stimulus} (pA)": table[f"threshold_i_{stimulus}"],
        f"upstroke_downstroke_ratio_{stimulus}": table[f"upstroke_downstroke_ratio_{stimulus}"],
        f"spike_height_{stimulus} (mV)": v["peak"] - v["threshold"],
        f"fast_trough_depth_{stimulus} (mV)": v["threshold"] - v["fast_trough"],
        f"trough_depth_{stimulus} (mV)": v["threshold"] - v["trough"],
    }
