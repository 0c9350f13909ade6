"""Reads the ROIs of NWB 2 files of calcium imaging.

Read are the ROIs of one series (a name, where a file has several of dF/F), their ids from the table of ROIs, the animal
from the subject, rate or time stamps; a gap or a missing value ends a segment. ROIs flagged as no cells are left out.
Files without any series (behaviour, raw movies) give no cell. `nwb_labels.Labels` says where cell types stand.
"""

from __future__ import annotations

import warnings
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Int, Shaped

from celltype_cli.calcium import doubts, too_fast
from celltype_cli.calcium.plausible import FASTEST
from celltype_cli.calcium.readers import hdf5
from celltype_cli.calcium.readers.found import Found, flagged, is_flag, without_meaning
from celltype_cli.calcium.readers.nwb_labels import Labels
from celltype_cli.calcium.recording import Recording, as_rate, is_percent, parted
from celltype_cli.core.files import cannot_read
from celltype_cli.core.messages import UserError, few, nearest
from celltype_cli.core.signals import resample, split_at_gaps
from celltype_cli.core.text import as_text

ENDING = ".nwb"
OTHER = 0.05  # by which two rates of one series may differ without a word


def read(file: Path, name: str, labels: Labels, wanted: str | None, new_rate: float | None, keep: bool) -> Found:
    """Reads the cells of a file; none where it has no series, and cells without segments where all is missing.

    Args:
        name: of the file, in ids and messages.
        wanted: series, as in `datasets.nwb_ophys.load`; None for the only one of dF/F.
        new_rate: Hz, to which faster traces are brought, so that long recordings fit into memory; None leaves them.
        keep: takes ROIs that are flagged as no cells.

    Raises:
        UserError: when the file is broken, or series or labels are not found.
    """
    try:
        from pynwb import NWBHDF5IO
        from pynwb.ophys import RoiResponseSeries
    except ImportError as error:
        raise UserError(f"pynwb is missing ({error}): pip install 'celltype[nwb]'") from error
    _check_version(file, name)
    result = Found(asked={"series"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of files that do not follow the schema in ways that do not matter here
        try:
            with NWBHDF5IO(str(file), "r") as io:
                nwb = io.read()
                found = [o for o in nwb.objects.values() if isinstance(o, RoiResponseSeries)]
                for one in _chosen(found, wanted, name) if found else ():
                    result.add(_cells(nwb, one, labels, name, new_rate, keep))
        except UserError as error:
            raise error if name in str(error) else UserError(f"{name}: {error}") from error
        except Exception as error:  # h5py and hdmf raise a dozen unrelated types for a broken file
            said = " ".join(str(error.__cause__ or error).split())[:200]  # hdmf begins with all that a group holds
            raise UserError(f"{name}: cannot be read as NWB ({type(error).__name__}: {said})") from error
    return result


def _check_version(file: Path, name: str) -> None:
    try:
        with h5py.File(file, "r") as nwb:
            old = "nwb_version" in nwb
    except Exception as error:  # h5py raises half a dozen unrelated types for a broken file
        raise cannot_read(file, "HDF5", error, name) from error
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
                f"{file}: has {len(fit)} series of dF/F, expected one; found {', '.join(few(named))}; set "
                "dataset.series, and prepare.signal=raw_to_dff where it is raw fluorescence"
            )
        return list(fit.values())
    fit = {name: one for name, one in named.items() if fnmatchcase(f"/{name}", f"*/{wanted}")}
    if not fit:
        ends = {name.rpartition("/")[2] for name in named}
        raise UserError(
            f"{file}: has no series {wanted}{nearest(wanted, [*named, *ends])}; found {', '.join(few(named))}"
        )
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


def _cells(nwb: Any, series: Any, labels: Labels, file: str, new_rate: float | None, keep: bool) -> Found:
    rois, where = series.rois.table, f"{file}: series {series.name}"
    rows = _rows(series, where)
    ids = list(np.asarray(rois.id[:])[rows])
    data, unit = _by_roi(series, len(ids), where), as_text(series.unit).lower()
    pieces, rate = _timing(series, data.shape[1], where)
    jumps = data.shape[1] - sum(map(len, pieces)) + len(pieces) - 1
    slower = new_rate is not None and new_rate < rate <= FASTEST  # so that long recordings fit into memory
    plane = getattr(rois, "imaging_plane", None)
    said = getattr(plane, "imaging_rate", None)
    facts = (nwb.lab or nwb.institution, getattr(plane, "indicator", ""), getattr(plane, "location", ""))
    facts = [as_text(fact) for fact in facts]
    is_dff = type(series.parent).__name__ == "DfOverF"
    flags = {name: rois[name][:] for name in rois.colnames if is_flag(name)}
    bad, flag = flagged(flags, f"{file}: {rois.name}")
    bad = np.zeros(len(ids), dtype=bool) if bad is None else bad[rows]
    result = Found(rejected={flag: int(bad.sum())} if bad.any() else {}, rois=[(file, str(roi)) for roi in ids])
    result.notes += without_meaning(flags, f"{file}: {rois.name}")
    if slower:  # others are told later
        longest = max(pieces, key=len)
        result.notes += [*doubts.of_minutes([rate] * len(ids)), *too_fast.notes([(rate, row[longest]) for row in data])]
    bare = file[: -len(ENDING)] if file.lower().endswith(ENDING) else file
    if said and np.isfinite(said) and not np.isclose(said, rate, rtol=OTHER):
        result.notes.append(f"{where}: its imaging plane says {said:.4g} Hz and the series {rate:.4g} Hz, which counts")
    if jumps:
        result.notes.append(f"{where}: its time stamps part the traces {jumps} times, and no window crosses that")
    if not is_percent(unit) and not is_dff:
        result.notes.append(f"{_place(series)} is no DfOverF: prepare.signal says whether it is dF/F or fluorescence")
    for k, (roi, label) in enumerate(zip(ids, labels.of(nwb, rois, ids, file), strict=True)):
        if bad[k] and not keep:
            continue
        cell = f"{bare}/{rois.name}/{roi}"
        parts = [parted(data[k, piece], f"cell {cell}") for piece in pieces]
        segments = [s for part in parts for s in part["segments"]]
        if slower:
            segments = [resample(s, rate, new_rate).astype(np.float32) for s in segments]
        result.recordings.append(
            Recording(
                cell_id=cell,
                label=label,
                group=getattr(nwb.subject, "subject_id", None) or "",
                segments=tuple(segments),
                sampling_rate=new_rate if slower else rate,
                source=", ".join(filter(None, facts)),
                file=file,
                signal="percent" if is_percent(unit) else "dff" if is_dff else "",
                missing=sum(part["missing"] for part in parts),
            )
        )
    return result


def _rows(series: Any, where: str) -> Int[np.ndarray, " roi"]:
    """Returns the rows of the table of ROIs that the series is of."""
    rows, n = np.asarray(series.rois.data[:]), len(series.rois.table.id)
    if rows.dtype.kind not in "iu" or (len(rows) and not 0 <= rows.min() <= rows.max() < n):
        raise UserError(f"{where}: its ROIs are rows {rows[:5].tolist()}; expected whole numbers from 0 to {n - 1}")
    return rows.astype(np.int64)


def _timing(series: Any, n: int, where: str) -> tuple[list[Int[np.ndarray, " frame"]], float]:
    """Returns the frames of each uninterrupted stretch, and the rate in Hz."""
    if series.timestamps is None:
        return [np.arange(n)], as_rate(series.rate, where, "the rate of starting_time")
    stamps = hdf5.values(series.timestamps, f"{where}: timestamps").astype(np.float64)
    try:
        pieces, rate = split_at_gaps(stamps, np.arange(n, dtype=np.float64))
    except ValueError as error:
        raise UserError(f"{where}: {error}") from error
    return [piece.astype(int) for piece in pieces], as_rate(rate, where, "the rate of its time stamps")


def _by_roi(series: Any, n_rois: int, where: str) -> Shaped[np.ndarray, "roi time"]:
    """Returns values in the unit of the series; [time, roi] is the standard, [roi, time] is told by the size."""
    data = hdf5.values(series.data, f"{where}: data")
    data = data.reshape(-1, 1) if data.ndim == 1 else data
    if data.ndim == 2 and data.shape[0] == n_rois != data.shape[1]:
        data = data.T
    stamps = data.shape[0] if series.timestamps is None else len(series.timestamps)
    if data.ndim != 2 or data.shape != (stamps, n_rois):
        rows = "" if series.timestamps is None else f" and a row for each of {stamps} time stamps"
        wanted = f"[time, roi], a column for each of {n_rois} ROIs{rows}"
        raise UserError(f"{where} is of shape {series.data.shape}; expected {wanted}; its rois may name others")
    scale, offset = series.conversion, series.offset
    if not (np.isfinite(scale) and scale != 0 and np.isfinite(offset)):
        raise UserError(
            f"{where}: its conversion is {scale:g} and its offset {offset:g}; expected finite numbers, not 0"
        )
    return (data.T * scale + offset).astype(np.float32)
