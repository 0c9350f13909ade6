"""A value that does not fit leads on: to a share for percent, to the number without its unit, to true and null."""

from collections.abc import Sequence
from typing import Annotated, Literal

import pytest
from annotated_types import Interval

from celltype_cli.core.ranges import Count, Positive, faults

Accuracy = Annotated[float, Interval(gt=0, lt=1)]
Fraction = Annotated[float | int, Interval(ge=0, lt=0.5)]
Seconds = Annotated[float, Interval(gt=0, le=60)]


@pytest.mark.parametrize(
    ("name", "value", "annotation", "said"),
    [
        ("accuracy", 95, Accuracy | None, "; a share, not percent: 0.95"),
        ("accuracy", "95%", Accuracy | None, "; meant: 0.95"),
        ("accuracy", "0,95", Accuracy, "; meant: 0.95"),
        ("split.valid_fraction", 20, Fraction, "; a share, not percent: 0.2"),
        ("split.valid_fraction", "20 %", Fraction, "; meant: 0.2"),
        ("dataset.pause_s", 500, Seconds, "; in seconds: 0.5, if milliseconds were meant"),
        ("rate", "30Hz", Positive, "; type the number alone, in the unit that --help says"),
        ("rate", "30 kHz", Positive, "; type the number alone, in the unit that --help says"),
        ("rate", "\u22123", Annotated[float, Interval(ge=-5, le=5)], "; meant: -3"),
        ("epochs", 3.0, Count, "; meant: 3"),
        ("epochs", "3.0", Count, "; meant: 3"),
        ("epochs", "\u201c3\u201d", Count, "; meant: 3"),
        ("keep", "yes", bool, "; meant: true"),
        ("keep", 0, bool, "; meant: false"),
        ("patience", "none", Count | None, "; meant: null"),
        ("patience", False, Count | None, "; meant: null"),
        ("figures", "png", Sequence[Literal["png", "pdf"]], "; meant: [png]"),
        ("seed", [0, 1, 2], int, "; one value is expected, and -m seed=0,1,2 runs each"),
        ("epochs", [3], Count, "; meant: 3"),
    ],
)
def test_a_value_leads_on(name, value, annotation, said):
    (fault,) = faults(name, value, annotation)
    assert fault.endswith(said), fault


@pytest.mark.parametrize(
    ("value", "annotation"),
    [(-3, Accuracy), (950, Accuracy), ("many", Count), (0, Count), (30, Annotated[float, Interval(ge=2, le=25)]),
     ("none", bool), (50, Annotated[float, Interval(ge=0, le=2)]), ("x1", Positive), ({"a": 1}, Count)],
)  # fmt: skip
def test_nothing_is_guessed_where_nothing_is_near(value, annotation):
    (fault,) = faults("it", value, annotation)
    assert ";" not in fault


def test_a_word_is_not_called_null():
    assert [*faults("seed", "None", int)] == ["seed=None is text, expected a whole number"]
