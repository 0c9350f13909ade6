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
from typing import Literal

from celltype_cli.calcium import shared, too_fast
from celltype_cli.calcium.readers import nwb
from celltype_cli.calcium.readers.found import Found
from celltype_cli.calcium.readers.nwb_labels import Labels
from celltype_cli.calcium.recording import Recording
from celltype_cli.cells import dated
from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.core.files import find_files
from celltype_cli.core.isolated import isolated
from celltype_cli.core.messages import UserError, check_choice, few, raise_faults
from celltype_cli.core.ranges import Rate


def load(
    *,
    path: str | Path,
    labels: Labels,
    series: str | None,
    read_rate: Rate | None,
    rejected: Literal["drop", "keep"],
    unusable: Literal["error", "drop"],
    classes: Sequence[str] | None,
) -> Recordings:
    """Reads all ROIs of the file, or of all files ending in .nwb in the folder and below.

    Args:
        path: the file or the folder.
        labels: where cell types stand; where it says nothing, cells are without label.
        series: name of the RoiResponseSeries, with or without the containers it lies in (ophys/DfOverF/traces); a
            pattern (DfOverF/plane*) may fit one for each imaging plane; None for the only one of dF/F.
        read_rate: Hz, to which faster traces are brought file by file, so that many fit into memory; None does not.
        rejected: "drop" leaves out ROIs that are flagged as no cells, with a note; "keep" takes them.
        unusable: "drop" leaves out files that cannot be used, with a note; or "error".
        classes: labels that may occur, in the order of the probabilities; None for those that do.

    Raises:
        UserError: with all faults of all files, when none can be used, or series or labels are not found.
    """
    check_choice("dataset.rejected", rejected, ("drop", "keep"))
    check_choice("dataset.unusable", unusable, ("drop", "error"))
    path, found, without_series = Path(path).expanduser(), Found(), 0
    files = [path]
    if not path.is_file():
        files, found.notes = find_files(path, (".nwb",))
    found.notes += labels.open()
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        try:
            read = isolated(nwb.read, file, name, labels, series, read_rate, rejected == "keep")
        except UserError as error:
            found.faults.append(str(error))
            continue
        found.add(read)
        without_series += not read.rois
    recordings = found.recordings
    if found.faults and (unusable == "error" or not recordings):
        raise_faults(f"{len(found.faults)} files of {path}" if path.is_dir() else str(path), found.faults)
    notes = [*found.said(rejected == "keep"), *_notes(recordings, found.faults, without_series)]
    if not recordings:
        left = f": {notes[-1]}" if found.rejected else f" in {len(files)} files; the traces of ROIs are needed"
        raise UserError(f"{path}: no {'cell is left' if found.rejected else 'RoiResponseSeries'}{left}")
    labels.check(found.rois, complete=not found.faults)
    if not labels.known:
        notes.append("no label was asked for: dataset.labels.column, path or genotype says where cell types stand")
    kept = [recording for recording in recordings if recording.segments]
    if not kept:
        raise UserError(
            f"{path}: none of its {len(recordings)} cells has a value: all are NaN, or no time stamp follows another"
        )
    longest = [(cell.sampling_rate, max(cell.segments, key=len)) for cell in kept]
    notes += [*too_fast.notes(longest), *shared.notes(kept), *dated.notes(kept, "animal")]
    about = About(f"nwb {path.absolute().name}", notes=tuple(notes), group="animal")
    return Recordings(kept, about, tuple(classes) if classes else None)


def _notes(recordings: list[Recording], faults: list[str], without_series: int) -> Iterator[str]:
    if faults:
        yield f"{len(faults)} files that cannot be used are left out: {'; '.join(few(faults))}"
    if without_series:
        yield f"{without_series} files without a RoiResponseSeries were left out"
    if empty := sum(not recording.segments for recording in recordings):
        yield f"{empty} cells without any value were left out"
    sessions = Counter(group for group, _ in {(r.group, r.file) for r in recordings if r.group})
    if several := sum(count > 1 for count in sessions.values()):
        yield f"{several} animals have several files: a neuron that occurs in more than one counts as a cell in each"
