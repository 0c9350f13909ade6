"""What is special to the download of Allen Visual Coding; tests/commands/test_fetch.py has the rest."""

import pytest
from made.allen import Observatory


@pytest.fixture
def archive(tmp_path, monkeypatch):
    pytest.importorskip("allensdk", reason="extra allen is not installed")
    return Observatory(tmp_path / "boc", monkeypatch)


def test_more_experiments_add_to_those_that_are_there(archive, fetch):
    fetch()
    assert "4 there, 1 to download" in fetch("dataset.experiments_per_class=2")[1]
    assert archive.asked == [11, 21, 31, 41, 14]
