"""How long the best settings are trained in the end, on the whole training part: as long as in the inner folds."""

from __future__ import annotations

from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from celltype_cli.studies.search.space import put
from celltype_cli.trainers.protocol import Fitted


def stops_early(cfg: DictConfig) -> bool:
    """Says whether the trainer chooses epochs or weights by validation cells."""
    return cfg.trainer.get("patience") is not None or cfg.trainer.get("keep") == "best"


def epochs_behind(cfg: DictConfig, fitted: Fitted) -> list[int]:
    """Returns the number of epochs behind the weights that predict, or nothing for models without epochs."""
    if not fitted.history:
        return []
    if cfg.trainer.get("keep") == "best":
        return [int(min(fitted.history, key=lambda row: row["valid_loss"])["epoch"])]
    return [int(fitted.history[-1]["epoch"])]


def final(cfg: DictConfig, epochs: list[int]) -> DictConfig:
    """Returns the config that trains once on the whole training part: nothing is held out, nothing stops early.

    Args:
        epochs: of the inner folds; their mean is trained, as Amprimo et al. 2025 do. Empty keeps the config's own.
    """
    values = {key: 0.0 for key in _fractions(OmegaConf.to_container(cfg.split), "split")}
    if stops_early(cfg):
        values |= {"trainer.patience": None, "trainer.keep": "last"}
        values |= {"trainer.epochs": int(np.mean(epochs) + 0.5)} if epochs else {}
    return put(cfg, {key: value for key, value in values.items() if OmegaConf.select(cfg, key) is not None})


def _fractions(split: dict[str, Any], prefix: str) -> list[str]:
    """Names every valid_fraction of a split and of the split within it."""
    own = [f"{prefix}.valid_fraction"] if "valid_fraction" in split else []
    inner_splits = {name: part for name, part in split.items() if isinstance(part, dict)}
    return own + [key for name, part in inner_splits.items() for key in _fractions(part, f"{prefix}.{name}")]
