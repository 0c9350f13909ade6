"""Series of an NWB file: values in mV or pA, rates, times and electrodes; a response and its stimulus make a sweep.

They are laid together by their start times (`starting_time`, or the first of `timestamps`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float

from celltype_cli.core.messages import UserError
from celltype_cli.core.text import as_text
from celltype_cli.patch_clamp.readers.units import TO_MV, TO_PA, symbol
from celltype_cli.patch_clamp.recording import Remark

# By what a series is to be brought to: factors, what it is of a sweep, and units that it may have.
UNITS = {
    "mV": (TO_MV, "response", "volts or millivolts"),
    "pA": (TO_PA, "stimulus", "amperes, nA, pA or fA"),
}
LONGEST = 50_000_000  # samples of a sweep: 50 s at 1 MHz; more is a size that a damaged file declares
ALL = slice(None)
NO_STIMULUS, NO_RESPONSE = "its stimulus is missing", "its response is missing"
DAMAGED = "it cannot be read, its part of the file is damaged"
BIAS_A = 30e-12  # less holds many cells steady
SAME_S = 1e-3  # between the starts of a response and of its stimulus, where nothing else says which belong together
RUNS = 100_000  # more than the sweeps of a run, to number those of the next
TOGETHER = Remark(
    "its sweeps have no number of their own: responses and stimuli that start at once were taken together"
)
LONGER_S = 0.01  # by which stimulus and response may differ in length without a word
Numbered = dict[int, list[h5py.Group]]
# What h5py and numpy raise where a part of a file was overwritten.
BROKEN = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, MemoryError)


class LeftOut(Exception):
    """The reason why a sweep cannot be used."""


def matched(responses: Numbered, stimuli: Numbered, *, scaled: bool = True) -> Iterator[tuple | str | Remark]:
    for number in sorted(responses.keys() | stimuli.keys()):
        response, stimulus = responses.get(number, []), stimuli.get(number, [])
        if len(response) == len(stimulus) == 1:
            yield from sweep(number, response[0], stimulus[0], scaled=scaled)
        elif not response or not stimulus:
            yield from [NO_STIMULUS if response else NO_RESPONSE] * max(len(response), len(stimulus))
        elif pairs := at_once(response, stimulus):  # recorded in several runs, each of which counts from 0
            yield TOGETHER
            for k, pair in enumerate(pairs):
                yield from sweep(number + RUNS * k, *pair, scaled=scaled)
        else:
            yield from ["several responses or stimuli have its number"] * len(response)


def at_once(responses: list[h5py.Group], stimuli: list[h5py.Group]) -> list[tuple[h5py.Group, h5py.Group]]:
    """Returns responses and stimuli that start at the same time, in its order; none where one has not one partner."""
    try:
        starts, given = (np.array([clock(one)[1] for one in of]).reshape(-1) for of in (responses, stimuli))
    except (*BROKEN, LeftOut):
        return []
    same = np.abs(starts[:, None] - given) < SAME_S
    if not same.size or not (same.sum(axis=0) == 1).all() or not (same.sum(axis=1) == 1).all():
        return []
    return [(responses[k], stimuli[int(same[k].argmax())]) for k in np.argsort(starts, kind="stable")]


def sweep(
    number, response, stimulus, *, part=ALL, stimulus_part=ALL, scaled: bool = True
) -> Iterator[tuple | str | Remark]:
    """Yields what is stored of a sweep, of the time that stimulus and response share; or why it is left out."""
    try:
        (rate, start), (other, stimulus_start) = clock(response, part), clock(stimulus, stimulus_part)
        if not np.isclose(rate, other, rtol=1e-4):
            raise LeftOut("no one sampling rate for response and stimulus")
        voltage = values(response, "mV", scaled, part)
        current = values(stimulus, "pA", scaled, stimulus_part)
        later = round((stimulus_start - start) * rate)
        if abs(later) >= min(len(voltage), len(current)) and later < 0 and stimulus_start == 0:
            yield Remark("its stimuli all start at 0 s: their times were taken to count from the start of a sweep")
            later = 0
    except LeftOut as reason:
        yield str(reason)
        return
    except BROKEN:
        yield DAMAGED
        return
    if abs(later) > 1:
        voltage, current = voltage[max(later, 0) :], current[max(-later, 0) :]
        if not len(voltage) or not len(current):
            yield "its stimulus and its response have no time in common"
            return
        yield Remark("stimulus and response start at different times: they were laid together by these")
    if abs(len(voltage) - len(current)) > LONGER_S * rate:
        yield Remark("stimulus and response end at different times: what both have was used")
    if scaled and {_channel_conversion(response), _channel_conversion(stimulus)} != {1.0}:
        yield Remark("its channel_conversion is applied beside its conversion")
    if _is_biased(response):
        yield Remark("its file says a bias current beside the steps: its rest is not that without current")
    samples = min(len(voltage), len(current))
    yield number, voltage[:samples], current[:samples], rate


def _is_biased(response: h5py.Group) -> bool:
    """Says whether a constant current is written down beside the stimulus, in amperes."""
    try:
        return abs(scalar(response["bias_current"][()], "bias_current")) > BIAS_A
    except (*BROKEN, LeftOut):
        return False


def values(series: h5py.Group, unit: str, scaled: bool, part: slice = ALL) -> Float[np.ndarray, " time"]:
    """Returns what a series holds, in mV or pA.

    Args:
        unit: "mV" or "pA".
        scaled: whether its `conversion`, `channel_conversion` and `offset` are applied.
        part: samples that belong to the sweep.

    Raises:
        LeftOut: when it is in another unit, no row of numbers, or too long.
    """
    factors, what, expected = UNITS[unit]
    if not isinstance(data := series["data"], h5py.Dataset):
        raise LeftOut(f"its {what} is no row of numbers")
    if (found := unit_of(series)) not in factors:
        raise LeftOut(f"its {what} is in {found or 'no unit'}; expected {expected}")
    if data.ndim not in (1, 2) or data.shape[1:] not in ((), (1,)) or data.dtype.kind not in "fiu":
        raise LeftOut(f"its {what} is {data.dtype} with {data.ndim} axes; expected numbers [time]")
    if (samples := len(range(len(data))[part])) > LONGEST:
        raise LeftOut(f"its {what} declares {samples:,} samples; expected at most {LONGEST:,}")
    conversion, offset = (scalar(data.attrs.get(name, d), name) for name, d in (("conversion", 1), ("offset", 0)))
    conversion *= _channel_conversion(series)
    factor, stored = factors[found], data[part].astype(np.float64).reshape(-1)
    return stored * (conversion * factor) + offset * factor if scaled else stored * factor


def _channel_conversion(series: h5py.Group) -> float:
    """Returns the factor that the schema knows of extracellular series, and that some write for each channel; or 1."""
    name = "channel_conversion"
    return scalar(series[name][()], name) if isinstance(series.get(name), h5py.Dataset) else 1.0


def clock(series: h5py.Group, part: slice = ALL) -> tuple[float, float]:
    """Returns the sampling rate (Hz), NaN where time stamps are uneven, and when the part starts (s).

    NaN equals no other rate.
    """
    if "starting_time" in series:
        start = series["starting_time"]
        rate = scalar(start.attrs.get("rate", h5py.Empty("f")), "rate")
        return rate, scalar(start[()], "starting_time") + (part.start or 0) / (rate or np.nan)
    if len(series["timestamps"]) > LONGEST:
        raise LeftOut(f"it declares {len(series['timestamps']):,} time stamps; expected at most {LONGEST:,}")
    stamps = series["timestamps"][part].astype(np.float64).reshape(-1)
    interval = np.diff(stamps)
    mean = float(interval.mean()) if len(interval) else 0.0
    even = mean > 0 and np.abs(interval - mean).max() < 0.1 * mean
    return 1 / mean if even else float("nan"), float(stamps[0]) if len(stamps) else 0.0


def scalar(value: Any, what: str) -> float:
    """Returns one number, also from an array of one.

    Raises:
        LeftOut: when it is none, several, or not finite.
    """
    try:
        found = np.asarray(value, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.size != 1 or not np.isfinite(found[0]):
        raise LeftOut(f"its {what} is no number")
    return float(found[0])


def unit_of(series: h5py.Group) -> str:
    """Returns the symbol of the unit ("mV"), or the unit as it is where it is of no potential or current.

    Raises:
        LeftOut: when it is no text.
    """
    try:
        return symbol(as_text(series["data"].attrs.get("unit", ""), missing=frozenset()))
    except UserError as error:
        raise LeftOut("its unit is no text") from error


def type_of(series: h5py.Group) -> str:
    try:
        return as_text(series.attrs.get("neurodata_type", ""))
    except UserError:
        return ""


def electrode_of(series: h5py.Group) -> str:
    """Returns the name of the electrode that a series was recorded with; "" where it names none."""
    link = series.get("electrode", getlink=True)
    if isinstance(link, h5py.SoftLink):
        return link.path.rpartition("/")[2]
    return series["electrode"].name.rpartition("/")[2] if link is not None else ""


def groups(file: h5py.File, place: str) -> Iterator[tuple[str, h5py.Group]]:
    """Yields the groups of a group by name; the group, or the target of a link, may be missing."""
    return ((name, one) for name, one in file.get(place, {}).items() if isinstance(one, h5py.Group))
