"""CaImAn's results as HDF5, as `cnm.save("x.hdf5")` writes them.

Read are /estimates/F_dff [component, time] (or C, the denoised trace, or C + YrA, with its residual), the accepted
components /estimates/idx_components (and idx_components_bad), and /params/data/fr (Hz). CaImAn writes the text NoneType
where there is nothing. Cells are named by the number of their component; all components of a file are of one animal.
Layout: caiman/source_extraction/cnmf/cnmf.py and caiman/utils/utils.py, save_dict_to_hdf5.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from celltype_cli.calcium.readers.found import Found, How
from celltype_cli.calcium.recording import Recording, parted
from celltype_cli.core.messages import UserError

TRACES = ("F_dff", "C", "C+YrA")
# What CaImAn has where nobody says it of the movie, in its params.data (caiman/source_extraction/cnmf/params.py)
DEFAULTS = {"fr": 30.0, "decay_time": 0.4, "dxy": 1.0}


def read_estimates(file: h5py.File, path: Path, how: How) -> Found:
    """Reads the components of an open file.

    Raises:
        UserError: when the traces, or their rate, are not there.
    """
    wanted = how.trace or "F_dff"
    if wanted not in TRACES:
        raise UserError(f"dataset.trace={wanted} is none of {', '.join(TRACES)}")
    estimates = file["estimates"]
    trace = _traces(estimates, wanted.split("+"), path)
    rate = how.rate(_number(file, "params/data/fr"), str(path), "params/data/fr")
    found, bad = Found(counted={path.stem: len(trace)}, asked={"trace"}), _rejected(estimates, len(trace), path)
    if how.frame_rate is None and _untold(file):
        found.notes.append(f"{path.name}: fr of CaImAn is {rate:g} Hz, as where nobody set it: if it is another, set "
                           "dataset.frame_rate")  # fmt: skip
    if bad is None:
        found.notes.append(f"{path.name}: CaImAn evaluated no component, so that none is left out")
    elif bad.any():
        found.rejected["CaImAn's idx_components"] = int(bad.sum())
    for k in np.flatnonzero(~bad if bad is not None and not how.keep_rejected else np.full(len(trace), True)):
        cell = f"{path.stem}/{k}"
        found.recordings.append(
            Recording(
                cell_id=cell, label="", group=path.stem, sampling_rate=rate, file=path.name,
                signal="dff" if wanted == "F_dff" else "raw", **parted(trace[k], f"cell {cell} ({path.name})"),
            )
        )  # fmt: skip
    return found


def _traces(estimates: h5py.Group, names: Sequence[str], path: Path) -> np.ndarray:
    """Returns the sum of some traces [component, time].

    Raises:
        UserError: when one is missing, they are turned, or the file has others of another number of components.
    """
    from celltype_cli.calcium.readers.hdf5 import values

    shapes = {name: estimates[name].shape for name in ("F_dff", "C", "YrA") if _is_array(estimates.get(name))}
    if lost := [name for name in names if name not in shapes]:
        raise UserError(
            f"{path}: its /estimates have no {' and '.join(lost)}; found {', '.join(shapes) or 'no trace'}; make dF/F "
            "in CaImAn (cnm.estimates.detrend_df_f(), then cnm.save), or set dataset.trace=C, or C+YrA, and "
            "prepare.signal=raw"
        )
    parts = [values(estimates[name], f"{path}: estimates/{name}") for name in names]
    lengths = {shapes.get(name, parts[0].shape)[-1] for name in ("C", "YrA")}  # F_dff of another one is turned
    alike = all(part.ndim == 2 and part.shape == parts[0].shape for part in parts)
    if not alike or shapes[names[0]][-1] not in lengths:
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise UserError(f"{path}: expected [component, time], of one shape each; found {listed}")
    if len({shape[0] for shape in shapes.values()}) > 1:  # selected, or found, after dF/F was made
        listed = ", ".join(f"{shape[0]} of {name}" for name, shape in shapes.items())
        raise UserError(
            f"{path}: its traces have different numbers of components ({listed}), so that it is not known which are "
            "accepted; make dF/F again in CaImAn (cnm.estimates.detrend_df_f(), then cnm.save)"
        )
    return sum(part.astype(np.float64) for part in parts)


def _is_array(item: object) -> bool:
    return isinstance(item, h5py.Dataset) and bool(item.shape)


def _number(file: h5py.File, name: str) -> object:
    item = file.get(name)
    return item[()] if isinstance(item, h5py.Dataset) else None


def _untold(file: h5py.File) -> bool:
    """Says whether all that CaImAn asks of a movie has the values that it has by itself."""
    said = {name: _number(file, f"params/data/{name}") for name in DEFAULTS}
    return all(value is None or np.all(np.asarray(value) == DEFAULTS[name]) for name, value in said.items())


def _rejected(estimates: h5py.Group, n: int, path: Path) -> np.ndarray | None:
    """Returns which components were rejected; None where none was evaluated."""
    good, bad = (_indices(estimates.get(name), n, f"{path}: {name}") for name in
                 ("idx_components", "idx_components_bad"))  # fmt: skip
    if good is None and bad is None:
        return None
    out = np.full(n, good is not None)
    if good is not None:
        out[good] = False
    if bad is not None:
        out[bad] = True
    return out


def _indices(item: object, n: int, where: str) -> np.ndarray | None:
    if not isinstance(item, h5py.Dataset) or item.shape is None or item.dtype.kind not in "iufb":
        return None  # the text NoneType
    found = np.ravel(item[()])
    if found.dtype.kind == "b":  # one for each component
        if len(found) != n:
            raise UserError(f"{where} holds {len(found)} flags of {n} components; expected one each")
        return np.flatnonzero(found)
    if (found != np.floor(found)).any() or (len(found) and not 0 <= found.min() <= found.max() < n):
        raise UserError(f"{where} holds {found[:5]}; expected numbers of components from 0 to {n - 1}")
    return found.astype(np.int64)
