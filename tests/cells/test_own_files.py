"""A file given to the wrong dataset leads to the right one, by its content."""

import numpy as np
import pytest
from made import sweeps, units
from made.bundles import write_traces

from celltype_cli.cells import own_files
from celltype_cli.core.files import config_folders


def of_sweeps(path):
    voltage, current = (
        np.stack([of(number) for number in sweeps.AMPLITUDES]) for of in (sweeps.voltage, sweeps.current)
    )
    np.savez(path, voltage=voltage, current=current, sampling_rate=sweeps.RATE)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    write_traces(folder / "traces.npz")
    units.npz(folder / "units.npz")
    units.phy(folder / "kilosort")
    (folder / "cells").mkdir()
    of_sweeps(folder / "cells" / "one.npz")
    return folder


KINDS = {
    "traces.npz": "traces",
    "units.npz": "units",
    "kilosort": "units",
    "cells": "sweeps",
    "cells/one.npz": "sweeps",
}
WRONG = [(given, path, right) for path, right in KINDS.items() for given in {*KINDS.values()} - {right}]


@pytest.mark.parametrize(("given", "path", "right"), sorted(WRONG))
def test_another_dataset_reads_it(place, celltype, given, path, right):
    code, _, err = celltype("data", f"dataset={given}", f"dataset.path={place / path}", "figures=[]")
    assert code == 2
    assert f"by its content {place / path} is read with dataset={right}" in err


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_what_the_reader_has_said_is_not_said_again(tmp_path, celltype):
    folder = tmp_path / "recordings"
    for name in ("a.nwb", "b.nwb"):
        made = sweeps.NWB2()
        sweeps.three(made)
        made.write(folder / name)
    code, _, err = celltype("data", "dataset=units", f"dataset.path={folder}", "figures=[]")
    assert code == 2 and "sweeps of patch clamp" in err and err.count("dataset=sweeps") == 1, err


def test_nothing_is_said_where_the_dataset_is_right_or_none_reads_it(place, tmp_path, celltype):
    write_traces(tmp_path / "flat.npz", trace=np.zeros((24, 150)))
    units.phy(tmp_path / "short", spike_times=np.zeros(5))
    (tmp_path / "words.csv").write_text("a,b\n1,2\n")
    for dataset, path in (("traces", "flat.npz"), ("units", "short"), ("sweeps", "words.csv"), ("units", "absent")):
        code, _, err = celltype("data", f"dataset={dataset}", f"dataset.path={path}")
        assert code == 2 and "is read with dataset=" not in err, err
    assert own_files.hint("celltype_cli.calcium.datasets.cascade.load", place / "units.npz") == ""


def test_every_kind_says_what_is_its_own(tmp_path):
    nodes = dict(own_files.nodes(config_folders()[-1:]))
    assert {*KINDS.values()} == {*nodes}
    (tmp_path / "empty").mkdir()
    assert not any(own_files._holds(node["_target_"], tmp_path / "empty") for node in nodes.values())
