"""Current-clamp files of every format, written here in the layouts that occur, and real ones where they are at hand."""

import json
import struct
import warnings
from collections import Counter
from datetime import datetime, timezone

import h5py
import numpy as np
import pytest

from celltype_cli.current_clamp import chosen, long_squares
from celltype_cli.errors import UserError
from celltype_cli.readers.sweeps import read, read_folder

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
    assert cell.left_out == Counter({reason.replace("_", " "): count for reason, count in left_out.items()})
    two = chosen(cell.sweeps)
    assert (two.rheobase.sweep.number, two.hero.sweep.number) == (5, 9)
    assert two.rheobase.step.onset_s == ONSET / RATE
    assert two.rheobase.step.amplitude_pA == pytest.approx(70)


# ---------------------------------------------------------------------------------------------------------------- NWB 1


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


def test_nwb1(tmp_path):
    cell = read(NWB1(tmp_path).path)
    check(cell)
    assert (cell.cell_id, cell.file) == ("464212183", "ephys.nwb")


def test_nwb1_counts_what_it_leaves_out(tmp_path):
    volts, amps = voltage(3) / 1e3, current(3) / 1e12
    made = (
        NWB1(tmp_path).add(0, amps, volts, units=(b"A", b"V")).add(20, volts, amps).add(21, volts).add(22, None, amps)
    )
    states = {3: "auto_passed", 5: None, 9: "manual_passed", 20: "auto_failed"}
    sweeps = [{"sweep_number": number, "workflow_state": state} for number, state in states.items()]
    made.path.with_name("ephys_sweeps.json").write_text(json.dumps(sweeps))
    check(
        read(made.path), voltage_clamp=1, failed_quality_control=1, its_stimulus_is_missing=1, its_response_is_missing=1
    )


def test_nwb1_padding_is_cut(tmp_path):
    """The database fills responses with 0 where a recording was stopped."""
    volts = np.r_[voltage(3)[:5500], np.zeros(500)] / 1e3
    made = NWB1(tmp_path).add(20, volts, current(3) / 1e12).add(21, 0 * volts, current(3) / 1e12)
    cell = read(made.path)
    assert [len(s.voltage) for s in cell.sweeps] == [SAMPLES, SAMPLES, SAMPLES, 5500]
    assert cell.left_out == {"empty": 1}


@pytest.mark.parametrize(("version", "factor"), [(None, 1.0), (b"1.0", 1.0), (b"1.1", 10.0)])
def test_nwb1_factors_count_after_version_1(tmp_path, version, factor):
    """Before that, allensdk's `NwbDataSet` says, they are wrong and the data in SI units."""
    made = NWB1(tmp_path, version).add(20, voltage(3) / 1e4, current(3) / 1e13, conversion=10.0)
    last = read(made.path).sweeps[-1]
    assert last.voltage == pytest.approx(voltage(3) / 10 * factor, abs=0.01)
    assert last.current.max() == pytest.approx(5 * factor)


def test_a_broken_list_of_sweeps(tmp_path):
    made = NWB1(tmp_path)
    made.path.with_name("ephys_sweeps.json").write_text("{")
    with pytest.raises(UserError, match="ephys_sweeps.json: is no list of sweeps"):
        read(made.path)


# ---------------------------------------------------------------------------------------------------------------- NWB 2


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


@pytest.fixture
def nwb2():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sweep_number is deprecated, and in all files of MIES
        yield NWB2()


def three(made, **options):
    for number in AMPLITUDES:
        made.add(number, voltage(number), current(number), **options)
    return made


def test_nwb2_by_sweep_number(tmp_path, nwb2):
    cell = read(three(nwb2).write(tmp_path / "sub-1_ses-2_icephys.nwb"))
    check(cell)
    assert cell.cell_id == "sub-1_ses-2_icephys"


def test_nwb2_by_the_table_of_recordings(tmp_path, nwb2):
    made = three(nwb2, table=True).add(11, voltage(3), table=True)  # without a stimulus
    cell = read(made.write(tmp_path / "a.nwb"))
    assert {s.current.max() for s in cell.sweeps} == {50, 70, 110}
    assert cell.left_out == {"its stimulus is missing": 1}


def test_nwb2_counts_what_it_leaves_out(tmp_path, nwb2):
    clamp = {"conversion": 1e-12}
    three(nwb2).add(
        1, current(3), voltage(3), kind="VoltageClamp", response_args=clamp, stimulus_args={"conversion": 1e-3}
    )
    nwb2.add(2, voltage(3), kind="IZeroClamp").add(20, voltage(3)).add(21, None, current(3))
    nwb2.add(22, voltage(3), current(3), stimulus_args={"rate": 1000.0})
    gap = voltage(3)
    gap[100] = np.nan
    cell = read(nwb2.add(23, gap, current(3)).write(tmp_path / "a.nwb"))
    check(cell, voltage_clamp=1, its_stimulus_is_missing=1, its_response_is_missing=1,
          values_missing_within_the_sweep=1, no_one_sampling_rate_for_response_and_stimulus=1,
          **{"recorded without current (I = 0)": 1})  # fmt: skip


def test_nwb2_factor_offset_and_padding(tmp_path, nwb2):
    """16-bit values with a factor and an offset, and NaN where the experimenter stopped a sweep."""
    three(nwb2)
    steps = np.round((voltage(3) + 100) * 100).astype(np.int16)
    nwb2.add(20, steps, current(3), response_args={"conversion": 1e-5, "offset": -0.1})
    nwb2.add(21, np.r_[voltage(3)[:5500], np.full(500, np.nan)], current(3))
    *_, scaled, stopped = read(nwb2.write(tmp_path / "a.nwb")).sweeps
    assert scaled.voltage == pytest.approx(voltage(3), abs=0.01)
    assert len(stopped.voltage) == len(stopped.current) == 5500


def test_nwb2_time_stamps(tmp_path, nwb2):
    even, uneven = np.arange(SAMPLES) / RATE, np.cumsum(np.random.default_rng(0).random(SAMPLES))
    stamps = {"rate": None, "timestamps": even}
    nwb2.add(3, voltage(3), current(3), response_args=stamps, stimulus_args=stamps)
    nwb2.add(5, voltage(5), current(5), response_args={"rate": None, "timestamps": uneven})
    cell = read(nwb2.write(tmp_path / "a.nwb"))
    assert [s.sampling_rate for s in cell.sweeps] == [pytest.approx(RATE)]
    assert cell.left_out == {"no one sampling rate for response and stimulus": 1}


def test_nwb2_of_two_cells_is_refused(tmp_path, nwb2):
    path = (
        nwb2.add(3, voltage(3), current(3))
        .add(5, voltage(5), current(5), electrode="electrode_1")
        .write(tmp_path / "a.nwb")
    )
    with pytest.raises(UserError, match=r"a\.nwb: .*2 electrodes \(electrode_0, electrode_1\); expected one cell"):
        read(path)


# ------------------------------------------------------------------------------------------------------------------ ABF


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


def test_abf(tmp_path):
    cell = read(write_abf(tmp_path / "2024_cell.abf", TRACES, step=(50, 20, 500, 4000)))
    assert cell.cell_id == "2024_cell"
    assert [s.number for s in cell.sweeps] == [0, 1, 2]
    assert np.stack([s.voltage for s in cell.sweeps]) == pytest.approx(TRACES, abs=0.005)
    squares, _ = long_squares(cell.sweeps)
    assert [s.step.amplitude_pA for s in squares] == [50, 70, 90]
    assert {s.step.onset_s for s in squares} == {(SAMPLES // 64 + 500) / RATE}  # pClamp holds for a 64th of the sweep


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": ("pA", "mV")}, "is not of current clamp: recorded in pA with the command in mV"),
        ({"units": ("mV", "V")}, "is not of current clamp: recorded in mV with the command in V"),
        ({}, r"command is 0 pA in all of its 3 sweeps \(protocol: None; DAC waveform is not enabled\)"),
        ({"units": ("mV", "")}, "command is 0 pA in all"),
        ({"step": (0, 0, 500, 4000)}, "command is 0 pA in all"),
    ],
)
def test_abf_without_a_stimulus_in_current_clamp(tmp_path, options, message):
    path = write_abf(tmp_path / "a.abf", TRACES, **options)
    with pytest.raises(UserError, match=rf"a\.abf: .*{message}"):
        read(path)


# ------------------------------------------------------------------------------------------------------------------ npz


def write_npz(path, **changes):
    arrays = {
        "voltage": TRACES,
        "current": np.stack([current(number) for number in AMPLITUDES]),
        "sampling_rate": RATE,
        "number": [*AMPLITUDES],
    }
    arrays |= changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_npz(tmp_path):
    check(read(write_npz(tmp_path / "a.npz")))
    assert [s.number for s in read(write_npz(tmp_path / "b.npz", number=None)).sweeps] == [0, 1, 2]


def test_npz_sweeps_of_unequal_length(tmp_path):
    traces = TRACES.copy()
    traces[1, 5500:] = np.nan
    assert [len(s.voltage) for s in read(write_npz(tmp_path / "a.npz", voltage=traces)).sweeps] == [6000, 5500, 6000]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"voltage": TRACES / 1e3},
            r"a\.npz cannot be used:\n  sweep 3: its voltage lies between -0\.07.*volts; expected mV",
        ),
        ({"current": TRACES * 1e-13}, r"sweep 3: its current lies between .*e-12.*amperes; expected pA"),
        ({"voltage": TRACES[0]}, r"voltage is float64 of shape \(6000,\); expected numbers \[sweep, time\]"),
        ({"current": TRACES[:2]}, r"current is float64 of shape \(2, 6000\); expected numbers of shape \(3, 6000\)"),
        ({"sampling_rate": None, "current": None}, "has no array current, sampling_rate; found voltage, number"),
        ({"sampling_rate": [RATE] * 3}, "sampling_rate is float64 of shape .*; expected one number"),
        ({"number": ["a", "b", "c"]}, "number is <U1 .*; expected one whole number"),
        ({"voltage": np.array([{}])}, "holds pickled objects, which could run code"),
        ({"voltage": 0 * TRACES}, r"no current-clamp sweep with its stimulus \(3: empty\)"),
    ],
)
def test_npz_of_another_kind(tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        read(write_npz(tmp_path / "a.npz", **changes))


# --------------------------------------------------------------------------------------------- broken files and folders


@pytest.mark.parametrize("cut", [0.0, 0.01, 0.5, 0.95])
@pytest.mark.parametrize("kind", ["nwb1", "nwb2", "abf", "npz"])
def test_truncated_files(tmp_path, request, kind, cut):
    whole = {
        "nwb1": lambda: NWB1(tmp_path).path,
        "nwb2": lambda: three(request.getfixturevalue("nwb2")).write(tmp_path / "a.nwb"),
        "abf": lambda: write_abf(tmp_path / "a.abf", TRACES, step=(50, 20, 500, 4000)),
        "npz": lambda: write_npz(tmp_path / "a.npz"),
    }[kind]()
    content = whole.read_bytes()
    whole.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(UserError, match=f"{whole.name}.*(truncated|complete)"):
        read(whole)


def test_what_is_no_recording(tmp_path):
    (tmp_path / "a.nwb").write_text("<html>404</html>")
    with pytest.raises(UserError, match=r"a\.nwb: is no NWB, ABF or npz file by its content"):
        read(tmp_path / "a.nwb")
    with h5py.File(tmp_path / "b.nwb", "w") as file:
        file["x"] = 1
    with pytest.raises(UserError, match=r"b\.nwb: is HDF5, but no NWB file"):
        read(tmp_path / "b.nwb")
    with pytest.raises(UserError, match="does not exist"):
        read(tmp_path / "c.nwb")
    with pytest.raises(UserError, match="is a folder"):
        read(tmp_path)


def test_one_broken_file_stops_no_other(tmp_path):
    NWB1(tmp_path)
    write_npz(tmp_path / "good.npz")
    (tmp_path / "below").mkdir()
    write_npz(tmp_path / "below" / "volts.npz", voltage=TRACES / 1e3)
    write_npz(tmp_path / "below" / "flat.npz", current=np.ones_like(TRACES))
    (tmp_path / ".hidden.npz").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("")

    cells, left_out = read_folder(tmp_path)
    assert [c.cell_id for c in cells] == ["below/flat", "good", "464212183"]
    assert [file for file, _ in left_out] == ["below/volts.npz"]

    numbers, left_out = read_folder(tmp_path, use=lambda cell: chosen(cell.sweeps).hero.sweep.number)
    assert numbers == [9, 9]
    reasons = dict(left_out)
    assert reasons["below/flat.npz"].startswith("none of its 3 sweeps is a long square of 1 s")
    assert "looks like volts" in reasons["below/volts.npz"]


@pytest.mark.parametrize(
    ("folder", "message"), [("", "holds no file ending in .nwb, .abf, .npz"), ("x", "is no folder")]
)
def test_an_empty_folder(tmp_path, folder, message):
    with pytest.raises(UserError, match=message):
        read_folder(tmp_path / folder)


# ----------------------------------------------------------------------------------------------------------- real files


@pytest.mark.parametrize(
    ("file", "cell_id", "onset_s"),
    [
        ("ctdb_cache/specimen_555060623/ephys.nwb", "555060623", 1.02),
        (
            "dandi_000020/sub-600000001/sub-600000001_ses-600000002_icephys.nwb",
            "sub-600000001_ses-600000002_icephys",
            0.6,
        ),
    ],
)
def test_real_sweeps_in_the_layouts_of_the_allen_institute(shared_data, file, cell_id, onset_s):
    cell = read(shared_data / "patch_clamp" / "nwb" / file)
    assert (cell.cell_id, cell.left_out) == (cell_id, {})
    two = chosen(cell.sweeps)
    assert [s.step.amplitude_pA for s in (two.rheobase, two.hero)] == pytest.approx([90, 130])
    assert [s.step.onset_s for s in (two.rheobase, two.hero)] == [onset_s, onset_s]
    assert [len(s.spike_times_s) for s in (two.rheobase, two.hero)] == [13, 12]


@pytest.mark.parametrize(
    ("file", "duration_s", "sweeps", "squares", "rheobase", "hero"),
    [
        ("171116sh_0018", 0.5, 17, 17, 50, 100),
        ("17o05028_ic_steps", 0.5, 16, 16, 10, 50),
        ("18711001", 0.5, 30, 29, 70, 110),  # the first has a step of 0 pA
        ("2019_07_24_0055_fsi", 0.5, 17, 17, 25, 75),
    ],
)
def test_real_abf_files(shared_data, file, duration_s, sweeps, squares, rheobase, hero):
    """Their steps last half a second; three of them have two in a sweep, of which the first counts."""
    pytest.importorskip("pyabf", reason="extra abf is not installed")
    cell = read(shared_data / "patch_clamp" / "abf" / f"{file}.abf")
    two = chosen(cell.sweeps, duration_s)
    assert (len(cell.sweeps), len(two.squares)) == (sweeps, squares)
    assert (two.rheobase.step.amplitude_pA, two.hero.step.amplitude_pA) == (rheobase, hero)
    with pytest.raises(UserError, match=f"none of its {sweeps} sweeps is a long square of 1 s"):
        chosen(cell.sweeps)


def test_a_real_nwb2_file_with_a_table_of_recordings(shared_data):
    cell = read(shared_data / "patch_clamp" / "nwb" / "99111002.nwb")
    assert len(cell.sweeps) == 16
    amplitudes = [s.current[len(s.current) // 2] for s in cell.sweeps]
    assert amplitudes == pytest.approx(np.arange(-2000, 1001, 200), abs=0.1)  # the table's rows keep their order
    with pytest.raises(UserError, match=r"15: no step of 1 s \(longest pulse: 0.4 s\)"):
        chosen(cell.sweeps)
