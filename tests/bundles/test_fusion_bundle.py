"""The network of sorted units as a bundle: the ensemble over folds and trainings says what the run said."""

import numpy as np
import pandas as pd
import pytest
from made.bundles import command
from made.units import many

from celltype_cli.bundles.bundle import load_bundle
from celltype_cli.bundles.recordings import recordings_of


def test_an_ensemble_over_folds_and_trainings_predicts_as_its_run_did(tmp_path):
    path, outputs = many(tmp_path / "units.npz"), f"outputs={tmp_path / 'outputs'}"
    small = ("model.vector_widths=[8,6]", "model.head_width=6", "trainer.epochs=2",
             "trainer.stages.waveform.epochs=2", "trainer.stages.histograms.epochs=2")  # fmt: skip
    split = ("split=repeated", "split@split.split=grouped_kfold", "split.split.n_folds=2",
             "split.split.valid_fraction=0", "split.times=2")  # fmt: skip
    told = ("dataset=units", f"dataset.path={path}", "prepare.inputs=[waveform,isi]", "model=fusion",
            "trainer=pretrained", "trainer.laplace=true", "logger=none", "figures=[]")  # fmt: skip
    assert command("train", *told, *small, *split, outputs) == 0
    assert command("export", "run=fusion", f"out={tmp_path / 'model'}", outputs) == 0
    bundle = load_bundle(tmp_path / "model")
    assert len(bundle.members) == 4  # two folds, each trained twice
    (run,) = (tmp_path / "outputs" / "runs").iterdir()
    said = pd.read_csv(run / "predictions.csv")
    from celltype_cli.bundles.called import call

    cells = call(bundle.about["prepare"], recordings_of(bundle, path))
    proba = bundle.proba(cells)
    row = {name: k for k, name in enumerate(cells.cell_id)}
    columns = [f"p_{name}" for name in bundle.classes]
    assert said["fold"].nunique() == 4
    for fold, of_fold in said.groupby("fold"):
        member = [*bundle.about["models"]].index(f"fold_{fold}")
        mine = proba[member, [row[name] for name in of_fold["cell_id"]]]
        np.testing.assert_allclose(mine, of_fold[columns], rtol=0, atol=1e-6)
    assert bundle.predict(path)[columns].sum(axis=1).to_numpy() == pytest.approx(1, abs=1e-6)
