"""What people see on the terminal: lines, bars and tables, all on one console."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

console = Console(highlight=False)
Item = TypeVar("Item")


def say(text: str = "") -> None:
    """Prints a line as it is: paths and commands are not wrapped, so that they can be copied."""
    console.print(text, soft_wrap=True, markup=False)


def say_pairs(pairs: Mapping[str, Any]) -> None:
    """Prints, after an empty line, each name and what belongs to it, such as the files that were written."""
    width = max(map(len, pairs))
    say()
    for name, what in pairs.items():
        say(f"{name:<{width}}  {what}")


def say_table(columns: Iterable[Any], rows: Iterable[Iterable[Any]]) -> None:
    """Prints a table; in a narrow terminal entries are folded, not cut."""
    table = Table(box=None)
    for column in columns:
        table.add_column(escape(str(column)), overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(entry)) for entry in row))
    console.print(table)


def say_markdown(text: str) -> None:
    """Prints Markdown as people read it; what is no terminal gets tables whole, however wide."""
    from rich.markdown import Markdown

    if console.is_terminal:
        console.print(Markdown(text))
    else:
        widest = max((len(line) for line in text.splitlines() if line.startswith("|")), default=0)
        Console(highlight=False, width=max(widest, console.width)).print(Markdown(text))


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
