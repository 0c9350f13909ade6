"""Loops over spikes, compiled by numba."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function at its first call: the one that was written, without checks of its annotations about it."""
    return njit(inspect.unwrap(function))
