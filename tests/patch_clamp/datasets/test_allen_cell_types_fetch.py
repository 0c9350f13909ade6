"""What is special to the download of the Allen Cell Types Database; tests/commands/test_fetch.py has the rest."""

import pytest
from made.cell_types import Database


@pytest.fixture
def archive(tmp_path, monkeypatch):
    pytest.importorskip("allensdk", reason="extra allen is not installed")
    return Database(tmp_path / "ctdb", monkeypatch)


def test_all_that_belong_to_a_class_are_planned(archive, fetch):
    """Neither the person, nor the cell of no class, nor the one without recording."""
    fetch("dataset.cells_per_class=null")
    assert [key for key in archive.asked if isinstance(key, int)] == [101, 102, 103, 201, 301, 401]


def test_sizes_are_those_of_files_that_are_there_and_broken_tables_are_replaced(archive, fetch):
    fetch()
    archive.path(201).write_bytes(archive.path(201).read_bytes()[:9000])
    archive.path(301).with_name("ephys_sweeps.json").write_text("[")
    _, out, _ = fetch()
    assert "6 there, 2 to download, 2 of them again because they are not whole" in out
    assert "about 0.0 GB (a recording has 0.00 GB, as those that are there)" in out
    assert archive.asked[8:] == [201, "sweeps 301"]


def test_cells_of_a_list(archive, fetch, tmp_path):
    (tmp_path / "ids.txt").write_text("102\n401\n")
    assert fetch(f"dataset.ids={tmp_path / 'ids.txt'}")[0] == 0
    assert archive.asked == ["sweeps 102", 102, "sweeps 401", 401]
