"""What pClamp's protocol commanded in each sweep of an ABF file: epochs, user lists and stimulus files.

pyabf draws the epochs of a DAC. It leaves out user lists, which replace the level or the duration of one epoch sweep by
sweep, takes the first sweep of a stimulus file for all, and in ABF 1 the level of an epoch for that of holding; this is
put right here. Numbers of the varied parameters and places in the header are those of Axon's ABFHEADR.H; early files
have 10 epochs, later ones 50.
"""

from __future__ import annotations

import re
import struct
import warnings
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np
from jaxtyping import Float

from celltype_cli.core.messages import UserError

EPOCHS, FILE = 1, 2  # where the waveform of a DAC comes from
FIELDS = ((21, 31, "level"), (31, 41, "duration"), (61, 111, "level"), (111, 161, "duration"))
HOLDING_1 = 1394  # bytes: four levels
LISTS_1 = 3360  # bytes: four flags, four parameters, four lists of 256 characters, four flags whether to repeat
# What pyabf 2.3 was seen to raise, or may, on files that are cut off, overwritten or of unknown protocols.
BROKEN = (OSError, ValueError, LookupError, ArithmeticError, AttributeError, NameError, NotImplementedError, TypeError,
          AssertionError, MemoryError, struct.error)  # fmt: skip


class Command:
    """The command of one DAC of an ABF file, in its unit; `notes` says what of the protocol was not as pyabf draws it.

    Raises:
        UserError: when its stimulus file is missing, or a user list varies what cannot be drawn.
    """

    def __init__(self, abf: Any, dac: int, path: Path):
        import pyabf

        self.abf, self.dac, self.path, self.notes = abf, dac, path, []
        abf.holdingCommand = [0.0 if np.isnan(level) else level for level in _holding(abf)]
        source, self.hold = source_of(abf, dac), float(abf.holdingCommand[dac])
        self.table = pyabf.waveform.EpochTable(abf, dac) if source == EPOCHS else None
        self.varied = self._user_list() if source == EPOCHS else None
        self.file = self._stimulus_file(_dacs(abf)) if source == FILE else None

    def of_sweep(self, number: int, samples: int) -> Float[np.ndarray, " time"]:
        """Returns the command of a sweep, as long as the sweep; after its end it holds."""
        if self.file is not None:
            drawn = self.file[min(number, len(self.file) - 1)]
        elif self.table is not None:
            drawn = self._epochs(number)
        else:
            drawn = np.empty(0)
        drawn = np.asarray(drawn[:samples], dtype=np.float64)
        return np.append(drawn, np.full(samples - len(drawn), self.hold))

    def _epochs(self, number: int) -> Float[np.ndarray, " time"]:
        if self.varied is None:
            return self.table.epochWaveformsBySweep[number].getWaveform()
        epoch, field, values = self.varied
        setattr(epoch, field, values[number] if field == "level" else int(values[number]))
        setattr(epoch, f"{field}Delta", 0)
        return self.table.getEpochWaveformsBySweep(self.abf)[number].getWaveform()

    def _user_list(self) -> tuple[Any, str, list[float]] | None:
        """Returns the epoch that a user list varies, what of it, and the value in each sweep."""
        parameter, text, repeat = (_list_1 if self.abf.abfVersion["major"] == 1 else _list_2)(self.abf, self.dac)
        if parameter == 0:
            return None
        values = [float(value) for value in re.findall(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?", text)]
        for first, stop, field in FIELDS:
            epoch = next((e for e in self.table.epochs if e.epochNumber == parameter - first), None)
            if first <= parameter < stop and values and epoch is not None:
                last = len(values) - 1
                places = (k % len(values) if repeat else min(k, last) for k in self.abf.sweepList)
                self.notes.append(f"the {field}s of its steps come from the user list of the protocol")
                return epoch, field, [values[place] for place in places]
        self.notes.append(f"the protocol has a user list that was not applied (it varies parameter {parameter})")
        return None

    def _stimulus_file(self, header: Any) -> list[Float[np.ndarray, " time"]]:
        """Returns the sweeps of the stimulus file, which lies where the header says or beside the recording."""
        import pyabf

        if self.abf.abfVersion["major"] == 1:
            stored = header.sDACFilePath[self.dac]
        else:
            stored = self.abf._stringsSection._indexedStrings[header.lDACFilePathIndex[self.dac]]
        stored = cleaned(stored)
        name = PureWindowsPath(stored).name
        beside = {one.name.casefold(): one for one in self.path.parent.iterdir() if one.is_file()}
        found = next((one for one in (Path(stored), beside.get(name.casefold())) if one and one.is_file()), None)
        if found is None:
            raise UserError(
                f"{self.path}: the stimulus file of its protocol is missing ({name or 'without a name'}): put it "
                "beside the recording"
            )
        try:
            source = (pyabf.ATF if found.suffix.lower() == ".atf" else pyabf.ABF)(str(found))
            scale, offset = header.fDACFileScale[self.dac] or 1.0, header.fDACFileOffset[self.dac]
            sweeps = []
            for number in source.sweepList:
                source.setSweep(number)
                sweeps.append(np.asarray(source.sweepY, dtype=np.float64) * scale + offset)
        except Exception as error:  # noqa: BLE001 - pyabf.ATF raises plain ones
            raise UserError(f"{self.path}: its stimulus file {found.name} cannot be read ({error})") from error
        only = header.lDACFileEpisodeNum[self.dac]  # 0 or less: all of them in turn
        return [sweeps[only - 1]] if 0 < only <= len(sweeps) else sweeps


def source_of(abf: Any, dac: int) -> int:
    """Returns where the waveform of a DAC comes from: EPOCHS, FILE, or 0 where it only holds."""
    header = _dacs(abf)
    enabled = dac < len(header.nWaveformEnable) and header.nWaveformEnable[dac]
    return int(header.nWaveformSource[dac]) if enabled else 0


def _dacs(abf: Any) -> Any:
    return abf._headerV1 if abf.abfVersion["major"] == 1 else abf._dacSection


def _holding(abf: Any) -> list[float]:
    """Returns the level at which each DAC holds."""
    if abf.abfVersion["major"] == 1:
        return list(struct.unpack("<4f", _bytes(abf, HOLDING_1, 16)))
    return list(abf.holdingCommand)


def _bytes(abf: Any, at: int, count: int) -> bytes:
    with Path(abf.abfFilePath).open("rb") as file:
        file.seek(at)
        return file.read(count)


def cleaned(text: Any) -> str:
    """Returns text of a header without what fills it up."""
    text = text.decode("latin-1") if isinstance(text, bytes) else str(text)
    return text.partition("\0")[0].strip()


def _list_1(abf: Any, dac: int) -> tuple[int, str, bool]:
    """Returns the parameter that a user list of ABF 1 varies (0: there is none), the list, and whether it repeats."""
    if abf._headerV1.fFileVersionNumber <= 1.6 or abf.dataByteStart < 4408 or dac > 3:
        return 0, "", False
    block = _bytes(abf, LISTS_1, 1048)
    enabled, parameter, repeat = (struct.unpack_from("<h", block, at + 2 * dac)[0] for at in (0, 8, 1040))
    text = block[16 + 256 * dac : 272 + 256 * dac].decode("latin-1").partition("\0")[0]
    return (parameter if enabled else 0), text, bool(repeat)


def _list_2(abf: Any, dac: int) -> tuple[int, str, bool]:
    """The same of ABF 2, whose lists name their DAC."""
    section = abf._userListSection
    for k in range(section._entryCount):
        place = section._byteStart + k * section._entrySize
        of, enabled, parameter, repeat, index = struct.unpack("<4hi", _bytes(abf, place, 12))
        if of == dac and enabled:
            strings = abf._stringsSection._indexedStrings
            text = strings[index] if 0 <= index < len(strings) else ""
            if not re.fullmatch(r"[-+.,;\s\deE]+", text) and abf.userList:  # pyabf finds them in another way
                text = ",".join(map(str, abf.userList))
            return parameter, text, bool(repeat)
    return 0, "", False


def quietly(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Calls a function of pyabf, whose warnings are told in other words here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)
