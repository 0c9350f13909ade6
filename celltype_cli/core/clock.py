"""Times that are written as a clock, with or without a date, as seconds."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from celltype_cli.core.text import MISSING

# 12:00:01.250, 12:00:01,250, 12:00:01:250 (milliseconds, as LabVIEW writes them), 1:02:03 PM; 2:03.5 are minutes.
CLOCK = re.compile(
    r"(?:(?P<date>\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})(?:T|,?\s+))?"
    r"(?:(?P<hour>\d{1,3}):)?(?P<minute>\d{1,3}):(?P<second>\d{1,2})(?:(?:[.,](?P<part>\d+))|:(?P<milli>\d{3}))?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?(?:\s*(?:z|utc|(?P<sign>[+-])(?P<zone_h>\d{2}):?(?P<zone_m>\d{2})))?",
    re.IGNORECASE,
)
DATES = ("%Y-%m-%d", "%d-%m-%Y", "%m-%d-%Y")  # a day before its month, unless the other way spans less time
DAY_S = 86400.0


def clock_seconds(column: pd.Series) -> np.ndarray | None:
    """Returns the seconds of a column of clock times, counted from any moment; NaN where nothing is given.

    Times without a date go on after midnight, in the order of the rows. 12:30 may be hours or minutes, and is no clock.

    Returns:
        None where the column holds anything else.
    """
    text = column.astype(str).str.strip()
    given = ~text.str.lower().isin(MISSING)
    unique = text[given].drop_duplicates()
    found = [CLOCK.fullmatch(one) for one in unique]
    if not found or not all(found):
        return None
    parts = pd.DataFrame([match.groupdict() for match in found], index=unique)
    hours, dates = parts["hour"].notna(), parts["date"].notna()
    if hours.any() != hours.all() or dates.any() != dates.all() or not (hours.all() or parts["part"].notna().any()):
        return None
    numbers = parts.drop(columns=["date", "part", "half", "sign"]).astype(float).fillna(0)
    afternoon = parts["half"].str.lower().map({"a": 0.0, "p": 12.0})
    hour = numbers["hour"].where(afternoon.isna(), numbers["hour"] % 12 + afternoon)
    part = ("0." + parts["part"].fillna("0")).astype(float) + numbers["milli"] / 1000
    zone = (numbers["zone_h"] * 60 + numbers["zone_m"]) * np.where(parts["sign"] == "-", -60, 60)
    seconds = hour * 3600 + numbers["minute"] * 60 + numbers["second"] + part - zone
    out = np.full(len(text), np.nan)
    out[given.to_numpy()] = text[given].map(seconds).to_numpy(np.float64)
    if dates.all():
        if (days := _days(parts["date"])) is None:
            return None
        out[given.to_numpy()] += DAY_S * text[given].map(days).to_numpy(np.float64)
    elif hours.all():
        out[given.to_numpy()] = np.unwrap(out[given.to_numpy()], period=DAY_S)
    return out


def _days(dates: pd.Series) -> pd.Series | None:
    """Returns the days of dates, counted from any; None where they are none."""
    plain, known = dates.str.replace("[/.]", "-", regex=True), []
    for form in DATES:
        days = pd.to_datetime(plain, format=form, errors="coerce")
        if days.notna().all():
            known.append((days - days.min()).dt.days)
    return min(known, key=lambda days: days.max(), default=None)
