"""What `celltype fetch` keeps, whichever archive it asks: archives are made up, what asks them are their clients."""

import pytest
from filelock import FileLock
from made.allen import Observatory
from made.cell_types import Database
from made.dandi import Dandiset


@pytest.fixture(params=[Observatory, Database, Dandiset])
def archive(request, tmp_path, monkeypatch):
    pytest.importorskip(request.param.client)
    return request.param(tmp_path / "data", monkeypatch)


def test_it_says_how_much_and_downloads_once(archive, fetch):
    code, out, _ = fetch()
    n = len(archive.keys)
    assert code == 0
    assert f"{n} files in {archive.folder}: 0 there, {n} to download" in out
    assert archive.size in out
    assert archive.label in out
    assert f"all {n} files are there\nnext     celltype data dataset=" in out
    assert archive.asked == archive.keys
    assert {*archive.load().cell_id} == archive.cells
    code, out, _ = fetch()
    assert code == 0
    assert f"{n} there, 0 to download" in out
    assert "GB" not in out
    assert archive.asked == archive.keys


def test_a_truncated_file_is_replaced(archive, fetch):
    fetch()
    file = archive.path(archive.one)
    whole = file.read_bytes()
    file.write_bytes(whole[:9000])
    _, out, _ = fetch()
    assert "1 to download, 1 of them again because they are not whole" in out
    assert archive.asked == [*archive.keys, archive.one]
    assert file.read_bytes() == whole


@pytest.mark.parametrize("fault", ["no answer", "cut"])
def test_a_file_that_fails_stops_no_other_and_is_left_for_the_next_call(archive, fetch, fault):
    archive.broken[archive.one] = fault
    code, out, err = fetch()
    said = "OSError: no answer" if fault == "no answer" else archive.cut
    assert code == 2
    assert f"1 files could not be downloaded, the last: {archive.label}" in err
    assert said in out
    assert said in err
    assert "the same command goes on with the 1 that are missing" in err
    assert archive.asked == archive.keys
    assert not archive.path(archive.one).exists()
    archive.broken.clear()
    assert fetch()[0] == 0
    assert archive.asked == [*archive.keys, archive.one]
    assert archive.path(archive.one).exists()


def test_three_failures_in_a_row_are_the_network(archive, fetch):
    archive.broken |= dict.fromkeys(archive.keys, "no answer")
    code, _, err = fetch()
    assert code == 2
    assert "3 files could not be downloaded" in err
    assert f"goes on with the {len(archive.keys)} that are missing" in err
    assert archive.asked == archive.keys[:3]


def test_failures_with_others_between_them_are_not_the_network(archive, fetch):
    failing = archive.keys[::2]
    archive.broken |= dict.fromkeys(failing, "no answer")
    code, _, err = fetch()
    assert code == 2
    assert f"{len(failing)} files could not be downloaded" in err
    assert archive.asked == archive.keys


def test_a_stopped_download_goes_on_and_leaves_nothing_behind(archive, fetch):
    archive.broken[archive.one] = "stop"
    code, _, err = fetch()
    reached = archive.keys.index(archive.one)
    assert code == 130
    assert "Type the same command again to go on" in err
    assert archive.asked == archive.keys[: reached + 1]
    assert not archive.path(archive.one).exists()
    archive.broken.clear()
    assert fetch()[0] == 0
    assert archive.asked[reached + 1 :] == archive.keys[reached:]
    assert {*archive.load().cell_id} == archive.cells
    assert not [file for file in archive.folder.rglob(".*") if file.name != ".fetch.lock"]


def test_too_little_room_is_said_before_anything_is_downloaded(archive, fetch, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    code, out, err = fetch()
    assert code == 2
    assert archive.size in out
    assert f"{archive.folder} has 0.0 GB free, about {archive.size.split()[1]} GB are needed; choose another" in err
    assert archive.asked == []


def test_another_download_to_the_folder_is_not_disturbed(archive, fetch):
    archive.folder.mkdir(exist_ok=True)
    with FileLock(archive.folder / ".fetch.lock"):
        code, _, err = fetch()
    assert code == 2
    assert "another process downloads to this folder; wait for it" in err
    assert archive.asked == []
    assert fetch()[0] == 0


def test_without_a_connection_it_is_said(archive, fetch):
    archive.offline()
    code, _, err = fetch()
    assert code == 2
    assert "cannot be downloaded" in err
    assert "(Name or service not known): check the connection; the same command goes on" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (["dataset=calcium_sim"], "dataset=calcium_sim is simulated: there is nothing to download"),
        (["dataset=traces"], "dataset=traces is not downloaded by celltype; conf/dataset/traces.yaml says of it:"),
        (["dataset=c4"], "get it by hand:\n  Data: one HDF5 file for each laboratory (hausser, hull_labelled,"),
        (["dataset=c4"], "  Licence: none was found"),
        (["dataset=c4"], "then     celltype data dataset=c4 dataset.path=FOLDER"),
    ],
)
def test_a_dataset_that_is_not_downloaded_here_says_so(celltype, dataset, said):
    code, _, err = celltype("fetch", *dataset)
    assert code == 2
    assert said in err


def test_the_bar_follows_a_file_that_grows(tmp_path):
    from celltype_cli.commands.fetch import Bar

    bar = Bar(disable=True)
    task = bar.add_task("", total=100, half=tmp_path / "half")
    assert [*bar.get_renderables()]
    assert bar.tasks[task].completed == 0
    (tmp_path / "half").write_bytes(bytes(40))
    assert [*bar.get_renderables()]
    assert bar.tasks[task].completed == 40
