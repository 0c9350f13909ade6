"""Finished scalograms of the cells of the STS paper, as its authors share them, brought to the size of a network.

Paper, cells and licence: see `sts_tables`.
Files: cell_<id>.npy [180 frequencies, 4800 times, 2 sweeps], wavelet coefficients of the responses at rheobase and at
    rheobase + 40 pA, as they are; presumably 20 to 199 Hz in this order, at 4 kHz from 0.1 s before the step, as in
    `celltype_cli.patch_clamp.scalograms`. Kaggle data set smiliesatpolito/STS-data, folders PatchClampGouwens_CWT and
    PatchSeqGouwens_CWT; read at any depth below the folder that holds the labels.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from celltype_cli.cells.about import About
from celltype_cli.cells.cells import Cells
from celltype_cli.core.cache import BROKEN_NPZ
from celltype_cli.core.files import find_files
from celltype_cli.core.messages import UserError, few
from celltype_cli.core.ranges import Pixels
from celltype_cli.patch_clamp import scalograms
from celltype_cli.patch_clamp.datasets import sts_tables
from celltype_cli.patch_clamp.prepare import scalogram_input
from celltype_cli.patch_clamp.recording import CLASSES
from celltype_cli.patch_clamp.scalogram_cache import kept

SHAPE = (180, 4800, 2)
NAME = re.compile(r"cell_(\d+)\.npy", re.IGNORECASE)


def load(
    *,
    path: str | Path,
    cells: str,
    size: Pixels,
    cache: str | Path,
) -> Cells:
    """Reads the scalograms of all cells, as images [row, 2, frequency, time] mapped into memory.

    Args:
        path: the folder that holds Split and `sts_tables.LABELS`, and the files at any depth.
        cells: "listed": those of the published lists; "labelled": others that have a label as well.
        size: of the images, rows and columns.
        cache: folder for the resized images.

    Raises:
        UserError: when there is no usable file, one cell has several, or the lists and labels cannot be read.
    """
    folder = sts_tables.folder(path)
    file_of, broken = _usable(folder)
    chosen = sts_tables.choose(folder, dict.fromkeys(file_of, ""), cells, "the folder")
    files = [file_of[cell] for cell in chosen.cell_id]
    images = _resized(files, tuple(map(int, size)), Path(cache).expanduser())
    finite = np.array([np.isfinite(image).all() and image.any() for image in images])
    broken += [f"{files[row].name} has values that are not finite, or zeros only" for row in np.flatnonzero(~finite)]
    if not finite.any():
        raise UserError("\n  ".join([f"dataset.path={path}: no file can be used:", *few(broken)]))
    notes = [*chosen.notes, *([f"{len(broken)} files left out: {'; '.join(few(broken))}"] if broken else [])]
    return Cells(
        inputs={"scalogram": images if finite.all() else images[finite]},  # the choice of rows is a copy in memory
        label=chosen.label[finite],
        cell_id=np.array(chosen.cell_id)[finite],
        group=chosen.group[finite],
        source=chosen.source[finite],
        classes=CLASSES,
        about=About(
            name="sts_scalograms",
            citation=sts_tables.CITATION,
            notes=tuple(notes),
            group="donor",
            inputs={"scalogram": scalogram_input(SHAPE[1], size)},
        ),
    )


def _usable(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Returns the file of each cell that is whole and of the right shape, and what is wrong with each other file."""
    found, broken = {}, []
    files, _ = find_files(folder, [".npy"], named="cell_*.npy")
    for file in files:
        if not (match := NAME.fullmatch(file.name)):
            broken.append(f"{file.name} names no cell, expected cell_<id>.npy")
        elif fault := _fault(file):
            broken.append(f"{file.name} {fault}")
        elif match[1] in found:
            raise UserError(f"{file} and {found[match[1]]} are of one cell: remove one of them")
        else:
            found[match[1]] = file
    if not found:
        raise UserError("\n  ".join([f"dataset.path={folder} holds no file cell_<id>.npy to use", *few(broken)]))
    return found, broken


def _fault(file: Path) -> str:
    try:
        image = np.load(file, mmap_mode="r", allow_pickle=False)
    except BROKEN_NPZ as error:
        return f"cannot be read, it is cut off or no npy file ({str(error)[:200]})"
    if not isinstance(image, np.ndarray):
        return "is an npz file, expected one array"
    if image.shape != SHAPE or image.dtype.kind != "f":
        return f"holds {image.dtype} of shape {image.shape}, expected decimal numbers of shape {SHAPE}"
    return ""


def _resized(
    files: Sequence[Path], size: tuple[int, int], cache: Path
) -> Float32[np.ndarray, "row sweep frequency column"]:
    """Returns the resized images, read-only and memory-mapped, from the cache or made now.

    The name in the cache is a hash of names, sizes and times of change of the files, because their content is about
    7 MB a cell, and of the code that resizes.
    """
    status = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    digest = hashlib.blake2b(json.dumps([status, size]).encode(), digest_size=12)
    digest.update(Path(scalograms.__file__).read_bytes())
    target = cache / f"sts-scalograms-{digest.hexdigest()}.npy"
    shape = (len(files), SHAPE[2], *size)
    return kept(target, shape, (_image(file, size) for file in files))


def _image(file: Path, size: tuple[int, int]) -> Float32[np.ndarray, "sweep frequency column"]:
    coefficients = np.load(file, allow_pickle=False)
    return scalograms.resize(np.moveaxis(coefficients, -1, 0).astype(np.float32), size)
