"""From recordings to cells: what is refused, what is counted, and what is said beside every score."""

from dataclasses import dataclass

import numpy as np
import pytest

from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings, assemble, check, check_kind, finished, named, per_class
from celltype_cli.cells.cells import UNLABELLED
from celltype_cli.cells.notes import confound
from celltype_cli.core.messages import UserError

ABOUT = About("made up", notes=("given",), group="donor")


@dataclass(frozen=True)
class Made:
    cell_id: str
    label: str
    group: str
    source: str
    file: str


def entry(cell="a", label="PV", group="d1", source="", file=""):
    return Made(cell, label, group, source, file)


def made_of(*entries, classes=None, about=ABOUT):
    return Recordings(entries, about, classes)


def cells_of(*entries, counts=None, **settings):
    rows = np.arange(float(sum(counts or [1] * len(entries))))[:, None]
    return assemble(made_of(*entries, **settings), entries, {"x": rows}, counts)


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


# Notes


def notes_of(*entries, **settings):
    given, *notes = cells_of(*entries, **settings).about.notes
    assert given == "given"
    return notes


def test_unlabelled_cells_are_counted():
    assert notes_of(entry("a"), entry("b", ""), entry("c", "")) == ["2 of 3 cells have no label and count for no score"]
    assert notes_of(entry("a", ""), entry("b", "")) == []  # then there is no score to stand beside


@pytest.mark.parametrize("word", ["donor", "animal"])
def test_cells_without_a_group_are_groups_of_their_own(word):
    entries = [entry("a", group=""), entry("b", group="b"), entry("c", group="d1")]
    assert cells_of(*entries).group.tolist() == ["a", "b", "d1"]
    assert notes_of(*entries, about=About("made up", notes=("given",), group=word)) == [
        f"the {word} of 2 of 3 cells is unknown: each is a group of its own, so that cells of one {word} may stand on "
        "both sides of a split"
    ]


def test_names_that_look_alike_are_pointed_at():
    notes = notes_of(entry("a", "PV", "m1", "Lab A"), entry("b", "Pv", "M1", "lab_A"), entry("c", "PV", "m2", "Lab A"))
    assert "labels look alike: PV and Pv; write them alike if they are one" in notes
    assert "names of donors look alike: M1 and m1; write them alike if they are one" in notes
    assert "sources look alike: Lab A and lab_A; write them alike if they are one" in notes
    assert not notes_of(entry("a", "PV", "m1"), entry("b", "SST", "m2"), entry("c", "", "m10"))[1:]


def test_names_of_one_type_are_pointed_at():
    notes = notes_of(entry("a", "PV", "m1"), entry("b", "pvalb", "m2"), entry("c", "VIP", "m3"))
    said = "labels that name one type are classes of their own: PV and pvalb; write them alike, unless they differ here"
    assert said in notes


def test_sessions_of_one_animal_are_pointed_at():
    notes = notes_of(entry("a", "PV", "m1_day1"), entry("b", "PV", "m1_day2"))
    assert any("sessions of one donor" in note and "m1_day1 and m1_day2" in note for note in notes)


def test_labels_with_mistakes_and_numbers_among_names_are_pointed_at():
    notes = notes_of(entry("a", "Pvalb"), entry("b", "Pavlb"), entry("c", "0"), entry("d", "1.0"))
    assert any(note.startswith("labels look like one with a mistake: Pavlb and Pvalb") for note in notes)
    assert any(note.startswith("labels are in part numbers (0, 1.0) and in part names") for note in notes)
    assert not any("in part" in note for note in notes_of(entry("a", "0"), entry("b", "1")))


def test_hemispheres_and_probes_of_one_animal_are_pointed_at():
    notes = notes_of(*(entry(name, "PV", name[1:]) for name in ("am1_L", "bm1_R", "cs/imec0", "ds/imec1")))
    (sides,) = [note for note in notes if "the two hemispheres of one donor" in note]
    (probes,) = [note for note in notes if "probes of one donor" in note]
    assert sides.endswith("may stand on both sides of a split: m1_L and m1_R")
    assert probes.endswith("s/imec0 and s/imec1")


def test_recordings_are_named_and_counted():
    assert named(entry("a")) == "cell a"
    assert named(entry("a", file="x.abf")) == "cell a (x.abf)"
    assert per_class([entry("a"), entry("b", "SST"), entry("c"), entry("d", "")]) == "PV 2, SST 1, unlabelled 1"


def from_sources(*pairs):
    return [entry(f"c{k}", label, source=source) for k, (label, source) in enumerate(pairs)]


def test_label_and_laboratory_coincide():
    (warning,) = confound(from_sources(("PV", "lab A"), ("PV", "lab A"), ("VIP", "lab B")))
    assert warning.startswith("label and laboratory coincide: 3 of 3 cells")
    assert "lab A: PV (2); lab B: VIP (1)" in warning


def test_label_and_laboratory_coincide_in_part():
    (warning,) = confound(from_sources(("PV", "lab A"), ("VIP", "lab A"), ("VIP", "lab B"), ("", "lab C")))
    assert warning.startswith("1 of 3 cells come from sources that hold one class only")
    assert "lab B: VIP (1)" in warning


@pytest.mark.parametrize(
    "pairs",
    [
        [("PV", "lab A"), ("VIP", "lab A")],  # one source
        [("PV", ""), ("VIP", "")],  # nothing known
        [("PV", "lab A"), ("PV", "lab B")],  # one class
        [("PV", "lab A"), ("VIP", "lab A"), ("PV", "lab B"), ("VIP", "lab B")],
    ],
)
def test_no_warning_without_a_confound(pairs):
    assert list(confound(from_sources(*pairs))) == []


def test_the_warning_stands_beside_the_cells():
    (note,) = notes_of(*from_sources(("PV", "lab A"), ("VIP", "lab B")))
    assert note.startswith("label and laboratory coincide: 2 of 2 cells")


def test_labels_that_look_like_none_are_pointed_at():
    notes = notes_of(entry("a", "PV"), entry("b", "Unknown"), entry("c", "?"))
    assert any(
        note.startswith("labels that look like no cell type are classes of their own: ?, Unknown") for note in notes
    )
    assert not any("look like no cell type" in note for note in notes_of(entry("a", "PV"), entry("b", "SST")))


def test_numbers_that_lost_their_digits_and_labels_of_one_cell_each():
    notes = notes_of(*(entry(f"c{k}", f"PV ({k / 10:g})") for k in range(6)), entry("x", "SST"), entry("y", "SST"))
    assert any(note.startswith("6 of 7 labels are of one cell each (PV (0), PV (0.1)") for note in notes)
    assert not any("of one cell each" in note for note in notes_of(*(entry(f"c{k}", f"t{k}") for k in range(4))))
    notes = notes_of(entry("a", "PV", "1.23457E+14"), entry("b", "PV", "1.23457E+14"))
    assert any("numbers that lost their last digits in a spreadsheet (1.23457E+14)" in note for note in notes)


def test_animals_named_as_their_labels():
    said = f"the {ABOUT.group} of each cell has the name of its label"
    assert any(note.startswith(said) for note in notes_of(entry("a", "PV", "pv"), entry("b", "SST", "SST")))
    assert not any(note.startswith(said) for note in notes_of(entry("a", "PV", "m1"), entry("b", "SST", "SST")))
