"""The simulated patch-clamp dataset: its promises, and its features against those of recorded cells."""

from __future__ import annotations

import importlib.util
import weakref

import numpy as np
import pandas as pd
import pytest
from made.configs import REPOSITORY, cells, recordings

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp import measure
from celltype_cli.patch_clamp.recording import CLASSES, Recording, Sweep
from celltype_cli.patch_clamp.simulator import dataset

STATISTICS = "patch_clamp/statistics/class_stats.csv"

QUARTILES = {  # of recorded cells of each of CLASSES: 25th, 50th and 75th percentile (Gouwens et al. 2019 and 2020)
    "rheobase_pA": [(170, 240, 310), (70, 110, 190), (50, 80, 130), (50, 80, 110)],
    "fi_slope_Hz_per_pA": [(0.56, 0.782, 1.02), (0.121, 0.165, 0.213), (0.103, 0.2, 0.31), (0.123, 0.28, 0.384)],
    "latency_ms": [(7.74, 12.3, 32.3), (34.5, 48.1, 64.5), (13.3, 20.3, 32.3), (22.8, 30.5, 38.9)],
    "avg_isi_ms": [(12.4, 17.4, 25.6), (62.1, 82.3, 109), (33, 53.9, 78.6), (38.8, 51.6, 69)],
    "adaptation": [(0.0013, 0.00395, 0.00893), (0.0206, 0.0361, 0.0711),
                   (0.00983, 0.0331, 0.11), (0.024, 0.0489, 0.115)],
    "vrest_mV": [(-74.7, -71.1, -67), (-78.1, -75, -70.9), (-72.7, -69.2, -64.5), (-71.9, -68, -63.1)],
    "ri_MOhm": [(88.3, 111, 142), (106, 148, 189), (151, 205, 264), (172, 217, 274)],
    "tau_ms": [(6.33, 7.49, 9.1), (14, 18.2, 23.4), (9.42, 12.2, 16), (15.6, 20.1, 26.9)],
    "sag": [(0.0203, 0.0363, 0.0575), (0.021, 0.0485, 0.0993), (0.0337, 0.0568, 0.0925), (0.0385, 0.0736, 0.132)],
    "ap_thr_mV": [(-37.2, -33.4, -29.8), (-39.8, -37.1, -34.3), (-39.5, -36, -32.4), (-41, -37.4, -33.3)],
    "ap_peak_mV": [(14.7, 20.1, 25.1), (32, 37.8, 43.6), (22.5, 29.2, 36.5), (21.9, 29.4, 36)],
    "ap_rise_ms": [(0.32, 0.34, 0.38), (0.425, 0.48, 0.52), (0.4, 0.46, 0.52), (0.4, 0.44, 0.48)],
    "ap_peak_to_fasttrough_ms": [(0.76, 0.9, 1.09), (2, 2.52, 3.34), (1.58, 2.1, 3.18), (1.14, 1.36, 1.66)],
    "fast_ahp_mV": [(20.1, 22.8, 25.2), (7.44, 10.3, 12.9), (7.49, 10.7, 14.2), (12.8, 15.7, 19)],
    "trough_mV": [(-60.3, -56.7, -53.1), (-56.4, -53.8, -51.1), (-53, -49.4, -45.4), (-57.2, -53.9, -50.4)],
    "up_down_ratio": [(1.28, 1.4, 1.55), (2.98, 3.59, 4.13), (2.84, 3.25, 3.69), (1.83, 2.06, 2.33)],
}  # fmt: skip
# How far a simulated median may lie from the recorded one, in interquartile ranges of the recorded cells.
TOLERANCE = 0.6
WIDER = {"fi_slope_Hz_per_pA": 1.0, "up_down_ratio": 0.8}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Makes few cells, with the changes asked for."""
    folder = tmp_path_factory.mktemp("cache")
    few = {"cells_per_class": 2, "donors": 2, "inputs": ["scalogram"], "size": [24, 32], "cache": folder}
    return lambda **changes: cells("patch_sim", **few | changes)


@pytest.fixture(scope="module")
def measured() -> pd.DataFrame:
    """Features of 20 cells of each class, by the path of every recording, under the names of the statistics."""
    pytest.importorskip("allensdk", reason="features are measured by allensdk")
    spec = importlib.util.spec_from_file_location("draw", REPOSITORY / "scripts" / "draw_simulated_patch_clamp.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.measured(20)


def test_cells_say_what_they_are(small):
    cells = small(cells_per_class={"Pvalb": 3, "Excitatory": 0, "Vip/Lamp5": 1, "Sst": 2})
    assert cells.classes == ("Pvalb", "Excitatory", "Vip/Lamp5", "Sst") and cells.label.tolist() == [0, 0, 0, 2, 3, 3]
    assert cells.shapes == {"scalogram": (2, 24, 32)} and cells.inputs["scalogram"].dtype == np.float32
    assert cells.group.tolist() == ["donor_01", "donor_02", "donor_01", "donor_01", "donor_01", "donor_02"]
    assert cells.cell_id[3] == "Vip-Lamp5_0001" and cells.about.title == "patch_sim (simulated)"
    assert cells.about.group == "donor" and len(cells.about.of("scalogram").axes) == 2
    assert cells.about.notes == ("no animal was recorded: a score on these cells says nothing about recorded ones",)
    assert cells.inputs["scalogram"].max(axis=(1, 2, 3)).min() > 20  # spikes in all


def test_same_seed_same_cells_and_more_cells_keep_those_there_were(small, tmp_path, monkeypatch):
    """Those there were are found in the cache; without it they are the same, whatever they are simulated with."""
    measuring, calls = measure.measure, []
    monkeypatch.setattr(measure, "measure", lambda one, **settings: calls.append(one) or measuring(one, **settings))
    few, other = (small(seed=seed, cells_per_class=1, cache=tmp_path) for seed in (3, 4))
    assert len(calls) == 4 + 4
    counts = {"Pvalb": 1, "Excitatory": 4, "Vip/Lamp5": 2, "Sst": 1}
    monkeypatch.setattr(dataset, "BLOCK", 3)  # with those there were at the begin, in the middle and at the end of one
    more = small(seed=3, cells_per_class=counts, cache=tmp_path)
    assert len(calls) == 8 + 4  # half of the 8 cells were there
    again = small(seed=3, cells_per_class=counts, cache=tmp_path)
    assert len(calls) == 12
    monkeypatch.setattr(dataset, "BLOCK", 128)
    anew = small(seed=3, cells_per_class=counts, cache=tmp_path / "other")
    assert len(calls) == 20
    assert not set(few.row_digests) & set(other.row_digests)
    rows = [more.cell_id.tolist().index(name) for name in few.cell_id]
    assert (more.row_digests[rows] == few.row_digests).all() and (more.group[rows] == few.group).all()
    assert more.fingerprint() == again.fingerprint() == anew.fingerprint()


@pytest.mark.parametrize(
    ("order", "simulated"),
    [
        (range(8), [0, 3, 6]),
        ((1, 2, 4, 7), [0, 3, 6]),  # those between are found in the cache, say
        ((2, 3, 5), [0, 3]),
        ((7,), [6]),
        ((7, 6, 0, 0, 2, 3), [6, 6, 0, 0, 3]),  # backwards, a block begins anew
    ],
)
def test_whatever_is_passed_over_a_recording_is_that_of_its_cell_and_one_block_is_held(monkeypatch, order, simulated):
    begun, blocks = [], []

    def block(cells, **_):
        begun.append(cells[0])
        for cell in cells:
            flat = np.full(10, -70, np.float32)
            yield Recording((Sweep(flat, 0 * flat, 1e4, 100 * cell.label + cell.number),))

    def record(cells, **settings):
        made = block(cells, **settings)
        blocks.append(weakref.ref(made))
        return made

    monkeypatch.setattr(dataset, "record", record)
    monkeypatch.setattr(dataset, "BLOCK", 3)
    entries = recordings("patch_sim", cells_per_class=2).entries
    numbers = [0, 1, 100, 101, 200, 201, 300, 301]
    for k in order:
        assert entries[k].read().sweeps[0].number == numbers[k]
        assert sum(one() is not None for one in blocks) == 1
    assert [100 * cell.label + cell.number for cell in begun] == [numbers[first] for first in simulated]


def test_nothing_is_simulated_before_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(dataset, "record", None)
    found = recordings("patch_sim", cells_per_class=1065)
    assert len(found.entries) == 4260 and found.classes == CLASSES
    assert len({str(entry.made_of) for entry in found.entries}) == 4260


def test_other_settings_of_the_simulation_are_other_recordings():
    def made_of(cells_per_class=1, **changes):
        return recordings("patch_sim", cells_per_class=cells_per_class, **changes).entries[0].made_of

    assert made_of() == made_of(2) == made_of({"Pvalb": 1, "Excitatory": 0, "Vip/Lamp5": 0, "Sst": 0})
    changes = {"seed": 1, "noise_mV": 0.1, "step_pA": 20.0, "sampling_rate": 20_000.0, "donor_share": 0.5}
    assert len({str(made_of(**{name: value})) for name, value in changes.items()} | {str(made_of())}) == 6


def test_what_no_simulated_cell_has_is_left_out_and_told(small):
    """Ramps and short squares are not simulated."""
    pytest.importorskip("allensdk", reason="features are measured by allensdk")
    found = small(cells_per_class=1, inputs=["features"], feature_set="all", sampling_rate=10_000.0)
    assert not [name for name in found.about.of("features").columns if "ramp" in name or "short_square" in name]
    assert len(found.about.of("features").columns) == 29
    assert any(note.startswith("features left out, measured of no cell (26): ") for note in found.about.notes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"donors": 0, "noise_mV": -1.0}, ["donors=0 is out of range", "noise_mV=-1.0 is out of range"]),
        ({"cells_per_class": 0}, ["not all of them 0"]),
        ({"feature_set": "two_sweeps"}, ["prepare.feature_set=two_sweeps is none of", "nearest: two_sweep"]),
        ({"inputs": ["scalograms"]}, ["prepare.inputs=scalograms is none of", "nearest: scalogram"]),
        ({"size": [64]}, ["size=[64] is out of range"]),
        ({"cells_per_class": {"Pvalb": 3, "PV": 3}}, ["per_class.Sst is missing", "per_class.PV is not known"]),
        ({"sampling_rate": 44_100.0}, ["44100.0; give a multiple of 10,000 Hz"]),
        ({"step_pA": 100}, ["step_pA=100 is out of range, expected a number of 2 or more and of at most 25"]),
    ],
)
def test_bad_parameters_are_all_named_at_once(small, changes, said):
    with pytest.raises(UserError) as error:
        small(**changes)
    assert all(words in str(error.value) for words in said)


@pytest.mark.parametrize("feature", QUARTILES)
def test_simulated_medians_agree_with_recorded_ones(measured, feature):
    for name, (low, middle, high) in zip(CLASSES, QUARTILES[feature], strict=True):
        found = measured.loc[measured["label"] == name, feature].median()
        allowed = WIDER.get(feature, TOLERANCE) * (high - low)
        assert abs(found - middle) <= allowed, f"{name}: {found:.4g}, recorded {middle} +- {allowed:.3g}"


def test_simulated_cells_vary_about_as_much_as_recorded_ones(measured):
    """Ratio of interquartile ranges: 0.5 to 1.6 for the middle half of features and classes."""
    ratios = [
        np.subtract(*np.nanpercentile(measured.loc[measured["label"] == name, feature], [75, 25])) / (high - low)
        for feature, of_classes in QUARTILES.items()
        for name, (low, _, high) in zip(CLASSES, of_classes, strict=True)
    ]
    assert 0.5 < np.percentile(ratios, 25) < np.percentile(ratios, 75) < 1.6


def test_the_recorded_quartiles_are_those_of_the_tables(shared_data):
    if not (file := shared_data / STATISTICS).is_file():
        pytest.skip(f"{file} is missing")
    table = pd.read_csv(file).query("source == 'all'").set_index(["feature", "label"])
    for feature, of_classes in QUARTILES.items():
        real = table.loc[[(feature, name) for name in CLASSES], ["p25", "p50", "p75"]].to_numpy()
        np.testing.assert_allclose(of_classes, real, rtol=0.006)
