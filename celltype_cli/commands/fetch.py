"""`celltype fetch`: downloads a public dataset, and says beforehand how much it is; a stopped download goes on."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from shlex import quote
from typing import Any

from omegaconf import DictConfig, OmegaConf

from celltype_cli.core.messages import UserError

GIVE_UP_AFTER = 3  # failed files in a row: then it is the network or the server, not a file


@dataclass
class Settings:
    """The keys of `conf/fetch.yaml` and their types."""

    dataset: Mapping[str, Any]
    prepare: Mapping[str, Any]
    outputs: str


def run(cfg: DictConfig) -> None:
    """Plans the download with the dataset's own `fetch`, prints its size, and gets the files that are not there."""
    from hydra.core.hydra_config import HydraConfig

    from celltype_cli.core import configs
    from celltype_cli.core.terminal import say

    configs.check(cfg, Settings)
    plan = _function(cfg.dataset)(**_arguments(cfg.dataset))
    missing, broken = plan.missing()
    size = len(missing) * plan.typical_size
    say(f"{len(plan.parts)} files in {plan.folder}: {len(plan.parts) - len(missing)} there, {len(missing)} to download"
        + (f", {broken} of them again because they are not whole" if broken else ""))  # fmt: skip
    if missing:
        say(f"about {size / 1e9:.1f} GB ({plan.basis})")
        with plan.ready(size):
            _download(missing, plan.typical_size)
    typed = " ".join(quote(override) for override in HydraConfig.get().overrides.task)
    say(f"all {len(plan.parts)} files are there\nnext     celltype data {typed}")


def _function(node: DictConfig) -> Callable[..., Any]:
    module, _, _ = node._target_.rpartition(".")
    function = getattr(import_module(module), "fetch", None)
    if function is None:
        raise UserError(
            f"{node._target_} is not downloaded by this command; the head of its file in conf/dataset says "
            "where the data come from"
        )
    return function


def _arguments(node: DictConfig) -> dict[str, Any]:
    settings = OmegaConf.to_container(node, resolve=True)
    return {name: settings[name] for name in inspect.signature(_function(node)).parameters}


def _download(parts: list, typical_size: float) -> None:
    """Gets one file after the other; a file that fails is left for the next call.

    Raises:
        UserError: at the end, when files are missing still.
    """
    from celltype_cli.core.terminal import say

    failed, in_a_row = [], 0
    for k, part in enumerate(parts, start=1):
        started = time.monotonic()
        try:
            with _bar(f"{k}/{len(parts)} {part.name}", typical_size) as watch:
                part.download(watch)
        except Exception as error:  # noqa: BLE001 - urllib, requests and allensdk raise unrelated types, bare ones too
            failed.append(f"{part.name}: {type(error).__name__}: {error}")
            in_a_row += 1
            say(f"  {k}/{len(parts)} failed: {failed[-1]}")
            if in_a_row == GIVE_UP_AFTER:
                break
            continue
        in_a_row = 0
        size, seconds = part.file.stat().st_size, time.monotonic() - started
        say(f"  {k}/{len(parts)} {part.name}: {size / 1e9:.2f} GB in {seconds:.0f} s")
    if failed:
        raise UserError(
            f"{len(failed)} files could not be downloaded, the last: {failed[-1]}; "
            "the same command goes on with what is missing"
        )


@contextmanager
def _bar(name: str, typical_size: float) -> Iterator[Callable[[Path], None]]:
    """Shows how much of a file is there, next to the size that is typical; the file grows in another's hands."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from celltype_cli.core.terminal import console

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), DownloadColumn(), TransferSpeedColumn())
    stop, seen = threading.Event(), []

    def follow() -> None:
        while not stop.wait(0.5):
            if seen and seen[0].exists():
                bar.update(task, completed=seen[0].stat().st_size)

    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(name, total=typical_size)
        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        try:
            yield seen.append
        finally:
            stop.set()
            follower.join()
