"""Numbers worked out by hand, and invariants, of the array functions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made.configs import cells, compose

from celltype_cli.calcium.features import LAGS, TRACE_FEATURES, trace_features
from celltype_cli.calcium.traces import dff, windows
from celltype_cli.cells.columns import table_of
from celltype_cli.core.signals import resample, split_at_gaps

RATES = [7.8125, 10.037, 15.625, 26.589, 26.58908, 30.0135, 31.6561, 158.2804, 500.0]  # Hz, of CASCADE


def sine(frequency, rate, seconds):
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate + 0.7)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frequency", [0.3, 2.0, 3.0])
def test_resampling_keeps_time_and_amplitude(rate, frequency):
    got = resample(sine(frequency, rate, 200), rate, 7.5)
    expected = np.sin(2 * np.pi * frequency * np.arange(len(got)) / 7.5 + 0.7)
    assert np.abs(got - expected)[10:-10].max() < 3e-3


@pytest.mark.parametrize("rate", [r for r in RATES if r > 9])
def test_resampling_removes_what_the_new_rate_cannot_hold(rate):
    assert np.abs(resample(sine(4.5, rate, 200), rate, 7.5))[10:-10].max() < 1 / 500


def test_resampling_does_not_extrapolate():
    trace = np.full(101, 3.0)  # 0 to 10 s at 10 Hz
    assert resample(trace, 10.0, 5.0) == pytest.approx(np.full(51, 3.0))
    assert len(resample(trace, 10.0, 7.5)) == 76  # the last at 10 s
    assert len(resample(trace[:100], 10.0, 7.5)) == 75  # 10 s would lie after the end


def test_resampling_to_the_same_rate_changes_nothing():
    trace = sine(1.0, 30.0, 3)
    assert resample(trace, 30.0, 30.0) is trace


def test_windows_follow_each_other():
    assert windows(np.arange(10.0), 4).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert windows(np.arange(3.0), 4).shape == (0, 4)


def test_a_gap_ends_a_segment():
    time = np.array([0.0, 0.1, 0.2, 0.9, 1.0, 1.1, 1.2])
    segments, rate = split_at_gaps(time, np.arange(7.0))
    assert [s.tolist() for s in segments] == [[0, 1, 2], [3, 4, 5, 6]]
    assert rate == pytest.approx(10)


def test_a_stamp_that_occurs_twice_is_left_out():
    segments, rate = split_at_gaps(np.array([0.0, 0.5, 1.0, 1.5, 1.5]), np.arange(5.0))
    assert [s.tolist() for s in segments] == [[0, 1, 2, 3]]
    assert rate == 2


def test_stamps_rounded_to_milliseconds_keep_their_rate():
    time = np.round(np.arange(3000) / 30.03, 3)
    assert split_at_gaps(time, np.zeros(3000))[1] == pytest.approx(30.03, rel=1e-5)
    assert 1 / np.median(np.diff(time)) == pytest.approx(30.3, rel=1e-3)  # the obvious estimate is 1 % off


def test_no_segment_in_a_single_sample():
    assert split_at_gaps(np.array([1.0]), np.array([1.0]))[0] == ()


def test_dff_of_a_step_and_of_drift():
    fluorescence = np.full(1000, 200.0)
    fluorescence[500:510] = 300.0
    got = dff(fluorescence, 10.0)
    assert np.flatnonzero(got).tolist() == list(range(500, 510))
    assert got[500:510] == pytest.approx(0.5)
    bleached = fluorescence * np.linspace(1, 0.2, 1000)
    assert dff(bleached, 10.0, window=2.0)[100:450].max() < 0.05  # the baseline follows
    assert dff(7 * fluorescence, 10.0) == pytest.approx(got)


@pytest.mark.parametrize("offset", [0.0, -5.0])
def test_dff_needs_a_positive_baseline(offset):
    with pytest.raises(ValueError, match="baseline"):
        dff(np.sin(np.arange(100.0)) * (offset != 0) + offset, 10.0)


def features(*traces):
    return [
        dict(zip(TRACE_FEATURES, row, strict=True)) for row in trace_features(np.array(traces, dtype=float)[:, None])
    ]


def test_features_by_hand():
    (got,) = features([0, 0, 0, 4])  # mean 1, sd sqrt(3), z = -1/sqrt(3) three times and sqrt(3)
    assert got["mean"] == 1
    assert got["sd"] == pytest.approx(3**0.5)
    assert got["skewness"] == pytest.approx(2 / 3**0.5)
    assert got["kurtosis"] == pytest.approx(7 / 3)
    assert (got["minimum"], got["q50"], got["maximum"]) == (0, 0, 4)
    assert got["q95"] == pytest.approx(3.4)  # 0.85 of the way from the third to the fourth value
    assert got["noise"] == 0  # the median of 0, 0, 4
    assert got["autocorrelation_1"] == pytest.approx((1 / 3 + 1 / 3 - 1) / 4)
    assert got["autocorrelation_2"] == pytest.approx((1 / 3 - 1) / 4)
    assert got["autocorrelation_8"] == 0
    assert got["step_to_sd"] == pytest.approx((32 / 9) ** 0.5 / 3**0.5)  # steps 0, 0, 4
    assert got["step_skewness"] == pytest.approx(1 / 2**0.5)  # z = -1/sqrt(2) twice and sqrt(2)
    assert got["step_kurtosis"] == pytest.approx(1.5)
    assert got["step_q99"] == pytest.approx(2**0.5 - 0.02 * 1.5 * 2**0.5)  # 0.98 of the way from -1/sqrt(2)
    assert got["drift_to_sd"] == pytest.approx(1)  # four parts of one sample each


def test_events_by_hand():
    def pulses(*at):
        trace = np.zeros(40)
        trace[list(at)] = 10
        return trace

    regular, bursting, lone = features(pulses(5, 10, 15, 20), pulses(2, 4, 6, 36), pulses(9))
    assert regular["event_rate"] == bursting["event_rate"] == regular["active_fraction"] == 0.1
    assert regular["burstiness"] == -1
    sd, mean = (4704 / 27) ** 0.5, 34 / 3  # of the intervals 2, 2, 30
    assert bursting["burstiness"] == pytest.approx((sd - mean) / (sd + mean))
    assert lone["burstiness"] == 0
    assert lone["event_rate"] == 1 / 40


def test_fast_rise_and_slow_decay_skew_the_steps():
    transient = np.exp(-np.arange(50) / 10)
    falling, rising = features(np.tile(transient, 4), np.tile(transient[::-1], 4))
    assert falling["step_skewness"] > 3
    assert rising["step_skewness"] == pytest.approx(-falling["step_skewness"])


def test_noise_of_white_noise_is_its_sd():
    trace = np.random.default_rng(0).normal(scale=0.3, size=(1, 1, 200_000))
    got = dict(zip(TRACE_FEATURES, trace_features(trace)[0], strict=True))
    assert got["noise"] == pytest.approx(0.3, rel=0.01)
    assert got["noise_to_sd"] == pytest.approx(1, rel=0.01)
    assert got["kurtosis"] == pytest.approx(3, rel=0.03)
    assert max(abs(got[f"autocorrelation_{lag}"]) for lag in LAGS) < 0.02


def test_features_without_unit_ignore_gain_and_offset():
    trace = np.random.default_rng(1).gamma(2.0, size=(3, 1, 500))
    names = [
        name
        for name in TRACE_FEATURES
        if name not in ("mean", "sd", "minimum", "q05", "q25", "q50", "q75", "q95", "maximum", "noise")
    ]
    columns = [TRACE_FEATURES.index(name) for name in names]
    assert trace_features(5 * trace - 3)[:, columns] == pytest.approx(trace_features(trace)[:, columns])


def test_features_of_a_row_do_not_depend_on_the_others():
    trace = np.random.default_rng(2).normal(size=(2003, 1, 1000))  # two chunks
    together = trace_features(trace)
    for row in (0, 1999, 2000, 2002):
        assert np.array_equal(trace_features(trace[row : row + 1])[0], together[row])
    assert trace_features(trace[:0]).shape == (0, len(TRACE_FEATURES))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 70).flatmap(
        lambda n: arrays(np.float32, (2, 1, n), elements=st.floats(-(2.0**99), 2.0**99, width=32))
    )
)
def test_features_are_finite(trace):
    assert np.isfinite(trace_features(trace)).all()


def noise_and_mean(trace):
    return trace_features(trace)[:, [TRACE_FEATURES.index("noise"), TRACE_FEATURES.index("mean")]]


def test_noise_by_hand():
    # Steps of 1, 1 and 2: their median is 1.
    assert noise_and_mean(np.array([[[0.0, 1.0, 2.0, 4.0]]]))[0] == pytest.approx([1 / 0.954, 1.75])


@pytest.mark.parametrize(
    ("model", "columns"), [("noise_and_mean_floor", [0, 1]), ("noise_floor", [0]), ("mean_floor", [1])]
)
def test_each_floor_takes_what_its_name_says(model, columns):
    trainer = compose("train", f"model={model}").trainer
    data = cells("calcium_sim", cells_per_class=2, timesteps=200)
    names, table = table_of(data, trainer.inputs, trainer.columns)
    assert names == [["noise", "mean"][k] for k in columns]
    assert np.array_equal(table, noise_and_mean(data.inputs["trace"])[:, columns])


def test_noise_and_mean_know_nothing_of_shape():
    """Another order of the same steps has the same noise; a trace put on its head has another mean alone."""
    step = np.random.default_rng(1).normal(size=400)
    trace = np.concatenate([[0.0], step.cumsum()])[None, None]
    turned = np.concatenate([[0.0], step[::-1].cumsum()])[None, None]
    assert noise_and_mean(turned)[0, 0] == pytest.approx(noise_and_mean(trace)[0, 0])
    assert noise_and_mean(-trace)[0] == pytest.approx(noise_and_mean(trace)[0] * [1, -1])
