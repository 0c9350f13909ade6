"""ABF 1 files of several recorded channels, with steps on any DAC, a user list or a stimulus file.

Places in the header are those of Axon's ABFHEADR.H; pyabf's own writer knows one channel and no command.
"""

import struct

import numpy as np
import pytest

from made.sweeps import RATE

BLOCKS = 12  # of 512 bytes, before the data
EPOCH, TABLE, FILE = 10, 1, 2  # epochs of a DAC; where its waveform comes from


def write(path, channels, commanded=("pA",), dac=0, epochs=(), user_list=None, stimulus=None, hold=0.0, rate=RATE):
    """Writes a file.

    Args:
        channels: name -> (unit, array [sweep, time] in it), in order.
        commanded: units of the DACs.
        dac: which one the following are of.
        epochs: (level, increment, samples) of each step.
        user_list: (parameter, text), for instance (22, "10,20") for levels of the second epoch.
        stimulus: name of a stimulus file.
        hold: level at which the DAC holds.
    """
    pytest.importorskip("pyabf", reason="extra abf is not installed")
    units, data = zip(*channels.values())
    data = np.stack([np.asarray(one, float) for one in data], axis=1)  # [sweep, channel, time]
    sweeps, n, samples = data.shape
    largest = np.abs(data).max(axis=(0, 2)) * 1.01 + 1e-9
    header = bytearray(512 * BLOCKS)

    def put(at, kinds, *values):
        struct.pack_into(f"<{kinds}", header, at, *values)

    def text(at, length, values):
        for k, value in enumerate(values):
            put(at + length * k, f"{length}s", value.ljust(length).encode())

    put(0, "4sfh", b"ABF ", 1.83, 5)  # episodic
    put(10, "i", data.size)
    put(16, "i", sweeps)
    put(40, "i", BLOCKS)
    put(120, "h", n)
    put(122, "f", 1e6 / rate / n)
    put(138, "i", samples * n)
    put(244, "f", 10.0)
    put(252, "i", 2**15)
    put(378, "16h", *range(16))
    put(410, "16h", *range(n), *[-1] * (16 - n))
    text(442, 10, [*channels, *[""] * (16 - n)])
    text(602, 8, [*units, *[""] * (16 - n)])
    put(730, "16f", *[1.0] * 16)
    put(922, "16f", *(10 / largest), *[1.0] * (16 - n))
    put(1050, "16f", *[1.0] * 16)
    text(1346, 8, [*commanded, *[""] * (4 - len(commanded))])
    put(1394 + 4 * dac, "f", hold)
    if epochs or stimulus:
        put(2296 + 2 * dac, "h", 1)
        put(2300 + 2 * dac, "h", FILE if stimulus else TABLE)
    for k, (level, increment, length) in enumerate(epochs, start=EPOCH * dac):
        put(2308 + 2 * k, "h", 1)
        put(2348 + 4 * k, "f", level)
        put(2428 + 4 * k, "f", increment)
        put(2508 + 4 * k, "i", length)
    if stimulus:
        put(2708 + 4 * dac, "f", 1.0)
        put(2736 + 256 * dac, "256s", f"C:\\protocols\\{stimulus}".encode())
    if user_list:
        put(3360 + 2 * dac, "h", 1)
        put(3368 + 2 * dac, "h", user_list[0])
        put(3376 + 256 * dac, "256s", user_list[1].encode())
    stored = np.round(data.transpose(0, 2, 1) * (2**15 / largest))
    path.write_bytes(bytes(header) + np.clip(stored, -(2**15), 2**15 - 1).astype("<i2").tobytes())
    return path


def write_atf(path, currents, rate=RATE):
    """Writes a stimulus file: a column of time and one for each sweep."""
    columns = np.c_[np.arange(len(currents[0])) / rate, np.transpose(currents)]
    names = "\t".join(['"Time (s)"', *[f'"Trace #{k + 1} (pA)"' for k in range(len(currents))]])
    signals = "\t".join(['"Signals="', *['"Cmd 0"'] * len(currents)])
    head = f"ATF\t1.0\n1\t{len(currents) + 1}\n{signals}\n{names}\n"
    path.write_text(head + "\n".join("\t".join(f"{value:g}" for value in row) for row in columns) + "\n")
    return path
