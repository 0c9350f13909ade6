"""Our network of a backbone, and torchvision's own, with weights that no initialisation gives."""

import torch
from torchvision import models

from celltype_cli.models.scalogram_cnn import ScalogramCNN

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
