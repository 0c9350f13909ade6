"""Labels of recordings in a csv beside them; `celltype_cli.patch_clamp.datasets.own` describes its columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from celltype_cli.core.messages import UserError, few, nearest, raise_faults
from celltype_cli.core.tables import read_table

COLUMNS = ("cell_id", "label", "group", "source")


@dataclass(frozen=True)
class Labels:
    """What a csv says of recordings.

    Attributes:
        path: of the csv.
        rows: for each recording, by the name that `name_of` gives its file, the values of COLUMNS that are given.
        name_of: the name of a recording, of its file.
    """

    path: Path
    rows: dict[str, dict[str, str]]
    name_of: Callable[[str], str]

    def add(self, cells: Sequence[Any]) -> tuple[list[Any], list[str]]:
        """Returns the recordings with what the csv says of them, and notes on what does not fit together.

        Raises:
            UserError: when no row names a recording, or one row several.
        """
        found, cells_of = [], defaultdict(list)
        for cell in cells:
            name = self._row(cell.cell_id)
            cells_of[name].append(cell.cell_id)
            found.append(replace(cell, **self.rows.get(name, {})))
        without = cells_of.pop("", [])
        several = {name: ids for name, ids in cells_of.items() if len(ids) > 1}
        raise_faults(str(self.path), [f"row {name} fits {' and '.join(ids)}; give the folder too"
                                      for name, ids in several.items()])  # fmt: skip
        lost = [name for name in self.rows if name not in cells_of]
        if lost and len(lost) == len(self.rows):
            raise UserError(
                f"{self.path}: none of its {len(lost)} rows names a recording; the first row is for {lost[0]}, the "
                f"first of {len(cells)} recordings is {cells[0].cell_id}{nearest(cells[0].cell_id, lost)}"
            )
        return found, [*self._notes(without, len(cells), lost)]

    def _row(self, name: str) -> str:
        """Returns the name of its row: the whole, or what comes after the folders; empty where it has none."""
        return next((known for known in (name, name.rpartition("/")[2]) if known in self.rows), "")

    def _notes(self, without: Sequence[str], cells: int, lost: Sequence[str]) -> Iterator[str]:
        if without:
            yield f"{len(without)} of {cells} cells are without a row in {self.path.name}: {', '.join(few(without))}"
        if lost:
            yield f"{len(lost)} of {len(self.rows)} rows of {self.path.name} name no recording: {', '.join(few(lost))}"


def read_labels(path: Path, classes: Sequence[str] | None, name_of: Callable[[str], str]) -> Labels:
    """Reads the csv.

    Args:
        classes: labels that may occur; None for any.
        name_of: as in `Labels`.

    Raises:
        UserError: when it is missing or broken, lacks columns, names a recording twice, or has other labels.
    """
    table = read_table("dataset.labels", path)
    key = "file" if "file" in table else "cell_id"
    if missing := [name for name in (key, "label") if name not in table]:
        raise UserError(
            f"{path}: {' and '.join(missing)} missing; found {', '.join(table)}; expected columns file or cell_id, "
            "label and, optional, group and source"
        )
    names = table[key].map(name_of)
    faults = [f"{key} {name} occurs {count} times; expected one row for each recording"
              for name, count in names.value_counts().items() if count > 1]  # fmt: skip
    for name, label in zip(names, table["label"]):
        if classes is not None and label and label not in classes:
            known = f"none of {', '.join(classes)}{nearest(label, classes)}"
            faults.append(f"{key} {name}: label {label!r} is {known}; correct it, or add it to dataset.classes")
    raise_faults(str(path), faults)
    columns = [name for name in COLUMNS if name in table and name != key]
    rows = ({name: text for name, text in row.items() if text} for row in table[columns].to_dict("records"))
    return Labels(path, dict(zip(names, rows)), name_of)
