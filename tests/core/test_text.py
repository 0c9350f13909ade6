"""Text from files of any format: one form, empty where nothing is given."""

import h5py
import numpy as np
import pandas as pd
import pytest

from celltype_cli.core.messages import UserError
from celltype_cli.core.text import as_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("PV", "PV"),
        ("  PV\t", "PV"),
        ("PV \N{NO-BREAK SPACE} basket", "PV basket"),
        (b"PV", "PV"),
        (np.bytes_(b"PV\0\0"), "PV"),
        ("Ze\N{COMBINING ACUTE ACCENT}ta", "Z\u00e9ta"),
        (np.array(["m1"]), "m1"),
        ([b"m1"], "m1"),
        (np.array(b"m1"), "m1"),
        (1, "1"),
        (1.0, "1"),
        (np.float64(1.5), "1.5"),
        (np.int8(7), "7"),
        (True, "True"),
        ("b'PV'", "PV"),
        ('"PV"', "PV"),
        ("[b'PV']", "PV"),
        ("['nan']", ""),
        ("Martinotti's", "Martinotti's"),
    ],
)
def test_one_form(value, text):
    assert as_text(value) == text


@pytest.mark.parametrize(
    "value",
    [None, np.nan, float("nan"), pd.NA, pd.NaT, "nan", "NaN", "None", "N/A", "NA", "", "  ",
     np.array([]), (), h5py.Empty("S1"), np.array([np.nan]), np.ma.masked],
)  # fmt: skip
def test_what_is_missing_is_empty(value):
    assert as_text(value) == ""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([30.0, 31.0], "2 values"),
        (np.array(["a", "b"]), "2 values"),
        ({"a": 1}, "expected one text"),
        (np.zeros(1, [("a", "i4")])[0], "expected one text"),
        (b"PV\xe9", "no UTF-8"),
        ("PV\x1b[31m", "cannot be printed"),
        ("x" * 201, "201 characters"),
        ("x" * 3_000_000, "3000000 characters"),
        ("\ud800", "cannot be printed"),
    ],
)
def test_what_is_no_text_is_refused_in_few_words(value, said):
    with pytest.raises(UserError, match=said) as error:
        as_text(value)
    assert len(str(error.value)) < 200


def test_nanoampere_is_a_unit_where_no_word_is_missing():
    assert as_text("nA") == ""
    assert as_text(b" nA ", missing=frozenset()) == "nA"


def test_what_is_not_seen_is_taken_out():
    assert as_text("\ufeffPV\u200b") == as_text("P\u00adV") == "PV"


@pytest.mark.parametrize("word", ["<undefined>", "<missing>", "#NV", "#REF!", "#BEZUG!", "#NAME?", "\\N"])
def test_what_matlab_databases_and_other_spreadsheets_write_for_none(word):
    assert as_text(word) == ""
