"""What nearly all traces of a recording have in common is told; what neurons have in common is not."""

from dataclasses import replace

import numpy as np
import pytest
from made.configs import recordings
from made.dff import cells

from celltype_cli.calcium.shared import notes


def together(add=0.0, n=12, **changes):
    """Traces of one recording, with something added to each."""
    return [replace(r, segments=(r.segments[0] + add,), **changes) for r in cells(n)]


TIME = np.arange(300)


@pytest.mark.parametrize(
    ("add", "said"),
    [
        (np.where(TIME == 120, 3.0, 0.0), "x.npz: frame 120, 121"),
        (np.where(TIME >= 120, -3.0, 0.0), "x.npz: frame 120"),
        (-TIME / 300, "x.npz: they fall"),
        (TIME / 300, "x.npz: they rise"),
    ],
    ids=["flash", "step", "bleaching", "rise"],
)
def test_artefacts_of_all_cells(add, said):
    (note,) = notes(together(add))
    assert said in note


def test_what_is_no_artefact():
    alone = [replace(r, cell_id=f"c{k}") for k, r in enumerate(together(np.where(TIME == 120, 3.0, 0.0)))]
    assert not [*notes(together())]
    assert not [*notes(together()[:6] + alone[:6])]  # half of the cells
    assert not [*notes(alone[:9])]  # too few to be nearly all of a recording
    assert not [*notes(together(1000 - TIME / 300))]  # raw fluorescence
    assert not [*notes([*together(), *[replace(r, group="other") for r in alone[:5]]])]


def test_cells_of_a_file_with_several_animals_and_of_an_animal_with_several_files():
    made = together(np.where(TIME == 120, 3.0, 0.0))
    several = [replace(r, group=f"m{k // 3}") for k, r in enumerate(made)]
    assert "x.npz: frame 120" in "".join(notes(several))
    apart = [replace(r, file=f"{k}.npz") for k, r in enumerate(made)]
    assert "m: frame 120" in "".join(notes(apart))
    assert not [*notes([replace(r, file=f"{k}.npz") for k, r in enumerate(several)])]


@pytest.mark.parametrize("changes", [{}, {"one_class_per_animal": True}])
def test_simulated_cells_that_run_together(changes):
    made = recordings("calcium_sim", cells_per_class=15, animals=4, sessions=1, timesteps=900, **changes)
    assert not [*notes(made.entries)]


def test_frames_are_called_so_where_gaps_are_left_out():
    made = [replace(r, missing=5) for r in together(np.where(TIME >= 120, -3.0, 0.0))]
    assert "x.npz: frame 120 of those that are there, gaps left out)" in "".join(notes(made))
