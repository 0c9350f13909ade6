"""Arrays that are laid out otherwise: read where that is certain, else refused with what they look like."""

import numpy as np
import pytest
from made.matlab import v5
from made.units import RATE, found, npz, refused, trains

RISING = np.arange(1.0, 101.0) + np.arange(3)[:, None]  # lags of 1 to 100 ms of three units


def counts(path, correlogram):
    isi = np.ones((3, 100))
    return npz(path / "x.npz", spike_times=None, spike_offsets=None, correlogram=correlogram, isi=isi)


@pytest.mark.parametrize("filling", [np.nan, 0.0])
def test_spike_trains_that_are_filled_up(tmp_path, filling):
    each = [train / RATE for train in trains()[:3]]
    padded = np.full((3, max(map(len, each))), filling)
    for row, train in zip(padded, each):
        row[: len(train)] = train
    units = found(npz(tmp_path / "x.npz", spike_times=padded, spike_offsets=None))
    for unit, train in zip(units.recordings, each):
        assert np.array_equal(unit.spikes, train)
    assert not any("nan ms" in note for note in units.notes)


def test_a_rate_that_is_none_stops_no_other_unit(tmp_path):
    units = found(npz(tmp_path / "x.npz", sampling_rate=np.array([RATE, np.nan, RATE])))
    assert [unit.cell_id for unit in units.recordings] == ["u0", "u2"]
    assert "the sampling rate of its waveform is nan Hz" in units.lost[0]
    refused(
        "sampling_rate holds .nan, 0.0, -1.0.; expected Hz", npz(tmp_path / "y.npz", sampling_rate=[np.nan, 0.0, -1.0])
    )


def test_layers_in_words(tmp_path):
    words = np.array(["Granule cell layer", "GrC_layer", "molecular"])
    units = found(npz(tmp_path / "x.npz", layer=words)).recordings
    assert [unit.layer for unit in units] == ["GCL", "GCL", "ML"]


def test_correlograms_of_other_lags(tmp_path):
    assert len(found(counts(tmp_path, RISING)).recordings) == 3
    both = np.concatenate([RISING[:, :50][:, ::-1], RISING[:, :50]], axis=1)
    said = "correlogram reads the same from either end, as lags on both sides do; expected lags of 1 to 100 ms"
    refused(said, counts(tmp_path, both))
    refused(said, counts(tmp_path, np.concatenate([both[:, 1:50], np.zeros((3, 1)), both[:, 50:]], axis=1)))
    zero = np.concatenate([np.full((3, 1), 1000.0), RISING[:, :99]], axis=1)
    refused("3 times as high in its first bin as anywhere else, as lag 0 is", counts(tmp_path, zero))


@pytest.mark.parametrize("name", ["firings.mda", "session.csv", "times.nex"])
def test_files_of_other_sorters_say_what_to_do(tmp_path, name):
    said = r"of other sorters save an npz: spike_times \(s\), spike_offsets, waveform"
    (tmp_path / name).write_bytes(bytes(100))
    refused(said, tmp_path / name)
    refused(said, tmp_path)
    refused(f"has no UID.*{said}", v5(tmp_path / "ums.mat", spikes={"spiketimes": np.arange(9.0)}))
