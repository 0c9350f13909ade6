"""What a bundle is asked to label: the user's recordings, read as its kind of recording is, with labels or without."""

from __future__ import annotations

import re
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from celltype_cli.bundles.bundle import Bundle
from celltype_cli.bundles.called import call
from celltype_cli.cells import assemble, own_files
from celltype_cli.cells.assemble import Recordings
from celltype_cli.core.messages import UserError


def recordings_of(bundle: Bundle, path: str | Path | Any, **dataset: Any) -> Recordings:
    """Reads the user's recordings as the bundle's kind has them, without their labels.

    Args:
        path: of a file or folder, or an object that the kind's reader takes in its place.

    Raises:
        UserError: when there is no file, none can be read, or a setting is missing.
    """
    return unlabelled(bundle, with_labels(bundle, path, **dataset))


def unlabelled(bundle: Bundle, recordings: Recordings) -> Recordings:
    """Returns recordings without what is known of their types, to be labelled."""
    entries = [replace(entry, label="") for entry in recordings.entries]
    return replace(recordings, entries=entries, classes=bundle.classes)


def with_labels(bundle: Bundle, path: str | Path | Any, **dataset: Any) -> Recordings:
    """Reads them with the labels that the files say, whatever these are; else as `recordings_of`."""
    try:
        asked = {"path": str(path) if isinstance(path, PathLike) else path, **dataset}
        found = replace(call(bundle.about["source"], **asked), classes=None)
        assemble.check(found)
    except UserError as error:
        said = re.sub(r"(?m)^( *)dataset\.path(?=[= ])", r"\1input", str(error))  # as it was typed
        said = re.sub(r"\bdataset\.labels(?==)", "labels", said) if dataset.get("labels") else said
        raise UserError("\n  ".join([said, *other_kind(bundle, path, said)])) from error
    return found


def other_kind(bundle: Bundle, path: Any, told: str = "") -> list[str]:
    """Returns a line where a path holds recordings of another kind than those that the bundle labels."""
    said = own_files.hint(bundle.about["source"]["_target_"], path, told)
    return [f"{said}: it takes a model that was trained on such"] if said else []
