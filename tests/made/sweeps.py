"""Three current-clamp sweeps of one cell, and files of every format that hold them, in the layouts that occur."""

import struct
import warnings
from collections import Counter
from datetime import datetime, timezone

import h5py
import numpy as np
import pytest

from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.recording import kind_of
from made.configs import cells

RATE, SAMPLES = 4000.0, 6000
ONSET, END = 1000, 5000  # samples: a step of 1 s after 0.25 s
AMPLITUDES = {3: 50.0, 5: 70.0, 9: 110.0}  # pA, by sweep number


def voltage(number):
    """mV: rest with a little noise, and a spike in all sweeps but the first."""
    values = -70 + np.random.default_rng(number).normal(scale=0.05, size=SAMPLES)
    if number > 3:
        values[2000:2005] = (-40, 0, 30, 0, -50)
    return values


def current(number):
    values = np.zeros(SAMPLES)
    values[ONSET:END] = AMPLITUDES[number]
    return values


def check(cell, **left_out):
    """The three sweeps above, whatever they were written as."""
    assert [s.number for s in cell.sweeps] == [3, 5, 9]
    for sweep in cell.sweeps:
        assert sweep.sampling_rate == RATE
        assert sweep.voltage == pytest.approx(voltage(sweep.number), abs=0.01)
        assert sweep.current == pytest.approx(current(sweep.number), abs=1e-3)
    expected = Counter({kind_of(reason.replace("_", " ")): count for reason, count in left_out.items()})
    assert Counter({kind_of(reason): count for reason, count in cell.left_out.items()}) == expected
    two = chosen(cell.sweeps)
    assert (two.rheobase.sweep.number, two.hero.sweep.number) == (5, 9)
    assert two.rheobase.step.onset_s == ONSET / RATE
    assert two.rheobase.step.amplitude_pA == pytest.approx(70)


class NWB1:
    """A file of the Cell Types Database: add() for each sweep."""

    def __init__(self, folder, version=None, specimen=464212183):
        self.path = folder / f"specimen_{specimen}" / "ephys.nwb"
        self.path.parent.mkdir(parents=True)
        with h5py.File(self.path, "w") as file:
            file["nwb_version"] = b"NWB-1.0.5"
            file.create_group("acquisition/timeseries")
            file.create_group("stimulus/presentation")
            if version:
                file["general/generated_by"] = np.array([b"name", b"pipeline", b"version", version])
        for number in AMPLITUDES:
            self.add(number, voltage(number) / 1e3, current(number) / 1e12)

    def add(self, number, response=None, stimulus=None, units=(b"V", b"A"), conversion=1.0):
        for place, data, unit in zip(("acquisition/timeseries", "stimulus/presentation"), (response, stimulus), units):
            if data is not None:
                with h5py.File(self.path, "a") as file:
                    series = file.create_group(f"{place}/Sweep_{number}")
                    series["data"] = data
                    series["data"].attrs.update({"unit": unit, "conversion": conversion})
                    series["starting_time"] = 0.0
                    series["starting_time"].attrs["rate"] = RATE
        return self


class NWB2:
    """A file of pynwb: add() for each sweep, then write()."""

    def __init__(self):
        pynwb = pytest.importorskip("pynwb", reason="extra nwb is not installed")
        self.pynwb, self.icephys = pynwb, pynwb.icephys
        self.nwb = pynwb.NWBFile("made", "made", datetime(2020, 1, 1, tzinfo=timezone.utc))
        self.device = self.nwb.create_device("amplifier")
        self.electrodes = {}

    def electrode(self, name):
        if name not in self.electrodes:
            self.electrodes[name] = self.nwb.create_icephys_electrode(name=name, description="", device=self.device)
        return self.electrodes[name]

    def add(self, number, response=None, stimulus=None, kind="CurrentClamp", electrode="electrode_0", table=False,
            response_args=None, stimulus_args=None):  # fmt: skip
        """Response in mV and stimulus in pA, stored as MIES does; None where one is missing."""
        common = {"electrode": self.electrode(electrode), "gain": 1.0}
        common |= {} if table else {"sweep_number": np.uint32(number)}
        of_response = {"conversion": 1e-3, "rate": RATE} | (response_args or {})
        of_stimulus = {"conversion": 1e-12, "rate": RATE} | (stimulus_args or {})
        made = {}
        if response is not None:
            series = getattr(self.icephys, f"{kind}Series")(f"data_{number:05}_AD0", response, **common, **of_response)
            self.nwb.add_acquisition(series, use_sweep_table=False)
            made["response"] = series
        if stimulus is not None:
            series = getattr(self.icephys, f"{kind}StimulusSeries")(
                f"data_{number:05}_DA0", stimulus, **common, **of_stimulus
            )
            self.nwb.add_stimulus(series, use_sweep_table=False)
            made["stimulus"] = series
        if table:
            self.nwb.add_intracellular_recording(id=number, electrode=self.electrode(electrode), **made)
        return self

    def write(self, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with self.pynwb.NWBHDF5IO(str(path), "w") as io:
                io.write(self.nwb)
        return path


def quiet_nwb2():
    """For fixtures: a file to add sweeps to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sweep_number is deprecated, and in all files of MIES
        yield NWB2()


def three(made, **options):
    for number in AMPLITUDES:
        made.add(number, voltage(number), current(number), **options)
    return made


def write_abf(path, traces, step=None, units=("mV", "pA")):
    """Writes an ABF 1 file; pyabf's writer leaves out the command, whose fields follow the list in its `HeaderV1`.

    Args:
        step: level of the first sweep, increment from sweep to sweep, and samples of baseline and of the step.
    """
    pyabf = pytest.importorskip("pyabf", reason="extra abf is not installed")
    pyabf.abfWriter.writeABF1(traces, str(path), RATE, units=units[0])
    content = path.read_bytes()
    header = bytearray(content[:2048]) + bytearray(4096)  # 4 blocks of 512 bytes become 12
    struct.pack_into("i", header, 40, 12)  # where the data begin
    struct.pack_into("8s8s8s8s", header, 1346, *4 * [units[1].ljust(8).encode()])
    if step:
        level, increment, before, length = step
        struct.pack_into("2h", header, 2296, 1, 0)  # the waveform is on
        struct.pack_into("2h", header, 2300, 1, 0)  # and comes from the table of epochs:
        struct.pack_into("2h", header, 2308, 1, 1)  # two steps
        struct.pack_into("2f", header, 2348, 0, level)
        struct.pack_into("2f", header, 2428, 0, increment)
        struct.pack_into("2i", header, 2508, before, length)
    path.write_bytes(header + content[2048:])
    return path


TRACES = np.stack([voltage(number) for number in AMPLITUDES])


def write_npz(path, *more, **changes):
    """Writes the three sweeps, and whatever others there are, which may be longer."""
    voltages = [*TRACES, *(sweep.voltage for sweep in more)]
    currents = [*(current(number) for number in AMPLITUDES), *(sweep.current for sweep in more)]
    longest = max(map(len, voltages))
    arrays = {
        "voltage": np.stack([np.pad(v, (0, longest - len(v)), constant_values=np.nan) for v in voltages]),
        "current": np.stack([np.pad(c, (0, longest - len(c))) for c in currents]),
        "sampling_rate": RATE,
        "number": [*AMPLITUDES, *range(100, 100 + len(more))],
    }
    arrays |= changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def load_folder(folder, **changes):
    """Cells of the recordings in a folder, as small scalograms where nothing else is asked for."""
    quick = {"classes": ["Pvalb", "Sst"], "inputs": ["scalogram"], "size": [6, 8], "cache": folder.parent / "cache"}
    return cells("sweeps", **{"path": folder} | quick | changes)
