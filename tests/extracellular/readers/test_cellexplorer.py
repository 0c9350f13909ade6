"""CellExplorer's MATLAB files of both versions, made in their layout: spikes inside or beside, or histograms alone."""

import numpy as np
import pytest
from made.matlab import cell, v5, v73
from made.units import RATE, trains, waveforms

from celltype_cli.core.messages import UserError
from celltype_cli.extracellular import counts
from celltype_cli.extracellular.readers.files import read
from celltype_cli.extracellular.readers.found import How

EDGES = 10.0 ** np.arange(-3, 1.001, 0.04)  # s
TIME = (np.arange(82) - 41) / RATE * 1000  # ms
SESSION = "rat1_20200101"


def shape(k):
    return waveforms()[k][:, 2 * k + 2][None] * 100


def times(n=3):
    return [trains()[k] / RATE for k in range(n)]


def wide(at):
    """Rates at lags of -1 to 1 s, in bins of 1 ms about each."""
    lag = np.floor((at[None] - at[:, None])[~np.eye(len(at), dtype=bool)] * 1000 + 0.5)
    return np.array([(lag == k).sum() for k in range(-1000, 1001)]) / len(at) / 0.001


def density(at):
    return np.histogram(np.diff(at), EDGES)[0] / np.diff(EDGES) / len(at)


def rates(at):
    """Rates at lags in bins that are even on a log scale."""
    lag = (at[None] - at[:, None])[np.triu_indices(len(at), 1)]
    return np.histogram(lag, EDGES)[0] / np.diff(EDGES) / len(at)


def metrics(with_spikes=True, drop=(), **changes):
    fields = {
        "UID": np.array([[1.0, 2.0, 7.0]]),
        "sessionName": cell([SESSION] * 3),
        "animal": cell(["rat1"] * 3),
        "putativeCellType": cell(["Pyramidal Cell", "Narrow Interneuron", "unknown"]),
        "groundTruthClassification": {"PV": np.array([[2.0]]), "SST": np.empty((0, 0))},
        "brainRegion": cell(["CA1"] * 3),
        "waveforms": {"filt": cell([shape(k) for k in range(3)]), "time": cell([TIME[None]] * 3)},
        "acg": {
            "narrow": np.ones((201, 3)),
            "wide": np.stack([wide(at) for at in times()], axis=1),
            "log10": np.stack([rates(at) for at in times()], axis=1),
        },
        "isi": {"log10": np.stack([density(at) for at in times()], axis=1)},
        "general": {"basename": SESSION, "cellCount": 3.0},
    }
    if with_spikes:
        fields["spikes"] = {"times": cell([at[:, None] for at in times()])}
    return {name: value for name, value in {**fields, **changes}.items() if name not in drop}


both = pytest.mark.parametrize("save", [v5, v73])
NAME = f"{SESSION}.cell_metrics.cellinfo.mat"


@both
def test_units_with_their_spikes(tmp_path, save):
    found = read(save(tmp_path / NAME, cell_metrics=metrics()), How(label="putativeCellType"))
    assert [(u.cell_id, u.label, u.group) for u in found.recordings] == [
        (f"{SESSION}/1", "Pyramidal Cell", "rat1"), (f"{SESSION}/2", "Narrow Interneuron", "rat1"),
        (f"{SESSION}/7", "", "rat1")]  # fmt: skip
    for k, unit in enumerate(found.recordings):
        assert np.allclose(unit.spikes, times()[k]) and np.allclose(unit.waveform, shape(k), atol=1e-4)
        assert unit.waveform_rate == pytest.approx(RATE) and unit.in_uv
    assert found.notes == [f"{NAME}: its field putativeCellType says cell types"]
    assert [u.cell_id for u in read(tmp_path / NAME, How(units=[7])).recordings] == [f"{SESSION}/7"]
    truth = read(tmp_path / NAME, How())
    assert [u.label for u in truth.recordings] == ["", "PV", ""]
    assert truth.notes == [f"{NAME}: its field groundTruthClassification says cell types"]
    save(tmp_path / NAME, cell_metrics=metrics(groundTruthClassification=cell([cell(["SST"]), "", cell(["PV"])])))
    assert [u.label for u in read(tmp_path / NAME, How()).recordings] == ["SST", "", "PV"]
    save(tmp_path / NAME, cell_metrics=metrics(drop=["groundTruthClassification"]))
    assert read(tmp_path / NAME, How()).notes == found.notes


@both
def test_histograms_are_those_of_the_spikes(tmp_path, save):
    found = read(save(tmp_path / NAME, cell_metrics=metrics(with_spikes=False)), How())
    assert f"{SESSION}.spikes.cellinfo.mat does not lie beside it" in found.notes[-1]
    for unit, at in zip(found.recordings, times(), strict=True):
        assert unit.spikes is None
        scaled = counts.scaled(unit.counts["correlogram"], "correlogram")
        np.testing.assert_allclose(scaled, counts.correlogram(at), atol=0.011)  # two pairs, on the edge of bins
        cumulated = np.cumsum(counts.scaled(unit.counts["isi"], "isi"))
        assert np.abs(cumulated - np.cumsum(counts.intervals(at))).max() < 0.05  # none are below 1 ms in its bins
        for name, count in (("log_isi", counts.log_gaps), ("log_correlogram", counts.log_pairs)):
            mine, theirs = counts.scaled(count(at), name), counts.scaled(unit.counts[name], name)
            np.testing.assert_allclose(theirs, mine, atol=1e-3)  # a pair on the edge of bins


@both
def test_spikes_of_the_file_beside_go_by_their_number(tmp_path, save):
    order = [2, 0, 1]
    spikes = {"UID": np.array([[7.0, 1.0, 2.0]]), "times": cell([times()[k][:, None] for k in order])}
    save(tmp_path / NAME, cell_metrics=metrics(with_spikes=False))
    save(tmp_path / f"{SESSION}.spikes.cellinfo.mat", spikes=spikes)
    for place in (tmp_path, tmp_path / NAME):
        found = read(place, How()).recordings
        assert len(found) == 3 and all(np.allclose(u.spikes, at) for u, at in zip(found, times()))
    save(tmp_path / f"{SESSION}.spikes.cellinfo.mat", spikes={**spikes, "UID": np.array([[7.0, 1.0, 9.0]])})
    with pytest.raises(UserError, match="lacks unit 2 of"):
        read(tmp_path / NAME, How())


@both
def test_a_file_of_spikes_alone(tmp_path, save):
    spikes = {"UID": np.array([[1.0, 2.0]]), "times": cell([times()[0][:, None], np.empty((0, 0))]), "sr": RATE,
              "rawWaveform": cell([shape(0), shape(1)])}  # fmt: skip
    found = read(save(tmp_path / "s1.spikes.cellinfo.mat", spikes=spikes), How())
    assert [(u.cell_id, u.group, u.waveform_rate) for u in found.recordings] == [("s1/1", "s1", RATE)]
    assert found.lost == ["cell s1/2: has no spikes"]


def test_files_of_one_name_in_two_folders_are_two_recordings(tmp_path):
    for k, animal in enumerate(("m1", "m2")):
        (tmp_path / animal).mkdir()
        spikes = {"UID": np.array([[1.0]]), "times": cell([times()[k][:, None]]), "sr": RATE,
                  "rawWaveform": cell([shape(0)])}  # fmt: skip
        v5(tmp_path / animal / "s1.spikes.cellinfo.mat", spikes=spikes)
    assert [(u.cell_id, u.group) for u in read(tmp_path, How()).recordings] == [
        ("m1/s1/1", "m1/s1"), ("m2/s1/1", "m2/s1")]  # fmt: skip
    v5(tmp_path / "m2" / "s1.cell_metrics.cellinfo.mat", cell_metrics=metrics())
    assert [u.cell_id for u in read(tmp_path, How()).recordings if u.group == "m1/s1"] == ["m1/s1/1"]


@both
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"waveforms": {"filt": cell([shape(0)] * 3)}}, "has no waveforms.time, .* set dataset.sampling_rate"),
        ({"UID": np.empty((0, 0))}, "has no UID"),
        ({"spikes": {"times": cell([np.ones((3, 1))] * 2)}}, "spikes.times has 2 entries for 3 units"),
        ({"animal": cell(["a"])}, "animal has 1 entries for 3 units"),
    ],
)
def test_faults_are_named(tmp_path, save, changes, said):
    with pytest.raises(UserError, match=said):
        read(save(tmp_path / NAME, cell_metrics=metrics(**changes)), How())


def test_other_matlab_files_and_broken_ones(tmp_path):
    with pytest.raises(UserError, match="without a struct cell_metrics or spikes"):
        read(v5(tmp_path / "x.mat", other={"a": 1.0}), How())
    whole = v5(tmp_path / NAME, cell_metrics=metrics()).read_bytes()
    (tmp_path / NAME).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot be read as MATLAB"):
        read(tmp_path / NAME, How())
    with pytest.raises(UserError, match="dataset.label=type is none of groundTruthClassification, putativeCellType"):
        read(v5(tmp_path / "y.mat", cell_metrics=metrics()), How(label="type"))


@pytest.mark.parametrize("save", [v5, v73])
def test_units_that_are_tagged_bad_are_left_out(tmp_path, save):
    path = save(tmp_path / NAME, cell_metrics=metrics(tags={"Bad": np.array([[2.0]])}))
    found = read(path, How())
    assert [unit.cell_id.rpartition("/")[2] for unit in found.recordings] == ["1", "7"]
    assert any("1 units are tagged Bad and left out; dataset.quality=all takes them" in note for note in found.notes)
    assert len(read(path, How(quality="all")).recordings) == 3


@both
def test_a_unit_without_a_number_leaves_the_others(tmp_path, save):
    found = read(save(tmp_path / NAME, cell_metrics=metrics(UID=np.array([[1.0, np.nan, 7.0]]))), How())
    assert [unit.cell_id.rpartition("/")[2] for unit in found.recordings] == ["1", "7"]
    assert found.lost == [f"{NAME}: the UID of its unit 2 is no number"]


def test_a_matrix_of_that_name_is_no_struct(tmp_path):
    """wave_clus stores the shapes of spikes in a matrix called spikes."""
    with pytest.raises(UserError, match="without a struct cell_metrics or spikes"):
        read(v5(tmp_path / "times_x.mat", spikes=np.ones((10, 64)), cluster_class=np.ones((10, 2))), How())


@both
def test_a_unit_of_several_types_gets_none(tmp_path, save):
    types = {"PV": np.array([[2.0, 7.0]]), "SST": np.array([[2.0]])} | {"VIP": np.array([[1.0]])}
    types["PV"][0, 1] = 3.0
    found = read(save(tmp_path / NAME, cell_metrics=metrics(groundTruthClassification=types)), How())
    assert [unit.label for unit in found.recordings] == ["VIP", "", "PV"]
    assert any("gives 1 unit several types, of which" in note and "(PV and SST)" in note for note in found.notes)
