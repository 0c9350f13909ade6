"""Names of animals, labels and recordings that look alike, or are one but for what a side, probe or session adds."""

from __future__ import annotations

import contextlib
import html
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations

from celltype_cli.core.text import int_or_none

SEEN_AS = str.maketrans(  # letters of Greek and Cyrillic that are seen as Latin ones
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0430\u0435\u043e\u0440\u0441\u0445",
    "ABEZHIKMNOPTYXoABEKMHOPCTXaeopcx",
)
BRACKETS = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")  # a remark at the end
SEVERAL = re.compile(r"\s*[/|;,&+]\s*|\s+(?:or|and)\s+")  # between two names
DOUBT = re.compile(r"^(?:putative|presumed|presumptive|presumably|likely|possibl[ey]|probabl[ey]|maybe|candidate)_")
MISTYPED = 5  # letters from which a word may be another with a mistake
SESSION = re.compile(
    r"[\s_./-]*(?:ses|sess|session|day|rec|recording|run|block|exp|fov|plane|slice|tseries)[\s_.-]*\d+$"
    r"|[\s_./-]+[sd]\d{1,3}$"  # m1_s2, m1_d14
    r"|/\d{1,3}$"  # m1/002, a folder
    r"|[\s_./-]+(?:20)?\d\d([\s_.-]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])$",  # a date: 2021-03-05, 210305
    re.IGNORECASE,
)
PROBE = re.compile(r"(?:(?<=[\s_./-])|^)(?:imec|probe|prb|npx|shank)[\s_-]*(?:\d{1,2}|[a-h])(?![a-z\d])", re.IGNORECASE)
SIDE = re.compile(r"[\s_./-]+(?:(left|lh|l)|(?:right|rh|r))(?:[\s_-]*hem(?:i(?:sphere)?)?)?$", re.IGNORECASE)
MARK = re.compile(r"[\s_./-]+(?:[nb0]|lr|rl|ll|rr|none|both)", re.IGNORECASE)  # of ears, beside those of one side


def _meant(name: str) -> str:
    """Returns a name without what programs did to its letters: &amp;, UTF-8 that was taken for Latin-1, long dashes,
    digits of other scripts."""
    with contextlib.suppress(UnicodeError):
        name = name.encode("cp1252").decode("utf-8")
    name = (str(unicodedata.digit(letter)) if letter.isdecimal() else letter for letter in html.unescape(name))
    return "".join("-" if unicodedata.category(letter) == "Pd" else letter for letter in name)


def alike(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Returns the names that are one but for case, separators, letters that look the same, marks around them, remarks
    in brackets, and what programs do to numbers and letters, as groups.

    These are m1, M1, m-1, m01, mouse 1, sub-01 and m1 (male); PV, PV+, PV cell, putative PV and the PV of Greek
    letters; 1, 001, #1 and 1.0; 100000 and 1E+05.
    """
    keys = {name: _key(name) for name in names}
    known, groups = {*keys.values()}, defaultdict(set)
    for name, key in keys.items():
        bare = _key(BRACKETS.sub("", name))
        groups[bare if bare in known else key].add(name)
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)


def _key(name: str) -> str:
    """Returns what names that look alike have in common."""
    key = unicodedata.normalize("NFKC", _meant(name)).translate(SEEN_AS).casefold().strip("+*?!.#'\"")
    key = re.sub(r"-$", " minus", key)  # PV- is not PV+
    key = re.sub(r"[\s_-]+", "_", key).strip("_")
    if re.fullmatch(r"\d+\.0+|\d(?:\.\d+)?e\+?\d{1,2}", key) and (whole := int_or_none(float(key))) is not None:
        key = str(whole)  # a whole number that passed through a float on its way into a file
    key = DOUBT.sub("", key)
    key = re.sub(r"^(?:sub|subj|subject|mouse|animal|m)_*(?=\d)", "", key)  # sub-01 of DANDI is 01
    key = re.sub(r"(?<![\d.])0+(?=\d)", "", key)
    key = re.sub(r"_(?:cell|neuron|interneuron)s?$", "", key)
    return re.sub(r"(?<=[^\W\d_])_(?=\d)", "", key)


def several(names: Iterable[str]) -> list[str]:
    """Returns the names that are made of others that are there, too: VIP/SOM beside VIP or SOM, PV or SST beside PV."""
    names = {*names}
    parts = {name: [part for part in SEVERAL.split(name) if part] for name in names}
    return sorted(name for name, of in parts.items() if len(of) == 2 and any(part in names for part in of))


def mistyped(names: Iterable[str]) -> list[tuple[str, str]]:
    """Returns pairs of words that are one but for a letter too many, or two in the wrong order (Pvalb, Pavlb).

    Another letter in one's place, and an s at the end, make another word (PkC_ss and PkC_cs, cell and cells).
    """
    words = sorted(
        {name for name in names if len(name) >= MISTYPED and name.isalpha()}, key=lambda one: (len(one), one)
    )
    return [(a, b) for a, b in combinations(words, 2) if _is_mistyped(a.casefold(), b.casefold())]


def _is_mistyped(short: str, long: str) -> bool:
    if len(long) == len(short):
        off = [k for k, (a, b) in enumerate(zip(short, long)) if a != b]
        return (
            len(off) == 2 and off[1] == off[0] + 1 and short[off[0]] == long[off[1]] and short[off[1]] == long[off[0]]
        )
    return long != short + "s" and short in (long[:k] + long[k + 1 :] for k in range(len(long)))


def shortened(names: Iterable[str]) -> list[str]:
    """Returns the names that are numbers without their last digits, as spreadsheets show long ones: 1.23457E+14."""
    return sorted(name for name in {*names} if re.fullmatch(r"\d(?:[.,]\d+)?[eE]\+\d+", name))


def sessions(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Returns the names that are one but for a session or date at their end (m1_day1, m1_2021-03-05), as groups."""
    return _one_but_for(SESSION, names)


def probes(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Returns the names that are one but for a probe (g0_imec0/ks, g0_imec1/ks; m1/probe00, m1/probe01), as groups."""
    return _one_but_for(PROBE, names, alone=True)


def sides(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Returns the names that are one but for left or right at their end (m1_L, m1_R), as groups of two.

    Not where other letters stand in this place (m1_N, m1_LR), as those that mark ears do.
    """
    names = {*names}
    groups = _one_but_for(SIDE, names)
    marked = {stem for name in names for stem in [MARK.sub("", name)] if MARK.fullmatch(name[len(stem) :])}
    both = [{bool(SIDE.search(name)[1]) for name in group} for group in groups]
    return [
        group for group, of in zip(groups, both) if len(of) == 2 == len(group) and SIDE.sub("", group[0]) not in marked
    ]


def _one_but_for(part: re.Pattern, names: Iterable[str], *, alone: bool = False) -> list[tuple[str, ...]]:
    """Returns the names that are equal without a part that each of them has, which is all of them if `alone` allows."""
    groups = defaultdict(set)
    for name in names:
        if (stem := part.sub("", name)) != name and (stem or alone):
            groups[stem].add(name)
    return sorted(tuple(sorted(group)) for group in groups.values() if len(group) > 1)
