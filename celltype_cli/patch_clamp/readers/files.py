"""Current-clamp recordings from files: NWB 1, NWB 2, ABF, Igor waves and npz; a file, or a channel of it, is one cell.

The content of a file says what it is, not its name. The readers of the formats yield what is stored, in mV and pA;
`recorded` cuts off the padding after the end of a recording, and counts what cannot be used. NWB and ABF files are read
in a process of their own, since damaged ones can hang or crash HDF5 and pyabf.

npz, numpy arrays without pickled objects:
    voltage        [sweep, time] mV; shorter sweeps are filled up with NaN
    current        [sweep, time] pA
    sampling_rate  Hz, one number
    number         [sweep], the sweeps' numbers (optional; else from 0)
ibw, Igor binary waves: `readers.igor` describes their names; those of one cell are one recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path

from celltype_cli.core.files import find_files, why_unreadable
from celltype_cli.core.isolated import isolated
from celltype_cli.core.messages import UserError, nearest_file
from celltype_cli.patch_clamp.readers.channels import EVERY, WITHOUT
from celltype_cli.patch_clamp.readers.igor import first_of_cell, waves_of
from celltype_cli.patch_clamp.readers.names import SPECIMEN, SUFFIXES, instead, name_of, tails
from celltype_cli.patch_clamp.readers.recorded import Stored, recording_of
from celltype_cli.patch_clamp.recording import Entry, Recording, Remark

FIRST = 5  # files of a folder that tell what it holds
BESIDE = "ephys_sweeps.json"  # is read with the NWB 1 file beside it
HDF5 = b"\x89HDF\r\n\x1a\n"
ABF = (b"ABF ", b"ABF2")
IGOR = (b"\x02\x00", b"\x00\x02", b"\x05\x00", b"\x00\x05")  # versions 2 and 5, in either order of bytes


def read(path: str | Path, channel: str | None = None) -> Recording:
    """Reads all current-clamp sweeps of a file, or of one channel of it; sweeps that cannot be used are left out.

    Args:
        channel: name or place of the channel (ABF) or electrode (NWB 2) that is the cell; None for the only one.

    Raises:
        UserError: when the file is broken, in another format or in other units, holds no current-clamp sweep, or
            several channels of which none is named.
    """
    path = Path(path).expanduser()
    first = _first_bytes(path)
    if first[:4] in ABF:
        _check_pyabf(path)
    return isolated(_read, path, channel) if first == HDF5 or first[:4] in ABF else _read(path, channel)


def holds(path: Path) -> bool:
    """Says whether a file, or one of the first of a folder, holds current-clamp sweeps."""
    for found in find(path, EVERY)[0][:FIRST]:
        with suppress(UserError):
            return bool(found.read().sweeps)
    return False


def channels(path: Path) -> list[str]:
    """Returns the names of the channels or electrodes of a file that may each be a cell; none where it holds one only.

    Raises:
        UserError: when the file cannot be read.
    """
    first = _first_bytes(path)
    if first == HDF5:
        from celltype_cli.patch_clamp.readers import nwb

        found = isolated(nwb.channels, path)
    elif first[:4] in ABF:
        from celltype_cli.patch_clamp.readers import abf

        _check_pyabf(path)
        found = isolated(abf.channels, path)
    else:
        found = []
    return found if len(found) > 1 else []


def find(
    path: str | Path, channel: str | None = None, asked: Mapping[str, Sequence[str]] | None = None
) -> tuple[list[Entry], list[str]]:
    """Names the recording of each file of a folder and below, or of one file, unread and without label.

    Args:
        channel: of all files, as in `read`; "all" makes a cell of each channel, named file/channel.
        asked: channels of single files, by what the cell of such a file goes by, with or without its folders; each is a
            cell, named file/channel.

    Returns:
        the recordings, and lines that say which files were passed over, and that cells of one file are one group.

    Raises:
        UserError: when there is no such file.
    """
    path = Path(path).expanduser()
    try:
        files, notes = ([path], []) if path.is_file() else find_files(path, (*SUFFIXES, BESIDE))
    except UserError as error:
        beside = path.iterdir() if path.is_dir() else ()
        raise UserError(f"{error}{next(filter(None, map(instead, sorted(beside))), '')}") from error
    found = []
    for file in first_of_cell([file for file in files if file.name != BESIDE]):
        name = file.name if file == path else file.relative_to(path).as_posix()
        wanted = next((asked[known] for known in tails(name_of(name)) if known in asked), ()) if asked else ()
        if not wanted and channel == EVERY:
            wanted = _channels_if_readable(file)
        cell = name_of(name)  # cells of one file are of one slice
        found += [entry(file, name, one, cell_id=f"{cell}/{one}", group=cell) for one in wanted]
        if not wanted:
            found.append(entry(file, name, None if channel == EVERY else channel))
    if shared := sum(bool(one.group) for one in found):
        notes = [
            *notes,
            f"{shared} cells are channels of files; those of one file count as one donor unless labels say",
        ]
    return found, notes


def _channels_if_readable(file: Path) -> list[str]:
    """A file that cannot be read says why when it is measured, and stops no other."""
    try:
        return channels(file)
    except UserError:
        return []


def entry(file: Path, name: str, channel: str | None = None, **known: str) -> Entry:
    """Names the recording of a file.

    Args:
        name: of the file, for messages; the cell goes by it as in `name_of`, unless `known` has a cell_id.
        channel: as in `read`.
        known: cell_id, label, group and source, as far as they are known.
    """
    specimen = SPECIMEN.search(file.absolute().as_posix())  # `name` may lack the folder that says it
    files = [place for place in (*waves_of(file), file.with_name(BESIDE)) if place.is_file()]
    made_of = [(str(place.resolve()), place.stat().st_size, place.stat().st_mtime_ns) for place in files]
    cell_id = specimen[1] if specimen else name_of(name)
    read_it = partial(read, file, channel)
    return Entry(**({"cell_id": cell_id} | known), file=name, read=read_it, made_of=[channel, made_of])


def _read(path: Path, channel: str | None) -> Recording:
    return recording_of(path, _stored(path, channel))


def _stored(path: Path, channel: str | None) -> Iterable[Stored]:
    first = _first_bytes(path)
    if first == HDF5:
        from celltype_cli.patch_clamp.readers import nwb

        return nwb.stored(path, channel)
    if first[:4] in ABF:
        from celltype_cli.patch_clamp.readers import abf

        return abf.stored(path, channel)
    one_cell = [Remark(WITHOUT)] if channel else []
    if first[:2] == b"PK":
        from celltype_cli.patch_clamp.readers import npz

        return chain(one_cell, npz.stored(path))
    if first[:2] in IGOR and path.suffix.lower() == ".ibw":
        from celltype_cli.patch_clamp.readers import igor

        return chain(one_cell, igor.stored(path))
    other = (
        f"is no NWB, ABF, npz or ibw file by its content (first bytes: {first!r}){instead(path) or '; is it complete?'}"
    )
    raise UserError(f"{path}: {why_unreadable(path) or other}")


def _check_pyabf(path: Path) -> None:
    """Raises a UserError where it is missing, from an ImportError: what another process raises has no cause."""
    try:
        import pyabf  # noqa: F401
    except ImportError as error:
        raise UserError(f"{path}: pyabf is missing ({error}): pip install 'celltype[abf]'") from error


def _first_bytes(path: Path) -> bytes:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is no file to read" if path.exists() else "does not exist"
        raise UserError(f"{path}: {what}; expected a file{nearest_file(path)}")
    try:
        with path.open("rb") as file:
            return file.read(len(HDF5))
    except OSError as error:
        away = f"cannot be read ({error.strerror}); is the drive connected?"
        raise UserError(f"{path}: {why_unreadable(path, error) or away}") from error
