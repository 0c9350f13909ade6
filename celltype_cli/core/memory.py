"""How much memory there is, so that what a file only claims to hold is refused before it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil

from celltype_cli.core.messages import UserError

LITTLE = 5e7  # bytes
ROOT = Path("/")
# Of control groups, version 2 and 1: where they lie, files of the limit and of what is taken, and what of that are
# pages of files, which Linux takes back as it needs.
GROUPS = (
    ("", "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("memory", "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def available() -> int:
    """Returns the bytes that this process may still take: what the machine has left, or a limit set for it or for its
    container."""
    free = min([psutil.virtual_memory().available, *_left_to_groups(ROOT)])
    try:
        import resource
    except ImportError:  # not on Windows
        return free
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return free if limit == resource.RLIM_INFINITY else max(0, min(free, limit - psutil.Process().memory_info().vms))


def _left_to_groups(root: Path) -> Iterator[int]:
    """Yields the bytes left to each control group of this process that has a limit, and to those above it."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not on Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller, place, *files in GROUPS:
            if controller not in controllers.split(","):
                continue
            inside = Path(path.lstrip("/"))
            for folder in (inside, *inside.parents):  # a container sees itself as the topmost
                yield from _left(root / place / folder, *files)


def _left(folder: Path, limit: str, taken: str, reclaimable: str) -> Iterator[int]:
    try:
        most = (folder / limit).read_text().strip()
        if most == "max":
            return
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        yield max(0, int(most) - int((folder / taken).read_text()) + int(stat.get(reclaimable, 0)))
    except (OSError, ValueError):  # the topmost group has no such files
        return


def check_room(size: float, what: str) -> None:
    """Raises a UserError when something needs more bytes than there are, where that is not little (50 MB).

    Args:
        what: needs them: "cell c1 (x.h5): its 200000000 samples".
    """
    if size > LITTLE and size > (free := available()):
        raise UserError(f"{what} need {size / 1e9:.3g} GB of memory, and {free / 1e9:.3g} GB are free")
