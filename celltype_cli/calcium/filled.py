"""Frames that were not recorded and hold a value all the same: the last one, 0, or one that no recording has (-999)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from celltype_cli.calcium.recording import Recording

STILL = 20  # samples of exactly one value, which noise does not have
FAR, FAR_ONCE = 3.0, 50.0  # times as far from all others as these spread there: a value that recurs; one that not
RARE = 0.2  # of the samples; what is more frequent is no exception
ENOUGH = 100  # samples, of which the spread is known


def without_filled(recording: Recording) -> Recording:
    """Parts a noisy trace where it holds one value for `STILL` samples or more, and where one value stands apart.

    A trace without noise (denoised, or sparse) may rest as long as it likes, and is left as it is.
    """
    apart = _apart(recording.segments)
    parts = [piece for segment in recording.segments for part in _without(segment, apart) for piece in _parts(part)]
    steps = [np.diff(part) for part in parts if len(part) > 1]
    still = sum(map(len, recording.segments)) - sum(map(len, parts))
    if not still or not steps or not _is_noise(np.concatenate(steps)):
        return recording
    return replace(recording, segments=tuple(part for part in parts if len(part) > 1), still=still)


def _apart(segments: Sequence[Float[np.ndarray, " _"]]) -> list[float]:
    """Returns the smallest and the largest value where all others lie far from it."""
    values, found = np.concatenate([*segments, np.empty(0)]), []
    for sign in (1.0, -1.0) if len(values) > ENOUGH and np.isfinite(values).all() else ():
        first, second = np.partition(sign * values, 1)[:2]
        if first < second and second - first < FAR * values.std():
            continue  # as in all but a few
        others = (sign * values)[sign * values != first]
        count = len(values) - len(others)
        if len(others) < ENOUGH or count > RARE * len(values):
            continue
        spread = np.median(others) - np.quantile(others, 0.001)
        if others.min() - first > (FAR if count > 1 else FAR_ONCE) * spread > 0:
            found.append(sign * first)
    return found


def _without(segment: Float[np.ndarray, " time"], apart: Sequence[float]) -> list[Float[np.ndarray, " _"]]:
    """Returns what lies between the samples of such values."""
    there = np.diff(~np.isin(segment, apart), prepend=False, append=False) if apart else None
    return [segment] if there is None else [segment[a:b] for a, b in np.flatnonzero(there).reshape(-1, 2)]


def _parts(segment: np.ndarray) -> list[np.ndarray]:
    """Returns what lies between the stretches of one value; a segment that never varies is judged as a whole."""
    edges = np.flatnonzero(np.diff(np.diff(segment) == 0, prepend=False, append=False)).reshape(-1, 2)
    runs = [(first, stop + 1) for first, stop in edges if stop - first >= STILL - 1]
    if runs == [(0, len(segment))]:
        return [segment]
    bounds = [0, *(place for run in runs for place in run), len(segment)]
    return [segment[a:b] for a, b in zip(bounds[::2], bounds[1::2])]


def _is_noise(steps: np.ndarray) -> bool:
    """Says whether a trace goes up and down from sample to sample; white noise turns at two thirds of them."""
    turns = np.diff(np.sign(steps[steps != 0])) != 0
    return bool((steps != 0).mean() > 0.9 and turns.size > 0 and turns.mean() > 0.3)
