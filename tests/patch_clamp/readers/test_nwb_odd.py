"""NWB files whose parts are odd: times, electrodes, attributes, sizes. One sweep stops no other."""

import h5py
import numpy as np
import pytest
from made.nwb_sweeps import RESPONSE, STIMULUS, Plain
from made.sweeps import AMPLITUDES, ONSET, RATE, SAMPLES, check, current, load_folder, voltage, write_npz

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import chosen
from celltype_cli.patch_clamp.plausible import plausible
from celltype_cli.patch_clamp.readers.files import find, read
from celltype_cli.patch_clamp.recording import kind_of


@pytest.mark.parametrize("later_s", [0.1, -0.05])
def test_sweeps_are_laid_together_by_their_start_times(tmp_path, later_s):
    """The stimulus starts later, or earlier, by that much: the spike comes so much earlier, or later, in the step."""
    path = Plain(tmp_path / "a.nwb", starts=(30.0, 30.0 + later_s)).path
    cell = read(path)
    assert cell.notes[0] == "stimulus and response start at different times: they were laid together by these"
    two = chosen(cell.sweeps)
    spike = np.argmax(voltage(5)) / RATE
    assert two.rheobase.spike_times_s == pytest.approx([spike - ONSET / RATE - later_s], abs=1 / RATE)
    assert {len(s.voltage) for s in cell.sweeps} == {SAMPLES - abs(round(later_s * RATE))}


def test_stimuli_whose_times_count_from_the_sweep(tmp_path):
    cell = read(Plain(tmp_path / "a.nwb", starts=(30.0, 0.0)).path)
    check(cell)
    assert "taken to count from the start of a sweep" in cell.notes[0]


def test_no_time_in_common(tmp_path):
    made = Plain(tmp_path / "a.nwb").add(20, voltage(3), current(3), starts=(30.0, 20.0))
    check(read(made.path), its_stimulus_and_its_response_have_no_time_in_common=1)


def test_lengths_that_differ(tmp_path):
    made = Plain(tmp_path / "a.nwb").add(20, voltage(3), current(3)[:-500])
    cell = read(made.path)
    assert [len(s.current) for s in cell.sweeps] == [SAMPLES] * 3 + [SAMPLES - 500]
    assert cell.notes == ("stimulus and response end at different times: what both have was used",)


def set_rate(series, value):
    series["starting_time"].attrs["rate"] = value


def set_attribute(name, value):
    return lambda series: series["data"].attrs.__setitem__(name, value)


def set_data(value, **options):
    def alter(series):
        attributes = dict(series["data"].attrs)
        del series["data"]
        series.create_dataset("data", **value)
        series["data"].attrs.update(attributes)

    return alter


def group_for_data(series):
    del series["data"]
    series.create_group("data")


ODD = {
    "conversion [2]": (set_attribute("conversion", [1.0, 2.0]), "its conversion is no number"),
    "conversion Empty": (set_attribute("conversion", h5py.Empty("f")), "its conversion is no number"),
    "conversion inf": (set_attribute("conversion", np.inf), "its conversion is no number"),
    "conversion text": (set_attribute("conversion", "1e-3"), None),
    "unit Empty": (set_attribute("unit", h5py.Empty("S1")), "its response is in no unit; expected volts or millivolts"),
    "unit": (set_attribute("unit", "furlongs"), "its response is in furlongs; expected volts or millivolts"),
    "unit [2]": (set_attribute("unit", ["V", "V"]), "its unit is no text"),
    "rate inf": (lambda s: set_rate(s, np.inf), "its rate is no number"),
    "rate [2]": (lambda s: set_rate(s, [1.0, 2.0]), "its rate is no number"),
    "rate 0": (lambda s: set_rate(s, 0.0), "no one sampling rate for response and stimulus"),
    "rate Empty": (lambda s: set_rate(s, h5py.Empty("f")), "its rate is no number"),
    "no rate": (lambda s: s["starting_time"].attrs.pop("rate"), "its rate is no number"),
    "group": (group_for_data, "its response is no row of numbers"),
    "declared": (
        set_data({"shape": (10**11,), "dtype": "f4", "chunks": (1024,)}),
        "its response declares 100,000,000,000 samples; expected at most 50,000,000",
    ),
    "text": (set_data({"data": np.array([b"a", b"b"])}), "its response is |S1 with 1 axes; expected numbers [time]"),
    "two axes": (set_data({"data": np.zeros((3, 4))}), "its response is float64 with 2 axes; expected numbers [time]"),
    "sweep_number": (lambda s: s.attrs.__setitem__("sweep_number", [1, 2]), "electrode_0_5 has no sweep number"),
    "overloaded": (set_data({"data": np.full(SAMPLES, 5e3)}), "its voltage lies between ... and ..."),
    "infinite": (set_data({"data": np.full(SAMPLES, np.inf)}), None),
    "values": (set_data({"data": np.full(SAMPLES, 1e300)}), None),
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_sweep_is_left_out_with_the_reason_and_stops_no_other(tmp_path, what):
    alter, reason = ODD[what]
    path = Plain(tmp_path / "a.nwb").change(RESPONSE, 5, alter)
    if what == "conversion text":
        assert [s.number for s in read(path).sweeps] == [3, 5, 9]  # h5py makes a number of it
        return
    cell = read(path)
    assert [s.number for s in cell.sweeps] == [3, 9]
    if reason:
        assert reason in {*cell.left_out, *map(kind_of, cell.left_out)}


def test_arrays_of_one_are_numbers(tmp_path):
    made = Plain(tmp_path / "a.nwb")
    made.change(RESPONSE, 5, set_attribute("conversion", np.array([1e-3])))
    made.change(STIMULUS, 5, set_attribute("unit", np.array([b"amperes"])))
    made.change(RESPONSE, 9, set_data({"data": voltage(9)[:, None]}))
    check(read(made.change(RESPONSE, 9, lambda s: set_rate(s, np.array([RATE])))))


def test_units_of_small_currents(tmp_path):
    made = Plain(tmp_path / "a.nwb")
    for number in (3, 5, 9):
        made.change(STIMULUS, number, set_attribute("unit", "nA"))
        path = made.change(STIMULUS, number, set_attribute("conversion", 1e-3))
    check(read(path))


def test_all_sweeps_in_another_unit(tmp_path):
    made = Plain(tmp_path / "a.nwb")
    for number in (3, 5, 9):
        path = made.change(RESPONSE, number, set_attribute("unit", "furlongs"))
    with pytest.raises(UserError, match=r"a\.nwb: no current-clamp sweep .*\(3: its response is in furlongs; expected"):
        read(path)


def test_an_acquisition_that_is_no_group(tmp_path):
    with h5py.File(tmp_path / "a.nwb", "w") as file:
        file.attrs["nwb_version"] = "2.5.0"
        file["acquisition"] = np.zeros(3)
        file.create_group(STIMULUS)
    with pytest.raises(UserError, match=r"a\.nwb: cannot be read as NWB, it is truncated or of another layout"):
        read(tmp_path / "a.nwb")


def test_a_file_that_is_being_written(tmp_path):
    path = Plain(tmp_path / "a.nwb").path
    with h5py.File(path, "a"), pytest.raises(UserError, match=r"a\.nwb: is locked by a program that writes to it"):
        read(path)


def test_electrodes_are_cells(tmp_path):
    folder = tmp_path / "recordings"
    folder.mkdir()
    path = Plain(folder / "pair.nwb", electrodes=("left", "right")).path
    said = r"has 2 electrodes in current clamp \(0: left, 1: right\); dataset\.channel=left takes one of them"
    with pytest.raises(UserError, match=said):
        read(path)
    for channel in ("RIGHT", "1"):
        check(read(path, channel))
    with pytest.raises(UserError, match="channel=middle is none of its electrodes in current clamp: 0: left, 1: right"):
        read(path, "middle")
    write_npz(folder / "single.npz")
    (folder / "broken.abf").write_bytes(b"ABF2")
    assert [e.cell_id for e in find(folder, "all")[0]] == ["broken", "pair/left", "pair/right", "single"]
    assert load_folder(folder, channel="all").cell_id.tolist() == ["pair/left", "pair/right", "single"]


@pytest.mark.parametrize(
    ("lacks", "said"), [("stimulus", "3: its stimulus is missing"), ("acquisition", "it holds no")]
)
def test_a_group_that_is_missing(tmp_path, lacks, said):
    path = Plain(tmp_path / "a.nwb").path
    with h5py.File(path, "a") as file:
        del file[lacks]
        if lacks == "acquisition":
            del file["stimulus"]
    with pytest.raises(UserError, match=rf"a\.nwb: no current-clamp sweep with its stimulus \({said}"):
        read(path)


def with_table(path, alter):
    """Adds the table of intracellular recordings, in place of sweep numbers."""
    kind = np.dtype([("idx_start", "i4"), ("count", "i4"), ("timeseries", h5py.ref_dtype)])
    with h5py.File(path, "a") as file:
        table = file.create_group("general/intracellular_ephys/intracellular_recordings")
        table["id"] = np.arange(3)
        for place, name in ((RESPONSE, "responses/response"), (STIMULUS, "stimuli/stimulus")):
            column = np.empty(3, kind)
            for k, number in enumerate((3, 5, 9)):
                series = file[f"{place}/electrode_0_{number}"]
                del series.attrs["sweep_number"]
                column[k] = (0, SAMPLES, series.ref)
            alter(name, column)
            table[name] = column
    return path


@pytest.mark.parametrize(
    ("column", "field", "value", "reason"),
    [
        ("responses/response", "timeseries", h5py.Reference(), "its response is missing"),
        ("responses/response", "count", -1, "its response is missing"),
        ("stimuli/stimulus", "count", -1, "its stimulus is missing"),
    ],
)
def test_a_row_without_a_series_leaves_the_others(tmp_path, column, field, value, reason):
    def alter(name, rows):
        if name == column:
            rows[0][field] = value

    found = read(with_table(Plain(tmp_path / "a.nwb").path, alter))
    assert len(found.sweeps) == 2 and found.left_out[reason] == 1


def test_a_table_of_recordings_without_stimuli(tmp_path):
    path = with_table(Plain(tmp_path / "a.nwb").path, lambda name, rows: None)
    with h5py.File(path, "a") as file:
        del file["general/intracellular_ephys/intracellular_recordings/stimuli"]
    with pytest.raises(UserError, match="3: nothing says which stimulus it had"):
        read(path)


def test_a_bias_current_is_told(tmp_path):
    Plain(tmp_path / "x.nwb").change(RESPONSE, 5, lambda series: series.create_dataset("bias_current", data=-50e-12))
    assert read(tmp_path / "x.nwb").notes == (
        "its file says a bias current beside the steps: its rest is not that without current",
    )


@pytest.mark.parametrize("factor", [[2.0], 2.0, 1.0])
def test_a_conversion_of_each_channel_is_applied(tmp_path, factor):
    """As a series of 32-bit numbers that are half of what they stand for."""
    path = Plain(tmp_path / "a.nwb").path
    with h5py.File(path, "a") as file:
        for series in file[RESPONSE].values():
            series["data"][...] = series["data"][()] / np.ravel(factor)[0]
            series["channel_conversion"] = factor
    cell = read(path)
    check(cell)
    assert cell.notes == (("its channel_conversion is applied beside its conversion",) if factor != 1.0 else ())


def test_a_potential_that_cannot_be_says_what_was_applied(tmp_path):
    made = Plain(tmp_path / "a.nwb")
    for number in AMPLITUDES:
        made.change(RESPONSE, number, lambda series: series.create_dataset("channel_conversion", data=[2.0]))
    with pytest.raises(
        UserError, match="rests at -140 mV.*; its channel_conversion is applied beside its conversion; corr"
    ):
        plausible(read(made.path))
