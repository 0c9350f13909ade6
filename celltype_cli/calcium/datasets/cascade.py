"""CASCADE ground truth: calcium traces of mouse neurons of known or presumed type, recorded with their spikes.

Paper: Rupprecht et al. 2021, Nat Neurosci 24:1324, doi 10.1038/s41593-021-00895-5.
Data: git clone https://github.com/HelmchenLabSoftware/Cascade (in PyTorch: github.com/PTRRupprecht/CascadeTorch); its
    folder Ground_truth holds one folder per dataset, with one .mat file per neuron.
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
from contextlib import suppress
from pathlib import Path

import numpy as np

from celltype_cli.calcium.datasets.cascade_origins import ORIGINS
from celltype_cli.calcium.datasets.fake_classes import fake_classes
from celltype_cli.calcium.readers.cascade import ANIMAL, TREATMENT, trials_of, whole
from celltype_cli.calcium.recording import Recording
from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings, named
from celltype_cli.core.files import find_files
from celltype_cli.core.isolated import isolated
from celltype_cli.core.messages import UserError, check_choice, few, raise_faults

SUBSETS = {
    "slice3": [name for name in ORIGINS if name[:4] in ("DS24", "DS25", "DS26")],
    "kwan3": [name for name in ORIGINS if name[:4] in ("DS02", "DS22", "DS23")],
    "zhang2": [name for name, origin in ORIGINS.items() if origin.laboratory == "Zhang2023"],
    "all": list(ORIGINS),
}
CELL_TYPES = {"pyramidal": "EXC", "interneuron": "PV"}  # what the field cell_type of DS28 to DS33 says


def load(
    *,
    path: str | Path,
    subset: str,
    null: str | None = None,
    unusable: str = "error",
) -> Recordings:
    """Reads the dF/F traces of a subset, with animals as groups where file names tell them (DS24 to DS33).

    Args:
        path: the folder Ground_truth, or the clone that holds it.
        subset: slice3, kwan3, zhang2, or all that `ORIGINS` names (not zebrafish, not spinal cord).
        null: "fake_classes" labels cells of one true class by their source, see `fake_classes`.
        unusable: "drop" leaves out files that cannot be used, with a note; or "error".

    Raises:
        UserError: when the folder or a class of the subset is missing, or files cannot be used.
    """
    check_choice("dataset.unusable", unusable, ("drop", "error"))
    check_choice("dataset.subset", subset, SUBSETS)
    check_choice("dataset.null", null or "fake_classes", ("fake_classes",))
    folders = _folders(Path(path).expanduser(), subset)
    recordings, faults = [], []
    for file in _files(folders):
        try:
            recordings.append(isolated(read, file))
        except UserError as error:
            faults.append(str(error))
    if unusable == "error" or not recordings:
        raise_faults(f"{len(faults)} files of {path}", faults)
    expected = {ORIGINS[name].label for name in SUBSETS[subset]} if subset != "all" else set()
    if not recordings or (lost := sorted(expected - {r.label for r in recordings})):
        gone = sorted(set(SUBSETS[subset]) - {_folder(r) for r in recordings})
        what = (
            f"subset {subset} has no {' and no '.join(lost)} cells"
            if recordings
            else "no file CAttached*.mat was found"
        )
        raise UserError(f"{path}: {what}; expected files in {', '.join(gone)}; clone the repository of CASCADE again")
    recordings, warnings = fake_classes(recordings) if null else (recordings, tuple(_notes(recordings, subset)))
    if faults:
        warnings += (f"{len(faults)} files that cannot be used are left out: {'; '.join(few(faults))}",)
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


def _files(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        with suppress(UserError):  # of a folder without files, which `load` then says in its own words
            yield from find_files(folder, (".mat",), named="CAttached*.mat")[0]


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
    return whole(recording, trials_of(file, named(recording), lambda said: _check_type(recording, said)))


def _check_type(recording: Recording, said: str) -> None:
    for word, label in CELL_TYPES.items():
        if word in said and label != recording.label:
            raise UserError(f"{named(recording)}: its field cell_type says {said!r}, its folder {recording.label}")
