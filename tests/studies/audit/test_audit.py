"""The audit finds columns that hold the source, and is not misled by a label that goes with it."""

import json
from importlib import import_module
from math import log
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from celltype_cli.cells.about import About, Axis, Input
from celltype_cli.cells.cells import Cells
from celltype_cli.cells.columns import summary_of
from celltype_cli.core.messages import UserError
from celltype_cli.studies.audit.audit import _forest, audit
from celltype_cli.studies.audit.chance import chance
from celltype_cli.studies.audit.pictures import source_audit
from celltype_cli.studies.audit.told import Told

N = 400
RNG = np.random.default_rng(0)
LABEL = np.repeat([0, 1], N // 2)
# 80 % of the first class and 20 % of the second come from clamp.
SOURCE = np.where(RNG.random(N) < np.where(LABEL == 0, 0.8, 0.2), "Clamp", "Seq")
GROUP = np.array([f"{source}{k % 20}" for k, source in enumerate(SOURCE)])
ONSET = np.where(SOURCE == "Clamp", 1.02, 0.5) + RNG.normal(0, 0.05, N)
SOMETIMES = np.where(RNG.random(N) < 0.5, ONSET, np.nan)  # plain where measured; half are not
TAU = 10 + 10 * LABEL + RNG.normal(0, 1, N)  # tells the label, so the source too, over both classes together
NAMES = ("peak time (s)", "trough time (s)", "tau (ms)", "noise")
TABLE = np.stack([ONSET, SOMETIMES, TAU, RNG.normal(size=N)], axis=1)
SETTINGS = {"by": "source", "n_folds": 5, "flag_at": 0.8, "seed": 0}


def cells(table=TABLE, source=SOURCE, group=GROUP, label=LABEL):
    about = About("toy", inputs={"features": Input(columns=NAMES)})
    return Cells({"features": table}, label, np.arange(len(label)), group, ("PV", "SST"), about, source)


@pytest.fixture(scope="module")
def found():
    return audit(cells(), **SETTINGS)


def test_columns_that_hold_the_source_are_flagged_and_the_others_are_not(found):
    assert set(found.flagged) == {"peak time (s)", "trough time (s)"}
    assert found.columns.loc["peak time (s)", "within"] > 0.98
    assert found.columns.loc["trough time (s)", "within"] > 0.98
    assert found.columns.loc["trough time (s)", "missing"] == pytest.approx(np.isnan(SOMETIMES).mean())
    assert abs(found.columns.loc["tau (ms)", "within"] - 0.5) < 0.1
    assert [*found.columns["within"]] == sorted(found.columns["within"], reverse=True)


def test_the_model_of_all_columns_falls_to_chance_without_the_flagged_ones(found):
    assert found.within > 0.98
    assert abs(found.rest - 0.5) < 0.1


def test_what_the_source_says_of_the_label_by_hand():
    source = np.array(["a"] * 30 + ["b"] * 10 + ["a"] * 10 + ["b"] * 30)
    label = np.repeat([0, 1], 40)
    found = audit(cells(np.zeros((80, 4)), source, np.arange(80), label), **SETTINGS)
    assert found.shares.to_numpy().tolist() == [[30, 10], [10, 30]]
    assert found.label_from_source == pytest.approx(0.75)  # a says the first class, b the second
    mutual = 0.75 * log(1.5) + 0.25 * log(0.5)
    assert found.information == pytest.approx(mutual / log(2))
    assert not found.flagged and found.within == 0.5  # columns that are constant


def test_rows_without_a_label_do_not_count():
    label = np.where(np.arange(N) % 7 == 0, -1, LABEL)
    assert audit(cells(label=label), **SETTINGS).shares.to_numpy().sum() == (label != -1).sum()


def test_few_cells_are_enough_for_a_column_that_is_plain():
    """Ten cells of a class and source, of which eight train: a leaf holds an eighth of them, not ten."""
    kinds = [(c == LABEL) & (name == SOURCE) for c in (0, 1) for name in ("Clamp", "Seq")]
    rows = np.concatenate([np.flatnonzero(kind)[:10] for kind in kinds])
    found = audit(cells()[rows], **SETTINGS)
    assert found.columns.loc["peak time (s)", "within"] > 0.95 and "peak time (s)" in found.flagged


def test_the_spread_by_chance_of_independent_cells_is_that_of_mann_and_whitney():
    label, source, animal = np.repeat([0, 1], 20), np.arange(40) % 2, np.arange(40)
    column = np.random.default_rng(3).normal(size=(40, 1))
    found = chance(column, source, animal, [np.flatnonzero(label == c) for c in (0, 1)], 0)
    assert found.sd == pytest.approx(np.sqrt(21 / 1200 / 2), rel=0.15)  # of one class; the mean of two
    assert found.least == 1 / 500 and found.p.shape == (1,)


def test_three_and_three_animals_can_flag_nothing_and_the_audit_says_why():
    animal = np.repeat(np.arange(6), 12)
    plain = (animal % 2)[:, None] + np.random.default_rng(0).normal(0, 0.01, (72, 1))
    found = chance(plain, animal % 2, animal, [np.arange(72)], 0)
    assert found.least == pytest.approx(0.1, abs=0.04) and found.p[0] == found.least  # 2 of 20 ways


def test_alarms_are_false_in_at_most_one_of_twenty_audits_and_plain_columns_are_found(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[3] / "benchmarks")
    bench = import_module("audit_alarms")
    assert bench.both("two laboratories of five animals", shift=0.0, times=40, columns=3)[0] <= 0.1  # 4 of 40
    assert bench.both("two laboratories of five animals", shift=4.0, times=10, columns=3)[0] >= 0.9


def test_what_chance_can_do_is_not_flagged():
    rows = np.concatenate([np.flatnonzero((LABEL == 0) & (s == SOURCE))[:6] for s in ("Clamp", "Seq")])
    rows = np.concatenate([rows, np.flatnonzero(LABEL == 1)[:20]])
    table = np.random.default_rng(1).normal(size=(N, 4))
    strongest = [audit(cells(table[:, RNG.permutation(4)])[rows], **{**SETTINGS, "flag_at": 0.6}) for _ in range(3)]
    assert not any(found.flagged for found in strongest)


def test_animals_can_be_audited_too():
    animal = np.arange(N) % 4
    table = np.stack([animal + RNG.normal(0, 0.1, N), *RNG.normal(size=(3, N))], axis=1)
    found = audit(cells(table, group=animal), **{**SETTINGS, "by": "group"})
    assert found.flagged == ["peak time (s)"] and found.shares.shape == (2, 4)


@pytest.mark.parametrize(
    ("change", "settings", "said"),
    [
        ({"source": np.full(N, "Clamp")}, {}, r"one source only \(Clamp\): nothing to tell; by=group asks"),
        (
            {"source": np.where(LABEL == 0, "Clamp", "Seq")},
            {},
            "no class has 5 cells or more of two values of source, from two groups each",
        ),
        ({"group": SOURCE}, {}, "no class has 5 cells or more of two values of source"),
        ({}, {"by": "sauce"}, "by=sauce is none of source, group; nearest: source"),
    ],
)
def test_what_cannot_be_audited_is_said(change, settings, said):
    with pytest.raises(UserError, match=said):
        audit(cells(**change), **{**SETTINGS, **settings})


def test_images_become_means_of_blocks():
    image = np.arange(2 * 16 * 8, dtype=np.float32).reshape(1, 2, 16, 8)
    axes = (Axis("frequency", "Hz", 20.0, 180.0), Axis("time", "ms", 0.0, 800.0))
    about = About("toy", inputs={"scalogram": Input(axes=axes, channels=("rheobase", "above"))})
    toy = Cells({"scalogram": image}, np.zeros(1, int), np.zeros(1), np.zeros(1), ("PV",), about)
    names, table = summary_of(toy)
    assert table.shape == (1, 2 * 8 * 8)
    # Two of 16 pixels from 20 to 180 Hz, their middle half a pixel above the first; one of 8 from 0 to 800 ms.
    assert names[:2] == ["scalogram at rheobase, 25.3 Hz, 0 ms", "scalogram at rheobase, 25.3 Hz, 114 ms"]
    assert table[0, 0] == 4 and table[0, 8] == 20 and table[0, -1] == 251  # means of pixels 0 and 8, 16 and 24, ...


def test_the_command_writes_what_it_found_and_can_fail(celltype, tmp_path):
    mouse = np.repeat(["a", "b"], 20)
    trace = RNG.normal(size=(40, 100)) * np.where(mouse == "b", 3.0, 1.0)[:, None]  # b was noisier
    ids = [f"c{k}" for k in range(40)]
    np.savez(tmp_path / "t.npz", trace=trace, label=["PV", "SOM"] * 20, cell_id=ids, group=mouse,
             sampling_rate=np.full(40, 30.0))  # fmt: skip
    small = ["audit", "by=group", "n_folds=2", "dataset=traces", f"dataset.path={tmp_path / 't.npz'}"]
    small += ["prepare.timesteps=100", "prepare.implausible=keep"]
    code, out, _ = celltype(*small)
    assert code == 0 and "the animal alone tells the label" in out and "gives it away" in out
    [folder] = (tmp_path / "outputs" / "audits").iterdir()
    assert {"columns.csv", "audit.json", "audit.png"} == {file.name for file in folder.iterdir()}
    assert json.loads((folder / "audit.json").read_text())["by"] == "group"
    code, _, err = celltype(*small, "fail=true")
    assert code == 2 and "columns give the animal away" in err


def test_the_next_command_has_all_that_was_typed(celltype):
    small = ["dataset.cells_per_class=30", "dataset.timesteps=100", "dataset.animals=2"]
    code, out, _ = celltype("audit", "by=group", "n_folds=2", *small)
    assert code == 0 and "simulated" in out and "no single column has an AUC of 0.8 or more" in out
    assert f"celltype train {' '.join(small)} model=forest" in " ".join(out.split())


def test_areas_under_the_curve_are_those_of_scikit_learn():
    source = np.arange(N) % 5
    table = np.stack([source + RNG.normal(0, 2, N).round(), RNG.normal(size=N)], axis=1)  # with ties
    told = Told(LABEL, source, np.arange(N), 4, 0)
    rows = np.flatnonzero(LABEL == 0)
    expected = []
    for train, test in told._folds(rows, source[rows]):
        fitted = _forest(0)(0).fit(table[rows[train]], source[rows[train]])
        proba, of = fitted.predict_proba(table[rows[test]]), source[rows[test]]
        expected += [(roc_auc_score(of == k, proba[:, k]), min((of == k).sum(), (of != k).sum())) for k in range(5)]
    assert np.allclose([*told._scores(_forest(0), table, rows)], expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("n", "drawn"), [(3, "share of the class"), (20, "donor (20)"), (200, "donor (200)")])
def test_the_picture_names_what_was_asked_and_has_no_empty_panel(n, drawn):
    columns = pd.DataFrame({"within": [0.9, 0.6], "missing": 0.0, "flagged": [True, False]}, index=["a", "b"])
    shares = pd.DataFrame(np.arange(2 * n).reshape(2, n), index=["PV", "SST"], columns=[f"d{k}" for k in range(n)])
    figure = source_audit(columns, shares, 0.8, "toy", "donor")
    bars, parts, *_ = figure.axes
    assert bars.get_xlabel() == "AUC of the donor within a class (0.5 by chance)"
    assert parts.get_xlabel() == drawn and (parts.patches or parts.images)
    if n == 20:
        assert [text.get_text() for text in parts.texts] == [*map(str, range(40))]
