"""A paper as data: its tables, and of every row the published numbers and the overrides that repeat it.

`conf/paper/calcium_ann.yaml` shows the layout. Overrides stand with the paper, a table, a model or a row; the later of
these wins. `overrides` hold always, `when` under conditions, all of which must hold: a profile (quick, full), a split
(published, grouped), or "elsewhere" (the user chose a dataset). A table may belong to one such dataset alone.

The types below are the layout: pydantic checks a file against them, and `layout.py` words what it finds.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictBool
from pydantic.dataclasses import dataclass

from celltype_cli.core.messages import nearest

Profile = Literal["quick", "full"]
Split = Literal["published", "grouped"]  # as in the paper; and with groups kept apart
Kind = Literal["scores", "per_class", "confusion", "curves"]  # what a report makes of the rows; the last two: figures
PROFILES, SPLITS = get_args(Profile), get_args(Split)
CONDITIONS = (*PROFILES, *SPLITS, "elsewhere")
SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1")  # what a table of scores may show
METRICS = (*SCORES, "training_seconds")
RATES = ("precision", "recall", "specificity", "f1")  # PV.precision; PV.SOM: share of true PV that is called SOM


def _flat(overrides: Any) -> Any:
    """Flattens lists in lists, which is how YAML anchors join."""
    if not isinstance(overrides, list):
        return overrides
    return [o for entry in overrides for o in (_flat(entry) if isinstance(entry, list) else [entry])]


def _setting(override: Any) -> Any:
    if not (isinstance(override, str) and re.match(r"[+~]*[\w/.@]+=", override)):
        raise ValueError(f"override {override!r} is no text setting=value; quote those with brackets")
    return override


def _conditions(words: Any) -> Any:
    for word in set(str(words).split()) - {*CONDITIONS}:
        raise ValueError(f"when {words}: {word} is none of {', '.join(CONDITIONS)}{nearest(word, CONDITIONS)}")
    return words


def _mean_and_sd(value: Any) -> Any:
    numbers = value if isinstance(value, (list, tuple)) and len(value) == 2 else [value, None]
    kinds = [type(number) in (int, float) for number in numbers]
    if not kinds[0] or not (kinds[1] or numbers[1] is None):
        raise ValueError(f"is {value}, expected a mean, or [mean, sd]")
    return tuple(None if number is None else float(number) for number in numbers)


def _metric(metric: Any, info: Any) -> Any:
    """Refuses what no score is called; pydantic's `info` knows the classes of the file that is read."""
    name, _, rate = str(metric).rpartition(".")
    classes = (info.context or {}).get("classes")
    if name and classes is not None and name not in classes:
        raise ValueError(f"published.{metric} is of no class{nearest(name, classes)}")
    known = (*RATES, *(classes or [rate])) if name else METRICS
    if rate not in known:
        raise ValueError(f"published.{metric} is no metric{nearest(rate, known)}; known: {', '.join(known)}")
    return metric


def _model(model: str, info: Any) -> str:
    models = (info.context or {}).get("models")
    if models is not None and model not in models:
        raise ValueError(f"model {model} is none of models{nearest(model, models)}")
    return model


def _rows(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    names = [(row.model, row.name) for row in rows]
    for model, name in dict.fromkeys(names):
        if names.count((model, name)) > 1:
            raise ValueError(f"row {name} ({model}): stands twice; rows of one model need different names")
    return rows


def _keyed(tables: Any) -> Any:
    """Gives each table its key."""
    if not isinstance(tables, dict):
        return tables
    return [{"key": key, **table} if isinstance(table, dict) else table for key, table in tables.items()]


Text = Annotated[str, Field(min_length=1)]
Overrides = Annotated[tuple[Annotated[str, BeforeValidator(_setting)], ...], BeforeValidator(_flat)]
When = dict[Annotated[str, BeforeValidator(_conditions)], Overrides]
Published = dict[
    Annotated[str, BeforeValidator(_metric)], Annotated[tuple[float, float | None], BeforeValidator(_mean_and_sd)]
]
strict = dataclass(frozen=True, config=ConfigDict(extra="forbid"))


@strict
class Level:
    """Overrides that hold always, and those under conditions: of a paper, a table, a model or a row."""

    overrides: Overrides = field(default=(), kw_only=True)
    when: When = field(default_factory=dict, hash=False, kw_only=True)


@strict
class Row(Level):
    """One row of a table.

    Attributes:
        name: as people read it: "conv, conv, pool".
        model: for order and grouping: "cnn1d".
        overrides: of `celltype train`, what sets this row apart from the other rows of its model (of `Level`).
        published: metric -> (mean, sd): accuracy, training_seconds, or of one class as in PV.precision.
        note: what the paper says beyond numbers.
        best: the paper's best of its model.
        default: False where it runs only when asked for by name.
        elsewhere: False where it makes sense on the paper's default dataset only; None: as its table.
    """

    name: Text
    model: Annotated[Text, AfterValidator(_model)]
    published: Published = field(default_factory=dict, hash=False)
    note: str = ""
    best: StrictBool = False
    default: StrictBool = True
    elsewhere: StrictBool | None = None


@strict
class Other:
    """What others report on the data of a table, shown below it; nothing here runs it.

    Attributes:
        name: of the method: "NEMO".
        data: which, and how it was split: "hull, random folds".
        source: who says so, and where.
        scores: of `SCORES`, as fractions.
    """

    name: Text
    data: Text
    source: Text
    scores: dict[Annotated[str, BeforeValidator(_metric)], float] = field(hash=False)


@strict
class Table(Level):
    """A table or figure.

    Attributes:
        source: its place in the paper.
        note: for readers.
        metric: what a table of scores shows, one of `SCORES`; curves show accuracy or loss.
        elsewhere: False where its rows make sense on the paper's default dataset only.
        dataset: the only dataset on which its rows make sense, when that is another one.
        others: what others report on such data.
    """

    key: str
    title: Text
    source: Text
    kind: Kind
    rows: Annotated[tuple[Row, ...], Field(min_length=1), AfterValidator(_rows)]
    note: str = ""
    metric: str = "accuracy"
    elsewhere: StrictBool = True
    dataset: str = ""
    others: tuple[Other, ...] = ()

    def __post_init__(self) -> None:
        known = ("accuracy", "loss") if self.kind == "curves" else SCORES
        if self.metric not in known:
            near = nearest(self.metric, known)
            raise ValueError(f"metric is {self.metric}, expected one of {', '.join(known)}{near}")


@strict
class Paper(Level):
    """A paper: how to cite it, what it did and what a profile does, both in prose, its models and tables."""

    key: Text
    title: Text
    citation: Text
    url: Text
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    protocol: Text
    profiles: dict[str, str] = field(hash=False)
    tables: Annotated[tuple[Table, ...], Field(min_length=1), BeforeValidator(_keyed)]
    models: dict[str, Level] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if {*self.profiles} != {*PROFILES}:
            raise ValueError(f"profiles describes {', '.join(self.profiles)}, expected {' and '.join(PROFILES)}")
