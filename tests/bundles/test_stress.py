"""Labels under errors of the recording: what is said of them."""

import numpy as np
import pandas as pd
import pytest
from made.bundles import command
from made.units import many, phy

from celltype_cli.bundles.stress import words

NAMES = ["error", "worst", "becomes"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("10 %", "30 %", "same"), ("30 %", "30 %", "same"), ("half", "half", "same")], "stable to 30 %, half"),
        ([("10 %", "30 %", "other"), ("30 %", "30 %", "other"), ("half", "half", "other")], "flips at 10 %, half"),
        ([("10 %", "30 %", "unsure"), ("30 %", "30 %", "other"), ("half", "half", "unusable")],
         "flips at 30 %; unsure at 10 %; not usable at half"),
    ],
)  # fmt: skip
def test_words_name_the_first_error_of_each_kind(rows, said):
    assert words(pd.DataFrame(rows, columns=NAMES)) == said


def test_labels_of_units_are_tried_with_errors_and_the_answer_says_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    many(tmp_path / "units.npz")
    phy(tmp_path / "rec")
    fast = ("model.n_estimators=20", "split.n_folds=2", "logger=none", "figures=[]", "outputs=outputs")
    assert command("train", "dataset=units", "dataset.path=units.npz", "model=forest", *fast) == 0
    ask = ("predict", "model=units-forest", "input=rec", "force=true", "outputs=outputs")
    assert command(*ask, "accuracy=null", "out=all") == 0
    cells = pd.read_csv("all/cells.csv", keep_default_na=False)
    table = pd.read_csv("all/stress.csv", keep_default_na=False)
    assert cells["stress"].str.match("stable to|flips at|not usable").all()
    assert table.groupby("cell_id").size().tolist() == [7] * len(cells)
    assert "labels stand every error" in capsys.readouterr().out
    page = (tmp_path / "all/page.html").read_text(encoding="utf-8")
    assert "10 % contamination" in page
    assert page.count("3D autocorrelogram") == page.count("mean waveform") == len(cells)
    assert "cells left by ratio" in page and (tmp_path / "all/survival.png").stat().st_size > 1000
    notes = pd.read_csv("all/cluster_celltype_note.tsv", sep="\t")["celltype_note"]
    assert notes.tolist() == [f"lies far from all training cells; {said}" for said in cells["stress"]]
    assert "not usable at 10 % loss" in cells["stress"][0]  # it has 100 spikes, the fewest that are taken
    assert command(*ask, "accuracy=null", "out=again") == 0
    pd.testing.assert_frame_equal(pd.read_csv("again/stress.csv", keep_default_na=False), table)
    assert command(*ask, "stress=false", "out=without") == 0
    assert "stress" not in pd.read_csv("without/cells.csv").columns
    assert not (tmp_path / "without/stress.csv").exists()
    np.testing.assert_array_equal(pd.read_csv("without/cells.csv")["best"], cells["best"])
    assert command(*ask, "stress=false", "out=again", "overwrite=true") == 0  # and nothing of before is left
    files = {file.name for file in (tmp_path / "without").iterdir()}
    assert {file.name for file in (tmp_path / "again").iterdir()} == files and "stress.csv" not in files
    assert "stress.csv" not in (tmp_path / "again/celltype_files.txt").read_text()
