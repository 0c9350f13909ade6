"""HDF5 files of sorted units: NWB, the C4 database, CellExplorer's MATLAB 7.3, or the arrays of `files` in the root.

They are told apart by what they hold. `read` belongs into a process of its own (`core.isolated`).
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from celltype_cli.core.files import cannot_read
from celltype_cli.core.memory import check_room
from celltype_cli.core.messages import UserError, few
from celltype_cli.extracellular.readers import c4, cellexplorer, npz, nwb
from celltype_cli.extracellular.readers.arrays import Arrays, wanted
from celltype_cli.extracellular.readers.found import OTHERS, Found, How

COPIES = 3  # of the values that reading takes at its highest


def read(path: Path, how: How, below: str = "") -> Found:
    """Reads the units of a file.

    Args:
        below: name of the file among others, which tells its units and groups from theirs; empty for one alone.

    Raises:
        UserError: when the file is broken, or in none of the layouts.
    """
    try:
        with h5py.File(path, "r") as file:
            return _read(file, path, how, below)
    except UserError:
        raise
    except Exception as error:  # h5py raises half a dozen unrelated types for a broken file
        raise cannot_read(path, "HDF5", error) from error


def _read(file: h5py.File, path: Path, how: How, below: str) -> Found:
    if "nwb_version" in file or "nwb_version" in file.attrs:
        return nwb.read(file, path, how, below)
    if c4.is_database(file):
        return c4.read(file, path, how, below)
    if "cell_metrics" in file or (isinstance(spikes := file.get("spikes"), h5py.Group) and "UID" in spikes):
        return cellexplorer.units(file, path, how, below)
    is_wanted, names = wanted(how), [*file]
    held = {name: file[name] for name in names if is_wanted(name) and isinstance(file.get(name), h5py.Dataset)}
    if not held:
        raise UserError(
            f"{path}: holds no sorted units that are known, neither of the C4 database nor as an array waveform in its "
            f"root; found {', '.join(few(names)) or 'nothing'}; {OTHERS}"
        )
    check_room(COPIES * sum(8.0 * one.size for one in held.values()), f"{path}: its arrays")
    return npz.units(Arrays(path, {name: _values(one) for name, one in held.items()}, names, how.named), how, below)


def _values(dataset: h5py.Dataset) -> np.ndarray:
    """Returns the values of a dataset, text as text."""
    return dataset.asstr()[()] if h5py.check_string_dtype(dataset.dtype) else np.asarray(dataset[()])
