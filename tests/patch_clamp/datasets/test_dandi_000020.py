"""DANDI 000020: files by their names in the archive, read without network; labels from tables beside."""

import shutil

import pandas as pd
import pytest
from made.dandi import ROWS, load, path_of, write_recording, write_table

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.datasets.dandi_000020_labels import class_of


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    pytest.importorskip("pynwb", reason="extra nwb is not installed")
    return write_recording(tmp_path_factory.mktemp("nwb") / "one.nwb")


@pytest.fixture
def folder(tmp_path, recording):
    made = tmp_path / "000020"
    for row in [*ROWS, (70, 71, 0, "", "", 904)]:  # the last is not in the table
        file = made / path_of(row[0], row[5])
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(recording, file)
    write_table(made / "20200711_patchseq_metadata_mouse.csv")
    return made


def found(cells):
    return {c: (cells.classes[n], g) for c, n, g in zip(cells.cell_id, cells.label, cells.group, strict=True)}


ALL = {
    "11": ("Vip/Lamp5", "331294"),
    "21": ("Sst", "331663"),
    "31": ("Pvalb", "331663"),
    "41": ("Excitatory", "331664"),
    "51": ("Excitatory", "331665"),
}


@pytest.mark.parametrize(
    ("kind", "dendrites", "name"),
    [
        ("Pvalb Reln Itm2a", "aspiny", "Pvalb"),
        ("Sst Chodl", "spiny", "Sst"),
        ("Vip Lmo1 Myl1", "aspiny", "Vip/Lamp5"),
        ("Lamp5 Lsp1", "spiny", "Vip/Lamp5"),
        ("Sncg Gpr50", "aspiny", "Vip/Lamp5"),
        ("Serpinf1 Clrn1", "aspiny", "Vip/Lamp5"),
        ("Meis2 Adamts19", "aspiny", "Vip/Lamp5"),
        ("L2/3 IT VISp Agmat", "spiny", "Excitatory"),
        ("", "spiny", "Excitatory"),
        ("", "sparsely spiny", ""),
        ("", "aspiny", ""),
        ("Another", "spiny", ""),
    ],
)
def test_classes_of_types(kind, dendrites, name):
    assert class_of(kind, dendrites) == name


def test_types_have_the_labels_of_amprimo_et_al(shared_data):
    folder = shared_data / "patch_clamp" / "sts"
    cells = pd.read_csv(folder / "cells.csv", keep_default_na=False).query("source == 'Seq'")
    labels = pd.read_csv(folder / "cell_types_GouwensAll_new.txt", sep=" ", names=["label", "id"]).set_index("id").label
    assert len(cells) == 3374
    ours = [class_of(kind, dendrites) for kind, dendrites in zip(cells.t_type, cells.dendrite_type, strict=True)]
    assert ours == labels[cells.specimen_id.astype(int)].tolist()


def test_cells_are_read_with_label_and_donor(folder):
    cells = load(folder)
    assert found(cells) == ALL
    assert set(cells.source) == {"Seq"}
    assert cells.shapes == {"scalogram": (2, 6, 8)}
    notes = cells.about.notes
    assert ("2 cells that belong to no class were left out: 1 without transcriptomic type, "
            "1 not in the table of labels") in notes  # fmt: skip
    assert "1 of 2 Excitatory cells have no transcriptomic type, but spiny dendrites" in notes


@pytest.mark.parametrize("kind", ["corresponding_AIT2.3.1_alias", "t_type", ""])
def test_the_table_in_its_other_forms(folder, kind):
    """A copy of the release is about that has no name above its last column."""
    write_table(folder / "20200711_patchseq_metadata_mouse.csv", kind)
    assert found(load(folder)) == ALL


def test_the_newest_table_counts(folder):
    write_table(folder / "20200625_patchseq_metadata_mouse.csv", rows=ROWS[:1])
    assert found(load(folder)) == ALL


def test_a_table_of_ones_own(folder, tmp_path):
    own = tmp_path / "own.csv"
    own.write_text("cell_id, label, donor\n10,Sst,m1\n20,Pvalb,\n30,,m3\n")
    cells = load(folder, labels=own)
    assert found(cells) == {"10": ("Sst", "m1"), "20": ("Pvalb", "901")}  # the donor in the file's name
    assert any("1 without label" in note for note in cells.about.notes)
    own.write_text("cell_id,label,session\nmine,Sst,10\n")
    assert found(load(folder, labels=own)) == {"mine": ("Sst", "900")}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "own.csv does not exist"),
        ("cell,type\n10,Sst\n", "cell_id and label missing; found cell, type; expected columns cell_id, label"),
        ("ephys_session_id,donor_id\n10,1\n", "cell_specimen_id, dendrite_type, 'T-type Label' missing"),
        ("cell_id,label\n10,Sst\n10,Sst\n", "cell_id '10' occurs 2 times"),
        ("cell_id,label\n10,SST\n", "'SST' is none of Pvalb, Excitatory, Vip/Lamp5, Sst; nearest: Sst"),
    ],
)
def test_tables_that_do_not_fit(folder, tmp_path, content, said):
    if content:
        (tmp_path / "own.csv").write_text(content)
    with pytest.raises(UserError, match=said):
        load(folder, labels=tmp_path / "own.csv")


def test_broken_files_are_named_and_stop_no_other(folder, caplog):
    file = folder / path_of(20, 901)
    file.write_bytes(file.read_bytes()[:9000])
    assert "21" not in load(folder).cell_id
    [line] = caplog.messages
    assert line.startswith(f"left out: cell 21 ({file.name}): cannot be read as NWB, it is truncated ")


def test_cells_of_a_list_by_cell_or_session(folder, tmp_path):
    (tmp_path / "ids.csv").write_text("11, Seq\n30, Seq\n")
    assert sorted(load(folder, ids=tmp_path / "ids.csv").cell_id) == ["11", "31"]
    assert sorted(load(folder, cells_per_class=1).cell_id) == ["11", "21", "31", "41"]


def test_what_is_missing_is_said(folder, tmp_path):
    (folder / "20200711_patchseq_metadata_mouse.csv").unlink()
    with pytest.raises(UserError, match="holds no table .* names none; get it from portal.brain-map.org"):
        load(folder)
    with pytest.raises(UserError, match="holds no file sub-.*; download them: celltype fetch dataset=dandi_000020"):
        load(tmp_path / "nothing")


def test_a_real_recording(shared_data, tmp_path):
    """The two sweeps are in truth of two cells, and their numbers made up."""
    pytest.importorskip("allensdk", reason="extra allen is not installed")
    (tmp_path / "own.csv").write_text("cell_id,label\n600000002,Sst\n")
    cells = load(
        shared_data / "patch_clamp" / "nwb" / "dandi_000020", labels=tmp_path / "own.csv",
        inputs=["features", "scalogram"], size=[224, 224], cache=tmp_path / "cache",
    )  # fmt: skip
    assert found(cells) == {"600000002": ("Sst", "600000001")}
    assert cells.shapes["scalogram"] == (2, 224, 224)
