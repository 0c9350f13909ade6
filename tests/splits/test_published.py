"""Splits that come from files: published lists of ids, and every config in conf/split."""

from pathlib import Path

import numpy as np
import pytest
from made.cells import make_cells
from made.configs import REPOSITORY, compose

from celltype_cli.core.messages import UserError
from celltype_cli.splits.folds import LeakageError, checked
from celltype_cli.splits.published import listed


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_published_ids(tmp_path):
    cells = make_cells([0, 1, 0, 1, 0], "ppqrs", windows=2)
    text = "cell_id,side,fold\nc0,train,x\nc1,train,x\nc2,valid,x\nc3,test,x\nc0,test,y\nc2,train,y\nc3,train,y\n"
    ask = {"path": write(tmp_path / "ids.csv", text), "valid_fraction": 0.0, "seed": 0}
    first, second = checked(cells, listed(cells, shares=[], **ask))
    assert [first.train.tolist(), first.valid.tolist(), first.test.tolist()] == [[0, 1, 2, 3], [4, 5], [6, 7]]
    assert second.test.tolist() == [0, 1] and second.train.tolist() == [4, 5, 6, 7]
    assert first.note == "4 of the 5 cells are in ids.csv, the rest is left out"
    assert second.note == "3 of the 5 cells are in ids.csv, the rest is left out; no validation part was asked for"


def test_published_sides_that_share_groups_need_it_by_name(tmp_path):
    cells = make_cells([0, 1, 0, 1], "ppqp")
    path = write(tmp_path / "ids.txt", "cell_id\tside\nc0\ttrain\nc1\ttrain\nc2\ttest\nc3\ttest\n")
    ask = {"path": path, "valid_fraction": 0.0, "seed": 0}
    with pytest.raises(LeakageError, match="group p stands in train and test"):
        checked(cells, listed(cells, shares=[], **ask))
    [fold] = checked(cells, listed(cells, shares=["group"], **ask))
    assert fold.shares == ("group", "copies") and fold.test.tolist() == [2, 3]


def test_published_shares_must_be_known(tmp_path):
    with pytest.raises(UserError, match="split.shares is group, expected a list"):
        list(listed(make_cells([0, 1], "pq"), path="x", shares="group", valid_fraction=0.0, seed=0))


def test_published_takes_validation_from_training_groups(tmp_path):
    cells = make_cells([0, 1] * 6, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    text = "cell_id,side\n" + "".join(f"c{i},{'test' if i > 9 else 'train'}\n" for i in range(12))
    ask = {"path": write(tmp_path / "ids.csv", text), "shares": [], "seed": 0}
    [fold] = checked(cells, listed(cells, valid_fraction=0.25, **ask))
    assert len(fold.valid) == 2 and len(fold.train) == 8 and len(set(cells.group[fold.valid])) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cell_id,set\nc0,train\n", "expected cell_id and side"),
        ("cell_id,side\nc0,training\n", "side 'training' is none of"),
        ("cell_id,side\nc0,train\nc0,test\n", "cell c0 is listed twice in fold 1"),
        ("cell_id,side\nc0,train\nc77,test\n", "cell c77 is not in dataset toy"),
        ("", "cannot be read as a table"),
    ],
)
def test_broken_id_files(tmp_path, text, message):
    cells = make_cells([0, 1] * 3, range(6))
    with pytest.raises(UserError, match=message):
        list(listed(cells, path=write(tmp_path / "i.csv", text), shares=[], valid_fraction=0.0, seed=0))


def test_missing_id_file(tmp_path):
    cells = make_cells([0, 1], range(2))
    with pytest.raises(UserError, match="no such file"):
        list(listed(cells, path=tmp_path / "no.csv", shares=[], valid_fraction=0.0, seed=0))


CONFIGS = sorted((REPOSITORY / "conf" / "split").glob("*.yaml"))
ELSEWHERE = {  # these need more than any cells; where they are tested
    "with_new_cells": "test_new_cells.py",
    "repeated": "test_wrapped.py",
    "other_source": "test_sources.py",
    "sts": "test_sts_tables.py",
}


@pytest.mark.parametrize("path", [path for path in CONFIGS if path.stem not in ELSEWHERE], ids=lambda p: p.stem)
def test_every_split_config_splits(path, tmp_path):
    from hydra.utils import instantiate

    cells = make_cells([0, 1, 2] * 10, np.repeat(np.arange(10), 3), windows=2)
    config = compose("train", f"split={path.stem}").split
    if path.stem == "listed":
        ids = "".join(f"c{i},{'test' if i < 3 else 'train'}\n" for i in range(30))
        config.path = str(write(tmp_path / "ids.csv", "cell_id,side\n" + ids))
    folds = checked(cells, instantiate(config)(cells, seed=0))
    assert all(len(fold.test) < len(fold.train) for fold in folds)
