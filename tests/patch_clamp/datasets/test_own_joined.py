"""Several files of one cell, joined by the csv."""

import numpy as np
import pytest
from made.configs import recordings
from made.sweeps import AMPLITUDES, TRACES, current, load_folder, write_npz

from celltype_cli.core.messages import UserError

CURRENTS = np.stack([current(number) for number in AMPLITUDES])


@pytest.fixture
def folder(tmp_path):
    """The first two sweeps of a cell in one file, the last in another; and another cell."""
    made = tmp_path / "recordings"
    made.mkdir()
    write_npz(made / "a.npz", voltage=TRACES[:2], current=CURRENTS[:2], number=[3, 5])
    write_npz(made / "b.npz", voltage=TRACES[2:], current=CURRENTS[2:], number=[0])
    write_npz(made / "c.npz")
    return made


def csv(folder, *rows):
    path = folder.parent / "labels.csv"
    path.write_text("\n".join(["file,cell_id,label,group", *rows]))
    return path


def test_files_with_one_cell_id_are_one_cell(folder):
    labels = csv(folder, "a,mine,Sst,m1", "b,mine,Sst,m1", "c,,Pvalb,m2")
    mine, other = recordings("sweeps", path=folder, labels=labels).entries
    assert (mine.cell_id, mine.file, other.cell_id) == ("mine", "a.npz + b.npz", "c")
    assert [sweep.number for sweep in mine.read().sweeps] == [3, 5, 6]
    cells = load_folder(folder, labels=labels)
    assert cells.cell_id.tolist() == ["mine", "c"]
    assert np.allclose(*cells.inputs["scalogram"], rtol=1e-4, atol=1e-4)
    assert "1 cells are joined of several files: mine (a.npz, b.npz)" in cells.about.notes
    assert load_folder(folder, labels=labels).fingerprint() == cells.fingerprint()


def test_files_may_be_joined_under_the_name_of_one(folder):
    labels = csv(folder, "a,a,Sst,m1", "b,a,Sst,m1")
    assert load_folder(folder, labels=labels).cell_id.tolist() == ["a", "c"]


def test_what_cannot_be_joined(folder):
    labels = csv(folder, "a,mine,Sst,m1", "b,mine,Pvalb,m2")
    with pytest.raises(UserError) as error:
        load_folder(folder, labels=labels)
    assert "cell mine (a.npz, b.npz) has several values of label: Pvalb, Sst" in str(error.value)
    assert "several values of group: m1, m2" in str(error.value)


def test_a_broken_file_of_several(folder):
    (folder / "b2.npz").write_bytes(b"PK broken")
    labels = csv(folder, "a,mine,Sst,m1", "b,mine,Sst,m1", "b2,mine,Sst,m1")
    cells = load_folder(folder, labels=labels)
    assert "mine" in cells.cell_id
    assert any("one of its files was left out: " in note and "b2.npz" in note for note in cells.about.notes)
    for name in "ab":
        (folder / f"{name}.npz").write_bytes(b"PK broken")
    assert load_folder(folder, labels=labels).cell_id.tolist() == ["c"]
