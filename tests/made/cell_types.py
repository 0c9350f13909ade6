"""The cache of the Allen Cell Types Database as allensdk leaves it: a table of cells, and NWB 1 files, all made up."""

import json
import re
from pathlib import Path

from made.archives import Archive, no_connection
from made.configs import cells
from made.sweeps import NWB1

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
    """Cells of the dataset, as small scalograms where nothing else is asked for."""
    quick = {"inputs": ["scalogram"], "size": [6, 8], "cache": Path(path).parent / "cache"}
    return cells("allen_cell_types", path=path, **quick | changes)


class Database(Archive):
    """Answers allensdk's CellTypesApi."""

    client = "allensdk"
    settings = ("dataset=allen_cell_types", "dataset.cells_per_class=1")
    keys = ["sweeps 101", 101, "sweeps 201", 201, "sweeps 301", 301, "sweeps 401", 401]
    one, label = 201, "Excitatory 201 (Rorb-IRES2-Cre)"
    cells = {"101", "201", "301", "401"}
    size = "about 0.4 GB (a recording has 0.09 GB, as the one of specimen 486940963"

    def __init__(self, folder, monkeypatch):
        from celltype_cli.core import allen
        from celltype_cli.patch_clamp.datasets.allen_cell_types import API

        api = type(allen.client(API))
        super().__init__(folder)

        def query(_, model, criteria=None, **__):
            if model == "ApiCellTypesSpecimenDetail":
                return [*table(), table()[0] | {"specimen__id": 199, "erwkf__id": None}]  # no recording of this one
            specimen = int(re.search(r"id\$eq(\d+)", criteria)[1])
            if model == "EphysSweep":
                self.ask(f"sweeps {specimen}")
                return sweeps(specimen)[::-1]
            return [{"ephys_result": {"well_known_files": [{"download_link": f"/{specimen}"}]}}]

        def retrieve(_, url, path):
            specimen = int(url.rpartition("/")[2])
            server = folder.with_name("server") / f"specimen_{specimen}" / "ephys.nwb"
            if not server.exists():
                write_cell(folder.with_name("server"), specimen)
            self.save(specimen, server.read_bytes(), path)

        monkeypatch.setattr(api, "model_query", query)
        monkeypatch.setattr(api, "retrieve_file_over_http", retrieve)
        self.offline = lambda: monkeypatch.setattr(api, "model_query", no_connection)

    def path(self, key):
        return self.folder / f"specimen_{key}" / "ephys.nwb"

    def load(self):
        return load(self.folder)
