"""The jobs of a multirun: a setting that some of them lack is left out of those, and said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from omegaconf import DictConfig

from celltype_cli.commands import known
from celltype_cli.commands.multirun import LEFT_OUT
from celltype_cli.core.files import write_text


class Sweeper(BasicSweeper):
    """Makes the jobs as Hydra's own sweeper does, and fits each to the settings that its options have.

    `-m model=cnn1d,forest trainer.epochs=2` trains the network for two epochs; the forest's trainer has no epochs. A
    setting that no job has is left in, so that it is refused.
    """

    typed: tuple[str, ...] = ()  # settings and options of the line in their order, those that `held` keeps back too

    def sweep(self, arguments: Sequence[str]) -> None:
        super().sweep([*self.typed] or [*arguments])

    def get_job_batch(self) -> Sequence[Sequence[str]]:
        jobs = [list(job) for job in super().get_job_batch()]
        parse = OverridesParser.create().parse_override
        plain = {o: parse(o) for job in jobs for o in job}
        chosen = {o for o, parsed in plain.items() if known.is_group(parsed.key_or_group)}
        keys = {o: p.key_or_group for o, p in plain.items() if o not in chosen and o[0] not in "+~"}
        having: dict[tuple[str, ...], set[str]] = {}
        for job in jobs:
            options = tuple(o for o in job if o in chosen)
            if options not in having:
                cfg = self._composed(options)
                having[options] = {o for o, key in keys.items() if key.startswith("hydra.") or known.has(cfg, key)}
        by_any, by_all = set().union(*having.values()), set.intersection(*map(set, having))
        kept, left_out = [], {}
        for job in jobs:
            options = tuple(o for o in job if o in chosen)
            lacking = [o for o in job if o in keys and o in by_any and o not in having[options]]
            kept.append([o for o in job if o not in lacking])
            for override in lacking:
                left_out.setdefault(override, set()).add(" ".join(o for o in options if o not in by_all))
        if left_out:
            said = "is left out where the chosen options have no such setting"
            lines = [f"{override} {said}: {', '.join(sorted(of))}" for override, of in left_out.items()]
            write_text(Path(self.config.hydra.sweep.dir) / LEFT_OUT, json.dumps(lines))
        return [list(job) for job in dict.fromkeys(tuple(job) for job in kept)]

    def _composed(self, options: Sequence[str]) -> DictConfig:
        return self.hydra_context.config_loader.load_sweep_config(self.config, list(options))


def held(arguments: Sequence[str]) -> list[str]:
    """Returns what of a line Hydra is given before there are jobs; the settings kept back go to each job alone.

    Hydra first puts together a config with the usual option of every group of which several are typed, and refuses what
    that one lacks: `-m model=forest,logistic trainer.inputs=[trace]`, because the usual model is a network.
    """
    overrides = get_args_parser().parse_known_args([*arguments])[0].overrides
    try:
        parsed = OverridesParser.create().parse_overrides(overrides)
    except HydraException:  # said in Hydra's turn
        Sweeper.typed = ()
        return [*arguments]
    Sweeper.typed = tuple(o.input_line for o in parsed if not o.is_hydra_override())
    kept_back = {o.input_line for o in parsed if _is_setting(o)}
    return [argument for argument in arguments if argument not in kept_back]


def _is_setting(override: Override) -> bool:
    plain = not (override.is_hydra_override() or override.is_sweep_override())
    return plain and "." in override.key_or_group and not known.is_group(override.key_or_group)


def take_the_place_of_hydras_own() -> None:
    """Puts `Sweeper` where Hydra looks for its basic one: it takes new plugins of its own packages alone."""
    Plugins.instance().class_name_to_class[f"{BasicSweeper.__module__}.{BasicSweeper.__name__}"] = Sweeper
