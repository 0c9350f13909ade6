"""Files of calcium traces, as HDF5, npz, csv or parquet: one file with trace, label, cell, group and rate.

Common to all: `label` is the cell type, empty where it is unknown (such cells are never tested). `group` is the animal;
left out or empty, each cell is a group of its own. `source` (optional) is the laboratory or method; where it gives the
label away, every score says so. `sampling_rate` is in Hz. Values are dF/F or raw fluorescence (`prepare.signal`), never
NaN, except after the end of a trace that is shorter than its row.

HDF5 (.h5, .hdf5), the layout of CASCADE's neurons as one file; the only one for traces in several segments:
    /neurons/<cell_id>/dff              [time]
    /neurons/<cell_id>/segment_start    [segment] index of the first sample of each segment, from 0 (optional)
    /neurons/<cell_id>                  attributes cell_type (label), frame_rate_hz, animal_id (group, optional),
                                        dataset (source, optional)
npz (.npz), numpy arrays without pickled objects:
    trace [cell, time], label [cell], cell_id [cell], sampling_rate [cell] or one number, group [cell] and source [cell]
    (optional)
Wide table (.csv, .parquet), one row per cell:
    cell_id, label, sampling_rate, group and source (optional), and one column per sample, named by numbers with or
    without letters before them: 0, 1, 2 ... or t0, t1, t2 ...
Long table (.csv, .parquet), one row per sample; a gap in time ends a segment:
    cell_id, label, value, and time_s (seconds) or else frame (a count) and sampling_rate, group and source (optional)
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import numpy as np

from celltype_cli.calcium.readers.tables import from_rows, read_table
from celltype_cli.calcium.recording import Recording
from celltype_cli.core.messages import UserError, nearest, raise_faults


def read(path: Path) -> list[Recording]:
    """Reads all recordings of a file; its ending says which of the layouts above it has.

    Raises:
        UserError: when the file is missing, broken or not in its layout.
    """
    readers = {".h5": read_hdf5, ".hdf5": read_hdf5, ".npz": read_npz, ".csv": read_table, ".parquet": read_table}
    if path.suffix.lower() not in readers or path.is_dir():
        what = "is a folder" if path.is_dir() else f"ends in {path.suffix or 'nothing'}"
        raise UserError(f"dataset.path={path} {what}; expected a file that ends in {', '.join(readers)}")
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UserError(f"dataset.path={path} does not exist{nearest(path.name, beside)}")
    return readers[path.suffix.lower()](path)


def read_hdf5(path: Path) -> list[Recording]:
    """Reads the layout /neurons/<cell_id>.

    Raises:
        UserError: with all faults at once, when the file is broken or has another layout.
    """
    recordings, faults = [], []
    try:
        with h5py.File(path, "r") as file:
            if not isinstance(neurons := file.get("neurons"), h5py.Group):
                raise UserError(f"{path}: has no group /neurons; found {', '.join(file) or 'nothing'}")
            for cell, neuron in neurons.items():
                try:
                    recordings.append(_neuron(neuron, cell, path.name))
                except UserError as error:
                    faults.append(str(error))
    except UserError:
        raise
    except Exception as error:  # h5py raises half a dozen unrelated types for a broken file
        raise UserError(f"{path}: cannot be read as HDF5, it is truncated or in another format ({error})") from error
    raise_faults(f"{path}: {len(faults)} neurons", faults)
    return recordings


def _neuron(neuron: h5py.Group | h5py.Dataset | None, cell: str, file: str) -> Recording:
    found = [*neuron.attrs] if isinstance(neuron, h5py.Group) else []
    found += ["dff"] if found and isinstance(neuron.get("dff"), h5py.Dataset) else []
    if missing := [name for name in ("dff", "cell_type", "frame_rate_hz") if name not in found]:
        raise UserError(
            f"cell {cell} ({file}): has no {', '.join(missing)}; expected a group with dataset dff and "
            "attributes cell_type (may be empty) and frame_rate_hz"
        )
    trace = neuron["dff"][()]
    if trace.ndim != 1 or trace.dtype.kind not in "fiu":
        raise UserError(f"cell {cell} ({file}): dff is {trace.dtype} of shape {trace.shape}; expected numbers [time]")
    start = neuron["segment_start"][()].ravel() if "segment_start" in neuron else np.array([0])
    if len(start) == 0 or start[0] != 0 or (np.diff(start) <= 0).any() or start[-1] >= max(len(trace), 1):
        raise UserError(
            f"cell {cell} ({file}): segment_start must rise from 0 to less than {len(trace)}; found {start[:5]}"
        )
    text = {name: neuron.attrs.get(name, "") for name in ("cell_type", "animal_id", "dataset")}
    text = {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in text.items()}
    return Recording(
        cell_id=cell,
        label=text["cell_type"],
        group=text["animal_id"],
        segments=tuple(np.split(trace.astype(np.float64), start[1:].astype(int))),
        sampling_rate=_number(neuron.attrs["frame_rate_hz"]),
        source=text["dataset"],
        file=file,
    )


def _number(value) -> float:
    """Returns NaN for what is no number; `prepare` then says which rate is wrong."""
    try:
        return float(np.ravel(value)[0])
    except (ValueError, TypeError, IndexError):
        return float("nan")


def read_npz(path: Path) -> list[Recording]:
    """Reads arrays trace, label, cell_id, sampling_rate, group and source.

    Raises:
        UserError: when the file is broken, holds pickled objects, or lacks an array.
    """
    broken = f"{path}: cannot be read as npz, it is truncated or in another format"
    if not zipfile.is_zipfile(path):
        raise UserError(broken)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception as error:  # zipfile and numpy raise half a dozen unrelated types for a broken file
        if "Object arrays" in str(error):
            raise UserError(
                f"{path}: holds pickled objects, which could run code; save plain arrays of numbers and "
                "strings, with traces of unequal length filled up with NaN at their end"
            ) from error
        raise UserError(f"{broken} ({error})") from error
    return from_rows(arrays.pop("trace", None), arrays, path)
