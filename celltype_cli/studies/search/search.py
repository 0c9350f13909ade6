"""A search: trials on inner folds of the training part, one refit with the best settings, one look at the hold-out."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from celltype_cli.core import configs
from celltype_cli.core.files import write_text
from celltype_cli.core.messages import UserError
from celltype_cli.core.states import DamagedState, read_json
from celltype_cli.core.terminal import say
from celltype_cli.runs import settings, train
from celltype_cli.runs.build import build
from celltype_cli.runs.environment import limit_threads
from celltype_cli.runs.identity import run_identity
from celltype_cli.runs.progress import Progress
from celltype_cli.studies.search import results
from celltype_cli.studies.search.journal import Claim, Done, Study
from celltype_cli.studies.search.space import difference, parse, put
from celltype_cli.studies.search.training import final, stops_early
from celltype_cli.studies.search.trials import Search, Trials

FIRST = "celltype_cli.splits.wrapped.first"
FACTS = {"title": str, "group": str, "outer_folds": int, "held_out": list, "training": int}  # of search.json
POLL_S = 0.5  # between looks at the trials of other workers


@dataclass
class Settings(settings.Settings):
    """The keys of `conf/search.yaml`: those of `train`, and what is searched."""

    search: configs.Whole


@dataclass(frozen=True)
class Found:
    """A finished search.

    Attributes:
        best: the trial with the best score on the inner folds.
        overrides: of `celltype train`, which repeat the refit.
        outcome: of the refit: its run and its scores on the hold-out.
        files: by kind.
        notes: what to know beside the scores.
    """

    folder: Path
    search: Search
    done: list[Done]
    best: Done
    overrides: list[str]
    outcome: train.Outcome
    files: dict[str, Path]
    notes: list[str]


def run(cfg: DictConfig, *, labels: dict[str, str], chosen: list[str], base: DictConfig) -> Found:
    """Does what is left of a search: trials, the refit, the look at the hold-out; other workers may do the same.

    Args:
        cfg: composed from `conf/search.yaml`.
        labels: the chosen option of each config group, `search` among them.
        chosen: overrides of `celltype train` that choose the same options of its groups.
        base: what `celltype train` composes from `chosen`.

    Raises:
        UserError: before anything is written, when config, space, data or split cannot be used; or when all trials
            have failed.
    """
    configs.check(cfg, Settings)
    stages = cfg.trainer.get("stages") or {}
    if (stops_early(cfg) and len(stages) > 1) or any({"keep", "patience"} & {*stage} for stage in stages.values()):
        raise UserError(
            "a search cannot choose epochs over several trainer.stages: set trainer.keep=last trainer.patience=null, "
            "and neither of them in a stage"
        )
    search: Search = configs.build(cfg.search)
    plain = OmegaConf.to_container(cfg, resolve=True)
    of_run = OmegaConf.create({key: value for key, value in plain.items() if key != "search"})
    space = parse(search.space, of_run, settings.Settings)
    folder = _folder(plain, [*space], labels)
    known = folder / "search.json"
    if not _readable(known) or not _finished(Study(folder, search, space)):
        limit_threads(cfg.threads)
        trials = Trials(of_run, search, build)
        write_text(known, json.dumps(trials.facts, indent=2) + "\n")
        say(f"{labels['model']} on {trials.facts['title']}: {search.n_trials} trials on {search.folds} inner folds")
        _run_trials(Study(folder, search, space), trials, of_run)
    study, facts = Study(folder, search, space), read_json(known, FACTS)
    done = study.done()
    best = results.best_of(done)
    if best is None:
        raise UserError(_all_failed(folder, done))
    wanted = final(put(of_run, best.values), best.result.epochs)
    overrides = [*chosen, *difference(base, wanted)]
    outcome = _refit(folder, wanted, labels, overrides, facts)
    looks, files = study.look(outcome.folder.path.name), results.paths(folder, cfg.figures)
    if outcome.status == "finished" or not all(file.exists() for file in files.values()):
        how = f"split {labels['split']}, {facts['training']} training cells, seed {cfg.seed}"
        title = f"{labels['model']} on {facts['title']}\n{how}"
        results.write(study, overrides, title, cfg.figures)
    return Found(folder, search, done, best, overrides, outcome, files, _notes(search, facts, looks))


def _folder(plain: dict[str, Any], searched: list[str], labels: dict[str, str]) -> Path:
    """Names the folder by what makes two searches the same: all but the searched values and the number of trials."""
    counted = OmegaConf.create(plain)
    for key in ("search.n_trials", *searched):
        parent, _, name = key.rpartition(".")
        OmegaConf.select(counted, parent).pop(name, None)
    words = [labels[name].replace("/", "_") for name in ("dataset", "model", "split", "search")]
    name = "-".join([*words, f"seed{plain['seed']}", run_identity(OmegaConf.to_container(counted))])
    return Path(plain["outputs"]) / "searches" / name


def _readable(facts: Path) -> bool:
    try:
        read_json(facts, FACTS)
    except DamagedState:  # not there, or made anew
        return False
    return True


def _finished(study: Study) -> bool:
    return len(study.done()) >= study.search.n_trials


def _run_trials(study: Study, trials: Trials, cfg: DictConfig) -> None:
    """Runs trials until enough are finished, here or by other workers."""
    waiting = False
    while not _finished(study):
        claim = study.claim()
        if claim is not None:
            _run_trial(study, trials, claim, cfg)
        elif not waiting:
            say("  the last trials run in other workers: waiting for them")
            waiting = True
        else:
            time.sleep(POLL_S)


def _run_trial(study: Study, trials: Trials, claim: Claim, cfg: DictConfig) -> None:
    started, search = time.perf_counter(), study.search
    try:
        with Progress(search.folds, f"trial {claim.number}, ") as progress:
            result = trials.run(put(cfg, claim.values), claim.folder, progress.epoch)
        study.finish(claim, result)
        said = f"{search.metric.replace('_', ' ')} {result.value:.3f}"
    except Exception as error:  # noqa: BLE001 - one trial's failure must not stop the search
        said = f"failed: {study.fail(claim, error)} (more in trial_{claim.number}.log)"
    finally:
        claim.lock.release()  # also when stopped: the next call sees that nobody runs this trial
    done = results.write_table(study)
    best = results.best_of(done)
    so_far = f" (best so far {best.result.value:.3f})" if best else ""
    seconds = time.perf_counter() - started
    say(f"  trial {claim.number}: {said}{so_far}; {len(done)} of {search.n_trials} done, {seconds:.1f} s")


def _refit(
    folder: Path, wanted: DictConfig, labels: dict[str, str], overrides: list[str], facts: dict
) -> train.Outcome:
    """Trains once on the whole training part and scores the hold-out; one worker does it, the others wait and read."""
    from filelock import FileLock

    plain = OmegaConf.to_container(wanted)
    labels = {name: labels[name] for name in ("dataset", "model", "split", "trainer", "command")}
    if facts["outer_folds"] > 1:  # what the later folds test, trials have seen
        plain["split"] = {"_target_": FIRST, "_partial_": True, "split": plain["split"]}
        labels["split"] = f"first_of_{labels['split']}"
    with FileLock(folder / "working" / "refit.lock"):
        return train.train(OmegaConf.create(plain), labels=labels, overrides=overrides)


def _all_failed(folder: Path, done: list[Done]) -> str:
    reasons = Counter(trial.reason for trial in done).most_common(3)
    lines = [f"{count} times: {reason}" for reason, count in reasons]
    mend = f"mend this, or change search.space; to try the same again, delete {folder}"
    return "\n  ".join([f"{folder}: all {len(done)} trials failed:", *lines, mend])


def _notes(search: Search, facts: dict[str, Any], looks: int) -> list[str]:
    cells, groups = facts["held_out"]
    part = f"the first of {facts['outer_folds']} folds" if facts["outer_folds"] > 1 else "the test part of the split"
    notes = [
        f"the hold-out is {part}, {cells} cells in {groups} groups, which no trial has seen; "
        f"the other {facts['training']} cells made {search.folds} {search.split} inner folds"
    ]
    if facts["shares_groups"]:
        notes.append(
            f"a {facts['group']} stands on both sides of the inner folds, so inner scores are higher than for a new "
            "one; search.split=grouped keeps them apart"
        )
    if facts["outer_folds"] > 1:
        notes.append(
            "the command below trains on all folds; only its first is the refit, and trials have seen the others"
        )
    if looks > 1:
        notes.append(f"this search has looked at its hold-out {looks} times: choose by the inner score alone")
    return notes
