"""Boosted trees by config: they take missing values, follow the seed, and keep to one thread."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made.configs import REPOSITORY, compose

from celltype_cli.cells.about import About, Input
from celltype_cli.cells.cells import Cells
from celltype_cli.core import configs

for library in ("lightgbm", "catboost", "xgboost"):
    pytest.importorskip(library, reason="pip install 'celltype[trees]'")

SMALL = {
    "lightgbm": ["model.n_estimators=20"],
    "catboost": ["model.iterations=20"],
    "xgboost": ["model.n_estimators=20"],
    "hist_gradient_boosting": ["model.max_iter=20"],
    "lightgbm_sts": ["model.n_estimators=20"],
    "lightgbm_svm": ["model.estimators.0.1.n_estimators=20"],
    "boosted_pair": ["model.estimators.0.1.n_estimators=20", "model.estimators.1.1.iterations=20"],
}
ENSEMBLES = ("boosted_pair", "lightgbm_svm")


def cells(n=300):
    """Three classes that differ in the first column, of which every fifth value is missing; of the last, most."""
    rng = np.random.default_rng(0)
    label = np.arange(n) % 3
    table = rng.normal(size=(n, 4)).astype(np.float32)
    table[:, 0] += 6 * label
    table[::5, 0] = np.nan
    table[12:, 3] = np.nan
    ids = np.array([f"c{i}" for i in range(n)])
    about = About("toy", simulated=True, inputs={"features": Input(columns=("a (mV)", "b", "c", "d"))})
    return Cells({"features": table}, label, ids, ids, ("A", "B", "C"), about)


def composed(name):
    return compose("train", f"model={name}", *SMALL[name])


def fit(name, train, seed=0):
    cfg = composed(name)
    trainer, model = configs.build(cfg.trainer), configs.build(cfg.model)
    trainer.check(model, train, any_valid=False)
    return trainer.fit(model, train, train[np.arange(0)], seed=seed, folder=Path(), watch=None).predict


@pytest.mark.parametrize("name", SMALL)
def test_missing_values_are_taken(name):
    data = cells()
    train, test = data[np.arange(240)], data[np.arange(240, 300)]
    proba = fit(name, train)(test)
    assert np.allclose(proba.sum(axis=1), 1, atol=1e-6)
    known = ~np.isnan(test.inputs["features"][:, 0])
    assert (proba.argmax(axis=1) == test.label)[known].mean() > 0.8  # classes lie six sd apart
    assert (proba.argmax(axis=1) == test.label)[~known].mean() < 0.7  # the other columns say nothing


@pytest.mark.parametrize("name", SMALL)
def test_a_feature_without_any_training_value_counts_for_nothing(name):
    """Of recordings without hyperpolarizing steps, for example, there is no sag."""
    data = cells()
    data.inputs["features"][:240, 3] = np.nan
    train, test = data[np.arange(240)], data[np.arange(240, 300)]
    predict = fit(name, train)
    proba = predict(test)
    test.inputs["features"][:, 3] = np.arange(60)
    assert np.array_equal(predict(test), proba) and len(np.unique(proba, axis=0)) > 10


@pytest.mark.parametrize("name", SMALL)
def test_the_seed_of_the_run_reaches_every_part(name):
    predict = fit(name, cells(240), seed=7)
    settings = predict.pipeline[-1].get_params()
    states = {setting: value for setting, value in settings.items() if setting.endswith("random_state")}
    assert states and set(states.values()) == {7}
    assert len(states) >= (2 if name in ENSEMBLES else 1)
    assert np.array_equal(predict(cells(240)), fit(name, cells(240), seed=7)(cells(240)))


@pytest.mark.parametrize("name", ENSEMBLES)
def test_an_ensemble_gives_the_mean_of_its_members(name):
    data = cells()
    predict = fit(name, data)
    _, table = predict.table(data)
    for _, step in predict.pipeline.steps[:-1]:
        table = step.transform(table)
    members = [member.predict_proba(table) for member in predict.pipeline[-1].estimators_]
    assert len(members) == 2 and not np.allclose(*members, atol=1e-3)
    assert np.allclose(predict(data), np.mean(members, axis=0))


@pytest.mark.parametrize("name", SMALL)
def test_one_thread_by_default(name):
    """scikit-learn's own trees have no such setting; they follow OpenMP, which a run limits."""
    settings = configs.build(composed(name).model)().get_params()
    members = {setting for setting in settings if "__" in setting} or settings
    found = {s: settings[s] for s in members if s.rpartition("__")[2] in ("n_jobs", "thread_count")}
    assert set(found.values()) <= {1} and (found or name == "hist_gradient_boosting")


COUNT_THREADS = """
import sys
sys.path[:0] = ["tests", "tests/models"]
from celltype_cli.runs.environment import limit_threads
from test_boosted_trees import cells, fit
import psutil
limit_threads(1)
data = cells(1500)
for name in ("lightgbm", "xgboost", "hist_gradient_boosting"):
    fit(name, cells(30))  # loads the library
    before = psutil.Process().num_threads()
    fit(name, data)
    print(psutil.Process().num_threads() - before)
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core has no second thread")
def test_fitting_starts_no_threads():
    """Workers of OpenMP stay when their work is done, so that they can be counted afterwards."""
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    result = subprocess.run(
        [sys.executable, "-c", COUNT_THREADS], cwd=REPOSITORY, env=env, capture_output=True, text=True
    )
    assert result.stdout.split() == ["0", "0", "0"], result.stderr
