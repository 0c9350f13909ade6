"""Tables of text, as people and their spreadsheets write them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from celltype_cli.core.messages import UserError, nearest


def read_table(key: str, path: Path) -> pd.DataFrame:
    """Reads a csv as text, without white space around names and entries; what is missing is empty.

    Raises:
        UserError: when it cannot be read; it names `key`, the setting that says which file.
    """
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f"{key}={path} does not exist{nearest(path.name, beside)}")
    as_text = {"dtype": str, "keep_default_na": False, "encoding": "utf-8-sig", "sep": _separator(path)}
    try:
        table = pd.read_csv(path, **as_text).fillna("")
    except UnicodeDecodeError as error:
        raise UserError(f"{key}={path} is no UTF-8 text ({error}): save it as CSV UTF-8") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{key}={path} cannot be read ({error})") from error
    return table.rename(columns=str.strip).apply(lambda column: column.str.strip())


def _separator(path: Path) -> str:
    """Returns the comma, or the semicolon or tab that some spreadsheets write instead."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        head = file.readline()
    return next((mark for mark in ",;\t" if mark in head), ",")
