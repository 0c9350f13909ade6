"""Potentials, peaks and spike rates that no cell has."""

import re

import numpy as np
import pytest
from made.sweeps import RATE, TRACES, current, load_folder, voltage, write_npz

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp.choice import chosen, notes_on
from celltype_cli.patch_clamp.doubts import doubts
from celltype_cli.patch_clamp.plausible import check_spikes, plausible
from celltype_cli.patch_clamp.readers.files import read
from celltype_cli.patch_clamp.recording import Recording, Sweep


def sweep(number, values, amps=None):
    amps = current(5) if amps is None else amps
    return Sweep(np.asarray(values, np.float32), np.asarray(amps, np.float32), RATE, number)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            10 * voltage(5),
            r"sweep 5: its potential rests at -700.* mV, which looks like a gain of 10 that was not taken",
        ),
        (2 * voltage(5), "rests at -140.* mV, which looks like a gain of 2 "),
        (voltage(5) + 100, "rests at 30.* mV, which looks like another channel, unit or gain; expected -120 to 20 mV"),
        (np.where(np.arange(6000) % 100 < 3, 200, voltage(3)), "peaks at 200 mV, which looks like a wrong gain; "),
    ],
)
def test_what_is_no_membrane_potential(values, said):
    with pytest.raises(UserError, match=f"{said}.*; correct the file, or prepare.implausible=keep takes it as it is"):
        plausible(Recording((sweep(5, values),)))


def test_one_implausible_sweep_leaves_the_cell_usable():
    good, bad = sweep(3, voltage(3)), sweep(5, 10 * voltage(5))
    found = plausible(Recording((good, bad)))
    assert found.sweeps == (good,)
    (reason,) = found.left_out
    assert reason.startswith("its potential rests at -700") and reason.endswith("; as in sweep 5")


def test_a_long_depolarisation_is_no_rest():
    """A cell that ends in a block at 0 mV for most of the sweep rested at -70 mV."""
    step = np.r_[np.zeros(500), np.full(5400, 500.0), np.zeros(100)]
    block = np.where(step > 0, 25.0, -70.0)
    assert plausible(Recording((sweep(1, block, step),))).left_out == {}


def test_noise_counted_as_spikes():
    noise = voltage(3) + np.where(np.arange(6000) % 3 == 0, 60.0, 0.0)
    sweeps = [sweep(3, noise, current(3)), sweep(9, noise, current(3) * 2)]
    two = chosen(sweeps)
    with pytest.raises(
        UserError, match=r"holds 1,3.* spikes a second, which looks like noise or a wrong sampling rate"
    ):
        check_spikes(two)


def test_a_file_with_a_wrong_gain_in_a_folder(tmp_path, caplog):
    folder = tmp_path / "recordings"
    folder.mkdir()
    write_npz(folder / "good.npz")
    write_npz(folder / "gain.npz", voltage=10 * TRACES)
    cells = load_folder(folder)
    assert cells.cell_id.tolist() == ["good"]
    assert "left out: cell gain (gain.npz): sweep 3: its potential rests at -700" in caplog.text
    assert load_folder(folder, implausible="keep").cell_id.tolist() == ["gain", "good"]
    with pytest.raises(UserError, match="implausible=kep is text, expected one of error, keep; nearest: keep"):
        load_folder(folder, implausible="kep")


def test_no_real_recording_is_implausible(shared_data):
    pytest.importorskip("pyabf", reason="extra abf is not installed")
    folder = shared_data / "patch_clamp"
    for path in (*folder.glob("abf/*.abf"), *folder.glob("nwb/**/*.nwb")):
        recording = read(path)
        assert plausible(recording).sweeps == recording.sweeps, path


def doubts_of(change):
    return doubts(chosen([sweep(k, change(voltage(k)), current(k)) for k in (3, 5, 9)]))


def test_a_cell_that_rests_where_none_spikes_is_noted():
    assert doubts_of(lambda v: v) == []
    (said,) = doubts_of(lambda v: v + 60)
    assert said.startswith("its potential rests at -10") and said.endswith("an offset?")


def test_spikes_that_are_cut_off_are_noted():
    def wide(v):
        v = v.copy()
        for k in range(1500, 2500, 200):
            v[k : k + 8] = -20
        return np.minimum(v, -20)

    (said,) = doubts_of(wide)
    assert said == "its spikes are cut off at -20 mV: features of their peaks are of no use"


def test_time_that_runs_backwards_is_noted():
    """Sodium channels open faster than potassium channels close a spike: it rises faster than it falls."""

    def steep(v):
        v = v.copy()
        v[2000:2005] = (-60, 30, 10, -20, -50)
        return v

    assert doubts_of(steep) == []
    backwards = [sweep(k, steep(voltage(k))[::-1], current(k)[::-1]) for k in (3, 5, 9)]
    (said,) = doubts(chosen(backwards))
    assert said == "its spikes rise 0.33 times as fast as they fall, as no neuron's do: does time run backwards?"


def test_a_rheobase_that_no_neuron_has_is_noted():
    two = chosen(
        [sweep(k, voltage(k), 1000 * current(k)) for k in (3, 5)] + [sweep(9, voltage(9), current(5) * 1000.6)]
    )
    (said,) = doubts(two)
    assert said.startswith("its rheobase is 70,000 pA")


def test_a_cell_that_was_lost_between_the_two_sweeps_is_noted():
    two = chosen([sweep(k, voltage(k) + 40 * (k == 9), current(k)) for k in (3, 5, 9)])
    (said,) = doubts(two)
    assert said.startswith("its potential rests at -70 mV in one sweep and -30 mV in another")


def two_of(change=lambda k, v: v, amps=lambda k, i: i, numbers=(3, 5, 9)):
    return chosen([sweep(k, change(k, voltage(k)), amps(k, current(k))) for k in numbers])


def test_usual_sweeps_are_not_doubted():
    assert doubts(two_of()) == [] == doubts(two_of(amps=lambda k, i: i - 20))
    weak = [sweep(k, voltage(3) + 4.0 * k, current(3)) for k in range(5)]  # 16 mV in all
    strong = [sweep(k, voltage(k) + 20, current(k)) for k in (5, 9)]
    assert doubts(chosen([*weak, *strong])) == []


@pytest.mark.parametrize(
    ("change", "amps", "said"),
    [
        (lambda k, v: v, lambda k, i: i + 100, "it is held with 100 pA before its steps, which count from there"),
        (lambda k, v: v, lambda k, i: i - 10 * k, "it is held with -90 to -30 pA before its steps"),
        (lambda k, v: v - 30, lambda k, i: i, "its potential rests at -100 mV: was a junction potential"),
        (lambda k, v: v + 25 * (current(k) > 0), lambda k, i: i,
         "its potential jumps by 25.* mV when the current is switched on: is the bridge balanced"),
        (lambda k, v: v + 20 * (k == 3), lambda k, i: i, "-50 mV in one sweep and -70 mV in another: .* two cells"),
    ],
    ids=["held", "held differently", "junction", "bridge", "another cell"],
)  # fmt: skip
def test_what_is_doubted(change, amps, said):
    (found,) = doubts(two_of(change, amps))
    assert re.search(said, found)


def test_spikes_in_a_sweep_without_a_step_are_told():
    two = two_of(amps=lambda k, i: i * (k != 7), numbers=(3, 5, 9))
    assert notes_on(two) == []
    lost = chosen([*(s.sweep for s in two.squares), sweep(12, voltage(9), np.zeros(6000))])
    assert notes_on(lost)[0].startswith("sweeps of it hold spikes and no current step: was their current recorded?")
