"""Whether the membrane potential does what the current says: its unit, its sign, its order of sweeps and its time.

A membrane is charged by a positive current, the more the larger it is, from its onset on, within some tens of ms; its
resistance is 10 MOhm to a few GOhm. What contradicts that is told, as no spike shape or spike count would tell it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from celltype_cli.patch_clamp.squares import LongSquare
from celltype_cli.patch_clamp.stimuli import MARGIN_S

DEFLECTS_MV = 5.0  # less may be noise or drift
HIGHEST_GOHM = 10.0  # of a whole cell
FEWEST, FEWEST_PA = 4, 3  # sweeps, and different amplitudes, from which their order can be told
FOLLOWS = 0.3  # rank correlation of potential with current; of recorded cells it is 0.9 or more
SOON_S, EARLY, LATE = 0.02, 0.3, 0.05  # after the onset; share of the deflection before it, and so long after it
CLOSE_S = 0.002


def contradiction(squares: Sequence[LongSquare]) -> str:
    """Returns what of the current of a cell the potential contradicts; "" where nothing, or where too little moves."""
    moved = np.array([_deflections(square) for square in squares]).reshape(-1, 3)  # mV: at the end, before, soon after
    amplitudes = np.array([square.step.amplitude_pA for square in squares])
    large = np.abs(moved[:, 0]) >= DEFLECTS_MV
    if not large.any():
        return ""
    per_pA = float(np.median(np.abs(moved[large, 0] / amplitudes[large])))
    if per_pA > HIGHEST_GOHM:
        return f"its potential moves by {per_pA:.3g} mV for each pA, which looks like a current in nA"
    if len(squares) >= FEWEST and len({round(amplitude) for amplitude in amplitudes}) >= FEWEST_PA:
        follows = _rank_correlation(amplitudes, moved[:, 0])
        if follows < -FOLLOWS:
            return "its potential falls where its current rises: has the current the other sign, or order of sweeps?"
        if follows < FOLLOWS:
            return (
                "its potential does not follow its current from sweep to sweep: are both in the same order of sweeps?"
            )
    before, soon = np.median(moved[large, 1:] / moved[large, :1], axis=0)
    if before > EARLY:
        return "its potential moves before its current does: do both begin at the same time?"
    if soon < LATE:
        said = f"its potential has not moved {1e3 * SOON_S:g} ms after its current did"
        return f"{said}: do both begin at the same time?"
    return ""


def _deflections(square: LongSquare) -> Float[np.ndarray, " 3"]:
    """Returns by how many mV the potential moved: in the second half of the step, in the margin before, soon after."""
    voltage, rate, onset = square.sweep.voltage, square.sweep.sampling_rate, square.onset
    last = onset + round(square.step.duration_s * rate)
    at = {name: onset + round(seconds * rate) for name, seconds in (("first", -MARGIN_S), ("soon", SOON_S))}
    close = max(1, round(CLOSE_S * rate))
    before = voltage[max(0, at["first"]) : onset]
    rest = np.median(before)
    start = np.median(before[: max(1, len(before) // 5)])
    return np.array([
        np.median(voltage[(onset + last) // 2 : last]) - rest,
        np.median(before[-close:]) - start,
        np.median(voltage[at["soon"] - close : at["soon"]]) - rest,
    ])  # fmt: skip


def _rank_correlation(one: Float[np.ndarray, " sweep"], other: Float[np.ndarray, " sweep"]) -> float:
    return float(np.corrcoef(rankdata(np.round(one)), rankdata(other))[0, 1])
