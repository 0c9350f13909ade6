"""The user's own traces: every layout holds the same cells, and says so."""

import itertools

import h5py
import numpy as np
import pandas as pd
import pytest
from made.configs import cells as prepared

from celltype_cli.calcium.readers.files import read
from celltype_cli.calcium.readers.found import How
from celltype_cli.cells.cells import UNLABELLED

META = pd.DataFrame({
    "cell_id": ["c1", "c2", "c3", "c4"],
    "label": ["PV", "SST", "PV", ""],
    "group": ["m1", "m1", "m2", ""],
    "source": ["lab A", "lab A", "lab B", "lab B"],
    "sampling_rate": 20.0,
})  # fmt: skip
TRACE = np.random.default_rng(0).normal(size=(4, 50)).round(6)
TRACE[2, 44:] = np.nan  # c3 is shorter


def load(path, **changes):
    return prepared("traces", path=str(path), **{"timesteps": 20} | changes)


def wide():
    return pd.concat([META, pd.DataFrame(TRACE, columns=[f"t{k}" for k in range(50)])], axis=1)


def long():
    table = META.loc[META.index.repeat(50)].reset_index(drop=True)
    return table.assign(frame=np.tile(np.arange(50), 4), value=TRACE.ravel()).dropna(subset="value")


def write_hdf5(path):
    with h5py.File(path, "w") as file:
        for row, cell in META.iterrows():
            neuron = file.create_group(f"neurons/{cell.cell_id}")
            neuron["dff"] = TRACE[row][~np.isnan(TRACE[row])]
            neuron.attrs.update(cell_type=cell.label, animal_id=cell.group, frame_rate_hz=20.0, dataset=cell.source)
    return path


def write(path, layout):
    if path.suffix == ".h5":
        write_hdf5(path)
    elif path.suffix == ".npz":
        np.savez(path, trace=TRACE, **{name: META[name].to_numpy(str) for name in META.columns[:4]}, sampling_rate=20.0)
    elif path.suffix == ".csv":
        layout().to_csv(path, index=False)
    else:
        layout().to_parquet(path)
    return path


def long_in_seconds():
    return long().assign(time_s=lambda t: t.frame / 20).drop(columns=["frame", "sampling_rate"])


def shuffled_rows():
    return long_in_seconds().sample(frac=1, random_state=0)


def columns_by_name():
    """The order of most data frames that were sorted once: t0, t1, t10, t11 ..."""
    return wide()[sorted(wide().columns)]


TABLES = [wide, long, long_in_seconds, shuffled_rows, columns_by_name]


@pytest.mark.parametrize(
    ("ending", "layout"), [("h5", None), ("npz", None), *itertools.product(["csv", "parquet"], TABLES)]
)
def test_every_layout_holds_the_same_cells(tmp_path, ending, layout):
    cells = load(write(tmp_path / f"mine.{ending}", layout))
    assert cells.cell_id.tolist() == ["c1", "c1", "c2", "c2", "c3", "c3", "c4", "c4"]
    assert cells.classes == ("PV", "SST")
    assert cells.label.tolist() == [0, 0, 1, 1, 0, 0, UNLABELLED, UNLABELLED]
    assert cells.group.tolist() == ["m1", "m1", "m1", "m1", "m2", "m2", "c4", "c4"]
    assert cells.source.tolist() == ["lab A"] * 4 + ["lab B"] * 4
    assert np.array_equal(cells.inputs["trace"], TRACE[:, :40].reshape(8, 1, 20).astype(np.float32))
    assert cells.about.of("trace").sampling_rate == pytest.approx(20)
    assert cells.about.name == f"traces mine.{ending}"


def test_a_gap_in_time_ends_a_segment(tmp_path):
    table = long_in_seconds()
    table.loc[(table.cell_id == "c1") & (table.time_s >= 1.45), "time_s"] += 3  # after 29 samples
    table.to_csv(tmp_path / "gap.csv", index=False)
    assert [len(s) for s in read(tmp_path / "gap.csv", How()).recordings[0].segments] == [29, 21]
    assert (load(tmp_path / "gap.csv").cell_id == "c1").sum() == 2
    assert (load(tmp_path / "gap.csv", timesteps=25).cell_id == "c1").sum() == 1  # 50 samples without the gap hold two


def test_missing_frames_end_a_segment(tmp_path):
    table = long()
    table[~((table.cell_id == "c2") & table.frame.isin([10, 11]))].to_parquet(tmp_path / "gap.parquet")
    c2 = read(tmp_path / "gap.parquet", How()).recordings[1]
    assert [len(s) for s in c2.segments] == [10, 38]
    assert c2.sampling_rate == pytest.approx(20)


def test_segments_of_hdf5(tmp_path):
    path = write_hdf5(tmp_path / "x.h5")
    with h5py.File(path, "a") as file:
        file["neurons/c1/segment_start"] = [0, 15]
    cells = load(path, windows="first")
    assert np.array_equal(cells.inputs["trace"][0, 0], TRACE[0, 15:35].astype(np.float32))


def test_group_and_source_may_be_left_out(tmp_path):
    META.drop(columns=["group", "source"]).join(pd.DataFrame(TRACE)).to_csv(tmp_path / "x.csv", index=False)
    cells = load(tmp_path / "x.csv")
    assert np.array_equal(cells.group, cells.cell_id)
    unlabelled, alone = cells.about.notes
    assert unlabelled == "1 of 4 cells have no label and count for no score"
    assert "the animal of 4 of 4 cells is unknown" in alone


def test_ids_that_look_like_numbers_stay_as_written(tmp_path):
    wide().assign(cell_id=["001", "1", "1e3", "1.0"]).to_csv(tmp_path / "x.csv", index=False)
    assert np.unique(load(tmp_path / "x.csv").cell_id).tolist() == ["001", "1", "1.0", "1e3"]


def test_classes_in_the_order_given(tmp_path):
    cells = load(write(tmp_path / "x.npz", None), classes=["VIP", "SST", "PV"])
    assert cells.classes == ("VIP", "SST", "PV")
    assert cells.label.tolist() == [2, 2, 1, 1, 2, 2, UNLABELLED, UNLABELLED]


def test_the_published_neurons(shared_data):
    path = shared_data / "calcium" / "cascade_celltypes.h5"
    cells = load(path, timesteps=480, sampling_rate=7.5, too_short="drop")
    first = np.unique(cells.cell_id, return_index=True)[1]
    assert np.bincount(cells.label[first]).tolist() == [241, 28, 17, 8]  # 15 of 256 EXC have no 64 s without a break
    assert any(note.startswith("15 cells left out") and note.endswith("EXC 15") for note in cells.about.notes)
    assert any(note.startswith("label and laboratory coincide: 294 of 294") for note in cells.about.notes)
