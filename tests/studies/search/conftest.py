"""A finished search, made once for all tests of searches, and where its model writes down what it was given."""

import pytest


@pytest.fixture
def record(tmp_path, monkeypatch):
    from celltype_cli.core import plots

    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.setattr(plots, "save", lambda figure, stem, formats: [])  # slow; the fixture `finished` draws


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    from made.search import records, run

    outputs = tmp_path_factory.mktemp("outputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECORD", str(outputs / "record"))
        found = run(outputs)
        return found, records()
