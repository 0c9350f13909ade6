"""Made dF/F, and what `calcium.plausible` says of it."""

from dataclasses import replace

import numpy as np

from celltype_cli.calcium.plausible import judged
from celltype_cli.calcium.recording import Recording

FINE = ([], [], [])


def cells(n=6, scale=1.0, level=0.0, noise=0.05):
    """dF/F with noise and transients, one trace a cell."""
    rng = np.random.default_rng(0)
    made = level + scale * (rng.normal(0, noise, (n, 300)) + 2 * (rng.random((n, 300)) < 0.03))
    return [Recording(f"c{k}", "PV", "m", (row,), 30.0, file="x.npz") for k, row in enumerate(made)]


def percent(made, signal=""):
    return [replace(r, segments=tuple(100 * s for s in r.segments), signal=signal) for r in made]


def judge(recordings, signal="dff"):
    """What is wrong with single cells, with all, and what is noted."""
    wrong, faults, notes = judged(recordings, signal)
    assert len(wrong) == len(recordings)
    return [line for line in wrong if line], faults, notes
