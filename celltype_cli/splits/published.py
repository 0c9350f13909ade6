"""Splits that others published as ids: in one table, or in a list for each side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from celltype_cli.cells.cells import Cells
from celltype_cli.core.messages import UserError, nearest_file, raise_faults
from celltype_cli.splits.folds import SIDES, Fold
from celltype_cli.splits.groups import Fraction, Seed, linked, streams, with_validation


def listed(
    cells: Cells, *, path: str | Path, shares: Sequence[str], valid_fraction: Fraction, seed: Seed
) -> Iterator[Fold]:
    """Follows ids from a file: columns cell_id, side (train, valid or test) and, for several folds, fold.

    The file is comma-separated when it ends in .csv, else tab-separated. Cells that it does not name are left out.
    A fold without `valid` takes it from its training groups as `grouped_kfold` does; 0 takes none. `shares` names
    what the published sides share; copies of one recording may stand on both, and are named.

    Raises:
        UserError: when the file cannot be read as such, or names a cell that is not there or twice in a fold.
    """
    _check_shares(shares)
    path = Path(path)
    table = _read_table(path)
    unknown = [f"cell {cell} is not in dataset {cells.about.title}" for cell in _absent(cells, table)]
    raise_faults(f"{path}: these ids", [*_faults(table), *unknown])
    for fold in _folds(cells, table, path.name, valid_fraction, seed):
        yield replace(fold, shares=(*shares, "copies"))


def listed_by_side(
    cells: Cells,
    *,
    path: str | Path | None,
    sides: Mapping[str, str],
    shares: Sequence[str],
    apart: bool,
    valid_fraction: Fraction,
    seed: Seed,
) -> Iterator[Fold]:
    """Follows ids from a file for each side, without a header: an id is what stands before the first comma of a line.

    Ids that the dataset has not are counted in the fold's note, because a dataset may hold a part of the cells.

    Args:
        path: the folder of the files.
        sides: the file of train, of test and perhaps of valid, relative to `path`.
        shares, valid_fraction: as in `listed`.
        apart: leaves out the training cells whose group is validated or tested, and then neither a group nor
            a recording is shared.

    Raises:
        UserError: when a file is missing, names a cell that another names too, or none that is in the dataset.
    """
    _check_shares(shares)
    if {"train", "test"} - set(sides) or set(sides) - set(SIDES):
        raise UserError(f"split.sides names {', '.join(sides)}; expected train, test and perhaps valid")
    missing = [name for name in sides.values() if path is None or not (Path(path) / name).is_file()]
    if missing:
        raise UserError(
            f"split.path={path} holds no {' and no '.join(missing)}; set it to the folder that "
            "does, or choose another split: published lists belong to one dataset"
        )
    found = [(cell, side) for side, name in sides.items() for cell in _read_list(Path(path) / name)]
    table = pd.DataFrame(found, columns=["cell_id", "side"]).assign(fold="0")
    absent = _absent(cells, table)
    here = table[~table["cell_id"].isin(absent)]
    empty = [name for side, name in sides.items() if side not in set(here["side"])]
    nowhere = [f"no cell of {name} is in dataset {cells.about.title}" for name in empty]
    raise_faults(f"{path}: these ids", [*_faults(table), *nowhere])
    note = f"{len(absent)} of {len(table)} published cells are not in the dataset" if absent else ""
    for fold in _folds(cells, here, " or ".join(sides.values()), valid_fraction, seed, note):
        yield _apart(cells, fold, shares) if apart else replace(fold, shares=(*shares, "copies"))


def _folds(
    cells: Cells, table: pd.DataFrame, name: str, valid_fraction: Fraction, seed: Seed, note: str = ""
) -> Iterator[Fold]:
    """Yields the folds of a table of ids that are all there."""
    folds = list(dict.fromkeys(table["fold"]))
    for fold, stream in zip(folds, streams(seed, len(folds))):
        side_of = table[table["fold"] == fold].set_index("cell_id")["side"]
        side = side_of.reindex(cells.cell_id.astype(str)).to_numpy()
        rows = {s: np.flatnonzero(side == s) for s in SIDES}
        left_out = len(np.unique(cells.cell_id[pd.isna(side)]))
        here = f"{cells.n_cells - left_out} of the {cells.n_cells} cells are in {name}"
        said = (note, f"{here}, the rest is left out" if left_out else here)
        reason = ""
        if not len(rows["valid"]):
            rows["train"], rows["valid"], reason = with_validation(linked(cells), rows["train"], valid_fraction, stream)
        yield Fold(**rows, notes=tuple(filter(None, said)), unvalidated=reason)


def _apart(cells: Cells, fold: Fold, shares: Sequence[str]) -> Fold:
    """Takes from validation what shares a group with the test, and from training what shares one with either.

    Groups that hold copies of one recording count as one.
    """
    group = cells.linked_group
    valid = fold.valid[~np.isin(group[fold.valid], group[fold.test])]
    train = fold.train[~np.isin(group[fold.train], group[np.concatenate([fold.test, valid])])]
    left_out = len(fold.valid) + len(fold.train) - len(valid) - len(train)
    said = (*fold.notes, *([f"{left_out} rows left out, their group is tested"] if left_out else []))
    kept = tuple(name for name in shares if name != "group")
    return replace(fold, train=train, valid=valid, shares=kept, notes=said)


def _check_shares(shares: Sequence[str]) -> None:
    if set(shares) - {"group", "cell_id"}:
        raise UserError(f"split.shares is {shares}, expected a list of group, cell_id or both, or []")


def _read_table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UserError(f"{path}: no such file of ids{nearest_file(path)}: set split.path")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, sep="," if path.suffix == ".csv" else "\t")
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as a table of ids: {error}") from error
    if not {"cell_id", "side"} <= set(table.columns):
        raise UserError(f"{path}: has columns {list(table.columns)}, expected cell_id and side, and perhaps fold")
    return table.assign(fold=table.get("fold", "1"))


def _read_list(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: cannot be read as a list of ids: {error}") from error
    return [cell for line in lines if (cell := line.partition(",")[0].strip())]


def _faults(table: pd.DataFrame) -> Iterator[str]:
    for side in sorted(set(table["side"]) - set(SIDES)):
        yield f"side {side!r} is none of {SIDES}"
    for row in table[table.duplicated(["fold", "cell_id"])].itertuples():
        yield f"cell {row.cell_id} is listed twice in fold {row.fold}"


def _absent(cells: Cells, table: pd.DataFrame) -> list[str]:
    return sorted(set(table["cell_id"]) - set(cells.cell_id.astype(str)))
