"""The bundle of a forest on made-up traces, for all tests of bundles."""

import shutil

import pytest
from made.bundles import FOREST, command, write_traces


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("bundles")


@pytest.fixture(scope="session")
def exported(place):
    """The bundle of a forest on made-up traces; its run stays beside it."""
    write_traces(place / "traces.npz")
    outputs = f"outputs={place / 'outputs'}"
    assert command("train", "dataset=traces", f"dataset.path={place / 'traces.npz'}", *FOREST, outputs) == 0
    assert command("export", "run=traces-forest", f"out={place / 'mine'}", outputs) == 0
    return place / "mine"


@pytest.fixture
def bundle(exported, tmp_path):
    """A copy that may be spoilt."""
    return shutil.copytree(exported, tmp_path / "copy")
