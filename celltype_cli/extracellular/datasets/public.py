"""What the public sources of sorted units share: which of the units of their files are taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from celltype_cli.cells.about import About
from celltype_cli.cells.assemble import Recordings
from celltype_cli.core.messages import UserError, check_choice, raise_faults
from celltype_cli.extracellular.readers.files import read
from celltype_cli.extracellular.readers.found import How


def taken(path: str | Path, how: How, about: About, classes: Sequence[str], unlabelled: str) -> Recordings:
    """Reads files, and takes the units of the classes and those without label.

    Args:
        unlabelled: "keep" or "drop" them.

    Raises:
        UserError: when nothing can be read, or no unit is of the classes.
    """
    check_choice("dataset.unlabelled", unlabelled, ("keep", "drop"))
    path = Path(path).expanduser()
    found = read(path, how)
    if not found.recordings:
        raise_faults(f"dataset.path={path}", found.lost or ["it holds no unit"])
    notes = [*about.notes, *found.notes]
    others = Counter(unit.label for unit in found.recordings if unit.label and unit.label not in classes)
    if others:
        listed = ", ".join(f"{count} {label}" for label, count in sorted(others.items()))
        notes.append(f"units of other types than {', '.join(classes)} are left out: {listed}")
    kept = [unit for unit in found.recordings if unit.label in (classes if unlabelled == "drop" else ("", *classes))]
    if not any(unit.label for unit in kept):
        n = len(found.recordings)
        raise UserError(f"dataset.path={path}: none of its {n} units is labelled {', '.join(classes)}")
    about = About(about.name, citation=about.citation, notes=tuple(notes), group=about.group)
    return Recordings(kept, about, tuple(classes), tuple(found.lost))
