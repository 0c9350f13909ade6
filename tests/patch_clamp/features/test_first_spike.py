"""First spikes in ramps and after short squares, in sweeps whose currents and voltages are made by formula."""

import math
from dataclasses import replace

import numpy as np
import pytest
from made.spikes import REST, ramp, short_square

pytest.importorskip("allensdk.ephys.ephys_extractor", reason="needs the extra allen")

from celltype_cli.patch_clamp.features import first_spike  # noqa: E402

RATES = (10_000.0, 20_000.0, 50_000.0)
OTHER = short_square(amplitude=-400.0), replace(ramp(), current=np.zeros(200_000, np.float32))


@pytest.mark.parametrize("rate", RATES)
def test_the_first_spike_of_a_ramp(rate):
    found = first_spike.of_ramps([ramp(2.0, 2.2, rate=rate, baseline=-26.0)])
    assert tuple(found) == first_spike.names("ramp")
    assert found["threshold_t_ramp (ms from onset)"] == pytest.approx(2000, abs=1)
    assert found["threshold_i_ramp (pA)"] == pytest.approx(50, abs=0.2)  # 25 pA/s, from the baseline
    assert found["threshold_v_ramp (mV)"] == pytest.approx(-50, abs=0.5)
    assert found["peak_v_ramp (mV)"] == pytest.approx(30, abs=0.1)
    assert found["trough_v_ramp (mV)"] == found["slow_trough_v_ramp (mV)"] == pytest.approx(-65, abs=0.1)
    assert found["spike_height_ramp (mV)"] == pytest.approx(80, abs=0.6)


def test_ramps_are_averaged_over_those_that_evoke_a_spike():
    sweeps = [ramp(1.0, number=1), ramp(number=2), ramp(1.4, number=3), *OTHER]
    found = first_spike.of_ramps(sweeps)
    assert found["threshold_i_ramp (pA)"] == pytest.approx(30, abs=0.2)
    assert found["peak_t_ramp (ms from threshold)"] == pytest.approx(0.4, abs=0.1)


def test_what_some_ramps_lack_is_averaged_over_the_others():
    """The slow trough of the last spike is unknown: of one of these ramps."""
    one, two = ramp(1.0, number=1), ramp(1.4, 1.6, number=2)
    alone = first_spike.of_ramps([two])["slow_trough_v_ramp (mV)"]
    assert "slow_trough_v_ramp (mV)" not in first_spike.of_ramps([one])
    assert first_spike.of_ramps([one, two])["slow_trough_v_ramp (mV)"] == alone == pytest.approx(-65, abs=0.1)


@pytest.mark.parametrize("rate", RATES)
def test_short_squares_count_where_most_sweeps_fire(rate):
    """At 400 pA two of three sweeps fire; at 500 pA two as well; at 600 pA one."""
    sweeps = [
        short_square(rate=rate),
        *(short_square(latency, rate=rate, amplitude=400.0 + jitter) for latency, jitter in ((0.003, 0), (0.005, 0.3))),
        *(short_square(0.002, rate=rate, amplitude=500.0) for _ in range(2)),
        short_square(0.002, rate=rate, amplitude=600.0),
    ]
    found = first_spike.of_short_squares(sweeps)
    assert found["threshold_i_short_square (pA)"] == pytest.approx(400.15)
    assert found["threshold_t_short_square (ms from onset)"] == pytest.approx(4, abs=0.2)
    assert found["peak_v_short_square (mV)"] == pytest.approx(30, abs=0.1)


def test_the_charging_of_the_membrane_is_no_spike():
    """It goes at 15 V/s, which is more than 5 % of the upstroke, where else the threshold is."""
    sweep = short_square(0.0013)
    found = first_spike.of_short_squares([sweep])
    assert found["threshold_t_short_square (ms from onset)"] == pytest.approx(1.3, abs=0.1)
    as_in_steps = first_spike.with_spikes(sweep, 1.02, 1.0)
    assert as_in_steps.spikes()[0]["threshold_v"] < -65


def test_a_short_square_that_shifts_the_voltage_is_no_spike():
    """It goes at 75 V/s to -25 mV, which by the criteria for steps is a spike; a spike at 30 ms follows."""

    def shifted(*thresholds_s):
        sweep = short_square(*thresholds_s)
        time = np.arange(len(sweep.voltage)) / sweep.sampling_rate - 1.02
        shift = np.interp(time, [0.0001, 0.0007, 0.0008, 0.02], [0, 45, 45, 0])
        return replace(sweep, voltage=((sweep.voltage if thresholds_s else REST) + shift).astype(np.float32))

    assert first_spike.with_spikes(shifted(), 1.02, 1.0).spikes()[0]["peak_v"] == pytest.approx(-25, abs=1)
    found = first_spike.of_short_squares([shifted(), shifted(), shifted(0.03)])
    assert found["threshold_t_short_square (ms from onset)"] == pytest.approx(30, abs=0.1)


def test_the_amplitude_is_that_of_most_sweeps_whatever_their_sampling_rate():
    one, five = short_square(0.004, rate=10_000.0), [short_square(0.004, amplitude=500.0) for _ in range(5)]
    for sweeps in ([one, *five], [*five, one]):
        assert first_spike.of_short_squares(sweeps)["threshold_i_short_square (pA)"] == 500


def test_the_trough_is_of_the_second_after_the_onset():
    sweep = short_square(0.004)
    late = sweep.voltage.copy()
    at = round(1.9 * sweep.sampling_rate)
    late[at : at + 500] -= 10.0
    found = first_spike.of_short_squares([replace(sweep, voltage=late)])
    assert found["trough_v_short_square (mV)"] == pytest.approx(late[at : at + 500].min(), abs=0.5)


def test_without_such_stimuli_nothing_is_found():
    assert first_spike.of_ramps(OTHER) == first_spike.of_short_squares(OTHER) == {}
    assert first_spike.of_ramps([]) == first_spike.of_short_squares([short_square()]) == {}


def test_a_short_square_at_the_end_of_its_recording():
    whole = short_square(0.004)
    cut = round(1.2 * whole.sampling_rate)
    found = first_spike.of_short_squares([replace(whole, voltage=whole.voltage[:cut], current=whole.current[:cut])])
    assert math.isclose(found["peak_v_short_square (mV)"], 30, abs_tol=0.1)
