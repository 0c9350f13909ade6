"""Wide scalograms: their frequencies, where a spike shows, and that none is passed over between two columns."""

import numpy as np
import pytest

from celltype_cli.core.messages import UserError
from celltype_cli.patch_clamp import scalograms
from celltype_cli.patch_clamp.wide_scalograms import frequencies, scalogram


def spike(at, width_ms, n=4800, rate=4000.0):
    """A hump of 80 mV whose half-width is given, at sample `at`."""
    sd = width_ms / 1e3 * rate / 2.355
    return 80 * np.exp(-((np.arange(n) - at) ** 2) / (2 * sd**2)).astype(np.float32)


def test_rows_are_equal_ratios_from_20_to_1600_hz():
    assert frequencies(3) == pytest.approx([20, np.sqrt(20 * 1600), 1600])


def test_a_pixel_is_the_logarithm_of_the_largest_coefficient_of_its_time():
    window = np.stack([spike(500, 1.0), spike(3000, 2.0)])
    every = np.expm1(scalogram(window, size=(6, 4800)).astype(float))  # nothing is pooled: |c| itself
    pooled = scalogram(window, size=(6, 48))
    assert pooled.shape == (2, 6, 48)
    assert pooled.dtype == np.float32
    assert np.allclose(np.expm1(pooled), every.reshape(2, 6, 48, 100).max(axis=-1), rtol=1e-3)
    assert pooled[0].argmax(axis=-1).tolist() == [5] * 6  # 500 of 4,800 samples lie in the sixth of 48 columns


def test_a_column_has_its_samples_also_where_they_do_not_divide():
    image = scalogram(spike(4799, 1.0)[None], size=(4, 7))
    assert image.shape == (1, 4, 7)
    assert image[0, -1].argmax() == 6


def test_spikes_of_other_widths_differ_above_the_published_frequencies():
    narrow, broad = (scalogram(spike(2000, width)[None], size=(32, 48))[0].max(axis=-1) for width in (0.6, 1.5))
    high = frequencies(32) > 400
    assert (narrow[high] > broad[high]).mean() > 0.9
    assert (narrow[~high] < broad[~high]).all()


def test_a_spike_shows_wherever_it_falls_between_two_columns():
    def span(transform):
        tops = [transform(spike(2000 + k, 0.8)[None], size=(32, 48))[0, -1].max() for k in range(0, 100, 7)]
        return max(tops) / min(tops)

    assert span(scalogram) < 1.2
    assert span(scalograms.scalogram) > 3  # reads two of a hundred columns


def test_more_columns_than_samples_are_refused():
    with pytest.raises(UserError, match="4801 columns needs as many samples, the window has 4800"):
        scalogram(spike(5, 1.0)[None], size=(4, 4801))
