"""Prints what copies of a unit with errors of sorting cost, beside an epoch of the network that they train.

Simulated Poisson trains of one hour at several rates; one thread. `conf/trainer/pretrained.yaml` has the errors.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from celltype_cli.extracellular.altered import copies
from celltype_cli.extracellular.recording import Recording
from celltype_cli.extracellular.rows import of_spikes

ERRORS = {"lost": 0.1, "added": 0.1, "jitter": 0.002}


def unit(rate: float, seconds: float) -> Recording:
    draws = np.random.default_rng(0)
    spikes = np.sort(draws.uniform(0, seconds, int(rate * seconds)))
    return Recording("a", "", "", np.ones((1, 90), "f4"), 3e4, spikes, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--number", type=int, default=10)
    chosen = parser.parse_args()
    copies(unit(10, 100), ["acg"], number=1, **ERRORS)  # compiles
    print(f"rate (Hz)  3D autocorrelogram (ms)  {chosen.number} copies (ms)")
    for rate in (1.3, 15, 80):
        one = unit(rate, chosen.seconds)
        whole = timed(of_spikes, one, "acg")
        print(f"{rate:9}  {whole:23.1f}  {timed(copies, one, ['acg'], number=chosen.number, **ERRORS):14.0f}")


def timed(make: Callable[..., Any], *args: Any, **settings: Any) -> float:
    """Returns ms of the processor."""
    started = time.process_time()
    make(*args, **settings)
    return 1000 * (time.process_time() - started)


if __name__ == "__main__":
    main()
