"""Checks all that the program does on a GPU, in one command of under 8 minutes; nothing is downloaded.

Parts:
    command     `celltype train` as it is typed
    agreement   largest difference of probabilities to the CPU's in fp32: of the same weights in use; after two epochs
                from the same seed, without dropout, and of their losses; with TF32 as PyTorch sets it, without, in bf16
    speed       examples a second that our trainer trains, beside a loop by hand over the same network that moves each
                mini-batch (loop) or all rows beforehand (resident); the largest memory of tensors; and whether the
                seconds that a run tells are those it took
    resumed     largest difference of probabilities between a run that was interrupted and resumed and one that was not,
                beside that between two equal runs
    table1      how long the training of Table 1 of the calcium paper in full would take, cells watched in every epoch

It prints what it finds and writes it to gpu.json and gpu.txt after every check. A check that fails stops no other; the
exit code is then 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import pandas as pd
import torch
import yaml
from gpu_checks import agreement, command, resumed, speed, table1
from gpu_setting import NETWORKS, SMALL, Setting, Sizes, device_facts

from celltype_cli.core import configs
from celltype_cli.runs import environment
from celltype_cli.studies.papers import layout
from celltype_cli.studies.papers.jobs import plan_jobs

PARTS = ("command", "agreement", "speed", "resumed", "table1")


def checks(on: Setting, parts: list[str], names: list[str]) -> Iterator[tuple[str, str, Callable]]:
    """Yields part, name and function of every check of these networks."""
    of = {
        "command": [("cnn1d", partial(command, on, "cnn1d"))],
        "agreement": [(name, partial(agreement, on, name)) for name in names],
        "speed": [(f"{name} {precision}", partial(speed, on, name, precision))
                  for name in names for precision in ("fp32", "bf16")],
        "resumed": [(name, partial(resumed, on, name)) for name in names if name in ("cnn1d", "lstm", "mobilenet_v2")],
        "table1": [(name, partial(table1, on, name, runs)) for name, runs in rows_of_table1(on).items()],
    }  # fmt: skip
    yield from ((part, name, check) for part in parts for name, check in of[part])


def rows_of_table1(on: Setting) -> dict[str, list[tuple[str, ...]]]:
    """Returns the overrides of the runs of each row, or of the best of each network alone where sizes are small."""
    rows: dict[str, list[tuple[str, ...]]] = {}
    file = configs.folder() / "paper" / "calcium_ann.yaml"
    paper = layout.parse(yaml.safe_load(file.read_text(encoding="utf-8")), str(file))
    for job in plan_jobs(paper, profile="full", tables=["table1"], extra=[f"trainer={on.device}"]):
        if on.sizes is SMALL and not job.row.best:
            continue
        rows.setdefault(f"{job.row.model}: {job.row.name}", []).append(job.overrides)
    return rows


def described(found: dict) -> str:
    """Returns everything as a text with tables."""
    facts = found["facts"]
    where = f"on {facts['gpu']}" if found["device"] == "cuda" else "on the CPU, for want of a GPU"
    lines = [
        f"GPU check {where}, {found['date']}, commit {facts['commit']}, {found['seconds']:.0f} s",
        *(["small sizes: the program runs, times and memory say nothing"] if found["small"] else []),
        f"{facts['processor']}, {facts['cores']} cores; torch {facts['versions']['torch']}, "
        f"pytorch-lightning {facts['versions']['pytorch-lightning']}",
        ", ".join(f"{name}: {value}" for name, value in found["device_facts"].items()),
    ]
    for part, rows in found["parts"].items():
        table = pd.DataFrame(rows).dropna(axis=1, how="all")
        lines += ["", part, table.to_string(index=False, float_format=number, na_rep="-")]
        if part == "table1":
            lines.append(
                f"{len(rows)} rows, {sum(row['fits'] for row in rows)} fits: "
                f"{sum(row['minutes'] for row in rows) / 60:.1f} hours of training, one run at a time"
            )
    lines += ["", *(f"FAILED {f['part']} {f['check']}: {f['error']}" for f in found["failures"])]
    return "\n".join(lines if found["failures"] else [*lines, "no check failed"]) + "\n"


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="small sizes, on the CPU too: whether all of it runs")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="only these")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=[*NETWORKS], help="only these (not table1)")
    parser.add_argument("--minutes", type=float, default=7.5, help="checks not begun by then fail (default 7.5)")
    parser.add_argument("--out", type=Path, default=Path("outputs/benchmarks"), help="default outputs/benchmarks")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not args.small:
        parser.error("PyTorch finds no GPU here; --small looks on the CPU whether all of it runs")
    if device == "cuda":
        torch.cuda.init()  # statistics of memory are refused before
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    started = time.perf_counter()
    found = {
        "date": datetime.now(timezone.utc).isoformat(timespec="minutes"), "device": device, "small": args.small,
        "facts": environment.describe(), "device_facts": device_facts(), "seconds": 0.0,
        "parts": {}, "failures": [],
    }  # fmt: skip
    print(described(found).splitlines()[0], flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    for part, name, check in checks(Setting(device, SMALL if args.small else Sizes()), args.parts, args.networks):
        rows = found["parts"].setdefault(part, [])
        try:
            if time.perf_counter() - started > 60 * args.minutes:
                raise TimeoutError(f"not begun, {args.minutes} minutes were over")
            for row in check():
                rows.append(row)
                shown = (f"{k} {number(v) if isinstance(v, float) else v}" for k, v in row.items() if v is not None)
                print(f"{time.perf_counter() - started:4.0f} s  {part}: {', '.join(shown)}", flush=True)
        except Exception as error:  # noqa: BLE001 - whatever fails, the others are still to be looked at
            failure = {"part": part, "check": name, "error": f"{type(error).__name__}: {error}"}
            print(f"{time.perf_counter() - started:4.0f} s  FAILED {part} {name}: {failure['error']}", flush=True)
            found["failures"].append(failure | {"traceback": traceback.format_exc()})
        found["seconds"] = time.perf_counter() - started
        (args.out / "gpu.json").write_text(json.dumps(found, indent=1, default=str))
        (args.out / "gpu.txt").write_text(described(found))
    print(f"\n{described(found)}\nsaved in {args.out}: gpu.json, gpu.txt")
    return 1 if found["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
