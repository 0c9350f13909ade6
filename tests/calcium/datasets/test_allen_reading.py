"""Allen Visual Coding: files written in the layout of the cache, read without network."""

import json
from pathlib import Path

import numpy as np
import pytest
from made.allen import EXPERIMENTS, SAMPLES, load, tables, write_nwb

from celltype_cli.calcium.datasets import allen_visual_coding
from celltype_cli.core.messages import UserError
from celltype_cli.core.signals import resample

pytest.importorskip("allensdk", reason="extra allen is not installed")
pytestmark = pytest.mark.usefixtures("no_allen_network")


@pytest.fixture
def cache(tmp_path):
    """A cache with all experiments; neuron 501 of container 1 occurs in both of its sessions."""
    experiments, containers = tables()
    (tmp_path / "ophys_experiments.json").write_text(json.dumps(experiments))
    (tmp_path / "experiment_containers.json").write_text(json.dumps(containers))
    for number in EXPERIMENTS:
        write_nwb(tmp_path / f"ophys_experiment_data/{number}.nwb", (501, number * 1000))
    return tmp_path


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


def test_values_are_those_of_the_file(cache):
    dff = np.random.default_rng(0).normal(size=(2, SAMPLES)).astype("f4")
    write_nwb(cache / "ophys_experiment_data/21.nwb", (501, 21000), dff)
    cells = load(cache)
    expected = resample(dff[1], 30.0, 7.5)[:500].reshape(5, 100)
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
    chosen = [[e["id"] for e in allen_visual_coding._spread(rows, k)] for k in (1, 2, 3, 9)]
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
