"""The 3D autocorrelogram by counting pairs is, to the last bit, what its definition gives window by window."""

import numpy as np
import pytest

from celltype_cli.extracellular import acg


def by_definition(spikes):
    """Counts over 10 levels and 1 to 1,000 ms, a window at a time, and the spikes of each level."""
    at = np.floor(np.asarray(spikes) * 1000 + 1e-6).astype(int)
    train = np.zeros(at[-1] + 1, dtype=bool)
    train[at] = True
    rate = np.zeros(len(train))
    for before, here, after in zip(at[:-2], at[1:-1], at[2:], strict=True):
        start, stop = before + (here - before) // 2, here + (after - here) // 2
        if stop > start:
            rate[start:stop] = 1.0 / ((stop - start) * 0.001)
    smooth = np.convolve(rate, np.ones(250) / 250, mode="same")
    for i in (*range(250), *range(len(rate) - 250, len(rate))):
        smooth[i] = np.mean(rate[max(0, i - 125) : min(len(rate), i + 125)])
    edges = np.quantile(smooth[at], np.arange(1, 11) / 11)
    counts, times = np.zeros((10, 1000)), np.zeros(10)
    for here in at:
        if here < 1000 or here + 1001 >= len(train):
            continue
        over = np.flatnonzero(edges >= smooth[here])
        level = over[0] if len(over) else 9
        counts[level] += train[here + 1 : here + 1001]
        times[level] += 1
    return counts, times


def gamma(seed, rate=30.0, seconds=60, shape=3.0):
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.gamma(shape, 1 / (rate * shape), size=int(rate * seconds)))


def check_by_definition(spikes):
    counts, times = by_definition(spikes)
    share = counts / np.maximum(times, 1)[:, None] * 10
    np.testing.assert_array_equal(acg.acg_3d(spikes), acg._on_log_lags(share).astype(np.float32))
    return times


@pytest.mark.parametrize(("seed", "rate"), [(0, 3.0), (1, 30.0), (2, 200.0)])
def test_pairs_give_what_windows_give(seed, rate):
    times = check_by_definition(gamma(seed, rate))
    assert times[9] > 1.5 * times[:9].max()  # the last two elevenths


@pytest.mark.parametrize("interval", [0.0004, 0.0237, 0.1])
def test_where_many_spikes_have_the_same_rate_rounding_decides_as_in_the_definition(interval):
    check_by_definition(np.arange(0, 6, interval))


def test_real_units_come_out_as_defined_to_the_last_bit(shared_data):
    with np.load(shared_data / "extracellular/cellexplorer/units_with_spikes.npz") as file:
        delta, ends, ticks = (file[name] for name in ("spike_tick_delta", "spike_offsets", "tick_hz"))
    for i in (24, 28, 40):  # of few spikes, and with rates at the edge of two levels
        check_by_definition(np.cumsum(delta[ends[i] : ends[i + 1]], dtype=np.int64) / ticks)


def test_one_stands_for_100_hz_and_a_regular_unit_is_silent_before_its_interval():
    rng = np.random.default_rng(0)
    poisson = np.cumsum(rng.exponential(1 / 100, size=20_000))
    flat = acg.acg_3d(poisson)
    assert flat.shape == (10, 101)
    assert (flat[:, 0] == 0).all()
    far = flat[:, 80:].mean()
    assert far == pytest.approx(0.95, abs=0.04)  # bins of 1 ms hold one spike at most: 1 - exp(-0.1) of 0.1
    slow = acg.acg_3d(np.arange(0, 100, 0.1))
    assert slow[:, acg.lag_axis() < 75].max() == 0  # 100 ms, less four lags that are smoothed over
    assert slow[:, acg.lag_axis() > 75].max() > 0


def test_lags_are_smoothed_without_loss():
    rows = np.zeros((10, 1000))
    rows[:, :] = 0.3
    np.testing.assert_allclose(acg._on_log_lags(rows)[:, 1:], 0.3)


@pytest.mark.parametrize("spikes", [np.empty(0), np.array([1.0]), np.linspace(0, 1.5, 300)])
def test_trains_shorter_than_a_window_are_refused(spikes):
    with pytest.raises(ValueError, match="no window fits"):
        acg.acg_3d(spikes)


def test_units_of_a_public_file_come_out_as_computed_elsewhere(shared_data):
    with np.load(shared_data / "extracellular/cellexplorer/units_with_spikes.npz") as file:
        data = {name: file[name] for name in ("acg3d_log", "spike_tick_delta", "spike_offsets", "tick_hz")}
    ends, same = data["spike_offsets"], 0
    for i in np.argsort(np.diff(ends))[:8]:  # those of few spikes, so that it is quick
        spikes = np.cumsum(data["spike_tick_delta"][ends[i] : ends[i + 1]].astype(np.int64)) / data["tick_hz"]
        got, wanted = acg.acg_3d(spikes)[:, 1:] / 10, data["acg3d_log"][i]  # that file has no factor of 10
        # Where the rate at a spike is the edge of two levels, the last bit of a sum decides: two such units.
        np.testing.assert_allclose(got, wanted, atol=0.003)
        same += np.allclose(got, wanted, rtol=1e-6, atol=1e-7)
    assert same >= 6


def of_spikeinterface(spikes, rate=30_000):
    """The same quantity by SpikeInterface's acgs_3d: the chance of a spike at lags of 1 to 1,000 ms, by level."""
    core = pytest.importorskip("spikeinterface.core", reason="extra sorting is not installed")
    from spikeinterface.postprocessing.correlograms import compute_acgs_3d

    train = np.round(np.asarray(spikes) * rate).astype(np.int64)
    sorting = core.NumpySorting.from_unit_dict([{0: train}], sampling_frequency=rate)
    found, _, _ = compute_acgs_3d(sorting, window_ms=2000.0, bin_ms=1.0, n_jobs=1, progress_bar=False)
    return found[0, :, 1001:]


def assert_as_spikeinterface(spikes):
    """It counts spikes of the last second, too; so that none is there, one more spike is put 2 s after the others."""
    spikes = np.r_[spikes, spikes[-1] + 2]
    wanted = acg._on_log_lags(of_spikeinterface(spikes) * 10).astype(np.float32)
    np.testing.assert_allclose(acg.acg_3d(spikes), wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("seed", "rate"), [(0, 3.0), (1, 30.0), (2, 120.0)])
def test_it_is_that_of_spikeinterface(seed, rate):
    assert_as_spikeinterface(np.round(gamma(seed, rate) * 30_000) / 30_000)


def test_recorded_units_come_out_as_by_spikeinterface(shared_data):
    with np.load(shared_data / "extracellular/cellexplorer/units_with_spikes.npz") as file:
        data = {name: file[name] for name in ("spike_tick_delta", "spike_offsets", "tick_hz")}
    ends = data["spike_offsets"]
    for i in np.argsort(np.diff(ends))[[0, 11, 21]]:  # of few spikes; in two the last second makes all the difference
        spikes = np.cumsum(data["spike_tick_delta"][ends[i] : ends[i + 1]].astype(np.int64)) / data["tick_hz"]
        assert_as_spikeinterface(spikes)
