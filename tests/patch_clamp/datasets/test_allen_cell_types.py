"""The Allen Cell Types Database: files written in the layout of the cache, read without network; labels by Cre line."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from made.cell_types import load, table, write_cache, write_cell

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp import measure
from celltype_cli.patch_clamp.datasets.allen_cell_types import class_of
from celltype_cli.patch_clamp.readers import files


@pytest.fixture
def cache(tmp_path):
    (tmp_path / "ctdb").mkdir()
    return write_cache(tmp_path / "ctdb")


def file(cache, specimen):
    return cache / f"specimen_{specimen}" / "ephys.nwb"


def feature(cells, name):
    """The value of the first cell."""
    columns = cells.about.of("features").columns
    return next(v for n, v in zip(columns, cells.inputs["features"][0], strict=True) if n.startswith(name))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Pvalb-IRES-Cre", "Pvalb"),
        ("Nkx2-1-CreERT2", "Pvalb"),
        ("Htr3a-Cre_NO152|Pvalb-T2A-Dre", "Pvalb"),
        ("Slc32a1-T2A-FlpO|Vipr2-IRES2-Cre", "Pvalb"),
        ("Vipr2-IRES2-Cre|Slc32a1-T2A-FlpO", "Pvalb"),
        ("Vipr2-IRES2-Cre", ""),
        ("Slc32a1-IRES-Cre", ""),
        ("Sst-IRES-Cre", "Sst"),
        ("Nos1-CreERT2|Sst-IRES-FlpO", "Sst"),
        ("Nos1-CreERT2", ""),
        ("Chrna2-Cre_OE25", "Sst"),
        ("Chrna2-Cre_OE25|Pvalb-T2A-Dre", "Pvalb"),
        ("Vip-IRES-Cre", "Vip/Lamp5"),
        ("Ndnf-IRES2-dgCre", "Vip/Lamp5"),
        ("Chat-IRES-Cre-neo", "Vip/Lamp5"),
        ("Esr2-IRES2-Cre|PhiC31-neo", "Excitatory"),
        ("Gad2-IRES-Cre", ""),
        ("Oxtr-T2A-Cre", ""),
        ("Another-Cre", ""),
        ("", ""),
    ],
)
def test_classes_of_cre_lines(line, name):
    assert class_of(line) == name


def test_lines_have_the_labels_of_amprimo_et_al(shared_data):
    folder = shared_data / "patch_clamp" / "sts"
    cells = pd.read_csv(folder / "cells.csv").query("source == 'Clamp'")
    labels = pd.read_csv(folder / "cell_types_GouwensAll_new.txt", sep=" ", names=["label", "id"]).set_index("id").label
    assert len(cells) == 1098
    assert cells.genotype_or_line.map(class_of).tolist() == labels[cells.specimen_id].tolist()


def test_cells_are_read_with_label_and_donor(cache):
    cells = load(cache)
    found = {c: (cells.classes[n], g) for c, n, g in zip(cells.cell_id, cells.label, cells.group, strict=True)}
    assert found == {
        "101": ("Pvalb", "1"),
        "102": ("Pvalb", "1"),
        "103": ("Pvalb", "2"),
        "201": ("Excitatory", "3"),
        "301": ("Vip/Lamp5", "4"),
        "401": ("Sst", "5"),
    }
    assert set(cells.source) == {"Clamp"}
    assert cells.shapes == {"scalogram": (2, 6, 8)}
    notes = cells.about.notes
    assert "1 cells that belong to no class were left out: 1 Gad2-IRES-Cre" in notes
    assert "1 of 6 cells are negative for the reporter of their line, whose label they have" in notes
    assert any("3 Pvalb, 1 Excitatory, 1 Vip/Lamp5, 1 Sst" in note for note in notes)  # of 50 asked for


def test_features(cache):
    pytest.importorskip("allensdk", reason="extra allen is not installed")
    cells = load(cache, inputs=["features"])
    assert cells.inputs["features"].shape == (6, len(cells.about.of("features").columns))
    assert feature(cells, "threshold_i") == pytest.approx(70)  # its rheobase, by fake_sweeps
    assert feature(cells, "peak_v") == pytest.approx(30)


def test_those_that_cannot_be_used_are_named_and_stop_no_other(cache, caplog):
    file(cache, 101).write_bytes(file(cache, 101).read_bytes()[:9000])
    file(cache, 103).with_name("ephys_sweeps.json").write_text(
        json.dumps([{"sweep_number": 9, "workflow_state": "auto_failed"}])
    )
    file(cache, 401).with_name("ephys_sweeps.json").write_text("{")
    cells = load(cache)
    assert sorted(cells.cell_id) == ["102", "201", "301"]
    lines = [record.getMessage() for record in caplog.records]
    assert [line[:33] for line in lines] == [f"left out: cell {cell} (ephys.nwb): {first}"
                                             for cell, first in (("101", "c"), ("103", "n"), ("401", "/"))]  # fmt: skip
    assert "cannot be read as NWB, it is truncated" in lines[0]
    assert "no spiking long square between 109 and 131 pA" in lines[1]
    assert "ephys_sweeps.json: is no list of sweeps" in lines[2]
    assert any(
        note.startswith("3 of 6 recordings cannot be used and were left out (Pvalb 2, Sst 1): ")
        and "1: no spiking long square between ... and ... pA" in note
        and "1: is no list of sweeps as allensdk writes it" in note
        for note in cells.about.notes
    )
    assert "1 sweeps were left out (1: failed quality control)" in cells.about.notes


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("line_name", 7, None),
        ("line_name", ["a", "b"], r"cells.json: specimen 101: 2 values \(a, b, ...\); expected one text"),
        ("specimen__id", "x", "cells.json: specimen__id is 'x'; expected a whole number"),
    ],
)
def test_odd_entries_of_the_table_of_cells(cache, field, value, said):
    rows = json.loads((cache / "cells.json").read_text())
    next(row for row in rows if row["specimen__id"] == 101)[field] = value
    (cache / "cells.json").write_text(json.dumps(rows))
    if said is None:
        assert "101" not in load(cache).cell_id  # a number is no Cre line that is known
        return
    with pytest.raises(UserError, match=said):
        load(cache)


def test_a_table_of_cells_without_end(cache):
    (cache / "cells.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match="cells.json: is missing or not whole"):
        load(cache)


def test_files_are_read_once(cache, monkeypatch):
    before = load(cache)
    reads, read = [], files.read
    monkeypatch.setattr(files, "read", lambda path, channel: reads.append(path.parent.name[-3:]) or read(path))
    assert np.array_equal(load(cache).inputs["scalogram"], before.inputs["scalogram"])
    assert reads == []
    file(cache, 101).with_name("ephys_sweeps.json").write_text(
        json.dumps([{"sweep_number": 9, "workflow_state": "auto_failed"}])
    )
    os.utime(file(cache, 201), (1e9, 1e9))
    assert "101" not in load(cache).cell_id
    assert sorted(reads) == ["101", "201"]
    load(cache, inputs=["features"], feature_set="two_sweep", cells_per_class=1)
    assert len(reads) == 6  # other settings: each class once


def test_a_missing_library_is_no_fault_of_the_files(cache, monkeypatch):
    def missing(*_, **__):
        raise UserError("allensdk is missing: pip install 'celltype[allen]'") from ImportError()

    with monkeypatch.context() as patch:
        patch.setattr(measure, "measure", missing)
        with pytest.raises(UserError, match="^allensdk is missing"):
            load(cache)
    assert load(cache).n_cells == 6  # nothing of it was kept


def test_broken_entries_of_the_cache_are_made_again(cache):
    before = load(cache)
    entries = sorted((cache.parent / "cache" / "measured").glob("*.npz"))
    assert len(entries) == 6
    for entry in entries:
        entry.write_bytes(entry.read_bytes()[:100])
    assert np.array_equal(load(cache).inputs["scalogram"], before.inputs["scalogram"])


def test_cells_of_a_list(cache, tmp_path):
    ids = tmp_path / "ids.csv"
    ids.write_text("id, source\n101, Clamp\n401, Clamp\n999, Seq\n")  # as in the published splits
    assert sorted(load(cache, ids=ids).cell_id) == ["101", "401"]
    file(cache, 401).unlink()
    cells = load(cache, ids=ids)
    assert cells.cell_id.tolist() == ["101"]
    assert any(note.startswith("1 cells of ids.csv are not there; download them: celltype fetch dataset=allen_cell")
               for note in cells.about.notes)  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("999\n998\n", "none of its 2 numbers is one of 7 cells of the dataset, for instance 101"),
        ("101\nx1\n", "row 2: 'x1' is no number of a cell"),
        (None, "cannot be read"),
    ],
)
def test_lists_that_fit_nothing(cache, tmp_path, content, said):
    if content:
        (tmp_path / "ids.txt").write_text(content)
    with pytest.raises(UserError, match=f"dataset.ids=.*ids.txt.*\n?.*{said}"):
        load(cache, ids=tmp_path / "ids.txt")


def test_a_number_of_each_class_is_spread_over_donors(cache):
    assert sorted(load(cache, cells_per_class=2).cell_id) == ["101", "103", "201", "301", "401"]
    assert sorted(load(cache, cells_per_class=1).cell_id) == ["101", "201", "301", "401"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"cells\.json is missing, the table that says the Cre line .* celltype fetch dataset=allen_cell_types"),
        ("[{", r"cells\.json: is missing or not whole .*; delete it, then celltype fetch dataset=allen_cell_types"),
        (json.dumps([{"id": 1, "donor": {}}]), r"is no table of cells with the fields specimen__id, .*; delete it"),
        (json.dumps(table()[:1]).replace("101", "111"), "holds none of the recordings of 1 cells; download them"),
        (json.dumps(table()[6:7]), "none of 1 cells belongs to one of .*; found 1 Gad2-IRES-Cre"),
    ],
)
def test_what_is_missing_is_said(cache, content, said):
    (cache / "cells.json").unlink()
    if content:
        (cache / "cells.json").write_text(content)
    with pytest.raises(UserError, match=said):
        load(cache)


def test_when_none_can_be_used(tmp_path):
    (tmp_path / "cells.json").write_text(json.dumps(table()[:1]))
    made = write_cell(tmp_path, 101)
    made.write_bytes(made.read_bytes()[:9000])
    said = r"1 of 1 recordings of allen_cell_types, .* cannot be used:\n  cell 101 \(ephys.nwb\): cannot be read as NWB"
    with pytest.raises(UserError, match=said):
        load(tmp_path, cache=tmp_path / "cache")


def test_a_real_recording(shared_data, tmp_path):
    """Sweeps 34 (90 pA) and 38 (130 pA), which in truth come from two cells."""
    pytest.importorskip("allensdk", reason="extra allen is not installed")
    real = shared_data / "patch_clamp" / "nwb" / "ctdb_cache" / "specimen_555060623"
    (tmp_path / real.name).symlink_to(real)
    (tmp_path / "cells.json").write_text(json.dumps([table()[5] | {"specimen__id": 555060623}]))
    cells = load(tmp_path, inputs=["features", "scalogram"], size=[224, 224], cache=tmp_path / "cache")
    assert (cells.cell_id[0], cells.classes[cells.label[0]], cells.group[0]) == ("555060623", "Sst", "5")
    assert cells.shapes["scalogram"] == (2, 224, 224)
    assert feature(cells, "threshold_i") == 90
