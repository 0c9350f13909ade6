"""NWB 2 files of calcium imaging: one file or a folder of them, with RoiResponseSeries and cell types.

Read are the ROIs of one series (a name, where a file has several of dF/F), their ids from the table of ROIs, the animal
from the subject, rate or time stamps; a gap or a missing value ends a segment. Files without any series (behaviour,
raw movies) are left out with a note. `Labels` says where cell types stand. What fits public sets of DANDI, none of
which was downloaded:

000728  Allen Visual Coding 2P; checked against its writer (catalystneuro/visual-coding-to-nwb-v2 on GitHub).
        series=DfOverF/DfOverF (beside it is DfOverF/DfOverFEvents); labels.genotype={Pvalb-IRES-Cre: PV, Sst-IRES-Cre:
        SOM, Vip-IRES-Cre: VIP, Slc17a7-IRES2-Cre: PY, ...}, from genotypes as Pvalb-IRES-Cre/wt;Ai162(...)/wt. Each
        session has a second file, of raw movies. Subjects are specimens, one for each mouse.
000711  Allen Visual Behavior; checked against a file made with allensdk's classes (2.16). series=null does
        (dff/traces); labels.genotype={Slc17a7: PY, Sst: SOM, Vip: VIP}. Most of its files are of behaviour alone.
000535  OpenScope, flicker; checked against a listing of what a file contains. series=null does. The table of ROIs has
        no cell types; the listing does not show whether subjects have genotypes: labels.genotype if they do, else
        labels.path. The same cells were recorded in several sessions.
000625  CA1 interneurons (Geiller); checked against a listing of what a file contains. series=null does. Types stand in
        a table Cell_Subtypes, with 232 rows for 231 ROIs in the file listed: labels.column=Cell_Subtypes/subtype reads
        files where the ids agree and refuses others, for which labels.path is left. It is one animal, so that it
        cannot be split by animals.

The listings are in magland/ai_generated_dandiset_summaries on GitHub.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Shaped

from celltype_cli.calcium.prepare import to_cells
from celltype_cli.calcium.readers.nwb_labels import Labels
from celltype_cli.calcium.recording import Recording
from celltype_cli.cells.cells import About, Cells
from celltype_cli.core.messages import UserError, nearest, raise_faults
from celltype_cli.core.signals import finite_stretches, resample, split_at_gaps


def load(
    *,
    path: str | Path,
    labels: Labels,
    series: str | None,
    timesteps: int,
    sampling_rate: float | None,
    signal: str,
    classes: Sequence[str] | None,
    windows: str,
    too_short: str,
) -> Cells:
    """Reads all ROIs of the file, or of all files ending in .nwb in the folder and below.

    Args:
        path: the file or the folder.
        labels: where cell types stand.
        series: name of the RoiResponseSeries, with or without the containers it lies in (ophys/DfOverF/traces); a
            pattern (DfOverF/plane*) may fit one for each imaging plane; None for the only one of dF/F.
        timesteps, sampling_rate, signal, classes, windows, too_short: as in `celltype_cli.calcium.prepare.to_cells`.

    Raises:
        UserError: with all faults of all files, when a file is broken, or series or labels are not found.
    """
    path = Path(path).expanduser()
    files = sorted(path.rglob("*.nwb")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        what = "holds no file ending in .nwb" if path.is_dir() else "does not exist"
        raise UserError(f"dataset.path={path} {what}")
    recordings, faults, without_series, read = [], [], 0, []
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        try:
            found = list(_read(file, name, labels, series, sampling_rate))
        except UserError as error:
            faults.append(str(error))
            continue
        recordings += found
        without_series += not found
        read += [(name, recording.cell_id.rpartition("/")[2]) for recording in found]
    raise_faults(f"{len(faults)} files of {path}" if path.is_dir() else str(path), faults)
    if not recordings:
        raise UserError(f"{path}: no RoiResponseSeries in {len(files)} files; the traces of ROIs are needed")
    labels.check(read)
    kept = [recording for recording in recordings if recording.segments]
    about = About(f"nwb {path.name}", notes=tuple(_notes(recordings, kept, without_series)))
    return to_cells(kept, about=about, timesteps=timesteps, sampling_rate=sampling_rate, classes=classes,
                    windows=windows, too_short=too_short, signal=signal)  # fmt: skip


def _notes(recordings: list[Recording], kept: list[Recording], without_series: int) -> Iterator[str]:
    if without_series:
        yield f"{without_series} files without a RoiResponseSeries were left out"
    if len(kept) < len(recordings):
        yield f"{len(recordings) - len(kept)} cells without any value were left out"
    sessions = Counter(group for group, _ in {(r.group, r.file) for r in recordings if r.group})
    if several := sum(count > 1 for count in sessions.values()):
        yield f"{several} animals have several files: a neuron that occurs in more than one counts as a cell in each"


def _read(file: Path, name: str, labels: Labels, wanted: str | None, new_rate: float | None) -> Iterator[Recording]:
    """Yields the cells of a file; none where it has no series, and cells without segments where all is missing."""
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
                "dataset.series, and dataset.signal=raw_to_dff where it is raw fluorescence"
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
