"""Export: a bundle takes its place whole, also where one is there or another process makes it too."""

import shutil
from pathlib import Path

import pytest
import yaml
from made.bundles import command

from celltype_cli import load_bundle
from celltype_cli.bundles import export
from celltype_cli.bundles.sums import write_sums
from celltype_cli.core.states import SEALS, read_json, seal
from celltype_cli.runs.found import one_run


def test_a_bundle_is_there_whole_at_any_time(bundle, place, monkeypatch):
    run, rename = one_run(place / "outputs", "traces-forest"), Path.rename

    def fails(path, target):
        if (path / "bundle.yaml").is_file() and Path(target) == bundle and not path.name.endswith("-before"):
            raise OSError("no room")
        return rename(path, target)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="no room"):
        patch.setattr(Path, "rename", fails)
        export.export(run, bundle, overwrite=True)
    assert load_bundle(bundle).members
    assert [path.name for path in bundle.parent.iterdir()] == [bundle.name]


def test_of_two_processes_that_make_one_bundle_the_first_wins(place, tmp_path, monkeypatch):
    def sums(written):
        write_sums(written)
        shutil.copytree(written, tmp_path / "b")
        (tmp_path / "b" / "card.md").write_text("the first")
        write_sums(tmp_path / "b")

    monkeypatch.setattr(export, "write_sums", sums)
    export.export(one_run(place / "outputs", "traces-forest"), tmp_path / "b")
    assert (tmp_path / "b" / "card.md").read_text() == "the first"
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_data_that_are_gone_are_told_with_where_they_were_looked_for(exported, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (place / "traces.npz").rename(place / "moved.npz")
    try:
        for fit in ("folds", "all"):
            given = ("run=traces-forest", f"out={tmp_path / fit}", f"fit={fit}", f"outputs={place / 'outputs'}")
            assert command("export", *given) == 2 and not (tmp_path / fit).exists()
            assert "traces.npz, are not there: put them back" in capsys.readouterr().err
        assert command("explain", "run=traces-forest", f"outputs={place / 'outputs'}") == 2
        assert "traces.npz, are not there: put them back" in capsys.readouterr().err
    finally:
        (place / "moved.npz").rename(place / "traces.npz")


def test_a_run_on_finished_tables_is_no_bundle(exported, place, tmp_path, capsys):
    """As those of `sts_features`: their columns cannot be measured in new recordings."""
    run = one_run(place / "outputs", "traces-forest").path
    copied = shutil.copytree(run, tmp_path / "outputs/runs" / run.name)
    about = yaml.safe_load((copied / "config.yaml").read_text())
    about["prepare"] = {"_target_": "celltype_cli.cells.assemble.finished"}
    (copied / "config.yaml").write_text(yaml.safe_dump(about))
    seal(copied, read_json(copied / SEALS))
    for words in (("export", "run=traces-forest", f"out={tmp_path / 'b'}"), ("predict", "model=traces", "input=x")):
        assert command(*words, f"outputs={tmp_path / 'outputs'}") == 2
        said = capsys.readouterr().err
        assert "was trained on finished tables" in said and "(dataset=sweeps, dataset=traces, dataset=units)" in said
    assert {path.name for path in tmp_path.iterdir()} == {"outputs"}
