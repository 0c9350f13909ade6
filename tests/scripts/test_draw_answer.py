"""The picture of an answer: the recording that is labelled is kept from the model, and its types from itself."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
from made.configs import REPOSITORY


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("draw_answer", REPOSITORY / "scripts" / "draw_answer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_recording_is_left_out_and_its_types_are_not_told(script, tmp_path):
    units = {"waveform": np.arange(8.0).reshape(4, 2), "label": ["A", "B", "A", "B"], "recording": [0, 6, 6, 1]}
    np.savez(tmp_path / "hull.npz", **units)
    types = script.divide(tmp_path / "hull.npz", 6, tmp_path, "recording_6")
    with np.load(tmp_path / "other_recordings.npz") as others, np.load(tmp_path / "recording_6.npz") as one:
        assert types.tolist() == ["B", "A"] and others["label"].tolist() == ["A", "B"] and "label" not in one.files
        assert others["recording"].tolist() == [0, 1] and one["waveform"].tolist() == [[2, 3], [4, 5]]


def test_the_cell_to_explain_is_chosen_by_rule(script, capsys):
    columns = {"cell_id": ["r/1", "r/2", "r/3", "r/4"], "label": ["A", "B", "A", ""], "best": ["A", "B", "A", "B"]}
    cells = pd.DataFrame({**columns, "confidence": ["0.99", "0.9", "0.8", "0.55"], "note": ""})
    assert script.told(cells.assign(type=["A", "B", "B", "B"]), None) == "r/3"  # labelled wrongly
    assert "3 of 4 labelled, 2 of these right" in capsys.readouterr().out
    assert script.told(cells.assign(type=["A", "B", "A", "A"]), None) == "r/4"  # unsure, and wrong
    assert script.told(cells.assign(type=["A", "B", "A", "B"]), None) == "r/4"  # all right: of which it is least sure
    assert script.told(cells.assign(type="A"), "1") == "r/1"
