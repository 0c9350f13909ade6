"""What attributes of our own HDF5 layout say of its values."""

import numpy as np
import pytest
from made.configs import recordings
from made.traces import TRACE, hdf5, read, refused


def each(**attributes):
    def edit(file):
        for neuron in file["neurons"].values():
            neuron["dff"].attrs.update(attributes)

    return edit


def stored(values):
    def edit(file):
        for k, neuron in enumerate(file["neurons"].values()):
            del neuron["dff"]
            neuron["dff"] = values(TRACE[k])

    return edit


def test_percent_by_the_unit_of_the_file(tmp_path):
    path = hdf5(tmp_path, lambda file: (stored(lambda row: 100 * row)(file), each(units="dF/F (%)")(file)))
    loaded = read(path)
    assert loaded.inputs["trace"].ravel() == pytest.approx(TRACE.ravel(), abs=1e-6)
    assert any("the values of 3 cells are percent, as their files say" in note for note in loaded.about.notes)


def test_values_are_scaled_as_the_file_says(tmp_path):
    made = lambda file: (  # noqa: E731
        stored(lambda row: np.round(1e3 * (row - 1)).astype("i2"))(file),
        each(scale_factor=1e-3, add_offset=1.0)(file),
    )
    assert read(hdf5(tmp_path, made)).inputs["trace"].ravel() == pytest.approx(TRACE.ravel(), abs=1e-3)
    refused("scale_factor is often; expected one number", read, hdf5(tmp_path, each(scale_factor="often")))


def test_a_row_of_one_more_axis(tmp_path):
    path = hdf5(tmp_path, stored(lambda row: row[None]))
    assert read(path).inputs["trace"].ravel() == pytest.approx(TRACE.ravel(), abs=1e-6)
    refused(r"dff is of shape \(2, 30\)", read, hdf5(tmp_path, stored(lambda row: row.reshape(2, 30))))


def test_an_animal_by_another_name_is_noted(tmp_path):
    def edit(file):
        for neuron in file["neurons"].values():
            neuron.attrs["mouse"] = "m1"

    said = "x.h5: no animal_id; mouse may be what is called group here: rename it"
    assert said in read(hdf5(tmp_path, edit)).about.notes


def test_values_that_stand_for_none_and_starts_as_floats(tmp_path):
    def edit(file):
        values = file["neurons/c1/dff"][()]
        values[[5, 6]] = -9999.0
        file["neurons/c1/dff"][...] = values
        file["neurons/c1/dff"].attrs["_FillValue"] = -9999.0
        file["neurons/c2/segment_start"] = [0.0, 30.0]

    entries = {one.cell_id: one for one in recordings("traces", path=str(hdf5(tmp_path, edit))).entries}
    assert [len(part) for part in entries["c1"].segments] == [5, 53] and entries["c1"].missing == 2
    assert [len(part) for part in entries["c2"].segments] == [30, 30]
