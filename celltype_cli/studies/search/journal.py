"""The study of a search on disk: which trials are done, running or dead, whoever runs them.

Optuna's journal is one file of lines. Three things are added that Optuna 5 lacks for a journal, all by locks that the
system frees when a process dies: its own lock, since Optuna's outlives a killed worker by half a minute and is then
broken by force; one lock per running trial, by which a dead trial is told from a running one (Optuna's heartbeat serves
databases alone); and the removal of a half-written last line, which would spoil the file for good.
"""

from __future__ import annotations

import json
import os
import shutil
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from celltype_cli.core.messages import UserError
from celltype_cli.core.states import DamagedState, read_state
from celltype_cli.studies.search.space import Space, values
from celltype_cli.studies.search.trials import Result, Search, stream


@dataclass(frozen=True)
class Claim:
    """A trial that this process runs: its settings, and a folder that a later process takes up if this one dies."""

    trial: Trial
    values: dict[str, Any]
    folder: Path
    lock: FileLock

    @property
    def number(self) -> int:
        return self.trial.number + 1


@dataclass(frozen=True)
class Done:
    """A finished trial; a failed one has no result but a reason. Numbers start at 1 and leave out trials that died."""

    number: int
    values: dict[str, Any]
    result: Result | None
    reason: str


class Study:
    """Hands out trials to this worker and records what became of them.

    Args:
        folder: of the search; workers of one search share it.
        search: sampler, seed and number of trials.
        space: settings as they are named in the config.
    """

    def __init__(self, folder: Path, search: Search, space: Space) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.folder, self.search, self.space = folder, search, space
        (folder / "working").mkdir(parents=True, exist_ok=True)
        self.journal = folder / "journal.jsonl"
        self._lock = FileLock(folder / "working" / "journal.lock")
        with self._locked():
            self.study = read_state(self.journal, self._opened, self._mend)
        self.done()

    @property
    def _mend(self) -> str:
        return f"delete {self.folder}; the same command then searches from the start"

    def _opened(self, journal: Path) -> optuna.Study:
        lines = journal.read_bytes().splitlines() if journal.exists() else []
        for line in lines:
            json.loads(line)  # Optuna would pass over a damaged last line
        storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=self._lock))
        there = optuna.get_all_study_names(storage)  # to load a study that is there writes nothing
        if lines and not there:
            raise ValueError("its beginning is lost")
        open_study = optuna.load_study if there else partial(optuna.create_study, direction="maximize")
        return open_study(study_name="search", storage=storage)

    def claim(self) -> Claim | None:
        """Starts a trial, a killed one with its settings first; None where all others are done or running."""
        with self._locked():
            self._free_the_dead()
            position = len(self._counted())
            if position >= self.search.n_trials:
                return None
            # Seeded by its place, so that a search that was stopped goes on as if it had not been.
            self.study.sampler = self._sampler(position)
            trial = self.study.ask(self.space)
            lock = self._trial_lock(trial.number)
            lock.acquire(timeout=0)
        first = trial.user_attrs.get("again", trial.number)
        return Claim(trial, values(self.space, trial.params), self.folder / "working" / f"trial_{first}", lock)

    def finish(self, claim: Claim, result: Result) -> None:
        with self._locked():
            claim.trial.set_user_attr("result", asdict(result))
            self.study.tell(claim.trial.number, result.value)
        shutil.rmtree(claim.folder, ignore_errors=True)

    def fail(self, claim: Claim, error: Exception) -> str:
        """Records why a trial failed, in one line, and its traceback in a file; returns the line."""
        lines = [line.strip() for line in str(error).strip().splitlines()] or ["no message"]
        reason = "; ".join(lines) if isinstance(error, UserError) else f"{type(error).__name__}: {lines[0]}"
        log = self.folder / f"trial_{claim.number}.log"
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        with self._locked():
            claim.trial.set_user_attr("reason", reason)
            self.study.tell(claim.trial.number, state=TrialState.FAIL)
        shutil.rmtree(claim.folder, ignore_errors=True)
        return reason

    def done(self) -> list[Done]:
        """Lists the finished trials in the order in which they began."""
        with self._locked():
            return read_state(self.journal, lambda _: [self._done(t) for t in self._counted() if t.state.is_finished()],
                              self._mend)  # fmt: skip

    def _done(self, trial: FrozenTrial) -> Done:
        reason = trial.user_attrs.get("reason", "")
        result = None if reason else Result(**trial.user_attrs["result"])
        return Done(trial.number + 1, values(self.space, trial.params), result, reason)

    def look(self, run: str) -> int:
        """Remembers a run by which the search has looked at its hold-out; returns how many different ones did."""
        with self._locked():
            before = self.study.user_attrs.get("looks", [])
            looks = [*dict.fromkeys([*before, run])]
            if looks != before:
                self.study.set_user_attr("looks", looks)
        return len(looks)

    def _counted(self) -> list[FrozenTrial]:
        """Takes the trials that are done, with a score or a reason, and those that run; not the dead or waiting."""
        there = (TrialState.COMPLETE, TrialState.RUNNING)
        trials = self.study.get_trials(deepcopy=False)
        return [trial for trial in trials if trial.state in there or "reason" in trial.user_attrs]

    def _free_the_dead(self) -> None:
        """Ends running trials whose process is gone, and queues their settings to be run again."""
        trials = self.study.get_trials(deepcopy=False)
        queued = {t.user_attrs.get("again") for t in trials if t.state == TrialState.WAITING}
        for trial in trials:
            if trial.state != TrialState.RUNNING:
                continue
            lock = self._trial_lock(trial.number)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            first = trial.user_attrs.get("again", trial.number)
            if first not in queued and "reason" not in trial.user_attrs:
                self.study.enqueue_trial(trial.params, user_attrs={"again": first})
            self.study.tell(trial.number, state=TrialState.FAIL)
            lock.release()

    def _sampler(self, position: int) -> Any:
        seed = stream(self.search.seed, "sampler", position)
        if self.search.sampler == "tpe":
            return optuna.samplers.TPESampler(seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.GPSampler(seed=seed)

    def _trial_lock(self, number: int) -> FileLock:
        return FileLock(self.folder / "working" / f"trial_{number}.lock")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keeps other workers out, and cuts off what a worker killed while writing has left."""
        with self._lock:
            written = self.journal.read_bytes() if self.journal.exists() else b""
            whole = written.rfind(b"\n") + 1
            if half := written[whole:]:
                if not (half.startswith(b'{"') and b'}{"' not in half):
                    raise DamagedState(f"{self.journal} is damaged from byte {whole + 1} on: {self._mend}")
                os.truncate(self.journal, whole)
            yield
