"""`celltype report`: rebuilds a paper's tables and figures from saved predictions alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omegaconf import DictConfig, ListConfig, OmegaConf

from celltype_cli.commands import typed
from celltype_cli.runs import settings

if TYPE_CHECKING:
    from celltype_cli.runs.folder import RunFolder
    from celltype_cli.studies.papers.jobs import Job
    from celltype_cli.studies.papers.paper import Paper

LONGEST = 100  # characters in the name of a report's folder


@dataclass
class Choice:
    """Which rows of which paper."""

    paper: Mapping[str, Any]
    table: Any
    rows: Any
    profile: Literal["quick", "full"]


@dataclass
class Settings(settings.Settings, Choice):
    """The keys of `conf/reproduce.yaml` and `conf/report.yaml`: those of `train`, and which rows of which paper."""


OWN = [field.name for field in fields(Choice)]


def run(cfg: DictConfig) -> None:
    """Builds the report from the runs that are there; rows without a run show the command that makes it."""
    write(cfg, plan(cfg))


def plan(cfg: DictConfig) -> dict[Job, RunFolder]:
    """Plans the runs of the chosen tables and rows; whatever else was typed goes to every run."""
    from celltype_cli.core import configs
    from celltype_cli.studies.papers import launch
    from celltype_cli.studies.papers.jobs import plan_jobs

    configs.check(OmegaConf.masked_copy(cfg, OWN), Choice)  # the other keys are checked with the runs they go to
    plan = plan_jobs(
        _paper(cfg),
        profile=cfg.profile,
        tables=_names(cfg.table),
        rows=_names(cfg.rows),
        extra=[*_typed(), "keep_checkpoints=false", "keep_models=false"],
    )
    return launch.folders(plan, meanwhile=lambda: import_module("celltype_cli.studies.papers.report.pictures"))


def write(cfg: DictConfig, planned: dict[Job, RunFolder]) -> None:
    """Writes the report of the finished runs, prints its tables, and says where everything lies."""
    from celltype_cli.core.terminal import say
    from celltype_cli.studies.papers.report import report

    found = {job: folder if folder.finished else None for job, folder in planned.items()}
    built = report.build(_paper(cfg), found, name=typed.option("paper"), extra=_typed())
    folder = Path(cfg.outputs) / "reports" / _folder(cfg)
    files = report.write(built, folder, cfg.figures, meanwhile=lambda: report.show(built))
    say()
    for kind, path in files.items():
        say(f"{kind:<9}{path}")
    say("next     open the HTML page in a browser" if all(found.values()) else "next     run what is missing, as above")


def _folder(cfg: DictConfig) -> str:
    """Names a report by what was chosen and typed, less where and how fast it ran; of paths the last part.

    A name that is too long for people is cut, and ends in a hash.
    """
    from hashlib import blake2b

    from celltype_cli.runs.identity import ELSEWHERE

    parts = [override.partition("=") for override in _typed()]
    words = [f"{key}={value.rstrip('/').rpartition('/')[2]}" for key, _, value in parts if key not in ELSEWHERE]
    long = "-".join([typed.option("paper"), cfg.profile, *(_names(cfg.table) or []), *words])
    return long if len(long) <= LONGEST else f"{long[:LONGEST]}-{blake2b(long.encode(), digest_size=4).hexdigest()}"


def _paper(cfg: DictConfig) -> Paper:
    from celltype_cli.studies.papers import layout

    return layout.parse(OmegaConf.to_container(cfg.paper), f"paper {typed.option('paper')}")


def _typed() -> list[str]:
    """Returns the overrides that the user typed for the runs themselves."""
    return typed.less(typed.overrides(), *OWN)


def _names(value: str | ListConfig | None) -> list[str] | None:
    names = value if isinstance(value, ListConfig) else [value]
    return None if value is None else [str(name) for name in names]
