"""A search that is killed, stopped, shared by workers, or whose trials fail."""

import os

import pytest
from made.configs import compose
from made.search import LABELS, SPACE, config, drawn, records, run, table, wait_for, worker

from celltype_cli.core.messages import UserError
from celltype_cli.studies.search import search

pytestmark = pytest.mark.usefixtures("record")


def test_a_killed_worker_costs_nothing(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("PAUSE", "0.3")
    process = worker(tmp_path)
    wait_for(lambda: len(records()) >= 2 * 3 * 2 + 3, process)  # within the third trial
    process.kill()
    process.join()
    monkeypatch.delenv("PAUSE")
    with next(tmp_path.glob("searches/*/journal.jsonl")).open("a") as file:
        file.write('{"op_code":5,"worker_id":"cut sho')  # as if it had died while writing
    found = run(tmp_path)
    assert drawn(found) == drawn(finished[0])
    assert [trial.result.values for trial in found.done] == [trial.result.values for trial in finished[0].done]
    # What an uninterrupted search does, and the one training again that was cut off.
    assert len(records()) <= 6 * 3 * 2 + 2 + 1


def test_ctrl_c_leaves_a_search_that_goes_on(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("STOP_AT", "9")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    monkeypatch.delenv("STOP_AT")
    assert drawn(run(tmp_path)) == drawn(finished[0])


def test_two_workers_share_the_trials(tmp_path, monkeypatch):
    monkeypatch.setenv("PAUSE", "0.15")
    process = worker(tmp_path, n_trials=8)
    wait_for(records, process)
    found = run(tmp_path, n_trials=8)
    process.join(timeout=60)
    assert process.exitcode == 0
    assert len(found.done) == len(table(found)) == 8
    fits = [entry["pid"] for entry in records() if entry["what"] == "fit"]
    assert set(fits) == {os.getpid(), process.pid}
    assert len(fits) == 8 * 3 + 1  # one refit


def test_a_failing_trial_is_recorded_and_stops_no_other(tmp_path, capsys):
    found = run(tmp_path, space={"model": {**SPACE["model"], "broken": [True, False]}})
    failed = [trial for trial in found.done if not trial.result]
    assert 0 < len(failed) < 6
    assert all(trial.values["model.broken"] for trial in failed)
    assert {trial.reason for trial in failed} == {"ValueError: this setting"}
    lines = table(found)
    assert list(lines["failed"] != "") == list(lines["model.broken"]) == list(lines["accuracy"] == "")
    log = found.folder / f"trial_{failed[0].number}.log"
    assert "cannot be trained" in log.read_text()
    assert f"trial {failed[0].number}: failed: ValueError: this setting" in capsys.readouterr().out


def test_a_search_where_all_fail_says_why(tmp_path):
    cfg = config(tmp_path, n_trials=2)
    cfg.model.broken = True
    for _ in range(2):  # the second call only reads
        with pytest.raises(UserError, match="all 2 trials failed:\n  2 times: ValueError: this setting") as error:
            search.run(
                cfg,
                labels=LABELS,
                chosen=[],
                base=compose(
                    "train",
                ),
            )
        assert "delete" in str(error.value)
    assert len(records()) == 2
    assert not (tmp_path / "runs").exists()


def test_settings_that_move_the_hold_out_fail(tmp_path):
    found = run(tmp_path, n_trials=4, space={"dataset": {"animals": [10, 12]}})
    for trial in found.done:
        assert bool(trial.result) == (trial.values["dataset.animals"] == 10)
    assert "change which cells are held out" in next(trial.reason for trial in found.done if trial.reason)
