"""NWB files whose sweeps have no number of their own, and what is told of files that cannot be used."""

import h5py
import numpy as np
import pytest
from made.nwb_sweeps import RESPONSE, STIMULUS, Plain
from made.sweeps import AMPLITUDES, current, load_folder, voltage

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.readers.files import read


def started_apart(path, numbered=True):
    """The three sweeps, 10 s apart; two of them have one number, or none has any."""
    made = Plain(path, electrodes=())
    for k, number in enumerate(AMPLITUDES):
        made.add(number, voltage(number), current(number), starts=(10.0 * k, 10.0 * k))
        with h5py.File(path, "a") as file:
            for place in (RESPONSE, STIMULUS):
                attributes = file[f"{place}/electrode_0_{number}"].attrs
                del attributes["sweep_number"]
                attributes.update({"sweep_number": np.uint32(k // 2)} if numbered else {})
    return path


@pytest.mark.parametrize("numbered", [True, False])
def test_sweeps_without_numbers_of_their_own_go_by_their_start_times(tmp_path, numbered):
    cell = read(started_apart(tmp_path / "a.nwb", numbered))
    assert sorted(sweep.current.max() for sweep in cell.sweeps) == pytest.approx([50, 70, 110])
    assert chosen(cell.sweeps).rheobase.step.amplitude_pA == pytest.approx(70)
    assert "start at once were taken together" in cell.notes[0]


def test_sweeps_without_numbers_that_start_together_are_left_out(tmp_path):
    path = started_apart(tmp_path / "a.nwb")
    with h5py.File(path, "a") as file:
        for place in (RESPONSE, STIMULUS):
            file[f"{place}/electrode_0_5/starting_time"][()] = 0.0
    cell = read(path)
    assert len(cell.sweeps) == 1 and cell.left_out == {"several responses or stimuli have its number": 2}


def test_what_was_assumed_is_told_of_a_cell_that_cannot_be_used(tmp_path):
    path = Plain(tmp_path / "a.nwb", starts=(30.0, 30.9)).path
    with pytest.raises(UserError, match="stimulus and response start at different times"):
        load_folder(path)
