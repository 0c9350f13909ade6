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

from celltype_cli.core.arrays import read_array
from celltype_cli.core.files import find_files
from celltype_cli.core.messages import UserError, raise_faults
from celltype_cli.extracellular.readers.clusters import chosen, table
from celltype_cli.extracellular.readers.found import Found, How
from celltype_cli.extracellular.readers.templates import Templates
from celltype_cli.extracellular.recording import Recording

SPIKES = "spike_times.npy"
LINE = re.compile(r"(?:^|[\r\n])[ \t]*sample_rate[ \t]*=([^#\r\n]*)")
EXPORTED = "cluster_si_unit_ids.tsv"  # of SpikeInterface, whose templates are not whitened
NO_CLUSTER = 2**32 - 1  # -1 as an unsigned number
NEEDED = "sample_rate = 30000., of the recording in Hz; or set dataset.sampling_rate"


@dataclass(frozen=True)
class Folder:
    """A folder that Kilosort or Phy wrote, and its name, which is that of its units: below what was given."""

    folder: Path
    name: str


@dataclass(frozen=True)
class Spikes:
    """Of each spike, in the order of time: s, its cluster, its template, and how large it is."""

    times: np.ndarray
    cluster: np.ndarray
    template: np.ndarray
    amplitude: np.ndarray | None


def is_folder(path: Path) -> bool:
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
    spikes, about = _spikes(of, rate, found.notes), table(of.folder)
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
        waveform = templates.mean(spikes.template[mine], amplitude)
        if not waveform.any() or not np.isfinite(waveform).all():
            found.lost.append(f"{here}: has no waveform, its templates are empty")
            continue
        found.recordings.append(
            Recording(
                here,
                "",
                of.name,
                waveform,
                rate,
                spikes.times[mine],
                end,
                file=f"{of.name}/{SPIKES}",
                amplitudes=amplitude,
                layer=about.layer.get(int(cluster), ""),
            )  # fmt: skip
        )
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


def _spikes(of: Folder, rate: float, notes: list[str]) -> Spikes:
    """Reads the spikes, puts them in the order of time, and drops those before the recording."""
    folder, arrays = of.folder, {}
    clusters = "spike_clusters.npy"
    if not (folder / clusters).is_file():
        clusters = "spike_templates.npy"
        notes.append(f"{of.name}: has no spike_clusters.npy, so that clusters are the templates of the sorter")
    if not (folder / clusters).is_file():
        raise UserError(f"{folder} has neither spike_clusters.npy nor {clusters}; expected the cluster of each spike")
    for name in (SPIKES, clusters, "spike_templates.npy", "amplitudes.npy"):
        if name in (SPIKES, clusters) or (folder / name).is_file():
            arrays[name] = np.asarray(read_array(folder / name)).ravel()
    n = len(arrays[SPIKES])
    faults = [f"{name} holds {len(array)} values of {n} spikes; expected one each" for name, array in arrays.items()
              if len(array) != n]  # fmt: skip
    seconds = {SPIKES: "; expected samples from the start of the recording: are they seconds?"}
    faults += [f"{name} holds what is no whole number ({array.dtype}){seconds.get(name, '')}"
               for name, array in arrays.items() if name != "amplitudes.npy" and not _whole(array)]  # fmt: skip
    raise_faults(str(folder), faults)
    ticks = arrays[SPIKES].astype(np.int64)
    kept = np.flatnonzero(ticks >= 0)
    if len(kept) < n:
        wrapped = " (samples above 2,147,483,647 do not fit into int32: save int64)" * bool(ticks.min() < -(2**30))
        notes.append(
            f"{of.name}: {n - len(kept)} of {n} spikes are before the recording, at negative times, and left "
            f"out{wrapped}"
        )
    if (np.diff(ticks[kept]) < 0).any():
        notes.append(f"{of.name}: spikes are out of the order of time, and sorted")
        kept = kept[np.argsort(ticks[kept], kind="stable")]
    cluster = arrays[clusters].astype(np.int64)
    if lost := int((none := (cluster < 0) | (cluster == NO_CLUSTER))[kept].sum()):
        notes.append(f"{of.name}: {lost} spikes are of no cluster (-1), and left out")
        kept = kept[~none[kept]]
    cluster = cluster[kept]
    amplitude = arrays.get("amplitudes.npy")
    if amplitude is not None and (lost := int((~np.isfinite(amplitude)).sum())):
        notes.append(f"{of.name}: the amplitudes of {lost} spikes are no numbers; their waveforms count as usual ones")
        known = np.isfinite(amplitude)
        amplitude = np.where(known, amplitude, np.median(amplitude[known])) if known.any() else None
    return Spikes(
        ticks[kept] / rate,
        cluster,
        arrays["spike_templates.npy"].astype(np.int64)[kept] if "spike_templates.npy" in arrays else cluster,
        None if amplitude is None else amplitude.astype(np.float32)[kept],
    )


def _whole(array: np.ndarray) -> bool:
    return array.dtype.kind in "iu" or bool((np.isfinite(array) & (array == np.floor(array))).all())
