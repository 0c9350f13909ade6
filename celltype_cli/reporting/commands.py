"""The command that makes a row, ready to be pasted into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from celltype_cli.paper_jobs import Job
from celltype_cli.papers import Row, Table


def command(table: Table, row: Row, by_split: Mapping[str, Job], asked: Sequence[str]) -> str:
    """Words the command for one row; names are quoted twice, for Hydra and for the shell."""
    name = f"{row.model}: {row.name}".replace("\\", "\\\\").replace('"', '\\"')
    profile = next(iter(by_split.values())).profile
    return _shell(asked[0], f"table={table.key}", f'rows="{name}"', f"profile={profile}", *asked[1:])


def table_command(table: Table, job: Job, asked: Sequence[str]) -> str:
    """Words the command for all rows of a table that are missing."""
    return _shell(asked[0], f"table={table.key}", f"profile={job.profile}", *asked[1:])


def _shell(*arguments: str) -> str:
    return shlex.join(["celltype", "reproduce", *arguments])
