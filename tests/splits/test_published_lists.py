"""The published lists of the STS paper as a split: on made-up folders, and on the real one where it is."""

from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from made import configs, sts
from made.cells import make_cells

from celltype_cli.core.configs import build, check
from celltype_cli.core.messages import UserError
from celltype_cli.runs.build import cells_of
from celltype_cli.runs.settings import Settings
from celltype_cli.splits.folds import checked
from celltype_cli.splits.published import listed_by_side

LISTS = partial(
    listed_by_side,
    sides={"train": "Split/Train_split.csv", "test": "Split/Test_split.csv"},
    shares=["group"],
    apart=False,
    valid_fraction=0,
    seed=0,
)


@pytest.fixture
def folder(tmp_path):
    return sts.write(tmp_path)


def test_the_published_lists_split_and_count_what_is_not_there(tmp_path):
    folder = sts.write(tmp_path, train="c0, Clamp\nc1, Seq\nc9, Seq\n", test="c2, Seq\n\nc3,Clamp\n")
    cells = make_cells([0, 1, 0, 1, 0], "pqpqr", windows=2)
    [fold] = checked(cells, LISTS(cells, path=folder))
    assert [fold.train.tolist(), fold.valid.tolist(), fold.test.tolist()] == [[0, 1, 2, 3], [], [4, 5, 6, 7]]
    assert fold.shares == ("group", "copies")
    assert "1 of 5 published cells are not in the dataset" in fold.note
    assert "4 of the 5 cells are in Split/Train_split.csv or Split/Test_split.csv, the rest is left out" in fold.note


def test_animals_can_be_kept_apart(tmp_path):
    folder = sts.write(tmp_path, train="c0,\nc1,\nc2,\nc3,\nc6,", test="c4,\nc5,")
    cells = make_cells([0, 1, 0, 1, 0, 1, 0], "pqrsptp")
    [fold] = checked(cells, LISTS(cells, path=folder, apart=True))
    assert fold.train.tolist() == [1, 2, 3]  # c0 and c6 are of animal p, of which c4 is tested
    assert fold.test.tolist() == [4, 5]
    assert fold.shares == ()
    assert "2 rows left out, their group is tested" in fold.note


def test_validation_takes_whole_animals_and_stays_apart(tmp_path):
    cells = make_cells([0, 1] * 10, np.repeat(np.arange(10), 2))
    folder = sts.write(tmp_path, train="\n".join(f"c{i}" for i in range(17)), test="c17\nc18\nc19")
    for apart, n in ((False, 17), (True, 16)):  # c16 is of the animal of c17
        [fold] = checked(cells, LISTS(cells, path=folder, apart=apart, valid_fraction=0.25))
        assert len(fold.valid) and len(fold.train) + len(fold.valid) == n
        assert not set(cells.group[fold.train]) & set(cells.group[fold.valid])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"test": "c0, Seq\n"}, "cell c0 is listed twice"),
        ({"test": "x, Seq\n"}, "no cell of Split/Test_split.csv is in dataset toy"),
    ],
)
def test_lists_that_cannot_be_used(tmp_path, changed, said):
    cells = make_cells([0, 1, 0], "pqr")
    folder = sts.write(tmp_path, train="c0, Seq\nc1, Seq\n", **changed)
    with pytest.raises(UserError, match=said):
        list(LISTS(cells, path=folder))


def test_missing_lists_and_wrong_sides(folder):
    cells = make_cells([0, 1], "pq")
    (folder / "Split" / "Test_split.csv").unlink()
    with pytest.raises(UserError, match="holds no Split/Test_split.csv; set it to the folder that does"):
        list(LISTS(cells, path=folder))
    with pytest.raises(UserError, match="split.path=None holds no Split/Train_split.csv and no"):
        list(LISTS(cells, path=None))
    with pytest.raises(UserError, match="split.sides names train, tset; expected train, test"):
        list(LISTS(cells, path=folder, sides={"train": "a", "tset": "b"}))


def test_the_configs_find_the_lists_beside_the_data(folder):
    cfg = configs.compose("train", "dataset=sts_features", f"dataset.path={folder}", "split=sts", "model=lightgbm")
    check(cfg, Settings)
    cells = cells_of(cfg)
    assert [len(rows) for rows in next(iter(build(cfg.split)(cells, seed=0))).sides.values()] == [4, 0, 3]


def test_the_real_cells(shared_data):
    folder: Path = shared_data / "patch_clamp" / "sts"
    if not folder.is_dir():
        pytest.skip("the tables of the STS paper are not there")
    cells = configs.cells("sts_features", path=folder)
    assert cells.inputs["features"].shape == (4472, 55)
    assert Counter(cells.source.tolist()) == {"Clamp": 1098, "Seq": 3374}
    [fold] = checked(cells, LISTS(cells, path=folder))
    assert [len(fold.train), len(fold.test)] == [3578, 894]
    assert np.isin(cells.group[fold.test], cells.group[fold.train]).sum() == 715
    columns = cells.about.of("features").columns
    latest = cells.inputs["features"][:, columns.index("threshold_t_long_square (ms from onset)")]
    assert latest.min() > 0 and latest.max() < 1000  # every first spike falls into the step of 1 s
