"""Finds a run by part of its name."""

from __future__ import annotations

from pathlib import Path

from celltype_cli.core.messages import UserError, few
from celltype_cli.runs.folder import RunFolder


def one_run(outputs: Path, wanted: str, key: str = "run") -> RunFolder:
    """Returns the only run whose folder's name contains some text, or is it.

    Raises:
        UserError: when none or several are; it names `key`, the setting that says which.
    """
    runs, others = RunFolder.all(outputs)
    same = [run for run in runs if wanted in (run.path.name, str(run.path))]
    found = same or [run for run in runs if wanted in run.path.name]
    if not found and (damaged := [other for other in others if wanted in other.partition(" ")[0]]):
        raise UserError("\n  ".join(few(damaged)))
    if len(found) != 1:
        names = "; ".join(few(run.path.name for run in found or runs)) or "none yet"
        raise UserError(f"{key}={wanted} fits {len(found)} runs in {outputs}/runs, expected one; runs: {names}")
    return found[0]
