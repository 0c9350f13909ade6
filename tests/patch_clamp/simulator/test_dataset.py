"""The simulated patch-clamp dataset: its promises, and its features against those of recorded cells."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.prepare import CLASSES
from celltype_cli.patch_clamp.simulator.classes import CORRELATION, QUANTITIES, neurons, traits
from celltype_cli.patch_clamp.simulator.dataset import load
from celltype_cli.patch_clamp.simulator.protocol import Cell, draw, record

ROOT = Path(__file__).parents[3]
PROTOCOL = ("donor_share", "step_pA", "sampling_rate", "noise_mV", "seed")
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
def shipped() -> dict:
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        cfg = compose(overrides=["+dataset=patch_sim", "+outputs=somewhere"]).dataset
    parameters = OmegaConf.to_container(cfg, resolve=True)
    del parameters["_target_"]
    return parameters


@pytest.fixture(scope="module")
def small(shipped, tmp_path_factory):
    """Arguments of `load` for few cells, with the changes asked for."""
    folder = str(tmp_path_factory.mktemp("cache"))
    few = {"cells_per_class": 2, "donors": 2, "inputs": ["scalogram"], "size": [24, 32], "cache": folder}
    return lambda **changes: copy.deepcopy(shipped) | few | changes


@pytest.fixture(scope="module")
def recorded(shipped):
    cells = [Cell(label, number, number) for label in range(4) for number in range(6)]
    return cells, list(record(cells, **{name: shipped[name] for name in PROTOCOL}))


@pytest.fixture(scope="module")
def measured() -> pd.DataFrame:
    """Features of 20 cells of each class, by the path of every recording, under the names of the statistics."""
    pytest.importorskip("allensdk", reason="features are measured by allensdk")
    spec = importlib.util.spec_from_file_location("draw", ROOT / "scripts" / "draw_simulated_patch_clamp.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script.measured(20)


def test_cells_say_what_they_are(small):
    cells = load(**small(cells_per_class={"Pvalb": 3, "Excitatory": 0, "Vip/Lamp5": 1, "Sst": 2}))
    assert cells.classes == ("Pvalb", "Excitatory", "Vip/Lamp5", "Sst") and cells.label.tolist() == [0, 0, 0, 2, 3, 3]
    assert cells.shapes == {"scalogram": (2, 24, 32)} and cells.inputs["scalogram"].dtype == np.float32
    assert cells.group.tolist() == ["donor_01", "donor_02", "donor_01", "donor_01", "donor_01", "donor_02"]
    assert cells.cell_id[3] == "Vip-Lamp5_0001" and cells.about.title == "patch_sim (simulated)"
    assert cells.inputs["scalogram"].max(axis=(1, 2, 3)).min() > 20  # spikes in all


def test_same_seed_same_cells_and_more_cells_keep_those_there_were(small):
    few, other = (load(**small(seed=seed, cells_per_class=1)) for seed in (3, 4))
    more = load(**small(seed=3, cells_per_class={"Pvalb": 1, "Excitatory": 4, "Vip/Lamp5": 2, "Sst": 1}))
    assert not set(few.row_digests()) & set(other.row_digests())
    rows = [more.cell_id.tolist().index(name) for name in few.cell_id]
    assert (more.row_digests()[rows] == few.row_digests()).all() and (more.group[rows] == few.group).all()


def test_the_rheobase_is_found_as_an_experimenter_finds_it(recorded, shipped):
    """Coarse steps up to the first spike, fine ones from below that up to the rheobase, then 20, 40 and 60 pA more."""
    for cell in recorded[1]:
        two = chosen(cell.sweeps)
        applied = [square.step.amplitude_pA for square in two.squares]
        spiking = [amplitude for square, amplitude in zip(two.squares, applied) if len(square.spike_times_s)]
        rheobase = two.rheobase.step.amplitude_pA
        assert applied[:4] == [-90, -70, -50, -30] and min(spiking) == rheobase
        assert two.hero.step.amplitude_pA == rheobase + 40 and {rheobase + 20, rheobase + 60} <= {*applied}
        assert rheobase % 40 == 10 or rheobase - 10 in applied, "the step below the rheobase is silent, or a coarse one"
        coarse = [amplitude for amplitude in applied if amplitude > 0 and amplitude % 40 == 0 and amplitude < rheobase]
        assert coarse == [*np.arange(40, rheobase, 40)]
        assert len(cell.sweeps) == len({*applied}) < 40 and not cell.left_out


def test_sweeps_hold_a_clean_step_at_the_asked_rate_and_noise(recorded, shipped):
    for cell in recorded[1][::5]:
        for sweep in cell.sweeps:
            assert sweep.sampling_rate == 50_000 and len(sweep.voltage) == 65_000  # 1.3 s
            step = np.flatnonzero(sweep.current)
            assert (step[0], step[-1] + 1, len(step)) == (7500, 57_500, 50_000)
            noise = np.diff(sweep.voltage[:7000])
            assert np.median(np.abs(noise)) / 0.954 == pytest.approx(0.05, rel=0.1)


def test_spikes_have_the_drawn_shape(recorded, shipped):
    """Threshold, peak and fast trough of the first spike lie within 3 mV where the drawn times put them."""
    cells, recordings = recorded
    drawn = draw(cells, seed=shipped["seed"], donor_share=shipped["donor_share"])
    for k, cell in enumerate(recordings):
        square = chosen(cell.sweeps).rheobase
        first = round((square.step.onset_s + square.spike_times_s[0]) * 50_000)
        voltage = square.sweep.voltage[first - 100 : first + 500]
        rise, fall = drawn["rise_ms"][k], drawn["fall_ms"][k]
        at = [100 - round(50 * rise), 100, 100 + round(50 * fall)]
        points = (drawn["threshold_mV"], drawn["peak_mV"], drawn["threshold_mV"] - drawn["fast_ahp_mV"])
        np.testing.assert_allclose(voltage[at], [values[k] for values in points], atol=3)


def test_traits_have_the_medians_the_spreads_and_the_correlations_of_their_class():
    random = np.random.default_rng(0)
    own, donor = random.standard_normal((2, 8000, len(QUANTITIES)))
    drawn = traits(np.full(8000, CLASSES.index("Sst")), own, donor, 0.15)
    assert np.median(drawn["tau_ms"]) == pytest.approx(20.1, rel=0.02)
    assert np.log(drawn["tau_ms"]).std() == pytest.approx(0.40, rel=0.05)  # cut at 2.3 sd: 3 % less
    assert np.median(drawn["peak_mV"]) == pytest.approx(29.4, abs=0.3) and drawn["peak_mV"].std() > 9.5
    together = np.corrcoef(np.log(drawn["rheobase_pA"]), np.log(drawn["ri_MOhm"]))[0, 1]
    assert together == pytest.approx(-0.8, abs=0.05)
    assert (CORRELATION == CORRELATION.T).all() and np.linalg.eigvalsh(CORRELATION).min() > 0


def test_traits_make_sense_whatever_is_drawn():
    random = np.random.default_rng(1)
    own, donor = 3 * random.standard_normal((2, 4000, len(QUANTITIES)))
    label = np.arange(4000) % 4
    drawn = traits(label, own, donor, 0.5)
    made = neurons(drawn, 10.0)
    assert (drawn["peak_mV"] > drawn["threshold_mV"] + 29).all() and (made.reset > made.rest).all()
    for name in ("capacitance", "leak_below", "leak_above", "tau_w", "spike_ms"):
        assert getattr(made, name).min() > 0
    assert all(np.isfinite(values).all() for values in made) and (made.threshold < made.onset).all()


def test_cells_of_a_donor_resemble_each_other():
    cells = [Cell(label, number, number % 10) for label in range(4) for number in range(100)]
    group = np.array([cell.donor for cell in cells])

    def between(donor_share: float) -> float:
        rise = np.log(draw(cells, seed=0, donor_share=donor_share)["rise_ms"]).reshape(4, 100)
        return float(pd.Series((rise - rise.mean(1, keepdims=True)).ravel()).groupby(group).mean().std())

    assert between(0.8) > 3 * between(0.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"donors": 0, "noise_mV": -1.0}, ["donors is 0; give a number from 1", "noise_mV is -1"]),
        ({"cells_per_class": 0}, ["not all of them 0"]),
        ({"features": "two_sweeps"}, ["dataset.features=two_sweeps is none of", "nearest: two_sweep"]),
        ({"features": "all"}, ["dataset.features=all is of ramps and short squares too", "two_sweep or long_square"]),
        ({"inputs": ["scalograms"]}, ["dataset.inputs=scalograms is none of", "nearest: scalogram"]),
        ({"size": [64]}, ["dataset.size=[64]: expected two whole numbers"]),
        ({"cells_per_class": {"Pvalb": 3, "PV": 3}}, ["per_class.Sst is missing", "per_class.PV is not known"]),
        ({"sampling_rate": 44_100.0, "step_pA": 100}, ["44100.0; give a multiple of 10,000 Hz", "step_pA is 100"]),
    ],
)
def test_bad_parameters_are_all_named_at_once(small, changes, said):
    with pytest.raises(UserError) as error:
        load(**small(**changes))
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
