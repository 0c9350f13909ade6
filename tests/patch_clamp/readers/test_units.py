"""Units as recording software and people write them."""

import pytest

from celltype_cli.patch_clamp.readers.units import symbol


@pytest.mark.parametrize(
    ("unit", "said"),
    [("mV", "mV"), ("mv", "mV"), ("Millivolts", "mV"), ("V ", "V"), ("\u00b5V", "uV"), ("\u03bcA", "uA"), ("PA", "pA"),
     ("picoampere", "pA"), ("microvolts", "uV"), ("microamps", "uA"), ("femtoamperes", "fA"), ("nA", "nA"),
     ("volt", "V"), ("", ""), ("a.u.", "a.u."), ("pascal", "pascal")],
)  # fmt: skip
def test_spellings(unit, said):
    assert symbol(unit) == said
