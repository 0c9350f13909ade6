"""The cache of the Allen Cell Types Database as allensdk leaves it: a table of cells, and NWB 1 files, all made up."""

import json
from pathlib import Path

from omegaconf import OmegaConf

from celltype_cli.patch_clamp.datasets import allen_cell_types
from made.sweeps import NWB1

CONFIG = OmegaConf.to_container(
    OmegaConf.load(Path(__file__).parents[2] / "conf" / "dataset" / "allen_cell_types.yaml"), resolve=False
)
# specimen: donor, Cre line, reporter; None is a person without line
SPECIMENS = {
    101: (1, "Pvalb-IRES-Cre", "positive"),
    102: (1, "Pvalb-IRES-Cre", "positive"),
    103: (2, "Htr3a-Cre_NO152|Pvalb-T2A-Dre", "positive"),
    201: (3, "Rorb-IRES2-Cre", "negative"),
    301: (4, "Vip-IRES-Cre", "positive"),
    401: (5, "Chrna2-Cre_OE25", "positive"),
    501: (6, "Gad2-IRES-Cre", "positive"),  # of no class
    601: (7, None, None),
}


def table():
    return [
        {"specimen__id": specimen, "donor__id": donor, "line_name": line, "cell_reporter_status": reporter,
         "donor__species": "Mus musculus" if line else "Homo Sapiens", "erwkf__id": 9000 + specimen}
        for specimen, (donor, line, reporter) in SPECIMENS.items()
    ]  # fmt: skip


def sweeps(specimen):
    return [{"specimen_id": specimen, "sweep_number": number, "workflow_state": "auto_passed"} for number in (3, 5, 9)]


def write_cell(folder, specimen):
    file = NWB1(folder, specimen=specimen).path
    file.with_name("ephys_sweeps.json").write_text(json.dumps(sweeps(specimen)))
    return file


def write_cache(folder):
    (folder / "cells.json").write_text(json.dumps(table()))
    for specimen in SPECIMENS:
        write_cell(folder, specimen)
    return folder


def load(path, **changes):
    settings = {name: value for name, value in CONFIG.items() if name not in ("_target_", "path", "cache")}
    quick = {"inputs": ["scalogram"], "size": [6, 8], "cache": str(Path(path).parent / "cache")}
    return allen_cell_types.load(path=str(path), **settings | quick | changes)
