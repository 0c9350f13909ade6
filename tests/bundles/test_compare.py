"""Runs and bundles compared with each other on the same cells."""

import shutil

import pandas as pd
from made.bundles import FOREST, command, write_traces


def test_two_runs_are_compared_on_their_cells(exported, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    outputs = f"outputs={place / 'outputs'}"
    settings = [f"dataset.path={place / 'traces.npz'}", *FOREST[2:], outputs]
    assert command("train", "dataset=traces", "model=logistic", *settings) == 0
    capsys.readouterr()
    assert command("compare", "runs=[forest,logistic]", outputs, "out=compared") == 0
    said = capsys.readouterr().out
    assert "24 of 6" in said and (tmp_path / "compared/pairs.png").is_file()
    table = said.split("jackknife over groups")[0]
    assert "forest-" in table and "grouped_kfold" not in table  # both have it
    assert pd.read_csv("compared/pairs.csv")["n_groups"].tolist() == [6]
    (tmp_path / "compared/pairs.csv").write_text("mine")
    assert command("compare", "runs=[forest,logistic]", outputs, "out=compared") == 2
    assert "was not written by celltype, or was changed since" in capsys.readouterr().err
    assert command("compare", "runs=[forest]", outputs) == 2
    assert command("compare", "runs=[forest,nothing]", outputs) == 2
    assert "fits 0 runs" in capsys.readouterr().err
    assert command("compare", "runs=[forest,traces-forest]", outputs) == 2
    assert "name one run" in capsys.readouterr().err
    assert command("compare", "runs=[forest,logistic]", "input=new.npz", outputs) == 2
    assert "input goes with models=" in capsys.readouterr().err


def test_bundles_are_compared_on_labelled_recordings(exported, bundle, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_traces("new.npz", seed=1)
    shutil.copytree(bundle, "third")
    assert command("compare", f"models=[{exported},copy,third]", "input=new.npz", "out=which", "figures=[]") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "24 of 6" in said and "p, Holm" in said and "cannot give a p of 3 pairs, after Holm, below 0.094" in said
    pairs = pd.read_csv("which/pairs.csv")
    assert len(pairs) == 3 and (pairs["value"] == 0).all() and (pairs["adjusted"] == 1).all()
    for typed, said in (
        ([f"models=[{exported},copy]"], "add input="),
        (["models=[copy]", "input=new.npz"], "expected two or more"),
        (["models=[copy,copy]", "input=new.npz"], "name one bundle twice"),
        ([f"models=[{exported},copy]", "input=nothing.npz"], "nothing.npz"),
        ([], "expected runs=[cnn1d,forest], or models="),
    ):
        assert command("compare", *typed) == 2
        assert said in capsys.readouterr().err
