"""What is said beside every score of a dataset: names that look alike, what is unknown, and what coincides."""

import pytest
from made.entries import ABOUT, cells_of, entry

from celltype_cli.cells.about import About
from celltype_cli.cells.notes import confound


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
    assert any(
        "classes of their own: MUA, unsorted" in note for note in notes_of(entry("a", "MUA"), entry("b", "unsorted"))
    )


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
