"""The C4 database as a dataset: classes, units without label, recordings as groups."""

from collections import Counter

import pytest
from made.configs import cells
from made.units_c4 import c4

from celltype_cli.core.messages import UserError


def load(path, **changes):
    return cells("c4", path=str(path), **{"min_spikes": 50, "inputs": ["waveform", "correlogram"]} | changes)


def test_units_of_the_classes_and_those_without_label(tmp_path):
    file = c4(tmp_path / "x.h5", per_unit={3: {"ground_truth_label": "GrC"}, 2: {"expert_label": ""}})
    found = load(file)
    assert found.classes == ("PkC_ss", "PkC_cs", "MLI", "MFB", "GoC")
    assert Counter(found.label.tolist()) == {2: 1, 4: 1, -1: 1}
    assert {*found.group} == {"21-01-01_aa001_probe0", "21-01-02_aa001_probe0"} and {*found.source} == {"hausser"}
    assert any("are left out: 1 GrC" in note for note in found.about.notes)
    assert Counter(load(file, unlabelled="drop").label.tolist()) == {2: 1, 4: 1}


def test_a_folder_of_several_files(tmp_path):
    c4(tmp_path / "hausser.h5")
    c4(tmp_path / "lisberger.h5", lab_id="lisberger", ground_truth_label="", expert_label="PkC_cs", dataset_id="monkey")
    found = load(tmp_path)
    assert Counter(found.source.tolist()) == {"hausser": 4, "lisberger": 4} and len({*found.cell_id}) == 8
    assert (load(tmp_path, label="expert_label", unlabelled="drop").source == "lisberger").sum() == 4


def test_no_unit_of_the_classes(tmp_path):
    with pytest.raises(UserError, match="none of its 4 units is labelled PkC_ss, PkC_cs, MLI, MFB, GoC"):
        load(c4(tmp_path / "x.h5", ground_truth_label="GrC", expert_label=""))
