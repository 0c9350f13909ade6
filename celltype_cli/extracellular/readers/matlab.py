"""Fields of a struct in a MATLAB file: version 5 to 7 through scipy, 7.3 (HDF5) through h5py, with one result.

Numbers are arrays as MATLAB has them [row, column], cell arrays are lists, in the order of their columns, and text is
text. What is missing or empty is None. Layout of 7.3: each value says its MATLAB_class; cells are references, and the
axes of arrays are the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from celltype_cli.core.files import cannot_read
from celltype_cli.core.messages import UserError
from celltype_cli.core.text import as_text

HEAD = b"MATLAB 5.0 MAT-file"


def structs(path: Path, names: tuple[str, ...]) -> dict[str, Mapping[str, Any] | h5py.Group]:
    """Returns the structs of version 5 to 7 that a file holds, of those named.

    Raises:
        UserError: when it is broken.
    """
    from scipy.io import loadmat

    try:
        held = loadmat(path, simplify_cells=False, squeeze_me=False, variable_names=list(names))
    except Exception as error:  # loadmat raises a dozen unrelated types for a broken file
        raise cannot_read(path, "MATLAB", error) from error
    return {name: held[name] for name in names if name in held}


def inside(struct: Any, dotted: str) -> Any:
    """Returns what stands in a field, by its name, `waveforms.filt` for that of a struct inside; None where nothing."""
    for name in dotted.split("."):
        if isinstance(struct, h5py.Group):
            struct = struct.get(name)
        elif isinstance(struct, np.ndarray) and struct.dtype.names and name in struct.dtype.names and struct.size == 1:
            struct = struct[name].ravel()[0]
        else:
            return None
    return struct


def field(struct: Any, dotted: str) -> Any:
    """Returns the value of a field; None where it is missing, empty or a struct."""
    return _plain(inside(struct, dotted))


def names(struct: Any) -> list[str]:
    """Returns the names of the fields of a struct; none of what is no struct."""
    if isinstance(struct, h5py.Group):
        return [*struct]
    return list(struct.dtype.names or ()) if isinstance(struct, np.ndarray) else []


@dataclass(frozen=True)
class Units:
    """A struct with entries for so many units."""

    struct: Any
    n: int
    path: Path

    def arrays(self, name: str) -> list[np.ndarray | None] | None:
        """Returns an array a unit, of a cell array or of the columns of a matrix, None of empty ones; None of no field.

        Raises:
            UserError: when it has another number of entries.
        """
        value = field(self.struct, name)
        if value is None or isinstance(value, str):
            return None
        if isinstance(value, np.ndarray):
            value = list(value.T if value.ndim == 2 and value.shape[1] == self.n else value)
        return [one.astype(np.float64) if isinstance(one, np.ndarray) else None for one in self._each(name, value)]

    def texts(self, name: str) -> list[str]:
        """Returns one text a unit; empty ones where there is no such field.

        Raises:
            UserError: as `arrays`.
        """
        return [words[0] if words else "" for words in self.words(name)]

    def words(self, name: str) -> list[list[str]]:
        """Returns all texts of each unit, of which a cell in a cell may have several.

        Raises:
            UserError: as `arrays`.
        """
        value = field(self.struct, name)
        each = self._each(name, value) if isinstance(value, list) else [value] * self.n
        return [
            [as_text(word) for word in (one if isinstance(one, list) else [one]) if isinstance(word, str)]
            for one in each
        ]

    def _each(self, name: str, value: list) -> list:
        if len(value) != self.n:
            raise UserError(f"{self.path}: {name} has {len(value)} entries for {self.n} units")
        return value


def _plain(value: Any) -> Any:
    if isinstance(value, h5py.Dataset):
        return _of_hdf5(value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        return [_plain(entry) for entry in value.ravel(order="F")] or None
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return str(value.ravel()[0]) if value.size else ""
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return value if value.size else None
    return None


def _of_hdf5(dataset: h5py.Dataset) -> Any:
    kind = dataset.attrs.get("MATLAB_class", b"")
    kind = kind.decode() if isinstance(kind, bytes) else str(kind)
    if dataset.attrs.get("MATLAB_empty", 0):
        return "" if kind == "char" else None
    if kind == "cell" or dataset.dtype.kind == "O":
        return [_plain(dataset.file[reference]) for reference in dataset[()].ravel()] or None
    values = np.asarray(dataset[()]).T
    if kind == "char":
        return "".join(map(chr, values.ravel(order="F")))
    return values if values.size else None
