"""Reads the ROIs of NWB 2 files of calcium imaging.

Read are the ROIs of one series (a name, where a file has several of dF/F), their ids from the table of ROIs, the animal
from the subject, rate or time stamps; a gap or a missing value ends a segment. Files without any series (behaviour,
raw movies) give no cell. `nwb_labels.Labels` says where cell types stand.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Shaped

from celltype_cli.calcium.readers.nwb_labels import Labels
from celltype_cli.calcium.recording import Recording
from celltype_cli.core.messages import UserError, nearest
from celltype_cli.core.signals import finite_stretches, resample, split_at_gaps


def read(file: Path, name: str, labels: Labels, wanted: str | None, new_rate: float | None) -> Iterator[Recording]:
    """Yields the cells of a file; none where it has no series, and cells without segments where all is missing.

    Args:
        name: of the file, in ids and messages.
        wanted: series, as in `datasets.nwb_ophys.load`; None for the only one of dF/F.
        new_rate: Hz, to which faster traces are brought, so that long recordings fit into memory; None leaves them.

    Raises:
        UserError: when the file is broken, or series or labels are not found.
    """
    try:
        from pynwb import NWBHDF5IO
        from pynwb.ophys import RoiResponseSeries
    except ImportError as error:
        raise UserError(f"pynwb is missing ({error}): pip install celltype[nwb]") from error
    _check_version(file, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of files that do not follow the schema in ways that do not matter here
        try:
            io = NWBHDF5IO(str(file), "r")
        except Exception as error:  # h5py and hdmf raise a dozen unrelated types for a broken file
            raise UserError(f"{name}: cannot be read as NWB ({type(error).__name__}: {error})") from error
        with io:
            try:
                nwb = io.read()
            except Exception as error:  # the same
                raise UserError(f"{name}: cannot be read as NWB ({type(error).__name__}: {error})") from error
            found = [o for o in nwb.objects.values() if isinstance(o, RoiResponseSeries)]
            for one in _chosen(found, wanted, name) if found else ():
                yield from _cells(nwb, one, labels, name, new_rate)


def _check_version(file: Path, name: str) -> None:
    try:
        with h5py.File(file, "r") as nwb:
            old = "nwb_version" in nwb
    except OSError as error:
        raise UserError(f"{name}: is no HDF5 file, or truncated ({error})") from error
    if old:
        raise UserError(
            f"{name}: is NWB 1, which is not read here; files of Allen Visual Coding: dataset=allen_visual_coding"
        )


def _chosen(found: list, wanted: str | None, file: str) -> list:
    """Returns the series that are meant: one, or several of different ROIs."""
    named = dict(sorted((_place(one), one) for one in found))
    if wanted is None:
        fit = {name: one for name, one in named.items() if type(one.parent).__name__ == "DfOverF"}
        if len(fit) != 1:
            raise UserError(
                f"{file}: has {len(fit)} series of dF/F, expected one; found {', '.join(named)}; set "
                "dataset.series, and prepare.signal=raw_to_dff where it is raw fluorescence"
            )
        return list(fit.values())
    fit = {name: one for name, one in named.items() if fnmatchcase(f"/{name}", f"*/{wanted}")}
    if not fit:
        ends = {name.rpartition("/")[2] for name in named}
        raise UserError(f"{file}: has no series {wanted}{nearest(wanted, [*named, *ends])}; found {', '.join(named)}")
    tables = Counter(one.rois.table.object_id for one in fit.values())
    if max(tables.values()) > 1:
        raise UserError(f"{file}: {', '.join(fit)} fit dataset.series={wanted} and are of the same ROIs; choose one")
    return list(fit.values())


def _place(series: Any) -> str:
    """Returns the names from the processing module down to the series."""
    names, above = [series.name], series.parent
    while above is not None and above.parent is not None:
        names, above = [above.name, *names], above.parent
    return "/".join(names)


def _cells(nwb: Any, series: Any, labels: Labels, file: str, new_rate: float | None) -> Iterator[Recording]:
    rois = series.rois.table
    ids = list(np.asarray(rois.id[:])[np.asarray(series.rois.data[:])])
    data = _by_roi(series, len(ids), file)
    frames = np.arange(data.shape[1], dtype=np.float64)
    pieces, rate = ((frames,), float(series.rate)) if series.rate else split_at_gaps(series.timestamps[:], frames)
    slower = new_rate is not None and rate > new_rate  # brought to it here, so that long recordings fit into memory
    plane = getattr(rois, "imaging_plane", None)
    facts = (nwb.lab or nwb.institution, getattr(plane, "indicator", ""), getattr(plane, "location", ""))
    for roi, label, trace in zip(ids, labels.of(nwb, rois, ids, file), data, strict=True):
        segments = [s for piece in pieces for s in finite_stretches(trace[piece.astype(int)])]
        if slower:
            segments = [resample(s, rate, new_rate).astype(np.float32) for s in segments]
        yield Recording(
            cell_id=f"{file.removesuffix('.nwb')}/{rois.name}/{roi}",
            label=label,
            group=str(getattr(nwb.subject, "subject_id", None) or ""),
            segments=tuple(segments),
            sampling_rate=new_rate if slower else rate,
            source=", ".join(str(fact) for fact in facts if fact),
            file=file,
        )


def _by_roi(series: Any, n_rois: int, file: str) -> Shaped[np.ndarray, "roi time"]:
    """Returns values in the unit of the series; [time, roi] is the standard, [roi, time] is told by the size."""
    data = series.data[:].reshape(-1, 1) if series.data.ndim == 1 else series.data[:]
    if data.ndim == 2 and data.shape[0] == n_rois != data.shape[1]:
        data = data.T
    stamps = data.shape[0] if series.rate else len(series.timestamps)
    if data.ndim != 2 or data.shape != (stamps, n_rois):
        raise UserError(
            f"{file}: series {series.name} is of shape {series.data.shape}; expected [time, roi] with "
            f"{n_rois} ROIs and {stamps} time stamps"
        )
    return (data.T * series.conversion + series.offset).astype(np.float32)
