"""Keeps large blocks of memory in the process, which makes training on a CPU faster with glibc."""

from __future__ import annotations

import ctypes
import functools
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # names and numbers of glibc's malloc.h


@functools.cache
def keep_large_blocks() -> None:
    """Stops glibc from returning freed activations to the kernel, which would map them anew in every step.

    It does nothing where the C library is not glibc. `python benchmarks/training.py` measures the effect.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
