"""Bundles: opened whole or not at all, and the labels they give."""

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from made.bundles import command

from celltype_cli import load_bundle
from celltype_cli.bundles.bundle import call
from celltype_cli.bundles.predict import predict, recordings_of
from celltype_cli.bundles.sums import write_sums
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.calibration import softened

N = 24
FOREST = ("model=forest", "model.n_estimators=10", "logger=none", "split.n_folds=3", "prepare.timesteps=60")


def write_traces(path, n=N, timesteps=150, label=("PV", "SOM"), seed=0, **changes):
    rng = np.random.default_rng(seed)
    columns = {
        "trace": rng.standard_normal((n, timesteps)) * (0.1 + 0.2 * (np.arange(n) % 2))[:, None],
        "label": [label[k % 2] for k in range(n)],
        "cell_id": [f"c{k}" for k in range(n)],
        "group": [f"m{k // 4}" for k in range(n)],
        "sampling_rate": 30.0,
    }
    np.savez(path, **{**columns, **changes})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture(scope="module")
def exported(place):
    """The bundle of a forest on made-up traces; its run stays beside it."""
    write_traces(place / "traces.npz")
    outputs = f"outputs={place / 'outputs'}"
    assert command("train", "dataset=traces", f"dataset.path={place / 'traces.npz'}", *FOREST, outputs) == 0
    assert command("export", "run=traces", f"out={place / 'mine'}", outputs) == 0
    return place / "mine"


@pytest.fixture
def bundle(exported, tmp_path):
    """A copy that may be spoilt."""
    return shutil.copytree(exported, tmp_path / "copy")


def labels_of(bundle, path, **settings):
    return predict(bundle, recordings_of(bundle, path, **settings)).cells


def test_what_a_bundle_holds_and_says(exported):
    names = {file.relative_to(exported).as_posix() for file in exported.rglob("*") if file.is_file()}
    models = {f"models/fold_{k}/{name}" for k in (1, 2, 3) for name in ("model.json", "estimator.skops")}
    assert names == {"bundle.yaml", "card.md", "checksums.txt", "training.npz", "held_out.csv", *models}
    about = load_bundle(exported).about
    assert about["classes"] == ["PV", "SOM"] and about["prepare"]["timesteps"] == 60
    assert about["prepare"]["sampling_rate"] == 30 and about["prepare"]["too_short"] == "error"
    assert about["scores"]["balanced_accuracy"]["value"] > 0.9 and about["scores"]["floor"]["accuracy"] == 0.5
    card = (exported / "card.md").read_text()
    assert "24 cells of 6 animals" in card and "balanced accuracy |" in card


def test_new_cells_are_labelled(exported, tmp_path):
    write_traces(tmp_path / "new.npz", seed=1, label=("", ""))
    cells = labels_of(load_bundle(exported), tmp_path / "new.npz")
    assert cells["best"].tolist() == ["PV", "SOM"] * 12
    assert (
        np.allclose(cells[["p_PV", "p_SOM"]].sum(axis=1), 1)
        and (cells["confidence"] == cells[["p_PV", "p_SOM"]].max(axis=1)).all()
    )
    assert cells["rows"].eq(2).all() and cells["votes"].str.endswith("/3").all()


def test_labels_in_the_file_do_not_matter(exported, tmp_path):
    write_traces(tmp_path / "a.npz", seed=1, label=("", ""))
    write_traces(tmp_path / "b.npz", seed=1, label=("Chat", "PV"))
    of = [labels_of(load_bundle(exported), tmp_path / name).drop(columns="file") for name in ("a.npz", "b.npz")]
    pd.testing.assert_frame_equal(*of)


def test_the_ensemble_is_the_mean_of_the_folds(exported, tmp_path):
    write_traces(tmp_path / "new.npz", n=2, timesteps=60, seed=1)
    bundle = load_bundle(exported)
    recordings = recordings_of(bundle, tmp_path / "new.npz")
    each = bundle.proba(call(bundle.about["prepare"], recordings))
    assert each.shape == (3, 2, 2)
    found = predict(bundle, recordings).cells[["p_PV", "p_SOM"]].to_numpy()
    np.testing.assert_allclose(found, softened(each.mean(axis=0), bundle.held_out.temperature), atol=1e-9)


def test_a_cell_that_cannot_be_used_stops_no_other(exported, tmp_path):
    trace = np.random.default_rng(1).standard_normal((3, 150)) / 5
    trace[1, 30:] = np.nan  # 30 samples, 60 are needed
    np.savez(tmp_path / "new.npz", trace=trace, label=[""] * 3, cell_id=["a", "b", "c"], sampling_rate=30.0)
    cells = labels_of(load_bundle(exported), tmp_path / "new.npz").set_index("cell_id")
    assert cells.loc["b", "best"] == "" and "30 samples" in cells.loc["b", "note"]
    assert (cells.loc[["a", "c"], "best"] != "").all() and cells.loc["a", "note"] == ""


def test_the_command_and_its_exit_codes(exported, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_traces(tmp_path / "new.npz", n=4)
    assert command("predict", f"model={exported}", "input=new.npz") == 0
    assert len(pd.read_csv("new.npz-labels/cells.csv")) == 4
    trace = np.random.default_rng(1).standard_normal((2, 150))
    trace[1, 30:] = np.nan
    write_traces(tmp_path / "one.npz", n=2, trace=trace)
    assert command("predict", f"model={exported}", "input=one.npz", "out=answer") == 3
    assert "c1: its longest uninterrupted stretch" in capsys.readouterr().out.replace("\n", " ")
    write_traces(tmp_path / "short.npz", n=2, timesteps=20)
    assert command("predict", f"model={exported}", "input=short.npz", "out=none") == 2
    assert not (tmp_path / "none").exists()


def test_a_run_is_a_model_too(exported, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_traces(tmp_path / "new.npz", n=4)
    assert command("predict", "model=forest", "input=new.npz", f"outputs={place / 'outputs'}") == 0
    assert command("predict", f"model={exported}", "input=new.npz", "out=again") == 0
    run, mine = (pd.read_csv(tmp_path / name / "cells.csv") for name in ("new.npz-labels", "again"))
    pd.testing.assert_frame_equal(run, mine)


def test_one_model_on_all_cells(exported, place, tmp_path):
    outputs = f"outputs={place / 'outputs'}"
    assert command("export", "run=traces", f"out={tmp_path / 'all'}", "fit=all", outputs) == 0
    assert load_bundle(tmp_path / "all").about["models"] == ["all"]
    assert len(load_bundle(tmp_path / "all").members) == 1


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda b: (b / "bundle.yaml").open("a").write("\n"), "bundle.yaml was changed"),
        (lambda b: (b / "models/fold_1/estimator.skops").write_bytes(b"x"), "estimator.skops was changed"),
        (lambda b: (b / "models/fold_1/model.json").unlink(), "model.json is missing"),
        (lambda b: (b / "models/extra.py").write_text("1"), "extra.py is not listed"),
        (lambda b: (b / "checksums.txt").unlink(), "checksums.txt cannot be read"),
        (lambda b: (b / "bundle.yaml").unlink(), "is no bundle"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_was_is_not_opened(bundle, spoil, said):
    spoil(bundle)
    with pytest.raises(UserError, match=said):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 2}, "reads format 1"),
        ({"prepare": {"_target_": "os.system", "command": "true"}}, "os.system is neither"),
        ({"prepare": {"_target_": "celltype_cli.calcium.prepare.windows.__globals__"}}, "is neither"),
        ({"source": {"_target_": "celltype_cli.core.files.write_text"}}, "write_text is neither"),
        ({"prepare": {"_target_": "celltype_cli.calcium.prepare.gone"}}, "not in this version"),
        ({"classes": None}, "lacks classes"),
    ],
)
def test_a_bundle_made_by_others_calls_nothing_else(bundle, change, said):
    about = {**yaml.safe_load((bundle / "bundle.yaml").read_text()), **change}
    (bundle / "bundle.yaml").write_text(yaml.safe_dump({k: v for k, v in about.items() if v is not None}))
    write_sums(bundle)
    with pytest.raises(UserError, match=said):
        load_bundle(bundle)


@pytest.mark.parametrize(
    "content", ["a: [", "- 1", "a: &a [*a, *a]\nformat: 3", "!!python/object/apply:os.system [true]"]
)
def test_yaml_of_others(bundle, content):
    (bundle / "bundle.yaml").write_text(content)
    write_sums(bundle)
    with pytest.raises(UserError, match=str(bundle)):
        load_bundle(bundle)


def test_what_is_there_is_not_replaced_unasked(exported, place, tmp_path, capsys):
    outputs = f"outputs={place / 'outputs'}"
    assert command("export", "run=traces", f"out={exported}", outputs) == 2
    assert "is a bundle already" in capsys.readouterr().err
    (tmp_path / "data").mkdir()
    assert command("export", "run=traces", f"out={tmp_path / 'data'}", "overwrite=true", outputs) == 2
    assert "is no bundle" in capsys.readouterr().err
    assert command("export", "run=traces", f"out={exported}", "overwrite=true", outputs) == 0


def test_a_bundle_says_the_same_without_the_runner_and_without_torch_where_it_holds_trees(exported, tmp_path):
    write_traces(tmp_path / "new.npz", n=4)
    here = load_bundle(exported).predict(tmp_path / "new.npz")
    code = (
        "import sys\n"
        "names = ('hydra', 'omegaconf', 'mlflow', 'pytorch_lightning', 'celltype_cli.runs', 'celltype_cli.commands')\n"
        "sys.modules.update(dict.fromkeys(names))\n"
        "from celltype_cli import load_bundle\n"
        f"cells = load_bundle({str(exported)!r}).predict({str(tmp_path / 'new.npz')!r})\n"
        f"cells.to_json({str(tmp_path / 'there.json')!r}, double_precision=15)\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr  # half a gigabyte
    there = pd.read_json(tmp_path / "there.json")
    assert there["best"].tolist() == ["PV", "SOM", "PV", "SOM"]
    np.testing.assert_allclose(there[["p_PV", "p_SOM"]], here[["p_PV", "p_SOM"]], atol=1e-12)


def test_labelled_recordings_score_a_bundle(exported, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_traces(tmp_path / "new.npz", seed=1)
    assert command("evaluate", f"model={exported}", "input=new.npz") == 0
    said = capsys.readouterr().out
    assert "24 labelled cells of 6 groups" in said and "1.000" in said
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


def test_two_runs_are_compared_on_their_cells(exported, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    outputs = f"outputs={place / 'outputs'}"
    settings = [f"dataset.path={place / 'traces.npz'}", *FOREST[2:], outputs]
    assert command("train", "dataset=traces", "model=logistic", *settings) == 0
    assert command("compare", "runs=[forest,logistic]", outputs, "out=compared") == 0
    said = capsys.readouterr().out
    assert "24 of 6" in said and (tmp_path / "compared/pairs.png").is_file()
    assert pd.read_csv("compared/pairs.csv")["n_groups"].tolist() == [6]
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


def test_labels_go_to_the_sure_cells_and_sets_to_all(exported, tmp_path):
    write_traces(tmp_path / "new.npz", seed=1)
    bundle = load_bundle(exported)
    recordings = recordings_of(bundle, tmp_path / "new.npz")
    everything, none = (predict(bundle, recordings, accuracy=accuracy).cells for accuracy in (None, 0.999))
    assert (everything["label"] == everything["best"]).all()
    assert (none["label"] == "").all() and (none["best"] != "").all()  # 24 held-out cells cannot show 99.9 %
    some = predict(bundle, recordings, accuracy=0.9).cells
    least = bundle.held_out.threshold(0.9)
    assert ((some["label"] != "") == (some["confidence"] >= least)).all()
    assert some["set"].isin(["PV", "SOM", "PV SOM", ""]).all() and (some["set"] != "").any()
    with pytest.raises(UserError, match="accuracy=1.5"):
        predict(bundle, recordings, accuracy=1.5)
