"""Weights of ImageNet networks: from where they lie, with torchvision's arithmetic, faults said beforehand."""

import hashlib
import re
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from made.backbones import USUAL, made, torchvisions
from safetensors.torch import save_file
from torchvision import models

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError
from celltype_cli.models.scalogram_cnn import HEADS, ScalogramCNN
from celltype_cli.trainers.lightning import LightningTrainer
from celltype_cli.trainers.tasks import Supervised


def head_of(network, backbone):
    head = getattr(network, HEADS[backbone])
    return head[-1] if isinstance(head, torch.nn.Sequential) else head


@pytest.mark.parametrize("backbone", HEADS)
def test_weights_of_a_file_make_torchvisions_network(backbone, tmp_path):
    theirs, file = torchvisions(backbone), tmp_path / "weights.pth"
    state = theirs.state_dict()
    if backbone == "densenet121":  # as its published file has them
        state = {re.sub(r"(denselayer\d+\.\w+?)(\d)\.", r"\1.\2.", name): values for name, values in state.items()}
        assert any("denselayer1.norm.1." in name for name in state)
    torch.save(state, file)
    # Pixels from 0 to 1 as they are; Inception without its auxiliary classifier takes images smaller than its own.
    settings = {"pretrained": True, "weights": str(file), "pixel_range": [0.0, 1.0], "auxiliary": False}
    ours = made(backbone, 75, **settings).eval()
    for old, new in zip(head_of(theirs, backbone).parameters(), head_of(ours.backbone, backbone).parameters()):
        assert not torch.equal(old[:4], new)
        new.data = old.data[:4].clone()
    image = torch.rand(2, 2, 75, 75, generator=torch.Generator().manual_seed(0))
    transform = models.get_model_weights(backbone).DEFAULT.transforms()
    mean, sd = (torch.tensor(values).reshape(3, 1, 1) for values in (transform.mean, transform.std))
    with torch.inference_mode():
        expected = theirs((image[:, [0, 1, 0]] - mean) / sd)[:, :4]
        torch.testing.assert_close(ours(image), expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


@pytest.mark.parametrize("format", ["pth", "safetensors", "half"])
def test_formats_of_weights(format, tmp_path):
    theirs = torchvisions("resnet18")
    file = tmp_path / f"weights.{format.replace('half', 'pth')}"
    if format == "safetensors":
        save_file(theirs.state_dict(), file)
    else:
        torch.save((theirs.half() if format == "half" else theirs).state_dict(), file)
    ours = made("resnet18", pretrained=True, weights=str(file))
    found, expected = ours.backbone.layer3[0].conv1.weight, theirs.layer3[0].conv1.weight
    assert found.dtype is torch.float32
    assert torch.equal(found, expected.float())


def in_cache(monkeypatch, folder, content):
    """Puts a file into torch's cache, and has torchvision name it with its hash, as it names its own files."""
    monkeypatch.setenv("TORCH_HOME", str(folder))
    checkpoints = folder / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    written = checkpoints / "new"
    torch.save(content, written)
    name = f"resnet18-{hashlib.sha256(written.read_bytes()).hexdigest()[:8]}.pth"
    known = models.get_model_weights("resnet18").DEFAULT
    told = SimpleNamespace(url=f"https://example.org/{name}", transforms=known.transforms, meta=known.meta)
    monkeypatch.setattr(models, "get_model_weights", lambda _: SimpleNamespace(DEFAULT=told))
    return written.rename(checkpoints / name)


def test_imagenet_weights_come_from_torchs_cache(monkeypatch, tmp_path):
    theirs = torchvisions("resnet18")
    in_cache(monkeypatch, tmp_path, theirs.state_dict())
    assert torch.equal(made("resnet18", pretrained=True).backbone.conv1.weight, theirs.conv1.weight)


def test_a_number_in_the_name_of_ones_own_file_is_no_hash(tmp_path):
    theirs = torchvisions("resnet18")
    torch.save(theirs.state_dict(), tmp_path / "ours-20261121.pth")
    ours = made("resnet18", pretrained=True, weights=str(tmp_path / "ours-20261121.pth"))
    assert torch.equal(ours.backbone.conv1.weight, theirs.conv1.weight)


def test_a_damaged_download_is_said(monkeypatch, tmp_path):
    file = in_cache(monkeypatch, tmp_path, torchvisions("resnet18").state_dict())
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(OSError, match="resnet18-.{8}.pth is damaged: its SHA-256 begins with"):
        made("resnet18", pretrained=True)


CELLS = Cells(
    {"scalogram": np.random.default_rng(0).random((4, 2, 64, 64), dtype=np.float32)},
    np.arange(4), np.arange(4).astype(str), np.arange(4).astype(str), ("Pvalb", "Excitatory", "Vip/Lamp5", "Sst"),
)  # fmt: skip
TRAINER = LightningTrainer(epochs=1, batch_size=2, lr=0.001, betas=(0.9, 0.999), precision="fp32", accelerator="cpu",
                           devices=1, patience=None, min_improvement=0.0, keep="last",
                           stages={"supervised": {"task": Supervised}})  # fmt: skip


def check(backbone, **changes):
    settings = {**USUAL, **changes}
    TRAINER.check(partial(ScalogramCNN, backbone=backbone, **settings), CELLS, any_valid=False)


@pytest.mark.parametrize(
    ("backbone", "file"),
    [
        ("mobilenet_v2", "mobilenet_v2-7ebf99e0.pth"),
        ("resnet18", "resnet18-f37072fd.pth"),
        ("densenet121", "densenet121-a639ec97.pth"),
    ],
)
def test_weights_that_are_nowhere_are_asked_for(backbone, file, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UserError) as error:
        check(backbone, pretrained=True)
    said = str(error.value)
    assert (
        f"curl -L --create-dirs -o {tmp_path}/hub/checkpoints/{file} https://download.pytorch.org/models/{file}" in said
    )
    assert "model.weights=<file>" in said
    assert "model.pretrained=false" in said
    assert not list(tmp_path.iterdir())


def test_the_check_looks_at_weights_but_does_not_fill_the_network(tmp_path, recwarn):
    torch.save(torchvisions("resnet18").state_dict(), tmp_path / "weights.pth")
    check("resnet18", pretrained=True, weights=str(tmp_path / "weights.pth"))
    with torch.device("meta"):
        network = made("resnet18", pretrained=True, weights=str(tmp_path / "weights.pth"))
    assert all(values.is_meta for values in network.parameters())
    assert not [warning for warning in recwarn if "meta" in str(warning.message)]


RESNET = torchvisions("resnet18").state_dict()
FAULTY = {
    "mobilenet.pth": torchvisions("mobilenet_v2").state_dict(),
    "grey.pth": {**RESNET, "conv1.weight": torch.zeros(64, 1, 7, 7)},
    "checkpoint.pth": {"epoch": 3, "state_dict": {"fc.bias": torch.zeros(3)}},
    "pickle.pth": partial(print),
}


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (
            "mobilenet.pth",
            "holds no weights of resnet18: of 120 arrays 100 are missing and 0 have another shape, first ",
        ),
        ("grey.pth", "of 120 arrays 0 are missing and 1 have another shape, first conv1.weight"),
        ("checkpoint.pth", "holds no state dict"),
        ("pickle.pth", "cannot be read as weights"),
        ("text.pth", "cannot be read as weights"),
        ("text.safetensors", "cannot be read as weights"),
        ("none.pth", "there is no such file"),
    ],
)
def test_files_that_hold_no_such_weights_are_named(file, said, tmp_path):
    if file in FAULTY:
        torch.save(FAULTY[file], tmp_path / file)
    elif file != "none.pth":
        (tmp_path / file).write_text("no weights")
    with pytest.raises(UserError) as error:
        check("resnet18", pretrained=True, weights=str(tmp_path / file))
    assert str(tmp_path / file) in str(error.value)
    assert said in str(error.value)


def test_timms_networks_take_weights_of_a_file(tmp_path):
    import timm

    torch.manual_seed(5)
    theirs = timm.create_model("test_resnet", pretrained=False)
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    ours = made("timm:test_resnet", pretrained=True, weights=str(tmp_path / "model.safetensors"))
    body = {name: values for name, values in theirs.state_dict().items() if not name.startswith("fc.")}
    found = ours.backbone.state_dict()
    assert all(torch.equal(found[name], values) for name, values in body.items())
    assert found["fc.weight"].shape[0] == 4


def test_timms_weights_that_are_nowhere_are_asked_for(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"hf download timm/test_resnet\.r160_in1k model\.safetensors"):
        check("timm:test_resnet", pretrained=True)
