"""Features of units whose values can be worked out by hand."""

import numpy as np
import pytest

from celltype_cli.extracellular import features


def named(values):
    return dict(zip(features.FEATURES, values, strict=True))


def test_waveform_of_straight_lines():
    wave = np.interp(np.arange(90), [0, 24, 30, 36, 45, 89], [0, 0, -1, 0, 0.5, 0])
    got = named(features.of_unit(wave, None, None, None))
    assert got["trough to peak (ms)"] == pytest.approx(15 / 30)
    assert got["half-width (ms)"] == pytest.approx(6 / 30)
    assert got["peak to trough"] == pytest.approx(0.5)
    assert got["peak before to trough"] == 0
    assert np.isnan([got["rate (Hz)"], got["most frequent lag (ms)"], got["most frequent interval (ms)"]]).all()


def test_regular_poisson_and_alternating_trains():
    regular = named(features.of_unit(None, np.arange(0, 10, 0.1), None, None))
    assert regular["rate (Hz)"] == pytest.approx(10)
    assert [regular[n] for n in ("CV", "CV2", "LV")] == pytest.approx([0, 0, 0], abs=1e-9)
    poisson = named(
        features.of_unit(None, np.cumsum(np.random.default_rng(0).exponential(0.05, size=50_000)), None, None)
    )
    assert [poisson[n] for n in ("CV", "CV2", "LV")] == pytest.approx([1, 1, 1], abs=0.03)
    alternating = named(features.of_unit(None, np.cumsum(np.tile([0.1, 0.3], 50)), None, None))
    assert alternating["CV2"] == pytest.approx(1)  # 2 * 0.2 / 0.4
    assert alternating["LV"] == pytest.approx(0.75)  # 3 * 0.5 ** 2


def test_histograms():
    isi, lags = np.zeros(100), np.zeros(100)
    isi[20:40], lags[9:29] = 0.05, 0.05
    lags[14] = 0.08
    got = named(features.of_unit(None, None, lags, isi))
    assert got["interval at 50 % of those to 100 ms (ms)"] == pytest.approx(30)
    assert got["interval at 5 % of those to 100 ms (ms)"] == pytest.approx(21)
    assert got["most frequent interval (ms)"] == 20.5
    assert got["most frequent lag (ms)"] == 15
    assert got["refractory period (ms)"] == 10
    assert got["share of lags to 10 ms"] == pytest.approx(0.05 / 1.03)


@pytest.mark.parametrize("spikes", [None, np.empty(0), np.array([1.0, 2.0]), np.full(5, 3.0)])
def test_too_few_intervals_are_not_measured(spikes):
    assert np.isnan(features.of_spikes(spikes)).all()
