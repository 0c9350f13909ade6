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

import hashlib
import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

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
        channels: Sequence[int],
        pixel_range: Sequence[float],
        dropout: float,
        auxiliary: bool,
        pretrained: bool,
        weights: str | Path | None,
    ) -> None:
        super().__init__()
        _check(shapes["scalogram"], channels, pixel_range, dropout, pretrained, weights)
        size, from_timm = shapes["scalogram"][1:], backbone.startswith("timm:")
        made = _timm(backbone, size, dropout) if from_timm else _torchvision(backbone, size, auxiliary, pretrained)
        if pretrained:
            _load(made, Path(weights) if weights else None, backbone)
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
    """A network with random weights, the names of its heads, and of its ImageNet weights the mean and sd of their
    pixels, their file, None where it is nowhere, and the command that gets it."""

    network: nn.Module
    heads: Sequence[str]
    mean: Sequence[float]
    sd: Sequence[float]
    file: Path | None
    how: str


def _check(shape, channels, pixel_range, dropout, pretrained, weights) -> None:
    if len(shape) != 3:
        raise ValueError(f"scalograms of shape {shape}; expected (sweep, frequency, time)")
    if len(channels) != 3 or not all(0 <= sweep < shape[0] for sweep in channels):
        raise ValueError(f"model.channels={list(channels)}: choose three of the sweeps 0 to {shape[0] - 1}")
    if len(pixel_range) != 2 or not pixel_range[0] < pixel_range[1]:
        raise ValueError(f"model.pixel_range={list(pixel_range)}: expected [black, white], the lower first")
    if not 0 <= dropout < 1:
        raise ValueError(f"model.dropout: {dropout} is not in [0, 1)")
    if weights and not pretrained:
        raise ValueError("model.weights names a file and model.pretrained=false asks for random weights: choose one")


def _torchvision(name: str, size: tuple[int, ...], auxiliary: bool, pretrained: bool) -> Made:
    if name not in HEADS:
        raise ValueError(f"model.backbone={name} is none of {', '.join(HEADS)}, timm:<name>")
    try:
        from torchvision import models
    except ImportError as error:
        raise ImportError(f"torchvision is missing ({error}): pip install celltype[vision]") from error
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
            f"choose dataset.size=[{smallest}, {smallest}]{wish}"
        )
    file = Path(torch.hub.get_dir()) / "checkpoints" / imagenet.url.rpartition("/")[2]
    how = f"curl -L --create-dirs -o {file} {imagenet.url}"
    network = models.get_model(name, weights=None, **settings)
    return Made(network, [HEADS[name], "AuxLogits.fc"], transform.mean, transform.std, file, how)


def _timm(backbone: str, size: tuple[int, ...], dropout: float) -> Made:
    try:
        import timm
        from huggingface_hub import try_to_load_from_cache
    except ImportError as error:
        raise ImportError(f"timm is missing ({error}): pip install celltype[vision]") from error
    name = backbone.removeprefix("timm:")
    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"*{name.partition('.')[0]}*")[:5]) or "see timm.list_models()"
        raise ValueError(f"model.backbone={backbone}: timm knows no {name}; {close}")
    network = timm.create_model(name, pretrained=False, drop_rate=dropout)  # before its head
    about = network.pretrained_cfg
    if about.get("fixed_input_size") and tuple(size) != tuple(about["input_size"][1:]):
        raise ValueError(f"{backbone} takes images of {about['input_size'][1:]} alone: choose that for dataset.size")
    file = try_to_load_from_cache(str(about.get("hf_hub_id")), "model.safetensors")
    how = f"hf download {about.get('hf_hub_id')} model.safetensors"
    heads = [about["classifier"]] if isinstance(about["classifier"], str) else about["classifier"]
    return Made(network, heads, about["mean"], about["std"], Path(file) if isinstance(file, str) else None, how)


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


def _load(made: Made, given: Path | None, backbone: str) -> None:
    """Loads all weights but those of heads; of a network on the meta device, only their names and shapes are checked.

    Raises:
        OSError: when the file, `given` or ImageNet's, is not there, cannot be read, or is of another network.
    """
    file = given or made.file
    if given and not given.is_file():
        raise FileNotFoundError(f"model.weights={given}: there is no such file")
    if file is None or not file.is_file():
        raise FileNotFoundError(
            f"the ImageNet weights of {backbone} are not on this computer; choose one:\n  get them once: {made.how}\n"
            "  name a file: model.weights=<file>\n  start at random: model.pretrained=false"
        )
    # DenseNet's published weights still call norm.1 what is norm1 now.
    state = _read(file, made.file)
    state = {re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)\.", r"\1\2.", name): w for name, w in state.items()}
    heads = tuple(f"{head}." for head in made.heads)
    wanted = {name: w.shape for name, w in made.network.state_dict().items() if not name.startswith(heads)}
    missing = [n for n in wanted if n not in state and not n.endswith("num_batches_tracked")]
    other = [n for n in wanted if n in state and state[n].shape != wanted[n]]
    if missing or other:
        raise OSError(
            f"{file} holds no weights of {backbone}: of {len(wanted)} arrays {len(missing)} are missing and "
            f"{len(other)} have another shape, first {(missing + other)[0]}"
        )
    if not next(made.network.parameters()).is_meta:
        made.network.load_state_dict({name: state[name] for name in wanted if name in state}, strict=False)


def _read(file: Path, published: Path | None) -> dict[str, Tensor]:
    """Reads a state dict, and makes sure of the hash in the name of a file that torchvision published."""
    named = re.search(r"-([0-9a-f]{8,})\.pth$", file.name)
    if named and published and file.name == published.name:
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if not found.startswith(named[1]):
            raise OSError(f"{file} is damaged: its SHA-256 begins with {found[:8]}, not as its name ends; get it again")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if file.suffix == ".safetensors":
            return load_file(file, device="cpu")
        state = torch.load(file, weights_only=True, map_location="cpu")
    except (pickle.UnpicklingError, SafetensorError, RuntimeError, EOFError, ValueError) as error:
        raise OSError(f"{file} cannot be read as weights: {str(error).splitlines()[0]}") from error
    if not isinstance(state, dict) or not all(isinstance(values, Tensor) for values in state.values()):
        raise OSError(f"{file} holds no state dict, which torch.save(network.state_dict(), file) writes")
    return state
