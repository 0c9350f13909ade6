"""The table of flagged recordings, small: planted shifts are flagged, held-out animals are not."""

from pathlib import Path

import numpy as np
import pytest

CELLS = ("dataset=calcium_sim", "dataset.animals=7", "dataset.cells_per_class=21", "prepare=windows")
PINNED = {"sampling_rate": 30.0, "implausible": "keep"}


@pytest.fixture
def planted(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    import planted

    return planted


@pytest.fixture
def verdicts(planted):
    import verdicts

    return verdicts


def test_planted_shifts_are_flagged_and_held_out_animals_are_not(planted, verdicts):
    known = verdicts.Described.of(planted.built(*CELLS))
    assert verdicts.shares(known, known, 3, times=10)[1] <= 0.1  # withheld
    for name, least in {"percent": 1.0, "half the rate": 1.0, "noise x 3": 0.8}.items():
        new = verdicts.Described.of(planted.built(*CELLS, change=planted.CALCIUM[name], **PINNED))
        assert verdicts.shares(known, new, 3, times=5)[0] >= least, name
    assert verdicts.shares(known, known, 7, times=5) is None  # none is left to be held out
    assert verdicts.shares(known, known, 3, times=2, cells=60) is None  # of five of the seven animals
    some = verdicts.recordings(known, np.random.default_rng(0), cells=14)
    assert len(some) == 14 and len(set(known.training.group[some])) == 2
    accuracy, labels = verdicts.right(known, known).split("; ")
    right, given = map(int, labels.split(" of "))
    assert 0.25 < float(accuracy) <= 1 and right <= given <= 84


def test_steps_are_shortened_and_the_rest_is_rest(planted):
    from celltype_cli.patch_clamp.recording import Entry, Recording, Sweep

    current = np.repeat([0, 50, 0], [10, 20, 10]).astype("f4")
    sweep = Sweep(np.repeat([-70, -40, -70], [10, 20, 10]).astype("f4"), current, 1e4, 0)
    entry = Entry(cell_id="a", read=lambda: Recording((sweep,)), made_of="a")
    cut = planted.shortened(entry).read().sweeps[0]
    assert np.flatnonzero(cut.current).tolist() == [*range(10, 20)] and (cut.voltage[20:] == -70).all()
    assert planted.shortened(entry).made_of != planted.amplified(entry).made_of
