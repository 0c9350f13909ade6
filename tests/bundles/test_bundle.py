"""Bundles: made of a run, and opened whole or not at all."""

import numpy as np
import pytest
import yaml
from made.bundles import command

from celltype_cli import load_bundle
from celltype_cli.bundles.sums import write_sums
from celltype_cli.core.messages import UserError


def test_what_a_bundle_holds_and_says(exported):
    names = {file.relative_to(exported).as_posix() for file in exported.rglob("*") if file.is_file()}
    models = {f"models/fold_{k}/{name}" for k in (1, 2, 3) for name in ("model.json", "estimator.skops")}
    assert names == {"bundle.yaml", "card.md", "checksums.txt", "training.npz", "held_out.csv", *models}
    about = load_bundle(exported).about
    assert about["classes"] == ["PV", "SOM"] and about["prepare"]["timesteps"] == 60
    assert about["prepare"]["sampling_rate"] == 30 and about["prepare"]["too_short"] == "error"
    assert about["scores"]["balanced_accuracy"]["value"] > 0.9 and about["scores"]["floor"]["accuracy"] == 0.5
    card = (exported / "card.md").read_text()
    assert "24 cells of 6 animals" in card and "balanced accuracy |" in card
    assert "Intervals: 95 %, jackknife over animals; the floor" in card


def test_one_model_on_all_cells(exported, place, tmp_path):
    outputs = f"outputs={place / 'outputs'}"
    assert command("export", "run=traces-forest", f"out={tmp_path / 'all'}", "fit=all", outputs) == 0
    assert load_bundle(tmp_path / "all").about["models"] == ["all"]
    assert len(load_bundle(tmp_path / "all").members) == 1


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda b: (b / "bundle.yaml").open("a").write("\n"), "bundle.yaml was changed"),
        (lambda b: (b / "models/fold_1/estimator.skops").write_bytes(b"x"), "estimator.skops was changed"),
        (lambda b: (b / "models/fold_1/model.json").unlink(), "model.json is missing"),
        (lambda b: (b / "models/extra.py").write_text("1"), "extra.py is not listed"),
        (lambda b: (b / "checksums.txt").unlink(), "checksums.txt cannot be read"),
        (lambda b: (b / "bundle.yaml").unlink(), "is no bundle"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_was_is_not_opened(bundle, spoil, said):
    spoil(bundle)
    with pytest.raises(UserError, match=said):
        load_bundle(bundle)


def test_what_file_browsers_leave_in_a_folder_stops_no_bundle(bundle):
    for name in (".DS_Store", "models/._fold_1", "Thumbs.db", "models/fold_1/desktop.ini"):
        (bundle / name).write_bytes(b"x")
    assert load_bundle(bundle).members


def test_a_folder_that_holds_a_bundle_is_told_which(bundle):
    with pytest.raises(UserError, match=rf"{bundle.parent} is no bundle, it has no bundle.yaml; {bundle} has one"):
        load_bundle(bundle.parent)


@pytest.mark.parametrize(
    "name", ["models/fold_1/model.pkl", "estimator.joblib", "models/extra.py", "bundle.yaml.pickle"]
)
def test_what_is_no_part_of_a_bundle_is_refused_whatever_its_checksums_say(bundle, name):
    (bundle / name).write_bytes(b"\x80\x04N.")
    write_sums(bundle)
    with pytest.raises(UserError, match=f"{name} is no part of a bundle"):
        load_bundle(bundle)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", "objects"])
def test_training_cells_that_cannot_be_read_are_named(bundle, content):
    if content == "objects":
        np.savez(bundle / "training.npz", names=np.array([{}], dtype=object))
    else:
        (bundle / "training.npz").write_bytes(content)
    write_sums(bundle)
    with pytest.raises(UserError, match=r"training\.npz cannot be read"):
        _ = load_bundle(bundle).training


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 1}, "has format 1; this version of celltype reads format 2"),
        ({"prepare": {"_target_": "os.system", "command": "true"}}, "os.system is neither"),
        ({"prepare": {"_target_": "celltype_cli.calcium.prepare.windows.__globals__"}}, "is neither"),
        ({"source": {"_target_": "celltype_cli.core.files.write_text"}}, "write_text is neither"),
        ({"prepare": {"_target_": "celltype_cli.calcium.prepare.gone"}}, "not in this version"),
        ({"classes": None}, "lacks classes"),
    ],
)
def test_a_bundle_made_by_others_calls_nothing_else(bundle, change, said):
    about = {**yaml.safe_load((bundle / "bundle.yaml").read_text()), **change}
    (bundle / "bundle.yaml").write_text(yaml.safe_dump({k: v for k, v in about.items() if v is not None}))
    write_sums(bundle)
    with pytest.raises(UserError, match=said):
        load_bundle(bundle)


@pytest.mark.parametrize(
    "content", ["a: [", "- 1", "a: &a [*a, *a]\nformat: 3", "!!python/object/apply:os.system [true]"]
)
def test_yaml_of_others(bundle, content):
    (bundle / "bundle.yaml").write_text(content)
    write_sums(bundle)
    with pytest.raises(UserError, match=str(bundle)):
        load_bundle(bundle)


def test_what_is_there_is_not_replaced_unasked(exported, place, tmp_path, capsys):
    outputs = f"outputs={place / 'outputs'}"
    assert command("export", "run=traces-forest", f"out={exported}", outputs) == 2
    assert "is a bundle already" in capsys.readouterr().err
    (tmp_path / "data").mkdir()
    assert command("export", "run=traces-forest", f"out={tmp_path / 'data'}", "overwrite=true", outputs) == 2
    assert "is no bundle" in capsys.readouterr().err
    assert command("export", "run=traces-forest", f"out={exported}", "overwrite=true", outputs) == 0


def test_a_copy_as_text_is_told_from_a_change(bundle):
    card = bundle / "card.md"
    card.write_bytes(card.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(UserError, match=r"card\.md has the line ends of Windows: copy it as it is"):
        load_bundle(bundle)


def test_a_bundle_of_a_later_version_is_said_to_be_one(bundle):
    about = bundle / "bundle.yaml"
    about.write_text(about.read_text().replace("format: 2", "format: 3"))
    (bundle / "more.json").write_text("{}")
    with pytest.raises(UserError, match="has format 3; this version of celltype reads format 2: open it with"):
        load_bundle(bundle)
