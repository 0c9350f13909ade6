"""Fitted models as files: the same probabilities from them, and nothing else is built from them."""

import json
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from made.fusion import TINY, units
from made.training import RNN, TRAIN, fit, lightning, sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from celltype_cli.core.messages import UserError
from celltype_cli.models.cnn1d import CNN1d
from celltype_cli.trainers import kept


def fitted(model):
    return fit(sklearn(inputs=["trace"]), Path(), model).predict


@pytest.fixture
def network(tmp_path):
    predict = fit(lightning(epochs=1), tmp_path / "fit", RNN).predict
    assert kept.keep(predict, tmp_path / "model") == ""
    return predict, tmp_path / "model"


def test_a_network_comes_back_to_the_bit(network):
    predict, folder = network
    assert {file.name for file in folder.iterdir()} == {"model.json", "weights.safetensors"}
    torch.manual_seed(1)
    np.testing.assert_array_equal(kept.load(folder)(TRAIN), predict(TRAIN))


@pytest.mark.parametrize("model", [partial(RandomForestClassifier, n_estimators=5), LogisticRegression])
def test_an_estimator_comes_back_to_the_bit(tmp_path, model):
    predict = fitted(model)
    assert kept.keep(predict, tmp_path) == ""
    np.testing.assert_array_equal(kept.load(tmp_path)(TRAIN), predict(TRAIN))


def test_views_come_back(tmp_path):
    trainer = sklearn(inputs=["trace"], views=[["trace"], ["trace"]])
    predict = fit(trainer, Path(), partial(RandomForestClassifier, n_estimators=3)).predict
    assert kept.keep(predict, tmp_path) == ""
    np.testing.assert_array_equal(kept.load(tmp_path)(TRAIN), predict(TRAIN))


@pytest.mark.parametrize("library", ["lightgbm.LGBMClassifier", "xgboost.XGBClassifier", "catboost.CatBoostClassifier"])
def test_boosted_trees_come_back(tmp_path, library):
    package, _, name = library.partition(".")
    estimator = getattr(pytest.importorskip(package), name)
    settings = {"n_estimators": 3, **({"verbose": 0, "allow_writing_files": False} if package == "catboost" else {})}
    predict = fitted(partial(estimator, **settings))
    assert kept.keep(predict, tmp_path) == ""
    np.testing.assert_array_equal(kept.load(tmp_path)(TRAIN), predict(TRAIN))


def test_what_was_trained_on_many_cores_predicts_on_one(tmp_path):
    """The members of a vote, and what a calibration holds, are fitted copies of what was asked for."""
    forest = partial(RandomForestClassifier, n_estimators=2, n_jobs=2)
    calibrated = CalibratedClassifierCV(forest(), cv=2, n_jobs=2)
    members = [("forest", forest()), ("nested", make_pipeline(calibrated))]
    predict = fitted(partial(VotingClassifier, members, voting="soft", n_jobs=2))
    assert kept.keep(predict, tmp_path) == ""
    again = kept.load(tmp_path)
    np.testing.assert_array_equal(again(TRAIN), predict(TRAIN))
    vote = again.pipeline.steps[-1][1]
    first, second = vote.estimators_
    inside = second.steps[-1][1].calibrated_classifiers_
    assert [part.n_jobs for part in (vote, first, *(of.estimator for of in inside))] == [1] * 4


class Foreign(LogisticRegression):
    """Somebody's own estimator."""


def test_models_of_other_packages_are_not_kept(tmp_path):
    assert "Foreign" in kept.keep(fitted(Foreign), tmp_path)
    assert not kept.is_kept(tmp_path) and not list(tmp_path.glob("*.skops"))


def edit(folder, **changes):
    file = folder / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


@pytest.mark.parametrize(
    "target", ["os.system", "celltype_cli.core.files.write_text", "celltype_cli.models.cnn1d.torch", "torch.nn.Linear",
               "celltype_cli.models.cnn1d.nn.Linear", "celltype_cli.models...core.files.write_text", ""],
)  # fmt: skip
def test_only_networks_of_ours_are_built(network, target):
    _, folder = network
    edit(folder, model={"target": target, "settings": {}})
    with pytest.raises(UserError, match="is no network|cannot be built"):
        kept.load(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [("model.json", b"{"), ("model.json", b"[]"), ("weights.safetensors", b"no"), ("weights.safetensors", b"")],
)
def test_damaged_networks_are_named(network, name, content):
    _, folder = network
    (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=str(folder)):
        kept.load(folder)


def test_weights_of_another_shape_are_refused(network):
    _, folder = network
    edit(folder, n_classes=7)
    with pytest.raises(UserError, match="cannot be built again"):
        kept.load(folder)


def test_an_estimator_with_a_foreign_type_or_a_pickle_is_not_opened(tmp_path):
    predict = fitted(LogisticRegression)
    kept.keep(predict, tmp_path)
    file = tmp_path / kept.ESTIMATOR
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = members["schema.json"].decode().replace("EmptyColumns", "Evil")
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {**members, "schema.json": schema.encode()}.items():
            archive.writestr(name, content)
    with pytest.raises(UserError, match="celltype_cli.trainers.sklearn.Evil, which is not built from files"):
        kept.load(tmp_path)
    file.write_bytes(b"\x80\x04\x95")  # how a pickle begins
    with pytest.raises(UserError, match="cannot be read as an estimator"):
        kept.load(tmp_path)


def test_how_a_model_is_described():
    made_by = {"target": "celltype_cli.models.cnn1d.CNN1d", "settings": {"width": 3}}
    assert kept.described(partial(CNN1d, width=3), TRAIN) == {
        "model": made_by, "shapes": {"trace": (1, 60)}, "n_classes": 3
    }  # fmt: skip


def test_a_network_of_several_inputs_comes_back(tmp_path):
    cells = units(18, names=("waveform", "acg", "layer"))
    predict = fit(lightning(epochs=1), tmp_path / "fit", TINY, cells, cells[np.arange(0)]).predict
    assert kept.keep(predict, tmp_path / "model") == ""
    assert "celltype_cli.models.fusion.Fusion" in (tmp_path / "model" / "model.json").read_text()
    np.testing.assert_allclose(kept.load(tmp_path / "model")(cells), predict(cells), rtol=0, atol=1e-6)
