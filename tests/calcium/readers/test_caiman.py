"""HDF5 as CaImAn saves it: dF/F, accepted components, rate."""

import h5py
import numpy as np
import pytest
from made.configs import cells, recordings
from made.pipelines import FS, caiman
from made.traces import refused


def load(path, **changes):
    return cells("traces", path=str(path), **{"timesteps": 50} | changes)


def test_accepted_components(tmp_path):
    loaded = load(caiman(tmp_path / "m1.hdf5"))
    assert list(dict.fromkeys(loaded.cell_id)) == ["m1/0", "m1/2", "m1/3"]
    assert loaded.about.of("trace").sampling_rate == FS
    assert set(loaded.group) == {"m1"}
    assert any("2 ROIs are flagged as no cells (2 by CaImAn's idx_components)" in note for note in loaded.about.notes)
    assert load(tmp_path / "m1.hdf5", rejected="keep").n_cells == 5


def test_components_that_nobody_evaluated(tmp_path):
    loaded = load(caiman(tmp_path / "x.hdf5", good=None, bad=None))
    assert loaded.n_cells == 5
    assert any("CaImAn evaluated no component" in note for note in loaded.about.notes)


def test_without_dff_other_traces_are_named(tmp_path):
    path = caiman(tmp_path / "x.hdf5", drop=["F_dff"])
    refused(r"have no F_dff; found C, YrA; make dF/F .*detrend_df_f.*dataset.trace=C", load, path)
    both = recordings("traces", path=str(path), trace="C+YrA").entries
    assert both[0].signal == "raw"
    refused("set prepare.signal=raw_to_dff", load, path, trace="C")


@pytest.mark.parametrize("good", [(0, 9), (-1, 0)])
def test_components_out_of_range(tmp_path, good):
    refused("expected numbers of components from 0 to 4", load, caiman(tmp_path / "x.hdf5", good=good))


def test_components_as_a_mask(tmp_path):
    path = caiman(tmp_path / "m1.hdf5", good=None, bad=None)
    with h5py.File(path, "a") as file:
        del file["estimates/idx_components"]
        file["estimates/idx_components"] = np.array([1, 0, 1, 1, 0], dtype=bool)
    assert list(dict.fromkeys(load(path).cell_id)) == ["m1/0", "m1/2", "m1/3"]


def test_traces_that_are_turned(tmp_path):
    path = caiman(tmp_path / "m1.hdf5")
    with h5py.File(path, "a") as file:
        values = file["estimates/F_dff"][()].T
        del file["estimates/F_dff"]
        file["estimates/F_dff"] = values
    refused(r"expected \[component, time\], of one shape each; found F_dff \(200, 5\), C \(5, 200\)", load, path)


def test_rate_that_is_not_there(tmp_path):
    path = caiman(tmp_path / "x.hdf5", fr="NoneType")
    refused("params/data/fr is .*NoneType.*; expected one number of Hz", load, path)
    assert load(path, frame_rate=20.0).about.of("trace").sampling_rate == 20


def test_traces_of_other_numbers_of_components_are_refused(tmp_path):
    """As where components were selected after dF/F was made: idx_components would count others."""
    with h5py.File(caiman(tmp_path / "x.hdf5"), "a") as file:
        del file["estimates/F_dff"]
        file["estimates/F_dff"] = np.random.default_rng(0).normal(0, 0.1, (3, 200))
    refused(r"different numbers of components \(3 of F_dff, 5 of C, 5 of YrA\)", load, tmp_path / "x.hdf5")


@pytest.mark.parametrize(
    ("params", "noted"), [({}, True), ({"decay_time": 0.4, "dxy": (1, 1)}, True), ({"dxy": (0.8, 0.8)}, False)]
)
def test_a_rate_that_nobody_set(tmp_path, params, noted):
    path = caiman(tmp_path / "x.hdf5", fr=30)
    with h5py.File(path, "a") as file:
        file["params/data"].update(params)
    said = "x.hdf5: fr of CaImAn is 30 Hz, as where nobody set it: if it is another, set dataset.frame_rate"
    assert (said in load(path).about.notes) == noted
    assert said not in load(path, frame_rate=30.0).about.notes
