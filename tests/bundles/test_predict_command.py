"""The command `predict`: what it writes and says, its exit codes, and what it refuses before anything is read."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from made import units
from made.bundles import command, write_traces

from celltype_cli.bundles.recordings import recordings_of
from celltype_cli.bundles.sums import write_sums


def test_the_command_and_its_exit_codes(exported, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_traces(tmp_path / "new.npz", n=4)
    assert command("predict", f"model={exported}", "input=new.npz") == 0
    assert len(pd.read_csv("new.npz-labels/cells.csv")) == 4
    said, page = " ".join(capsys.readouterr().out.split()), Path("new.npz-labels/page.html").read_text()
    assert "held-out labels right" in said and "held-out labels right" in page  # 24 cells, each rightly called
    assert "12 of 12" in said and page.count(">12 of 12<") == 2
    assert "where 24 of 24 held-out cells were right" in said and "where 24 of 24 held-out cells were right" in page
    trace = np.random.default_rng(1).standard_normal((2, 150))
    trace[1, 30:] = np.nan
    write_traces(tmp_path / "one.npz", n=2, trace=trace)
    assert command("predict", f"model={exported}", "input=one.npz", "out=answer") == 3
    assert "c1: its longest uninterrupted stretch" in capsys.readouterr().out.replace("\n", " ")
    write_traces(tmp_path / "short.npz", n=2, timesteps=20)
    assert command("predict", f"model={exported}", "input=short.npz", "out=none") == 2
    assert not (tmp_path / "none").exists()


def test_several_recordings_at_once(exported, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    trace = np.random.default_rng(1).standard_normal((2, 150))
    trace[1, 30:] = np.nan
    write_traces(tmp_path / "new.npz", n=4)
    write_traces(tmp_path / "one.npz", n=2, trace=trace)
    assert command("predict", "-m", f"model={exported}", "input=new.npz,one.npz") == 3  # as of the one alone
    out = capsys.readouterr().out
    table = out[out.rindex("job  settings") :].splitlines()
    assert table[0].split() == ["job", "settings", "status", "answer"]
    assert [line.split()[-1] for line in table[1:3]] == ["new.npz-labels", "one.npz-labels"]
    assert "celltype runs" not in out  # they are no runs
    assert command("predict", "-m", f"model={exported}", "input=new.npz,one.npz", "overwrite=true,false") == 2
    out = capsys.readouterr().out
    assert "2 of 4 jobs did not finish" in out and "does only those" not in out


def test_notes_on_the_recording_and_on_the_training_cells_are_told_apart(bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    about = yaml.safe_load((bundle / "bundle.yaml").read_text())
    about["data"]["notes"] = ["the old rig hummed"]
    (bundle / "bundle.yaml").write_text(yaml.safe_dump(about))
    write_sums(bundle)
    write_traces("new.npz", n=4)

    def with_note(*given, **settings):
        found = recordings_of(*given, **settings)
        return replace(found, about=replace(found.about, notes=("the new rig is quiet",)))

    monkeypatch.setattr("celltype_cli.bundles.recordings.recordings_of", with_note)
    assert command("predict", f"model={bundle}", "input=new.npz") == 0
    said, page = " ".join(capsys.readouterr().out.split()), Path("new.npz-labels/page.html").read_text()
    assert "note on this recording: the new rig is quiet" in said
    assert "note on the model's training cells: the old rig hummed" in said
    recording, model = page.split("On this recording:</p>")[1].split("On the model and its training cells:</p>")
    assert "the new rig is quiet" in recording and "the old rig hummed" in model
    assert "rig" not in model.replace("the old rig", "") and "the old rig" not in recording


def test_a_run_is_a_model_too(exported, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_traces(tmp_path / "new.npz", n=4)
    assert command("predict", "model=forest", "input=new.npz", f"outputs={place / 'outputs'}") == 0
    assert command("predict", f"model={exported}", "input=new.npz", "out=again") == 0
    run, mine = (pd.read_csv(tmp_path / name / "cells.csv") for name in ("new.npz-labels", "again"))
    pd.testing.assert_frame_equal(run, mine)


def test_a_picture_of_the_user_is_seen_before_anything_is_read(exported, tmp_path, capsys):
    (tmp_path / "answer").mkdir()
    (tmp_path / "answer" / "survival.png").write_text("mine")
    assert command("predict", f"model={exported}", f"input={tmp_path / 'none'}", f"out={tmp_path / 'answer'}") == 2
    assert "survival.png was not written by celltype" in capsys.readouterr().err


def test_a_recording_of_another_kind_is_told(exported, place, tmp_path, capsys):
    units.npz(tmp_path / "units.npz")
    for name in ("predict", "evaluate"):
        assert command(name, f"model={exported}", f"input={tmp_path / 'units.npz'}", f"out={tmp_path / 'o'}") == 2
        said = "units.npz is read with dataset=units: it takes a model that was trained on such"
        assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "o").exists()


def test_messages_name_the_input_as_it_was_typed(exported, place, tmp_path, capsys):
    (tmp_path / "notes.docx").touch()
    assert command("predict", f"model={exported}", f"input={tmp_path / 'notes.docx'}", f"out={tmp_path / 'o'}") == 2
    assert f"input={tmp_path / 'notes.docx'} ends in .docx" in capsys.readouterr().err


def test_a_model_that_is_nowhere_is_looked_for_as_bundle_and_as_run(tmp_path, capsys):
    (tmp_path / "x.npz").touch()
    words = (f"input={tmp_path / 'x.npz'}", f"out={tmp_path / 'o'}", f"outputs={tmp_path / 'outputs'}")
    assert command("predict", "model=gone", *words) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert (
        f"model=gone is no bundle: there is no such folder here, nor {tmp_path}/outputs/models/gone; as a run: " in said
    )
    assert "model=gone fits 0 runs" in said


def test_a_packed_bundle_and_a_file_of_one_are_told_what_to_type(bundle, tmp_path, capsys):
    write_traces(tmp_path / "new.npz", n=4)
    packed = shutil.make_archive(tmp_path / "packed", "zip", bundle)
    for model, said in ((packed, "unpack it"), (bundle / "bundle.yaml", f"type model={bundle}")):
        assert command("predict", f"model={model}", f"input={tmp_path / 'new.npz'}", f"out={tmp_path / 'o'}") == 2
        assert f"model={model} is a file, and a bundle is a folder: {said}" in " ".join(capsys.readouterr().err.split())


def test_a_place_that_cannot_be_written_to_is_told_before_anything_is_read(exported, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    ask = ("predict", f"model={exported}", f"input={tmp_path / 'none.npz'}")
    assert command(*ask, f"out={tmp_path / 'file/answer'}") == 2
    assert f"{tmp_path / 'file'} is a file; name a folder" in " ".join(capsys.readouterr().err.split())
    (tmp_path / "none.npz").touch()
    monkeypatch.setattr("celltype_cli.bundles.written.os.access", lambda place, mode: place != tmp_path)
    assert command(*ask, f"out={tmp_path / 'answer'}") == 2
    assert f"{tmp_path} may not be written to" in " ".join(capsys.readouterr().err.split())
    assert command(*ask, "write=true", "out=/tmp/answer") == 2  # beside the recordings, which may be read alone
    assert f"write=true input={tmp_path}: {tmp_path} may not be" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("frame_rate=ten", "dataset.frame_rate=ten is text, expected a number or null"),
        ("frame_rate=true", "dataset.frame_rate=true is true or false, expected a number or null"),
        ("dataset.classes=PV", "dataset.classes=PV is text, expected a list"),
        ("dataset.path=x", "dataset.path is no setting here: input= names the recordings"),
        ("dataset.neuropli=0", "dataset.neuropli is no setting of these recordings; nearest: neuropil"),
        ("sampling_rate=10", "dataset.sampling_rate is no setting of these recordings; meant: prepare.sampling_rate"),
        ("prepare.foo=1", "prepare.foo is no setting of these recordings; known here: prepare."),
        ("out=", "out= is empty, expected a path"),
    ],
)
def test_a_setting_typed_wrong_is_told_before_anything_is_read(exported, place, capsys, setting, said):
    assert command("predict", f"model={exported}", f"input={place / 'traces.npz'}", setting) == 2
    assert said in capsys.readouterr().err


def test_cells_that_are_refused_for_one_reason_are_told_once(exported, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    trace = 400 * (1 + 0.2 * np.abs(np.random.default_rng(0).standard_normal((9, 150))))
    write_traces(tmp_path / "raw.npz", n=9, trace=trace)
    assert command("predict", f"model={exported}", "input=raw.npz") == 2
    said = capsys.readouterr().err
    assert said.count("set prepare.signal=raw_to_dff") == 1 and "(and 8 alike)" in said
    assert command("predict", f"model={exported}", "input=raw.npz", "prepare.signal=raw_to_dff") == 0
