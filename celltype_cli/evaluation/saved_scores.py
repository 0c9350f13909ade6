"""Scores as a file: written whole, read with a check of what whoever shows them needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from celltype_cli.core.files import write_text
from celltype_cli.core.states import fitting, read_state

SHOWN = ("balanced_accuracy", "accuracy", "macro_f1", "weighted_f1", "log_loss", "brier")
LAYOUT = {"n_cells": int, "n_groups": int, "n_unknown": int, "n_folds": int, "interval": str, "notes": list}
for level in ("window", "cell"):
    LAYOUT |= {f"{level}.{name}.{end}": float for name in SHOWN for end in ("value", "low", "high")}
    LAYOUT |= {f"{level}.classes": dict, f"{level}.floor": dict}


def method(scores: Mapping[str, Any], group: str) -> str:
    """Names the method of the intervals of scores, to stand beside them."""
    return f"{scores['interval']} over {group}s"


def write_scores(values: dict, path: str | Path) -> None:
    """Writes scores as JSON, nan as null, whole or not at all."""
    plain = json.loads(json.dumps(values), parse_constant=lambda nan: None)
    write_text(path, json.dumps(plain, indent=2) + "\n")


def read_scores(path: str | Path) -> dict:
    """Reads what `write_scores` wrote, null as nan.

    Raises:
        UserError: when the file is missing or is no such file.
    """

    return _read(path, LAYOUT)


def read_confidence(path: str | Path) -> dict:
    """Reads what `write_scores` wrote of `evaluation.confidence`, null as nan.

    Raises:
        UserError: when the file is missing or is no such file.
    """
    return _read(path, {"temperature": float, "n_parts": int, "labels": list, "sets.words": str, "notes": list})


def _read(path: str | Path, layout: dict[str, type]) -> dict:
    def with_nan(entry: dict) -> dict:
        return {name: np.nan if value is None else value for name, value in entry.items()}

    def parse(file: Path) -> dict:
        return fitting(json.loads(file.read_text(encoding="utf-8"), object_hook=with_nan), layout)

    return read_state(Path(path), parse, "delete it, and train again: the same command makes it anew")
