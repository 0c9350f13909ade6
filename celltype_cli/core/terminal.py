"""What people see on the terminal: lines, bars and tables, all on one console."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console = Console(highlight=False)
Item = TypeVar("Item")


def say(text: str = "") -> None:
    """Prints a line as it is: paths and commands are not wrapped, so that they can be copied."""
    console.print(text, soft_wrap=True, markup=False)


def bar() -> Progress:
    """Returns a bar with counts, a field `numbers` and times, which vanishes at its end; none without a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[numbers]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def track(items: Iterable[Item], words: str, total: int) -> Iterator[Item]:
    """Passes the items on while a bar shows how far it is."""
    with bar() as shown:
        task = shown.add_task(words, total=total, numbers="")
        for item in items:
            yield item
            shown.advance(task)
