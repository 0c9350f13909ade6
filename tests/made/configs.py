"""Shipped configs, composed as the command line does it, and what they describe."""

from functools import cache
from pathlib import Path

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from celltype_cli.core import configs
from celltype_cli.runs.build import cells_of

REPOSITORY = Path(__file__).parents[2]


def shipped():
    """Gives Hydra the shipped configs, as a command does, for what asks Hydra itself."""
    return initialize_config_dir(version_base="1.3", config_dir=str(configs.folder()))


@cache
def _composed(command, overrides):
    with shipped():
        return hydra_compose(command, overrides=list(overrides))


def compose(command: str, *overrides: str) -> DictConfig:
    """Composes the config of a command; each call gives a copy."""
    return OmegaConf.create(OmegaConf.to_container(_composed(command, overrides)))


def described(option: str, **changes: object) -> DictConfig:
    """Composes `dataset=<option>` with other settings, of the dataset or else of how it is prepared."""
    cfg = compose("data", f"dataset={option}")
    for name, value in changes.items():
        follows = name in [*cfg.prepare] and OmegaConf.is_interpolation(cfg.dataset, name)
        given = name in [*cfg.dataset] and not follows
        node = "dataset" if given else "prepare"  # a node itself denies what is ???
        assert name in [*cfg[node]], f"{option} has no setting {name}"
        OmegaConf.update(cfg, f"{node}.{name}", value, merge=isinstance(value, dict) and name in ("labels",))
    return cfg


def cells(option: str, **changes: object):
    """Reads and prepares a dataset, with other settings as in `described`."""
    return cells_of(described(option, **changes))


def recordings(option: str, **changes: object):
    """Reads a dataset without preparing it."""
    return configs.build(described(option, **changes).dataset)
