"""ImageNet networks on scalograms, all layers trained.

Paper: Amprimo et al. 2025, "Spike Train Scalograms (STS)", IEEE EMBC: MobileNetV2, ResNet18, DenseNet121 and Inception
v3 of torchvision with ImageNet weights, a new head with dropout before it, images of 224 x 224 pixels (Inception: 299 x
299), the scalograms at rheobase, rheobase + 40 pA and rheobase again as red, green and blue.

Pixels: ImageNet weights expect pixels from 0 (black) to 1 (white), less the mean and over the standard deviation that
ImageNet's pixels have in each channel; the paper says that it does so, its code does not. A scalogram has no black and
white. It arrives here as z-scores over the training cells, and `pixel_range` says which z-scores are black and white.
ImageNet's pixels have mean 0.45 and sd 0.225, so black lies 2.0 of their sd below their mean and white 2.4 above it:
with [-2, 2.4] scalograms have the mean and the contrast of the pictures that the weights were made for. Values beyond
are kept, not clipped. Mean and sd are read from the transform that torchvision or timm keeps with the weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import torch
from annotated_types import Ge, Interval, Len
from jaxtyping import Float
from torch import Tensor, nn

from celltype_cli.models import imagenet_weights

HEADS = {"mobilenet_v2": "classifier", "resnet18": "fc", "densenet121": "classifier", "inception_v3": "fc"}


class ScalogramCNN(nn.Module):
    """Makes pictures of scalograms and classifies them with a network made for ImageNet.

    Args:
        shapes: {"scalogram": (sweeps, frequencies, times)}.
        n_classes: number of logits.
        backbone: a name in HEADS, from torchvision, or "timm:<name>".
        channels: which sweep is red, green and blue.
        pixel_range: z-scores of the input that are black and white.
        dropout: probability, before the head.
        auxiliary: whether Inception v3 has its auxiliary classifier in training; other backbones have none.
        pretrained: start from weights, ImageNet's unless `weights` names others, else from random ones. The head is
            random in any case.
        weights: file with a state dict of the backbone (torch.save or safetensors); None for ImageNet's in torch's or
            Hugging Face's cache. Nothing is downloaded.

    Raises:
        ValueError: for settings that do not fit each other or the shapes.
        OSError: when weights are not there, damaged, or of another network.
        ImportError: without torchvision, or without timm where it is asked for.
    """

    def __init__(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        n_classes: int,
        *,
        backbone: str,
        channels: Annotated[Sequence[Annotated[int, Ge(0)]], Len(3, 3)],
        pixel_range: Annotated[Sequence[float], Len(2, 2)],
        dropout: Annotated[float, Interval(ge=0, lt=1)],
        auxiliary: bool,
        pretrained: bool,
        weights: str | Path | None,
    ) -> None:
        super().__init__()
        self.ready(backbone=backbone, pretrained=pretrained, weights=weights)
        _check(shapes["scalogram"], channels, pixel_range, dropout)
        size, from_timm = shapes["scalogram"][1:], backbone.startswith("timm:")
        made = _timm(backbone, size, dropout) if from_timm else _torchvision(backbone, size, auxiliary, pretrained)
        if pretrained:
            imagenet_weights.load(made.network, made.heads, backbone, Path(weights) if weights else None)
        if from_timm:
            made.network.reset_classifier(n_classes)
        else:
            _replace_heads(made.network, HEADS[backbone], n_classes, dropout, auxiliary)
        self.backbone = made.network.to(memory_format=torch.channels_last)  # MobileNetV2 trains 1.6 times as fast
        self.channels = list(channels)
        mean, sd = (torch.tensor(values).reshape(3, 1, 1) for values in (made.mean, made.sd))
        low, high = pixel_range
        self.register_buffer("scale", 1 / ((high - low) * sd))
        self.register_buffer("shift", (-low / (high - low) - mean) / sd)

    @staticmethod
    def ready(*, backbone: str, pretrained: bool, weights: str | Path | None, **_: Any) -> None:
        """Raises what is known to fail before any cell is read: an unknown backbone, no library, no weights."""
        if not backbone.startswith("timm:") and backbone not in HEADS:
            raise ValueError(f"model.backbone={backbone} is none of {', '.join(HEADS)}, timm:<name>")
        if weights and not pretrained:
            raise ValueError("model.weights names a file, model.pretrained=false asks for random weights: choose one")
        imagenet_weights.published(backbone)
        if pretrained:
            imagenet_weights.located(backbone, Path(weights) if weights else None)

    def forward(
        self, scalogram: Float[Tensor, "row sweep frequency time"]
    ) -> Float[Tensor, "row class"] | tuple[Float[Tensor, "row class"], Float[Tensor, "row class"]]:
        """Returns logits; in training, Inception v3 returns those of its auxiliary classifier too."""
        logits = self.backbone(self.picture(scalogram))
        return tuple(logits) if isinstance(logits, tuple) else logits

    def picture(self, scalogram: Float[Tensor, "row sweep frequency time"]) -> Float[Tensor, "row 3 frequency time"]:
        """Returns what the backbone sees: pixels less ImageNet's mean over its sd, channels last in memory."""
        pixels = scalogram[:, self.channels] * self.scale + self.shift
        return pixels.contiguous(memory_format=torch.channels_last)


class Made(NamedTuple):
    """A network with random weights, the names of its heads, and mean and sd of the pixels of its ImageNet weights."""

    network: nn.Module
    heads: Sequence[str]
    mean: Sequence[float]
    sd: Sequence[float]


def _check(shape, channels, pixel_range, dropout) -> None:
    if len(shape) != 3:
        raise ValueError(f"scalograms of shape {shape}; expected (sweep, frequency, time)")
    if len(channels) != 3 or not all(0 <= sweep < shape[0] for sweep in channels):
        raise ValueError(f"model.channels={list(channels)}: choose three of the sweeps 0 to {shape[0] - 1}")
    if len(pixel_range) != 2 or not pixel_range[0] < pixel_range[1]:
        raise ValueError(f"model.pixel_range={list(pixel_range)}: expected [black, white], the lower first")
    if not 0 <= dropout < 1:
        raise ValueError(f"model.dropout: {dropout} is not in [0, 1)")


def _torchvision(name: str, size: tuple[int, ...], auxiliary: bool, pretrained: bool) -> Made:
    from torchvision import models

    imagenet = models.get_model_weights(name).DEFAULT
    transform, smallest, wish = imagenet.transforms(), imagenet.meta["min_size"][0], ""
    settings: dict[str, Any] = {}
    if name == "inception_v3":
        # Its weights came from TensorFlow with other pixels, and it converts torchvision's; random weights do not mind.
        settings = {"transform_input": True, "init_weights": not pretrained}
        if auxiliary:  # its last convolution spans all that is left of the image
            wish = f", or model.auxiliary=false with {smallest} x {smallest} or more"
            smallest = transform.crop_size[0]
    if min(size) < smallest:
        raise ValueError(
            f"{name} needs images of {smallest} x {smallest} or more, these scalograms are {size[0]} x {size[1]}: "
            f"choose prepare.size=[{smallest}, {smallest}]{wish}"
        )
    network = models.get_model(name, weights=None, **settings)
    return Made(network, [HEADS[name], "AuxLogits.fc"], transform.mean, transform.std)


def _timm(backbone: str, size: tuple[int, ...], dropout: float) -> Made:
    import timm

    network = timm.create_model(backbone.removeprefix("timm:"), pretrained=False, drop_rate=dropout)  # before its head
    about = network.pretrained_cfg
    if about.get("fixed_input_size") and tuple(size) != tuple(about["input_size"][1:]):
        raise ValueError(f"{backbone} takes images of {about['input_size'][1:]} alone: choose that for prepare.size")
    heads = [about["classifier"]] if isinstance(about["classifier"], str) else about["classifier"]
    return Made(network, heads, about["mean"], about["std"])


def _replace_heads(network: nn.Module, head: str, n_classes: int, dropout: float, auxiliary: bool) -> None:
    old = getattr(network, head)
    width = old[-1].in_features if isinstance(old, nn.Sequential) else old.in_features  # MobileNetV2 has dropout there
    setattr(network, head, nn.Sequential(nn.Dropout(dropout), nn.Linear(width, n_classes)))
    if hasattr(network, "AuxLogits"):
        network.dropout = nn.Identity()  # Inception's own, before the head
        network.aux_logits = auxiliary
        if auxiliary:
            network.AuxLogits.fc = nn.Linear(network.AuxLogits.fc.in_features, n_classes)
        else:
            network.AuxLogits = None
