"""Waveforms of any rate, size, sign and channel count become one shape; finished ones pass as they are."""

import numpy as np
import pytest

from celltype_cli.extracellular import waveforms


def spike(rate=30_000.0, ms=4.0, peak=1.5, width=0.15, scale=-80.0):
    t = np.arange(round(ms * rate / 1000)) / rate * 1000 - peak
    return scale * (np.exp(-((t / width) ** 2)) - 0.4 * np.exp(-(((t - 0.5) / 0.3) ** 2)))


def test_peak_is_minus_one_a_millisecond_in():
    got = waveforms.normalised(spike()[None], 30_000.0)
    assert got.shape == (90,)
    assert got.dtype == np.float32
    assert got.argmin() == 30
    assert got.min() == pytest.approx(-1)
    assert abs(np.median(got[:30])) < 1e-6


@pytest.mark.parametrize("rate", [20_000.0, 24_414.0625, 40_000.0])
def test_other_rates_give_the_same(rate):
    expected = waveforms.normalised(spike()[None], 30_000.0)
    got = waveforms.normalised(spike(rate)[None], rate)
    assert np.abs(got - expected)[10:80].max() < 0.12  # the peak may fall between samples


def test_sign_scale_and_offset_do_not_matter_and_the_largest_channel_is_taken():
    expected = waveforms.normalised(spike()[None], 30_000.0)
    channels = np.stack([0.2 * spike(), 0.01 * spike(width=0.3), -3 * spike() + 40])
    np.testing.assert_allclose(waveforms.normalised(channels, 30_000.0), expected, atol=1e-6)


def test_first_peak_that_is_high_enough_is_the_one():
    two = spike(peak=1.2, scale=-80) + spike(peak=2.4, scale=-100)
    assert waveforms.normalised(two[None], 30_000.0).argmin() != 30  # the second is lower, a peak the first
    small = spike(peak=1.2, scale=-50) + spike(peak=2.4, scale=-100)
    assert waveforms.normalised(small[None], 30_000.0).argmin() == 30


def test_channels_and_samples_that_only_fill_up_do_not_count():
    filled = np.full((3, 150), np.nan)
    filled[1, :120] = spike()
    expected = waveforms.normalised(spike()[None], 30_000.0)
    np.testing.assert_array_equal(waveforms.normalised(filled, 30_000.0), expected)


def test_short_waveforms_are_filled_with_their_ends():
    got = waveforms.normalised(spike(ms=2.0, peak=0.6)[None], 30_000.0, before=1.5)
    assert got.argmin() == 45
    assert np.ptp(got[:27]) == 0


def test_finished_waveforms_pass_unchanged():
    once = waveforms.normalised(spike()[None], 30_000.0, before=1.5)
    assert waveforms.is_finished(once[None], 30_000.0)
    assert waveforms.peak_of_finished(once[None]) == pytest.approx(1.5)
    np.testing.assert_array_equal(waveforms.normalised(once[None], 30_000.0, before=1.0), once)


@pytest.mark.parametrize(
    ("waveform", "rate", "says"),
    [
        (np.zeros((1, 60)), 30_000.0, "constant"),
        (np.full((1, 60), np.nan), 30_000.0, "all 60 values"),
        (np.where(np.arange(120) == 50, np.inf, spike())[None], 30_000.0, "1 values"),
        (np.ones((1, 3)), 30_000.0, "3 samples"),
        (np.empty((0, 0)), 30_000.0, "holds no waveform"),
        (spike()[None, 50:62], 30_000.0, "lasts 0.4 ms; expected 0.5 ms"),
        (np.ones((40, 12)), 30_000.0, r"of 40 channels: is it \[unit, time, channel\]"),
        (spike()[None], 0.0, "positive number of Hz"),
    ],
)
def test_what_is_no_waveform_is_refused(waveform, rate, says):
    with pytest.raises(ValueError, match=says):
        waveforms.normalised(waveform, rate)
