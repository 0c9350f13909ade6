"""Scores against hand-worked tables and scikit-learn; predictions survive the disk to the last bit."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

from celltype_cli import evaluation
from celltype_cli.cells import UNLABELLED, Cells
from celltype_cli.errors import UserError
from celltype_cli.files import replacing
from celltype_cli.metrics import rates, resample, tally


def table_of(label, predicted, classes="AB", group=None, fold=0, cell_id=None):
    """Predictions that are certain, one cell a line unless told."""
    n = len(label)
    proba = np.array([[float(name == guess) for name in classes] for guess in predicted])
    columns = {
        "fold": fold,
        "row": np.arange(n),
        "cell_id": [f"c{i}" for i in range(n)] if cell_id is None else cell_id,
        "group": [f"g{i}" for i in range(n)] if group is None else list(group),
        "label": list(label),
        "predicted": list(predicted),
    }
    return pd.DataFrame({**columns, **{f"p_{name}": proba[:, c] for c, name in enumerate(classes)}})


def random_table(seed, n=200, classes="ABC", n_groups=12):
    rng = np.random.default_rng(seed)
    proba = rng.dirichlet(np.ones(len(classes)), size=n)
    label = rng.integers(len(classes), size=n)
    group = np.array([f"g{g}" for g in rng.integers(n_groups, size=n)])
    cells = Cells({"x": rng.normal(size=(n, 2))}, label, np.array([f"c{i}" for i in range(n)]), group, tuple(classes))
    fold = rng.integers(3, size=n)
    parts = [
        evaluation.predictions_table(cells[rows], proba[rows], fold=k, rows=rows)
        for k in range(3)
        for rows in [np.flatnonzero(fold == k)]
    ]
    return pd.concat(parts, ignore_index=True)


# Hand-worked: 4 of A, 2 of B and 2 of C.
#            predicted A  B  C
#   true A             3  1  0     precision A 3/4, B 1/3, C 1/1
#   true B             1  1  0     recall    A 3/4, B 1/2, C 1/2
#   true C             0  1  1     specificity A 3/4, B 4/6, C 6/6
HAND = table_of("AAAABBCC", "AAABABBC", classes="ABC")


def test_scores_by_hand():
    level = evaluation.scores(HAND, n_resamples=10)["window"]
    values = {name: [level["classes"][c][name]["value"] for c in "ABC"] for name in ("precision", "recall", "f1")}
    assert values["precision"] == pytest.approx([3 / 4, 1 / 3, 1])
    assert values["recall"] == pytest.approx([3 / 4, 1 / 2, 1 / 2])
    assert values["f1"] == pytest.approx([3 / 4, 2 / 5, 2 / 3])
    assert [level["classes"][c]["specificity"]["value"] for c in "ABC"] == pytest.approx([3 / 4, 4 / 6, 1])
    assert [level["classes"][c]["support"] for c in "ABC"] == [4, 2, 2]
    assert level["accuracy"]["value"] == 5 / 8
    assert level["balanced_accuracy"]["value"] == pytest.approx((3 / 4 + 1 / 2 + 1 / 2) / 3)
    assert level["macro_f1"]["value"] == pytest.approx((3 / 4 + 2 / 5 + 2 / 3) / 3)
    assert level["weighted_f1"]["value"] == pytest.approx((4 * 3 / 4 + 2 * 2 / 5 + 2 * 2 / 3) / 8)
    assert level["brier"]["value"] == 2 * 3 / 8  # a certain error costs 1 + 1
    assert level["floor"] == {"accuracy": 4 / 8, "balanced_accuracy": 1 / 3}
    assert level["n"] == 8


def test_confusion_by_hand():
    counts = evaluation.confusion(HAND)
    assert counts.to_numpy().tolist() == [[3, 1, 0], [1, 1, 0], [0, 1, 1]]
    assert counts.loc["C", "B"] == 1 and counts.index.name == "label"


@pytest.mark.parametrize("seed", range(5))
def test_scores_agree_with_scikit_learn(seed):
    table = random_table(seed)
    level = evaluation.scores(table, n_resamples=2)["window"]
    y, guess, proba = table["label"], table["predicted"], table[["p_A", "p_B", "p_C"]].to_numpy()
    expected = {
        "accuracy": reference.accuracy_score(y, guess),
        "balanced_accuracy": reference.balanced_accuracy_score(y, guess),
        "macro_f1": reference.f1_score(y, guess, average="macro"),
        "weighted_f1": reference.f1_score(y, guess, average="weighted"),
        "log_loss": reference.log_loss(y, proba),
        "brier": ((proba - pd.get_dummies(y).to_numpy(float)) ** 2).sum(axis=1).mean(),
    }
    assert {name: level[name]["value"] for name in expected} == pytest.approx(expected)
    rates_of = reference.precision_recall_fscore_support(y, guess)
    for name, values in zip(("precision", "recall", "f1"), rates_of):
        assert [level["classes"][c][name]["value"] for c in "ABC"] == pytest.approx(values)


def test_absent_and_never_predicted_classes():
    # C has no example and is never predicted; B is never predicted.
    level = evaluation.scores(table_of("AABB", "AAAA", classes="ABC"), n_resamples=10)["window"]
    assert level["balanced_accuracy"]["value"] == (1 + 0) / 2
    assert level["macro_f1"]["value"] == pytest.approx((2 / 3 + 0) / 2)
    assert np.isnan(level["classes"]["B"]["precision"]["value"]) and level["classes"]["B"]["recall"]["value"] == 0
    assert np.isnan(level["classes"]["C"]["recall"]["value"]) and level["classes"]["C"]["specificity"]["value"] == 1
    assert level["floor"]["balanced_accuracy"] == 1 / 2


def test_log_loss_of_a_certain_error_is_finite():
    # -ln(2.2e-16), over two lines of which one is right
    level = evaluation.scores(table_of("AB", "AA"), n_resamples=2)["window"]
    assert level["log_loss"]["value"] == pytest.approx(52 * np.log(2) / 2)


def test_interval_of_two_groups():
    # One group all right, one all wrong: resamples score 0, 1/2 and 1 with chances 1/4, 1/2, 1/4.
    values = evaluation.scores(table_of("ABAB", "ABBA", group="ppqq"))
    entry = values["window"]["accuracy"]
    assert (entry["value"], entry["low"], entry["high"], entry["fold_mean"]) == (0.5, 0, 1, 0.5)
    assert np.isnan(entry["fold_sd"])
    assert values["notes"] == ["intervals from 2 groups are rough, as a rule too narrow"]


def test_interval_is_of_groups_not_of_rows():
    # 400 rows in 4 groups that are each right or wrong throughout: the binomial interval would be 0.45 to 0.55.
    right, group = np.repeat([1, 0, 1, 0], 100), np.repeat(list("pqrs"), 100)
    table = table_of(
        ["AB"[i % 2] for i in range(400)], ["AB"[(i + 1 - r) % 2] for i, r in enumerate(right)], group=group
    )
    entry = evaluation.scores(table)["window"]["accuracy"]
    assert entry["value"] == 0.5
    # The number of right groups drawn is binomial(4, 1/2): P(0) = P(4) = 1/16, beyond 2.5 % on each side.
    assert (entry["low"], entry["high"]) == (0.0, 1.0)


def test_resampled_scores_equal_scores_of_the_resampled_table():
    table = random_table(1, n=60, n_groups=5)
    group, _ = pd.factorize(table["group"], sort=True)
    label = pd.Index(list("ABC")).get_indexer(table["label"])
    proba = table[["p_A", "p_B", "p_C"]].to_numpy()
    drawn = rates(*resample(*tally(group, label, proba), 20, np.random.default_rng(7)))
    weights = np.random.default_rng(7).multinomial(5, np.full(5, 1 / 5), size=20)
    for k, weight in enumerate(weights):
        copies = pd.concat([table[group == g] for g in range(5) for _ in range(weight[g])])
        y, guess = copies["label"], copies["predicted"]
        assert drawn["accuracy"][k] == pytest.approx(reference.accuracy_score(y, guess))
        assert drawn["macro_f1"][k] == pytest.approx(reference.f1_score(y, guess, average="macro"))
        assert drawn["log_loss"][k] == pytest.approx(
            reference.log_loss(y, copies[["p_A", "p_B", "p_C"]].to_numpy(), labels=list("ABC"))
        )


def test_one_group_has_no_interval_and_says_so():
    values = evaluation.scores(table_of("ABAB", "ABBB", group="pppp"))
    assert np.isnan([values["window"]["accuracy"][end] for end in ("low", "high")]).all()
    assert values["window"]["accuracy"]["value"] == 0.75
    assert values["notes"] == ["no interval: all predictions belong to one group"]


def test_all_right_has_an_interval_without_width():
    entry = evaluation.scores(table_of("ABAB", "ABAB"))["cell"]["balanced_accuracy"]
    assert (entry["value"], entry["low"], entry["high"]) == (1, 1, 1)


def test_mean_and_sd_over_folds():
    # Accuracies 1, 1/2 and 0: mean 1/2, sd sqrt((1/4 + 0 + 1/4) / 2) = 1/2; over all five lines together 3/5.
    table = table_of("ABABA", "ABAAB", fold=[0, 0, 1, 1, 2])
    entry = evaluation.scores(table, n_resamples=5)["window"]["accuracy"]
    assert (entry["value"], entry["fold_mean"], entry["fold_sd"]) == pytest.approx((0.6, 0.5, 0.5))


def test_scores_depend_on_the_seed_and_not_on_the_order_of_lines():
    table = random_table(3)
    first = evaluation.scores(table, n_resamples=50, seed=1)
    assert evaluation.scores(table, n_resamples=50, seed=1) == first
    assert evaluation.scores(table, n_resamples=50, seed=2) != first
    shuffled = evaluation.scores(table.sample(frac=1, random_state=0), n_resamples=50, seed=1)
    assert shuffled["window"]["macro_f1"] == pytest.approx(first["window"]["macro_f1"])


def windows_table():
    # Cell p (label A) has three windows, q (label B) one; cell p is tested in two folds.
    label, cell_id = np.array([0, 0, 0, 1]), np.array(["p", "p", "p", "q"])
    cells = Cells({"x": np.arange(4.0)[:, None]}, label, cell_id, np.array(["m1"] * 3 + ["m2"]), ("A", "B"))
    proba = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.7, 0.3]])
    first = evaluation.predictions_table(cells, proba, fold=0, rows=np.arange(10, 14))
    return pd.concat([first, evaluation.predictions_table(cells[np.arange(2)], proba[:2], fold=1)])


def test_predictions_table_by_hand():
    table = windows_table()
    columns = ["fold", "row", "cell_id", "group", "label", "predicted", "p_A", "p_B"]
    assert table.columns.tolist() == columns
    assert table["row"].tolist() == [10, 11, 12, 13, 0, 1]
    assert table["label"].tolist() == [*"AAABAA"] and table["predicted"].tolist() == [*"ABAAAB"]


def test_windows_are_averaged_per_cell_and_fold():
    table = windows_table()
    cells = evaluation.per_cell(table)
    assert cells[["fold", "cell_id"]].to_numpy().tolist() == [[0, "p"], [0, "q"], [1, "p"]]
    assert cells["p_A"].tolist() == pytest.approx([(0.9 + 0.4 + 0.5) / 3, 0.7, (0.9 + 0.4) / 2])
    assert cells["predicted"].tolist() == ["A", "A", "A"] and cells["label"].tolist() == ["A", "B", "A"]
    assert cells["group"].tolist() == ["m1", "m2", "m1"]
    values = evaluation.scores(table, n_resamples=5)
    assert values["window"]["accuracy"]["value"] == 3 / 6 and values["cell"]["accuracy"]["value"] == 2 / 3
    counts = {name: values[name] for name in ("n_rows", "n_cells", "n_groups", "n_folds")}
    assert counts == {"n_rows": 6, "n_cells": 2, "n_groups": 2, "n_folds": 2}


def unlabelled_table():
    cells = Cells({"x": np.ones((1, 1))}, np.array([UNLABELLED]), np.array(["p"]), np.array(["m"]), ("A", "B"))
    return evaluation.predictions_table(cells, np.array([[0.2, 0.8]]), fold=0)


def test_rows_without_label_are_predicted_and_not_scored():
    table = unlabelled_table()
    assert table["label"].tolist() == [""] and table["predicted"].tolist() == ["B"]
    with pytest.raises(UserError, match="no labels"):
        evaluation.scores(table)
    both = pd.concat([table, table_of("AB", "AA")])
    assert evaluation.scores(both, n_resamples=2)["n_rows"] == 2


@pytest.mark.parametrize("bad", [[np.nan, np.nan], [0.3, 0.3]])
def test_probabilities_that_are_none_are_refused(bad):
    cells = Cells({"x": np.ones((2, 1))}, np.array([0, 1]), np.array(["p", "q"]), np.array(["m", "n"]), ("A", "B"))
    with pytest.raises(UserError, match="fold 3: the model gives 1 of 2 rows .* first for cell q"):
        evaluation.predictions_table(cells, np.array([[0.5, 0.5], bad]), fold=3)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_predictions_survive_the_disk(tmp_path, dtype):
    rng = np.random.default_rng(0)
    ids = np.array(["NA", "007", "1e5", "with, comma"] * 5)
    cells = Cells({"x": np.ones((20, 1))}, np.tile([0, 1, 0, UNLABELLED], 5), ids, ids, ("None", "B"))
    proba = rng.dirichlet([1, 1], size=20).astype(dtype)
    table = evaluation.predictions_table(cells, proba, fold=2)
    evaluation.write_predictions(table, tmp_path / "run" / "predictions.csv")
    again = evaluation.read_predictions(tmp_path / "run" / "predictions.csv")
    pd.testing.assert_frame_equal(again, table, check_exact=True)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["predictions.csv"]


def test_broken_prediction_files(tmp_path):
    path = tmp_path / "predictions.csv"
    with pytest.raises(UserError, match="cannot be read"):
        evaluation.read_predictions(path)
    evaluation.write_predictions(random_table(0), path)
    whole = path.read_text()
    path.write_text(whole[:-30])
    with pytest.raises(UserError, match="cannot be read as a table of predictions"):
        evaluation.read_predictions(path)
    path.write_text(whole[: whole.rindex(",") + 3])
    with pytest.raises(UserError, match="line 201 is broken"):
        evaluation.read_predictions(path)
    path.write_text(whole.replace("cell_id", "cell", 1))
    with pytest.raises(UserError, match="expected the columns fold, row, cell_id"):
        evaluation.read_predictions(path)


def test_unknown_label_is_refused():
    with pytest.raises(UserError, match="without a probability column: Z"):
        evaluation.scores(table_of("AZ", "AB"))


def test_scores_are_plain_json(tmp_path):
    values = evaluation.scores(table_of("ABAB", "ABBB", group="pppp"))
    evaluation.write_scores(values, tmp_path / "scores.json")
    strict = json.loads((tmp_path / "scores.json").read_text(), parse_constant=pytest.fail)
    assert strict["window"]["accuracy"]["low"] is None and strict["cell"]["accuracy"]["value"] == 0.75
    np.testing.assert_equal(evaluation.read_scores(tmp_path / "scores.json"), values)


def test_broken_scores_file(tmp_path):
    (tmp_path / "scores.json").write_text('{"window": ')
    with pytest.raises(UserError, match="cannot be read as scores"):
        evaluation.read_scores(tmp_path / "scores.json")


def test_a_failed_writer_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        temporary.write_text("half")
        assert temporary.parent == path.parent and temporary.suffix == ".txt" and path.read_text() == "old"
        raise KeyboardInterrupt
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]
