"""Where the cell types of an NWB file stand: in a column of the file, in a table beside it, or in the genotype."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from celltype_cli.core.messages import UserError, few, nearest, raise_faults
from celltype_cli.core.tables import Table, read_table
from celltype_cli.core.text import as_text

WAYS = ("column", "path", "genotype")


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Finds the label of each ROI; empty where it is unknown.

    Args:
        column: of the table of ROIs (PlaneSegmentation), or <table>/<column> of another table of the file, whose ids
            are then those of the ROIs.
        path: csv with columns roi_id, label and, where there are several NWB files, file (its name, with or without
            folder and ending); ROIs that it does not name are without label.
        genotype: part of the subject's genotype -> class, for files that hold one class.
        rename: label -> class, "" for no label.

    Raises:
        UserError: when several of column, path and genotype are given, or a class is no text.
    """

    column: str | None
    path: str | Path | None
    genotype: Mapping[Any, Any] | None
    rename: Mapping[Any, Any] | None

    def __post_init__(self) -> None:
        if len(given := [way for way in WAYS if getattr(self, way)]) > 1:
            raise UserError(f"dataset.labels.{' and dataset.labels.'.join(given)} are given; give one of them")
        for name in ("genotype", "rename"):
            try:
                pairs = {as_text(key): as_text(value) for key, value in (getattr(self, name) or {}).items()}
            except UserError as error:
                raise UserError(f"dataset.labels.{name}: {error}") from error
            object.__setattr__(self, name, pairs)

    @property
    def known(self) -> bool:
        """Whether it is said where labels stand."""
        return any(getattr(self, way) for way in WAYS)

    def open(self) -> list[str]:
        """Reads the csv, once for all files that are read in other processes; returns how it was read."""
        return [*self._csv.notes] if self.path and self._rows is not None else []

    def of(self, nwb: Any, rois: Any, ids: Sequence[Any], file: str) -> list[str]:
        """Returns the label of each ROI.

        Args:
            nwb: the open NWBFile.
            rois: its PlaneSegmentation.
            ids: of the ROIs in that table.
            file: its name, for the csv and for messages.

        Raises:
            UserError: when a label cannot be found, or not without doubt.
        """
        if self.genotype:
            found = [_by_genotype(self.genotype, nwb, file)] * len(ids)
        elif self.path:
            found = [self._rows.get((self._name(file), str(roi)), "") for roi in ids]
        elif self.column:
            by_id = _by_column(self.column, nwb, rois, file)
            found = [by_id[roi] for roi in ids]
        else:
            found = [""] * len(ids)
        return [(self.rename or {}).get(label, label) for label in found]

    def check(self, read: Sequence[tuple[str, Any]], complete: bool) -> None:
        """Raises a UserError when rows of the csv fit none, or perhaps several, of the ROIs read, as (file, id).

        Args:
            complete: whether all files were read; else rows may be of those that were not.
        """
        if not self.path:
            return
        if "file" not in self._csv.rows and len({file for file, _ in read}) > 1:
            raise UserError(f"{self.path}: has no column file, but there are several NWB files; add their names to it")
        lost = sorted(set(self._rows) - {(self._name(file), str(roi)) for file, roi in read}) if complete else []
        raise_faults(self.path, [f"roi_id {roi}{f' of file {file}' if file else ''} is no ROI that was read"
                                 for file, roi in lost])  # fmt: skip

    @cached_property
    def _csv(self) -> Table:
        table = read_table("dataset.labels.path", Path(self.path).expanduser())
        if missing := [name for name in ("roi_id", "label") if name not in table.rows]:
            raise UserError(
                f"{self.path}: {' and '.join(missing)} missing; found {', '.join(few(table.rows))}; expected columns "
                "roi_id, label and, for several NWB files, file"
            )
        return table

    @cached_property
    def _rows(self) -> dict[tuple[str, str], str]:
        rows = self._csv.rows
        files = map(self._name, rows.get("file", [""] * len(rows)))
        keys = list(zip(files, rows["roi_id"], strict=True))
        raise_faults(self.path, [f"roi_id {roi} {file} occurs {count} times; expected one row for each ROI"
                                 for (file, roi), count in Counter(keys).items() if count > 1])  # fmt: skip
        return dict(zip(keys, rows["label"], strict=True))

    def _name(self, file: str) -> str:
        return Path(file).name.lower().removesuffix(".nwb") if "file" in self._csv.rows else ""


def _by_genotype(parts: Mapping[str, str], nwb: Any, file: str) -> str:
    genotype = as_text(getattr(nwb.subject, "genotype", None))
    if not genotype:
        raise UserError(f"{file}: its subject has no genotype; give labels in a csv (dataset.labels.path)")
    fits = {part: label for part, label in parts.items() if part.lower() in genotype.lower()}
    if len(set(fits.values())) != 1:
        raise UserError(
            f"{file}: the genotype {genotype} fits {' and '.join(fits) or 'none'} of {', '.join(parts)}; "
            "expected one class; change dataset.labels.genotype ('' as class leaves cells without label)"
        )
    return next(iter(fits.values()))


def _by_column(name: str, nwb: Any, rois: Any, file: str) -> dict[Any, str]:
    tables = dict(sorted((o.name, o) for o in nwb.objects.values() if hasattr(o, "colnames")))
    table_name, _, column = name.rpartition("/")
    if table_name and table_name not in tables:
        raise UserError(
            f"{file}: has no table {table_name}{nearest(table_name, tables)}; found {', '.join(few(tables))}"
        )
    table = tables[table_name] if table_name else rois
    ids = list(table.id[:])
    if len(set(ids)) < len(ids) or set(ids) != set(rois.id[:]):
        raise UserError(
            f"{file}: table {table.name} has {len(ids)} rows, {rois.name} {len(rois.id)} ROIs, their ids "
            "differ or repeat, so that rows cannot be matched; give labels in a csv (dataset.labels.path)"
        )
    if column not in table.colnames:
        alike = (other for other in tables.values() if other is not table and len(other.id) == len(ids))
        others = [f"{other.name}/{name}" for other in alike for name in other.colnames]
        raise UserError(
            f"{file}: {table.name} has no column {column}{nearest(column, table.colnames)}; found "
            f"{', '.join(few([*table.colnames, *others]))}; the genotype is "
            f"{str(getattr(nwb.subject, 'genotype', None))[:100]} (dataset.labels.genotype)"
        )
    try:
        return {roi: as_text(value) for roi, value in zip(ids, table[column][:], strict=True)}
    except UserError as error:
        raise UserError(f"{file}: column {column} of {table.name}: {error}") from error
