"""`celltype runs`: lists runs, shows one, or closes what killed processes left open in MLflow."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from omegaconf import DictConfig

from celltype_cli.commands.train import interval, print_outcome
from celltype_cli.commands.typed import here, line
from celltype_cli.core import configs
from celltype_cli.core.messages import counted, few
from celltype_cli.core.terminal import console, say

if TYPE_CHECKING:
    from celltype_cli.runs.listed import Listed


@dataclass
class Settings:
    """The keys of `conf/runs.yaml` and their types."""

    logger: configs.Whole
    outputs: Path
    show: str | None
    interval: Literal["jackknife", "bootstrap"]
    sort: Literal["date", "score", "size", "name"]
    where: Sequence[str]
    close_dead: bool


def run(cfg: DictConfig) -> None:
    """Lists runs; with `show` the one whose folder name contains it; with `close_dead` ends dead MLflow runs.

    Raises:
        UserError: when no run, or several, are meant, or no run has a setting that is asked for.
    """
    configs.check(cfg, Settings)
    from celltype_cli.runs.found import one_run
    from celltype_cli.runs.listed import Listed, chosen, listed, ordered

    if cfg.show is not None:
        folder = one_run(Path(cfg.outputs), str(cfg.show), "show")
        _show(Listed(folder, folder.facts(), folder.status), cfg.interval)
        return
    runs, others = listed(Path(cfg.outputs))
    if cfg.close_dead:
        _close_dead(cfg, runs)
    else:
        _list(ordered(chosen(runs, cfg.where), cfg.sort), others, cfg.outputs)


def _list(runs: list[Listed], others: list[str], outputs: str) -> None:
    """Prints a line for each run, its full name at the end; two in a terminal that is too narrow."""
    if not runs and not others:
        from celltype_cli.runs.found import elsewhere

        say(f"no runs in {outputs}/runs yet{elsewhere(Path(outputs))}; next: {here('demo')}")
        return
    from celltype_cli.runs.listed import differing, in_words, pair

    names = differing(runs)
    rows = [("balanced accuracy", "started", "size", "run" if len(runs) == 1 else "what differs, and run", "")]
    for one in runs:
        score = interval(one.score) if one.score else one.status
        own = [pair(name, one.settings[name]) for name in names if name in one.settings]
        own += ["simulated"] if one.facts["dataset"].get("simulated") else []
        date = one.facts["started"][:16].replace("T", " ")
        rows.append((score, date, in_words(one.bytes["all"]), " ".join(own), one.name))
    score, date, bytes_ = (max(len(row[k]) for row in rows) for k in range(3))
    narrow = console.is_terminal and any(len(row[3]) + len(row[4]) + score + date + bytes_ > 70 for row in rows)
    for row in rows if runs else ():
        start = f"{row[0]:<{score}}  {row[1]:<{date}}  {row[2]:>{bytes_}}"
        if not narrow:
            say("  ".join(word for word in (start, row[3], row[4]) if word))
            continue
        say(f"{start}  {row[3]}" if len(start) + len(row[3]) + 2 <= console.width else start)
        if len(start) + len(row[3]) + 2 > console.width:
            say(textwrap.fill(row[3], console.width, initial_indent="  ", subsequent_indent="  "))
        say(f"  {row[4]}") if row[4] else None
    for other in few(others):
        say(other)
    total = {part: sum(one.bytes[part] for one in runs) for part in ("all", "checkpoints", "models")}
    say(f"{counted(len(runs), 'run')}, {_sizes(total)}")
    methods = dict.fromkeys(one.interval for one in runs if one.interval)
    say(f"balanced accuracy per cell with its 95 % interval ({', '.join(methods) or 'none yet'}); times in UTC")
    say(f"next: {here('runs')} show=<part of a run's name>, {here('clean')}   (to make room)")


def _sizes(sizes: dict[str, int]) -> str:
    from celltype_cli.runs.listed import in_words

    parts = [f"{name} {in_words(sizes[name])}" for name in ("checkpoints", "models") if sizes[name]]
    return in_words(sizes["all"]) + (f" ({', '.join(parts)})" if parts else "")


def _show(one: Listed, interval: str) -> None:
    from celltype_cli.evaluation.scores import scores
    from celltype_cli.runs.train import Outcome

    folder = one.folder
    if one.score:
        saved = folder.scores()
        if interval != saved["interval"]:
            saved |= scores(folder.predictions(), interval=interval) | {"notes": saved["notes"]}
        print_outcome(Outcome(folder, saved, "already finished"))
    else:
        say(f"{folder.path} is {one.status}; the command that started it goes on with it:")
        say(f"  {line(one.facts['labels']['command'], *folder.overrides())}")
    say(f"\nsize: {_sizes(one.bytes)}")
    _say_settings(one)


def _say_settings(one: Listed) -> None:
    """Prints what was typed for a run, and all settings, those of a node below its name."""
    from celltype_cli.runs.listed import CHOICES, pair

    say(f"typed: {line(one.facts['labels']['command'], *one.folder.overrides())}")
    nodes: dict[str, list[str]] = {}
    deep = 0
    for name, value in one.settings.items():
        node, _, inner = name.partition(".")
        if inner.count(".") > 1:  # numbers of a simulation
            deep += 1
        elif inner:
            nodes.setdefault(node, []).append(pair(inner, value))
        elif name not in (*CHOICES, "status"):
            nodes.setdefault("", []).append(pair(name, value))
    say("settings:")
    width = console.width if console.is_terminal else 100
    for node, pairs in sorted(nodes.items()):
        option = one.settings.get(node, "") if node in CHOICES else ""
        head = f"  {node}{f'={option}' if option else ''}: " if node else "  "
        say(textwrap.fill(" ".join(pairs), width, initial_indent=head, subsequent_indent="    ",
                          break_long_words=False, break_on_hyphens=False))  # fmt: skip
    if deep:
        say(f"  and {deep} more in {one.folder.path / 'config.yaml'}")


def _close_dead(cfg: DictConfig, runs: list[Listed]) -> None:
    from celltype_cli.runs.tracking import close_dead_runs

    alive = {one.facts.get("mlflow_run") for one in runs if one.status == "running"}
    closed = close_dead_runs(Path(cfg.outputs), cfg.logger.get("uri"), alive)
    say(f"{closed} runs that no process works on are now marked KILLED in MLflow")
