"""Estimators of scikit-learn: scaled by the training rows, seeded throughout, chosen by a grid within them."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from made.training import NONE, TRAIN, VALID, make_cells, sklearn, without_labels
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from celltype_cli.cells.about import About, Input
from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.trainers.protocol import taken


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what it is given."""

    def fit(self, x, y):
        self.x_, self.y_, self.classes_ = x, y, np.unique(y)
        return self

    def predict_proba(self, x):
        self.seen_ = x
        return np.full((len(x), len(self.classes_)), 1 / len(self.classes_))


def sklearn_fit(model, train=TRAIN, scale=True, seed=0):
    return sklearn(scale=scale).fit(model, train, NONE, seed=seed, folder=Path(), watch=None)


@pytest.mark.parametrize(("scale", "given", "asked"), [(True, [[-1], [1]], [[4]]), (False, [[0], [2]], [[5]])])
def test_features_are_scaled_by_the_training_rows(scale, given, asked):
    estimator = Recorder()
    fitted = sklearn_fit(lambda: estimator, make_cells([[[0]], [[2]]], [0, 1]), scale)  # mean 1, sd 1
    fitted.predict(make_cells([[[5]]], [0]))
    assert estimator.x_.tolist() == given
    assert estimator.seen_.tolist() == asked


def test_estimators_leave_out_rows_without_a_label():
    estimator = Recorder()
    sklearn_fit(lambda: estimator, without_labels(TRAIN), scale=False)
    assert np.array_equal(estimator.x_, TRAIN.inputs["trace"][:, 0])
    assert np.array_equal(estimator.y_, TRAIN.label)


def test_a_class_without_training_rows_gets_probability_zero():
    two = TRAIN[np.flatnonzero(TRAIN.label != 1)]
    proba = sklearn_fit(LogisticRegression, two).predict(VALID)
    assert np.all(proba[:, 1] == 0)
    np.testing.assert_allclose(proba.sum(1), 1, rtol=1e-12)
    assert proba[:, 0].std() > 0


def tabled(values, label):
    values = np.array(values, np.float32)
    about = About("toy", inputs={"features": Input(columns=tuple(f"f{k}" for k in range(values.shape[1])))})
    rows = np.arange(len(values))
    return Cells({"features": values}, np.array(label), rows, rows, ("a", "b"), about)


class TakesMissing(Recorder):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


@pytest.mark.parametrize(("estimator", "first", "asked"), [(Recorder(), 2, 2), (TakesMissing(), np.nan, np.nan)])
def test_missing_values_become_training_medians_where_the_estimator_takes_none(estimator, first, asked):
    """A column without any training value, the second, says nothing of a cell that has one."""
    trainer = sklearn(inputs=["features"], scale=False)
    train = tabled([[np.nan, np.nan], [1, np.nan], [2, np.nan], [9, np.nan]], [0, 1, 0, 1])
    fitted = trainer.fit(lambda: estimator, train, NONE, seed=0, folder=Path(), watch=None)
    fitted.predict(tabled([[np.nan, 5]], [0]))
    assert estimator.x_.shape == (4, 2)
    assert estimator.x_[0, 0] == pytest.approx(first, nan_ok=True)
    assert estimator.x_[:, 1].tolist() == [0, 0, 0, 0]
    assert estimator.seen_[0].tolist() == pytest.approx([asked, 0], nan_ok=True)


def test_columns_are_chosen_by_name_and_in_order():
    estimator = Recorder()
    trainer = sklearn(inputs=["features"], columns=["f2", "f0"], scale=False)
    fitted = trainer.fit(
        lambda: estimator, tabled([[1, 2, 3], [4, 5, 6]], [0, 1]), NONE, seed=0, folder=Path(), watch=None
    )
    assert estimator.x_.tolist() == [[3, 1], [6, 4]]
    names, table = fitted.predict.state().table(tabled([[7, 8, 9]], [0]))
    assert (names, table.tolist()) == (["f2", "f0"], [[9, 7]])


def test_functions_take_the_inputs_that_they_name():
    inputs = {"trace": 1, "features": 2}
    assert taken(lambda features: 0, inputs) == {"features": 2}
    assert taken(lambda trace, layer=None: 0, inputs) == {"trace": 1}
    assert taken(lambda **anything: 0, inputs) == inputs
    with pytest.raises(UserError, match="takes trace, scalogram; the dataset has no scalogram, but trace, features"):
        taken(lambda trace, scalogram: 0, inputs)


def test_every_random_state_is_set():
    estimator = BaggingClassifier(DecisionTreeClassifier(random_state=1), n_estimators=2)
    sklearn_fit(lambda: estimator, seed=7)
    assert estimator.random_state == estimator.estimator.random_state == 7


def test_the_seed_decides_the_forest():
    forest = partial(RandomForestClassifier, n_estimators=5)
    first, second, other = (sklearn_fit(forest, seed=seed).predict(VALID) for seed in (0, 0, 1))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_grid_is_searched_within_the_training_rows_with_groups_apart(tmp_path):
    from sklearn.svm import SVC

    rng = np.random.default_rng(0)
    label = np.arange(60) % 2
    trace = rng.standard_normal((60, 1, 5)).astype(np.float32)
    trace[:, 0, 0] += 10 * label  # told apart by one number, so only a senseless C fails
    names = np.arange(60).astype(str)
    cells = Cells({"trace": trace}, label, names, (np.arange(60) // 6).astype(str), ("A", "B"))
    trainer = sklearn(grid={"C": [1e-9, 1.0]})
    heard = []
    watch = lambda done, total, values: heard.append((done, total, values["grid_accuracy"]))  # noqa: E731
    train = cells[np.arange(48)]
    fitted = trainer.fit(SVC, train, cells[np.arange(0)], seed=0, folder=tmp_path, watch=watch)
    assert fitted.chosen == {"C": 1.0}
    assert [(done, total) for done, total, _ in heard] == [(n, 6) for n in range(1, 7)]  # 2 values x 3 folds
    test = cells[np.arange(48, 60)]
    proba = fitted.predict(test)
    assert np.allclose(proba.sum(axis=1), 1)
    assert (proba.argmax(axis=1) == test.label).mean() > 0.9
    again = trainer.fit(SVC, train, cells[np.arange(0)], seed=0, folder=tmp_path, watch=None).predict(test)
    assert np.array_equal(proba, again)


def test_a_grid_of_unknown_settings_is_refused():
    from sklearn.svm import SVC

    trainer = sklearn(grid={"cost": [1]})
    with pytest.raises(UserError, match="trainer.grid: cost is no setting of SVC"):
        trainer.check(SVC, make_cells(np.zeros((2, 1, 5), np.float32), [0, 1]), any_valid=True)


def two_tables(rows=40):
    """Cells whose input `a` tells the class and whose input `b` tells nothing."""
    rng = np.random.default_rng(0)
    label, names = np.arange(rows) % 2, np.arange(rows).astype(str)
    about = About("toy", inputs={"a": Input(columns=("a1", "a2")), "b": Input(columns=("b1",))})
    inputs = {"a": rng.normal(label[:, None] * 4, 1, (rows, 2)), "b": rng.normal(size=(rows, 1))}
    return Cells(inputs, label, names, names, ("A", "B"), about)


def test_views_are_models_of_their_own_whose_probabilities_are_averaged():
    cells, model = two_tables(), partial(RandomForestClassifier, n_estimators=10)
    rest = {"inputs": ["a", "b"], "scale": False}
    given = {"seed": 3, "folder": Path(), "watch": None}
    each = [sklearn(**rest | {"inputs": view}).fit(model, cells, NONE, **given).predict(cells)
            for view in (["a"], ["b"], ["a", "b"])]  # fmt: skip
    together = sklearn(**rest, views=[["a"], ["b"], ["a", "b"]]).fit(model, cells, NONE, **given)
    np.testing.assert_allclose(together.predict(cells), np.mean(each, axis=0), rtol=1e-12)
    assert not np.allclose(each[0], each[1])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"views": [["a"], ["c"]]}, "names c; expected lists of trainer.inputs: a, b"),
        ({"views": []}, r"is \[\]; expected lists"),
        ({"views": [["a"], []]}, "expected lists of trainer.inputs"),
        ({"views": [["a"]], "columns": ["a1"]}, "neither trainer.columns nor trainer.grid"),
        ({"views": [["a"]], "grid": {"n_estimators": [1]}}, "neither trainer.columns nor trainer.grid"),
    ],
)
def test_views_that_cannot_be_are_refused(settings, says):
    trainer = sklearn(inputs=["a", "b"], scale=False, **settings)
    with pytest.raises(UserError, match=says):
        trainer.check(RandomForestClassifier, two_tables(), any_valid=False)


def test_views_need_probabilities():
    trainer = sklearn(inputs=["a", "b"], scale=False, views=[["a"], ["b"]])
    with pytest.raises(UserError, match="LinearSVC gives none"):
        trainer.check(LinearSVC, two_tables(), any_valid=False)
