"""Units of potentials and currents, however files write them, and factors to mV and pA."""

from __future__ import annotations

import unicodedata

TO_MV = {"V": 1e3, "mV": 1.0, "uV": 1e-3}
TO_PA = {"A": 1e12, "uA": 1e6, "nA": 1e3, "pA": 1.0, "fA": 1e-3}
PREFIXES = {"": "", "milli": "m", "micro": "u", "nano": "n", "pico": "p", "femto": "f"}
WORDS = {"V": ("v", "volt", "volts"), "A": ("a", "amp", "amps", "ampere", "amperes")}
SYMBOLS = {
    f"{start}{word}": f"{letter}{unit}"
    for unit, words in WORDS.items()
    for long, letter in PREFIXES.items()
    for word in words
    for start in ((letter,) if len(word) == 1 else (long, letter))
}


def symbol(unit: str) -> str:
    """Returns the symbol of a unit in any spelling and case (mv, millivolts, \u00b5V): mV, uV; others as they are."""
    plain = unicodedata.normalize("NFKC", unit).strip().casefold().replace("\u03bc", "u")
    return SYMBOLS.get(plain, unit)
