"""Predictions and scores survive the disk to the last bit; tables are averaged per cell and broken ones refused."""

import json

import numpy as np
import pandas as pd
import pytest
from made.predictions import random_table, table_of

from celltype_cli.cells.cells import UNLABELLED, Cells
from celltype_cli.core.files import replacing
from celltype_cli.core.messages import UserError
from celltype_cli.core.states import seal
from celltype_cli.evaluation import predictions, saved_scores, scores


def windows_table():
    # Cell p (label A) has three windows, q (label B) one; cell p is tested in two folds.
    label, cell_id = np.array([0, 0, 0, 1]), np.array(["p", "p", "p", "q"])
    cells = Cells({"x": np.arange(4.0)[:, None]}, label, cell_id, np.array(["m1"] * 3 + ["m2"]), ("A", "B"))
    proba = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.7, 0.3]])
    first = predictions.predictions_table(cells, proba, fold=0, rows=np.arange(10, 14))
    return pd.concat([first, predictions.predictions_table(cells[np.arange(2)], proba[:2], fold=1)])


def test_predictions_table_by_hand():
    table = windows_table()
    columns = ["fold", "row", "cell_id", "group", "label", "predicted", "p_A", "p_B"]
    assert table.columns.tolist() == columns
    assert table["row"].tolist() == [10, 11, 12, 13, 0, 1]
    assert table["label"].tolist() == [*"AAABAA"] and table["predicted"].tolist() == [*"ABAAAB"]


def test_windows_are_averaged_per_cell_and_fold():
    table = windows_table()
    cells = predictions.per_cell(table)
    assert cells[["fold", "cell_id"]].to_numpy().tolist() == [[0, "p"], [0, "q"], [1, "p"]]
    assert cells["p_A"].tolist() == pytest.approx([(0.9 + 0.4 + 0.5) / 3, 0.7, (0.9 + 0.4) / 2])
    assert cells["predicted"].tolist() == ["A", "A", "A"] and cells["label"].tolist() == ["A", "B", "A"]
    assert cells["group"].tolist() == ["m1", "m2", "m1"]
    values = scores.scores(table, n_resamples=5)
    assert values["window"]["accuracy"]["value"] == 3 / 6 and values["cell"]["accuracy"]["value"] == 2 / 3
    counts = {name: values[name] for name in ("n_rows", "n_cells", "n_groups", "n_folds")}
    assert counts == {"n_rows": 6, "n_cells": 2, "n_groups": 2, "n_folds": 2}


def unlabelled_table():
    cells = Cells({"x": np.ones((1, 1))}, np.array([UNLABELLED]), np.array(["p"]), np.array(["m"]), ("A", "B"))
    return predictions.predictions_table(cells, np.array([[0.2, 0.8]]), fold=0)


def test_rows_without_label_are_predicted_and_not_scored():
    table = unlabelled_table()
    assert table["label"].tolist() == [""] and table["predicted"].tolist() == ["B"]
    with pytest.raises(UserError, match="no labels"):
        scores.scores(table)
    both = pd.concat([table, table_of("AB", "AA")])
    assert scores.scores(both, n_resamples=2)["n_rows"] == 2


@pytest.mark.parametrize("bad", [[np.nan, np.nan], [0.3, 0.3]])
def test_probabilities_that_are_none_are_refused(bad):
    cells = Cells({"x": np.ones((2, 1))}, np.array([0, 1]), np.array(["p", "q"]), np.array(["m", "n"]), ("A", "B"))
    with pytest.raises(UserError, match="fold 3: the model gives 1 of 2 rows .* first for cell q"):
        predictions.predictions_table(cells, np.array([[0.5, 0.5], bad]), fold=3)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_predictions_survive_the_disk(tmp_path, dtype):
    rng = np.random.default_rng(0)
    ids = np.array(["NA", "007", "1e5", "with, comma"] * 5)
    cells = Cells({"x": np.ones((20, 1))}, np.tile([0, 1, 0, UNLABELLED], 5), ids, ids, ("None", "B"))
    proba = rng.dirichlet([1, 1], size=20).astype(dtype)
    table = predictions.predictions_table(cells, proba, fold=2)
    predictions.write_predictions(table, tmp_path / "run" / "predictions.csv")
    again = predictions.read_predictions(tmp_path / "run" / "predictions.csv")
    pd.testing.assert_frame_equal(again, table, check_exact=True)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["predictions.csv"]


def test_broken_prediction_files(tmp_path):
    path = tmp_path / "predictions.csv"
    with pytest.raises(UserError, match="is missing: restore it, or train again"):
        predictions.read_predictions(path)
    predictions.write_predictions(random_table(0), path)
    whole = path.read_text()
    lines = whole.splitlines(keepends=True)
    columns = lines[0].strip().split(",")
    first, place = lines[1].strip().split(","), {name: columns.index(name) for name in columns}

    def with_first(**changes):
        changed = [changes.get(name, value) for name, value in zip(columns, first)]
        return "".join([lines[0], ",".join(changed), "\n", *lines[2:]])

    a, b, *rest = [name for name in columns if name.startswith("p_")]
    label, other = first[place["label"]], next(c[2:] for c in (a, b) if c[2:] != first[place["label"]])
    predicted = next(c[2:] for c in (a, b) if c[2:] != first[place["predicted"]])
    same_cell = "".join([*lines, lines[1].replace(f",{label},", f",{other},", 1).replace("0,", "3,", 1)])
    for text, said in {
        whole[:-2]: "its last line is cut short",
        whole[: whole.rindex(",") + 3]: "its last line is cut short",
        whole.replace("cell_id", "cell", 1): "expected the columns fold, row, cell_id",
        whole + lines[1]: "line 202: this row of the dataset was there before",
        with_first(**{a: "2", b: "-1", **dict.fromkeys(rest, "0")}): "line 2: the probabilities are not",
        with_first(**{a: "", b: "1"}): "could not convert string to float",
        whole.replace("\n", ",0\n").replace(",0\n", "\n", 1): "cannot be read .ParserWarning",
        with_first(fold="x"): "line 2: fold or row is no whole number",
        with_first(row="1.5"): "line 2: fold or row is no whole number",
        with_first(label="Z"): "line 2: the label is none of the classes",
        with_first(predicted=predicted): "line 2: predicted is not the class of highest probability",
        same_cell: "the cell has another label elsewhere",
        "": "its last line is cut short",
        "\0" * 500 + "\n": "cannot be read",
    }.items():
        path.write_text(text)
        with pytest.raises(UserError, match=said):
            predictions.read_predictions(path)
    path.write_text(whole)
    seal(tmp_path, ["predictions.csv"])
    assert len(predictions.read_predictions(path)) == 200
    path.write_text("".join(lines[:100]))
    with pytest.raises(UserError, match="cut or changed after it was written"):
        predictions.read_predictions(path)


def test_a_line_per_cell_and_fold_by_hand():
    source = pd.Series(["lab", "lab", "other"], index=["p", "p", "q"])
    cells = predictions.cells_table(windows_table(), source)
    columns = ["cell_id", "group", "source", "fold", "label", "predicted", "p_A", "p_B", "windows"]
    assert cells.columns.tolist() == columns
    assert cells[["cell_id", "source", "fold", "windows"]].to_numpy().tolist() == [
        ["p", "lab", 0, 3], ["q", "other", 0, 1], ["p", "lab", 1, 2]
    ]  # fmt: skip
    assert cells["p_A"].tolist() == pytest.approx([0.6, 0.7, 0.65])


def test_unknown_label_is_refused():
    with pytest.raises(UserError, match="without a probability column: Z"):
        scores.scores(table_of("AZ", "AB"))


def test_scores_are_plain_json(tmp_path):
    values = scores.scores(table_of("ABAB", "ABBB", group="pppp"))
    saved_scores.write_scores(values, tmp_path / "scores.json")
    strict = json.loads((tmp_path / "scores.json").read_text(), parse_constant=pytest.fail)
    assert strict["window"]["accuracy"]["low"] is None and strict["cell"]["accuracy"]["value"] == 0.75
    np.testing.assert_equal(saved_scores.read_scores(tmp_path / "scores.json"), values)


def test_broken_scores_file(tmp_path):
    (tmp_path / "scores.json").write_text('{"window": ')
    with pytest.raises(UserError, match="scores.json cannot be read .JSONDecodeError"):
        saved_scores.read_scores(tmp_path / "scores.json")


@pytest.mark.parametrize("text", ["", "\0\0\0", "[]", "{}", '{"cell": 3, "notes": []}'])
def test_a_file_that_holds_no_scores(tmp_path, text):
    (tmp_path / "scores.json").write_text(text)
    with pytest.raises(UserError, match="scores.json cannot be read .*: delete it"):
        saved_scores.read_scores(tmp_path / "scores.json")


def test_a_class_that_is_never_predicted_is_noted():
    assert "never predicted: B (of 2 cells)" in scores.scores(table_of("ABAB", "AAAA"), n_resamples=2)["notes"]
    assert not any("never" in note for note in scores.scores(table_of("ABAB", "AABB"), n_resamples=2)["notes"])


@pytest.mark.parametrize(
    ("group", "said"),
    [("ppqq", "4 cells of 2 mice"), (None, "4 cells, mice unknown"), ("pp23", "4 cells of 1 mouse and 2 unknown")],
)
def test_groups_that_are_not_known_are_not_counted(group, said):
    table = table_of("ABAB", "ABAB", cell_id=list("0123"), group=group or "0123")
    assert scores.in_words(scores.scores(table, n_resamples=2), "mouse").replace("mouses", "mice") == said


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
