"""Export: a bundle takes its place whole, also where one is there or another process makes it too."""

import shutil
from pathlib import Path

import pytest

from celltype_cli import load_bundle
from celltype_cli.bundles import export
from celltype_cli.bundles.sums import write_sums
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
