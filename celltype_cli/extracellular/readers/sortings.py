"""Folders and zarr stores in which SpikeInterface saves sortings and analyzers.

They are read as they lie, without SpikeInterface, since they name classes that it would make, and nothing that a file
names is run here. Of zarr stores arrays of numbers and text are read, so that no pickled object is opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from celltype_cli.core.arrays import read_array, read_arrays
from celltype_cli.core.files import find_files
from celltype_cli.core.messages import UserError

SORTING, OLD, ANALYZER, STORE = "numpysorting_info.json", "npz.json", "spikeinterface_info.json", ".zattrs"
MOST = 100_000  # segments


@dataclass
class Sorted:
    """What is read of a sorting, or of an analyzer.

    Attributes:
        spikes: of each, sample, number of its unit among `ids`, and segment.
        lengths: samples of each segment; None where they are not known.
        properties: of the units, by name.
        templates: [unit, time, channel]; None where there are none.
        amplitudes: of each spike; None where there are none.
    """

    rate: float
    ids: list[str]
    spikes: tuple[np.ndarray, np.ndarray, np.ndarray]
    lengths: list[int] | None = None
    properties: Mapping[str, np.ndarray] = field(default_factory=dict)
    templates: np.ndarray | None = None
    amplitudes: np.ndarray | None = None
    in_uv: bool = False

    def faults(self) -> Iterator[str]:
        """Yields what does not fit together."""
        sample, unit, segment = self.spikes
        n = len(sample)
        if not len(unit) == len(segment) == n:
            yield f"it has {n} spikes, and units and segments of {len(unit)} and {len(segment)}"
        elif n and (unit.min() < 0 or unit.max() >= len(self.ids)):
            yield f"its spikes are of units {unit.min()} to {unit.max()} of {len(self.ids)}"
        elif n and (
            segment.min() < 0 or segment.max() >= MOST or (self.lengths and segment.max() >= len(self.lengths))
        ):
            known = f" of {len(self.lengths)}" if self.lengths else ""
            yield f"its spikes are in segments {segment.min()} to {segment.max()}{known}"
        if self.templates is not None and (self.templates.ndim != 3 or len(self.templates) != len(self.ids)):
            yield f"its templates are of shape {self.templates.shape}; expected ({len(self.ids)}, time, channel)"
        for name, values in self.properties.items():
            if len(values) != len(self.ids):
                yield f"it has {len(values)} values of {name} for {len(self.ids)} units"


def kind(path: Path) -> str:
    """Says what a folder is: "sorting", "analyzer", "zarr", or "" for none of them."""
    if (path / ANALYZER).is_file() and (path / "sorting").is_dir():
        return "analyzer"
    if (path / SORTING).is_file() or (path / OLD).is_file():
        return "sorting"
    if (path / STORE).is_file() and ((path / "spikes").is_dir() or (path / "sorting" / "spikes").is_dir()):
        return "zarr"
    return ""


def folders(path: Path) -> list[Path]:
    """Finds such folders, `path` itself or below."""
    if kind(path):
        return [path]
    places = {store for store in path.rglob("*.zarr") if kind(store)}
    for name in (SORTING, OLD):
        try:
            places |= {file.parent for file in find_files(path, (".json",), named=name)[0]}
        except UserError:  # there is none
            continue
    return sorted({one.parent if kind(one.parent) == "analyzer" else one for one in places if kind(one)})


def load(path: Path) -> Sorted:
    """Reads what is needed of such a folder.

    Raises:
        UserError: when it is broken, or zarr is missing for a store.
    """
    readers = {"analyzer": _analyzer, "sorting": _sorting, "zarr": _store}
    try:
        return readers[kind(path)](path)
    except (KeyError, ValueError, TypeError, OSError, EOFError, IndexError) as error:
        raise UserError(f"{path}: is damaged, or of another version of SpikeInterface ({type(error).__name__}: "
                        f"{str(error)[:100]})") from error  # fmt: skip


def _sorting(path: Path) -> Sorted:
    properties = {file.stem: np.load(file, allow_pickle=False) for file in sorted((path / "properties").glob("*.npy"))}
    if not (path / SORTING).is_file():
        return _old_sorting(path, properties)
    about = _json(path / SORTING)
    spikes = np.load(path / "spikes.npy", mmap_mode="r", allow_pickle=False)
    fields = tuple(np.asarray(spikes[name]) for name in ("sample_index", "unit_index", "segment_index"))
    return Sorted(float(about["sampling_frequency"]), [str(one) for one in about["unit_ids"]], fields, None, properties)


def _old_sorting(path: Path, properties: Mapping[str, np.ndarray]) -> Sorted:
    """Reads the layout that SpikeInterface wrote before 0.99: samples and units of each segment."""
    held, _ = read_arrays(path / "sorting_cached.npz", lambda _: True, "spike trains")
    ids = [str(one) for one in held["unit_ids"]]
    parts = [
        (held[f"spike_indexes_seg{k}"], held[f"spike_labels_seg{k}"]) for k in range(int(held["num_segment"].item()))
    ]
    number = {one: k for k, one in enumerate(ids)}
    unit = [number[str(one)] for _, labels in parts for one in labels]
    segment = np.repeat(np.arange(len(parts)), [len(at) for at, _ in parts])
    spikes = np.concatenate([at for at, _ in parts]), np.array(unit, dtype=np.int64), segment
    return Sorted(float(held["sampling_frequency"].item()), ids, spikes, None, properties)


def _analyzer(path: Path) -> Sorted:
    held, extensions = _sorting(path / "sorting"), path / "extensions"
    for name, key in (("templates/average", "templates"), ("spike_amplitudes/amplitudes", "amplitudes")):
        if (file := extensions / f"{name}.npy").is_file():
            setattr(held, key, read_array(file))
    attributes = path / "recording_info" / "recording_attributes.json"
    held.lengths = _json(attributes).get("num_samples") if attributes.is_file() else None
    held.in_uv = (path / "settings.json").is_file() and bool(_json(path / "settings.json").get("return_in_uV"))
    return held


def _store(path: Path) -> Sorted:
    try:
        import zarr
    except ImportError as error:
        raise UserError(
            f"{path} is a zarr store, and zarr is missing ({error}): pip install 'celltype[sorting]'"
        ) from error
    root = zarr.open_group(store=str(path), mode="r")
    sorting = root.get("sorting", root)
    sample, unit = (np.asarray(sorting[f"spikes/{name}"][:]) for name in ("sample_index", "unit_index"))
    segment = np.zeros(len(sample), dtype=np.int64)
    for k, (first, last) in enumerate(np.asarray(sorting["spikes/segment_slices"][:])):
        segment[first:last] = k
    stored = sorting["properties"].arrays() if "properties" in sorting else ()
    properties = {name: np.asarray(one[:]) for name, one in stored if one.dtype.kind != "O"}
    ids = [str(one) for one in sorting["unit_ids"][:]]
    held = Sorted(float(sorting.attrs["sampling_frequency"]), ids, (sample, unit, segment), None, properties)
    for name, key in (("templates/average", "templates"), ("spike_amplitudes/amplitudes", "amplitudes")):
        if f"extensions/{name}" in root:
            setattr(held, key, np.asarray(root[f"extensions/{name}"][:]))
    held.in_uv = bool(dict(root.attrs).get("settings", {}).get("return_in_uV"))
    return held


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
