"""What a dataset wants downloaded: whole files, one at a time, so that a stopped download goes on at the next file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from celltype_cli.core.files import replacing
from celltype_cli.core.messages import UserError


@dataclass(frozen=True)
class Part:
    """One file to download.

    Attributes:
        name: for people.
        file: where it goes.
        get: downloads it to a path.
        intact: says whether the file at a path is whole.
    """

    name: str
    file: Path
    get: Callable[[Path], object]
    intact: Callable[[Path], bool]

    def download(self, watch: Callable[[Path], object]) -> None:
        """Downloads beside the file and puts it in its place when it is whole; `watch` is told the path meanwhile.

        Raises:
            UserError: when what arrived is not whole.
        """
        for left in self.file.parent.glob(f".{self.file.stem}-*{self.file.suffix}"):  # by a killed process
            left.unlink()
        with replacing(self.file) as temporary:
            watch(temporary)
            self.get(temporary)
            if not self.intact(temporary):
                raise UserError(f"{self.name}: what arrived is no whole file")


@dataclass(frozen=True)
class Plan:
    """All files of a dataset that are wanted.

    Attributes:
        folder: where they go.
        parts: the files, those that are there too.
        typical_size: bytes of one file, as an estimate.
        basis: where the estimate comes from.
    """

    folder: Path
    parts: tuple[Part, ...]
    typical_size: float
    basis: str

    def missing(self) -> tuple[list[Part], int]:
        """Returns the parts that are not there or not whole, and how many of them are there but not whole."""
        broken = [part for part in self.parts if part.file.exists() and not part.intact(part.file)]
        return [part for part in self.parts if part in broken or not part.file.exists()], len(broken)

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


def sized(folder: Path, parts: Sequence[Part], sizes: Sequence[float], basis: str) -> Plan:
    """Plans files whose sizes are known: as many times `typical_size` as files are missing is what is missing.

    Args:
        sizes: bytes of each file.
    """
    plan = Plan(folder, tuple(parts), 0.0, basis)
    missing = {part.file for part in plan.missing()[0]}
    to_come = [size for part, size in zip(parts, sizes, strict=True) if part.file in missing]
    return replace(plan, typical_size=sum(to_come) / max(len(to_come), 1))


def command(path: Path, dataset: str = "allen_visual_coding") -> str:
    return f"celltype fetch dataset={dataset} dataset.path={path}"
