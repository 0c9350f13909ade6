"""Animals that go by dates are told, and names that only look a little like them are not."""

from types import SimpleNamespace

import pytest

from celltype_cli.cells.dated import notes


def entries(names, label="PV"):
    return [SimpleNamespace(cell_id=f"c{k}", group=name, label=label) for k, name in enumerate(names)]


@pytest.mark.parametrize(
    "names",
    [
        ("2020-01-02", "2020-01-03"),
        ("20200102", "20200103"),
        ("200102", "200131"),
        ("2.1.2020", "13.1.2020"),
        ("1/2/2020", "1/31/2020"),
        ("02-Jan-2020", "3 March 2021"),
        ("2020_01_02_001", "2020_01_02_002"),
        ("2020-01-02a", "2020-01-02b"),
        ("2020-01-02T10:11:12", "2020-01-03 09-00-00"),
    ],
)
def test_dates(names):
    (note,) = notes(entries(names), "animal")
    assert note.startswith("names of animals are dates (") and names[0] in note and "column group" in note


@pytest.mark.parametrize(
    "names",
    [
        ("m1", "m2"),
        ("2020-01-02",),
        ("2020-01-02", "m1"),
        ("2020-01-02_m1", "2020-01-02_m2"),
        ("381812", "481012"),  # of the Allen Institute
        ("680563587", "680898048"),
        ("20201332", "20200102"),
        ("1", "2"),
        ("", "2020-01-02"),
    ],
)
def test_other_names(names):
    assert not [*notes(entries(names), "animal")]


def test_cells_without_label_or_animal():
    assert not [*notes(entries(("2020-01-02", "2020-01-03"), label=""), "animal")]
    alone = [SimpleNamespace(cell_id=name, group=name, label="PV") for name in ("2020-01-02", "2020-01-03")]
    assert not [*notes(alone, "animal")]
