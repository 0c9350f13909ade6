"""The user's own calcium traces: a file, or a folder; `celltype_cli.calcium.readers.files` describes the layouts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from celltype_cli.calcium import no_cells, shared, too_fast
from celltype_cli.calcium.readers.files import read
from celltype_cli.calcium.readers.found import How
from celltype_cli.calcium.readers.labels import with_labels
from celltype_cli.calcium.recording import Recording, joined, without_copies
from celltype_cli.cells import dated
from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.core.messages import UserError, check_choice, few, grouped, raise_faults

ARRAYS = ("trace",)  # of a cell, beside its sampling_rate, as in an npz file [cell, time]


def load(
    *,
    path: str | Path,
    labels: str | Path | None,
    labelled: bool,
    join: str | None,
    rejected: str,
    frame_rate: float | None,
    neuropil: float,
    trace: str | None,
    series: str | None,
    unusable: str,
    classes: Sequence[str] | None,
) -> Recordings:
    """Reads all traces of a file, or of all files of a folder and below.

    Args:
        path: of the file or folder.
        labels: a table beside, see `readers.labels`; None where the files say all.
        labelled: whether files have to say the label of each cell; not where `labels` is a table beside.
        join: "cell_id" makes one cell of recordings with the same id, in the order of the files; None refuses them.
        rejected: "drop" leaves out ROIs that are flagged as no cells, with a note; "keep" takes them.
        frame_rate: Hz, in place of what files say; None for what they say.
        neuropil: factor of suite2p's neuropil, which is subtracted; 0 for none.
        trace: of CaImAn: F_dff, C or C+YrA; None for F_dff.
        series: of NWB: name of the RoiResponseSeries, as in `datasets.nwb_ophys`; None for the only one of dF/F.
        unusable: "drop" leaves out cells and files that cannot be used, with a note; or "error".
        classes: labels that may occur, in the order of the probabilities; None for those that do.

    Raises:
        UserError: when the path is missing, nothing in it can be used, or labels do not fit.
    """
    check_choice("dataset.rejected", rejected, ("drop", "keep"))
    check_choice("dataset.unusable", unusable, ("drop", "error"))
    check_choice("dataset.join", join or "cell_id", ("cell_id",))
    if not 0 <= neuropil <= 2:
        raise UserError(f"dataset.neuropil={neuropil} is out of range, expected a factor of 0 to 2")
    if frame_rate is not None and not 0 < frame_rate < float("inf"):
        raise UserError(f"dataset.frame_rate={frame_rate} is out of range, expected a number of Hz above 0, or null")
    path = Path(path).expanduser()
    labels = None if labels is None else Path(labels).expanduser()
    how = How(rejected == "keep", frame_rate, neuropil, trace, series, labelled and labels is None)
    found = read(path, how, labels if labels is not None and labels.exists() else None)
    cells, faults = found.recordings, found.faults
    if faults and (unusable == "error" or not cells):
        raise_faults(str(path), grouped(faults))
    said = found.said(how.keep_rejected)
    if not cells and found.rejected:
        raise UserError(f"{path}: no cell is left: {said[-1]}")
    notes = [*said, *how.unasked(found.asked)]
    if frame_rate is not None:
        notes.append(f"all rates are {frame_rate:g} Hz by dataset.frame_rate, whatever the files say")
    if labels is not None:
        cells, said = with_labels(cells, labels, found.counted)
        notes += said
    cells, said = _one_each(cells, join)
    longest = [(cell.sampling_rate, max(cell.segments, key=len)) for cell in cells if cell.segments]
    said += [*too_fast.notes(longest), *shared.notes(cells), *dated.notes(cells, "animal"), *no_cells.notes(cells)]
    about = About(f"traces {path.absolute().name}", notes=tuple(notes + said), group="animal")
    return Recordings(cells, about, tuple(classes) if classes else None, tuple(faults))


def _one_each(cells: list[Recording], join: str | None) -> tuple[list[Recording], list[str]]:
    """Joins recordings of one cell, or refuses them with what to type."""
    by_id = defaultdict(list)
    for cell in cells:
        by_id[cell.cell_id].append(cell)
    several = {name: parts for name, parts in by_id.items() if len(parts) > 1 and name}
    if not several:
        return cells, []
    if join is None:
        alike = defaultdict(list)  # of many, as a file that was copied has them, one line
        for name, parts in several.items():
            alike[f"{len(parts)} times ({', '.join(few(sorted({p.file for p in parts})))})"].append(name)
        raise_faults(
            "dataset.path",
            [f"cell {names[0]} {f'and {len(names) - 1} more occur' if names[1:] else 'occurs'} {what}; make the ids "
             "unique, or set dataset.join=cell_id if they are one cell" for what, names in alike.items()],
        )  # fmt: skip
    one, twice = [], []
    for name, parts in by_id.items():
        if name not in several:
            one += parts
            continue
        whole, apart = joined(parts), without_copies(parts)
        if len(apart) < len(parts):
            whole = replace(joined(apart), label=whole.label, group=whole.group, source=whole.source)
            twice.append(f"{name} ({', '.join(few(part.file for part in parts))})")
        one.append(whole)
    count = sum(map(len, several.values()))
    notes = [f"{len(several)} cells are joined of {count} recordings (dataset.join=cell_id)"]
    if twice:
        notes.append(f"of {len(twice)} cells several recordings hold the same values, of which one is taken: "
                     f"{'; '.join(few(twice))}")  # fmt: skip
    return one, notes
