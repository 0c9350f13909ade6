"""Shapley values of estimators on tables: at the column that decides, and summing to the prediction."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from made.training import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from celltype_cli.cells.about import About, Input
from celltype_cli.cells.cells import Cells
from celltype_cli.cells.columns import table_of
from celltype_cli.studies.explain.attributions import attributions
from celltype_cli.studies.explain.shapley import LOG_ODDS, PROBABILITY, shapley
from celltype_cli.trainers.sklearn import SklearnPredictor

NAMES = ("tau (ms)", "width (ms)", "rheobase (pA)")
X = np.random.default_rng(1).standard_normal((400, 5))
Y = np.digitize(X[:, 2], [-0.7, 0, 0.7])  # four classes by the third column alone
HOLES = X.copy()
HOLES[np.random.default_rng(2).random(X.shape) < 0.1] = np.nan


def lightgbm(**settings):
    return pytest.importorskip("lightgbm").LGBMClassifier(n_estimators=30, verbose=-1, random_state=0, **settings)


def catboost():
    make = pytest.importorskip("catboost").CatBoostClassifier
    return make(iterations=40, verbose=False, allow_writing_files=False, thread_count=1, random_state=0)


def xgboost():
    return pytest.importorskip("xgboost").XGBClassifier(n_estimators=30, n_jobs=1, random_state=0)


def pair(weights=None):
    return VotingClassifier([("lightgbm", lightgbm()), ("catboost", catboost())], voting="soft", weights=weights)


TREES = {
    "lightgbm": (lightgbm, LOG_ODDS),
    "catboost": (catboost, LOG_ODDS),
    "xgboost": (xgboost, LOG_ODDS),
    "hist": (partial(HistGradientBoostingClassifier, max_iter=30), LOG_ODDS),
    "forest": (partial(RandomForestClassifier, 40, random_state=0), PROBABILITY),
}


@pytest.mark.parametrize("holes", [False, True], ids=["whole", "missing values"])
@pytest.mark.parametrize("n_classes", [4, 2])
@pytest.mark.parametrize("name", TREES)
def test_shap_of_trees_stays_at_the_column_and_sums_to_the_prediction(name, n_classes, holes):
    make, quantity = TREES[name]
    x, y = (HOLES if holes else X), (Y if n_classes == 4 else (Y > 1).astype(int))
    pipeline = make_pipeline(make()).fit(x, y)
    values, said = shapley(pipeline, x[:60], x)
    assert said == quantity
    assert values.shape == (60, n_classes, 5)
    size = np.abs(values).mean(axis=(0, 1))
    assert size.argmax() == 2
    assert size[2] > (0.6 if holes else 0.85) * size.sum()
    proba = pipeline.predict_proba(x[:60])
    output = proba if quantity == PROBABILITY else np.log(proba) - np.log(proba).mean(axis=1, keepdims=True)
    total = values.sum(axis=2) - output  # an average prediction, the same for all rows
    np.testing.assert_allclose(total, np.broadcast_to(total[:1], total.shape), atol=2e-3)
    np.testing.assert_allclose(values.sum(axis=1), 0, atol=1e-4)


def test_shap_of_a_stump_by_hand():
    # Two rows on each side: the average prediction is (0.5, 0.5), a row's own (1, 0) or (0, 1).
    pipeline = make_pipeline(DecisionTreeClassifier(max_depth=1).fit([[-1, 0], [-2, 0], [1, 0], [2, 0]], [0, 0, 1, 1]))
    values, quantity = shapley(pipeline, np.array([[-5.0, 9.0], [5.0, 9.0]]), np.zeros((1, 2)))
    assert quantity == PROBABILITY
    np.testing.assert_allclose(values, [[[0.5, 0], [-0.5, 0]], [[-0.5, 0], [0.5, 0]]])


def test_shap_of_a_soft_vote_is_the_weighted_mean_of_its_members():
    voted = pair(weights=[3, 1]).fit(X, Y)
    values, quantity = shapley(make_pipeline(voted), X[:20], X)
    assert quantity == f"{LOG_ODDS}, averaged over the members"
    first, second = (shapley(make_pipeline(member), X[:20], X)[0] for member in voted.estimators_)
    np.testing.assert_allclose(values, (3 * first + second) / 4)


def test_shap_of_members_that_do_not_go_together_is_of_their_probability():
    voted = VotingClassifier([("a", lightgbm()), ("b", RandomForestClassifier(20, random_state=0))], voting="soft")
    values, quantity = shapley(make_pipeline(voted.fit(X, Y)), X[:5], X)
    assert quantity == PROBABILITY
    assert np.abs(values).mean(axis=(0, 1)).argmax() == 2


def test_shap_of_views_is_exact_and_stays_in_the_columns_of_each():
    member = partial(RandomForestClassifier, 20, random_state=0)
    views = [
        (name, make_pipeline(ColumnTransformer([("of", "passthrough", columns)]), member()))
        for name, columns in (("late", [2, 4]), ("first", [0, 1]))
    ]
    voted = VotingClassifier(views, voting="soft").fit(X, Y)
    values, quantity = shapley(make_pipeline(voted), X[:20], X)
    assert quantity == f"{PROBABILITY}, averaged over the members"
    first, _ = shapley(member().fit(X[:, [2, 4]], Y), X[:20, [2, 4]], X[:, [2, 4]])
    np.testing.assert_allclose(values[..., [2, 4]], first / 2)
    assert (values[..., 3] == 0).all() and np.abs(values[..., [0, 1]]).max() > 0


class Linear:
    """Probability 0.5 + 0.1 a - 0.2 b of the second class."""

    classes_ = np.array([0, 1])

    def predict_proba(self, x):
        second = 0.5 + 0.1 * x[:, 0] - 0.2 * x[:, 1]
        return np.stack([1 - second, second], axis=1)


def test_shap_of_anything_else_by_hand():
    # Background means 1 and 2: contributions 0.1 (a - 1) and -0.2 (b - 2) to the second class.
    background = np.array([[0.0, 1.0], [2.0, 3.0]])
    values, quantity = shapley(Linear(), np.array([[3.0, 2.0], [1.0, 1.0]]), background)
    assert quantity == PROBABILITY
    np.testing.assert_allclose(values[:, 1], [[0.2, 0], [0, 0.2]], atol=1e-9)
    np.testing.assert_allclose(values[:, 0], [[-0.2, 0], [0, -0.2]], atol=1e-9)


@pytest.mark.parametrize("make", [partial(LogisticRegression, C=10), SVC], ids=["logistic", "decision function"])
def test_other_estimators_are_explained_through_their_imputer_and_scaler(make):
    train = feature_cells(HOLES[:, :3], Y)
    fitted = sklearn(inputs=["features"]).fit(make, train, train[np.arange(0)], seed=0, folder=Path(), watch=None)
    some = train[np.arange(8)]
    by_class = attributions(fitted.predict, some, "auto", background=train).parts["table"].by_class
    assert np.abs(by_class).mean(axis=(0, 1)).argmax() == 2
    average = fitted.predict(some) - by_class.sum(axis=2)  # the same for every row, those with missing values too
    np.testing.assert_allclose(average, np.broadcast_to(average[:1], average.shape), atol=1e-6)


def test_sampled_shap_is_the_same_twice_and_leaves_the_global_stream_alone():
    class Many(Linear):
        """As `Linear`, with more columns than are tried exhaustively."""

    x = np.random.default_rng(0).standard_normal((2, 15)) * 0.1
    np.random.seed(5)
    first, again = (shapley(Many(), x, np.zeros((1, 15)))[0] for _ in range(2))
    assert np.array_equal(first, again)
    after = np.random.random()
    np.random.seed(5)
    assert after == np.random.random()
    np.testing.assert_allclose(first[:, 1, :2], x[:, :2] * [0.1, -0.2], atol=1e-6)


def feature_cells(x, y, classes=("A", "B", "C", "D")):
    ids = np.arange(len(x)).astype(str)
    return Cells(
        {"features": x.astype("f4")}, y, ids, ids, classes, About("toy", inputs={"features": Input(columns=NAMES)})
    )


def test_shap_is_given_for_the_predicted_class_and_for_all():
    cells = feature_cells(X[:, :3], Y)
    known = np.flatnonzero(Y != 1)  # a class without training rows
    pipeline = make_pipeline(lightgbm()).fit(X[known, :3], Y[known])
    predict = SklearnPredictor(pipeline, partial(table_of, inputs=["features"]), ["features"], None)
    found = attributions(predict, cells, "shap", background=cells)
    part = found.parts["table"]
    assert (found.method, part.columns, part.by_class.shape) == ("shap", NAMES, (400, 4, 3))
    assert not part.by_class[:, 1].any()
    assert 1 not in found.predicted
    np.testing.assert_array_equal(part.attribution, part.by_class[np.arange(400), found.predicted])
    right = part.attribution[found.predicted == Y, 2]
    assert (right > 0).mean() > 0.95  # the column that decides speaks for the class that is right


def test_columns_of_a_table_have_their_names_and_those_of_others_numbers():
    cells = feature_cells(X[:30, :3], np.arange(30) % 2, ("A", "B"))
    cells = replace(cells, inputs={**cells.inputs, "trace": X[:30, None, 3:]})
    for inputs, names in ((["features"], NAMES), (["trace"], ("trace 1", "trace 2"))):
        fitted = sklearn(inputs=inputs, scale=False).fit(
            partial(DecisionTreeClassifier, max_depth=2), cells, cells[np.arange(0)], seed=0, folder=Path(), watch=None
        )
        assert attributions(fitted.predict, cells, "auto", background=cells).parts["table"].columns == names
