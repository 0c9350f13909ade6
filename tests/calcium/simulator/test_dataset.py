"""The simulated calcium dataset: its promises, and its statistics against recorded cells."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from made import configs as made

from celltype_cli.calcium.simulator.dataset import CLASSES, Cell, load, simulate
from celltype_cli.calcium.simulator.indicator import calcium, measured
from celltype_cli.calcium.simulator.spikes import episodes, refract, renewal, slow_noise, with_bursts
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError

DESIGN = ("cells_per_class", "animals", "one_class_per_animal", "sessions")  # what `load` takes and `simulate` does not


@pytest.fixture(scope="module")
def shipped() -> dict:
    from omegaconf import OmegaConf

    parameters = OmegaConf.to_container(made.described("calcium_sim").dataset)
    del parameters["_target_"]
    return parameters


def small(shipped: dict, **changes) -> dict:
    return copy.deepcopy(shipped) | {"cells_per_class": 12, "timesteps": 300, "animals": 3} | changes


def simulated(**parameters):
    """The cells that the shipped `prepare` makes of the traces."""
    return configs.build(made.described("calcium_sim").prepare)(load(**parameters))


@pytest.fixture(scope="module")
def cells(shipped):
    return simulated(**shipped | {"cells_per_class": 100})


def test_cells_say_what_they_are():
    cells = made.cells("calcium_sim", cells_per_class={"PY": 5, "PV": 4, "SOM": 3, "VIP": 2}, timesteps=90)
    assert cells.shapes == {"trace": (1, 90), "features": (28,)} and cells.inputs["trace"].dtype == np.float32
    assert cells.classes == ("PY", "PV", "SOM", "VIP") and np.bincount(cells.label).tolist() == [5, 4, 3, 2]
    assert cells.cell_id[0] == "PY_0001" and cells.cell_id[-1] == "VIP_0002" and cells.n_cells == 14
    assert cells.group[:5].tolist() == ["animal_01", "animal_02", "animal_03", "animal_04", "animal_05"]
    about = cells.about
    assert about.simulated and about.title == "calcium_sim (simulated)" and about.group == "animal"
    assert (about.of("trace").sampling_rate, about.of("trace").unit) == (30.0, "dF/F")
    assert about.notes == ("no animal was recorded: a score on these cells says nothing about recorded ones",)


def test_paper_size_is_the_same_dataset_but_for_its_size():
    paper, shipped = (made.described(name).dataset for name in ("calcium_sim_paper", "calcium_sim"))
    assert dict(paper.cells_per_class) == {"PY": 1000, "PV": 947, "SOM": 1000, "VIP": 1000}
    assert paper.timesteps == 4000
    size = ("cells_per_class", "timesteps")
    assert {k: v for k, v in paper.items() if k not in size} == {k: v for k, v in shipped.items() if k not in size}


def test_every_animal_has_all_classes_evenly(cells):
    counts = pd.crosstab(cells.group, cells.label).to_numpy()
    assert counts.shape == (10, 4) and (counts == 10).all()


def test_one_class_per_animal_shares_animals_out_among_the_classes(shipped):
    mixed, apart = (simulated(**small(shipped, animals=10, one_class_per_animal=one)) for one in (False, True))
    counts = pd.crosstab(apart.group, apart.label).to_numpy()
    assert ((counts > 0).sum(axis=1) == 1).all()
    assert [sorted(column[column > 0]) for column in counts.T] == [[4, 4, 4], [4, 4, 4], [6, 6], [6, 6]]
    assert (mixed.cell_id == apart.cell_id).all()
    assert mixed.row_digests[0] == apart.row_digests[0], "the first PY cell is of the first animal either way"


def test_same_seed_same_cells_and_another_seed_others(shipped):
    first, again, other = (simulated(**small(shipped, seed=seed)) for seed in (3, 3, 4))
    assert first.fingerprint() == again.fingerprint()
    assert not set(first.row_digests) & set(other.row_digests)


def test_longer_traces_begin_with_the_shorter_ones(shipped):
    short, long = (simulated(**small(shipped, timesteps=n)).inputs["trace"] for n in (400, 1700))
    np.testing.assert_allclose(long[:, :, :400], short, rtol=0, atol=1e-6)


def test_more_cells_keep_those_there_were(shipped):
    many = {"PY": 14, "PV": 12, "SOM": 13, "VIP": 12}
    few, more = simulated(**small(shipped)), simulated(**small(shipped, cells_per_class=many))
    rows = [more.cell_id.tolist().index(name) for name in few.cell_id]
    assert (more.row_digests[rows] == few.row_digests).all() and (more.group[rows] == few.group).all()


def test_cells_of_a_session_share_running_and_cells_differ(shipped):
    """Without noise, drift or spread, and with all spikes while running, cells of a session are active together."""
    parameters = small(shipped)
    for name in DESIGN:
        del parameters[name]
    parameters["timesteps"] = 6000
    for values in parameters["classes"].values():
        values |= {"running_gain": 100.0, "rate_hz": 10.0}
    both = [Cell(1, 0, 0, 0), Cell(2, 0, 0, 0), Cell(3, 0, 0, 1)]
    _, spikes = simulate(both, **parameters)
    counts = np.stack([np.histogram(times, np.arange(0, 201, 4))[0] > 8 for times in spikes])
    together, apart = (np.corrcoef(counts)[0, k] for k in (1, 2))
    assert together > 0.6 > 0.35 > apart


def test_no_interval_is_shorter_than_the_refractory_period(shipped):
    parameters = {k: v for k, v in shipped.items() if k not in DESIGN}
    asked = [Cell(k, i, i, 0) for k in range(4) for i in range(10)]
    _, spikes = simulate(asked, **parameters | {"timesteps": 6000})
    for cell, times in zip(asked, spikes, strict=True):
        assert len(times) > 2 and times.min() >= 0 and times.max() < 200
        assert np.diff(times).min() >= shipped["classes"][CLASSES[cell.label]]["refractory_s"]


def test_refract_judges_by_the_last_spike_kept():
    spikes = np.array([0.0, 0.002, 0.004, 0.006, 0.02, 0.0225])
    np.testing.assert_array_equal(refract(spikes, 0.003), [0.0, 0.004, 0.02])
    assert len(refract(np.empty(0), 0.003)) == 0


def test_renewal_follows_the_rate_and_the_regularity():
    rate = np.where(np.arange(60_000) % 3000 < 1500, 30.0, 2.0)  # 50 s each, 2000 s in all
    times = renewal(np.random.default_rng(0), rate, 1 / 30, regularity=4.0)
    fast = (times * 30).astype(int) % 3000 < 1500
    assert fast.sum() / 1000 == pytest.approx(30, rel=0.02) and (~fast).sum() / 1000 == pytest.approx(2, rel=0.05)
    isi = np.diff(times)[fast[:-1] & fast[1:] & (np.diff(times) < 10)]
    assert isi.std() / isi.mean() == pytest.approx(0.5, rel=0.05)  # 1 / sqrt(4)


def test_bursts_have_geometric_sizes():
    events = np.arange(20_000) * 1.0
    spikes = with_bursts(*map(np.random.default_rng, (0, 1)), events, probability=0.25, interval_s=0.006)
    assert len(spikes) / len(events) == pytest.approx(4 / 3, rel=0.02)  # 1 / (1 - 0.25)
    within = np.diff(spikes)[np.diff(spikes) < 0.1]
    assert within.mean() == pytest.approx(0.006, rel=0.02) and np.isin(events, spikes).all()


def test_episodes_take_their_share_and_slow_noise_its_variance():
    on = episodes(np.random.default_rng(1), 600_000, 1 / 30, on_s=2.0, off_s=6.0)
    assert on.mean() == pytest.approx(0.25, rel=0.05) and on.min() == 0 and on.max() == pytest.approx(1)
    slow = slow_noise(np.random.default_rng(2), 600_000, 1 / 30, tau_s=1.0)
    assert slow.std() == pytest.approx(1, rel=0.03)
    assert np.mean(slow[30:] * slow[:-30]) == pytest.approx(np.exp(-1), abs=0.03)


def test_calcium_peaks_at_one_and_spikes_add_up():
    times = np.arange(300) * 0.01
    one = calcium(np.array([0.5]), 300, 0.01, rise_s=0.05, decay_s=0.5)
    since = times[50:] - 0.5
    shape = (1 - np.exp(-since / 0.05)) * np.exp(-since / 0.5)
    peak = 10 / 11 * 11**-0.1  # at 0.05 ln 11 = 0.12 s
    np.testing.assert_allclose(one[50:], shape / peak, rtol=1e-9, atol=1e-9)
    assert not one[:50].any()
    pair = calcium(np.array([0.5, 0.503]), 300, 0.01, rise_s=0.05, decay_s=0.5)
    late = calcium(np.array([0.503]), 300, 0.01, rise_s=0.05, decay_s=0.5)
    np.testing.assert_allclose(pair, one + late, atol=1e-9)


def test_silent_cell_shows_noise_of_the_asked_size_and_bursts_count_more(shipped):
    light = shipped["indicator"] | {"decay_s": 0.5, "half_spikes": 9.0, "drift_dff": 0.0}
    shape = {"n_before": 300, "n_samples": 20_000, "dt": 1 / 30}
    silent = measured(np.empty(0), np.random.SeedSequence(0), **shape, **light | {"noise_nu": 1.0})
    nu = 100 * np.median(abs(np.diff(silent))) / np.sqrt(30)
    assert nu == pytest.approx(1.0, rel=0.03) and silent.std() == pytest.approx(np.sqrt(30) / 95.4, rel=0.03)
    quiet = light | {"noise_nu": 0.0}
    peaks = [measured(20 + np.arange(n) * 0.001, np.random.SeedSequence(0), **shape, **quiet).max() for n in (1, 4)]
    assert peaks[1] > 5 * peaks[0] and peaks[0] < 3.5 / (1 + 9**1.5)


def balanced_accuracy(features: np.ndarray, cells) -> float:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    forest = RandomForestClassifier(40, min_samples_leaf=8, random_state=0)
    found = cross_val_predict(forest, features, cells.label, groups=cells.group, cv=GroupKFold(5))
    return balanced_accuracy_score(cells.label, found)


def test_level_noise_or_size_alone_do_not_tell_the_classes_but_shape_does(cells):
    trace = cells.inputs["trace"][:, 0].astype(float)
    z = (trace - trace.mean(1, keepdims=True)) / trace.std(1, keepdims=True)
    noise = np.median(abs(np.diff(trace)), axis=1)
    alone = {"mean": trace.mean(1), "median": np.median(trace, axis=1), "noise": noise, "sd": trace.std(1)}
    assert max(balanced_accuracy(values[:, None], cells) for values in alone.values()) < 0.42  # chance is 0.25
    lags = np.stack([(z[:, lag:] * z[:, :-lag]).mean(1) for lag in (3, 10, 30, 90)], axis=1)
    shape = balanced_accuracy(np.concatenate([lags, (z**3).mean(1)[:, None]], axis=1), cells)
    assert 0.45 < shape < 0.85


def test_cells_of_an_animal_resemble_each_other(shipped):
    """Noise differs more between animals than it does when the animals are dealt out anew."""
    cells = simulated(**shipped | {"cells_per_class": 50, "timesteps": 300})
    noise = np.log(np.median(abs(np.diff(cells.inputs["trace"][:, 0])), axis=1))

    def between(groups: np.ndarray) -> float:
        return float(pd.Series(noise).groupby(groups).mean().var())

    rng = np.random.default_rng(0)
    permuted = [between(rng.permutation(cells.group)) for _ in range(200)]
    assert between(cells.group) > max(permuted)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"timesteps": 0, "animals": 0}, ["timesteps=0 is out of range", "animals=0 is out of range"]),
        ({"cells_per_class": 0}, ["cells_per_class is 0"]),
        ({"one_class_per_animal": True, "animals": 3}, ["animals is 3; with one class per animal give at least 4"]),
        ({"cells_per_class": {"PY": 3, "SST": 3}}, ["per_class.PV is missing", "per_class.SST is not known"]),
        ({"running": {"on_s": -1.0, "off_s": 12.0}}, ["running.on_s is -1.0"]),
        ({"spread": {"animal": {"colour": 1.0}, "session": {}, "cell": {}}}, ["spread.animal.colour is no parameter"]),
    ],
)
def test_bad_parameters_are_all_named_at_once(shipped, changes, said):
    with pytest.raises(UserError) as error:
        load(**small(shipped, **changes))
    assert all(words in str(error.value) for words in said)


def test_bad_class_parameters_are_named(shipped):
    parameters = small(shipped)
    parameters["classes"]["PV"] |= {"burst_probability": 1.5, "rate": 3.0}
    del parameters["classes"]["VIP"]["decay_s"]
    with pytest.raises(UserError, match="classes.VIP.decay_s is missing") as error:
        load(**parameters)
    assert "classes.PV.rate is not known" in str(error.value)
    assert "classes.PV.burst_probability is 1.5; give a number from 0.0 to 0.99" in str(error.value)
