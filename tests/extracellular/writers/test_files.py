"""Answers beside a Phy folder: names that scripts join by, a row for every cluster, blank where unsure."""

import pandas as pd
from made.units import phy, table

from celltype_cli.extracellular.readers.files import read
from celltype_cli.extracellular.readers.found import How
from celltype_cli.extracellular.writers.files import beside

CLASSES = ["GoC", "MLI"]
NAMES = ["cluster_predicted_cell_type.tsv", "cluster_pred_probability.tsv", "cluster_confidence_ratio.tsv",
         "cluster_model_votes.tsv", "cluster_celltype_set.tsv", "cluster_celltype_note.tsv"]  # fmt: skip


def answer(ids):
    """Sure of the first, unsure of the second, unable to use the third."""
    rows = [("GoC", "GoC", 0.91234, 9.5, "GoC", "9/10", ""), ("", "MLI", 0.55, 1.2, "GoC MLI", "6/10", ""),
            ("", "", float("nan"), float("nan"), "", "", "has 3 spikes")]  # fmt: skip
    columns = ["label", "best", "confidence", "confidence_ratio", "set", "votes", "note"]
    return pd.DataFrame(rows, columns=columns).assign(cell_id=ids, file="rec/spike_times.npy")


def written(folder, ids, path=None):
    files = dict(beside(path or folder, answer(ids), CLASSES))
    for place, write in files.items():
        write(place)
    return {place.name: pd.read_csv(place, sep="\t", dtype=str, keep_default_na=False).set_index("cluster_id")
            for place in files}  # fmt: skip


def test_names_and_a_row_for_every_cluster(tmp_path):
    folder = phy(tmp_path / "rec", tables={"cluster_group.tsv": table("group", {0: "good", 8: "good"})})
    tables = written(folder, ["rec/0", "rec/1", "rec/2"])
    assert [*tables] == NAMES
    assert all([*rows.index] == ["0", "1", "2", "3", "8"] for rows in tables.values())
    assert all([*rows.columns] == [name.removeprefix("cluster_").removesuffix(".tsv")] for name, rows in tables.items())
    of = {name.removeprefix("cluster_").removesuffix(".tsv"): rows.iloc[:, 0].tolist() for name, rows in tables.items()}
    assert of["predicted_cell_type"] == ["GoC", "", "", "", ""]
    assert of["pred_probability"] == ["0.9123", "", "", "", ""]
    assert of["confidence_ratio"] == ["9.5", "", "", "", ""]
    assert of["model_votes"] == ["9/10", "", "", "", ""]
    assert of["celltype_set"] == ["GoC", "GoC MLI", "", "", ""]
    assert of["celltype_note"] == ["", "unsure, best MLI", "has 3 spikes", "not looked at", "not looked at"]


def test_files_are_read_as_before_with_answers_beside(tmp_path):
    folder = phy(tmp_path / "rec")
    before = read(folder, How())
    written(folder, ["rec/0", "rec/1", "rec/2"])
    after = read(folder, How())
    assert [u.cell_id for u in after.recordings] == [u.cell_id for u in before.recordings]
    assert after.notes == before.notes


def test_each_of_several_folders_gets_its_own(tmp_path):
    for name in ("a", "b"):
        phy(tmp_path / name)
    places = [place for place, _ in beside(tmp_path, answer(["a/0", "b/0", "b/1"]), CLASSES)]
    assert places == [tmp_path / folder / name for folder in "ab" for name in NAMES]
