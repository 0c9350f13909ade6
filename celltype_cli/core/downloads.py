"""What a dataset wants downloaded: whole files, one at a time, so that a stopped download goes on where it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from celltype_cli.core.messages import UserError


@dataclass(frozen=True)
class Part:
    """One file to download.

    Attributes:
        name: for people.
        file: where it goes.
        size: bytes, as the archive states them or as an estimate.
        get: downloads it to a path; a client that can goes on with what is at that path from a stopped download.
        whole: says whether the file at a path is there and whole.
    """

    name: str
    file: Path
    size: float
    get: Callable[[Path], object]
    whole: Callable[[Path], bool]

    @property
    def half(self) -> Path:
        """Where it grows, beside its place."""
        return self.file.with_name(f".{self.file.name}.half")

    def download(self) -> None:
        """Downloads the file, and puts it in its place when it is whole.

        Raises:
            UserError: when what arrived is not whole.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.get(self.half)
        if not self.whole(self.half):
            raise UserError(f"{self.name}: what arrived is no whole file")
        self.half.replace(self.file)


@dataclass(frozen=True)
class Plan:
    """All files of a dataset that are wanted, those that are there too; `basis` says where their sizes come from."""

    folder: Path
    parts: tuple[Part, ...]
    basis: str

    def missing(self) -> list[Part]:
        """Returns the parts that are not there or not whole."""
        return [part for part in self.parts if not part.whole(part.file)]

    @contextmanager
    def ready(self, size: float) -> Iterator[None]:
        """Holds the folder for this process.

        Raises:
            UserError: when the disk has less room than `size` bytes, or another process downloads to the folder.
        """
        from filelock import FileLock, Timeout

        self.folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder).free
        if size > free:
            raise UserError(
                f"{self.folder} has {free / 1e9:.1f} GB free, about {size / 1e9:.1f} GB are needed; choose "
                "another dataset.path, or less data"
            )
        try:
            with FileLock(self.folder / ".fetch.lock", timeout=0):
                yield
        except Timeout as error:
            raise UserError(f"{self.folder}: another process downloads to this folder; wait for it") from error


def holds(file: Path, names: Sequence[str]) -> bool:
    """Says whether an HDF5 file opens, which a truncated one does not, and holds these groups or datasets."""
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            return all(name in opened for name in names)
    except OSError:
        return False


def command(path: Path, dataset: str) -> str:
    return f"celltype fetch dataset={dataset} dataset.path={path}"
