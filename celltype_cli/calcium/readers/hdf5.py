"""The layout /neurons/<cell_id> of HDF5, and sizes of HDF5 datasets that are only claimed."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from celltype_cli.calcium.readers.found import Found, How, flagged, is_flag
from celltype_cli.calcium.recording import Recording, as_rate, is_percent, parted
from celltype_cli.core.called import called
from celltype_cli.core.files import cannot_read
from celltype_cli.core.memory import check_room
from celltype_cli.core.messages import UserError
from celltype_cli.core.text import as_text

SCALING = {"scale_factor": 1.0, "add_offset": 0.0}  # attributes of a dataset, and what they are where they are missing
COPIES = 4  # of the values, as float64, that reading takes at its highest
FILLED = ("_FillValue", "missing_value")  # attributes that say which value stands for none, as in netCDF
SPARSE, SMALL = 1000, 1e8  # a dataset of more bytes than SMALL that stores less than 1 in SPARSE of them is empty


def read(path: Path, how: How) -> Found:
    """Reads a file that `isolated` opens in a process of its own: the layout /neurons, or that of CaImAn.

    Raises:
        UserError: when the file is broken or has another layout.
    """
    try:
        with h5py.File(path, "r") as file:
            if isinstance(file.get("estimates"), h5py.Group):
                from celltype_cli.calcium.readers.caiman import read_estimates

                return read_estimates(file, path, how)
            if isinstance(neurons := file.get("neurons"), h5py.Group):
                return _neurons(neurons, path, how)
            nwb = "nwb_version" in file or "nwb_version" in file.attrs
            instead = "; it is NWB: type dataset=nwb_ophys" if nwb else ""
            raise UserError(
                f"{path}: has no group /neurons (our layout) and no group /estimates (CaImAn's); found "
                f"{', '.join([*file][:8]) or 'nothing'}{instead}"
            )
    except UserError:
        raise
    except Exception as error:  # h5py raises half a dozen unrelated types for a broken file
        raise cannot_read(path, "HDF5", error) from error


def values(dataset: h5py.Dataset, where: str) -> np.ndarray:
    """Returns the values of a dataset of numbers.

    Raises:
        UserError: when it is none, claims more than fits in memory, or claims much and stores next to nothing.
    """
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu" or dataset.shape is None:
        found = f"{dataset.dtype}" if isinstance(dataset, h5py.Dataset) else "no dataset"
        raise UserError(f"{where} is {found}; expected numbers")
    size, stored = dataset.size * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if size > SMALL and stored * SPARSE < size:
        raise UserError(
            f"{where} claims {dataset.size} values and stores {stored} bytes: nothing was ever written to it"
        )
    check_room(COPIES * 8.0 * dataset.size, f"{where}: its {dataset.size} values")
    return dataset[()]


def _neurons(neurons: h5py.Group, path: Path, how: How) -> Found:
    found = Found()
    for cell in neurons:
        where = f"cell {cell} ({path.name})"
        try:
            neuron = neurons.get(cell)
            said = dict(neuron.attrs) if isinstance(neuron, h5py.Group) else {}
            flags = {name: [value] for name, value in said.items() if is_flag(name)}
            flags |= {name: [neuron[name][()]] for name in (neuron if said else ()) if is_flag(name)}
            bad, flag = flagged(flags, where)
            if bad is not None and bad[0]:
                found.rejected[flag] = found.rejected.get(flag, 0) + 1
                if not how.keep_rejected:
                    continue
            found.recordings.append(_neuron(neuron, said, cell, path.name, how))
            if "animal_id" not in said and (other := called(said, ("group",))):
                found.notes += [note for note in [f"{path.name}: no animal_id{other}"] if note not in found.notes]
        except UserError as error:
            found.faults.append(str(error))
        except Exception as error:  # noqa: BLE001 - of h5py, as above; the other neurons may be whole
            found.faults.append(f"{where}: cannot be read ({type(error).__name__}: {str(error)[:200]})")
    return found


def _neuron(neuron: h5py.Group | h5py.Dataset | None, said: dict, cell: str, file: str, how: How) -> Recording:
    where = f"cell {cell} ({file})"
    there = [*said, *["dff"] * (isinstance(neuron, h5py.Group) and isinstance(neuron.get("dff"), h5py.Dataset))]
    needed = ("dff", *["cell_type"] * how.labelled, *["frame_rate_hz"] * (how.frame_rate is None))
    if missing := [name for name in needed if name not in there]:
        raise UserError(
            f"{where}: has no {', '.join(missing)}; expected a group with dataset dff and attributes cell_type (may be "
            "empty, or stand in dataset.labels) and frame_rate_hz (or set dataset.frame_rate)"
        )
    trace, unit = _in_unit(neuron["dff"], said, f"{where}: dff")
    parts = [parted(piece, where) for piece in np.split(trace, _starts(neuron, len(trace), where)[1:])]
    return Recording(
        cell_id=cell,
        label=said.get("cell_type", ""),
        group=said.get("animal_id", ""),
        segments=tuple(segment for part in parts for segment in part["segments"]),
        sampling_rate=how.rate(said.get("frame_rate_hz"), where, "frame_rate_hz"),
        source=said.get("dataset", ""),
        file=file,
        signal="percent" if is_percent(unit) else "",
        missing=sum(part["missing"] for part in parts),
    )


def _in_unit(dataset: h5py.Dataset, said: dict, where: str) -> tuple[np.ndarray, str]:
    """Returns a row of values, scaled as its attributes say (scale_factor, add_offset, as in netCDF), and its unit.

    Raises:
        UserError: when it is no row of numbers, or an attribute is no number.
    """
    trace = values(dataset, where)
    if trace.size != max(trace.shape, default=0):
        raise UserError(f"{where} is of shape {trace.shape}; expected numbers [time]")
    scale, offset = (as_rate(dataset.attrs.get(name, default), where, name) for name, default in SCALING.items())
    unit = next((as_text(of[name]) for of in (dataset.attrs, said) for name in ("unit", "units") if name in of), "")
    trace = trace.ravel()
    if filled := [as_rate(dataset.attrs[name], where, name) for name in FILLED if name in dataset.attrs]:
        trace = np.where(np.isin(trace, filled), np.nan, trace.astype(np.float64))
    return (trace if (scale, offset) == (1.0, 0.0) else trace * scale + offset), unit


def _starts(neuron: h5py.Group, n: int, where: str) -> np.ndarray:
    """Returns the index of the first sample of each segment, which rise from 0."""
    if "segment_start" not in neuron:
        return np.array([0])
    found = np.ravel(neuron["segment_start"][()])
    if found.dtype.kind not in "iu" and not (found.dtype.kind == "f" and (found == np.floor(found)).all()):
        raise UserError(f"{where}: segment_start is {found.dtype}; expected whole numbers")
    start = found.astype(np.int64)
    if len(start) == 0 or start[0] != 0 or (np.diff(start) <= 0).any() or start[-1] >= max(n, 1):
        raise UserError(f"{where}: segment_start must rise from 0 to less than {n}; found {start[:5]}")
    return start
