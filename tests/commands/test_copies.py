"""Tables like the complete ones of the STS paper, with two cells of equal values, work in every way and say so."""

import json

import pytest
from made import sts

PAIR = " = ".join(sts.PAIR)
BOTH_SIDES = "copies of one recording stand on two sides, so part of the score is not of new cells"


@pytest.fixture
def dataset(tmp_path):
    return ["dataset=sts_features", f"dataset.path={sts.write_with_pair(tmp_path / 'sts')}"]


def trained(celltype, tmp_path, *words):
    """What `train` says, the notes in scores.json, and which cells stand where."""
    code, out, err = celltype("train", *words, "model=logistic", "logger=none", "figures=[]", "threads=1")
    assert code == 0, err
    [folder] = (tmp_path / "outputs" / "runs").iterdir()
    sides = {}
    for line in (folder / "split.csv").read_text().splitlines()[1:]:
        fold, side, cell = line.split(",")[:3]
        sides.setdefault(fold, {})[cell] = side
    return out, json.loads((folder / "scores.json").read_text())["notes"], sides


def test_the_published_lists_run_and_say_it_once(celltype, dataset, tmp_path):
    out, notes, _ = trained(celltype, tmp_path, *dataset, "split=sts")
    said = f"{BOTH_SIDES}: {' and '.join(sts.PAIR)} (identical values) in train and test, 1 of 1 folds"
    assert said in notes and out.count(said) == 1
    assert f"note: 2 cells hold a recording that another holds too: {PAIR} (identical values)" in out


@pytest.mark.parametrize("split", [["split=grouped_kfold", "split.n_folds=4"], ["split=sts", "split.apart=true"]])
def test_where_animals_are_kept_apart_so_are_copies(celltype, dataset, tmp_path, split):
    out, notes, sides = trained(celltype, tmp_path, *dataset, *split)
    assert BOTH_SIDES not in out and not any(BOTH_SIDES in note for note in notes)
    said = "where donors are kept apart, those with copies count as one: cell 203 + cell 299"
    assert said in notes and out.count(f"note: {said}") == 1
    assert f"2 cells hold a recording that another holds too: {PAIR} (identical values)" in notes
    for of_cell in sides.values():
        assert len({of_cell.get(cell) for cell in sts.PAIR} - {None}) == 1


def test_the_tables_of_the_paper_are_made_and_carry_the_notes(celltype, dataset, tmp_path):
    row = ["table=recorded", "rows=logistic", "profile=quick"]
    code, out, err = celltype("reproduce", "paper=sts", *row, *dataset)
    assert code == 0, err
    [page] = (tmp_path / "outputs" / "reports").rglob("*.md")
    text = " ".join(page.read_text().split())
    assert f"2 cells hold a recording that another holds too: {PAIR} (identical values)" in text
    assert f"opies{BOTH_SIDES.removeprefix('copies')}" in text


@pytest.mark.parametrize("command", [["data"], ["audit", "by=source", "n_folds=2"]])
def test_data_and_audit_list_the_pair(celltype, dataset, tmp_path, command):
    code, out, _ = celltype(*command, *dataset)
    assert code == 0
    [line] = [line for line in out.splitlines() if line.strip().startswith(", ".join(sts.PAIR))]
    assert all(word in line for word in ("cell 203, cell 299", "Vip/Lamp5", "identical values"))
    for file in (tmp_path / "outputs").rglob("audit.json"):
        assert any(PAIR in note for note in json.loads(file.read_text())["notes"])
    assert command[0] == "data" or [*(tmp_path / "outputs").rglob("audit.json")]
