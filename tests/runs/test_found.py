"""A run by part of its name: where several fit, what tells them apart is said."""

import json

import pytest
import yaml
from made.runs import fake_run

from celltype_cli.core.messages import UserError
from celltype_cli.runs.found import one_run


def made(outputs, name, started, *typed):
    run = fake_run(outputs / "runs" / name, [0.8])
    (run.path / "overrides.yaml").write_text(yaml.safe_dump([*typed]))
    facts = json.loads((run.path / "run.json").read_text())
    (run.path / "run.json").write_text(json.dumps({**facts, "started": started}))
    return run


def test_runs_that_one_name_fits_are_told_apart(tmp_path):
    """By what was typed; where the data or the program changed in between, by time; by state where one did not end."""
    made(tmp_path, "traces-forest-1", "2026-01-01T10:00:00+00:00", "dataset=traces")
    made(tmp_path, "traces-forest-2", "2026-01-02T11:30:00+00:00", "dataset=traces")
    ended = made(tmp_path, "traces-forest-3", "2026-01-03T12:00:00+00:00", "dataset=traces", "seed=1")
    (ended.path / "scores.json").unlink()
    with pytest.raises(UserError) as said:
        one_run(tmp_path, "forest")
    assert "fits 3 runs" in str(said.value)
    assert str(said.value).partition("; runs: ")[2] == (
        "traces-forest-1 (of 2026-01-01 10:00); traces-forest-2 (of 2026-01-02 11:30); "
        "traces-forest-3 (seed=1, interrupted)"
    )
    assert one_run(tmp_path, "forest-2").path.name == "traces-forest-2"
