"""Fixtures for all tests; array shapes in signatures are checked while they run."""

import logging
import os
import sys
from functools import partial
from pathlib import Path

# Tests run beside each other, and subprocesses of theirs too; libraries read this when they are imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import made.typecheck  # noqa: F401 - so that the hook finds it by its dotted name
import pytest
from jaxtyping import install_import_hook

install_import_hook("celltype_cli", "made.typecheck.check")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings beside the repository; outside users do not have them."""
    path = Path(os.environ.get("CELLTYPE_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    if not path.is_dir():
        pytest.skip(f"real recordings are not at {path}; set CELLTYPE_SHARED to the folder that holds data/")
    return path.resolve()


# The hook above checks only what is imported after it, so these import celltype_cli when they are asked for.


@pytest.fixture(scope="session")
def toy_runs(tmp_path_factory):
    """Runs of the made-up paper, by model and split."""
    from made.paper import write_runs

    return write_runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def toy_report(toy_runs):
    """The report of all jobs of the made-up paper, full profile."""
    from made.paper import PAPER, all_jobs, found_for

    from celltype_cli.studies.papers.report import report

    return report.build(PAPER, found_for(toy_runs, all_jobs()))


@pytest.fixture
def celltype(tmp_path, monkeypatch, capsys):
    """Runs a command line in an empty folder; returns exit code, output, errors."""
    from celltype_cli import cli
    from celltype_cli.core import files

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "own_configs", [])  # and again after the test
    for name in ("CELLTYPE_OUTPUTS", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["celltype", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, *capsys.readouterr()

    root = logging.getLogger()  # Hydra's --info sets its level and adds a handler to this test's output
    level, handlers = root.level, [*root.handlers]
    yield call
    root.setLevel(level)
    for handler in {*root.handlers} - {*handlers}:
        root.removeHandler(handler)


@pytest.fixture
def fetch(celltype, archive):
    """Downloads from the made-up `archive` that a test module gives, to its folder."""
    return partial(celltype, "fetch", *archive.settings, f"dataset.path={archive.folder}")


@pytest.fixture
def no_allen_network(monkeypatch):
    """Fails a test in which allensdk asks its server."""
    from celltype_cli.calcium.datasets.allen_experiments import API
    from celltype_cli.core import allen

    BrainObservatoryApi = type(allen.client(API))

    def refuse(*_, **__):
        raise AssertionError("asked the network")

    monkeypatch.setattr(BrainObservatoryApi, "template_query", refuse)
    monkeypatch.setattr(BrainObservatoryApi, "retrieve_file_over_http", refuse)
