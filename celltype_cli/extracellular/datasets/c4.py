"""C4 database: units of the cerebellar cortex of mice and macaques, part of them of known type.

Paper: Beau et al. 2025, Cell 188:2218, doi 10.1016/j.cell.2025.01.041.
Data: one HDF5 file for each laboratory (hausser, hull_labelled, hull_unlabelled, lisberger, medina_unlabelled), at the
    addresses that c4-database.com names; some are behind a password of the authors, so that nothing is fetched here.
    celltype_cli/extracellular/readers/c4.py describes the layout.
Licence: none was found in the files' descriptions; ask the authors before you pass on data, or models made of them.
Used for: telling PkC_ss, PkC_cs, MLI, MFB and GoC apart. 202 ground-truth units were used (69, 58, 27, 30 and 18), all
    that were tagged by light or drugs and passed quality control, and 3,090 without label for pre-training.
Beware: labels of macaques are those of experts (dataset.label=expert_label), whose criteria a model learns. Granule
    cells were left out in the paper. Simple and complex spikes of one Purkinje cell are two units of one recording:
    keep recordings together. Laboratories differ in probes and species; which types they hold differs as well. Spikes
    during stimulation are left out; those in badly isolated stretches are left out by prepare.quality=c4.
Read here: files written in the layout, not the originals, which could not be reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.extracellular.datasets import public
from celltype_cli.extracellular.readers.found import How

CITATION = "Beau et al. 2025, Cell, doi 10.1016/j.cell.2025.01.041"


def load(
    *,
    path: str | Path,
    label: Literal["ground_truth_label", "expert_label"] | None,
    unlabelled: Literal["keep", "drop"],
    classes: Sequence[str],
) -> Recordings:
    """Reads the units of a file, or of all files of a folder; recordings are the groups, laboratories the sources.

    Args:
        label: the field that says cell types; None for ground truth, and where that is empty the experts' label.
        unlabelled: "keep" units without label, for pre-training, or "drop" them.
        classes: in the order of the probabilities; units of other types are left out.

    Raises:
        UserError: when nothing can be read, or no unit is of the classes.
    """
    about = About("c4", citation=CITATION, group="recording")
    return public.taken(path, How(quality="all", label=label), about, classes, unlabelled)
