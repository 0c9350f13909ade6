"""Checksums of the files of a bundle, in the format of sha256sum."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from celltype_cli.core.files import OF_THE_SYSTEM, digest
from celltype_cli.core.messages import UserError, few

SUMS = "checksums.txt"
# What a bundle is made of: nothing else belongs there, no pickle for instance, whatever its checksums say.
PARTS = re.compile(
    r"bundle\.yaml|card\.md|held_out\.csv|training\.npz|model\.onnx"
    r"|models/[^/]+/(?:model\.json|weights\.safetensors|estimator\.skops)"
)


def write_sums(folder: Path) -> None:
    """Writes the checksums of all files of a folder."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != SUMS)
    lines = [f"{digest(file)}  {file.relative_to(folder).as_posix()}\n" for file in files]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def check_sums(folder: Path) -> None:
    """Raises a UserError that names each file that is missing, changed, not listed, or no part of a bundle."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
        listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except (OSError, ValueError) as error:
        raise UserError(f"{folder / SUMS} cannot be read ({error}): copy the bundle again, whole") from error
    found = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}
    found = {name: file for name, file in found.items() if name != SUMS and not _of_the_system(file)}
    faults = [f"{name} is missing" for name in sorted(listed.keys() - found.keys())]
    faults += [f"{name} is not listed in {SUMS}" for name in sorted(found.keys() - listed.keys())]
    both = sorted(listed.keys() & found.keys())
    faults += [f"{name} {_changed(found[name], listed[name])}" for name in both if digest(found[name]) != listed[name]]
    faults += [f"{name} is no part of a bundle" for name in sorted(found) if not PARTS.fullmatch(name)]
    if faults:
        raise UserError("\n  ".join([f"{folder} is not as it was exported, and is not opened:", *few(faults)]))


def _changed(file: Path, listed: str) -> str:
    """Says that a file was changed, or that a copy as text gave it the line ends of another system."""
    content = file.read_bytes().replace(b"\r\n", b"\n")
    ends = hashlib.sha256(content).hexdigest() == listed
    return "has the line ends of Windows: copy it as it is, not as text" if ends else "was changed"


def _of_the_system(file: Path) -> bool:
    """Says whether a file browser or a disk of the network has put it there."""
    return file.name.startswith(".") or file.name in OF_THE_SYSTEM
