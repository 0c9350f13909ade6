"""Bundles scored on labelled recordings."""

import pandas as pd
from made.bundles import command, write_traces


def test_labelled_recordings_score_a_bundle(exported, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_traces(tmp_path / "new.npz", seed=1)
    assert command("evaluate", f"model={exported}", "input=new.npz") == 0
    said = capsys.readouterr().out
    assert "24 labelled cells of 6 animals" in said and "1.000" in said
    scored = pd.read_csv("new.npz-scores/predictions.csv")
    assert scored["label"].tolist() == ["PV", "SOM"] * 12
    (tmp_path / "labels.csv").write_text("cell_id;label\nc0;PV\nc1;SST\nc2;Chat\n")
    assert command("evaluate", f"model={exported}", "input=new.npz", "labels=labels.csv", "out=other") == 0
    said = capsys.readouterr().out
    assert "2 labelled cells" in said  # SST is another name of SOM
    assert "labels that the bundle does not know count for no score: Chat" in said
    (tmp_path / "labels.csv").write_text("cell_id,label\nc0,Chat\n")
    assert command("evaluate", f"model={exported}", "input=new.npz", "labels=labels.csv", "out=none") == 2
    assert "found Chat" in capsys.readouterr().err and not (tmp_path / "none").exists()
