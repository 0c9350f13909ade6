"""The labels that a bundle gives: to which cells, and with what else."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from made.bundles import write_traces

from celltype_cli import load_bundle
from celltype_cli.bundles.called import call, check
from celltype_cli.bundles.lines import lost_line, notes_of
from celltype_cli.bundles.predict import labelled, predict
from celltype_cli.bundles.recordings import recordings_of
from celltype_cli.bundles.sure import HeldOut
from celltype_cli.core.messages import UserError
from celltype_cli.evaluation.calibration import softened


def labels_of(bundle, path, **settings):
    return predict(bundle, recordings_of(bundle, path, **settings)).cells


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


def with_held_out(bundle, label, proba):
    """Returns a bundle whose held-out cells are others, of five animals."""
    n = len(label)
    vars(bundle)["held_out"] = HeldOut(label, proba, np.arange(n) % 5, np.arange(n).astype(str))
    return bundle


def test_a_type_that_no_held_out_cell_was_rightly_called_is_no_label(exported, tmp_path):
    write_traces(tmp_path / "new.npz", seed=1, label=("", ""))
    proba = np.tile([[0.9, 0.1], [0.1, 0.9]], (30, 1))
    label = np.where(np.arange(60) % 4 == 3, 0, np.arange(60) % 2)  # half of those that are called SOM are PV
    bundle, recordings = load_bundle(exported), recordings_of(load_bundle(exported), tmp_path / "new.npz")
    found = predict(with_held_out(bundle, label, proba), recordings, accuracy=0.6).cells
    assert set(found["label"]) == {"PV", "SOM"}
    bundle = with_held_out(load_bundle(exported), np.zeros(60, int), proba)  # all of them
    found = predict(bundle, recordings, accuracy=0.4).cells
    assert set(found["label"]) == {"PV", ""}
    assert set(found.loc[found["best"] == "SOM", "note"]) == {"held-out cells called SOM so surely are that too rarely"}
    assert (predict(bundle, recordings, accuracy=None).cells["label"] != "").all()  # as was asked for


def test_a_label_that_its_set_leaves_out_is_told(exported, tmp_path):
    write_traces(tmp_path / "new.npz", seed=1, label=("", ""))
    proba = np.tile([[0.9, 0.1], [0.4, 0.6]], (30, 1))
    bundle = with_held_out(load_bundle(exported), np.arange(60) % 2, proba)
    new = np.tile([[0.8, 0.2], [0.3, 0.7]], (12, 1)).repeat(2, axis=0)  # of two windows each
    vars(bundle)["members"] = (lambda cells: new,)
    found = predict(bundle, recordings_of(bundle, tmp_path / "new.npz"), accuracy=None).cells
    assert found["label"].tolist() == ["PV", "SOM"] * 12 and found["set"].tolist() == ["", "SOM"] * 12
    said = "read with care: its set leaves the label out, most PV cells that were held out were more surely so"
    assert found["note"].tolist() == [said, ""] * 12


def test_a_cell_that_is_odd_beside_the_others_alone_stops_no_other(exported, tmp_path):
    trace = np.random.default_rng(1).standard_normal((21, 150)) / 50
    trace[20] *= 50  # sd 1: some dF/F has it, but not beside cells of 0.02
    ids = [f"c{k}" for k in range(21)]
    np.savez(tmp_path / "new.npz", trace=trace, label=[""] * 21, cell_id=ids, sampling_rate=30.0)
    cells = labels_of(load_bundle(exported), tmp_path / "new.npz").set_index("cell_id")
    assert cells.index.tolist() == ids and (cells["best"] == "").tolist() == [False] * 20 + [True]
    assert "unlike the others" in cells.loc["c20", "note"]


def test_cells_that_cannot_be_used_together_stop_none_that_come_before(exported, tmp_path):
    trace = np.random.default_rng(1).standard_normal((56, 150)) / 50
    trace[50:53] *= 50  # half of the second part of the cells, on another scale
    ids = [f"c{k}" for k in range(56)]
    np.savez(tmp_path / "new.npz", trace=trace, label=[""] * 56, cell_id=ids, sampling_rate=30.0)
    cells = labels_of(load_bundle(exported), tmp_path / "new.npz").set_index("cell_id")
    assert cells.index.tolist() == ids and (cells["best"] == "").tolist() == [False] * 50 + [True] * 6
    assert "bring all to one unit" in cells.loc["c55", "note"]


def test_a_cell_that_cannot_be_used_stops_no_other(exported, tmp_path):
    trace = np.random.default_rng(1).standard_normal((3, 150)) / 5
    trace[1, 30:] = np.nan  # 30 samples, 60 are needed
    np.savez(tmp_path / "new.npz", trace=trace, label=[""] * 3, cell_id=["a", "b", "c"], sampling_rate=30.0)
    cells = labels_of(load_bundle(exported), tmp_path / "new.npz").set_index("cell_id")
    assert cells.loc["b", "best"] == "" and "30 samples" in cells.loc["b", "note"]
    assert (cells.loc[["a", "c"], "best"] != "").all() and "samples" not in cells.loc["a", "note"]


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


def test_what_the_page_does_not_draw_is_not_kept(exported, tmp_path):
    """A view of a few rows would keep them all."""
    write_traces(tmp_path / "new.npz", n=30)
    bundle = load_bundle(exported)
    recordings = recordings_of(bundle, tmp_path / "new.npz")
    for shown in (0, 5):
        part = labelled(bundle, recordings, {}, shown=shown)
        assert part.shown == shown and part.examples["trace"].base is None


def test_a_recording_that_was_made_otherwise_gets_no_labels_unless_forced(exported, tmp_path):
    bundle = load_bundle(exported)
    write_traces(tmp_path / "slow.npz", seed=1, sampling_rate=15.0)  # that of the training cells is 30 Hz
    recordings = recordings_of(bundle, tmp_path / "slow.npz")
    answer = predict(bundle, recordings, accuracy=None)
    assert answer.verdict.withheld and (answer.cells["label"] == "").all()
    assert "recorded rate is 15 Hz, of the training cells 30 Hz" in answer.verdict.words()
    forced = predict(bundle, recordings, accuracy=None, force=True).cells
    assert (forced["label"] == forced["best"]).all()
    write_traces(tmp_path / "same.npz")
    known = predict(bundle, recordings_of(bundle, tmp_path / "same.npz")).verdict
    assert not known.noted and "24 of 24 cells are training cells" in known.words()


def test_a_recording_of_which_the_models_are_less_sure_is_read_with_care(exported, tmp_path):
    bundle = load_bundle(exported)
    between = np.random.default_rng(1).standard_normal((24, 150)) * 0.19  # of 0.1 and 0.3, which the types have
    for name, changes in (("between", {"trace": between}), ("same", {})):
        write_traces(tmp_path / f"{name}.npz", seed=1, **changes)
        answer = predict(bundle, recordings_of(bundle, tmp_path / f"{name}.npz"))
        assert ("the models are less sure of it" in answer.verdict.words()) == (name == "between")
        assert answer.verdict.noted == (name == "between")
        assert len(answer.unlike) == 24 and not answer.unlike.any()  # the trace has no places


@pytest.mark.parametrize(
    ("line", "cell", "file", "note"),
    [
        ("cell rec/1: has no spikes", "rec/1", "", "has no spikes"),
        ("cell b (x) (a.npz): has no rate", "b (x)", "a.npz", "has no rate"),
        ("/data/a.npz: is empty", "/data/a.npz", "/data/a.npz", "is empty"),
    ],
)
def test_what_a_reader_lost_goes_by_its_own_name(exported, line, cell, file, note):
    found = lost_line(load_bundle(exported), line)
    assert (found["cell_id"], found["file"], found["note"]) == (cell, file, note)


def test_one_setting_of_many_units_is_no_fault_of_the_bundle():
    node = {"_target_": "celltype_cli.extracellular.datasets.own.load", "units": None, "path": "x"}
    for value in (1, "all"):
        with pytest.raises(UserError, match=f"dataset.units={value} is .*, expected a list"):
            check({"dataset": node}, {"dataset": {"units": value}})


def test_what_prepare_says_of_the_recordings_is_said_of_them(exported, tmp_path):
    write_traces(tmp_path / "new.npz", seed=1, label=("", ""))
    held = dict(np.load(tmp_path / "new.npz"))
    held["trace"][3, 40:45] = np.nan
    np.savez(tmp_path / "new.npz", **held)
    bundle = load_bundle(exported)
    recordings = recordings_of(bundle, tmp_path / "new.npz")
    notes = predict(bundle, recordings).notes
    assert "5 samples of 1 cells are missing (NaN); no window crosses such a gap" in notes
    assert not any("label" in note or "unknown" in note for note in notes)  # which concern scores
    assert len({*notes}) == len(notes)


def test_notes_on_cells_in_parts_say_of_which():
    parts = [(50, ["3 samples of 1 cells are missing"]), (50, []), (7, ["12 samples of 2 cells are missing", "odd"])]
    assert [*notes_of(parts[:1])] == ["3 samples of 1 cells are missing"]
    assert [*notes_of(parts)] == [
        "3 samples of 1 cells are missing (cells 1 to 50); and alike of cells in 1 other parts",
        "odd (cells 101 to 107)",
    ]
