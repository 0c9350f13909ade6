"""`celltype fetch`: downloads a public dataset, and says beforehand how much it is; a stopped download goes on."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from omegaconf import DictConfig, OmegaConf
from rich.console import RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from celltype_cli.commands import known, typed
from celltype_cli.core import configs
from celltype_cli.core.downloads import Part, Plan
from celltype_cli.core.messages import UserError
from celltype_cli.core.terminal import console, say

GIVE_UP_AFTER = 3  # failed files in a row: then it is the network or the server, not a file


@dataclass
class Settings:
    """The keys of `conf/fetch.yaml` and their types."""

    dataset: configs.Whole
    prepare: configs.Partial
    outputs: Path


def run(cfg: DictConfig) -> None:
    """Plans the download with the dataset's own `fetch`, prints its size, and gets the files that are not there."""
    fetch = _fetch_of(cfg)
    configs.check(cfg, Settings)
    settings = OmegaConf.to_container(cfg.dataset, resolve=True)
    plan = fetch(**{name: settings[name] for name in inspect.signature(fetch).parameters})
    missing = plan.missing()
    size, broken = sum(part.size for part in missing), sum(part.file.exists() for part in missing)
    again = f", {broken} of them again because they are not whole" if broken else ""
    there = len(plan.parts) - len(missing)
    say(f"{len(plan.parts)} files in {plan.folder}: {there} there, {len(missing)} to download{again}")
    if missing:
        say(f"about {size / 1e9:.1f} GB ({plan.basis})")
        with plan.ready(size):
            _download(missing)
    say(f"all {len(plan.parts)} files are there\nnext     {typed.line('data', *typed.overrides())}")


def _fetch_of(cfg: DictConfig) -> Callable[..., Plan]:
    """Returns the function `fetch` that stands beside the dataset's `load`.

    Raises:
        UserError: when there is none; it says where the data come from instead.
    """
    name = typed.option("dataset")
    try:
        module = import_module(str(cfg.dataset._target_).rpartition(".")[0])
    except (ImportError, ValueError):
        configs.check(cfg, Settings)  # says what is wrong with the target
        raise
    if not hasattr(module, "fetch"):
        if "path" not in [*cfg.dataset]:
            look = typed.line("data", f"dataset={name}")
            raise UserError(f"dataset={name} is simulated: there is nothing to download; to look at it: {look}")
        said, here = _where_from(module), f"dataset={name} is not downloaded by celltype"
        if not said:
            raise UserError(f"{here}; conf/dataset/{name}.yaml says of it:\n  {known.head('dataset', name)}")
        look = typed.line("data", f"dataset={name}", "dataset.path=FOLDER")
        raise UserError(f"{here}; get it by hand:\n  {said}\nthen     {look}")
    return module.fetch


def _where_from(module: ModuleType) -> str:
    """Returns what the top of a dataset's file says of its data and their licence; empty where it says neither."""
    said, of_data = [], False
    for line in (module.__doc__ or "").splitlines():
        if not line.startswith(" "):
            of_data = line.startswith(("Data:", "Licence:"))
        if of_data:
            said.append(line)
    return "\n  ".join(said)


def _download(parts: Sequence[Part]) -> None:
    """Gets one file after the other; a file that fails is left for the next call.

    Raises:
        UserError: at the end, when files are missing still.
    """
    failed, in_a_row, arrived = [], 0, 0
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        for k, part in enumerate(parts, start=1):
            started = time.monotonic()
            task = bar.add_task(f"{k}/{len(parts)} {part.name}", total=part.size, half=part.half)
            try:
                part.download()
            except Exception as error:  # noqa: BLE001 - urllib, requests and allensdk raise unrelated, and bare, types
                failed.append(f"{part.name}: {type(error).__name__}: {error}")
                in_a_row += 1
                say(f"  {k}/{len(parts)} failed: {failed[-1]}")
                if in_a_row == GIVE_UP_AFTER:
                    break
            else:
                in_a_row, arrived = 0, arrived + 1
                size, seconds = part.file.stat().st_size, time.monotonic() - started
                say(f"  {k}/{len(parts)} {part.name}: {size / 1e9:.2f} GB in {seconds:.0f} s")
            finally:
                bar.remove_task(task)
    if failed:
        raise UserError(
            f"{len(failed)} files could not be downloaded, the last: {failed[-1]}; "
            f"the same command goes on with the {len(parts) - arrived} that are missing"
        )


class Bar(Progress):
    """Shows how much of a file is there, beside its size; it grows in another's hands, so each refresh looks at it."""

    def get_renderables(self) -> Iterable[RenderableType]:
        for task in self.tasks:
            with suppress(FileNotFoundError):  # not begun, or in its place by now
                self.update(task.id, completed=task.fields["half"].stat().st_size)
        yield from super().get_renderables()
