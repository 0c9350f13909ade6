"""Current-clamp files of NWB 1 and NWB 2, written here in the layouts that occur, and real ones where at hand."""

import json

import numpy as np
import pytest
from made.sweeps import NWB1, RATE, SAMPLES, check, current, load_folder, quiet_nwb2, three, voltage

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import chosen, notes_on
from celltype_cli.patch_clamp.readers.files import find, read


@pytest.fixture
def nwb2():
    yield from quiet_nwb2()


def test_nwb1(tmp_path):
    path = NWB1(tmp_path).path
    check(read(path))
    for place, file in ((path, "ephys.nwb"), (path.parent, "ephys.nwb"), (tmp_path, "specimen_464212183/ephys.nwb")):
        [entry], _ = find(place)
        assert (entry.cell_id, entry.file) == ("464212183", file)
        check(entry.read())


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


def test_nwb2_by_sweep_number(tmp_path, nwb2):
    path = three(nwb2).write(tmp_path / "sub-1_ses-2_icephys.nwb")
    check(read(path))
    assert [entry.cell_id for entry in find(path)[0]] == ["sub-1_ses-2_icephys"]


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
    [entry], _ = find(shared_data / "patch_clamp" / "nwb" / file)
    cell = entry.read()
    assert (entry.cell_id, cell.left_out) == (cell_id, {})
    two = chosen(cell.sweeps)
    assert [s.step.amplitude_pA for s in (two.rheobase, two.hero)] == pytest.approx([90, 130])
    assert [s.step.onset_s for s in (two.rheobase, two.hero)] == [onset_s, onset_s]
    assert [len(s.spike_times_s) for s in (two.rheobase, two.hero)] == [13, 12]


def test_a_real_nwb2_file_with_a_table_of_recordings(shared_data):
    cell = read(shared_data / "patch_clamp" / "nwb" / "99111002.nwb")
    assert len(cell.sweeps) == 16
    amplitudes = [s.current[len(s.current) // 2] for s in cell.sweeps]
    assert amplitudes == pytest.approx(np.arange(-2000, 1001, 200), abs=0.1)  # the table's rows keep their order
    with pytest.raises(UserError, match=r"15: no step of 1 s \(longest pulse: 0.4 s\)"):
        chosen(cell.sweeps)


def test_a_real_file_with_30_ms_before_the_step_and_noise_of_1_mV_above_the_threshold_is_read_with_notes(
    shared_data, tmp_path
):
    """CA1, at -15 to 0 mV; counted by eye: 11 spikes at 200 pA, none while the noise alone is there."""
    cell = read(shared_data / "patch_clamp" / "nwb" / "99111002.nwb")
    two = chosen(cell.sweeps, 0.4, hero_pA=(199, 201))
    assert (two.rheobase.step.amplitude_pA, len(two.rheobase.spike_times_s)) == (pytest.approx(200), 11)
    assert [len(s.spike_times_s) for s in two.squares if abs(s.step.amplitude_pA + 2000) < 1] == [0]
    assert notes_on(two)[:2] == [
        "less than 0.1 s was recorded before the step: the level there was held for the rest",
        "its noise is large from sample to sample: only peaks that stand out by 8 mV count as spikes",
    ]
    with pytest.raises(UserError, match=r"allensdk found no spike .*held for the rest.*prepare.inputs=\[scalogram\]"):
        path = shared_data / "patch_clamp" / "nwb" / "99111002.nwb"
        load_folder(path, inputs=["features"], cache=tmp_path, duration_s=0.4, hero_pA=[199, 201])
