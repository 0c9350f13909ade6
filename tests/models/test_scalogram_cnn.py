"""ImageNet networks on scalograms: their size, their pixels, what they take, and settings that do not fit."""

import re

import pytest
import torch
from made.backbones import made

from celltype_cli.models.scalogram_cnn import HEADS


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
            "choose prepare.size=[299, 299], or model.auxiliary=false with 75 x 75 or more",
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
