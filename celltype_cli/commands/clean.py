"""`celltype clean`: says what can be removed from the outputs folder, and removes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from omegaconf import DictConfig

from celltype_cli.commands import typed
from celltype_cli.core import configs
from celltype_cli.core.messages import UserError, counted, few
from celltype_cli.core.ranges import NotNegative
from celltype_cli.core.terminal import say

if TYPE_CHECKING:
    from celltype_cli.runs.clean import Item

WHAT = {
    "caches": "made again where they are needed",
    "interrupted": "runs that did not finish; their command would go on with them",
    "checkpoints": "of finished folds; `celltype explain` then takes the models",
    "models": "of folds, and bundles; `celltype export` needs them, `celltype explain` fits trees again without",
    "runs": "finished ones, with their scores",
}


@dataclass
class Settings:
    """The keys of `conf/clean.yaml`."""

    what: Sequence[Literal["caches", "interrupted", "checkpoints", "models", "runs"]]
    older_than: NotNegative | None
    run: str | None
    remove: bool
    logger: configs.Whole
    outputs: Path


def run(cfg: DictConfig) -> None:
    """Prints what can be removed, by kind; with `remove` removes the kinds of `what`.

    Raises:
        UserError: when it is not said what to remove, or finished runs of any age.
    """
    configs.check(cfg, Settings)
    if cfg.remove and not cfg.what:
        raise UserError("remove=true: say what to remove, as in what=[caches,checkpoints]; celltype clean lists it")
    if "runs" in cfg.what and cfg.older_than is None:
        raise UserError("what=[runs] removes finished runs: say how old they are, as in older_than=90 (days)")
    from celltype_cli.runs import clean
    from celltype_cli.runs.listed import in_words, listed

    outputs = Path(cfg.outputs)
    runs, others = listed(outputs)
    items, said = clean.found(outputs, runs, cfg.older_than)
    if cfg.run is not None:
        items = [item for item in items if item.run and str(cfg.run) in item.run.name]
    items = [item for item in items if not cfg.what or item.kind in cfg.what]
    _list(items)
    for line in (*said, *few(others)):
        say(line)
    if cfg.remove:
        gone, trouble = clean.remove(items, outputs, cfg.logger.get("uri"))
        say(f"removed: {in_words(gone)}")
        for line in trouble:
            say(f"not removed: {line}")
    elif items:
        kinds = ",".join(dict.fromkeys(item.kind for item in items if item.kind != "runs" or cfg.what))
        words = typed.less(typed.overrides(), "what", "remove")
        say(f"nothing is removed yet; next: {typed.line('clean', *words, f'what=[{kinds}]', 'remove=true')}")


def _list(items: list[Item]) -> None:
    from celltype_cli.runs.listed import in_words

    if not items:
        say("nothing to remove")
    for kind, what in WHAT.items():
        own = [item for item in items if item.kind == kind]
        if not own:
            continue
        runs = len({item.run.name for item in own if item.run})
        whole = kind in ("interrupted", "runs")
        of = f" in {counted(runs, 'run')}" if runs and not whole else ""
        say(f"{kind:<11}  {in_words(sum(item.size for item in own)):>7}  {len(own)}{of}: {what}")
        if whole:
            for line in few(f"{item.path.name}, {in_words(item.size)}" for item in own):
                say(f"  {line}")
