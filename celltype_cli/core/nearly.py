"""What a value that does not fit may mean: percent for a share, a number with its unit, yes for true, none for null."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

# What text processors and PDF files put for a minus, for quotes and for blanks
TYPESET = str.maketrans(
    dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014", "-")
    | dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"')
    | dict.fromkeys("\u2018\u2019\u201a", "'")
    | dict.fromkeys("\u00a0\u2007\u2009\u202f", " ")
    | dict.fromkeys("\u200b\ufeff\u00ad", "")
)
TRUE, FALSE = ("yes", "y", "on", "1", "true"), ("no", "n", "off", "0", "false")
NOTHING = ("none", "nil", "null", "no", "off", "false", "never", "na", "n/a", "-", "")
NUMBER = re.compile(r"([+-]?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?)\s*([^\d\s.,].*)?", re.IGNORECASE)


def meant(name: str, value: Any, fits: Callable[[Any], bool]) -> str:
    """Returns "; meant: x" for a value that does not fit, or what else leads on; nothing where nothing is near.

    Args:
        name: of the setting, which may end in its unit, as `_s`.
        fits: says whether another value would fit.
    """
    text = str(value).translate(TYPESET).strip().strip("\"'").lower()
    if isinstance(value, (str, bool, int)) and (fits(True) or fits(None)):
        truth = True if text in TRUE else False if text in FALSE else None
        if truth is not None and fits(truth):
            return f"; meant: {str(truth).lower()}"
        if text in NOTHING and not isinstance(value, int | float) and fits(None):
            return "; meant: null"
    if isinstance(value, bool) or value is None:
        return "; meant: null" if value is False and fits(None) else ""
    if isinstance(value, (int, float)):
        return _of_number(name, value, fits)
    if isinstance(value, str) and (found := NUMBER.fullmatch(text)):
        number = float(found[1].replace(",", "."))
        if found[2] == "%":
            number, found = number / 100, None
        fitting = [one for one in ([int(number)] if number.is_integer() else []) + [number] if fits(one)]
        if fitting and found and found[2]:
            return "; type the number alone, in the unit that --help says"
        return f"; meant: {fitting[0]}" if fitting else _of_number(name, number, fits)
    if isinstance(value, str) and text and fits([value]):
        return f"; meant: [{value}]"
    return _of_list(name, value, fits)


def _of_number(name: str, value: float, fits: Callable[[Any], bool]) -> str:
    if isinstance(value, float) and value.is_integer() and fits(int(value)):
        return f"; meant: {int(value)}"
    if name.endswith("_s") and value > 1 and fits(value / 1000):
        return f"; in seconds: {value / 1000:g}, if milliseconds were meant"
    if 1 < value <= 100 and fits(value / 100) and not fits(1.5):
        return f"; a share, not percent: {value / 100:g}"
    return ""


def _of_list(name: str, value: Any, fits: Callable[[Any], bool]) -> str:
    if isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or hasattr(value, "keys") or not len(value):
        return ""
    entries = [*value]
    if not all(fits(entry) for entry in entries):
        return ""
    words = ",".join(str(entry) for entry in entries)
    return f"; meant: {words}" if len(entries) == 1 else f"; one value is expected, and -m {name}={words} runs each"
