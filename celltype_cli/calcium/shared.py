"""What nearly all traces of one recording have in common, and neurons do not: a jump in one frame, a drift."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float

from celltype_cli.calcium import scales
from celltype_cli.calcium.recording import Recording
from celltype_cli.core.messages import counted, few

FEWEST, LOOKED_AT = 10, 60  # cells of a recording of which it is told, and that are looked at
NEARLY_ALL = 0.9  # of the cells
JUMP = 5.0  # times the noise of a cell from frame to frame, which so many cells exceed in one frame the same way
BLOCKS, IN_BLOCK, BASELINE = 10, 20, 10  # stretches; samples that each has at least; percentile that is its baseline
# Correlation of the baseline with time in nearly all cells, and in most; its change over the noise of most. In the 11
# datasets of CASCADE with 10 cells or more the first two are -0.13 and 0.71 or less, though recorded one by one.
STEADY, STEADY_IN_MOST, LARGE = 0.4, 0.8, 2.0


def notes(of: Sequence[Recording]) -> Iterator[str]:
    """Yields notes on recordings, cells of one file or animal with equal lengths, in which nearly all traces jump in
    one frame, or drift alike; raw fluorescence, which bleaches, may drift.
    """
    jumps, drifting = [], []
    for name, cells in _recordings(of):
        trace = np.stack([np.concatenate(r.segments) for r in cells]).astype(np.float64)
        trace = trace[np.isfinite(trace).all(axis=1)]
        steps = np.diff(trace)
        noise = 1.4826 * np.median(np.abs(steps), axis=1)
        trace, steps, noise = trace[noise > 0], steps[noise > 0], noise[noise > 0]
        if len(noise) < FEWEST:
            continue
        if len(frames := _jumps(steps / noise[:, None])):
            less = " of those that are there, gaps left out" * any(r.missing or r.still for r in cells)
            jumps.append(f"{name}: frame {', '.join(few(str(frame) for frame in frames))}{less}")
        elif not _is_raw(cells, trace) and (way := _drift(trace, noise / np.sqrt(2))):
            drifting.append(f"{name}: {way}")
    if jumps:
        yield (
            f"nearly all cells of {counted(len(jumps), 'recording')} jump in the same frame ({'; '.join(few(jumps))}): "
            "an artefact of light, motion or stimulation, and no activity? leave such frames empty (a gap)"
        )
    if drifting:
        yield (
            f"nearly all traces of {counted(len(drifting), 'recording')} drift alike from beginning to end "
            f"({'; '.join(few(drifting))}): bleaching, or focus, that the baseline did not follow?"
        )


def _recordings(of: Sequence[Recording]) -> Iterator[tuple[str, list[Recording]]]:
    """Yields the cells of each file and of each animal that have equal lengths, by name; some where there are many."""
    by = defaultdict(list)
    for r in of:
        lengths = r.sampling_rate, tuple(map(len, r.segments))
        for what, name in (("file", r.file), ("animal", "" if r.group == r.cell_id else r.group)):
            if name:
                by[(what, name, *lengths)].append(r)
    seen = set()
    for (_, name, *_), cells in sorted(by.items(), key=lambda item: -len(item[1])):
        which = frozenset(id(r) for r in cells)
        if len(cells) >= FEWEST and sum(map(len, cells[0].segments)) > 1 and which not in seen:
            seen.add(which)
            yield name, cells[:: 1 + (len(cells) - 1) // LOOKED_AT]


def _is_raw(cells: Sequence[Recording], trace: Float[np.ndarray, "cell time"]) -> bool:
    return cells[0].signal == "raw" or bool(np.median(np.percentile(trace, 5, axis=1)) > scales.LEVEL)


def _jumps(steps: Float[np.ndarray, "cell time"]) -> np.ndarray:
    """Returns the frames, from 0, into which nearly all cells jump the same way."""
    down, up = np.quantile(steps, (1 - NEARLY_ALL, NEARLY_ALL), axis=0)
    return 1 + np.flatnonzero((down > JUMP) | (up < -JUMP))


def _drift(trace: Float[np.ndarray, "cell time"], noise: Float[np.ndarray, " cell"]) -> str:
    """Says which way nearly all traces drift, or nothing."""
    length = trace.shape[1] // BLOCKS
    if length < IN_BLOCK:
        return ""
    level = np.percentile(trace[:, : BLOCKS * length].reshape(len(trace), BLOCKS, length), BASELINE, axis=2)
    change = np.abs(level[:, -1] - level[:, 0])
    level = level - level.mean(axis=1, keepdims=True)
    time = np.arange(BLOCKS) - (BLOCKS - 1) / 2
    steady = level @ time / np.maximum(np.linalg.norm(level, axis=1) * np.linalg.norm(time), 1e-12)
    way = np.sign(np.median(steady))
    if (
        np.quantile(way * steady, 1 - NEARLY_ALL) < STEADY
        or np.median(way * steady) < STEADY_IN_MOST
        or np.median(change / noise) < LARGE
    ):
        return ""
    return "they rise" if way > 0 else "they fall"
