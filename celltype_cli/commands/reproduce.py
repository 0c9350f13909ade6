"""`celltype reproduce`: runs what a paper's tables still lack, then prints them."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from celltype_cli.core.messages import UserError


def run(cfg: DictConfig) -> None:
    """Runs missing and stale rows through the chosen launcher and writes the report.

    Raises:
        UserError: when the plan does not fit, or jobs did not finish; the report of the others is written before.
    """
    from hydra.core.hydra_config import HydraConfig

    from celltype_cli.commands import report, train, typed
    from celltype_cli.commands.multirun import Multirun
    from celltype_cli.core.terminal import say
    from celltype_cli.studies.papers import launch

    planned = report.plan(cfg)
    missing = [job for job, folder in planned.items() if not folder.finished]
    runs = len({job.overrides for job in planned})
    to_do = len({job.overrides for job in missing})
    say(f"{typed.option('paper')}, {cfg.profile} profile: {runs} runs for {len(planned)} table entries, {to_do} to do")
    code = 0
    if missing:
        multirun = Multirun(Path(cfg.outputs))
        hydra_overrides = list(OmegaConf.to_container(HydraConfig.get().overrides.hydra))
        launch.launch(missing, multirun.job(train.run), [*hydra_overrides, multirun.override])
        code = multirun.report()
    report.write(cfg, planned)
    if code:
        raise UserError("some runs did not finish; they are named above. The same command again does only those.")
