"""Which units are well isolated: how many of their spikes are of others, and how many are missing.

False positives: spikes that follow another too soon, over what spikes of other cells at the unit's rate would give
(Hill et al. 2011, J Neurosci 31:8699, in the linear form in use since). False negatives: the part of a Gaussian of
amplitudes that is cut off at its low end (the same paper, figure 4); no estimate where amplitudes are not known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from celltype_cli.extracellular.recording import Recording

Profile = Literal["none", "light", "c4"]
WITHOUT = "their amplitudes are not known, so that missing spikes are not estimated"


@dataclass(frozen=True)
class Limits:
    """What a unit has to keep to.

    Attributes:
        spikes: that it has to have more than.
        refractory: s, within which no second spike is a unit's own.
        false_positives, false_negatives: largest shares.
    """

    spikes: int
    refractory: float
    false_positives: float
    false_negatives: float


# As the Allen Institute filters its units by default (Siegle et al. 2021, Nature 592:86), on the whole recording.
LIGHT = Limits(spikes=99, refractory=0.0015, false_positives=0.5, false_negatives=0.1)
# As Beau et al. 2025 (Cell, doi 10.1016/j.cell.2025.01.041), piece by piece.
C4 = Limits(spikes=300, refractory=0.0008, false_positives=0.05, false_negatives=0.05)
PIECE = 10.0  # s
WINDOW = 3  # pieces, over which shares are estimated
FEWEST = 15  # spikes that a window has to have more than
GOOD = 180.0  # s that have to be good, in all
TRIES = 200  # of the fit to amplitudes; of 99 recorded windows 64 took fewer than 140, and 35 do not end in 10,000


def passed(unit: Recording, profile: Profile) -> Recording:
    """Returns a unit that is good enough; of "c4" with the spikes of its good stretches alone, as published.

    Args:
        profile: "none" takes every unit; "light" those that keep to `LIGHT` over the recording; "c4" those with more
            than 180 s of good pieces: one of 10 s is good if any window of 30 s over it is, and two windows or more
            are. Stretches that the file calls well isolated (`Recording.good`) take the place of the estimate.

    Raises:
        ValueError: with why it is not.
    """
    if profile == "none":
        return unit
    if unit.spikes is None:
        raise ValueError(f"its file holds no spike times, which prepare.quality={profile} judges by")
    limits = LIGHT if profile == "light" else C4
    if len(unit.spikes) <= limits.spikes:
        raise ValueError(f"it has {len(unit.spikes)} spikes; quality {profile} asks for more than {limits.spikes}")
    if profile == "light":
        return _light(unit)
    good = _good_by_file(unit) if unit.good is not None else _good_by_pieces(unit)
    seconds = stretches(unit.spikes, good)
    if seconds <= GOOD:
        raise ValueError(
            f"{seconds:.0f} s of it are well isolated; quality c4 asks for more than {GOOD:g} s{_why(unit)}"
        )
    amplitudes = None if unit.amplitudes is None else unit.amplitudes[good]
    notes = unit.notes if unit.good is not None or _vary(unit) else (*unit.notes, WITHOUT)
    return replace(unit, spikes=unit.spikes[good], amplitudes=amplitudes, notes=notes)


def false_positives(spikes: Float[np.ndarray, " spike"], refractory: float, rate: float | None = None) -> float:
    """Returns the share of spikes that are of other cells; 0 for fewer than two spikes.

    Args:
        spikes: s, ascending.
        refractory: s.
        rate: Hz, of the unit; None for that of `mean_rate`.
    """
    spikes = np.unique(spikes)
    if len(spikes) < 2:
        return 0.0
    close = int((np.diff(spikes) < refractory).sum())
    return close / (2 * len(spikes) * refractory) / (mean_rate(spikes) if rate is None else rate)


def mean_rate(spikes: Float[np.ndarray, " spike"]) -> float:
    """Returns Hz, over all intervals but the longest 0.5 %, in which a unit may have been lost."""
    interval = np.diff(spikes)
    return 1 / float(interval[interval <= np.quantile(interval, 0.995)].mean())


def false_negatives(amplitudes: Float[np.ndarray, " spike"]) -> float:
    """Returns the share of a Gaussian below the 1st percentile of amplitudes, to whose histogram above it is fitted.

    Bins are as wide as Freedman and Diaconis (1981) have them. NaN where there are three bins or fewer, or no fit.

    Args:
        amplitudes: on any scale; of a negative one the size counts.
    """
    from scipy.optimize import curve_fit
    from scipy.stats import norm

    size = np.abs(np.asarray(amplitudes, dtype=np.float64))
    width = 2 * np.subtract(*np.percentile(size, [75, 25])) / len(size) ** (1 / 3)
    n = int(min(np.ptp(size) / width, 1000) + 1) if width > 0 else 0
    if n <= 3 or not np.isfinite(size).all():
        return np.nan
    count, edges = np.histogram(size, bins=n)
    centre, cut = edges[:-1] + np.diff(edges) / 2, np.percentile(size, 1)
    above = centre >= cut
    start = (count.max(), edges[:-1][count == count.max()].mean(), size.std())
    try:
        _, mean, sd = curve_fit(_gaussian, centre[above], count[above], start, jac=_slopes, maxfev=TRIES)[0]
    except (RuntimeError, TypeError):  # it does not converge; there are fewer bins than parameters
        return np.nan
    return float(norm.cdf((cut - mean) / abs(sd))) if sd else np.nan


def _gaussian(x: np.ndarray, height: float, mean: float, sd: float) -> np.ndarray:
    return height * np.exp(-((x - mean) ** 2) / (2 * sd**2))


def _slopes(x: np.ndarray, height: float, mean: float, sd: float) -> np.ndarray:
    shape, z = _gaussian(x, 1.0, mean, sd), (x - mean) / sd
    return np.stack([shape, height * shape * z / sd, height * shape * z**2 / sd], axis=1)


def stretches(spikes: Float[np.ndarray, " spike"], good: Bool[np.ndarray, " spike"]) -> float:
    """Returns the s from first to last of each run of good spikes, in all."""
    together = good[1:] & good[:-1]
    return float(np.diff(spikes)[together].sum())


def windows(unit: Recording) -> tuple[Bool[np.ndarray, " window"], Bool[np.ndarray, " window"]]:
    """Returns of windows of 30 s, which begin every 10 s, which have few false positives and which few negatives.

    Windows of 15 spikes or fewer have neither; where amplitudes are not known, all others have few negatives.
    """
    spikes = unit.spikes
    end = unit.duration if np.isfinite(unit.duration) else spikes[-1]
    starts = np.arange(max(int(end / PIECE), 1)) * PIECE
    first, last = np.searchsorted(spikes, starts), np.searchsorted(spikes, starts + WINDOW * PIECE)
    rate, known = mean_rate(spikes), _vary(unit)
    few, whole = np.zeros(len(starts), dtype=bool), np.zeros(len(starts), dtype=bool)
    for k in np.flatnonzero(last - first > FEWEST):
        here = slice(first[k], last[k])
        few[k] = false_positives(spikes[here], C4.refractory, rate) <= C4.false_positives
        whole[k] = not known or false_negatives(unit.amplitudes[here]) <= C4.false_negatives
    return few, whole


def _vary(unit: Recording) -> bool:
    """Says whether amplitudes are known: a file may hold ones in their place."""
    return unit.amplitudes is not None and bool(np.ptp(unit.amplitudes) > 0)


def _good_by_pieces(unit: Recording) -> Bool[np.ndarray, " spike"]:
    good = np.ones(len(unit.spikes), dtype=bool)
    for window in windows(unit):
        piece = np.convolve(window, np.ones(WINDOW)) > 0  # a piece is under the window it begins, and the two before
        if window.sum() < 2:
            piece[:] = False
        place = np.minimum((unit.spikes / PIECE).astype(int), len(piece) - 1)
        good &= piece[place]
    return good


def _good_by_file(unit: Recording) -> Bool[np.ndarray, " spike"]:
    inside = np.zeros(len(unit.spikes), dtype=bool)
    for start, stop in unit.good:
        inside |= (unit.spikes >= start) & (unit.spikes <= stop)
    return inside


def _why(unit: Recording) -> str:
    """Says what is wrong with the windows of a unit."""
    if unit.good is not None:
        return ", by the file"
    few, whole = windows(unit)
    negatives = "" if not _vary(unit) else f", in {whole.sum()} few spikes are missing"
    return f": of {len(few)} windows of 30 s, in {few.sum()} few spikes are of other cells{negatives}"


def _light(unit: Recording) -> Recording:
    positives = false_positives(unit.spikes, LIGHT.refractory)
    if positives > LIGHT.false_positives:
        raise ValueError(
            f"the share of its spikes that are of other cells comes to {positives:.2g} by intervals below "
            f"{1000 * LIGHT.refractory:g} ms; quality light asks for {LIGHT.false_positives:g} at most"
        )
    if not _vary(unit):
        return replace(unit, notes=(*unit.notes, WITHOUT))
    if (negatives := false_negatives(unit.amplitudes)) > LIGHT.false_negatives:
        raise ValueError(
            f"the share of its spikes that are missing comes to {negatives:.2g} by their amplitudes; quality light "
            f"asks for {LIGHT.false_negatives:g} at most"
        )
    return unit
