"""A Kilosort 2 to 4 or Phy folder: spikes, templates and tables, without the raw recording or metadata of the probe.

params.py is looked up for the line of its sample_rate, never run. Kilosort stores its templates whitened; they are
multiplied by whitening_mat_inv.npy, as phylib does (TemplateModel). The waveform of a cluster is the mean over its
spikes of amplitude times template, so that a cluster merged of several has the share of each. Layout of the files:
Phy's documentation, "Sorting data format" (phy.readthedocs.io).
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from celltype_cli.core.files import find_files
from celltype_cli.core.messages import UserError, few
from celltype_cli.extracellular.readers.clusters import chosen, table
from celltype_cli.extracellular.readers.found import Found, How
from celltype_cli.extracellular.readers.phy_spikes import SPIKES, read_spikes
from celltype_cli.extracellular.readers.templates import Templates
from celltype_cli.extracellular.recording import Recording

LINE = re.compile(r"(?:^|[\r\n])[ \t]*sample_rate[ \t]*=([^#\r\n]*)")
EXPORTED = "cluster_si_unit_ids.tsv"  # of SpikeInterface, whose templates are not whitened
NEEDED = "sample_rate = 30000., of the recording in Hz; or set dataset.sampling_rate"


@dataclass(frozen=True)
class Folder:
    """A folder that Kilosort or Phy wrote, and its name, which is that of its units: below what was given."""

    folder: Path
    name: str


def is_folder(path: Path) -> bool:
    """Says whether Kilosort or Phy wrote a folder."""
    return (path / SPIKES).is_file()


def folders(path: Path) -> list[Folder]:
    """Finds such folders, `path` itself or below."""
    try:
        files = [file for file in find_files(path, (SPIKES,), named=SPIKES)[0] if file.name == SPIKES]
    except UserError:  # there is none
        return []
    below = [file.parent.relative_to(path).as_posix() for file in files]
    return [Folder(file.parent, path.resolve().name if name == "." else name) for file, name in zip(files, below)]


def read(of: Folder, how: How) -> Found:
    """Reads the units of a folder that `how` chooses.

    Raises:
        UserError: when a file is missing, broken or does not fit the others, or no cluster is chosen.
    """
    found = Found()
    if how.label is not None:
        raise UserError(f"{of.folder}: a Phy folder says no cell types, so that dataset.label has no meaning; "
                        "dataset.labels names a table of them")  # fmt: skip
    rate = how.sampling_rate or _rate(of.folder)
    spikes, about = read_spikes(of.folder, of.name, rate, found.notes), table(of.folder)
    found.notes += about.notes
    take = chosen(about, np.unique(spikes.cluster), how, of.folder, found.notes)
    templates = Templates(of.folder)
    if templates.unwhiten is None and not (of.folder / EXPORTED).is_file():
        found.notes.append(f"{of.name}: has no whitening_mat_inv.npy, so that its templates are taken as not whitened")
    order = np.argsort(spikes.cluster, kind="stable")
    first, last = (np.searchsorted(spikes.cluster[order], take, side) for side in ("left", "right"))
    end = float(spikes.times[-1]) if len(spikes.times) else 0.0
    for cluster, a, b in zip(take, first, last):
        here = f"{of.name}/{cluster}"
        mine = order[a:b]
        if not len(mine):
            found.lost.append(f"{here}: has no spikes")
            continue
        amplitude = None if spikes.amplitude is None else spikes.amplitude[mine]
        if none := templates.lacking(spikes.template[mine]):
            held = f"templates.npy holds {len(templates.stored)}"
            found.lost.append(f"{here}: its spikes are of template {', '.join(few(map(str, none)))}; {held}")
            continue
        waveform = templates.mean(spikes.template[mine], amplitude)
        if not waveform.any() or not np.isfinite(waveform).all():
            found.lost.append(f"{here}: has no waveform, its templates are empty")
            continue
        found.recordings.append(
            Recording(
                cell_id=here, label="", group=of.name, waveform=waveform, waveform_rate=rate, spikes=spikes.times[mine],
                duration=end, file=f"{of.name}/{SPIKES}", amplitudes=amplitude,
                layer=about.layer.get(int(cluster), ""),
            )
        )  # fmt: skip
    found.notes.append(f"{of.name}: waveforms are of the sorter's templates; the recording is taken to end with the "
                       f"last spike ({end:.0f} s)")  # fmt: skip
    return found


def _rate(folder: Path) -> float:
    """Returns sample_rate of params.py, Hz, the last one that is not commented out: nothing of it is run."""
    file = folder / "params.py"
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no params.py, which says the sampling rate; write one: {NEEDED}") from error
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error}); expected a line {NEEDED}") from error
    # By its lines, as paths of Windows beside it ('C:\\Users') may be no Python, and letters in any encoding.
    found = LINE.findall(content.decode("utf-8-sig", errors="replace"))
    try:
        rate = float(ast.literal_eval(found[-1].strip())) if found else np.nan
    except (ValueError, TypeError, SyntaxError):
        rate = np.nan
    if not 0 < rate < np.inf:
        what = f"sample_rate = {found[-1].strip()[:40]}" if found else "no sample_rate"
        raise UserError(f"{file} holds {what}; expected a line {NEEDED}")
    return rate
