"""Labels where suite2p, CaImAn and NWB files are read: by ROI, and nothing of the user changed."""

import numpy as np
import pandas as pd
import pytest
from made.pipelines import IS_CELL, caiman, suite2p

from celltype_cli.calcium.writers.files import beside

CLASSES = ("PV", "SOM")


def answer(ids, file):
    """Of three ROIs: one labelled, one unsure, one that could not be used."""
    return pd.DataFrame({
        "cell_id": ids, "file": file, "label": ["SOM", "", ""], "best": ["SOM", "PV", ""],
        "confidence": [0.9, 0.6, np.nan], "set": ["SOM", "PV SOM", ""], "votes": ["5/5", "3/5", ""],
        "note": ["", "", "constant"],
    })  # fmt: skip


def written(path, cells, to):
    """Writes all files into a folder, by their name."""
    places = []
    for place, write in beside(path, cells, CLASSES):
        write(to / place.name)
        places.append(place)
    return places


def test_suite2p_gets_a_number_for_each_row_of_its_traces(tmp_path):
    plane = suite2p(tmp_path / "mouse" / "suite2p" / "plane0")
    cells = answer(["mouse/plane0/0", "mouse/plane0/3", "mouse/plane0/2"], "mouse/plane0/F.npy")
    places = written(tmp_path / "mouse", cells, tmp_path)
    assert {place.parent for place in places} == {plane}
    code, confidence = np.load(tmp_path / "celltype.npy"), np.load(tmp_path / "celltype_confidence.npy")
    assert code.shape == (len(IS_CELL),) and code.tolist() == [1, -1, -1, -1, -1]
    np.testing.assert_allclose(confidence, [0.9, 0, 0, 0.6, 0])
    table = pd.read_csv(tmp_path / "celltype.csv", keep_default_na=False)
    assert table["roi"].tolist() == [0, 3] and table["number"].tolist() == [1, -1]
    assert table["label"].tolist() == ["SOM", ""]
    code -= np.percentile(code, 2)  # as suite2p's window scales a mask, in place
    assert not {place.name for place in places} & {file.name for file in plane.iterdir()}


def test_caiman_gets_a_table_by_component(tmp_path):
    file = caiman(tmp_path / "mouse.hdf5")
    [place] = written(file, answer(["mouse/0", "mouse/2", "mouse/3"], "mouse.hdf5"), tmp_path)
    assert place == tmp_path / "mouse.celltype.csv"
    table = pd.read_csv(place, keep_default_na=False)
    assert table["component"].tolist() == [0, 2] and table["best"].tolist() == ["SOM", "PV"]


@pytest.mark.filterwarnings("ignore")
def test_a_copy_of_an_nwb_file_gets_columns_that_pynwb_reads(tmp_path):
    pynwb = pytest.importorskip("pynwb", reason="extra nwb is not installed")
    from made.nwb import Made

    (tmp_path / "out").mkdir()
    file = Made(columns={"cell_type": ["x", "y", "z"]}).series().write(tmp_path / "day 1.nwb")
    before = file.read_bytes()
    ids = [f"day 1/PlaneSegmentation/{roi}" for roi in (307, 101, 205)]
    [place] = written(file, answer(ids, "day 1.nwb"), tmp_path / "out")
    assert place == tmp_path / "day 1.celltype.nwb" and file.read_bytes() == before
    assert not pynwb.validate(path=str(tmp_path / "out" / place.name))
    with pynwb.NWBHDF5IO(str(tmp_path / "out" / place.name), "r") as io:
        table = io.read().processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"].to_dataframe()
    assert table["celltype"].tolist() == ["", "", "SOM"] and table["celltype_best"].tolist() == ["PV", "", "SOM"]
    np.testing.assert_array_equal(table["celltype_confidence"], [0.6, np.nan, 0.9])
    assert table["cell_type"].tolist() == ["x", "y", "z"]
    # of a file that has such columns already, a further set is made
    again = tmp_path / "out" / place.name
    cells = answer([f"day 1.celltype/PlaneSegmentation/{roi}" for roi in (101, 205, 307)], again.name)
    [(_, write)] = beside(again, cells, CLASSES)
    write(tmp_path / "second.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "second.nwb"), "r") as io:
        table = io.read().processing["ophys"]["ImageSegmentation"]["PlaneSegmentation"].to_dataframe()
    assert table["celltype"].tolist() == ["", "", "SOM"] and table["celltype_2"].tolist() == ["SOM", "", ""]


def test_other_files_have_no_tool(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"x")
    assert written(tmp_path / "x.npz", answer(["a", "b", "c"], "x.npz"), tmp_path) == []
