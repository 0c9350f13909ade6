"""Allen Brain Observatory, Visual Coding 2P: dF/F of cortical neurons of mice that express GCaMP6 under one Cre line.

Paper: de Vries et al. 2020, Nat Neurosci 23:138, doi 10.1038/s41593-019-0550-9.
Data: api.brain-map.org through allensdk (`celltype fetch dataset=allen_visual_coding`). The folder is as its
    BrainObservatoryCache makes it: ophys_experiments.json, experiment_containers.json and
    ophys_experiment_data/<experiment>.nwb (NWB 1); s3://allen-brain-observatory/visual-coding-2p has the same names.
    As NWB 2 the data are DANDI 000728 (dataset=nwb_ophys).
Licence: Allen Institute terms of use (research, with citation).
Used for: telling excitatory (PY), Pvalb (PV), Sst (SOM) and Vip neurons apart, in vivo, from one pipeline at 30 Hz.
Beware: a mouse carries one Cre line and so holds one class, so that only splits that keep animals apart mean something.
    The reporter follows the line (Pvalb has GCaMP6s from Ai162, the others GCaMP6f from Ai93 or Ai148; few excitatory
    mice have GCaMP6s from Ai94), and so do layer and depth. A field of view is recorded in three sessions with
    different stimuli; of one session type, stimuli are common to all classes and a neuron occurs once. Mice with events
    as in epilepsy are tagged, and left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from celltype_cli.calcium.datasets.allen_experiments import (
    API,
    LINES,
    class_of,
    download_tables,
    experiments,
    file_of,
    source_of,
)
from celltype_cli.calcium.plausible import is_rate
from celltype_cli.calcium.readers.hdf5 import values
from celltype_cli.calcium.recording import Recording, parted
from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings, spread
from celltype_cli.core import allen
from celltype_cli.core.downloads import Part, Plan, command, holds
from celltype_cli.core.isolated import isolated
from celltype_cli.core.messages import UserError
from celltype_cli.core.ranges import Count, Rate
from celltype_cli.core.signals import resample, split_at_gaps

NAME, TYPICAL_SIZE = "allen_visual_coding", 0.4e9  # bytes
BASIS = (
    "0.4 GB a session is the median of 30 files in DANDI 000728, which has the same data as NWB 2; they have 0.14 "
    "to 0.86 GB (sizes in github.com/dandisets/000728)"
)
TIMES, DFF, IDS = (f"processing/brain_observatory_pipeline/{name}" for name in
                   ("DfOverF/imaging_plane_1/timestamps", "DfOverF/imaging_plane_1/data",
                    "ImageSegmentation/cell_specimen_ids"))  # fmt: skip


def whole(file: Path) -> bool:
    """Says whether a file is there and holds traces; a damaged one may hang or crash the library that opens it."""
    try:
        return file.is_file() and isolated(holds, file, (TIMES, DFF, IDS))
    except UserError:
        return False


def load(
    *,
    path: str | Path,
    experiments_per_class: Count | None,
    session: str | None,
    structures: Sequence[str] | None,
    read_rate: Rate | None,
) -> Recordings:
    """Reads dF/F of the chosen experiments from files that are there; the network is not used.

    Args:
        path: the folder of the cache.
        experiments_per_class: how many, spread over animals and then over Cre lines; None for all that are there.
        session: one of `allen_experiments.SESSIONS`, None for all of them.
        structures: visual areas (VISp, VISl, VISal, VISpm, VISam, VISrl), None for all.
        read_rate: Hz, to which faster traces are brought file by file, so that many fit into memory; None does not.

    Raises:
        UserError: with the command that fetches, when a table or file is missing or not whole.
    """
    path = Path(path).expanduser()
    found, tagged = experiments(path, session, structures)
    if experiments_per_class is None:
        chosen = [e for e in found if file_of(path, e).exists()]
    else:
        chosen = _spread(found, experiments_per_class)
    if broken := [e["id"] for e in chosen if not whole(file_of(path, e))]:
        raise UserError(
            f"{path}: {len(broken)} of {len(chosen)} experiments are missing or not whole "
            f"({', '.join(map(str, broken[:3]))} ...); fetch them: {command(path, NAME)}, with the same settings"
        )
    if lost := [name for name in LINES if name not in map(class_of, chosen)]:
        raise UserError(f"{path}: no experiment of {', '.join(lost)} is there; fetch them: {command(path, NAME)}")
    recordings, without = [], 0
    for experiment in chosen:
        cells = isolated(_read, file_of(path, experiment), experiment, read_rate)
        recordings += [cell for cell in cells if cell.segments]
        without += sum(not cell.segments for cell in cells)
    about = About(
        name=NAME,
        citation="de Vries et al. 2020, doi 10.1038/s41593-019-0550-9; Allen Institute for Brain Science",
        notes=tuple(_notes(chosen, recordings, tagged, without)),
        group="animal",
    )
    return Recordings(recordings, about, tuple(LINES))


def fetch(
    *, path: str | Path, experiments_per_class: Count | None, session: str | None, structures: Sequence[str] | None
) -> Plan:
    """Downloads the tables of experiments (a few MB) where they are missing, and plans the download of the files.

    Raises:
        UserError: when the tables cannot be downloaded, or hold no such experiments.
    """
    path = Path(path).expanduser()
    download_tables(path)
    found, _ = experiments(path, session, structures)
    chosen = found if experiments_per_class is None else _spread(found, experiments_per_class)
    client = allen.client(API)
    parts = (
        Part(
            name=f"{class_of(e)} {e['id']} ({source_of(e)})",
            file=file_of(path, e),
            size=TYPICAL_SIZE,
            get=lambda file, number=e["id"]: client.save_ophys_experiment_data(number, str(file)),
            whole=whole,
        )
        for e in sorted(chosen, key=lambda e: e["id"])
    )
    return Plan(path, tuple(parts), BASIS)


def _spread(found: Sequence[dict], per_class: int) -> list[dict]:
    """Chooses experiments of each class from the animal, then the Cre line, of which least was chosen."""
    return spread(found, per_class, tuple(LINES), class_of, lambda e: (e["donor_name"], e["cre_line"]))


def _read(file: Path, experiment: dict, read_rate: Rate | None) -> list[Recording]:
    """Returns the cells at the lower rate, which keeps memory small; without segments where all values are missing."""
    try:
        with h5py.File(file, "r") as nwb:
            time, traces, specimens = (values(nwb[name], f"{file}: {name}") for name in (TIMES, DFF, IDS))
        pieces, rate = split_at_gaps(time.astype(np.float64), np.arange(len(time), dtype=np.float64))
        if traces.shape != (len(specimens), len(time)):
            raise ValueError(f"its dF/F is of shape {traces.shape}, with {len(specimens)} cells and {len(time)} stamps")
    except UserError:
        raise
    except Exception as error:  # h5py raises half a dozen unrelated types for a broken file
        raise UserError(
            f"{file}: cannot be read ({type(error).__name__}: {str(error)[:200]}); delete it and fetch it again"
        ) from error
    new_rate, cells = min(rate, read_rate or rate) if is_rate(rate) else rate, []
    for specimen, trace in zip(specimens, traces.astype(np.float32), strict=True):
        parts = [parted(trace[piece.astype(int)], f"{file.name}: cell {specimen}") for piece in pieces]
        segments = (resample(s, rate, new_rate).astype(np.float32) for part in parts for s in part["segments"])
        cells.append(
            Recording(
                cell_id=f"{specimen}_{experiment['id']}",
                label=class_of(experiment),
                group=str(experiment["donor_name"]),
                segments=tuple(segments),
                sampling_rate=new_rate,
                source=source_of(experiment),
                file=file.name,
                signal="dff",
                missing=sum(part["missing"] for part in parts),
            )
        )
    return cells


def _notes(chosen: list[dict], recordings: list[Recording], tagged: int, without: int) -> Iterator[str]:
    yield (
        "each animal carries one Cre line and holds one class: keep animals apart, and remember that line, "
        "indicator, layer and depth go with the class"
    )
    classes: dict[str, set[str]] = {}
    for experiment in chosen:
        classes.setdefault(experiment["reporter_line"], set()).add(class_of(experiment))
    if single := sorted(f"{reporter}: {', '.join(names)}" for reporter, names in classes.items() if len(names) == 1):
        yield f"indicator lines that hold one class only, which they may give away: {'; '.join(single)}"
    times = Counter(r.cell_id.split("_")[0] for r in recordings)
    if several := sum(count > 1 for count in times.values()):
        yield f"{several} neurons were recorded in more than one session and count as a cell in each"
    if tagged:
        yield f"{tagged} experiments of mice with events as in epilepsy were left out"
    if without:
        yield f"{without} cells without any value were left out"
