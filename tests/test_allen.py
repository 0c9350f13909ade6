"""Allen Visual Coding: files written in the layout of the cache (NWB 1, tables as of the server), read by allensdk."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from omegaconf import OmegaConf

from celltype_cli.datasets import allen_cache, allen_visual_coding
from celltype_cli.errors import UserError
from celltype_cli.transforms import resample

pytest.importorskip("allensdk", reason="extra allen is not installed")
from allensdk.api.queries.brain_observatory_api import BrainObservatoryApi  # noqa: E402

CONFIG = OmegaConf.to_container(
    OmegaConf.load(Path(__file__).parents[1] / "conf" / "dataset" / "allen_visual_coding.yaml")
)
RATE, SAMPLES = 30.0, 2000
# id: container, line, reporter, donor, session
EXPERIMENTS = {
    11: (1, "Cux2-CreERT2", "Ai93(TITL-GCaMP6f)", "100001", "three_session_A"),
    12: (1, "Cux2-CreERT2", "Ai93(TITL-GCaMP6f)", "100001", "three_session_B"),
    13: (2, "Cux2-CreERT2", "Ai93(TITL-GCaMP6f)", "100001", "three_session_A"),
    14: (3, "Rorb-IRES2-Cre", "Ai93(TITL-GCaMP6f)", "100002", "three_session_A"),
    15: (4, "Cux2-CreERT2", "Ai93(TITL-GCaMP6f)", "100003", "three_session_A"),
    16: (5, "Emx1-IRES-Cre", "Ai93(TITL-GCaMP6f)", "100004", "three_session_A"),  # tagged
    21: (6, "Pvalb-IRES-Cre", "Ai162(TIT2L-GC6s-ICL-tTA2)", "200001", "three_session_A"),
    31: (7, "Sst-IRES-Cre", "Ai148(TIT2L-GC6f-ICL-tTA2)", "300001", "three_session_A"),
    41: (8, "Vip-IRES-Cre", "Ai148(TIT2L-GC6f-ICL-tTA2)", "400001", "three_session_A"),
    91: (9, "Chat-IRES-Cre", "Ai93(TITL-GCaMP6f)", "900001", "three_session_A"),  # of no class
    92: (8, "Vip-IRES-Cre", "Ai148(TIT2L-GC6f-ICL-tTA2)", "400001", "OPHYS_1_images_A"),  # Visual Behavior
}


def specimen(line, reporter, donor):
    kinds = (("driver", line), ("driver", "Camk2a-tTA"), ("reporter", reporter))
    lines = [{"name": name, "transgenic_line_type_name": kind} for kind, name in kinds]
    donor_row = {"external_donor_name": donor, "transgenic_lines": lines, "date_of_birth": "2016-01-01T00:00:00Z"}
    return {"name": f"{line}-{donor}", "donor": donor_row}


def tables():
    common = {"imaging_depth": 275, "targeted_structure": {"acronym": "VISp"}}
    experiments, containers = [], {}
    for number, (container, line, reporter, donor, session) in EXPERIMENTS.items():
        row = {**common, "id": number, "experiment_container_id": container, "stimulus_name": session,
               "specimen": specimen(line, reporter, donor), "date_of_acquisition": "2016-05-01T00:00:00Z",
               "experiment_container": {"failed": False}}  # fmt: skip
        experiments.append(row)
        mouse = specimen(line, reporter, donor)
        containers[container] = {**common, "id": container, "failed": False, "specimen": mouse}
    containers[5]["specimen"]["donor"]["conditions"] = [{"name": "Epileptiform Events"}]
    return experiments, list(containers.values())


def write_nwb(path, cells=(501, 502), dff=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    time = 8.5 + np.arange(SAMPLES) / RATE
    dff = np.random.default_rng(cells[0]).normal(size=(len(cells), SAMPLES)).astype("f4") if dff is None else dff
    with h5py.File(path, "w") as file:
        file["general/session_type"] = np.bytes_("three_session_A")
        file["general/subject/genotype"] = np.bytes_("Cux2-CreERT2;Camk2a-tTA;Ai93(TITL-GCaMP6f)")
        file["general/generated_by"] = np.array([b"pipeline_version", b"3.0"])
        pipeline = file.create_group("processing/brain_observatory_pipeline")
        for name in ("DfOverF", "Fluorescence"):
            pipeline[f"{name}/imaging_plane_1/data"] = dff if name == "DfOverF" else 100 * (1 + dff)
            pipeline[f"{name}/imaging_plane_1/timestamps"] = time
        pipeline["ImageSegmentation/cell_specimen_ids"] = np.array(cells)
        pipeline["ImageSegmentation/roi_ids"] = np.array([str(c).encode() for c in cells])
    return path


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("asked the network")

    monkeypatch.setattr(BrainObservatoryApi, "template_query", refuse)
    monkeypatch.setattr(BrainObservatoryApi, "retrieve_file_over_http", refuse)


@pytest.fixture
def cache(tmp_path):
    """A cache with all experiments; neuron 501 of container 1 occurs in both of its sessions."""
    experiments, containers = tables()
    (tmp_path / "ophys_experiments.json").write_text(json.dumps(experiments))
    (tmp_path / "experiment_containers.json").write_text(json.dumps(containers))
    for number in EXPERIMENTS:
        write_nwb(tmp_path / f"ophys_experiment_data/{number}.nwb", (501, number * 1000))
    return tmp_path


def load(path, **changes):
    settings = {name: value for name, value in CONFIG.items() if name not in ("_target_", "path")}
    return allen_visual_coding.load(path=str(path), **settings | {"timesteps": 100} | changes)


def test_cells_of_all_classes_are_read_without_network(cache):
    cells = load(cache)
    assert cells.classes == ("PY", "PV", "SOM", "VIP")
    assert cells.inputs["trace"].shape == (6 * 2 * 5 + 2 * 5, 1, 100)  # 2000 / 30 Hz = 500 samples at 7.5 Hz
    first = np.unique(cells.cell_id, return_index=True)[1]
    found = {cells.cell_id[r]: (cells.classes[cells.label[r]], cells.group[r]) for r in first}
    assert found["501_11"] == ("PY", "100001")
    assert found["21000_21"] == ("PV", "200001")
    assert found["501_31"] == ("SOM", "300001")
    assert found["41000_41"] == ("VIP", "400001")
    assert sorted({cell.split("_")[1] for cell in found}) == ["11", "13", "14", "15", "21", "31", "41"]
    assert cells.source[cells.cell_id == "501_14"][0] == "Rorb-IRES2-Cre, Ai93(TITL-GCaMP6f), VISp at 275 um"


def test_values_are_those_of_allensdk(cache):
    from allensdk.core.brain_observatory_nwb_data_set import BrainObservatoryNwbDataSet

    time, dff = BrainObservatoryNwbDataSet(str(cache / "ophys_experiment_data/21.nwb")).get_dff_traces()
    assert np.diff(time).mean() == pytest.approx(1 / 30)
    cells = load(cache)
    expected = resample(dff[1].astype("f4"), 30.0, 7.5)[:500].reshape(5, 100)
    assert np.allclose(cells.inputs["trace"][cells.cell_id == "21000_21", 0], expected, atol=1e-5)


def test_what_the_score_may_measure_is_said(cache):
    notes = load(cache).about.notes
    assert any(note.startswith("each animal carries one Cre line") for note in notes)
    assert any("hold one class only" in n and "Ai162(TIT2L-GC6s-ICL-tTA2): PV" in n and "Ai148" not in n
               for n in notes if n.startswith("indicator lines"))  # fmt: skip
    assert "1 experiments of mice with events as in epilepsy were left out" in notes


def test_neurons_of_several_sessions_are_counted(cache):
    for number in EXPERIMENTS:
        if number != 12:
            write_nwb(cache / f"ophys_experiment_data/{number}.nwb", (number * 1000 - (number == 11), number))
    write_nwb(cache / "ophys_experiment_data/12.nwb", (10999, 12))
    assert "1 neurons were recorded in more than one session" in "\n".join(load(cache, session=None).about.notes)
    assert "more than one session" not in "\n".join(load(cache).about.notes)


def test_missing_values_cut_a_trace(cache):
    dff = np.random.default_rng(0).normal(size=(2, SAMPLES)).astype("f4")
    dff[0, 1000] = np.nan  # 1000 samples before, 999 after: 250 at 7.5 Hz each, two windows
    dff[1] = np.nan
    write_nwb(cache / "ophys_experiment_data/31.nwb", (7, 8), dff)
    cells = load(cache)
    assert (cells.cell_id == "7_31").sum() == 4
    assert not (cells.cell_id == "8_31").any()
    assert "1 cells without any value were left out" in cells.about.notes


def test_experiments_are_spread_over_animals_then_lines():
    rows = [{"id": n, "cre_line": EXPERIMENTS[n][1], "donor_name": EXPERIMENTS[n][3]} for n in (11, 13, 14, 15, 21)]
    # 11 first by id; 14 and 15 are of new animals, 14 of a new line too; 13 is the second of animal 100001.
    chosen = [[e["id"] for e in allen_cache.spread(rows, k)] for k in (1, 2, 3, 9)]
    assert chosen == [[11, 21], [11, 14, 21], [11, 14, 15, 21], [11, 14, 15, 13, 21]]


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(file.read_bytes()[:9000])])
def test_missing_and_truncated_files_are_named_with_what_to_do(cache, damage):
    damage(cache / "ophys_experiment_data/21.nwb")
    with pytest.raises(UserError, match=r"1 of 7 .* not whole \(21 .*celltype fetch dataset=allen_visual_coding"):
        load(cache)


def test_without_a_number_all_that_are_there_are_read(cache):
    (cache / "ophys_experiment_data/13.nwb").unlink()
    assert "501_13" not in load(cache, experiments_per_class=None).cell_id
    (cache / "ophys_experiment_data/21.nwb").unlink()
    with pytest.raises(UserError, match="no experiment of PV is there; fetch"):
        load(cache, experiments_per_class=None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"session": "three_session_D"}, "dataset.session=three_session_D is none of"),
        ({"session": "three_session_C"}, "no experiment of PY, PV, SOM, VIP fits dataset.session=three_session_C"),
        ({"structures": ["VISq"]}, "VISq is none of VISp; nearest: VISp"),
    ],
)
def test_settings_that_fit_nothing(cache, changes, said):
    with pytest.raises(UserError, match=said):
        load(cache, **changes)


def test_a_folder_without_tables_says_how_to_fetch(tmp_path):
    with pytest.raises(UserError, match="ophys_experiments.json is missing; download it: celltype fetch"):
        load(tmp_path)
    assert not list(tmp_path.iterdir())


# Download: the server is made up, what asks it is allensdk


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
