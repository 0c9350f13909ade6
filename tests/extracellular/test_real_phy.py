"""Folders that Kilosort and Phy wrote: labelled without and with `write=true`, and opened again by what labs use."""

import shutil

import numpy as np
import pandas as pd
import pytest
from made.bundles import command

OURS = ("predicted_cell_type", "pred_probability", "confidence_ratio", "model_votes", "celltype_set", "celltype_note")
HULL = "extracellular/c4_cerebellum/hull.npz"
INPUTS = "trainer.inputs=[waveform,correlogram,isi,features]"
# phy_example_32ch has 314 spikes of 62 clusters: a few each
FOLDERS = {"npx1_real_15units": [], "phy_example_32ch": ["quality=all", "min_spikes=5"]}


@pytest.fixture(scope="module")
def bundle(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hull")
    outputs = f"outputs={folder / 'outputs'}"
    fast = ("model.n_estimators=30", "split=grouped_kfold", "split.n_folds=2", "logger=none", "figures=[]", outputs)
    assert command("train", "dataset=units", f"dataset.path={shared_data / HULL}", "model=forest", INPUTS, *fast) == 0
    assert command("export", "run=units-forest", f"out={folder / 'bundle'}", outputs) == 0
    return folder / "bundle"


@pytest.fixture(scope="module")
def labelled(bundle, shared_data, tmp_path_factory):
    """A copy of each folder, labelled where it lies."""
    root = tmp_path_factory.mktemp("phy")
    for name, more in FOLDERS.items():
        shutil.copytree(shared_data / "extracellular/phy" / name, root / name)
        before = contents(root / name)
        ask = ("predict", f"model={bundle}", f"input={root / name}", "force=true", "accuracy=null", *more)
        assert command(*ask, f"out={root / 'apart' / name}", "stress=false") in (0, 3)
        assert contents(root / name) == before
        assert command(*ask, f"out={root / 'with' / name}", "write=true") in (0, 3)
        assert {file: value for file, value in contents(root / name).items() if file in before} == before
    return root


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def tables(folder):
    return {name: pd.read_csv(folder / f"cluster_{name}.tsv", sep="\t", keep_default_na=False) for name in OURS}


@pytest.mark.parametrize("name", FOLDERS)
def test_every_cluster_has_a_row_in_every_table(labelled, name):
    clusters = np.unique(np.load(labelled / name / "spike_clusters.npy")).tolist()
    written = tables(labelled / name)
    for column, table in written.items():
        assert [*table.columns] == ["cluster_id", column] and table["cluster_id"].tolist() == clusters
    given = written["predicted_cell_type"]["predicted_cell_type"]
    assert (given != "").any() and ((written["celltype_note"]["celltype_note"] != "") | (given != "")).all()
    apart = tables(labelled / "apart" / name)
    pd.testing.assert_frame_equal(apart["predicted_cell_type"], written["predicted_cell_type"])


@pytest.mark.parametrize("name", FOLDERS)
def test_spikeinterface_loses_no_unit(labelled, shared_data, name):
    extractors = pytest.importorskip("spikeinterface.extractors", reason="SpikeInterface is not installed")
    before = extractors.read_phy(shared_data / "extracellular/phy" / name)
    after = extractors.read_phy(labelled / name)
    assert [*after.unit_ids] == [*before.unit_ids]
    wanted = tables(labelled / name)["predicted_cell_type"].set_index("cluster_id")["predicted_cell_type"]
    found = after.get_property("predicted_cell_type")  # None where it is blank for all units that it takes
    found = [""] * len(after.unit_ids) if found is None else ["" if pd.isna(value) else value for value in found]
    assert found == wanted.loc[[*map(int, after.unit_ids)]].tolist()


@pytest.mark.parametrize("name", FOLDERS)
def test_phylib_shows_our_columns(labelled, name):
    model = pytest.importorskip("phylib.io.model", reason="phylib is not installed")
    loaded = model.load_model(labelled / name / "params.py")
    for column in OURS:
        assert {*loaded.metadata[column]} <= {*loaded.cluster_ids.tolist()}
    given = tables(labelled / name)["predicted_cell_type"].set_index("cluster_id")["predicted_cell_type"]
    shown = loaded.metadata["predicted_cell_type"]
    assert {k: v for k, v in shown.items() if v} == given[given != ""].to_dict()


def test_curating_again_changes_the_answer(labelled, bundle, tmp_path):
    folder = shutil.copytree(labelled / "npx1_real_15units", tmp_path / "npx1_real_15units")
    clusters = np.load(folder / "spike_clusters.npy")
    np.save(folder / "spike_clusters.npy", np.where(clusters == 1, 0, clusters))  # merged in Phy
    ask = ("predict", f"model={bundle}", f"input={folder}", "force=true", "accuracy=null", "stress=false",
           "write=true")  # fmt: skip
    assert command(*ask, f"out={tmp_path / 'again'}") == 2  # the tables of before are there
    assert command(*ask, f"out={tmp_path / 'again'}", "overwrite=true") in (0, 3)
    before, after = (pd.read_csv(file / "cells.csv", index_col="cell_id", keep_default_na=False)
                     for file in (labelled / "with/npx1_real_15units", tmp_path / "again"))  # fmt: skip
    one, gone = "npx1_real_15units/0", "npx1_real_15units/1"
    assert before.loc[gone, "best"] and not after.loc[gone, "best"] and "no spikes" in after.loc[gone, "note"]
    assert after.loc[one, "confidence"] != before.loc[one, "confidence"]
    types = tables(folder)["predicted_cell_type"]
    assert types["cluster_id"].tolist() == [*range(15)] and types["predicted_cell_type"][1] == ""
