"""How much memory there is, so that what a file only claims to hold is refused before it is asked for."""

from __future__ import annotations

import psutil

from celltype_cli.core.messages import UserError

LITTLE = 5e7  # bytes


def available() -> int:
    """Returns the bytes that this process may still take: what the machine has left, or a limit set for it."""
    free = psutil.virtual_memory().available
    try:
        import resource
    except ImportError:  # not on Windows
        return free
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return free if limit == resource.RLIM_INFINITY else max(0, min(free, limit - psutil.Process().memory_info().vms))


def check_room(size: float, what: str) -> None:
    """Raises a UserError when something needs more bytes than there are, where that is not little (50 MB).

    Args:
        what: needs them: "cell c1 (x.h5): its 200000000 samples".
    """
    if size > LITTLE and size > (free := available()):
        raise UserError(f"{what} need {size / 1e9:.3g} GB of memory, and {free / 1e9:.3g} GB are free")
