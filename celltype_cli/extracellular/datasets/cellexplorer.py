"""CellExplorer ground truth: units of the forebrain and midbrain of mice and rats, tagged by light or labelled beside.

Paper: Petersen et al. 2021, Neuron 109:3594, doi 10.1016/j.neuron.2021.09.002.
Data: the ground-truth cells of cellexplorer.org, as *.cell_metrics.cellinfo.mat of each session, or gathered in one npz
    file with the arrays waveform_z46, acg_wide_hz, isi_log, label, animal, session and uid.
Licence: BSD-3-Clause, that of CellExplorer's repository.
Used for: telling Pyramidal, PV, SST, VIP and Axo_Axonic units apart.
Beware: laboratory and class are confounded: SST and VIP are of one laboratory (Allen Institute), Axo_Axonic and
    Pyramidal of another. Random splits leak, for an animal gives many units: keep animals together. One recording lists
    a unit twice, which counts once here. Units called Juxta (recorded beside the cell), VGAT and PVVGAT are of no one
    type, and left out. Waveforms of the npz file are finished: 46 samples of 0.03 ms, each with its own scale. Its
    histograms of intervals begin at 1 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.extracellular.datasets import public
from celltype_cli.extracellular.readers.found import How

CITATION = "Petersen et al. 2021, Neuron, doi 10.1016/j.neuron.2021.09.002"


def load(
    *,
    path: str | Path,
    label: Literal["groundTruthClassification", "putativeCellType"] | None,
    unlabelled: Literal["keep", "drop"],
    classes: Sequence[str],
) -> Recordings:
    """Reads the units of a file, or of all files of a folder; animals are the groups.

    Args:
        label: of .mat files, the field that says cell types; None for the first that says any, and for npz.
        unlabelled: "keep" units without label, for pre-training, or "drop" them.
        classes: in the order of the probabilities; units of other types are left out.

    Raises:
        UserError: when nothing can be read, or no unit is of the classes.
    """
    about = About("cellexplorer", citation=CITATION, group="animal")
    return public.taken(path, How(quality="all", label=label), about, classes, unlabelled)
