"""Features of units whose values can be worked out by hand."""

import numpy as np
import pytest

from celltype_cli.extracellular import counts, features


def of_wave(wave):
    return dict(zip(features.OF_WAVEFORM, features.of_waveform(wave), strict=True))


def of_firing(spikes, lags, isi):
    return dict(zip(features.FIRING, features.of_firing(spikes, lags, isi), strict=True))


def test_waveform_of_straight_lines():
    wave = np.interp(np.arange(90), [0, 24, 30, 36, 45, 89], [0, 0, -1, 0, 0.5, 0.5])
    got = of_wave(wave)
    assert got["trough to peak (ms)"] == pytest.approx(15 / 30)
    assert got["half-width (ms)"] == pytest.approx(6 / 30)
    assert got["width at 25 % (ms)"] == pytest.approx(9 / 30)
    assert got["width at 75 % (ms)"] == pytest.approx(3 / 30)
    assert got["onset to trough (ms)"] == got["trough to recovery (ms)"] == pytest.approx(5.4 / 30)
    assert got["peak to trough"] == pytest.approx(0.5)
    assert got["peak before to trough"] == 0
    assert got["peaks after less before to trough"] == pytest.approx(0.5)
    assert got["height 0.3 to 0.5 ms after"] == pytest.approx(np.mean(wave[38:44]))
    assert got["height 0.8 to 1.2 ms after"] == pytest.approx(0.5)
    assert of_wave(3 * wave) == pytest.approx(got)


def test_waveforms_cut_elsewhere_and_short_ones_are_measured_alike():
    wave = np.interp(np.arange(200), [0, 94, 100, 106, 115, 199], [0, 0, -1, 0, 0.5, 0.3])
    first, second = of_wave(wave[70:160]), of_wave(wave[55:145])  # 1 and 1.5 ms before the trough
    assert first == pytest.approx(second)
    late = of_wave(wave[25:115])  # the trough 0.5 ms before the end
    assert np.isnan(late["height 0.8 to 1.2 ms after"])
    assert late["half-width (ms)"] == pytest.approx(first["half-width (ms)"])


def test_regular_poisson_and_alternating_trains():
    regular = of_firing(np.arange(0, 10, 0.1), None, None)
    assert regular["rate (Hz)"] == pytest.approx(10)
    assert [regular[n] for n in ("CV", "CV2", "LV")] == pytest.approx([0, 0, 0], abs=1e-9)
    assert np.isnan([regular[n] for n in (*features.OF_COUNTS, *features.OF_NUMBERS)]).all()
    poisson = of_firing(np.cumsum(np.random.default_rng(0).exponential(0.05, size=50_000)), None, None)
    assert [poisson[n] for n in ("CV", "CV2", "LV")] == pytest.approx([1, 1, 1], abs=0.03)
    alternating = of_firing(np.cumsum(np.tile([0.1, 0.3], 50)), None, None)
    assert alternating["CV2"] == pytest.approx(1)  # 2 * 0.2 / 0.4
    assert alternating["LV"] == pytest.approx(0.75)  # 3 * 0.5 ** 2


def test_histograms():
    isi, lags = np.zeros(100), np.zeros(100)
    isi[20:40], lags[9:] = 50, 80
    got = of_firing(None, lags, isi)
    assert got["interval at 50 % of those to 100 ms (ms)"] == pytest.approx(30)
    assert got["interval at 5 % of those to 100 ms (ms)"] == pytest.approx(21)
    assert got["interval at 75 % over that at 25 %"] == pytest.approx(35.3 / 25.3)
    assert got["most frequent interval (ms)"] == pytest.approx(30, abs=8)  # anywhere on the plateau
    assert got["refractory period (ms)"] == pytest.approx(9.5, abs=0.1)  # half way from 0 to 80, of lags 9 and 10
    assert got["lags of 1 to 3 ms over the mean"] == 0
    assert got["lags of 13 to 25 ms over the mean"] == pytest.approx(100 / 91)
    assert got["pairs to 100 ms for each interval"] == pytest.approx((91 * 80 + 1) / 1001)
    assert got["intervals to 100 ms, n / (n + 1000)"] == pytest.approx(0.5)


def test_what_is_no_count_tells_shapes_and_no_numbers():
    rng = np.random.default_rng(0)
    isi, lags = rng.integers(1, 50, 100), rng.integers(1, 50, 100)
    counted, scaled = of_firing(None, lags, isi), of_firing(None, lags / lags.sum(), isi * 0.3)
    assert {name: scaled[name] for name in features.OF_COUNTS} == pytest.approx(
        {name: counted[name] for name in features.OF_COUNTS}
    )
    assert np.isfinite([counted[name] for name in features.OF_NUMBERS]).all()
    assert np.isnan([scaled[name] for name in features.OF_NUMBERS]).all()


def test_half_of_a_recording_gives_nearly_the_same():
    rng = np.random.default_rng(1)
    spikes = np.cumsum(rng.gamma(4, 0.012 / 4, size=40_000))
    half = spikes[: len(spikes) // 2]
    whole, part = (of_firing(None, counts.pairs(train), counts.gaps(train)) for train in (spikes, half))
    for name in (*features.OF_COUNTS, *features.OF_NUMBERS):
        assert part[name] == pytest.approx(whole[name], rel=0.06, abs=0.02), name


@pytest.mark.parametrize("spikes", [None, np.empty(0), np.array([1.0, 2.0]), np.full(5, 3.0)])
def test_too_few_intervals_are_not_measured(spikes):
    assert np.isnan(features.of_spikes(spikes)).all()
