"""From recordings to cells: what a row takes, what is refused, and what is counted."""

import pytest
from made.entries import ABOUT, Made, cells_of, entry, made_of

from celltype_cli.cells.assemble import check, check_kind, finished, named, per_class
from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.core.messages import UserError

# Rows


def test_rows_take_what_their_recording_says():
    cells = cells_of(entry("a", "PV", "d1", "lab A"), entry("b", "SST", "d2", "lab A"), counts=[2, 1])
    assert cells.classes == ("PV", "SST")
    assert cells.label.tolist() == [0, 0, 1]
    assert cells.cell_id.tolist() == ["a", "a", "b"]
    assert cells.group.tolist() == ["d1", "d1", "d2"]
    assert cells.source.tolist() == ["lab A"] * 3
    assert cells.inputs["x"][:, 0].tolist() == [0, 1, 2]
    assert cells.about == ABOUT


def test_classes_are_as_given_or_in_the_order_of_the_known_ones():
    entries = [entry("a", "Vip"), entry("b", "Excitatory"), entry("c", "Axo-axonic"), entry("d", "")]
    cells = cells_of(*entries)
    assert cells.classes == ("Excitatory", "Vip", "Axo-axonic")  # the first two as in conf/classes, then others by name
    assert cells.label.tolist() == [1, 0, 2, UNLABELLED]
    cells = cells_of(*entries, classes=("Vip", "Sst", "Axo-axonic", "Excitatory"))
    assert cells.classes == ("Vip", "Sst", "Axo-axonic", "Excitatory")
    assert cells.label.tolist() == [0, 3, 2, UNLABELLED]


# Faults


def refused(*entries, **settings):
    with pytest.raises(UserError) as error:
        check(made_of(*entries, **settings))
    return str(error.value)


def test_what_can_be_used_passes():
    check(made_of(entry("a"), entry("b", ""), classes=("PV",)))


def test_no_recording():
    assert refused() == "dataset made up cannot be used:\n  it holds no recording"


def test_ids_that_occur_twice():
    said = refused(entry("a", file="y.abf"), entry("a", file="x.abf"), entry("b"), entry("b"), entry("b"), entry("c"))
    assert "cell a occurs 2 times (x.abf, y.abf); make the ids unique, or join its recordings" in said
    assert "cell b occurs 3 times; make the ids unique" in said
    assert "cell c" not in said


def test_empty_ids():
    said = refused(entry(""), entry("", file="x.abf"), entry("a"))
    assert "the cell_id of 2 cells is empty (x.abf); name each cell" in said
    assert "occurs" not in said


def test_unknown_labels():
    said = refused(entry("a", "PVALB", file="x.abf"), entry("b", "Vip"), entry("c", ""), classes=("Pvalb", "Sst"))
    assert "cell a (x.abf): its label 'PVALB' is none of Pvalb, Sst; nearest: Pvalb; correct it, or add it to " in said
    assert "cell b: its label 'Vip' is none of Pvalb, Sst; correct it, or add it to dataset.classes" in said
    assert "cell c" not in said


def test_all_faults_at_once_the_first_few_in_words():
    said = refused(entry(""), entry("a"), entry("a"), *(entry(f"{k}", "X") for k in range(9)), classes=("PV",))
    assert "cell_id of 1 cells is empty" in said
    assert "cell a occurs 2 times" in said
    assert "cell 4, and 4 more: its label 'X' is none of PV" in said


# Kinds


def test_another_kind_of_recording_is_named_with_what_to_do():
    cells = cells_of(entry("a"))
    check_kind(made_of(entry("a")), Made, "this takes made ones", "leave it out")
    with pytest.raises(UserError, match="this takes made ones; made up gives finished tables or images: leave it out"):
        check_kind(cells, Made, "this takes made ones", "leave it out")
    with pytest.raises(
        UserError, match=r"this takes text; made up gives others, the first cell a \(f.x\): leave it out"
    ):
        check_kind(made_of(entry("a", file="f.x")), str, "this takes text", "leave it out")
    assert finished(cells) is cells


def test_recordings_are_named_and_counted():
    assert named(entry("a")) == "cell a"
    assert named(entry("a", file="x.abf")) == "cell a (x.abf)"
    assert per_class([entry("a"), entry("b", "SST"), entry("c"), entry("d", "")]) == "PV 2, SST 1, unlabelled 1"
