"""Text as it comes from files of any format: decoded, trimmed, one Unicode form, and empty where there is none."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np

from celltype_cli.core.messages import UserError

LONGEST = 200  # characters of a name, label or unit
# How "no value" is written by numpy, pandas, R, MATLAB (<missing>, <undefined>), databases (\N) and spreadsheets
# (#N/A, and #NV in German) when they make text of it; an error of a formula is none either. Compared in lower case.
ERRORS = {"#div/0!", "#value!", "#num!", "#null!", "#ref!", "#name?", "#wert!", "#zahl!", "#bezug!"}
WORDS = {"", "nan", "none", "null", "na", "n/a", "nat", "#n/a", "#nv", "<na>", "<missing>", "<undefined>", "\\n"}
MISSING = frozenset(WORDS | ERRORS)
PRINTED = re.compile(r"b?'([^']*)'|b?\"([^\"]*)\"|\[b?'([^']*)'\]")  # b'PV', ['PV']: how Python prints text


def as_text(value: Any, missing: frozenset[str] = MISSING) -> str:
    """Returns one piece of text: decoded, in Unicode form NFC, every run of white space one blank, none at the ends,
    without what is not seen (zero-width spaces, marks of the order of bytes) and what Python prints around it (b'PV').

    What stands for a missing value (None, NaN, an empty array, HDF5's Empty, the word "nan") is empty. An array of one
    is its element; a whole number kept as a float (1.0) is written without its point.

    Args:
        missing: words that stand for a missing value, in lower case; none of them where "nA" is a unit.

    Raises:
        UserError: when it is no single text: several values, a mapping, bytes that are no UTF-8, control characters,
            or more than 200 characters. The caller says where it stands.
    """
    value = _single(value)
    if isinstance(value, (bytes, np.bytes_)):
        try:
            value = bytes(value).decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{bytes(value)[:40]!r} is no UTF-8 text; save it as UTF-8") from error
    if isinstance(value, (float, np.floating)):
        value = "" if np.isnan(value) else f"{int(value)}" if value == int_or_none(value) else f"{value:g}"
    text = "" if value is None else unicodedata.normalize("NFC", str(value)).replace("\0", " ")
    text = " ".join("".join(letter for letter in text if unicodedata.category(letter) != "Cf").split())
    if printed := PRINTED.fullmatch(text):
        text = next(filter(None, printed.groups()), "").strip()
    if text.lower() in missing:
        return ""
    if len(text) > LONGEST:
        raise UserError(f"a text of {len(text)} characters ({text[:40]!r} ...); expected at most {LONGEST}")
    if not text.isprintable():
        raise UserError(f"{text!r} holds characters that cannot be printed; expected plain text")
    return text


def int_or_none(value: float) -> int | None:
    """Returns the whole number that a float is, or None."""
    return int(value) if np.isfinite(value) and value == np.floor(value) else None


def _single(value: Any) -> Any:
    if type(value).__name__ in ("Empty", "NAType", "NaTType", "MaskedConstant"):  # h5py, pandas, numpy.ma
        return None
    if isinstance(value, (list, tuple)):
        value = np.array(value, dtype=object)
    if isinstance(value, np.ndarray):
        if value.size > 1:
            raise UserError(f"{value.size} values ({', '.join(map(str, value.ravel()[:3]))}, ...); expected one text")
        return _single(value.ravel()[0]) if value.size else None
    if isinstance(value, dict) or (isinstance(value, np.void) and value.dtype.names):
        raise UserError(f"{type(value).__name__} {value!r:.60}; expected one text")
    return value
