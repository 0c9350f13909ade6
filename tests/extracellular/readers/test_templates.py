"""Templates of Kilosort and Phy: un-whitened, laid out on their channels, weighted by the spikes of a cluster."""

import numpy as np
import pytest
from made import units
from made.units import RATE, N, found, phy, refused, trains, waveforms


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


def test_templates_of_which_nothing_says_how_they_were_whitened(tmp_path):
    folder = phy(tmp_path / "rec", templates=waveforms().astype("f4"), drop=("whitening_mat", "whitening_mat_inv"))
    said = "rec: has no whitening_mat_inv.npy, so that its templates are taken as not whitened"
    assert said in found(folder).notes
    (folder / "cluster_si_unit_ids.tsv").write_text("cluster_id\tsi_unit_id\n0\tu0\n")
    assert said not in found(folder).notes
