"""Bundles scored on labelled recordings."""

import shlex

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
    write_traces(tmp_path / "plain.npz", seed=1, label=("", ""))
    assert command("evaluate", f"model={exported}", "input=plain.npz") == 2
    assert "it names no type: labels=<csv with cell_id and label> does" in capsys.readouterr().err

    def scored_by(*lines, out="other"):
        (tmp_path / "labels.csv").write_text("\n".join(lines))
        given = ("input=plain.npz", "labels=labels.csv", f"out={out}", "figures=[]")
        return command("evaluate", f"model={exported}", *given), "".join(capsys.readouterr())

    code, said = scored_by("cell_id;label;group", "c0;pv+;a", "c1;SST;a", "c2;Chat;b", "x;PV;b")
    assert code == 0 and "2 labelled cells of 1 animal" in said  # SST is another name of SOM
    assert "labels that the bundle does not know count for no score: Chat" in said
    assert "labels are taken for classes that they are but for their spelling: pv+ as PV" in said
    assert "21 of 24 cells are without a row in labels.csv" in said and "1 of 4 rows" in said
    code, said = scored_by("cell_id,label", "c0,PV", "c2,PV", out="one")
    assert code == 0 and "all labelled cells are PV: how many others are taken for it, no score here says" in said
    for lines, what in (
        (["cell_id,label", "c0,Chat"], "found Chat"),
        (["cell_id,label"], "labels.csv: holds no row"),
        (["cell_id,label", "c0,PV", "c0,SOM"], "c0: occurs 2 times"),
        (["cell_id,label", "k0,PV"], "none of its 1 rows names a cell that was read"),
        ([""], "labels=labels.csv is empty"),
    ):
        code, said = scored_by(*lines, out="none")
        assert code == 2 and what in said and not (tmp_path / "none").exists()


def test_an_answer_of_a_model_is_no_truth_to_score_it_by(exported, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_traces(tmp_path / "new.npz", seed=1)
    assert command("predict", f"model={exported}", "input=new.npz", "out=answer") == 0
    given = ("input=new.npz", "labels=answer/cells.csv", "figures=[]")
    assert command("evaluate", f"model={exported}", *given) == 2
    assert "is an answer of `celltype predict`" in capsys.readouterr().err
    with (tmp_path / "answer" / "cells.csv").open("a") as file:
        file.write(" ")  # corrected by hand
    assert command("evaluate", f"model={exported}", *given) == 0


def test_the_line_to_type_next_takes_odd_names(exported, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_traces(tmp_path / "new.npz", seed=1)
    (tmp_path / "my, own=model").symlink_to(exported)
    assert command("evaluate", "model=my, own=model", "input=new.npz", "figures=[]") == 0
    line = next(said for said in capsys.readouterr().out.splitlines() if said.startswith("next"))
    words = shlex.split(line.removeprefix("next"))[1:]
    assert command(*(word.replace("your_recording", "new.npz") for word in words)) == 0


def test_no_file_of_the_user_is_written_over(exported, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_traces(tmp_path / "new.npz", seed=1)
    ask = ("evaluate", f"model={exported}", "input=new.npz", "out=mine", "figures=[]")
    assert command(*ask) == 0 and command(*ask) == 0  # an answer of before is replaced
    (tmp_path / "mine" / "predictions.csv").write_text("mine")
    assert command(*ask) == 2 and (tmp_path / "mine" / "predictions.csv").read_text() == "mine"
    assert "predictions.csv was not written by celltype, or was changed since: move it" in capsys.readouterr().err
