"""Runs as a list shows them: what each scored, how large it is, and which settings differ between those shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from celltype_cli.core.messages import UserError, few, nearest
from celltype_cli.evaluation.saved_scores import method
from celltype_cli.runs.folder import RunFolder
from celltype_cli.runs.identity import ELSEWHERE

CHOICES = ("dataset", "model", "split", "trainer")  # groups whose options a run is named after
# Settings of a node are compared among runs that chose the same options of these groups; others differ anyway.
COMPARED = {"dataset": ("dataset",), "prepare": ("dataset",), "split": ("split",), "model": ("model",),
            "trainer": ("trainer", "model")}  # fmt: skip
PARTS = {"checkpoints": ("fold_*/*.ckpt",), "models": ("fold_*/model", "bundle")}


@dataclass(frozen=True)
class Listed:
    """A run, its state ("finished", "running", "interrupted") and what is known of it."""

    folder: RunFolder
    facts: dict[str, Any]
    status: str

    @property
    def name(self) -> str:
        return self.folder.path.name

    @cached_property
    def score(self) -> dict[str, float] | None:
        """Returns balanced accuracy per cell with its interval; None of a run that is not finished."""
        return self.folder.scores()["cell"]["balanced_accuracy"] if self.status == "finished" else None

    @property
    def interval(self) -> str | None:
        """Names the method of the interval of `score`; None of a run that is not finished."""
        finished = self.status == "finished"
        return method(self.folder.scores(), self.facts["dataset"]["group"]) if finished else None

    @cached_property
    def bytes(self) -> dict[str, int]:
        """Returns what the folder occupies: all, and of it checkpoints and fitted models."""
        path = self.folder.path
        parts = {name: sum(size(at) for p in globs for at in path.glob(p)) for name, globs in PARTS.items()}
        return {"all": size(path), **parts}

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Returns all settings by dotted name, the chosen options under the names of their groups."""
        config = self.folder.config() if (self.folder.path / "config.yaml").exists() else {}
        chosen = {name: self.facts["labels"][name] for name in CHOICES if name in self.facts["labels"]}
        return {**dict(flat(config)), "seed": self.facts["seed"], **chosen, "status": self.status}


def listed(outputs: Path) -> tuple[list[Listed], list[str]]:
    """Returns the runs under an outputs folder, oldest first, and lines on what else is there."""
    folders, others = RunFolder.all(outputs)
    found = []
    for folder in folders:
        one = Listed(folder, folder.facts(), folder.status)
        try:
            _ = one.settings
        except UserError as error:  # which spoils no list
            others.append(f"{one.name} is passed over: {error}")
        else:
            found.append(one)
    return found, others


def size(path: Path) -> int:
    """Returns the bytes of a file, or of all files in a folder and below; links count for nothing."""
    files = (path, *path.rglob("*")) if path.is_dir() and not path.is_symlink() else (path,)
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())


def in_words(n_bytes: float) -> str:
    """Returns a number of bytes as people say it: 3 kB, 1.2 MB."""
    for unit in ("B", "kB", "MB"):
        if n_bytes < 999.5:
            return f"{n_bytes:.0f} {unit}" if n_bytes >= 10 or unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def flat(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields the settings of a config by dotted name; not what their values are built from."""
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        elif key not in ("_target_", "_partial_"):
            yield f"{prefix}{key}", value


def chosen(runs: Sequence[Listed], conditions: Iterable[str]) -> list[Listed]:
    """Returns the runs for which all conditions hold, such as `model=forest`, `seed=0,1` or `status=finished`.

    Raises:
        UserError: when no run has such a setting, or none has such a value.
    """
    for condition in conditions:
        key, _, text = condition.partition("=")
        if not runs:
            break
        having = [run for run in runs if key in run.settings]
        if not having:
            names = {name for run in runs for name in run.settings}
            raise UserError(f"{key} is no setting of these runs{nearest(key, names)}")
        wanted = {_word(value) for value in (text.split(",") if text[:1] not in "[{\"'" else [text])}
        found = [run for run in having if _word(run.settings[key]) in wanted]
        if not found:
            there = few(sorted({_word(run.settings[key]) for run in having}))
            raise UserError(f"no run has {condition}{nearest(text, there)}; there are: {', '.join(there)}")
        runs = found
    return [*runs]


def ordered(runs: Iterable[Listed], by: str) -> list[Listed]:
    """Sorts by score, best first; by size, largest first; by name; or by date, oldest first."""
    keys = {
        "score": lambda run: (-run.score["value"] if run.score else 1.0, run.name),
        "size": lambda run: (-run.bytes["all"], run.name),
        "name": lambda run: run.name,
        "date": lambda run: run.facts["started"],
    }
    return sorted(runs, key=keys[by])


def differing(runs: Sequence[Listed]) -> list[str]:
    """Names the settings in which runs differ, as far as they are compared (see COMPARED): options first."""
    found = [name for name in (*CHOICES, "seed") if len({_word(run.settings.get(name)) for run in runs}) > 1]
    by_model: dict[str, set[str]] = {}
    for run in runs:
        by_model.setdefault(run.settings.get("model", ""), set()).add(run.settings.get("trainer", ""))
    if "trainer" in found and all(len(trainers) == 1 for trainers in by_model.values()):
        found.remove("trainer")  # the model chose it
    values: dict[tuple[str, ...], set[str]] = {}
    for run in runs:
        for name, value in run.settings.items():
            if name in (*CHOICES, "seed", "status") or {*name.split(".")} & ELSEWHERE:
                continue
            alike = (str(run.settings.get(group)) for group in COMPARED.get(name.partition(".")[0], ()))
            values.setdefault((name, *alike), set()).add(_word(value))
    return [*found, *dict.fromkeys(name for (name, *_), several in values.items() if len(several) > 1)]


def _word(value: Any) -> str:
    """Returns a value as it is typed: numbers alike are alike, however they are written."""
    if isinstance(value, str):
        try:
            value = float(value)  # YAML takes 1e-3 as text
        except ValueError:
            with suppress(yaml.YAMLError):
                value = yaml.safe_load(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:.10g}"
    return f"[{','.join(map(_word, value))}]" if isinstance(value, list) else str(value).strip("\"'")


def pair(name: str, value: Any) -> str:
    """Returns a setting as it is typed."""
    return f"{name}={_word(value)}"
