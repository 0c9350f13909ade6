"""NWB 2 files of calcium imaging, the user's own or of DANDI: one file or a folder of them, with cell types.

`celltype_cli.calcium.readers.nwb` says what is read. What fits public sets of DANDI, none of which was downloaded:

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

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from celltype_cli.calcium.readers.nwb import read
from celltype_cli.calcium.readers.nwb_labels import Labels
from celltype_cli.calcium.recording import Recording
from celltype_cli.cells.assemble import Recordings
from celltype_cli.cells.cells import About
from celltype_cli.core.messages import UserError, raise_faults


def load(
    *,
    path: str | Path,
    labels: Labels,
    series: str | None,
    read_rate: float | None,
    classes: Sequence[str] | None,
) -> Recordings:
    """Reads all ROIs of the file, or of all files ending in .nwb in the folder and below.

    Args:
        path: the file or the folder.
        labels: where cell types stand.
        series: name of the RoiResponseSeries, with or without the containers it lies in (ophys/DfOverF/traces); a
            pattern (DfOverF/plane*) may fit one for each imaging plane; None for the only one of dF/F.
        read_rate: Hz, to which faster traces are brought file by file, so that many fit into memory; None does not.
        classes: labels that may occur, in the order of the probabilities; None for those that do.

    Raises:
        UserError: with all faults of all files, when a file is broken, or series or labels are not found.
    """
    path = Path(path).expanduser()
    files = sorted(path.rglob("*.nwb")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        what = "holds no file ending in .nwb" if path.is_dir() else "does not exist"
        raise UserError(f"dataset.path={path} {what}")
    recordings, faults, without_series, rois = [], [], 0, []
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        try:
            found = list(read(file, name, labels, series, read_rate))
        except UserError as error:
            faults.append(str(error))
            continue
        recordings += found
        without_series += not found
        rois += [(name, recording.cell_id.rpartition("/")[2]) for recording in found]
    raise_faults(f"{len(faults)} files of {path}" if path.is_dir() else str(path), faults)
    if not recordings:
        raise UserError(f"{path}: no RoiResponseSeries in {len(files)} files; the traces of ROIs are needed")
    labels.check(rois)
    kept = [recording for recording in recordings if recording.segments]
    about = About(f"nwb {path.name}", notes=tuple(_notes(recordings, kept, without_series)), group="animal")
    return Recordings(kept, about, tuple(classes) if classes else None)


def _notes(recordings: list[Recording], kept: list[Recording], without_series: int) -> Iterator[str]:
    if without_series:
        yield f"{without_series} files without a RoiResponseSeries were left out"
    if len(kept) < len(recordings):
        yield f"{len(recordings) - len(kept)} cells without any value were left out"
    sessions = Counter(group for group, _ in {(r.group, r.file) for r in recordings if r.group})
    if several := sum(count > 1 for count in sessions.values()):
        yield f"{several} animals have several files: a neuron that occurs in more than one counts as a cell in each"
