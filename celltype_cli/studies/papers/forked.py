"""Shares work between this process and a copy of it, where that is safe: planning and drawing take half the time."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
THREADED = ("torch", "mlflow")  # libraries with threads of their own, which a copy of the process would lack


def shared(
    function: Callable[[Item], Result], items: Sequence[Item], meanwhile: Callable[[], Any] = lambda: None
) -> list[Result]:
    """Returns function(item) of every item, in order; a forked process takes about half of the items.

    What fails in that process, or cannot be sent from it, is computed here, so errors are those of a plain loop.

    Args:
        meanwhile: called here before the first item, when the other process has begun.
    """
    if len(items) < 2 or not _can_fork():
        meanwhile()
        return [function(item) for item in items]
    context = multiprocessing.get_context("fork")
    next_item = context.Value("i", 0)
    here, there = context.Pipe(duplex=False)

    def taken() -> Iterator[int]:
        while True:
            with next_item.get_lock():
                place, next_item.value = next_item.value, next_item.value + 1
            if place >= len(items):
                return
            yield place

    def work() -> None:
        done = {}
        with suppress(BaseException):  # it is raised again by the process that the user sees
            for place in taken():
                done[place] = function(items[place])
        with suppress(BaseException):
            there.send(done)

    process = context.Process(target=work, daemon=True)
    process.start()
    there.close()
    meanwhile()
    results = {place: function(items[place]) for place in taken()}
    with suppress(EOFError):  # where the copy was killed
        results |= here.recv()
    process.join()
    return [results[place] if place in results else function(item) for place, item in enumerate(items)]


def _can_fork() -> bool:
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    return cores > 1 and threading.active_count() == 1 and not any(name in sys.modules for name in THREADED)
