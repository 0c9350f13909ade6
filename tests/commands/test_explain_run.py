"""`celltype explain run=...`: the settings of a run by its name, instead of typing them again."""

SMALL = ["dataset.cells_per_class=8", "dataset.timesteps=120", "dataset.animals=4", "split.n_folds=2", "threads=1",
         "model=rnn", "trainer.epochs=1", "logger=none"]  # fmt: skip


def test_a_run_is_explained_by_part_of_its_name(celltype, tmp_path):
    assert celltype("train", *SMALL)[0] == 0
    own = ["method=saliency", "cells_per_class=1", "logger=none", "figures=[]"]
    code, out, err = celltype("explain", "run=rnn-grouped", *own)
    assert code == 0, err
    (folder,) = (tmp_path / "outputs" / "runs").iterdir()
    assert (folder / "explain" / "fold1-saliency.npz").exists()
    assert "next" in out and "celltype explain run=rnn-grouped" in out
    code, _, err = celltype("explain", "run=rnn-grouped", "model=lstm", *own)
    assert code == 2 and "run=rnn-grouped names a run with all its settings: leave out model=lstm" in err
    code, _, err = celltype("explain", "run=lstm", *own)
    assert code == 2 and "run=lstm fits 0 runs" in err
    (folder / "scores.json").unlink()
    code, _, err = celltype("explain", "run=rnn-grouped", *own)
    assert code == 2 and f"celltype train {' '.join(SMALL)}" in err
