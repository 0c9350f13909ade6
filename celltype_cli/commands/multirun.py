"""What becomes of the jobs of a multirun: each leaves a record, and the command ends with a table of all."""

from __future__ import annotations

import json
import shlex
import shutil
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from celltype_cli.core import files
from celltype_cli.core.messages import UserError, of_machine
from celltype_cli.core.terminal import say, say_note, say_table

GOOD = ("finished", "already finished")
LEFT_OUT = "left_out.json"  # in the folder of a multirun: lines on settings that some jobs lack


class Multirun:
    """Keeps one record per job in a folder, so that any launcher's worker processes can write them.

    Args:
        outputs: the folder of results, below which the records lie.
        typed: words that name that folder again, for the line to type next.
        runs: whether jobs are runs, which `celltype runs` lists and the same command finds again.
    """

    def __init__(self, outputs: Path, typed: Sequence[str] = (), *, runs: bool = True) -> None:
        self.folder = outputs.absolute() / "multiruns" / f"{datetime.now():%Y%m%d-%H%M%S-%f}"
        self.typed, self.runs = typed, runs

    @property
    def override(self) -> str:
        """Returns the override that gives Hydra this folder, quoted, since a path may hold brackets and commas."""
        quoted = str(self.folder).replace("\\", "\\\\").replace("'", "\\'")
        return f"hydra.sweep.dir='{quoted}'"

    def job(self, function: Callable[[DictConfig], Any]) -> Callable[[DictConfig], None]:
        """Wraps a command so that a failing job is recorded and the others go on."""
        folder, own = self.folder, [*files.own_configs]

        def recorded(cfg: DictConfig) -> None:
            files.own_configs[:] = own  # a worker process has not read the command line
            job = HydraConfig.get().job.num
            record = {"job": job, "overrides": OmegaConf.to_container(HydraConfig.get().overrides.task)}
            print(f"job {job}: {' '.join(record['overrides'])}", flush=True)
            _write(folder, {**record, "status": "killed"})  # unless it lives to say otherwise
            try:
                record |= {"status": "finished", **(function(cfg) or {})}
            except UserError as error:
                record |= {"status": "refused", "error": str(error)}
            except (OSError, MemoryError) as error:
                record |= {"status": "refused", "error": str(of_machine(error))}
            except Exception as error:  # noqa: BLE001 - one job's failure must not stop the others
                (folder / f"job_{job}.log").write_text(traceback.format_exc())
                record |= {"status": "failed", "error": f"{error!r}, see {folder / f'job_{job}.log'}"}
            _write(folder, record)

        return recorded

    def forget(self) -> None:
        """Removes the folder of a multirun that did not come to its first job."""
        if not any(self.folder.glob("job_*.json")):
            shutil.rmtree(self.folder, ignore_errors=True)
            for parent in (self.folder.parent, self.folder.parent.parent):
                if parent.is_dir() and not any(parent.iterdir()):
                    parent.rmdir()

    def report(self) -> int:
        """Prints the table of jobs, and returns the exit code.

        It is the highest code of the jobs where all are finished, as a rule 0; 2 where the user can mend the others; 1
        where a job failed otherwise, or none began.
        """
        kept = sorted(self.folder.glob("job_*.json"), key=lambda file: int(file.stem.removeprefix("job_")))
        records = [json.loads(file.read_text()) for file in kept]
        if not records:
            return 1
        _print(records, self.runs)
        for line in json.loads(notes.read_text()) if (notes := self.folder / LEFT_OUT).exists() else ():
            say_note(line)
        bad = [record["status"] for record in records if record["status"] not in GOOD]
        if bad:
            again = " The same command again does only those." if self.runs else ""
            say(f"\n{len(bad)} of {len(records)} jobs did not finish.{again}")
        if self.runs:
            again = shlex.join(["celltype", "runs", *self.typed])
            say(f"next: {again}, or {again} show=<part of a run's name>")
        if not bad:
            return max(record.get("code", 0) for record in records)
        return 2 if set(bad) == {"refused"} else 1


def _write(folder: Path, record: dict[str, Any]) -> None:
    files.write_text(folder / f"job_{record['job']}.json", json.dumps(record, indent=2))


def _print(records: list[dict[str, Any]], runs: bool) -> None:
    shared = set.intersection(*(set(record["overrides"]) for record in records)) if len(records) > 1 else set()
    more = {} if runs else {"answer": "folder"}
    if runs or any(record.get("result") for record in records):
        more["balanced accuracy [95 %]"] = "result"
    rows = []
    for record in records:
        own = " ".join(override for override in record["overrides"] if override not in shared)
        rows.append([record["job"], own, record["status"], *(record.get(key, "") for key in more.values())])
    say()
    say_table(["job", "settings", "status", *more], rows)
    if methods := dict.fromkeys(record["interval"] for record in records if "interval" in record):
        say(f"[95 %]: {', '.join(methods)}")
    for note, jobs in _jobs_of((note, record["job"]) for record in records for note in record.get("notes", ())).items():
        say(f"note on {'all jobs' if len(jobs) == len(records) else 'job ' + ', '.join(jobs)}: {note}")
    for error, jobs in _jobs_of((record["error"], record["job"]) for record in records if "error" in record).items():
        say(f"job {', '.join(jobs)}: {error}")


def _jobs_of(said: Iterable[tuple[str, int]]) -> dict[str, list[str]]:
    """Returns the jobs of which each thing is said."""
    jobs = defaultdict(list)
    for what, job in said:
        jobs[what].append(str(job))
    return jobs
