"""From units in an npz file to labels that Phy shows, by the commands that a user types."""

from pathlib import Path

import pandas as pd
from made.sortings import Analyzer, analyzer
from made.units import many, phy, table, trains

from celltype_cli.bundles.bundle import load_bundle


def test_a_kilosort_folder_is_labelled_where_it_lies_and_nothing_of_the_user_is_changed(celltype, tmp_path):
    file = many(tmp_path / "units.npz")
    code, said, error = celltype(
        "train", "dataset=units", f"dataset.path={file}", "model=forest", "model.n_estimators=20",
        "split=grouped_kfold", "split.n_folds=2", "logger=none", "figures=[]",
    )  # fmt: skip
    assert code == 0, said + error
    folder = phy(tmp_path / "rec", tables={"cluster_group.tsv": table("group", {0: "good", 1: "good", 3: "good"})})
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    code, said, error = celltype("predict", "model=units-forest", f"input={folder}", "out=answer", "write=true",
                                 "force=true", "accuracy=null")  # fmt: skip
    assert code == 0, said + error
    assert {name: (folder / name).read_bytes() for name in before} == before
    types = pd.read_csv(folder / "cluster_predicted_cell_type.tsv", sep="\t", keep_default_na=False)
    assert [*types["cluster_id"]] == [*range(len(trains()))]
    assert types["predicted_cell_type"][1] == "GoC" and types["predicted_cell_type"][3] == "MLI"
    notes = pd.read_csv(folder / "cluster_celltype_note.tsv", sep="\t", keep_default_na=False)["celltype_note"]
    assert notes[2] == "not looked at"
    bundle = load_bundle(next(Path("outputs").rglob("bundle")))
    in_memory, saved = bundle.predict(Analyzer()), bundle.predict(analyzer(tmp_path / "saved"))
    assert [*in_memory["best"]] == [*saved["best"]] and in_memory["best"][1] == "GoC" and in_memory["best"][3] == "MLI"
    code, said, error = celltype("predict", "model=units-forest", f"input={folder}", "out=again", "write=true")
    assert code == 2 and "overwrite=true" in said + error
