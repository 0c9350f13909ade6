"""Which channel or electrode of a file is meant, by name or by place; several cells may share a file."""

from __future__ import annotations

from collections.abc import Mapping

from celltype_cli.core.messages import UserError, few, nearest

EVERY = "all"  # value of `dataset.channel` that makes a cell of each

WITHOUT = "dataset.channel was passed over: a file of this format holds one cell"


def chosen_channel(path: object, names: Mapping[int, str], channel: str | None, what: str) -> int | None:
    """Returns the number of the channel that is meant: by its name in any case, by its number, or the only one.

    Args:
        names: of the channels that may be meant, by their number in the file.
        channel: what was asked for; None for the only one.
        what: they are: "electrodes in current clamp".

    Returns:
        None where there is no channel, and none was asked for.

    Raises:
        UserError: when it is not there, or several are and none is asked for.
    """
    listed = ", ".join(few(f"{number}: {name}" for number, name in names.items()))
    if channel is None:
        if len(names) < 2:
            return next(iter(names), None)
        first = quoted(next(iter(names.values())))
        raise UserError(
            f"{path}: has {len(names)} {what} ({listed}); dataset.channel={first} takes one of them, "
            f"dataset.channel={EVERY} makes a cell of each, and so does a column channel in dataset.labels"
        )
    for number, name in names.items():
        if name.casefold() == channel.casefold():
            return number
    if channel.isdigit() and int(channel) in names:
        return int(channel)
    raise UserError(
        f"{path}: dataset.channel={channel} is none of its {what}: {listed or 'it has none'}"
        f"{nearest(channel, names.values())}"
    )


def quoted(name: str) -> str:
    """Returns a name as it is typed on the command line."""
    return name if name.replace("_", "").isalnum() else f"'\"{name}\"'"
