"""CASCADE ground truth: calcium traces of mouse neurons of known or presumed type, recorded with their spikes.

Paper: Rupprecht et al. 2021, Nat Neurosci 24:1324, doi 10.1038/s41593-021-00895-5.
Data: folder Ground_truth of github.com/HelmchenLabSoftware/Cascade (in PyTorch: github.com/PTRRupprecht/CascadeTorch),
    to be cloned; one folder per dataset, one .mat file per neuron.
Licence: the repository is GPL-3.0; the original deposits have terms of their own. Cite the paper and the laboratory.
Used for: telling EXC, PV, SST and VIP neurons apart. Laboratory, indicator and preparation differ between most datasets
    and give the type away; three subsets hold them fixed:
    slice3  PV, SST, VIP; GCaMP6f in slices with KCl puffs (Khan et al. 2018, doi 10.1038/s41593-018-0143-z)
    kwan3   EXC, PV, SST; OGB-1 in vivo (Kwan and Dan 2012, Curr Biol 22:1459)
    zhang2  EXC against putative PV; GCaMP7f, GCaMP8 and XCaMP in vivo, animals shared by both classes (Zhang et al.
            2023, doi 10.1038/s41586-023-05828-9)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.io import loadmat

from celltype_cli.calcium.datasets.cascade_origins import ORIGINS
from celltype_cli.calcium.datasets.fake_classes import fake_classes
from celltype_cli.calcium.recording import SAME_RATE, Recording
from celltype_cli.cells.assemble import Recordings, named
from celltype_cli.cells.cells import About
from celltype_cli.core.messages import UserError, check_choice, raise_faults
from celltype_cli.core.signals import resample, split_at_gaps

SUBSETS = {
    "slice3": [name for name in ORIGINS if name[:4] in ("DS24", "DS25", "DS26")],
    "kwan3": [name for name in ORIGINS if name[:4] in ("DS02", "DS22", "DS23")],
    "zhang2": [name for name, origin in ORIGINS.items() if origin.laboratory == "Zhang2023"],
    "all": list(ORIGINS),
}
CELL_TYPES = {"pyramidal": "EXC", "interneuron": "PV"}  # what the field cell_type of DS28 to DS33 says
ANIMAL = re.compile(r"((?:PV|SOM|VIP)(?:Vitro|Camp)\d+)|(?:XCaMP|jGCaMP)\w*?_(\d+)_\d+$", re.IGNORECASE)
TREATMENT = re.compile(r"(_mini|_full|_corrected|_neuropil_subtracted|_Puff\w*?)+$")


def load(
    *,
    path: str | Path,
    subset: str,
    null: str | None = None,
) -> Recordings:
    """Reads the dF/F traces of a subset, with animals as groups where file names tell them (DS24 to DS33).

    Args:
        path: the folder Ground_truth, or the clone that holds it.
        subset: slice3, kwan3, zhang2, or all that `ORIGINS` names (not zebrafish, not spinal cord).
        null: "fake_classes" labels cells of one true class by their source, see `fake_classes`.

    Raises:
        UserError: when the folder or a class of the subset is missing, or files cannot be used.
    """
    check_choice("dataset.subset", subset, SUBSETS)
    check_choice("dataset.null", null or "fake_classes", ("fake_classes",))
    folders = _folders(Path(path).expanduser(), subset)
    recordings, faults = [], []
    for file in (file for folder in folders for file in sorted(folder.glob("CAttached*.mat"))):
        try:
            recordings.append(read(file))
        except UserError as error:
            faults.append(str(error))
    raise_faults(f"{len(faults)} files of {path}", faults)
    expected = {ORIGINS[name].label for name in SUBSETS[subset]} if subset != "all" else set()
    if not recordings or (lost := sorted(expected - {r.label for r in recordings})):
        gone = sorted(set(SUBSETS[subset]) - {_folder(r) for r in recordings})
        what = f"subset {subset} has no {' and no '.join(lost)} cells" if recordings else "no .mat file was found"
        raise UserError(f"{path}: {what}; expected files in {', '.join(gone)}; clone the repository of CASCADE again")
    recordings, warnings = fake_classes(recordings) if null else (recordings, tuple(_notes(recordings, subset)))
    about = About(
        name=f"cascade {subset}" + (f" {null} (null)" if null else ""),
        citation="Rupprecht et al. 2021, doi 10.1038/s41593-021-00895-5, and "
        + ", ".join(sorted({ORIGINS[_folder(r)].laboratory for r in recordings})),
        notes=warnings,
        group="animal",
    )
    return Recordings(recordings, about)


def _folders(path: Path, subset: str) -> list[Path]:
    if not path.is_dir():
        raise UserError(
            f"dataset.path={path} is no folder; give the folder Ground_truth of a clone of CASCADE "
            "(github.com/HelmchenLabSoftware/Cascade)"
        )
    path = path / "Ground_truth" if (path / "Ground_truth").is_dir() else path
    found = sorted(p.name for p in path.iterdir() if p.is_dir())
    folders = [path / name for name in SUBSETS[subset] if name in found]
    if not folders:
        there, wanted = ", ".join(found[:5]) or "no folder", ", ".join(SUBSETS[subset][:3])
        raise UserError(
            f"dataset.path={path} holds none of the folders {wanted} ... of subset {subset}; found {there}"
            "; give the folder Ground_truth of CASCADE"
        )
    return folders


def _folder(recording: Recording) -> str:
    return recording.file.split("/")[0]


def _notes(recordings: list[Recording], subset: str) -> Iterator[str]:
    here = {_folder(r) for r in recordings}
    if subset != "all" and (gone := [name for name in SUBSETS[subset] if name not in here]):
        yield f"folders of subset {subset} that are not there: {', '.join(gone)}"
    basis = Counter((ORIGINS[_folder(r)].basis, r.label) for r in recordings)
    for (how, label), count in sorted(basis.items()):
        if how in ("presumed", "putative"):
            yield f"the type of {count} {label} cells is {how}, no marker or morphology was seen"


def described(file: Path) -> Recording:
    """Returns what the names of folder and file say of a neuron, without its trace.

    The id is the number of the dataset and the file name without the treatment.
    """
    origin = ORIGINS[file.parent.name]
    name = TREATMENT.sub("", re.sub("^CAttached_?", "", file.stem))
    animal = ANIMAL.search(name)
    return Recording(
        cell_id=f"{file.parent.name[:4]}_{name}",
        label=origin.label,
        group=re.sub("^Som", "SOM", animal[1] or animal[2]) if animal else "",
        segments=(),
        sampling_rate=np.nan,
        source=f"{origin.laboratory}, {origin.indicator or name.split('_')[0]}, {origin.preparation}",
        file=f"{file.parent.name}/{file.name}",
    )


def read(file: Path) -> Recording:
    """Reads one neuron; trials whose rates differ are brought to the slowest of them.

    Raises:
        UserError: when the file is no intact .mat file, lacks a field, or names another cell type than its folder.
    """
    recording = described(file)
    trials = [split_at_gaps(*trace) for trace in _traces(file, recording)]
    rates = [rate for segments, rate in trials if segments]
    if not rates:
        raise UserError(f"{named(recording)}: CAttached holds no trace")
    slowest = min(rates)
    segments = tuple(
        segment if rate / slowest - 1 < SAME_RATE else resample(segment, rate, slowest)
        for segments, rate in trials
        for segment in segments
    )
    return replace(recording, segments=segments, sampling_rate=slowest)


def _traces(file: Path, recording: Recording) -> Iterator[tuple[Float[np.ndarray, " time"], ...]]:
    """Yields time stamps (s) and dF/F of each trial; stamps may be NaN after the end and may be fewer than values."""
    for trial in _structs(_attached(file, recording)):
        found = trial.dtype.names
        if missing := [name for name in ("fluo_time", "fluo_mean") if name not in found]:
            raise UserError(f"{named(recording)}: field {', '.join(missing)} is missing; found {', '.join(found)}")
        if "cell_type" in found:
            said = str(np.ravel(trial["cell_type"])[0]).lower() if np.size(trial["cell_type"]) else ""
            for word, label in CELL_TYPES.items():
                if word in said and label != recording.label:
                    raise UserError(
                        f"{named(recording)}: its field cell_type says {said!r}, its folder {recording.label}"
                    )
        time, trace = (np.ravel(trial[field]).astype(np.float64) for field in ("fluo_time", "fluo_mean"))
        time, trace = time[: len(trace)], trace[: len(time)]
        yield time[~np.isnan(time)], trace[~np.isnan(time)]


def _attached(file: Path, recording: Recording) -> np.ndarray:
    try:
        found = loadmat(file, variable_names=["CAttached"])
    except Exception as error:  # loadmat raises a dozen unrelated types for a broken file, and names none of them
        raise UserError(
            f"{named(recording)}: is no intact MATLAB file (version 5 to 7; {type(error).__name__}: {error}); "
            "clone the repository of CASCADE again"
        ) from error
    if "CAttached" not in found:
        raise UserError(f"{named(recording)}: holds no variable CAttached; is it a ground-truth file of CASCADE?")
    return found["CAttached"]


def _structs(value: np.ndarray) -> Iterator[np.void]:
    """Yields the trials, which stand in a cell array of structs or in a struct array."""
    for element in np.ravel(value):
        if isinstance(element, np.void) and element.dtype.names:
            yield element
        elif isinstance(element, np.ndarray):
            yield from _structs(element)
