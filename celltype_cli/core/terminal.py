"""What people see on the terminal: lines, bars and tables, all on one console."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from rich.console import Console
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from celltype_cli.core.messages import printable


class Lines(Console):
    """A console that tells when nobody reads its output any more, where rich ends the program with 1."""

    def on_broken_pipe(self) -> None:
        """Raises the BrokenPipeError again, which `cli.main` ends on quietly."""
        raise  # noqa: PLE0704 - rich calls it while it handles the error


console = Lines(highlight=False)
Item = TypeVar("Item")
WIDEST = 10_000  # columns of a table that is read by no person


def say(text: str = "") -> None:
    """Prints a line as it is: paths and commands are not wrapped, so that they can be copied."""
    console.print(Text(printable(text)), soft_wrap=True)


def say_note(note: str) -> None:
    """Prints a note; a terminal breaks it between words and indents what follows."""
    text = f"note: {note}"
    if console.is_terminal:
        text = textwrap.fill(
            text, console.width, subsequent_indent="      ", break_long_words=False, break_on_hyphens=False
        )
    say(text)


def say_pairs(pairs: Mapping[str, Any]) -> None:
    """Prints, after an empty line, each name and what belongs to it, such as the files that were written."""
    width = max(map(len, pairs))
    say()
    for name, what in pairs.items():
        say(f"{name:<{width}}  {what}")


def say_table(columns: Iterable[Any], rows: Iterable[Iterable[Any]]) -> None:
    """Prints a table; in a narrow terminal entries are folded, not cut, and what is no terminal gets them whole."""
    table = Table(box=None)
    for column in columns:
        table.add_column(Text(printable(column)), overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(entry)) for entry in row))
    if console.is_terminal:
        console.print(table)
    else:
        whole = Measurement.get(console, console.options.update(max_width=WIDEST), table).maximum
        Console(file=console.file, highlight=False, width=max(whole, console.width)).print(table)


def say_markdown(text: str) -> None:
    """Prints Markdown as people read it; what is no terminal gets tables whole, however wide."""
    from rich.markdown import Markdown

    text = printable(text)
    if console.is_terminal:
        console.print(Markdown(text))
    else:
        widest = max((len(line) for line in text.splitlines() if line.startswith("|")), default=0)
        Console(highlight=False, width=max(widest, console.width)).print(Markdown(text))


def bar() -> Progress:
    """Returns a bar with a field `numbers` and the time left, which vanishes at its end; none without a terminal.

    The bar gives way where the terminal is narrow: words, numbers and time stay.
    """
    return Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=6, max_width=30)),
        TextColumn("{task.fields[numbers]}", markup=False, table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
        TextColumn("left", table_column=Column(no_wrap=True)),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def track(items: Iterable[Item], words: str, total: int) -> Iterator[Item]:
    """Passes the items on while a bar shows how far it is."""
    with bar() as shown:
        task = shown.add_task(printable(words), total=total, numbers=f"0/{total}")
        for done, item in enumerate(items, start=1):
            yield item
            shown.update(task, completed=done, numbers=f"{done}/{total}")
