"""The same folds several times, for the spread of training."""

from functools import partial

import numpy as np
import pytest
from made.cells import make_cells

from celltype_cli.core.messages import UserError
from celltype_cli.splits import grouped, wrapped
from celltype_cli.splits.folds import checked

CELLS = make_cells(np.tile([0, 1], 20), np.repeat(np.arange(10), 4))
GROUPED = partial(grouped.grouped_kfold, n_folds=5, valid_fraction=0.2)


def test_folds_come_again_in_the_same_order():
    once = list(GROUPED(CELLS, seed=3))
    thrice = checked(CELLS, wrapped.repeated(CELLS, split=GROUPED, times=3, seed=3))
    assert len(thrice) == 15
    for k, fold in enumerate(thrice):
        assert all(np.array_equal(rows, once[k % 5].sides[side]) for side, rows in fold.sides.items())


def test_no_times_are_refused():
    with pytest.raises(UserError, match="times=0 is out of range"):
        list(wrapped.repeated(CELLS, split=GROUPED, times=0, seed=0))
