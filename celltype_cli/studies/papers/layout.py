"""Makes a paper of the content of its file, and says in words where its layout is not that of `paper.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter, ValidationError

from celltype_cli.core.messages import UserError, nearest, raise_faults
from celltype_cli.studies.papers.jobs import chosen_overrides, layers
from celltype_cli.studies.papers.paper import SPLITS, Level, Paper, Row, Table

WORDS = {"string": "text", "tuple": "a list", "dict": "a mapping", "dataclass": "a mapping", "bool": "true or false",
         "too_short": "a list that is not empty", "string_too_short": "text that is not empty"}  # fmt: skip


def parse(content: Any, where: str) -> Paper:
    """Makes a paper of the content of its file; `where` names the file in messages.

    Raises:
        UserError: with the faults of the content, naming table and row.
    """
    if not isinstance(content, dict):
        raise UserError(f"{where} cannot be used:\n  it is no mapping of key, title, citation ...")
    known = {name: content[name] for name in ("classes", "models") if isinstance(content.get(name), (list, dict))}
    try:
        paper = TypeAdapter(Paper).validate_python(content, context=known)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        # Of a list whose entries are at fault, pydantic says besides that it is too short.
        shown = [fault for fault in faults if fault["type"] != "too_short" or not fault["input"]]
        raise_faults(where, dict.fromkeys(_worded(fault, content) for fault in shown))
        raise
    raise_faults(where, _unchosen(paper))
    return paper


def _worded(fault: dict[str, Any], content: dict[str, Any]) -> str:
    """Says what pydantic found, in the words of the file: "table t1, row two (net): best is 'yes', expected ..."."""
    place, owner, path = _place(fault["loc"], content)
    name = ".".join(str(part) for part in path if part != "[key]")
    found, kind = fault["input"], fault["type"]
    if kind == "value_error":
        message = str(fault["ctx"]["error"])
        if message.startswith("row "):
            return f"{place.removesuffix(': ')}, {message}"
        return place + (f"{name} {message}" if message.startswith("is ") else message)
    if kind == "missing":
        return f"{place}{name} is missing"
    if kind == "unexpected_keyword_argument":
        known = [field.name for field in fields(owner) if field.name != "key" or owner is Paper]
        return f"{place}{name} is not known{nearest(name, known)}; known: {', '.join(known)}"
    if kind == "literal_error":
        expected = fault["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        return f"{place}{name} is {found}, expected one of {expected}{nearest(found, expected.split(', '))}"
    words = WORDS.get(kind, WORDS.get(kind.rpartition("_")[0], fault["msg"]))
    return f"{place}{name} is {found!r}, expected {words}" if name else f"{place}expected {words}, found {found!r}"


def _place(loc: tuple[Any, ...], content: dict[str, Any]) -> tuple[str, type, tuple[Any, ...]]:
    """Returns the words for a place, the type that stands there, and the rest of the path from there on."""
    if loc[:1] == ("models",) and len(loc) > 1:
        return f"model {loc[1]}: ", Level, loc[2:]
    if loc[:1] != ("tables",) or len(loc) == 1:
        return "", Paper, loc
    key, table = [*content["tables"].items()][loc[1]]
    if loc[2:3] != ("rows",) or len(loc) == 3:
        return f"table {key}: ", Table, loc[2:]
    row = table["rows"][loc[3]]
    model, name = (row.get("model"), row.get("name")) if isinstance(row, dict) else (None, None)
    return f"table {key}, row {name or loc[3] + 1}" + (f" ({model}): " if model else ": "), Row, loc[4:]


def _unchosen(paper: Paper) -> Iterator[str]:
    for table in paper.tables:
        for row in table.rows:
            for split in SPLITS:
                for name in {"model", "split"} - chosen_overrides(layers(paper, table, row), {"full", split}).keys():
                    yield (
                        f"table {table.key}, row {row.name} ({row.model}): no override chooses the {name} of {split} "
                        "runs"
                    )
