"""NWB 1: the Allen Cell Types Database, as allensdk's CellTypesCache stores it (specimen_<id>/ephys.nwb).

The number in their names says which stimulus and response belong together; a response in amperes is of voltage clamp.
Sweeps that failed quality control are known from ephys_sweeps.json beside the file.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.readers.nwb_series import BROKEN, LeftOut, groups, matched, unit_of
from celltype_cli.patch_clamp.readers.units import TO_MV, TO_PA
from celltype_cli.patch_clamp.recording import Remark

VOLTAGE_CLAMP, FAILED = "voltage clamp", "failed quality control"


def sweeps(file: h5py.File, beside: Path) -> Iterator[tuple | str | Remark]:
    """Yields as `nwb.stored` does; `beside` is ephys_sweeps.json."""
    failed = _failed(beside)
    responses, stimuli = defaultdict(list), defaultdict(list)
    for name, response in groups(file, "acquisition/timeseries"):
        number = int(re.search(r"\d+|$", name)[0] or -1)
        if _unit(response) in TO_PA:
            yield VOLTAGE_CLAMP
        elif number in failed:
            yield FAILED
        else:
            responses[number].append(response)
    for name, stimulus in groups(file, "stimulus/presentation"):
        number = int(re.search(r"\d+|$", name)[0] or -1)
        if _unit(stimulus) not in TO_MV and number not in failed:
            stimuli[number].append(stimulus)
    yield from matched(responses, stimuli, scaled=_is_scaled(file))


def _unit(series: h5py.Group) -> str:
    """Returns the unit of a series of NWB 1, "" where it cannot be read."""
    try:
        return unit_of(series)
    except (*BROKEN, LeftOut):
        return ""


def _is_scaled(file: h5py.File) -> bool:
    """Tells whether `conversion` is to be applied: files up to pipeline version 1.0 hold SI units and wrong factors.

    From allensdk, `NwbDataSet.get_sweep`.
    """
    notes = np.ravel(file["general/generated_by"][()]) if "general/generated_by" in file else []
    notes = [note.decode() if isinstance(note, bytes) else str(note) for note in notes]
    version = notes[notes.index("version") + 1] if "version" in notes[:-1] else "0.0"
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2]) > (1, 0)


def _failed(path: Path) -> set[int]:
    """Returns the numbers of the sweeps that did not pass quality control, as far as the file beside says so."""
    if not path.is_file():
        return set()
    try:
        sweeps = json.loads(path.read_text(encoding="utf-8"))
        return {int(s["sweep_number"]) for s in sweeps if str(s.get("workflow_state")).endswith("_failed")}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
        raise UserError(
            f"{path}: is no list of sweeps as allensdk writes it ({error}); delete it, or fetch it again"
        ) from error
