"""Download of the Allen Cell Types Database: the server is made up, what asks it is allensdk."""

import re
import shutil
from functools import partial
from pathlib import Path

import pytest
from made.cell_types import load, sweeps, table, write_cell

from celltype_cli.patch_clamp.datasets import allen_cell_types

pytest.importorskip("allensdk", reason="extra allen is not installed")
from allensdk.api.queries.cell_types_api import CellTypesApi  # noqa: E402


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Answers allensdk's queries from files beside; returns what it was asked for and what goes wrong with some."""
    asked, broken = [], {}

    def model_query(_, model, criteria=None, **__):
        if model == "ApiCellTypesSpecimenDetail":
            return [*table(), table()[0] | {"specimen__id": 199, "erwkf__id": None}]  # no recording of this one
        specimen = int(re.search(r"id\$eq(\d+)", criteria)[1])
        if model == "EphysSweep":
            asked.append(f"sweeps {specimen}")
            return sweeps(specimen)[::-1]
        return [{"ephys_result": {"well_known_files": [{"download_link": f"/{specimen}"}]}}]

    def retrieve(_, url, path):
        specimen = int(url.rpartition("/")[2])
        asked.append(specimen)
        whole = tmp_path / "server" / f"specimen_{specimen}" / "ephys.nwb"
        if not whole.exists():
            write_cell(tmp_path / "server", specimen)
        if broken.get(specimen) == "no answer":
            raise OSError("no answer")
        shutil.copy(whole, path)
        if broken.get(specimen) == "cut":
            Path(path).write_bytes(whole.read_bytes()[:9000])

    monkeypatch.setattr(CellTypesApi, "model_query", model_query)
    monkeypatch.setattr(CellTypesApi, "retrieve_file_over_http", retrieve)
    return asked, broken


@pytest.fixture
def fetch(celltype, tmp_path):
    dataset = ("dataset=allen_cell_types", f"dataset.path={tmp_path / 'ctdb'}", "dataset.cells_per_class=1")
    return partial(celltype, "fetch", *dataset)


def test_fetch_says_how_much_and_downloads_once(server, fetch, tmp_path):
    asked, _ = server
    code, out, _ = fetch()
    assert code == 0
    assert "8 files in" in out
    assert "0 there, 8 to download" in out
    assert "about 0.4 GB (a recording has 0.09 GB, as the one of specimen 486940963" in out
    assert "8/8 Sst 401 (Chrna2-Cre_OE25)" in out
    assert asked == ["sweeps 101", 101, "sweeps 201", 201, "sweeps 301", 301, "sweeps 401", 401]
    assert sorted(load(tmp_path / "ctdb").cell_id) == ["101", "201", "301", "401"]
    assert "8 there, 0 to download" in fetch()[1]
    assert len(asked) == 8


def test_all_that_belong_to_a_class_are_planned(server, fetch):
    """Neither the person, nor the cell of no class, nor the one without recording."""
    fetch("dataset.cells_per_class=null")
    assert [number for number in server[0] if isinstance(number, int)] == [101, 102, 103, 201, 301, 401]


def test_truncated_files_are_replaced_and_sizes_are_those_of_files_that_are_there(server, fetch, tmp_path):
    fetch()
    file = tmp_path / "ctdb" / "specimen_201" / "ephys.nwb"
    file.write_bytes(file.read_bytes()[:9000])
    file.with_name(".ephys-0a1b2c3d.nwb").write_bytes(b"left by a killed process")
    (tmp_path / "ctdb/specimen_301/ephys_sweeps.json").write_text("[")
    _, out, _ = fetch()
    assert "6 there, 2 to download, 2 of them again because they are not whole" in out
    assert "about 0.0 GB (a recording has 0.00 GB, as those that are there)" in out
    assert server[0][8:] == [201, "sweeps 301"]
    assert sorted(p.name for p in file.parent.iterdir()) == ["ephys.nwb", "ephys_sweeps.json"]
    assert allen_cell_types.intact(file)


@pytest.mark.parametrize(
    ("fault", "said"), [("no answer", "OSError: no answer"), ("cut", "what arrived is no whole file")]
)
def test_a_failed_file_is_left_for_the_next_call(server, fetch, tmp_path, fault, said):
    asked, broken = server
    broken[201] = fault
    code, _, err = fetch()
    assert code == 2
    assert "1 files could not be downloaded, the last: Excitatory 201" in err
    assert said in err
    assert [p.name for p in (tmp_path / "ctdb/specimen_201").iterdir()] == ["ephys_sweeps.json"]
    broken.clear()
    assert fetch()[0] == 0
    assert asked[8:] == [201]


def test_cells_of_a_list(server, fetch, tmp_path):
    (tmp_path / "ids.txt").write_text("102\n401\n")
    assert fetch(f"dataset.ids.path={tmp_path / 'ids.txt'}")[0] == 0
    assert server[0] == ["sweeps 102", 102, "sweeps 401", 401]


def test_without_a_server_it_is_said(fetch, monkeypatch):
    def offline(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(CellTypesApi, "model_query", offline)
    code, _, err = fetch()
    assert code == 2
    assert "cells.json cannot be downloaded from http" in err
