"""Download of Allen Visual Coding: the server is made up, what asks it is allensdk."""

import shutil
from pathlib import Path

import pytest
from made.allen import load, tables, write_nwb

from celltype_cli.calcium.datasets import allen_visual_coding

pytest.importorskip("allensdk", reason="extra allen is not installed")
from allensdk.api.queries.brain_observatory_api import BrainObservatoryApi  # noqa: E402

pytestmark = pytest.mark.usefixtures("no_allen_network")


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Answers allensdk's queries from files beside; returns the ids it was asked for and what goes wrong with some."""
    experiments, containers = tables()
    asked, broken = [], {}

    def template_query(_, __, name, **arguments):
        if name == "ophys_experiment_data":
            return [{"download_link": f"/{arguments['ophys_experiment_id']}"}]
        return {"ophys_experiment_by_ids": experiments, "experiment_container": containers}[name]

    def retrieve(_, url, path):
        number = int(url.rpartition("/")[2])
        asked.append(number)
        whole = write_nwb(tmp_path / "server" / f"{number}.nwb", (number, number + 1))
        if broken.get(number) == "no answer":
            raise OSError("no answer")
        shutil.copy(whole, path)
        if broken.get(number) == "cut":
            Path(path).write_bytes(whole.read_bytes()[:9000])

    monkeypatch.setattr(BrainObservatoryApi, "template_query", template_query)
    monkeypatch.setattr(BrainObservatoryApi, "retrieve_file_over_http", retrieve)
    return asked, broken


@pytest.fixture
def fetch(tmp_path, monkeypatch, capsys):
    from celltype_cli import cli

    def call(*settings, dataset=(f"dataset.path={tmp_path / 'boc'}", "dataset.experiments_per_class=1")):
        monkeypatch.setattr("sys.argv", ["celltype", "fetch", *dataset, *settings])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, *capsys.readouterr()

    return call


def test_fetch_says_how_much_and_downloads_once(server, fetch, tmp_path):
    asked, _ = server
    code, out, _ = fetch()
    assert code == 0
    assert "4 files in" in out
    assert "0 there, 4 to download" in out
    assert "about 1.6 GB (0.4 GB a session is the median" in out
    assert "4/4 VIP 41 (Vip-IRES-Cre" in out
    assert asked == [11, 21, 31, 41]
    assert load(tmp_path / "boc", experiments_per_class=1).n_cells == 8
    assert "4 there, 0 to download" in fetch()[1]
    assert len(asked) == 4


def test_more_experiments_add_to_those_that_are_there(server, fetch):
    fetch()
    assert "4 there, 1 to download" in fetch("dataset.experiments_per_class=2")[1]
    assert server[0] == [11, 21, 31, 41, 14]


def test_truncated_files_and_leftovers_are_replaced(server, fetch, tmp_path):
    fetch()
    folder = tmp_path / "boc" / "ophys_experiment_data"
    (folder / "21.nwb").write_bytes((folder / "21.nwb").read_bytes()[:9000])
    (folder / ".21-0a1b2c3d.nwb").write_bytes(b"left by a killed process")
    _, out, _ = fetch()
    assert "1 to download, 1 of them again because they are not whole" in out
    assert server[0] == [11, 21, 31, 41, 21]
    assert sorted(p.name for p in folder.iterdir()) == ["11.nwb", "21.nwb", "31.nwb", "41.nwb"]
    assert allen_visual_coding.intact(folder / "21.nwb")


@pytest.mark.parametrize(
    ("fault", "said"), [("no answer", "OSError: no answer"), ("cut", "what arrived is no whole file")]
)
def test_a_failed_file_is_left_for_the_next_call(server, fetch, tmp_path, fault, said):
    asked, broken = server
    broken[21] = fault
    code, _, err = fetch()
    assert code == 2
    assert "1 files could not be downloaded, the last: PV 21" in err
    assert said in err
    assert sorted(p.name for p in (tmp_path / "boc/ophys_experiment_data").iterdir()) == ["11.nwb", "31.nwb", "41.nwb"]
    broken.clear()
    assert fetch()[0] == 0
    assert asked == [11, 21, 31, 41, 21]


def test_three_failures_in_a_row_are_the_network(server, fetch):
    asked, broken = server
    broken |= dict.fromkeys((11, 21, 31, 41), "no answer")
    assert fetch()[0] == 2
    assert asked == [11, 21, 31]


def test_too_little_room_is_said_before_anything_is_downloaded(server, fetch, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1e9}))
    code, _, err = fetch()
    assert code == 2
    assert "has 1.0 GB free, about 1.6 GB are needed" in err
    assert server[0] == []


def test_without_a_server_it_is_said(fetch, monkeypatch):
    def offline(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(BrainObservatoryApi, "template_query", offline)
    code, _, err = fetch()
    assert code == 2
    assert "ophys_experiments.json cannot be downloaded" in err


@pytest.mark.parametrize("dataset", [("dataset=calcium_sim",), ("dataset=cascade", "dataset.path=x")])
def test_a_dataset_that_is_not_downloaded_here_says_so(fetch, dataset):
    code, _, err = fetch(dataset=dataset)
    assert code == 2
    assert "is not downloaded by this command; the head of its file in conf/dataset" in err
