"""The spikes of a Kilosort or Phy folder: what does not fit is refused, what is no spike of a unit left out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from celltype_cli.core.arrays import read_array
from celltype_cli.core.messages import UserError, raise_faults

SPIKES, CLUSTERS, TEMPLATES, AMPLITUDES = (
    "spike_times.npy", "spike_clusters.npy", "spike_templates.npy", "amplitudes.npy",
)  # fmt: skip
NO_CLUSTER = 2**32 - 1  # -1 as an unsigned number


@dataclass(frozen=True)
class Spikes:
    """Of each spike, in the order of time: s, its cluster, its template, and how large it is."""

    times: Float[np.ndarray, " spike"]
    cluster: Int[np.ndarray, " spike"]
    template: Int[np.ndarray, " spike"]
    amplitude: Float32[np.ndarray, " spike"] | None


def read_spikes(folder: Path, name: str, rate: float, notes: list[str]) -> Spikes:
    """Reads the spikes that lie within the recording and are of a cluster.

    Args:
        name: of the folder, in notes.
        rate: of the recording, Hz.
        notes: to which is added what was left out, sorted or assumed.

    Raises:
        UserError: when a file is missing or broken, or does not hold a number for each spike.
    """
    arrays = _arrays(folder, name, notes)
    ticks, cluster = arrays[SPIKES].astype(np.int64), arrays[CLUSTERS].astype(np.int64)
    kept = _in_order(ticks, name, notes)
    none = (cluster < 0) | (cluster == NO_CLUSTER)
    if lost := int(none[kept].sum()):
        notes.append(f"{name}: {lost} spikes are of no cluster (-1), and left out")
        kept = kept[~none[kept]]
    template, amplitude = arrays.get(TEMPLATES, cluster), _amplitudes(arrays.get(AMPLITUDES), name, notes)
    return Spikes(
        ticks[kept] / rate,
        cluster[kept],
        template.astype(np.int64)[kept],
        None if amplitude is None else amplitude.astype(np.float32)[kept],
    )


def _arrays(folder: Path, name: str, notes: list[str]) -> dict[str, np.ndarray]:
    """Returns the arrays that are there, by file; of clusters, where Phy has written none, the templates."""
    files = {file: file for file in (SPIKES, CLUSTERS)}
    if not (folder / CLUSTERS).is_file():
        files[CLUSTERS] = TEMPLATES
        notes.append(f"{name}: has no {CLUSTERS}, so that clusters are the templates of the sorter")
    if not (folder / files[CLUSTERS]).is_file():
        raise UserError(f"{folder} has neither {CLUSTERS} nor {TEMPLATES}; expected the cluster of each spike")
    files |= {file: file for file in (TEMPLATES, AMPLITUDES) if (folder / file).is_file()}
    arrays = {what: np.asarray(read_array(folder / file)).ravel() for what, file in files.items()}
    n = len(arrays[SPIKES])
    if (held := len(arrays.get(AMPLITUDES, arrays[SPIKES]))) != n:  # they only weigh templates
        notes.append(f"{name}: {AMPLITUDES} holds {held} values of {n} spikes, and is left out")
        del arrays[AMPLITUDES]
    faults = [f"{files[what]} holds {len(array)} values of {n} spikes; expected one each"
              for what, array in arrays.items() if len(array) != n]  # fmt: skip
    seconds = {SPIKES: "; expected samples from the start of the recording: are they seconds?"}
    faults += [f"{files[what]} holds what is no whole number ({array.dtype}){seconds.get(what, '')}"
               for what, array in arrays.items() if what != AMPLITUDES and not _whole(array)]  # fmt: skip
    raise_faults(str(folder), dict.fromkeys(faults))
    return arrays


def _in_order(ticks: Int[np.ndarray, " spike"], name: str, notes: list[str]) -> Int[np.ndarray, " kept"]:
    """Returns the places of the spikes, in samples, that are not before the recording, in the order of time."""
    kept = np.flatnonzero(ticks >= 0)
    if early := len(ticks) - len(kept):
        wrapped = " (samples above 2,147,483,647 do not fit into int32: save int64)" * bool(ticks.min() < -(2**30))
        said = f"{early} of {len(ticks)} spikes are before the recording, at negative times, and left out"
        notes.append(f"{name}: {said}{wrapped}")
    if (np.diff(ticks[kept]) < 0).any():
        notes.append(f"{name}: spikes are out of the order of time, and sorted")
        kept = kept[np.argsort(ticks[kept], kind="stable")]
    return kept


def _amplitudes(amplitude: np.ndarray | None, name: str, notes: list[str]) -> np.ndarray | None:
    """Returns how large each spike is, the median where that is no number; None where nothing says it."""
    known: Bool[np.ndarray, " spike"] = np.isfinite(amplitude) if amplitude is not None else np.empty(0, bool)
    if amplitude is None or known.all():
        return amplitude
    lost = int((~known).sum())
    notes.append(f"{name}: the amplitudes of {lost} spikes are no numbers; their waveforms count as usual ones")
    return np.where(known, amplitude, np.median(amplitude[known])) if known.any() else None


def _whole(array: np.ndarray) -> bool:
    return array.dtype.kind in "iu" or bool((np.isfinite(array) & (array == np.floor(array))).all())
