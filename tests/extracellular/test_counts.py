"""Histograms are the same whether a file holds spikes, counts, probabilities or rates."""

import numpy as np
import pytest

from celltype_cli.extracellular import counts


def spikes(seed=0, n=400):
    return np.cumsum(np.random.default_rng(seed).exponential(0.02, size=n)).round(4)


def test_correlogram_counts_every_pair_once_in_bins_about_whole_lags():
    at = spikes() * 1000
    lag = np.floor((at[None] - at[:, None])[np.triu_indices(len(at), 1)] + 0.5)
    expected = np.array([(lag == k).sum() for k in range(1, 101)], dtype=float)
    np.testing.assert_array_equal(counts.correlogram(spikes()), (expected / expected.sum()).astype(np.float32))


def test_intervals_are_those_below_100_ms():
    got = counts.intervals(np.array([0.0, 0.0005, 0.0030, 0.0132, 0.5]))
    assert np.flatnonzero(got).tolist() == [0, 2, 10]  # 0.5, 2.5 and 10.2 ms
    assert got.sum() == pytest.approx(1)


def test_counts_probabilities_and_rates_are_one():
    raw = np.random.default_rng(0).integers(0, 90, size=130)
    for factor in (1, 0.001, 37.5):
        np.testing.assert_allclose(counts.scaled(raw * factor, "isi"), counts.scaled(raw, "isi"), rtol=1e-6)
    assert counts.scaled(raw, "isi").sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros(100), "empty"),
        (np.ones(99), "expected 100 bins"),
        (np.full(100, -1.0), "negative"),
        (np.full(100, np.nan), "not finite"),
    ],
)
def test_what_is_no_histogram_is_refused(values, says):
    with pytest.raises(ValueError, match=says):
        counts.scaled(values, "correlogram")


def test_no_spikes_give_no_histogram():
    for train in (np.empty(0), np.array([1.0]), np.array([1.0, 2.0])):
        with pytest.raises(ValueError, match="empty"):
            counts.correlogram(train)
        with pytest.raises(ValueError, match="empty"):
            counts.intervals(train)


def test_on_a_log_scale_each_pair_and_interval_is_counted_in_its_bin():
    at, edges = spikes() * 1000, 10 ** (np.arange(101) / 25)  # ms
    lag = (at[None] - at[:, None])[np.triu_indices(len(at), 1)]
    expected = np.histogram(lag, edges)[0]
    np.testing.assert_allclose(counts.log_pairs(spikes()) * np.diff(edges), expected, rtol=1e-9)
    assert counts.log_gaps(np.array([0.0, 0.0005, 0.0020, 0.0120, 5.0120, 20.0])).nonzero()[0].tolist() == [4, 25, 92]
    poisson = np.cumsum(np.random.default_rng(0).exponential(0.02, size=20_000))
    late = counts.log_pairs(poisson)[50:90]
    assert late.std() / late.mean() < 0.05  # where no spike tells of another, all bins are alike


def test_densities_on_a_log_scale_give_the_same_intervals_in_ms_and_in_log_bins():
    train = np.cumsum(np.random.default_rng(0).gamma(3, 0.01, size=20_000))
    density = counts.log_gaps(train) / np.diff(counts.LOG_EDGES)
    np.testing.assert_allclose(counts.of_density(density), counts.log_gaps(train))
    linear = counts.scaled(counts.of_log10(density), "isi")
    assert np.abs(np.cumsum(linear) - np.cumsum(counts.intervals(train))).max() < 0.02
