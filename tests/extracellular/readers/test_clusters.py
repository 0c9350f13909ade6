"""Tables of clusters beside Kilosort and Phy folders: which clusters are good, and what tables do not agree on."""

import re

import numpy as np
import pytest
from made.units import N, found, phy, refused, table

GROUP, KS = "cluster_group.tsv", "cluster_KSLabel.tsv"


@pytest.mark.parametrize(
    ("tables", "ids", "said"),
    [
        ({GROUP: table("group", {0: "good", 1: "mua", 2: "noise"})}, [0], "1 good, 1 mua, 1 noise, 1 unsorted.*group"),
        ({KS: table("KSLabel", {0: "good", 1: "mua", 2: "good", 3: "mua"})}, [0, 2], r"\(2 by KSLabel\)"),
        ({GROUP: table("group", {0: "mua", 1: "good"}), KS: table("KSLabel", dict.fromkeys(range(N), "good"))},
         [1, 2, 3], "1 by group and 2 by KSLabel"),
        ({GROUP: table("KSLabel", {0: "good"})}, [0], "1 by KSLabel"),  # as Kilosort names its copy
        ({}, [0, 1, 2, 3], "neither group nor KSLabel says which clusters are good, and all are taken"),
    ],
)  # fmt: skip
def test_good_clusters_by_group_else_by_kilosort_else_all(tmp_path, tables, ids, said):
    folder = phy(tmp_path / "rec", tables=tables)
    read = found(folder)
    assert [unit.cell_id for unit in read.recordings] == [f"rec/{k}" for k in ids]
    assert any(re.search(said, note) for note in read.notes), read.notes
    assert len(found(folder, quality="all").recordings) == N
    assert [unit.cell_id for unit in found(folder, units=[3, 1]).recordings] == ["rec/1", "rec/3"]


def test_none_good_and_units_that_are_not_there_are_refused(tmp_path):
    folder = phy(tmp_path / "rec", tables={GROUP: table("group", {0: "mua"})})
    refused("none of its 4 clusters is good .1 mua, 3 unsorted.; set dataset.quality=all", folder)
    refused("dataset.units names 9, which it does not hold; it holds 0, 1, 2, 3", folder, units=[1, 9])
    refused("dataset.units lists 1 2 times", folder, units=[1, 1])
    refused("cluster 0 is listed 2 times", phy(tmp_path / "b", tables={GROUP: "cluster_id\tgroup\n0\tgood\n0\tmua\n"}))


def test_clusters_without_spikes_are_named(tmp_path):
    read = found(phy(tmp_path / "rec", tables={GROUP: table("group", dict.fromkeys([0, 1, 8], "good"))}))
    assert read.lost == ["rec/8: has no spikes"] and len(read.recordings) == 2


@pytest.mark.parametrize(
    ("name", "text", "good"),
    [
        ("cluster_group.tsv", "cluster_id\tgroup\n0\tGood\n1\tGOOD \n2\tMUA\n3\tnoise\n", ["rec/0", "rec/1"]),
        ("Cluster_Group.TSV", "cluster_id\tgroup\n0.0\tgood\n1.0\tmua\n-1\tnoise\n", ["rec/0"]),
        ("cluster_group.tsv", "", [f"rec/{k}" for k in range(N)]),  # empty, as Phy leaves it at times
    ],
)
def test_tables_in_any_case(tmp_path, name, text, good):
    read = found(phy(tmp_path / "rec", tables={name: text}))
    assert [unit.cell_id for unit in read.recordings] == good


def test_tables_that_contradict_each_other_or_are_not_read(tmp_path):
    of_phy, of_bombcell = table("group", {0: "good", 1: "good", 2: "mua"}), table("bc", {0: "GOOD", 1: "NOISE"})
    tables = {GROUP: of_phy, "cluster_group.csv": table("group", {0: "noise", 1: "good", 2: ""})}
    read = found(phy(tmp_path / "rec", tables={**tables, "cluster_bc_unitType.tsv": of_bombcell}))
    assert [unit.cell_id for unit in read.recordings] == ["rec/0", "rec/1"]
    assert (
        "rec: cluster_group.csv says another group of 1 clusters than the table before it, which counts" in read.notes
    )
    (note,) = [note for note in read.notes if "bc_unitType" in note]
    assert note.startswith("rec: cluster_bc_unitType.tsv says 1 good, 1 noise, and is not read")
    read = found(phy(tmp_path / "old", tables={"cluster_groups.csv": of_phy}))  # of the first version of Phy
    assert [unit.cell_id for unit in read.recordings] == ["old/0", "old/1"]


def test_rows_that_name_no_cluster_are_passed_over(tmp_path):
    text = table("group", {0: "good", 1: "mua"}) + "\tgood\n"
    read = found(phy(tmp_path / "ks", tables={"cluster_info.tsv": text}))
    assert [unit.cell_id for unit in read.recordings] == ["ks/0"]
    assert "ks: 1 rows of cluster_info.tsv name no cluster and are passed over" in read.notes


def test_tables_of_single_units_and_of_cell_types_are_told(tmp_path):
    tables = {"cluster_curation.tsv": table("label", {0: "sua", 1: "mua", 2: "sua", 3: "noise"}),
              "cluster_cell_type.tsv": table("cell_type", {0: "PkC", 1: "MLI"})}  # fmt: skip
    notes = found(phy(tmp_path / "rec", tables=tables)).notes
    assert "rec: cluster_curation.tsv (label) says 1 mua, 1 noise, 2 sua, and is not read" in "\n".join(notes)
    assert "rec: cluster_cell_type.tsv says cell_type, which is not read" in "\n".join(notes)


@pytest.mark.parametrize("of_none", [-1, 2**32 - 1])
@pytest.mark.parametrize("quality", ["good", "all"])
def test_spikes_of_no_cluster_are_no_unit(tmp_path, of_none, quality):
    folder = phy(tmp_path / "rec", tables={})
    clusters = np.load(folder / "spike_clusters.npy").astype(np.int64)
    clusters[::4] = of_none
    np.save(folder / "spike_clusters.npy", clusters)
    read = found(folder, quality=quality)
    assert [u.cell_id for u in read.recordings] == [f"rec/{k}" for k in range(4)]
    assert f"rec: {len(clusters[::4])} spikes are of no cluster (-1), and left out" in read.notes
    assert sum(len(u.spikes) for u in read.recordings) == len(clusters) - len(clusters[::4])
