"""Prints what rows without a label are worth to the network of sorted units, beside the usual model and the floor.

Data: the cerebellar units of Beau et al. 2025 (Cell), which are not part of this repository: hull.npz,
lisberger_macaque.npz and hausser_unlabelled.npz in --folder. Designs:
    hull         recordings of hull left out in turn; no other units
    +macaque     the same, and the units of the macaque file that have no label train without one
    +hausser     the same from waveforms alone, and the units of the hausser file train without a label
    to_hull      all units of the macaque file train, hull is tested
    to_macaque   all units of hull train, macaque is tested; its units without a label are held out, too
Each line is one training of all folds: the seed sets initialisation, order and dropout. Intervals are of the jackknife
over recordings (units, where the recording is unknown) and do not hold the spread over seeds.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from hydra import compose, initialize_config_dir

from celltype_cli.core import configs
from celltype_cli.evaluation.predictions import predictions_table
from celltype_cli.evaluation.scores import scores
from celltype_cli.runs.build import build

HULL, MACAQUE, HAUSSER = "hull.npz", "lisberger_macaque.npz", "hausser_unlabelled.npz"
COUNTS, LEFT_OUT = "[waveform,correlogram,isi]", ("split=leave_one_group_out", "split.valid_fraction=0")
DESIGNS = {  # files, whether units of the second one keep their labels, inputs, split
    "hull": ((HULL,), True, COUNTS, LEFT_OUT),
    "+macaque": ((HULL, MACAQUE), False, COUNTS, LEFT_OUT),
    "+hausser": ((HULL, HAUSSER), False, "[waveform]", LEFT_OUT),
    "to_hull": ((HULL, MACAQUE), True, COUNTS, ("split=other_source", "split.source=hull")),
    "to_macaque": ((HULL, MACAQUE), True, COUNTS, ("split=other_source", "split.source=lisberger_macaque")),
}
USUAL = (
    "units_forest"  # with the inputs that its settings name; of waveforms alone, one forest on what is measured of them
)
WAVEFORMS = ("prepare.inputs=[waveform,waveform_features]", "trainer.inputs=[waveform_features]", "trainer.views=null")
WAYS = {USUAL: (f"model={USUAL}",)}
WAYS |= {way: ("model=fusion", f"trainer={way}") for way in ("supervised", "pretrained", "frozen", "joint")}
SHOWN = ("accuracy", "balanced_accuracy", "log_loss")


def write(folder: Path, files: tuple[str, ...], labels: bool, to: Path) -> None:
    """Copies units of a design; of a second file whose labels are not to be used, those without one alone."""
    for k, name in enumerate(files):
        with np.load(folder / name) as file:
            arrays = {key: file[key] for key in file.files}
        if k and not labels:
            kept = arrays["label"] == "unlabeled"
            arrays = {key: values[kept] if len(values) == len(kept) else values for key, values in arrays.items()}
        np.savez(to / name, **arrays)


def measure(folder: Path, design: str, way: str, seed: int, more: list[str]) -> dict[str, dict[str, float]]:
    """Trains all folds of a design once; returns scores per unit."""
    files, labels, inputs, split = DESIGNS[design]
    with TemporaryDirectory() as temporary:
        place = Path(temporary)
        write(folder, files, labels, place)
        own = ["dataset=units", f"dataset.path={place if len(files) > 1 else place / files[0]}", f"seed={seed}"]
        of_usual = WAVEFORMS if inputs == "[waveform]" else ()
        chosen = of_usual if way == USUAL else (f"prepare.inputs={inputs}", *more)
        with initialize_config_dir(version_base="1.3", config_dir=str(configs.folder())):
            cfg = compose("train", overrides=[*own, *WAYS[way], *split, *chosen])
        built, tables = build(cfg), []
        for k, fold in enumerate(built.folds, start=1):
            fitted = built.fit(k, place / f"fold_{k}", None)
            test = built.cells[fold.test]
            tables.append(predictions_table(test, fitted.predict(test), fold=k, rows=fold.test))
        return scores(pd.concat(tables, ignore_index=True))["cell"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--designs", nargs="+", default=[*DESIGNS], choices=DESIGNS)
    parser.add_argument("--ways", nargs="+", default=[*WAYS], choices=WAYS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument(
        "--set", nargs="*", default=[], help="further settings of the networks, such as trainer.epochs=40"
    )
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    print(
        "design      way           seed  " + "  ".join(f"{name:24}" for name in SHOWN) + "  floor  seconds", flush=True
    )
    for seed in chosen.seeds:
        for design in chosen.designs:
            for way in chosen.ways:
                started = time.process_time()
                found = measure(chosen.folder, design, way, seed, chosen.set)
                numbers = "  ".join(
                    f"{found[name]['value']:.3f} [{found[name]['low']:.3f}, {found[name]['high']:.3f}]   "
                    for name in SHOWN
                )
                spent = time.process_time() - started
                print(
                    f"{design:10}  {way:12}  {seed:4}  {numbers} {found['floor']['accuracy']:.3f}  {spent:6.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
