"""Spikes that follow each other too closely, or for too long, are noted."""

import numpy as np
import pytest
from made.units import RATE, npz, trains, unit, waveforms

from celltype_cli.extracellular.plausible import notes_on
from celltype_cli.extracellular.readers.files import read
from celltype_cli.extracellular.readers.found import How


def notes(path, change):
    made = [np.asarray(change(train / RATE), np.float64) for train in trains()[:3]]
    path = npz(path / "x.npz", spike_times=np.concatenate(made), spike_offsets=np.cumsum([0, *map(len, made)]))
    return [*notes_on(read(path, How()).recordings)]


def test_usual_spikes(tmp_path):
    assert notes(tmp_path, lambda s: s) == [] == notes(tmp_path, lambda s: s + 100)


@pytest.mark.parametrize(
    "change",
    [lambda s: np.repeat(s, 2), lambda s: s / 60, lambda s: np.round(s, 1)],
    ids=["twice", "minutes", "rounded"],
)
def test_spikes_too_close(tmp_path, change):
    (note,) = notes(tmp_path, change)
    assert "units have more than 2% of their spikes within 0.2 ms of the one before: listed twice, rounded, or" in note


def test_spikes_in_the_refractory_period(tmp_path):
    (note,) = notes(tmp_path, lambda s: np.sort(np.r_[s, s + 0.0005]))
    assert note.startswith("3 units have more than 10% of their spikes within 1 ms of the one before, when hardly a ne")
    assert notes(tmp_path, lambda s: np.sort(np.r_[s, s[::20] + 0.0005])) == []


@pytest.mark.parametrize("turned", [True, False])
def test_waveforms_whose_axes_are_exchanged(turned):
    spike = np.where(np.arange(60) < 20, 0, -np.exp(-np.abs(np.arange(60) - 25) / 4))
    shapes = [np.outer(np.exp(-np.abs(np.arange(32) - 3 * k - 3)), spike).astype("f4") for k in range(9)]
    found = [*notes_on([unit(f"u{k}", seed=k, waveform=w.T if turned else w) for k, w in enumerate(shapes)])]
    assert any("are their axes [unit, time, channel]? expected" in note for note in found) == turned


def test_samples_for_seconds(tmp_path):
    assert notes(tmp_path, lambda s: s * RATE * 10)[0].startswith("the spikes of 3 units span 69 days")


@pytest.mark.parametrize("unit", [1000.0, RATE], ids=["milliseconds", "samples"])
def test_spikes_too_far_apart(tmp_path, unit):
    (note,) = notes(tmp_path, lambda s: s * unit)
    assert note.startswith("the spikes of most units are ") and "not in milliseconds or samples" in note


def test_a_recording_that_is_silent_for_a_day_or_begins_late(tmp_path):
    half = notes(tmp_path, lambda s: np.r_[s[: len(s) // 2], s[len(s) // 2 :] + 86400])
    assert any(note.startswith("no unit of 2 recordings fires for most of the time: are several ses") for note in half)
    (note,) = notes(tmp_path, lambda s: s + 1.6e9)
    assert note.startswith("the first spikes of 2 recordings come late") and "r1: 1,600,000,000 s" in note


@pytest.mark.parametrize(("noise", "noted"), [(0.0, False), (0.02, False), (0.2, True)])
def test_waveforms_of_single_spikes(tmp_path, noise, noted):
    noisy = waveforms()[:3].transpose(0, 2, 1)
    noisy += np.random.default_rng(0).normal(0, noise, noisy.shape)
    notes = [*notes_on(read(npz(tmp_path / "x.npz", waveform=noisy), How()).recordings)]
    said = "the waveforms of 3 of 3 units are too noisy for means over spikes: are they of single spikes, or of few?"
    assert [note.startswith(said) for note in notes] == [True] * noted


@pytest.mark.parametrize(("every", "repeated", "wide"), [(3, 1, "0.064"), (1, 1, ""), (1, 5, "0.83")])
def test_waveforms_at_another_rate(tmp_path, every, repeated, wide):
    """Of which every third sample is there, or which are brought to 150 kHz."""
    shapes = np.repeat(waveforms()[:3].transpose(0, 2, 1)[..., ::every], repeated, axis=2)
    notes = [*notes_on(read(npz(tmp_path / "x.npz", waveform=shapes), How()).recordings)]
    said = (
        f"the spikes of most units last {wide} ms at half of their height; expected 0.07 to 0.6: is the sampling rate"
    )
    assert [note.startswith(said) for note in notes] == [True] * bool(wide)


def test_no_false_alarm_of_recorded_units(shared_data):
    for path in ("c4_cerebellum/hull.npz", "cellexplorer/cellexplorer_ground_truth.npz", "phy/phy_example_32ch"):
        assert [*notes_on(read(shared_data / "extracellular" / path, How(quality="all")).recordings)] == []


def test_a_duration_in_samples(tmp_path):
    path = npz(tmp_path / "x.npz", duration=20 * RATE)
    (note,) = notes_on(read(path, How()).recordings)
    assert note.startswith("2 recordings are said to last more than 10 times as long as their spikes")
