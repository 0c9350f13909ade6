"""Kilosort and Phy folders: found, broken ones named, spikes in order, params.py never run."""

import numpy as np
import pytest
from made import units
from made.units import RATE, N, found, phy, refused, trains


def shape(waveform):
    return waveform / -waveform.min()


def test_params_are_read_without_being_run(tmp_path):
    mark = tmp_path / "ran"
    params = f"sample_rate = 25e3\nopen({str(mark)!r}, 'w')\n"
    assert found(phy(tmp_path / "rec", params=params)).recordings[0].waveform_rate == 25000
    assert not mark.exists()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        (None, "has no params.py.*sample_rate = 30000.*dataset.sampling_rate"),
        ("dtype = 'int16'", "holds no sample_rate"),
        ("sample_rate = rate()", r"holds sample_rate = rate\(\)"),
        ("sample_rate = 0", "holds sample_rate = 0"),
        ("sample_rate = (", r"params.py holds sample_rate = \("),
    ],
)
def test_an_unknown_rate_is_asked_for(tmp_path, params, said):
    folder = phy(tmp_path / "rec", params=params)
    refused(said, folder)
    assert found(folder, sampling_rate=20000.0).recordings[0].waveform_rate == 20000


def test_spikes_out_of_order_are_sorted_and_negative_ones_left_out(tmp_path):
    times = np.sort(np.concatenate(trains())).astype(np.int64)[:, None]
    times[0], times[[10, 500]] = -5, times[[500, 10]]
    read = found(phy(tmp_path / "rec", spike_times=times))
    assert any("1 of 1000 spikes are before the recording" in note for note in read.notes)
    assert any("spikes are out of the order of time, and sorted" in note for note in read.notes)
    assert sum(len(unit.spikes) for unit in read.recordings) == 999
    assert all((np.diff(unit.spikes) >= 0).all() for unit in read.recordings)


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("templates", np.array([{}], dtype=object), "templates.npy: holds pickled objects, which could run code"),
        ("spike_times", np.array([None]), "spike_times.npy: holds pickled objects"),
        ("spike_clusters", np.zeros(7, int), "spike_clusters.npy holds 7 values of 1000 spikes"),
        ("spike_times", np.full(1000, np.nan), "spike_times.npy holds what is no whole number"),
        ("whitening_mat_inv", np.eye(3), r"whitening_mat_inv.npy is of shape \(3, 3\)"),
        ("templates", np.zeros((4, 82)), r"expected \[template, time, channel\]"),
    ],
)
def test_arrays_that_are_broken_or_do_not_fit_get_one_message(tmp_path, name, array, said):
    refused(said, phy(tmp_path / "rec", **{name: array}))


def test_a_cluster_of_templates_that_are_not_there_leaves_the_others(tmp_path):
    folder = phy(tmp_path / "rec")
    of = np.load(folder / "spike_clusters.npy")
    np.save(folder / "spike_templates.npy", np.where(of == 1, 40, of))
    read = found(folder)
    assert [unit.cell_id for unit in read.recordings] == [f"rec/{k}" for k in range(N) if k != 1]
    assert read.lost == ["rec/1: its spikes are of template 40; templates.npy holds 4"]


@pytest.mark.parametrize(("name", "said"), [("templates", "has no templates.npy"), ("spike_times", "no sorted units")])
def test_a_missing_file_is_named(tmp_path, name, said):
    refused(said, phy(tmp_path / "rec", drop=[name]))


def test_a_folder_says_no_cell_types(tmp_path):
    refused("a Phy folder says no cell types.*dataset.labels names a table", phy(tmp_path / "rec"), label="group")


def test_a_truncated_file_is_named(tmp_path):
    file = phy(tmp_path / "rec") / "spike_times.npy"
    file.write_bytes(file.read_bytes()[:300])
    refused("spike_times.npy: is truncated or no npy file", tmp_path / "rec")


def test_an_empty_folder_says_what_is_expected(tmp_path):
    refused("holds no sorted units; expected a Kilosort or Phy folder", tmp_path)


def test_several_folders_are_several_recordings_and_a_broken_one_stops_no_other(tmp_path):
    for name in ("a/ks", "b/ks"):
        phy(tmp_path / name)
    phy(tmp_path / "c", params=None)
    read = found(tmp_path)
    assert {unit.group for unit in read.recordings} == {"a/ks", "b/ks"} and len(read.recordings) == 2 * N
    assert "has no params.py" in read.lost[0]


@pytest.mark.parametrize(
    ("name", "n"), [("npx1_real_15units", 15), ("composite_real_labelled", 22), ("phy_example_32ch", 62)]
)
def test_real_folders(shared_data, name, n):
    read = found(shared_data / "extracellular" / "phy" / name, quality="all")
    assert len(read.recordings) == n and not read.lost
    stored = np.load(shared_data / "extracellular" / "phy" / name / "spike_times.npy")
    assert sum(len(unit.spikes) for unit in read.recordings) == len(stored)


@pytest.mark.parametrize(
    "params",
    [b"\xef\xbb\xbfsample_rate = 30000.\n", "dat_path = 'Donn\u00e9es'\nsample_rate = 30000\n".encode("latin-1"),
     b"dat_path = 'C:\\Users\\x.dat'\r\nsample_rate = 3e4  # Hz\r\n",
     b"sample_rate = 1.\n# sample_rate = 2.\nsample_rate=30000\n", b"dat_path = ''\r  sample_rate = 30000.\r"],
    ids=["mark", "latin-1", "Windows", "twice", "old Mac"],
)  # fmt: skip
def test_params_of_any_encoding(tmp_path, params):
    folder = phy(tmp_path / "rec")
    (folder / "params.py").write_bytes(params)
    assert found(folder).recordings[0].waveform_rate == 30000


def test_a_file_of_a_folder_stands_for_it_and_for_none_below(tmp_path):
    phy(tmp_path / "rec")
    phy(tmp_path / "rec" / "old", clusters=[7, 7, 8, 8])
    assert {unit.group for unit in found(tmp_path / "rec" / "spike_times.npy").recordings} == {"rec"}


def test_a_file_of_units_in_a_folder_is_read_itself(tmp_path):
    phy(tmp_path / "rec")
    units.npz(tmp_path / "rec" / "mine.npz")
    assert {unit.file for unit in found(tmp_path / "rec" / "mine.npz").recordings} == {"mine.npz"}


def test_amplitudes_none_of_which_is_a_number_count_as_none(tmp_path):
    n = sum(map(len, trains()))
    read = found(phy(tmp_path / "rec", amplitudes=np.full(n, np.nan)))
    assert len(read.recordings) == N and read.recordings[0].amplitudes is None


def test_amplitudes_of_another_length_are_left_out(tmp_path):
    read = found(phy(tmp_path / "rec", amplitudes=np.ones((10, 1))))
    assert len(read.recordings) == N and read.recordings[0].amplitudes is None
    assert "rec: amplitudes.npy holds 10 values of 1000 spikes, and is left out" in read.notes


def test_amplitudes_that_are_no_numbers(tmp_path):
    n = sum(map(len, trains()))
    usual = found(phy(tmp_path / "rec")).recordings[0].waveform
    odd = found(phy(tmp_path / "odd", amplitudes=np.where(np.arange(n) % 9 == 0, np.nan, 20.0)))
    assert np.allclose(odd.recordings[0].waveform, usual)
    assert any("spikes are no numbers; their waveforms count as usual ones" in note for note in odd.notes)
    none = found(phy(tmp_path / "none", amplitudes=np.zeros(n))).recordings[0].waveform
    assert np.allclose(shape(none), shape(usual), atol=1e-5)


def test_what_times_and_matrices_look_like(tmp_path):
    times = np.sort(np.concatenate(trains()))
    refused(
        "expected samples from the start of the recording: are they seconds",
        phy(tmp_path / "s", spike_times=times / RATE),
    )
    wrapped = (times + 2**31 - 100_000).astype("i8").astype("i4")
    assert any("do not fit into int32: save int64" in n for n in found(phy(tmp_path / "w", spike_times=wrapped)).notes)
    refused("holds values that are NaN", phy(tmp_path / "m", whitening_mat_inv=np.full((units.CHANNELS,) * 2, np.nan)))
