"""Answers: where they are written, and that nothing of the user is; what cannot be read, by its exit code."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from made.bundles import RATE, command, dff, make_bundle, suite2p, write_labelled

from celltype_cli import load_bundle
from celltype_cli.bundles.written import write_files
from celltype_cli.core.files import OURS, find_files, ours
from celltype_cli.core.messages import UserError


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("made"))


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sums(folder):
    return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*") if file.is_file()}


def test_labels_of_suite2p_go_to_the_answer_or_beside_and_change_nothing(bundle, here):
    plane = suite2p(here / "mouse/suite2p/plane0")
    before = sums(here / "mouse")
    ask = ("predict", f"model={bundle}", "input=mouse", "prepare.signal=raw_to_dff")
    assert command(*ask) == 0
    assert sums(here / "mouse") == before
    code = np.load("mouse-labels/suite2p/plane0/celltype.npy")
    cells = pd.read_csv("mouse-labels/cells.csv", keep_default_na=False)
    assert [("PV", "SOM")[int(k)] if k >= 0 else "" for k in code] == cells["label"].tolist()
    assert "stress" not in cells  # of a kind that knows no errors
    assert command(*ask, "write=true", "out=second") == 0
    assert np.array_equal(np.load(plane / "celltype.npy"), code)
    assert {file: value for file, value in sums(here / "mouse").items() if file in before} == before
    assert command(*ask, "out=third") == 0  # and what was written there is no recording
    assert len(pd.read_csv("third/cells.csv")) == len(cells)


def test_answers_are_replaced_when_asked_and_files_of_the_user_never(bundle, here, capsys):
    write_labelled(here / "new.npz", n=4)
    ask = ("predict", f"model={bundle}", "input=new.npz")
    assert command(*ask) == 0 and command(*ask) == 2
    assert "is an answer of before" in capsys.readouterr().err
    assert command(*ask, "overwrite=true") == 0
    with (here / "new.npz-labels/cells.csv").open("a") as file:
        file.write("mine\n")
    assert command(*ask, "overwrite=true") == 2
    assert "was changed since" in capsys.readouterr().err
    assert (here / "new.npz-labels/cells.csv").read_text().endswith("mine\n")
    plane = suite2p(here / "mouse/suite2p/plane0")
    (plane / "celltype.npy").write_text("the user's own")
    ask = ("predict", f"model={bundle}", "input=mouse", "prepare.signal=raw_to_dff", "write=true", "overwrite=true")
    assert command(*ask) == 2 and (plane / "celltype.npy").read_text() == "the user's own"
    assert not (here / "mouse-labels").exists()


def test_an_answer_that_could_not_be_written_whole_leaves_nothing_and_can_be_asked_for_again(tmp_path):
    def full(place):
        place.write_text("half")
        raise OSError(28, "No space left on device")

    old = [(tmp_path / name, lambda place: place.write_text("old")) for name in ("a.csv", "b.csv")]
    write_files(old, overwrite=False)
    with pytest.raises(OSError, match="No space"):
        write_files([(tmp_path / "a.csv", lambda place: place.write_text("new")), (tmp_path / "b.csv", full)], True)
    assert {file.name for file in tmp_path.iterdir()} == {"a.csv", "b.csv", OURS}
    assert (tmp_path / "a.csv").read_text() == "old"
    write_files(old[:1], overwrite=True, stale=[tmp_path / "b.csv"])
    assert not (tmp_path / "b.csv").exists() and [*ours(tmp_path)] == ["a.csv"]


def test_a_link_lends_its_own_name(bundle, here):
    (here / "store").mkdir()
    write_labelled(here / "store/MD5E-s123--abc.npz", n=4)
    (here / "day1.npz").symlink_to("store/MD5E-s123--abc.npz")
    assert command("predict", f"model={bundle}", "input=day1.npz") == 0
    assert (here / "day1.npz-labels/cells.csv").is_file()


@pytest.mark.parametrize("within", ["", "answer"])
def test_a_bundle_is_no_folder_for_an_answer(bundle, here, capsys, within):
    np.savez("new.npz", trace=dff(), sampling_rate=np.full(len(dff()), RATE))
    before = sums(bundle)
    assert command("predict", f"model={bundle}", "input=new.npz", f"out={bundle / within}") == 2
    assert "is the folder of a bundle, or in one, where nothing else belongs" in capsys.readouterr().err
    assert sums(bundle) == before


def test_answers_in_the_folder_of_the_recordings_are_passed_over(bundle, here):
    (here / "data").mkdir()
    write_labelled(here / "data/new.npz", n=4)
    (here / "data/mouse").mkdir()
    for out in ("first", "second"):
        assert command("predict", f"model={bundle}", "input=data", f"out=data/{out}") == 0
        assert len(pd.read_csv(here / "data" / out / "cells.csv")) == 4
    files, _ = find_files(here / "data", (".csv", ".npz"))
    assert [file.name for file in files] == ["new.npz"]


def test_a_broken_file_is_named_and_the_others_are_labelled(bundle, here, capsys):
    (here / "data").mkdir()
    write_labelled(here / "data/good.npz", n=4)
    (here / "data/broken.npz").write_bytes(b"PK nothing")
    (here / "data/broken.h5").write_bytes(b"nothing")
    assert command("predict", f"model={bundle}", "input=data") == 3
    said = capsys.readouterr().out
    assert "broken.npz" in said and "broken.h5" in said
    cells = pd.read_csv("data-labels/cells.csv", keep_default_na=False)
    assert len(cells) == 6 and (cells["best"] == "").sum() == 2
    lost = cells[cells["best"] == ""]
    assert lost["file"].str.contains("broken").all() and lost["note"].str.contains("cannot be read").all()
    assert "broken.h5" in (here / "data-labels/page.html").read_text()
    (here / "data/good.npz").unlink()
    assert command("predict", f"model={bundle}", "input=data", "out=none") == 2
    assert "broken.npz" in capsys.readouterr().err and not (here / "none").exists()


def test_arrays_are_labelled_in_python(bundle, tmp_path):
    opened, trace = load_bundle(bundle), dff(5, seed=4)
    proba = opened.predict_proba(trace=trace, sampling_rate=RATE)
    assert proba.shape == (5, 2) and np.allclose(proba.sum(axis=1), 1)
    assert [opened.classes[k] for k in proba.argmax(axis=1)] == ["PV", "SOM", "PV", "SOM", "PV"]
    ids = [f"c{k}" for k in range(5)]
    np.savez(tmp_path / "x.npz", trace=trace, sampling_rate=RATE, cell_id=ids, label=["PV"] * 5)
    np.testing.assert_array_equal(opened.predict(tmp_path / "x.npz")[["p_PV", "p_SOM"]].to_numpy(), proba)
    trace[1, 100:] = np.nan
    assert np.isnan(opened.predict_proba(trace=trace, sampling_rate=RATE)).all(axis=1).tolist() == [
        False, True, False, False, False
    ]  # fmt: skip
    with pytest.raises(UserError, match="10 s|10 samples|75 samples|samples"):
        opened.predict_proba(trace=trace[:, :100], sampling_rate=RATE)
    with pytest.raises(UserError, match="sampling_rate is missing"):
        opened.predict_proba(trace=trace)


def test_cascade_files_are_labelled(bundle, here):
    from scipy.io import savemat

    (here / "DSxx").mkdir()
    for k, trace in enumerate(dff(3, seed=5)):
        found = {"fluo_time": np.arange(len(trace)) / RATE, "fluo_mean": trace}
        savemat(here / f"DSxx/CAttached_XCaMP_{k}_0_mini.mat", {"CAttached": found})
    assert command("predict", f"model={bundle}", "input=DSxx") == 0
    cells = pd.read_csv("DSxx-labels/cells.csv")
    assert cells["best"].tolist() == ["PV", "SOM", "PV"] and cells["cell_id"].tolist() == ["XCaMP_0_0", "XCaMP_1_0",
                                                                                        "XCaMP_2_0"]  # fmt: skip
    assert command("predict", f"model={bundle}", "input=DSxx/CAttached_XCaMP_1_0_mini.mat", "out=one") == 0
    assert pd.read_csv("one/cells.csv")["best"].tolist() == ["SOM"]


@pytest.mark.filterwarnings("ignore")
def test_nwb_files_are_labelled(bundle, here):
    pytest.importorskip("pynwb", reason="extra nwb is not installed")
    from made.nwb import Made

    Made().series(data=dff(3, seed=6).T.astype("f4")).write(here / "day.nwb")
    assert command("predict", f"model={bundle}", "input=day.nwb") == 0
    cells = pd.read_csv("day.nwb-labels/cells.csv")
    assert cells["best"].tolist() == ["PV", "SOM", "PV"] and cells["cell_id"].str.startswith("day/").all()
    assert (here / "day.nwb-labels/day.celltype.nwb").is_file()
