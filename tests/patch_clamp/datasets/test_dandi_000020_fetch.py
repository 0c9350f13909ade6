"""Download of DANDI 000020: the archive is made up, what asks it is the dandi client."""

from functools import partial

import pytest
import requests
from made.dandi import ROWS, Archive, load, path_of, write_recording, write_table

from celltype_cli.core.downloads import Part, sized

pytest.importorskip("dandi", reason="extra dandi is not installed")
from dandi import dandiapi  # noqa: E402

FILES = {row[1]: path_of(row[0], row[5]) for row in ROWS}
LABELLED = [FILES[cell] for cell in (11, 21, 31, 41, 51)]


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return write_recording(tmp_path_factory.mktemp("nwb") / "one.nwb").read_bytes()


@pytest.fixture
def archive(content, monkeypatch):
    others = ["sub-904/sub-904_ses-70_icephys.nwb", "dandiset.yaml"]  # a cell that is not in the table, and no cell
    made = Archive({path: content + bytes(k) for k, path in enumerate([*FILES.values(), *others])})
    monkeypatch.setenv("DANDI_NO_ET", "1")  # it would ask another server for the newest version of itself
    monkeypatch.setattr(dandiapi, "REQUEST_RETRIES", 1)
    monkeypatch.setattr(requests.Session, "request", lambda *a, **arguments: made.request(*a, **arguments))
    return made


@pytest.fixture
def fetch(celltype, tmp_path):
    (tmp_path / "000020").mkdir()
    write_table(tmp_path / "000020" / "20200711_patchseq_metadata_mouse.csv")
    dataset = ("dataset=dandi_000020", f"dataset.path={tmp_path / '000020'}", "dataset.cells_per_class=null")
    return partial(celltype, "fetch", *dataset)


def test_fetch_downloads_what_belongs_to_a_class_and_once(archive, fetch, tmp_path):
    code, out, _ = fetch()
    assert code == 0
    assert "5 files in" in out
    assert "0 there, 5 to download" in out
    assert "5/5 Excitatory 51 (L2/3 IT VISp Agmat)" in out
    assert archive.asked == LABELLED
    assert all((tmp_path / "000020" / path).read_bytes() == archive.files[path] for path in LABELLED)
    assert sorted(load(tmp_path / "000020").cell_id) == ["11", "21", "31", "41", "51"]
    assert "5 there, 0 to download" in fetch()[1]
    assert len(archive.asked) == 5


def test_the_size_is_what_the_archive_states_of_missing_files(archive, fetch, monkeypatch):
    sizes = dict(zip(LABELLED, (1e9, 2e9, 3e9, 4e9, 5e9), strict=True))
    page = archive.page

    def enlarged(number):
        found = page(number)
        return found | {"results": [row | {"size": int(sizes.get(row["path"], 7e9))} for row in found["results"]]}

    monkeypatch.setattr(archive, "page", enlarged)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1e9}))
    code, out, err = fetch()
    assert code == 2
    assert "about 15.0 GB (the sizes that the archive states)" in out
    assert "has 1.0 GB free, about 15.0 GB are needed" in err
    assert archive.asked == []


def test_the_size_of_a_plan_is_that_of_what_is_missing(tmp_path):
    files = [tmp_path / name for name in "abc"]
    parts = [Part("", file, lambda _: None, lambda file: file.read_text() == "whole") for file in files]
    assert sized(tmp_path, parts, (10, 20, 60), "").typical_size == 30
    files[0].write_text("whole")
    files[1].write_text("cut")
    assert sized(tmp_path, parts, (10, 20, 60), "").typical_size == 40  # two to download, 80 bytes
    for file in files:
        file.write_text("whole")
    assert sized(tmp_path, parts, (10, 20, 60), "").typical_size == 0


def test_truncated_files_and_leftovers_are_replaced(archive, fetch, tmp_path):
    fetch()
    cut, longer = (tmp_path / "000020" / FILES[cell] for cell in (11, 41))
    cut.write_bytes(cut.read_bytes()[:9000])
    longer.write_bytes(longer.read_bytes() + b"x")  # opens, but has not the size that the archive states
    cut.with_name(f".{cut.stem}-0a1b2c3d.nwb").write_bytes(b"left by a killed process")
    assert "3 there, 2 to download, 2 of them again because they are not whole" in fetch()[1]
    assert archive.asked[5:] == [FILES[11], FILES[41]]
    assert [p.name for p in cut.parent.iterdir()] == [cut.name]


@pytest.mark.parametrize(
    ("fault", "said"),
    [("no answer", "ConnectionError: no answer"), ("cut", "its checksum is"), ("other", "its checksum is")],
)
def test_a_failed_file_is_left_for_the_next_call(archive, fetch, tmp_path, fault, said):
    if fault == "other":  # whole, but not what the archive has
        archive.checksums[FILES[21]] = "0" * 32 + "-1"
    else:
        archive.broken[FILES[21]] = fault
    code, _, err = fetch()
    assert code == 2
    assert "1 files could not be downloaded, the last: Sst 21 (Sst Myh8 Etv1)" in err
    assert said in err
    assert not (tmp_path / "000020" / FILES[21]).exists()
    archive.broken.clear()
    archive.checksums.clear()
    assert fetch()[0] == 0
    assert archive.asked[5:] == [FILES[21]]


def test_cells_of_a_list_or_of_each_class(archive, fetch, tmp_path):
    (tmp_path / "ids.txt").write_text("41\n50\n61\n")  # a cell, a session, and a cell without class
    assert fetch(f"dataset.ids.path={tmp_path / 'ids.txt'}")[0] == 0
    assert archive.asked == [FILES[41], FILES[51]]
    assert "4 files in" in fetch("dataset.cells_per_class=1")[1]


def test_without_a_table_it_is_said(archive, fetch, tmp_path):
    (tmp_path / "000020" / "20200711_patchseq_metadata_mouse.csv").unlink()
    code, _, err = fetch()
    assert code == 2
    assert "holds no table" in err


def test_without_the_archive_it_is_said(archive, fetch, monkeypatch):
    def offline(*_, **__):
        raise requests.ConnectionError("Name or service not known")

    monkeypatch.setattr(archive, "request", offline)
    code, _, err = fetch()
    assert code == 2
    assert err.strip() == (
        "celltype: the list of files of DANDI 000020/0.210913.1639 cannot be downloaded (Name or service not known): "
        "check the connection; the same command goes on"
    )
