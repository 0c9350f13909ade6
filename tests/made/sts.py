"""A folder in the layout of the STS repository: five cells of each source, round numbers."""

import numpy as np
import pandas as pd

ONSET = {"Clamp": 1.02, "Seq": 0.5}
IDS = {"Clamp": range(101, 106), "Seq": range(201, 206)}
LABELS = ["Pvalb", "Excitatory", "Vip/Lamp5", "Sst", "Unsure"]
POINTS = {"threshold": 0.1, "peak": 0.1005, "fast_trough": 0.102, "trough": 0.11, "slow_trough": 0.12}  # s
VOLTS = {"threshold": -40.0, "peak": 30.0, "fast_trough": -50.0, "trough": -55.0, "slow_trough": -56.0}  # mV


def table(source):
    """Features as published, the thresholds 100 ms after the onset; tau tells the cells apart."""
    columns = {"adaptation": 0.02, "latency": 0.05, "avg_isi": 60.0, "vrest": -70.0, "ri": 150.0, "sag": 0.1}
    columns |= {"vm_for_sag": -90.0, "f_i_curve_slope": 0.2}
    for stimulus in ("long_square", "ramp", "short_square"):
        columns |= {f"{point}_t_{stimulus}": ONSET[source] + time for point, time in POINTS.items()}
        columns |= {f"{point}_v_{stimulus}": volts for point, volts in VOLTS.items()}
        columns |= {f"threshold_i_{stimulus}": 110.0, f"upstroke_downstroke_ratio_{stimulus}": 2.5}
    ids = list(IDS[source])
    made = pd.DataFrame(columns, index=range(len(ids))).assign(tau=np.array(ids) / 10)
    return made.assign(**{"specimen_id" if source == "Clamp" else "cell_specimen_id": ids})


def write(folder, **changed):
    """Writes the folder; `Clamp` and `Seq` replace a table, `labels`, `train` and `test` the text of a file."""
    (folder / "Split").mkdir(parents=True, exist_ok=True)
    names = {"Clamp": "PatchClamp_EP_features.csv", "Seq": "PatchSeq_EP_features.csv"}
    for source, name in names.items():
        changed.get(source, table(source)).to_csv(folder / "Split" / name, index=False)
    lines = [f"{label} {cell}" for ids in IDS.values() for label, cell in zip(LABELS, ids, strict=True)]
    texts = {
        "cell_types_GouwensAll_new.txt": changed.get("labels", "\n".join(lines) + "\n"),
        "Split/Train_split.csv": changed.get("train", "101, Clamp\n102, Clamp\n103, Clamp\n204, Seq\n301, Seq\n"),
        "Split/Test_split.csv": changed.get("test", "201, Seq\n202, Seq\n203, Seq\n"),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def write_donors(folder):
    """101 and 201 are of one animal; 102 is of an animal that nobody wrote down, and others are not in the file."""
    (folder / "cells.csv").write_text("specimen_id,donor_id,stim_onset_s\n101,m1,1.02\n201,m1,0.5\n102,,1.02\n")


PAIR = ("203", "299")  # Vip/Lamp5, the first in the published training list, the second in the test list


def write_with_pair(folder):
    """Writes eight cells of each class and source, measured with noise, and one of them again under another id."""
    rng, tables, lines, lists = np.random.default_rng(0), {}, [], {"train": [], "test": []}
    for source, first in (("Clamp", 101), ("Seq", 201)):
        ids = [*range(first, first + 32)]
        one = table(source).drop(columns="specimen_id" if source == "Clamp" else "cell_specimen_id").iloc[0]
        values = pd.DataFrame(one.to_numpy() * (1 + 0.02 * rng.normal(size=(32, len(one)))), columns=one.index)
        tables[source] = values.assign(**{"specimen_id" if source == "Clamp" else "cell_specimen_id": ids})
        lines += [f"{LABELS[k % 4]} {cell}" for k, cell in enumerate(ids)]
        for k, cell in enumerate(ids):
            lists["train" if k < 24 else "test"].append(f"{cell}, {source}")
    seq = tables["Seq"]
    again = seq[seq["cell_specimen_id"] == int(PAIR[0])].assign(cell_specimen_id=int(PAIR[1]))
    tables["Seq"] = pd.concat([seq, again], ignore_index=True)
    lists["test"].append(f"{PAIR[1]}, Seq")
    texts = {name: "\n".join(of) + "\n" for name, of in lists.items()}
    return write(folder, **tables, **texts, labels="\n".join([*lines, f"Vip/Lamp5 {PAIR[1]}"]) + "\n")
