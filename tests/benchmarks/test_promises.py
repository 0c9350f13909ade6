"""The table of labels that hold, small: each situation is tried, and cells are not labelled by models that saw them."""

from pathlib import Path

import pytest

CELLS = ("dataset=calcium_sim", "dataset.animals=4", "dataset.cells_per_class=8", "prepare=windows")
FOREST = ("model=forest", "model.n_estimators=5", "split.n_folds=2")


@pytest.fixture
def promises(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    import promises

    return promises


def test_each_situation_is_tried_on_held_out_animals(promises, monkeypatch):
    monkeypatch.setattr(promises, "ACCURACIES", (0.3,))
    few = promises.Set.of(*CELLS, *FOREST, dealt=2)
    half = next(promises.outer(few))
    monkeypatch.setattr(promises, "outer", lambda of: [half])
    seen, fit = [], promises.Set.bundle
    monkeypatch.setattr(promises.Set, "bundle", lambda self: seen.append({*self.cells.group}) or fit(self))
    told = {situation: of for (situation, _), of in promises.tried(few, unknown=True).items()}
    types = few.cells.classes
    assert {*told} >= {"as they are", "1 of its cells", f"{types[0]} alone", f"{types[0]}, which models do not know"}
    whole = told["as they are"]
    assert {*whole.cells[0]["group"]} == {*half} and len(whole.verdicts) == 1
    assert len(seen) == 1 + len(types) and all(groups.isdisjoint(half) and len(groups) == 2 for groups in seen)
    labelled, right = (part.split() for part in whole.line().split(" | ")[:2])
    assert 0 < int(labelled[0]) <= int(labelled[2]) == len(whole.cells[0]) and right[-1] == labelled[0]
    unknown = told[f"{types[0]}, which models do not know"]
    assert not any((table["label"] == types[0]).any() for table in unknown.cells)
