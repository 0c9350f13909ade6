"""Kilosort and Phy folders: templates un-whitened, clusters chosen, spikes in order, params.py never run."""

import re

import numpy as np
import pytest
from made import units
from made.units import RATE, N, phy, table, trains, waveforms

from celltype_cli.core.messages import UserError
from celltype_cli.extracellular.readers.files import read
from celltype_cli.extracellular.readers.found import How


def found(folder, **how):
    return read(folder, How(**how))


def refused(said, folder, **how):
    with pytest.raises(UserError, match=said):
        found(folder, **how)


def shape(waveform):
    return waveform / -waveform.min()


def test_templates_are_unwhitened_and_spikes_in_seconds(tmp_path):
    read = found(phy(tmp_path / "rec")).recordings
    assert [unit.cell_id for unit in read] == [f"rec/{k}" for k in range(N)]
    for k, unit in enumerate(read):
        assert np.array_equal(unit.spikes, trains()[k] / RATE)
        peak = unit.waveform[np.ptp(unit.waveform, axis=1).argmax()]
        assert np.allclose(peak, 20 * waveforms()[k][:, 2 * k + 2], atol=1e-4)  # 20: the amplitude of its spikes
        assert (unit.group, unit.waveform_rate, len(unit.amplitudes)) == ("rec", RATE, len(unit.spikes))


def test_a_merged_cluster_is_weighted_by_the_spikes_of_each_template(tmp_path):
    merged = found(phy(tmp_path / "rec", clusters=[7, 7, 2, 3])).recordings[-1]
    assert merged.cell_id == "rec/7"
    whole = (100 * waveforms()[0] + 200 * waveforms()[1]) / 300 * 20
    largest = np.sort(np.argsort(-np.ptp(whole, axis=0), kind="stable")[:8])
    assert np.allclose(merged.waveform, whole[:, largest].T, atol=1e-4)
    assert np.array_equal(merged.spikes, np.sort(np.concatenate(trains()[:2])) / RATE)


def test_sparse_templates_are_laid_out_before_they_are_unwhitened(tmp_path):
    full = found(phy(tmp_path / "full")).recordings
    order = np.tile(np.arange(units.CHANNELS)[::-1], (N, 1))
    stored = (waveforms() @ units.whitening())[:, :, ::-1].astype("f4")
    sparse = found(phy(tmp_path / "sparse", templates=stored, template_ind=order)).recordings
    assert all(np.allclose(a.waveform, b.waveform, atol=1e-4) for a, b in zip(full, sparse))


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


GROUP, KS = "cluster_group.tsv", "cluster_KSLabel.tsv"


@pytest.mark.parametrize(
    ("tables", "ids", "said"),
    [
        ({GROUP: table("group", {0: "good", 1: "mua", 2: "noise"})}, [0], "1 good, 1 mua, 1 noise, 1 unsorted.*group"),
        ({KS: table("KSLabel", {0: "good", 1: "mua", 2: "good", 3: "mua"})}, [0, 2], r"\(2 by KSLabel\)"),
        ({GROUP: table("group", {0: "mua", 1: "good"}), KS: table("KSLabel", dict.fromkeys(range(N), "good"))},
         [1, 2, 3], "1 by group and 2 by KSLabel"),
        ({GROUP: table("KSLabel", {0: "good"})}, [0], "1 by KSLabel"),  # as Kilosort names its copy
        ({}, [0, 1, 2, 3], "neither group nor KSLabel says which clusters are good, and all are taken"),
    ],
)  # fmt: skip
def test_good_clusters_by_group_else_by_kilosort_else_all(tmp_path, tables, ids, said):
    folder = phy(tmp_path / "rec", tables=tables)
    read = found(folder)
    assert [unit.cell_id for unit in read.recordings] == [f"rec/{k}" for k in ids]
    assert any(re.search(said, note) for note in read.notes), read.notes
    assert len(found(folder, quality="all").recordings) == N
    assert [unit.cell_id for unit in found(folder, units=[3, 1]).recordings] == ["rec/1", "rec/3"]


def test_none_good_and_units_that_are_not_there_are_refused(tmp_path):
    folder = phy(tmp_path / "rec", tables={GROUP: table("group", {0: "mua"})})
    refused("none of its 4 clusters is good .1 mua, 3 unsorted.; set dataset.quality=all", folder)
    refused("dataset.units names 9, which it does not hold; it holds 0, 1, 2, 3", folder, units=[1, 9])
    refused("dataset.units lists 1 2 times", folder, units=[1, 1])
    refused("cluster 0 is listed 2 times", phy(tmp_path / "b", tables={GROUP: "cluster_id\tgroup\n0\tgood\n0\tmua\n"}))


def test_clusters_without_spikes_are_named(tmp_path):
    read = found(phy(tmp_path / "rec", tables={GROUP: table("group", dict.fromkeys([0, 1, 8], "good"))}))
    assert read.lost == ["rec/8: has no spikes"] and len(read.recordings) == 2


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
        ("spike_templates", np.full(1000, 40), "spikes are of template 40; templates.npy holds 4"),
        ("templates", np.zeros((4, 82)), r"expected \[template, time, channel\]"),
    ],
)
def test_arrays_that_are_broken_or_do_not_fit_get_one_message(tmp_path, name, array, said):
    refused(said, phy(tmp_path / "rec", **{name: array}))


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


@pytest.mark.parametrize(
    ("name", "text", "good"),
    [
        ("cluster_group.tsv", "cluster_id\tgroup\n0\tGood\n1\tGOOD \n2\tMUA\n3\tnoise\n", ["rec/0", "rec/1"]),
        ("Cluster_Group.TSV", "cluster_id\tgroup\n0.0\tgood\n1.0\tmua\n-1\tnoise\n", ["rec/0"]),
        ("cluster_group.tsv", "", [f"rec/{k}" for k in range(N)]),  # empty, as Phy leaves it at times
    ],
)
def test_tables_in_any_case(tmp_path, name, text, good):
    read = found(phy(tmp_path / "rec", tables={name: text}))
    assert [unit.cell_id for unit in read.recordings] == good


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


def test_tables_that_contradict_each_other_or_are_not_read(tmp_path):
    of_phy, of_bombcell = table("group", {0: "good", 1: "good", 2: "mua"}), table("bc", {0: "GOOD", 1: "NOISE"})
    tables = {GROUP: of_phy, "cluster_group.csv": table("group", {0: "noise", 1: "good", 2: ""})}
    read = found(phy(tmp_path / "rec", tables={**tables, "cluster_bc_unitType.tsv": of_bombcell}))
    assert [unit.cell_id for unit in read.recordings] == ["rec/0", "rec/1"]
    assert (
        "rec: cluster_group.csv says another group of 1 clusters than the table before it, which counts" in read.notes
    )
    (note,) = [note for note in read.notes if "bc_unitType" in note]
    assert note.startswith("rec: cluster_bc_unitType.tsv says 1 good, 1 noise, and is not read")
    read = found(phy(tmp_path / "old", tables={"cluster_groups.csv": of_phy}))  # of the first version of Phy
    assert [unit.cell_id for unit in read.recordings] == ["old/0", "old/1"]


def test_templates_without_the_inverse_of_their_whitening(tmp_path):
    """phylib inverts whitening_mat.npy where whitening_mat_inv.npy is missing."""
    usual = found(phy(tmp_path / "rec")).recordings
    inverted = found(phy(tmp_path / "other", drop=("whitening_mat_inv",))).recordings
    assert all(np.allclose(a.waveform, b.waveform, atol=1e-4) for a, b in zip(usual, inverted))
    flat = phy(tmp_path / "flat", drop=("whitening_mat_inv",), whitening_mat=np.ones((units.CHANNELS, units.CHANNELS)))
    refused("whitening_mat.npy has no inverse", flat)


@pytest.mark.parametrize("of", [np.arange(1, units.CHANNELS + 1), np.zeros(units.CHANNELS)], ids=["from 1", "one"])
def test_sparse_templates_that_name_channels_wrongly(tmp_path, of):
    folder = phy(tmp_path / "rec", templates_ind=np.tile(of, (N, 1)))
    refused("by its table of channels; expected each once, and from 0: does it count from 1", folder)


def test_channels_that_fill_up_sparse_templates(tmp_path):
    """Where they are not used they name channel 0, or none."""
    stored = (waveforms() @ units.whitening()).astype("f4")
    stored[:, :, 0] = stored[:, :, 11] = 0
    table = np.tile(np.arange(units.CHANNELS), (N, 1))
    full = found(phy(tmp_path / "a", templates=stored)).recordings
    table[:, 11] = 0
    assert all(np.allclose(a.waveform, b.waveform) for a, b in
               zip(full, found(phy(tmp_path / "b", templates=stored, templates_ind=table)).recordings))  # fmt: skip


def test_templates_with_their_axes_turned(tmp_path):
    turned = waveforms().transpose(0, 2, 1).astype("f4")
    folder = phy(tmp_path / "rec", templates=turned, drop=("whitening_mat", "whitening_mat_inv"))
    refused(r"of shape \(4, 12, 82\), and channel_map.npy holds 12 channels; expected \[template, time", folder)


def test_tables_of_single_units_and_of_cell_types_are_told(tmp_path):
    tables = {"cluster_curation.tsv": table("label", {0: "sua", 1: "mua", 2: "sua", 3: "noise"}),
              "cluster_cell_type.tsv": table("cell_type", {0: "PkC", 1: "MLI"})}  # fmt: skip
    notes = found(phy(tmp_path / "rec", tables=tables)).notes
    assert "rec: cluster_curation.tsv (label) says 1 mua, 1 noise, 2 sua, and is not read" in "\n".join(notes)
    assert "rec: cluster_cell_type.tsv says cell_type, which is not read" in "\n".join(notes)


@pytest.mark.parametrize("of_none", [-1, 2**32 - 1])
@pytest.mark.parametrize("quality", ["good", "all"])
def test_spikes_of_no_cluster_are_no_unit(tmp_path, of_none, quality):
    folder = phy(tmp_path / "rec", tables={})
    clusters = np.load(folder / "spike_clusters.npy").astype(np.int64)
    clusters[::4] = of_none
    np.save(folder / "spike_clusters.npy", clusters)
    found = read(folder, How(quality=quality))
    assert [u.cell_id for u in found.recordings] == [f"rec/{k}" for k in range(4)]
    assert f"rec: {len(clusters[::4])} spikes are of no cluster (-1), and left out" in found.notes
    assert sum(len(u.spikes) for u in found.recordings) == len(clusters) - len(clusters[::4])


def test_templates_of_which_nothing_says_how_they_were_whitened(tmp_path):
    folder = phy(tmp_path / "rec", templates=waveforms().astype("f4"), drop=("whitening_mat", "whitening_mat_inv"))
    said = "rec: has no whitening_mat_inv.npy, so that its templates are taken as not whitened"
    assert said in read(folder, How()).notes
    (folder / "cluster_si_unit_ids.tsv").write_text("cluster_id\tsi_unit_id\n0\tu0\n")
    assert said not in read(folder, How()).notes
