"""Folders as suite2p writes them: neuropil, cells, frame rate without opening a pickle, planes, labels beside."""

import numpy as np
import pytest
from made.configs import cells, recordings
from made.pipelines import FS, fluorescence, suite2p
from made.traces import refused

from celltype_cli.core.messages import UserError

RAW = {"signal": "raw", "timesteps": 50}


def load(path, **changes):
    return cells("traces", path=str(path), **RAW | changes)


def read(path, **changes):
    return recordings("traces", path=str(path), **changes).entries


def test_neuropil_is_subtracted_and_what_is_no_cell_left_out(tmp_path):
    suite2p(tmp_path / "mouse1" / "suite2p" / "plane0")
    loaded = load(tmp_path / "mouse1")
    full, neuropil = fluorescence()
    assert list(dict.fromkeys(loaded.cell_id)) == [f"mouse1/plane0/{k}" for k in (0, 2, 3)]
    assert np.allclose(loaded.inputs["trace"][:4].ravel(), (full - 0.7 * neuropil)[0], atol=1e-3)
    assert set(loaded.group) == {"mouse1"}  # what one microscope saw is of one animal
    assert loaded.about.of("trace").sampling_rate == FS
    note = "2 ROIs are flagged as no cells (2 by iscell.npy) and left out; dataset.rejected=keep takes them"
    assert note in loaded.about.notes
    assert "the neuropil of suite2p is subtracted: F - 0.7 Fneu (dataset.neuropil)" in loaded.about.notes


def test_the_factor_and_rejected_rois_are_settings(tmp_path):
    suite2p(tmp_path / "plane0")
    kept = read(tmp_path / "plane0", neuropil=0.0, rejected="keep")
    assert len(kept) == 5
    assert np.array_equal(kept[1].segments[0], fluorescence()[0][1].astype(float))


def test_a_folder_without_any_cell_says_what_was_left_out(tmp_path):
    """And not what is noted besides, as that all rates are those of dataset.frame_rate."""
    suite2p(tmp_path / "plane0", iscell=np.zeros(5))
    with pytest.raises(UserError, match="no cell is left: 5 ROIs are flagged as no cells"):
        read(tmp_path / "plane0", frame_rate=30.0)


def test_it_is_raw_fluorescence_and_says_so(tmp_path):
    suite2p(tmp_path / "m")
    said = "cell m/0 .* and 2 more: the file says that its values are raw fluorescence; set prepare.signal=raw_to_dff"
    refused(said, load, tmp_path / "m", signal="dff")
    assert load(tmp_path / "m", signal="raw_to_dff").about.of("trace").unit == "dF/F"


@pytest.mark.parametrize("where", ["", "suite2p", "suite2p/plane0"])
def test_any_folder_above_will_do(tmp_path, where):
    suite2p(tmp_path / "m1" / "suite2p" / "plane0")
    assert read(tmp_path / "m1" / where)[0].cell_id == "m1/plane0/0"


def test_planes_are_read_and_what_combines_them_is_not(tmp_path):
    for name in ("plane0", "plane1", "combined"):
        suite2p(tmp_path / "m1" / "suite2p" / name)
    suite2p(tmp_path / "m2" / "suite2p" / "combined")
    found = read(tmp_path)
    assert {r.cell_id.rpartition("/")[0] for r in found} == {"m1/plane0", "m1/plane1", "m2/combined"}
    assert {r.group for r in found} == {"m1", "m2"}


def test_a_combined_view_that_was_curated_apart_is_told(tmp_path):
    flags = (1, 0, 1, 1, 0)
    for k in range(2):
        suite2p(tmp_path / "suite2p" / f"plane{k}", seed=k, iscell=flags)
    both = suite2p(tmp_path / "suite2p" / "combined", n=5)
    np.save(both / "iscell.npy", np.c_[[*flags, *flags], np.ones(10)])
    assert not any("combined" in note for note in recordings("traces", path=str(tmp_path)).about.notes)
    np.save(both / "iscell.npy", np.c_[[*flags, 0, 1, 1, 1, 0], np.ones(10)])
    (note,) = [note for note in recordings("traces", path=str(tmp_path)).about.notes if "combined" in note]
    assert "plane1: 2 ROIs are called otherwise in combined/iscell.npy" in note
    np.save(both / "iscell.npy", np.zeros((0, 2)))
    assert not any("combined" in note for note in recordings("traces", path=str(tmp_path)).about.notes)
    (both / "iscell.npy").write_bytes(b"no array")
    notes = [note for note in recordings("traces", path=str(tmp_path)).about.notes if "combined/iscell" in note]
    assert notes and all("passed over" in note for note in notes)
    (tmp_path / "suite2p" / "plane1").rename(tmp_path / "suite2p" / "upper")  # whose place among the planes is unknown
    assert len(recordings("traces", path=str(tmp_path)).entries) == 2 * sum(flags)


def test_frames_that_settings_and_traces_count_otherwise(tmp_path):
    suite2p(tmp_path / "a", ops={"nplanes": 1, "fs": 20.0, "nframes": 200})
    suite2p(tmp_path / "b", ops={"nplanes": 1, "fs": 20.0, "nframes": 400})
    notes = [note for note in recordings("traces", path=str(tmp_path)).about.notes if "frames" in note]
    assert notes == ["b: ops.npy says 400 frames and F.npy has 200: are they of one run of suite2p?"]


def test_no_pickle_is_opened_for_the_frame_rate(tmp_path, monkeypatch):
    import pickle

    def refuse(*_, **__):
        raise AssertionError("opened a pickle")

    suite2p(tmp_path / "m")
    monkeypatch.setattr(pickle, "load", refuse)
    assert read(tmp_path / "m")[0].sampling_rate == FS


@pytest.mark.parametrize("ops", [None, {"tau": 1.0}, {"fs": "10"}, {"fs": 10.0, "old": {"fs": 30.0}}])
def test_an_unknown_frame_rate_is_asked_for(tmp_path, ops):
    suite2p(tmp_path / "m", ops=ops)
    refused("set dataset.frame_rate .Hz", load, tmp_path / "m")
    assert read(tmp_path / "m", frame_rate=7.0)[0].sampling_rate == 7.0


@pytest.mark.parametrize(("drop", "said"), [("Fneu", "no neuropil is subtracted"), ("iscell", "all ROIs are taken")])
def test_what_is_not_there_is_said(tmp_path, drop, said):
    suite2p(tmp_path / "m", drop=[drop])
    assert any(said in note for note in load(tmp_path / "m").about.notes)


def test_one_broken_plane_leaves_the_others(tmp_path):
    suite2p(tmp_path / "a")
    suite2p(tmp_path / "b")
    np.save(tmp_path / "b" / "F.npy", np.array([{}], dtype=object), allow_pickle=True)
    loaded = load(tmp_path)
    assert set(loaded.group) == {"a"}
    assert any("1 cells or files that cannot be read are left out" in n and "b/F.npy" in n for n in loaded.about.notes)
    refused("b/F.npy: holds pickled objects", load, tmp_path, unusable="error")


def test_labels_beside(tmp_path):
    """Of single ROIs, and of all of a folder."""
    suite2p(tmp_path / "m1" / "suite2p" / "plane0")
    suite2p(tmp_path / "m2" / "suite2p" / "plane0", seed=1)
    table = tmp_path / "labels.csv"
    table.write_text("file;cell_id;label;group\nm1;0;PV;a1\nm1;2;SOM;a1\nm2;;VIP;a2\n")
    loaded = load(tmp_path, labels=str(table))
    first = np.unique(loaded.cell_id, return_index=True)[1]
    said = {loaded.cell_id[r]: ((*loaded.classes, "")[loaded.label[r]], loaded.group[r]) for r in first}
    assert said == {
        "m1/plane0/0": ("PV", "a1"), "m1/plane0/2": ("SOM", "a1"), "m1/plane0/3": ("", "m1"),
        "m2/plane0/0": ("VIP", "a2"), "m2/plane0/2": ("VIP", "a2"), "m2/plane0/3": ("VIP", "a2"),
    }  # fmt: skip
    assert "1 of 6 cells are without a row in labels.csv: m1/plane0/3" in loaded.about.notes
    assert not any("says another" in note for note in loaded.about.notes)  # a folder's name is no animal of a file
    assert not any("labels.csv" in note and "cannot be read" in note for note in loaded.about.notes)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64])
def test_a_rate_of_numpys_own_kind_is_found(tmp_path, kind):
    suite2p(tmp_path / "m", ops={"tau": kind(3), "fs": kind(20), "nplanes": 1})
    assert read(tmp_path / "m")[0].sampling_rate == 20


@pytest.mark.parametrize("iscell", [(0.9, 0.1, 0.8, 0.7, 0.2), (1, 0, np.nan, 1, 1)])
def test_flags_that_are_neither_0_nor_1(tmp_path, iscell):
    suite2p(tmp_path / "m", iscell=iscell)
    refused("iscell.npy holds (0.9|nan); expected 0 or 1 for each ROI, beside its probability", load, tmp_path / "m")


def test_a_plane_without_rois(tmp_path):
    suite2p(tmp_path / "m" / "plane0", n=0)
    suite2p(tmp_path / "m" / "plane1")
    loaded = load(tmp_path)
    assert loaded.n_cells == 3
    assert any(r"is of shape (0, 200); expected [ROI, time], with an ROI at least" in n for n in loaded.about.notes)


def told(path, **changes):
    return load(path, **changes).about.notes


def test_the_rate_of_several_planes_and_the_usual_one_are_told(tmp_path):
    """suite2p's fs is that of a plane (its documentation), and 10 Hz where nobody sets it."""
    suite2p(tmp_path / "plane0", ops={"nplanes": 3, "fs": 30.0, "tau": 1.0})
    said = "fs of suite2p, 30 Hz, was taken for the rate of each of 3 planes, as it is meant; where it is that of all"
    assert any(note.startswith(said) and "dataset.frame_rate=10" in note for note in told(tmp_path / "plane0"))
    assert not any("fs of suite2p" in note for note in told(tmp_path / "plane0", frame_rate=10.0))
    suite2p(tmp_path / "plane0", ops={"nplanes": 1, "fs": 10.0})
    assert any("fs of suite2p is 10 Hz, as where nobody set it" in note for note in told(tmp_path / "plane0"))
    suite2p(tmp_path / "plane0", ops={"nplanes": 1, "fs": 9.7})
    assert not any("fs of suite2p" in note for note in told(tmp_path / "plane0"))


@pytest.mark.parametrize("kind", ["i8", "i4"])
def test_recordings_that_were_registered_together_are_parted(tmp_path, kind):
    ops = {"fs": 9.7, "frames_per_folder": np.array([120, 80], dtype=kind), "Ly": 512}
    suite2p(tmp_path / "plane0", ops=ops)
    assert [len(segment) for segment in read(tmp_path / "plane0")[0].segments] == [120, 80]
    assert any("2 recordings follow one another (frames_per_folder)" in note for note in told(tmp_path / "plane0"))
    suite2p(tmp_path / "plane0", ops={**ops, "frames_per_folder": np.array([120, 90], dtype=kind)})  # of other frames
    assert [len(segment) for segment in read(tmp_path / "plane0")[0].segments] == [200]


def test_red_rois_and_a_turned_array(tmp_path):
    folder = suite2p(tmp_path / "plane0")
    np.save(folder / "redcell.npy", np.c_[[1, 0, 1, 0, 0], np.zeros(5)])
    assert any("redcell.npy calls 2 ROIs red, which is no label here" in note for note in told(folder))
    np.save(folder / "F.npy", np.load(folder / "F.npy").T)
    for name in ("Fneu", "iscell", "redcell"):
        (folder / f"{name}.npy").unlink()
    refused("holds 200 rows of 5 samples, and a row is an ROI: it looks turned", load, folder)


def test_rows_that_number_rois_from_1_or_the_accepted_ones_alone(tmp_path):
    suite2p(tmp_path / "m1" / "plane0")
    table = tmp_path / "labels.csv"
    table.write_text("roi_id,label\n" + "".join(f"{k}.0,PV\n" for k in range(1, 6)))
    said = "number ROIs of m1/plane0 up to 5, and there are 5, .* do rows count from 1"
    refused(said, load, tmp_path / "m1", labels=str(table))
    table.write_text("roi_id,label\n" + "".join(f"{k},PV\n" for k in range(3)))  # 0, 2 and 3 are cells
    said = "rows of labels.csv number ROIs of m1/plane0 0 to 2, as many as are left without those flagged as no cells"
    assert any(note.startswith(said) for note in load(tmp_path / "m1", labels=str(table)).about.notes)
    table.write_text("roi_id,label\n" + "".join(f"{k},PV\n" for k in range(5)))
    assert not any("number ROIs" in note for note in load(tmp_path / "m1", labels=str(table)).about.notes)
