"""ImageNet networks on scalograms: torchvision's arithmetic, weights from where they lie, faults said beforehand."""

import hashlib
import re
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision import models

from celltype_cli.cells import Cells
from celltype_cli.errors import UserError
from celltype_cli.models.scalogram_cnn import HEADS, ScalogramCNN
from celltype_cli.trainers.lightning import LightningTrainer

USUAL = {"channels": [0, 1, 0], "pixel_range": [-2.0, 2.4], "dropout": 0.3, "auxiliary": True, "pretrained": False,
         "weights": None}  # fmt: skip


def made(backbone, size=64, **changes):
    shapes = {"scalogram": (2, size, size) if isinstance(size, int) else (2, *size)}
    return ScalogramCNN(shapes, 4, backbone=backbone, **{**USUAL, **changes})


def torchvisions(backbone):
    """The network as torchvision makes it, with a thousand classes and numbers that no other initialisation gives."""
    torch.manual_seed(3)
    settings = {"init_weights": False, "transform_input": True} if backbone == "inception_v3" else {}
    network = models.get_model(backbone, weights=None, **settings).eval()
    for name, values in network.named_buffers():
        if values.is_floating_point():
            values.uniform_(0.5, 1.5) if "var" in name else values.uniform_(-0.1, 0.1)
    return network


def head_of(network, backbone):
    head = getattr(network, HEADS[backbone])
    return head[-1] if isinstance(head, torch.nn.Sequential) else head


@pytest.mark.parametrize(
    ("backbone", "auxiliary", "parameters"),
    [  # published for 1,000 classes, less that head, and four classes with a bias each
        ("mobilenet_v2", True, 3_504_872 - 1_281_000 + 4 * 1281),
        ("resnet18", True, 11_689_512 - 513_000 + 4 * 513),
        ("densenet121", True, 7_978_856 - 1_025_000 + 4 * 1025),
        ("inception_v3", True, 27_161_264 - 2_049_000 - 769_000 + 4 * 2049 + 4 * 769),
        # less the auxiliary classifier: 1 x 1 convolution from 768 to 128, 5 x 5 to 768, two batch norms, 1,000 classes
        ("inception_v3", False, 27_161_264 - 2_049_000 + 4 * 2049 - 98_304 - 2_457_600 - 2 * 896 - 769_000),
    ],
)
def test_backbones_have_their_published_size(backbone, auxiliary, parameters):
    with torch.device("meta"):
        network = made(backbone, 299, auxiliary=auxiliary)
    assert sum(values.numel() for values in network.parameters()) == parameters


def test_pixels_by_hand():
    network = made("resnet18")
    scalogram = torch.tensor([-2.0, 2.4]).reshape(1, 2, 1, 1)  # black at rheobase, white at rheobase + 40 pA
    red, green, blue = network.picture(scalogram).flatten().tolist()
    assert red == pytest.approx((0 - 0.485) / 0.229, abs=1e-5)
    assert green == pytest.approx((1 - 0.456) / 0.224, abs=1e-5)
    assert blue == pytest.approx((0 - 0.406) / 0.225, abs=1e-5)
    z_scores = torch.randn(1, 2, 300, 300, generator=torch.Generator().manual_seed(0))
    pictures = network.picture(z_scores)  # as ImageNet's are: mean 0 and sd 1 over all channels
    assert abs(pictures.mean()) < 0.1
    assert pictures.std() == pytest.approx(1, abs=0.05)


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
                           devices=1, patience=None, min_improvement=0.0, weights="last")  # fmt: skip


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


@pytest.mark.parametrize(
    ("backbone", "changes", "said"),
    [
        ("resnet50", {}, "model.backbone=resnet50 is none of mobilenet_v2, resnet18, densenet121, inception_v3, timm:"),
        ("resnet18", {"channels": [0, 1]}, "model.channels=[0, 1]: choose three of the sweeps 0 to 1"),
        ("resnet18", {"channels": [0, 1, 2]}, "model.channels=[0, 1, 2]"),
        ("resnet18", {"pixel_range": [1.0, 1.0]}, "model.pixel_range"),
        ("resnet18", {"dropout": 1.0}, "model.dropout: 1.0"),
        ("resnet18", {"weights": "here.pth"}, "choose one"),
        ("densenet121", {"size": (28, 40)}, "needs images of 29 x 29 or more, these scalograms are 28 x 40"),
        (
            "inception_v3",
            {"size": 224},
            "choose dataset.size=[299, 299], or model.auxiliary=false with 75 x 75 or more",
        ),
        ("inception_v3", {"size": 74, "auxiliary": False}, "needs images of 75 x 75 or more"),
        ("timm:resnte18", {}, "timm knows no resnte18"),
        ("timm:test_vit", {"size": 64}, "takes images of (160, 160) alone"),
    ],
)
def test_settings_that_do_not_fit_are_named(backbone, changes, said):
    with pytest.raises(ValueError, match=re.escape(said)), torch.device("meta"):
        made(backbone, **changes)


@pytest.mark.parametrize(
    ("backbone", "size", "auxiliary"),
    [("mobilenet_v2", 1, True), ("resnet18", 1, True), ("densenet121", 29, True), ("inception_v3", 75, False),
     ("inception_v3", 299, True), ("mobilenet_v2", (48, 96), True), ("timm:test_resnet", 64, True)],
)  # fmt: skip
def test_the_smallest_images_can_be_trained_on(backbone, size, auxiliary):
    with torch.device("meta"):
        network = made(backbone, size, auxiliary=auxiliary).train()
        size = (size, size) if isinstance(size, int) else size
        logits = network(torch.empty(2, 2, *size))
    first, *others = logits if isinstance(logits, tuple) else (logits,)
    assert first.shape == (2, 4)
    assert [other.shape for other in others] == ([(2, 4)] if backbone == "inception_v3" and auxiliary else [])


def test_the_auxiliary_classifier_is_for_training_alone():
    with torch.device("meta"):
        network = made("inception_v3", 299).eval()
        assert network(torch.empty(1, 2, 299, 299)).shape == (1, 4)


@pytest.mark.parametrize("backbone", [*HEADS, "timm:test_resnet"])
def test_dropout_stands_before_the_head_and_nowhere_else(backbone):
    with torch.device("meta"):
        network = made(backbone, 299, dropout=0.7)
    if backbone.startswith("timm:"):
        assert network.backbone.drop_rate == 0.7
        return
    active = [layer.p for layer in network.modules() if isinstance(layer, torch.nn.Dropout)]
    assert active == [0.7]
    assert isinstance(getattr(network.backbone, HEADS[backbone])[0], torch.nn.Dropout)


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
