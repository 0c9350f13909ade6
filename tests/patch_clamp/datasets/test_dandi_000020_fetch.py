"""What is special to the download of DANDI 000020; tests/commands/test_fetch.py has the rest."""

import pytest
import requests
from made.dandi import FILES, Dandiset


@pytest.fixture
def archive(tmp_path, monkeypatch):
    pytest.importorskip("dandi", reason="extra dandi is not installed")
    return Dandiset(tmp_path / "000020", monkeypatch)


def test_the_size_is_what_the_archive_states_of_missing_files(archive, fetch, monkeypatch):
    fetch("dataset.cells_per_class=1")
    there = [*archive.asked]
    missing = next(key for key in archive.keys if key not in there)
    page = archive.page

    def enlarged(number):
        found = page(number)
        rows = [row if row["path"] in there else row | {"size": int(15e9)} for row in found["results"]]
        return found | {"results": rows}

    monkeypatch.setattr(archive, "page", enlarged)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1e9}))
    code, out, err = fetch()
    assert code == 2
    assert "4 there, 1 to download\nabout 15.0 GB (the sizes that the archive states)" in out
    assert "has 1.0 GB free, about 15.0 GB are needed" in err
    assert missing not in archive.asked


def test_a_file_that_opens_but_has_another_size_is_replaced(archive, fetch):
    fetch()
    longer = archive.path(FILES[41])
    longer.write_bytes(longer.read_bytes() + b"x")
    assert "4 there, 1 to download, 1 of them again because they are not whole" in fetch()[1]
    assert longer.read_bytes() == archive.files[FILES[41]]


def test_a_stopped_download_goes_on_within_the_file(archive, fetch):
    archive.broken[FILES[21]] = "stop"
    assert fetch()[0] == 130
    archive.broken.clear()
    assert fetch()[0] == 0
    assert archive.offsets == [0, 0, 9000, 0, 0, 0]
    assert all(archive.path(key).read_bytes() == archive.files[key] for key in archive.keys)


def test_a_file_that_is_not_what_the_archive_has_is_refused(archive, fetch):
    archive.checksums[FILES[21]] = "0" * 32 + "-1"
    code, _, err = fetch()
    assert code == 2
    assert f"{FILES[21]}: its checksum is" in err
    assert [*archive.path(FILES[21]).parent.glob("*21*")] == []
    archive.checksums.clear()
    assert fetch()[0] == 0
    assert archive.offsets == [0] * 6


def test_a_half_file_that_is_no_part_of_it_is_not_kept(archive, fetch):
    half = archive.path(FILES[21]).with_name(f".{archive.path(FILES[21]).name}.half")
    half.parent.mkdir()
    half.write_bytes(b"something else")
    code, _, err = fetch()
    assert code == 2
    assert "its checksum is" in err
    assert fetch()[0] == 0
    assert archive.path(FILES[21]).read_bytes() == archive.files[FILES[21]]


def test_cells_of_a_list_or_of_each_class(archive, fetch, tmp_path):
    (tmp_path / "ids.txt").write_text("41\n50\n61\n")  # a cell, a session, and a cell without class
    assert fetch(f"dataset.ids={tmp_path / 'ids.txt'}")[0] == 0
    assert archive.asked == [FILES[41], FILES[51]]
    assert "4 files in" in fetch("dataset.cells_per_class=1")[1]


def test_without_a_table_it_is_said(archive, fetch):
    (archive.folder / "20200711_patchseq_metadata_mouse.csv").unlink()
    code, _, err = fetch()
    assert code == 2
    assert "holds no table" in err


def test_without_the_archive_one_line_says_so(archive, fetch, monkeypatch):
    def offline(*_, **__):
        raise requests.ConnectionError("Name or service not known")

    monkeypatch.setattr(requests.Session, "request", offline)
    assert fetch()[2].strip() == (
        "celltype: the list of files of DANDI 000020/0.210913.1639 cannot be downloaded (Name or service not known): "
        "check the connection; the same command goes on"
    )
